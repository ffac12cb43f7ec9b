using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Settlement.Engine.Ring;

/// <summary>
/// How far one party has come in a ring: the highest ring sequence it has published, settled, made durable. Ring sequences
/// start at 0 and count slots since the process started; they are not ledger sequences.
/// </summary>
/// <remarks>
/// Invariant: one thread (or one after another) moves it, and only forwards; anybody reads it. Who moves it must then call
/// <see cref="WaitStrategy.SignalAllWhenBlocking"/>, or a parked reader sleeps on.
/// </remarks>
public sealed class Sequence
{
    /// <summary>Before the first slot.</summary>
    public const long Initial = -1;

    // written by: the party whose progress it is
    private PaddedLong _padded;

    public Sequence(long value = Initial) => _padded.Value = value;

    /// <summary>Whatever was written before the value was set is visible to who reads it here.</summary>
    public long Value
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref _padded.Value);
    }

    /// <summary>Moves forward, after everything that this thread wrote before. Wakes nobody.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Set(long value) => Volatile.Write(ref _padded.Value, value);

    /// <summary>Moves forward by <paramref name="count"/>, for several threads at once; the new value.</summary>
    internal long Add(long count) => Interlocked.Add(ref _padded.Value, count);

    internal bool CompareAndSet(long expected, long value) =>
        Interlocked.CompareExchange(ref _padded.Value, value, expected) == expected;

    /// <summary>The one that has come least far; <paramref name="least"/> when that is lower still.</summary>
    internal static long Minimum(ReadOnlySpan<Sequence> sequences, long least = long.MaxValue)
    {
        foreach (Sequence sequence in sequences)
            least = Math.Min(least, sequence.Value);
        return least;
    }

    internal ref long Location => ref _padded.Value;
}

/// <summary>
/// A number with no neighbour. Lines are 64 bytes and are prefetched in pairs, so the value must be alone in whatever
/// aligned 128 bytes it falls into: that takes 120 bytes on each side.
/// </summary>
/// <remarks>
/// <code>
///  as the only field of an object (before it: 8 bytes object header, 8 bytes method table):
///  -16      0                                  112     120                                 240
///  | header | nothing, 112 bytes               | value | nothing, 120 bytes                |
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal struct PaddedLong
{
    public const int Size = 240;
    public const int ValueOffset = 112;

    [FieldOffset(ValueOffset)] public long Value;
}
