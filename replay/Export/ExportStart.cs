using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Replay.Common;

namespace Settlement.Replay.Export;

/// <summary>
/// Where a range begins: at a sequence, at the first block of a time or behind it, or with a batch's first sequence. What a time or a batch means
/// is known when the walk comes there, before the first of it is exported.
/// </summary>
internal sealed class ExportStart
{
    private readonly JournalPoint? _from;

    /// <param name="from">Null: everything.</param>
    /// <exception cref="UsageException">Nothing can lie behind it.</exception>
    public ExportStart(JournalPoint? from)
    {
        if (from is { Kind: PointKind.End })
            throw new UsageException("--from end: nothing lies behind the end. Name a sequence, a batch or a time.");
        _from = from;
        First = from switch
        {
            null or { Kind: PointKind.Batch, Value: 1 } => 0,
            { Kind: PointKind.Sequence } => from.Value.Value,
            _ => ulong.MaxValue,
        };
    }

    /// <summary>The first sequence of the range; the highest number there is, while the walk has not come to it.</summary>
    public ulong First { get; private set; }

    /// <summary>To be told each block before its rows are written.</summary>
    public void At(in BlockHeader header, IReadOnlyList<ClosedBatch> closedNow)
    {
        if (First != ulong.MaxValue || _from is not { } from)
            return;
        if (from.Kind == PointKind.Time && header.TimeNs >= from.Value)
            First = header.FirstSequence;
        if (from.Kind == PointKind.Batch && closedNow.FirstOrDefault(batch => batch.Number == from.Value - 1) is { } before)
            First = before.LastSequence + 1;
    }

    /// <summary>
    /// Whether a batch closed in the range or behind it. One that closes by age ends before the range, and is closed by the block with which the range begins.
    /// </summary>
    /// <param name="batch">Closed just now.</param>
    /// <param name="blockFirst">First sequence of the block that closed it.</param>
    public bool Includes(ClosedBatch batch, ulong blockFirst) =>
        _from is { Kind: PointKind.Time } from ? batch.ClosedNs >= from.Value : batch.LastSequence >= First || blockFirst >= First;

    /// <param name="lastSequence">The last one that was read.</param>
    /// <exception cref="UsageException">The range begins behind it.</exception>
    public void CheckReached(ulong lastSequence)
    {
        if (_from is { } from && (First == ulong.MaxValue || (from.Kind == PointKind.Sequence && First > lastSequence)))
            throw new UsageException($"--from {from} lies behind the last sequence that was read, {lastSequence}: there is nothing to export.");
    }
}
