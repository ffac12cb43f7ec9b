using System.Numerics;
using FASTER.core;

namespace Settlement.Engine.Dedup.Spill;

/// <summary>What spilled ids may take of memory; speed alone depends on it.</summary>
public sealed record FasterIdStoreOptions
{
    /// <summary>
    /// Bound of the index of either kind, bytes: a quarter at the first id spilled, the rest as ids come. With more than an
    /// id for 16 B, look-ups get slower.
    /// </summary>
    public long IndexBytes { get; init; } = 512L << 20;

    /// <summary>Latest part of the log kept in memory, of either kind, bytes.</summary>
    public long LogMemoryBytes { get; init; } = 16L << 20;

    /// <summary>Unit of writing, bytes.</summary>
    public long PageBytes { get; init; } = 1L << 20;

    /// <summary>Unit of dropping: one file, bytes.</summary>
    public long SegmentBytes { get; init; } = 64L << 20;
}

/// <summary>
/// Spilled ids in FasterKV: one log for either kind, in the order of spilling, with an index in memory.
/// </summary>
/// <remarks>
/// Purpose: what exceeds the memory set aside, on disk: 48 bytes an id.
/// <para>
/// Dropped whole: a put always appends, also where the key is still in the mutable part of the log, so a record's address tells
/// when it was spilled, and everything before an address can be cut off by moving the log's beginning. The index
/// forgets what points below the beginning when it next comes across it. The caller notes the address at each hour.
/// </para>
/// Bounded: FasterKV keeps an index entry for each pair of bucket and tag and would add buckets without end. The hash given to
/// it has 4 bits of tag, not 14, so a bucket of 64 B has at most 2 more behind it; and up to 7 entries one miss finds it.
/// <para>
/// Failure assumed: any error of the disk throws, here or at the next use, and the engine stops. What is in the folder at
/// start is wiped: a replay or a snapshot makes it again. The journal's lock keeps a second process out.
/// </para>
/// Nothing is opened, and no memory taken, before the first id is spilled.
/// </remarks>
public sealed class FasterIdStore : IIdStore
{
    private const int Kinds = 2;
    private static readonly string[] s_names = ["uuid7", "other"];

    private readonly string _folder;
    private readonly FasterIdStoreOptions _options;
    private readonly Func<string, SpillDevice> _openDevice;

    // written by: settle thread
    private readonly KindLog?[] _logs = new KindLog?[Kinds];

    /// <param name="folder">Made if missing; only files of this store are touched in it.</param>
    /// <param name="options">Memory; by default 512 MiB of index at most and 16 MiB of log, for either kind.</param>
    public FasterIdStore(string folder, FasterIdStoreOptions? options = null)
        : this(folder, options, name => new SpillDevice(name))
    {
    }

    internal FasterIdStore(string folder, FasterIdStoreOptions? options, Func<string, SpillDevice> openDevice)
    {
        (_folder, _options, _openDevice) = (folder, options ?? new FasterIdStoreOptions(), openDevice);
        Directory.CreateDirectory(folder);
        foreach (string name in s_names)
            foreach (string stale in Directory.GetFiles(folder, $"{name}.ids.*")) File.Delete(stale);
    }

    public void Put(IdKind kind, in IdKey key, in Decision decision) =>
        (_logs[(int)kind] ?? Open(kind)).Put(key, decision);

    public bool TryGet(IdKind kind, in IdKey key, out Decision decision)
    {
        if (_logs[(int)kind] is { } log) return log.TryGet(key, out decision);
        decision = default;
        return false;
    }

    public long Position(IdKind kind) => _logs[(int)kind]?.Tail ?? 0;

    public void DropBefore(IdKind kind, long position) => _logs[(int)kind]?.DropBefore(position);

    public IEnumerable<IdEntry> Kept(IdKind kind) => _logs[(int)kind]?.Kept() ?? [];

    /// <summary>Bytes on disk, whole segments.</summary>
    public long DiskBytes => _logs.Sum(log => (log?.SegmentCount ?? 0) * _options.SegmentBytes);

    public void Dispose()
    {
        foreach (KindLog? log in _logs) log?.Dispose();
    }

    private KindLog Open(IdKind kind) =>
        _logs[(int)kind] = new KindLog(_openDevice(Path.Combine(_folder, $"{s_names[(int)kind]}.ids")), _folder, _options);

    /// <summary>One FasterKV and its only session.</summary>
    private sealed class KindLog : IDisposable
    {
        private readonly SpillDevice _device;
        private readonly FasterKVSettings<IdKey, Decision> _settings;
        private readonly FasterKV<IdKey, Decision> _store;
        private readonly ClientSession<IdKey, Decision, Decision, Decision, Empty, AppendingFunctions> _session;
        private readonly AppendingFunctions _functions = new();

        public KindLog(SpillDevice device, string folder, FasterIdStoreOptions options)
        {
            _device = device;
            long indexBytes = Math.Max(options.IndexBytes / KeyComparer.BucketsPerTableBucket, 512);
            _settings = new FasterKVSettings<IdKey, Decision>
            {
                IndexSize = indexBytes,
                LogDevice = device,
                PageSize = options.PageBytes,
                SegmentSize = options.SegmentBytes,
                MemorySize = options.LogMemoryBytes,
                CheckpointDir = folder,
                EqualityComparer = new KeyComparer(BitOperations.Log2((ulong)indexBytes / KeyComparer.BucketBytes)),
                ConcurrencyControlMode = ConcurrencyControlMode.None,
            };
            _store = new FasterKV<IdKey, Decision>(_settings);
            _session = _store.For(_functions).NewSession<AppendingFunctions>();
        }

