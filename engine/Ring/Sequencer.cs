using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Settlement.Engine.Ring;

/// <summary>
/// How slots are given to producers and shown to consumers. A struct, so that a ring of one kind is compiled for that kind.
/// The ring that owns it comes with each call and has checked the arguments.
/// </summary>
/// <typeparam name="TSelf">The sequencer itself.</typeparam>
public interface ISequencer<TSelf>
    where TSelf : struct, ISequencer<TSelf>
{
    /// <param name="slotCount">A power of two.</param>
    static abstract TSelf Create(int slotCount);

    /// <summary>Takes so many slots, contiguous in sequence; waits for room. Returns the first.</summary>
    long Claim(RingBuffer ring, int count);

    /// <summary>As <see cref="Claim"/>, or false when there is no room now.</summary>
    bool TryClaim(RingBuffer ring, int count, out long first);

    /// <summary>Shows the claimed slots to consumers. Does not signal.</summary>
    void Publish(RingBuffer ring, long first, long last);

    /// <summary>
    /// The last of what is published without a gap from <paramref name="from"/> on, at most <paramref name="limit"/>; lower
    /// than <paramref name="from"/>: nothing. Where the limit does not cut it, it is the end of a claim.
    /// </summary>
    long HighestPublished(RingBuffer ring, long from, long limit);
}

/// <summary>
/// For one producer thread: no interlocked operation anywhere. Ring invariant: the cursor is the last published slot;
/// publishing goes in order, which is checked, since that is also what two threads by mistake would break.
/// </summary>
/// <remarks>
/// <code>
///  0                    128       136            144                    272
///  | nothing            | claimed | room known   | nothing              |
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct SingleProducerSequencer : ISequencer<SingleProducerSequencer>
{
    internal const int Size = 272;
    internal const int ClaimedOffset = 128;

    // written by: the producer
    [FieldOffset(ClaimedOffset)] private long _claimed;

    // written by: the producer; what the slowest gating sequence had reached when last looked at
    [FieldOffset(ClaimedOffset + sizeof(long))] private long _gatingCached;

    // The first claim must look at the gating sequences, if only to see that there are any.
    public static SingleProducerSequencer Create(int slotCount) =>
        new() { _claimed = Sequence.Initial, _gatingCached = long.MinValue };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Claim(RingBuffer ring, int count)
    {
        long last = _claimed + count;
        if (last - ring.Capacity > _gatingCached)
            _gatingCached = ring.AwaitGating(last - ring.Capacity);
        _claimed = last;
        return last - count + 1;
    }

    public bool TryClaim(RingBuffer ring, int count, out long first)
    {
        long last = _claimed + count;
        first = last - count + 1;
        if (last - ring.Capacity > _gatingCached)
        {
            _gatingCached = ring.Gating();
            if (last - ring.Capacity > _gatingCached)
                return false;
        }
        _claimed = last;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Publish(RingBuffer ring, long first, long last)
    {
        if (first != ring.CursorSequence.Value + 1 || last > _claimed)
            RingBuffer.ThrowNotTheNextClaim(first, last);
        ring.CursorSequence.Set(last);
    }

    public readonly long HighestPublished(RingBuffer ring, long from, long limit) => Math.Min(ring.CursorSequence.Value, limit);
}

/// <summary>
/// For many producer threads: the cursor is the last *claimed* slot, and each slot has the number of the round (sequence
/// divided by capacity) in which it was published last. Producers publish in any order; consumers see up to the first gap.
/// </summary>
/// <remarks>
/// No batch ends inside a claim. A producer marks the first slot of its claim last, so who has seen that mark can see the
/// others; a consumer that stops at a missing mark looks a second time, and only a mark that is still missing is a gap.
/// <code>
///  0        8           128             136                    256
///  | rounds | shift     | room known    | nothing              |
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct MultiProducerSequencer : ISequencer<MultiProducerSequencer>
{
    internal const int Size = 256;
    internal const int GatingCachedOffset = 128;

    // 32 bits are enough: a value from 2^32 rounds ago cannot be left in a slot that was published in every round since.
    [FieldOffset(0)] private int[] _rounds;
    [FieldOffset(8)] private int _roundShift;

    // written by: any producer; may move back, which only makes the next claim look again
    [FieldOffset(GatingCachedOffset)] private long _gatingCached;

    public static MultiProducerSequencer Create(int slotCount)
    {
        int[] rounds = new int[slotCount];
        rounds.AsSpan().Fill(-1);
        return new() { _rounds = rounds, _roundShift = int.Log2(slotCount), _gatingCached = long.MinValue };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Claim(RingBuffer ring, int count)
    {
        // First the slots, then the room for them: so that no producer can be overtaken again and again.
        long last = ring.CursorSequence.Add(count);
        if (last - ring.Capacity > Volatile.Read(ref _gatingCached))
            Volatile.Write(ref _gatingCached, ring.AwaitGating(last - ring.Capacity));
        return last - count + 1;
    }

    public bool TryClaim(RingBuffer ring, int count, out long first)
    {
        long claimed;
        do
        {
            claimed = ring.CursorSequence.Value;
            first = claimed + 1;
            long needed = claimed + count - ring.Capacity;
            if (needed > Volatile.Read(ref _gatingCached))
            {
                long gating = ring.Gating();
                Volatile.Write(ref _gatingCached, gating);
                if (needed > gating)
                    return false;
            }
        }
        while (!ring.CursorSequence.CompareAndSet(claimed, claimed + count));
        return true;
    }

    public readonly void Publish(RingBuffer ring, long first, long last)
    {
        for (long next = first + 1; next <= last;)
        {
            Span<int> marks = MarksFrom(next, last);
            marks.Fill(RoundOf(next));
            next += marks.Length;
        }

        // A release: what was written into the slots, and the marks above, come before this one.
        Volatile.Write(ref _rounds[(int)first & (_rounds.Length - 1)], RoundOf(first));
    }

    public readonly long HighestPublished(RingBuffer ring, long from, long limit)
    {
        long end = Math.Min(limit, from + _rounds.Length - 1);
        long next = from;
        while (next <= end && Volatile.Read(ref _rounds[(int)next & (_rounds.Length - 1)]) == RoundOf(next))
        {
            Span<int> marks = MarksFrom(next, end);
            int gap = marks.IndexOfAnyExcept(RoundOf(next));
            next += gap < 0 ? marks.Length : gap;

            // Marks before slots, and before other marks: nothing that is read from here on was read ahead of these.
            Volatile.ReadBarrier();
        }
        return next - 1;
    }

    private readonly int RoundOf(long sequence) => (int)(sequence >> _roundShift);

    /// <summary>The marks of the sequences up to <paramref name="last"/>, as far as they lie in one round.</summary>
    private readonly Span<int> MarksFrom(long from, long last)
    {
        int index = (int)from & (_rounds.Length - 1);
        return _rounds.AsSpan(index, (int)Math.Min(last - from + 1, _rounds.Length - index));
    }
}
