using Settlement.Engine.Batch;
using Settlement.Engine.Domain;

namespace Settlement.Replay.Stats;

/// <summary>How large batches are, how long they were open, and how long after their last slot their seals stand.</summary>
/// <remarks>
/// A seal block carries the time of the block before it, so the delay in time is a lower bound: 0 says that the seal was journaled before the next payment was.
/// The delay in slots is exact: how many payments and commands were journaled between a batch's last one and its seal.
/// </remarks>
internal sealed class BatchFigures
{
    public const int SizeSeries = 0;
    public const int CountSeries = 1;

    private readonly Dictionary<ulong, (ulong LastSlotNs, ulong LastSequence)> _unsealed = [];

    public Distribution Size { get; } = new("batch_payments", "payments a batch", Quantity.Number);

    public Distribution Duration { get; } = new("batch_duration_us", "time from a batch's first payment to its close", Quantity.Microseconds);

    public Distribution SealDelay { get; } = new("seal_delay_us", "time from a batch's last slot to its seal block (a lower bound)", Quantity.Microseconds);

    public Distribution SealSlots { get; } = new("seal_delay_slots", "slots journaled between a batch's last one and its seal", Quantity.Number);

    /// <summary>Payments a batch along the batches' numbers.</summary>
    public AdaptiveBins Bins { get; } = new(1, 2);

    public int UnsealedCount => _unsealed.Count;

    /// <summary>A batch that closes.</summary>
    /// <param name="batch">Its statement.</param>
    /// <param name="lastSlotNs">Block time of its last payment or command.</param>
    public void Close(ClosedBatch batch, ulong lastSlotNs)
    {
        Size.Record(batch.Count);
        Duration.Record((batch.ClosedNs - batch.OpenedNs) / 1_000);
        Bins.Add(batch.Number, SizeSeries, (long)batch.Count);
        Bins.Add(batch.Number, CountSeries, 1);
        _unsealed[batch.Number] = (lastSlotNs, batch.LastSequence);
    }

    /// <summary>A seal block; of a batch that was closed before the range asked for, nothing is said.</summary>
    public void Seal(in BlockHeader header, ulong batch)
    {
        if (!_unsealed.Remove(batch, out (ulong LastSlotNs, ulong LastSequence) closed))
            return;
        SealDelay.Record((header.TimeNs - closed.LastSlotNs) / 1_000);
        SealSlots.Record(header.FirstSequence - 1 - closed.LastSequence);
    }
}