        public long Tail => _store.Log.TailAddress;

        public int SegmentCount => _device.SegmentCount;

        public void Put(IdKey key, Decision decision)
        {
            _device.ThrowIfFaulted();
            Status status = _session.Upsert(ref key, ref decision);
            if (!status.Record.Created) throw new InvalidOperationException($"an id was not spilled: {status}");
        }

        public bool TryGet(IdKey key, out Decision decision)
        {
            _device.ThrowIfFaulted();
            decision = default;
            Decision unused = default;
            Status status = _session.Read(ref key, ref unused, ref decision);
            if (!status.IsPending) return Found(status);

            // The device serves reads in this loop; without waiting, since nobody else would.
            while (!_session.CompletePending(wait: false)) _device.ThrowIfFaulted();
            decision = _functions.Completed;
            return Found(_functions.CompletedStatus);
        }

        public void DropBefore(long position)
        {
            _device.ThrowIfFaulted();
            _store.Log.ShiftBeginAddress(position);
            _device.DropBelow(position);
        }

        /// <summary>All records of the log from its beginning to its present end, a page of it in memory at a time.</summary>
        public IEnumerable<IdEntry> Kept()
        {
            _device.ThrowIfFaulted();
            IFasterScanIterator<IdKey, Decision> scan =
                _store.Log.Scan(_store.Log.BeginAddress, _store.Log.TailAddress, ScanBufferingMode.SinglePageBuffering);
            try
            {
                while (Next(scan, out IdEntry entry)) yield return entry;
            }
            finally
            {
                // After a fault it would wait for ever for the page that failed; it holds nothing but managed memory.
                if (!_device.IsFaulted) scan.Dispose();
            }
        }

        public void Dispose()
        {
            // After a fault FasterKV waits for ever for what was under way; it holds nothing but managed memory.
            if (!_device.IsFaulted)
            {
                _session.Dispose();
                _store.Dispose();
            }

            _settings.Dispose();
            _device.Dispose();
        }

        /// <summary>The scan waits for a page in a sleep of its own, not in a loop that would serve the device.</summary>
        private bool Next(IFasterScanIterator<IdKey, Decision> scan, out IdEntry entry)
        {
            _device.ReadsServedAtOnce = true;
            bool found = scan.GetNext(out _, out IdKey key, out Decision decision);
            _device.ReadsServedAtOnce = false;
            entry = new IdEntry { IdLow = key.IdLow, IdHigh = key.IdHigh, Decision = decision };
            return found;
        }

        private static bool Found(Status status)
        {
            if (status.Found) return true;
            if (status.NotFound) return false;
            throw new InvalidOperationException($"a spilled id could not be read: {status}");
        }
    }

    /// <summary>The key brings its hash, seeded by the ledger, in the upper 48 bits of its last word.</summary>
    /// <remarks>
    /// The bucket is chosen by the highest bits, as the slot in a generation is: ids that are spilled in the order of their slots
    /// go through the index from one end to the other, and find its lines in the cache.
    /// </remarks>
    private sealed class KeyComparer(int bucketBits) : IFasterEqualityComparer<IdKey>
    {
        /// <summary>A bucket has up to 16 entries by 4 bits of tag, 7 in 64 B: the table's own and 2 behind it.</summary>
        public const int BucketsPerTableBucket = 3;
        public const int BucketBytes = 64;

        /// <summary>4 bits.</summary>
        private const ulong TagMask = 15;

        /// <summary>The lowest bit of the hash that a key has.</summary>
        private const int HashShift = 16;

        /// <summary>FasterKV takes the tag from the 14 highest bits, the bucket from the lowest.</summary>
        private const int TagShift = 50;

        public long GetHashCode64(ref IdKey key)
        {
            ulong hash = key.HashAndParticipant;
            return (long)((((hash >> HashShift) & TagMask) << TagShift) | (hash >> (64 - bucketBits)));
        }

        public bool Equals(ref IdKey left, ref IdKey right) =>
            left.IdLow == right.IdLow && left.IdHigh == right.IdHigh && left.HashAndParticipant == right.HashAndParticipant;
    }

    private sealed class AppendingFunctions : FunctionsBase<IdKey, Decision, Decision, Decision, Empty>
    {
        public Decision Completed { get; private set; }

        public Status CompletedStatus { get; private set; }

        public override bool SingleReader(
            ref IdKey key, ref Decision input, ref Decision value, ref Decision dst, ref ReadInfo readInfo)
        {
            dst = value;
            return true;
        }

        public override bool ConcurrentReader(
            ref IdKey key, ref Decision input, ref Decision value, ref Decision dst, ref ReadInfo readInfo)
        {
            dst = value;
            return true;
        }

        /// <summary>Declines to write in place, so that a new record is appended.</summary>
        public override bool ConcurrentWriter(
            ref IdKey key, ref Decision input, ref Decision src, ref Decision dst, ref Decision output,
            ref UpsertInfo upsertInfo) => false;

        public override void ReadCompletionCallback(
            ref IdKey key, ref Decision input, ref Decision output, Empty ctx, Status status, RecordMetadata recordMetadata) =>
            (Completed, CompletedStatus) = (output, status);
    }
}
