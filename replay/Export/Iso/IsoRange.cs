using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Replay.Common;

namespace Settlement.Replay.Export.Iso;

/// <summary>A point that a range begins or ends at.</summary>
/// <param name="Sequence">The last one in front of it.</param>
/// <param name="Batch">The batch that is open there; those before it are closed.</param>
/// <param name="TimeNs">Block time.</param>
internal readonly record struct RangePoint(ulong Sequence, ulong Batch, ulong TimeNs);

/// <summary>
/// Where a range begins, and the ledger as it was there. What follows is compared with it, and finds in it the holds and refundable payments
/// that captures and refunds of the range are about.
/// </summary>
internal sealed class RangeStart : IDisposable
{
    private readonly JournalWalk? _walk;

    private RangeStart(JournalWalk? walk, RangePoint point) => (_walk, Point) = (walk, point);

    /// <summary>With the ledger's beginning, the time is not known before the walk: 0.</summary>
    public RangePoint Point { get; }

    /// <summary>Null: there was nothing yet.</summary>
    public LedgerState? State => _walk?.State;

    /// <exception cref="UsageException">The journal ends before that point.</exception>
    public static RangeStart At(IsoRequest request, JournalPoint? from)
    {
        if (from is not { } point)
            return new RangeStart(null, new RangePoint(0, 1, 0));
        JournalWalk walk = Open(request, point);
        try
        {
            bool any = false;
            while (walk.Next())
                any = true;
            EndOfWalk(walk, request, any);
            if (any)
                return new RangeStart(walk, PointOf(walk.State));
            walk.Dispose();
            return new RangeStart(null, new RangePoint(0, 1, 0));
        }
        catch
        {
            walk.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The beginning as <see cref="At"/>, moved back to where the batch that is open there was opened: for what is told batch by batch, and is to
    /// be the same whichever range it is told in.
    /// </summary>
    /// <inheritdoc cref="At"/>
    public static RangeStart AtBatch(IsoRequest request, JournalPoint? from)
    {
        RangeStart start = At(request, from);
        if (from is null or { Kind: PointKind.Batch })
            return start;
        ulong closed = start.Point.Batch - 1;
        start.Dispose();
        return At(request, closed == 0 ? null : new JournalPoint(PointKind.Batch, closed));
    }

    public static JournalWalk Open(IsoRequest request, JournalPoint until, ulong from = 0) =>
        JournalWalk.Open(request.Journal, new WalkOptions { From = from, Until = until, Progress = request.Progress?.Invoke() });

    public static RangePoint PointOf(LedgerState state) => new(state.Sequence, state.Batch.Number, state.TimeNs);

    /// <summary>To be called when a walk has no more blocks.</summary>
    /// <exception cref="JournalException">Damage, or a journal without a genesis block.</exception>
    /// <exception cref="UsageException">It ends before the point asked for.</exception>
    public static void EndOfWalk(JournalWalk walk, IsoRequest request, bool any)
    {
        if (!any && !walk.Replay.HasState && walk.End is { Kind: not JournalEndKind.Damage })
        {
            throw new JournalException(
                $"The journal in '{request.Journal}' holds no whole genesis block: its creation was cut short, and it never accepted anything.");
        }

        walk.ToPoint();
    }

    public void Dispose() => _walk?.Dispose();
}
