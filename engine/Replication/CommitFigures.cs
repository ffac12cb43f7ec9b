using System.Diagnostics;
using System.Numerics;

namespace Settlement.Engine.Replication;

/// <summary>
/// How long blocks took from this node's append, while it led, to their commit: on its own disk and on those of a majority. For operators, never for verdicts. Each number is whole when it is
/// read; two of them need not be of one moment.
/// </summary>
/// <remarks>
/// A frame's latency holds this and the queue before it; the disk's figures are this node's share of it. What a follower appends is not counted: its clock knows nothing of the beginning.
/// Memory: a stamp each for the last <see cref="StampsMax"/> blocks; one that is committed so late that its stamp is gone is not counted, and no pipeline has so many under way.
/// Written by: stamps by who appends, the rest by who calls blocks committed, one at a time; read by any thread.
/// </remarks>
public sealed class CommitFigures
{
    /// <summary>As of the disk's figures: bucket n counts blocks that took below 2^n microseconds and no less than half of that, the last one all that took longer.</summary>
    public const int BucketCount = Journal.DiskFigures.BucketCount;

    private const int StampsMax = 1024;

    private readonly (ulong Block, long At)[] _stamps = new (ulong, long)[StampsMax];
    private readonly long[] _buckets = new long[BucketCount];
    private readonly Lock _gate = new(); // of the stamps
    private long _blocks;
    private long _ns;

    /// <summary>Blocks counted.</summary>
    public long Blocks => Volatile.Read(ref _blocks);

    /// <summary>Time that they took together, ns.</summary>
    public long LatencyNs => Volatile.Read(ref _ns);

    /// <summary>Blocks in a bucket.</summary>
    public long InBucket(int bucket) => Volatile.Read(ref _buckets[bucket]);

    internal void Appended(ulong block)
    {
        lock (_gate)
            _stamps[block % StampsMax] = (block, Stopwatch.GetTimestamp());
    }

    /// <summary>Blocks from one to another are committed; those that this node did not append as a leader are passed over.</summary>
    internal void Committed(ulong first, ulong last)
    {
        lock (_gate)
        {
            long now = Stopwatch.GetTimestamp();
            for (ulong block = Math.Max(first, last - Math.Min(last, StampsMax - 1)); block <= last; block++)
            {
                (ulong stamped, long at) = _stamps[block % StampsMax];
                if (stamped == block && at != 0)
                    Count(Stopwatch.GetElapsedTime(at, now).Ticks * 100);
                _stamps[block % StampsMax] = default;
            }
        }
    }

    /// <summary>What was appended and not committed may be replaced by another leader's blocks of the same numbers, which are not this node's to count.</summary>
    internal void Forget()
    {
        lock (_gate)
            Array.Clear(_stamps);
    }

    private void Count(long ns)
    {
        int bucket = Math.Min(64 - BitOperations.LeadingZeroCount((ulong)ns / 1_000), BucketCount - 1);
        Volatile.Write(ref _buckets[bucket], _buckets[bucket] + 1);
        Volatile.Write(ref _ns, _ns + ns);
        Volatile.Write(ref _blocks, _blocks + 1);
    }
}
