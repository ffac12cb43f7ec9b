using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Replay.Common;

namespace Settlement.Replay.Export.Iso;

/// <summary>
/// pacs.009: what is to be paid for each batch that is closed, and not reported settled, at the range's end; or for one batch, settled or not.
/// </summary>
/// <remarks>Bounds: positions of unsettled batches are kept until the end shows which they are; the ledger keeps as many itself.</remarks>
internal static class SettlementExport
{
    /// <exception cref="UsageException">The range is empty, or the batch or participant is not there.</exception>
    public static IsoSummary Run(IsoRequest request, IsoFolder folder)
    {
        RangePoint start;
        using (RangeStart at = RangeStart.At(request, request.From))
            start = at.Point;
        var carry = new SettlementCarry();
        var kept = new SortedDictionary<ulong, SettledBatch>();
        using JournalWalk walk = RangeStart.Open(request, request.To);
        bool any = false;
        while (walk.Next())
        {
            any = true;
            foreach (ClosedBatch batch in walk.ClosedNow)
            {
                List<SettlementPosition> positions = carry.Settle(batch, walk.State.Currencies);
                if (request.Batch is { } only ? batch.Number == only : batch.Number >= start.Batch)
                    kept.Add(batch.Number, new SettledBatch(batch.Number, batch.ClosedNs, positions));
            }

            if (request.Batch is not null && kept.Count > 0)
                break;
            foreach ((ulong settled, _) in SettledReports.In(walk))
                kept.Remove(settled);
        }

        if (request.Batch is null || kept.Count == 0)
            RangeStart.EndOfWalk(walk, request, any);
        if (!any)
            throw new UsageException($"{request.To} lies before the journal's first block.");
        RangePoint end = RangeStart.PointOf(walk.State);
        Check(request, kept.Count, start, end);
        return Write(request, folder, walk, kept.Values, start, end);
    }

    private static void Check(IsoRequest request, int kept, RangePoint start, RangePoint end)
    {
        if (request.Batch is { } wanted && kept == 0)
            throw new UsageException($"Batch {wanted} is not closed: the last closed batch is {end.Batch - 1}.");
        if (request.From is not null && end.Batch <= start.Batch)
        {
            throw new UsageException(
                $"The range is empty: no batch closes in it. It begins while batch {start.Batch} is open, and at its end the last closed batch is {end.Batch - 1}.");
        }
    }

    private static IsoSummary Write(
        IsoRequest request, IsoFolder folder, JournalWalk walk, IEnumerable<SettledBatch> kept, RangePoint start, RangePoint end)
    {
        ushort? only = request.Participant is { } text ? ParticipantChoice.Find(walk.State, text) : null;
        if (only == Limits.OperatorParticipant)
            throw new UsageException("The operator is the settlement agent, on one side of every instruction: leave out --participant.");
        var summary = new IsoSummaryBuilder(request);
        var ledger = new IsoLedger(walk.LedgerId, walk.State);
        var files = new SettlementFiles(folder, ledger, request.EntriesMax);
        foreach (SettledBatch batch in kept)
        {
            summary.Batches++;
            for (int index = 1; index <= ledger.CurrencyCount; index++)
            {
                IsoCurrency currency = ledger.Currency(index);
                (int instructions, Int128 paidIn, Int128 paidOut) = files.Write(batch, currency, only);
                summary.Add(currency, instructions, paidOut, paidIn);
            }
        }

        return summary.Build(walk.LedgerId, start, end, folder.Count);
    }
}
