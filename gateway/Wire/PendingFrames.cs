using System.Diagnostics;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Gateway.Wire;

/// <summary>Who waits for the outcomes of slots that it put into the ring.</summary>
internal abstract class SlotOwner
{
    /// <summary>
    /// Some slots of one claim, in order, were decided. Called on the reply thread: must not wait, and must not keep the spans. The last call of a claim has
    /// <c>index + outcomes.Length == frame.Count</c>.
    /// </summary>
    /// <param name="frame">What the owner put in.</param>
    /// <param name="index">Of the first slot here, in the frame.</param>
    /// <param name="slots">As they were journaled.</param>
    /// <param name="outcomes">One a slot.</param>
    /// <param name="sequence">Ledger sequence of the first slot here.</param>
    /// <param name="encoder">The reply thread's own: between the first and the last call of a frame it serves no other.</param>
    public abstract void OnDecided(
        in PendingFrame frame, int index, ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ulong sequence, VerdictsEncoder encoder);

    /// <summary>Called instead of the last call of a claim: this node does not lead any more, and whether the slots are decided is for the next leader to tell. Must not wait.</summary>
    public abstract void OnAbandoned();
}

/// <summary>Slots of one claim that are on their way through the engine.</summary>
internal struct PendingFrame
{
    public SlotOwner? Owner;

    /// <summary>The frame's number, for its answer.</summary>
    public ulong Number;
    public int Count;

    /// <summary>How the answer is told.</summary>
    public FrameFlags Flags;

    /// <summary>Control commands: looked at for what ends sessions.</summary>
    public bool AreCommands;

    /// <summary>When its slots were claimed, by the stopwatch: how long its answer takes is counted from here.</summary>
    public long ClaimedAt;
}

/// <summary>
/// Every frame that is on its way: a row for each slot of the ring, used by the claim that has that slot first. So there are rows enough for ring full of frames
/// of one payment, none is ever searched for, and no list of free ones is kept.
/// </summary>
/// <remarks>
/// Invariant: a row is written by the producer between claim and publication, read and emptied by the reply thread before the slot is free again; ring and
/// publication order both. A tag is (row + 1) in the upper 48 bits, so never that of the node's own slots, and the slot's index in its frame in the low 16.
/// </remarks>
internal sealed class PendingFrames(int ringSlots)
{
    private const int IndexBits = 16;

    private readonly PendingFrame[] _rows = new PendingFrame[ringSlots];
    private readonly int _mask = ringSlots - 1;

    public static int IndexOf(ulong tag) => (int)(tag & ((1UL << IndexBits) - 1));

    /// <returns>The tag of the frame's first slot; the following ones count up.</returns>
    public ulong Put(long first, in PendingFrame frame)
    {
        int row = (int)first & _mask;
        _rows[row] = frame;
        _rows[row].ClaimedAt = Stopwatch.GetTimestamp();
        return ((ulong)row + 1) << IndexBits;
    }

    /// <summary>Tells all owners whose claim was not answered whole, and forgets them. When neither a producer nor the reply thread is there.</summary>
    public void Abandon()
    {
        foreach (ref PendingFrame frame in _rows.AsSpan())
        {
            SlotOwner? owner = frame.Owner;
            frame = default;
            owner?.OnAbandoned();
        }
    }

    public ref PendingFrame Of(ulong tag) => ref _rows[(int)(tag >> IndexBits) - 1];
}
