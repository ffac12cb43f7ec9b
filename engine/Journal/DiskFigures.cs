using System.Diagnostics;
using System.Numerics;

namespace Settlement.Engine.Journal;

/// <summary>
/// What the disk did since the node was opened: for operators, never for verdicts. Each number is whole when it is read; two of them need not be of
/// one moment.
/// </summary>
/// <remarks>Written by the one thread that writes the journal's device; read by any. A stock device counts nothing.</remarks>
public sealed class DiskFigures
{
    /// <summary>Bucket n counts writes that took below 2^n microseconds and no less than half of that; the last one all that took longer: 2^24 us are 17 s.</summary>
    public const int BucketCount = 25;

    private readonly long[] _buckets = new long[BucketCount];
    private long _writes;
    private long _bytes;
    private long _writeNs;

    /// <summary>Durable writes of the log: each is on disk when it is counted.</summary>
    public long Writes => Volatile.Read(ref _writes);

    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Time that the writes took together, ns.</summary>
    public long WriteNs => Volatile.Read(ref _writeNs);

    /// <summary>Writes in a bucket.</summary>
    public long InBucket(int bucket) => Volatile.Read(ref _buckets[bucket]);

    internal static long Begin() => Stopwatch.GetTimestamp();

    internal void End(long begun, int bytes)
    {
        long ns = Stopwatch.GetElapsedTime(begun).Ticks * 100;
        int bucket = Math.Min(64 - BitOperations.LeadingZeroCount((ulong)ns / 1_000), BucketCount - 1);
        Volatile.Write(ref _buckets[bucket], _buckets[bucket] + 1);
        Volatile.Write(ref _writeNs, _writeNs + ns);
        Volatile.Write(ref _bytes, _bytes + bytes);
        Volatile.Write(ref _writes, _writes + 1);
    }
}
