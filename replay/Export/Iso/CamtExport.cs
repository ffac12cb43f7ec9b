using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Replay.Common;

namespace Settlement.Replay.Export.Iso;

/// <summary>
/// camt.053 and camt.054: one walk over the range gathers movements, which are then written account by account. Each account's opening balance and
/// movements are held against its closing balance in the ledger; if they do not come to it, the export stops.
/// </summary>
internal sealed class CamtExport : IDisposable
{
    private readonly IsoRequest _request;
    private readonly IsoFolder _folder;
    private readonly RangeStart _start;
    private readonly MovementSort _sort;
    private readonly List<BatchTimes> _batches = []; // closed in the range, in order
    private readonly IsoSummaryBuilder _summary;
    private IsoLedger? _ledger;
    private ulong _beganNs;
    private RangePoint _end;

    private CamtExport(IsoRequest request, IsoFolder folder, JournalPoint? from)
    {
        (_request, _folder) = (request, folder);
        _summary = new IsoSummaryBuilder(request);
        _start = request.Format == IsoFormat.Camt054 ? RangeStart.AtBatch(request, from) : RangeStart.At(request, from);
        _sort = new MovementSort(folder.ScratchPath("movements"));
    }

    /// <exception cref="UsageException">The range is empty or not in the journal, or what it is to be about is not there.</exception>
    public static IsoSummary Run(IsoRequest request, IsoFolder folder)
    {
        JournalPoint? from = request.From;
        if (request.Batch is { } batch)
        {
            Journals.LastSequenceOf(request.Journal, batch); // names the batch that was asked for, not the one before it
            from = batch == 1 ? null : new JournalPoint(PointKind.Batch, batch - 1);
        }

        using var export = new CamtExport(request, folder, from);
        return export.Run(request.Batch is { } only ? new JournalPoint(PointKind.Batch, only) : request.To);
    }

    public void Dispose()
    {
        _sort.Dispose();
        _start.Dispose();
    }

    private IsoSummary Run(JournalPoint to)
    {
        ParticipantAccount? participant = _request.Participant is { } name
            ? new ParticipantAccount(name, _start.Point, _request.Format == IsoFormat.Camt053, _sort)
            : null;
        var wallets = new WalletMovements(_start, _request.Wallet, _sort);
        // A settlement account follows from all batches; wallets' movements from the range alone.
        using JournalWalk walk = RangeStart.Open(_request, to, participant is null && _start.State is not null ? _start.Point.Sequence + 1 : 0);
        bool any = false;
        while (walk.Next())
        {
            if (!any)
                _beganNs = _start.State is null ? walk.Header.TimeNs : _start.Point.TimeNs;
            any = true;
            NoteBatches(walk.ClosedNow);
            if (participant is not null)
                participant.Take(walk);
            else
                wallets.Take(walk);
        }

        RangeStart.EndOfWalk(walk, _request, any);
        if (!any)
            throw new UsageException($"{to} lies before the journal's first block.");
        _end = RangeStart.PointOf(walk.State);
        RequireRange();
        _ledger = new IsoLedger(walk.LedgerId, walk.State);
        participant?.End(_ledger, walk.State);
        _sort.Begin();
        Write((IAccountSource?)participant ?? new WalletAccounts(_ledger, _start.State, walk.State, _request.Wallet));
        return _summary.Build(walk.LedgerId, _start.Point, _end, _folder.Count);
    }

    /// <summary>A range of no sequence in which a batch closes, by its age, is none that is empty: what pended is available.</summary>
    private void RequireRange()
    {
        RangePoint start = _start.Point;
        bool still = _end.Sequence == start.Sequence && _end.Batch == start.Batch && _request.From is not null;
        if (still || _end.Sequence < start.Sequence)
            throw new UsageException($"The range is empty: it begins behind sequence {start.Sequence} and ends with sequence {_end.Sequence}.");
    }

    private void NoteBatches(IReadOnlyList<ClosedBatch> closed)
    {
        foreach (ClosedBatch batch in closed)
        {
            if (batch.Number < _start.Point.Batch)
                continue;
            ulong openedNs = _batches.Count > 0 ? _batches[^1].ClosedNs : _beganNs;
            _batches.Add(new BatchTimes(batch.Number, openedNs, batch.FirstSequence, batch.LastSequence, batch.ClosedNs));
        }
    }

    private ulong? ClosedNsOf(uint batch)
    {
        uint index = batch - (uint)_start.Point.Batch;
        return index < (uint)_batches.Count ? _batches[(int)index].ClosedNs : null;
    }

    private void Write(IAccountSource source)
    {
        if (source.Stated is { } stated)
        {
            foreach (int account in stated)
                WriteAccount(source.FactsOf(account));
        }

        while (_sort.NextAccount is var next and not 0)
            WriteAccount(source.FactsOf(next));
    }

    private void WriteAccount(AccountFacts account)
    {
        var fold = new AccountFold(account.Currency, account.Opening, ClosedNsOf, _end.TimeNs);
        if (_request.Format == IsoFormat.Camt053)
            WriteStatement(account, fold);
        else
            WriteNotifications(account, fold);
        if (fold.Exact != account.Closing)
        {
            throw new LedgerBrokenException(
                $"{account}: its opening balance and movements come to {fold.Exact} units, the ledger has {account.Closing}");
        }
    }

    private void WriteStatement(AccountFacts account, AccountFold fold)
    {
        var start = _start.Point with { TimeNs = _beganNs };
        var files = new StatementFiles(_folder, _ledger!, start, _end, _request.EntriesMax);
        var pages = new MessagePages(_request.EntriesMax, page =>
        {
            files.Write(account, fold, page);
            _summary.Add(account.Currency, page.Entries);
        });
        pages.Begin(account.Currency.Floor(account.Opening));
        while (_sort.TryTake(account.Account, out Movement movement))
        {
            fold.Take(in movement, pages.Entries);
            pages.WriteFull();
        }

        fold.Flush(pages.Entries);
        pages.End();
        if (pages.Units != account.Currency.Floor(account.Closing))
        {
            throw new LedgerBrokenException(
                $"{account}: its statement closes with {pages.Units} whole units, the ledger has {account.Closing} units");
        }

        _summary.Accounts++;
    }

    /// <summary>A notification a closed batch; what the batch that is open at the end has is gone through for the balance alone.</summary>
    private void WriteNotifications(AccountFacts account, AccountFold fold)
    {
        var files = new NotificationFiles(_folder, _ledger!, _request.EntriesMax);
        BatchTimes batch = default;
        var pages = new MessagePages(_request.EntriesMax, page =>
        {
            files.Write(account, batch, page);
            _summary.Add(account.Currency, page.Entries);
        });
        while (_sort.TryTake(account.Account, out Movement movement))
        {
            ulong number = movement.BatchUpTo(_end.Batch);
            if (number != batch.Number)
            {
                EndNotification(fold, pages);
                batch = number < _end.Batch ? _batches[(int)(number - _start.Point.Batch)] : new BatchTimes { Number = number };
            }

            fold.Take(in movement, pages.Entries);
            if (number == _end.Batch)
                pages.Entries.Clear();
            pages.WriteFull();
        }

        EndNotification(fold, pages, isOpen: batch.Number == _end.Batch);
        _summary.Accounts++;
    }

    private static void EndNotification(AccountFold fold, MessagePages pages, bool isOpen = false)
    {
        fold.Flush(pages.Entries);
        if (isOpen)
            pages.Entries.Clear();
        if (pages.Entries.Count > 0)
            pages.End();
        pages.Begin(0);
    }
}
