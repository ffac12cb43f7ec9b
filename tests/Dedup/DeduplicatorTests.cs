using System.Globalization;
using Settlement.Engine.Dedup;
using Settlement.Engine.Dedup.Spill;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Dedup;

[TestFixture]
public sealed class DeduplicatorTests
{
    private static Genesis Capacities(int streamsMax) => Genesis.Default(default) with { StreamsMax = streamsMax };

    private static void RunWith(DedupHistory history, long memoryBytes, int chunkMax, int seed, IIdStore? given = null)
    {
        using MemoryIdStore own = new();
        using Deduplicator dedup = new(Capacities(history.StreamsMax), memoryBytes, given ?? own);
        history.Run(dedup, chunkMax, new Random(seed));
    }

    [Test]
    public void Every_kind_of_id_is_judged_as_the_twin_judges_it_whatever_the_memory_and_the_chunks()
    {
        int seed = PrintedSeed.Next();
        DedupHistory history = new DedupHistoryGenerator(seed).Make(60_000);
        Dictionary<Verdict, int> coverage = history.Coverage();
        foreach (Verdict verdict in (Verdict[])[Verdict.Accepted, Verdict.Duplicate, Verdict.IdConflict, Verdict.StreamGap,
            Verdict.TooOldToTell, Verdict.IdFromFuture, Verdict.Malformed])
            Assert.That(coverage.GetValueOrDefault(verdict), Is.GreaterThan(10), $"the generator must cover {verdict}");
        RunWith(history, Deduplicator.IdMemoryBytesMin, Limits.ChunkPayments, seed);
        RunWith(history, Deduplicator.IdMemoryBytesMin, 40, seed);
        RunWith(history, 1 << 20, Limits.ChunkPayments, seed);
        RunWith(history, Deduplicator.IdMemoryBytesDefault, Limits.ChunkPayments, seed);
    }

    [Test]
    public void Ids_that_spill_are_known_and_dropped_as_the_twin_says()
    {
        int seed = PrintedSeed.Next();
        DedupHistory history = new DedupHistoryGenerator(seed)
        {
            StreamPercent = 0,
            RepeatPercent = 20,
            UuidV7Percent = 50,
        }.Make(80_000);
        using MemoryIdStore store = new();
        using Deduplicator dedup = new(Capacities(1), Deduplicator.IdMemoryBytesMin, store);
        history.Run(dedup, Limits.ChunkPayments, new Random(seed));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(dedup.Ids.GenerationsEnded, Is.GreaterThan(12), "more generations than the filter has lanes");
            Assert.That(dedup.Ids.StorePuts, Is.GreaterThan(1_000));
            Assert.That(store.Drops, Is.GreaterThan(1_000));
            Assert.That(store.Gets, Is.GreaterThan(100).And.LessThan(60_000), "filters spare the store most questions");
        }
    }

    [Test]
    public void Ids_kept_for_ever_are_known_for_ever()
    {
        int seed = PrintedSeed.Next();
        DedupHistory history = new DedupHistoryGenerator(seed)
        {
            StreamPercent = 0,
            UuidV7Percent = 0,
            RepeatPercent = 30,
            SettingsChange = false,
            RetentionNs = 0,
            BlockStepNsMax = 900 * Limits.NsPerHour,
        }.Make(60_000);
        RunWith(history, Deduplicator.IdMemoryBytesMin, Limits.ChunkPayments, seed);
    }

    [Test]
    public void Spilling_to_disk_changes_no_verdict()
    {
        int seed = PrintedSeed.Next();
        DedupHistory history = new DedupHistoryGenerator(seed) { StreamPercent = 10 }.Make(60_000);
        using TempFolder folder = new();
        using FasterIdStore store = new(folder.Path, FasterIdStoreTests.Tiny);
        RunWith(history, Deduplicator.IdMemoryBytesMin, Limits.ChunkPayments, seed, store);
    }

    [Test]
    public void A_long_stream_forgets_verdicts_beyond_its_window_and_nothing_else()
    {
        int seed = PrintedSeed.Next();
        DedupHistory history = new DedupHistoryGenerator(seed)
        {
            StreamNames = 1,
            Participants = 1,
            StreamPercent = 100,
            UuidV7Percent = 0,
            RepeatPercent = 5,
        }.Make(160_000);
        Assert.That(history.Coverage().GetValueOrDefault(Verdict.DuplicateLookUp), Is.GreaterThan(100));
        RunWith(history, Deduplicator.IdMemoryBytesMin, Limits.ChunkPayments, seed);
    }

    [Test]
    public void Streams_beyond_the_capacity_are_refused_and_those_there_go_on()
    {
        int seed = PrintedSeed.Next();
        DedupHistory history = new DedupHistoryGenerator(seed) { StreamNames = 60, StreamPercent = 100, UuidV7Percent = 0 }
            .Make(20_000, streamsMax: 100);
        Assert.That(history.Coverage().GetValueOrDefault(Verdict.CapacityExceeded), Is.GreaterThan(100));
        RunWith(history, Deduplicator.IdMemoryBytesMin, Limits.ChunkPayments, seed);
        RunWith(history, Deduplicator.IdMemoryBytesMin, 7, seed);
    }

    [Test]
    public void A_gap_filled_last_makes_the_whole_window_decided()
    {
        DedupHistory history = new();
        ulong sequence = 1;
        void Block(IEnumerable<ulong> numbers)
        {
            DedupHistory.Block block = new()
            {
                TimeNs = DedupHistory.Begin,
                FirstSequence = sequence,
                WindowNs = Limits.NsPerDay,
                RetentionNs = 0,
            };
            foreach (ulong number in numbers)
            {
                block.Payments.Add(new Payment { IdHigh = 9, IdLow = number, Flags = PaymentFlags.StreamId, Amount = number });
                block.Participants.Add(3);
                block.Before.Add(Verdict.Undecided);
                sequence++;
            }

            history.Blocks.Add(block);
        }

        // All of the window but its first number, backwards; then what is one too far, the first, and the next window's last.
        Block(Enumerable.Range(0, 65_535).Select(i => 65_536UL - (ulong)i));
        Block([65_537, 1, 65_537, 131_072, 131_073, 131_074, 1, 65_536, 2]);
        Block([131_072, 65_538, 131_073, 1, 2, 65_536, ulong.MaxValue]);
        history.Expect();
        Verdict[] second = [.. history.Blocks[1].Expected.Select(expected => expected.Verdict)];
        Assert.That(second, Is.EqualTo((Verdict[])[
            Verdict.StreamGap, DedupHistory.Decided(65_537), DedupHistory.Decided(65_538), DedupHistory.Decided(65_539),
            DedupHistory.Decided(65_540), Verdict.StreamGap, Verdict.DuplicateLookUp, Verdict.DuplicateLookUp,
            Verdict.Duplicate]));
        RunWith(history, Deduplicator.IdMemoryBytesMin, Limits.ChunkPayments, 1);
        RunWith(history, Deduplicator.IdMemoryBytesMin, 3, 1);
    }

    [Test]
    public void A_replay_over_a_store_that_was_not_wiped_calls_no_payment_a_duplicate_of_itself()
    {
        int seed = PrintedSeed.Next();
        DedupHistory history = new DedupHistoryGenerator(seed) { StreamPercent = 0, SettingsChange = false }.Make(30_000);
        using LastingStore store = new();
        RunWith(history, Deduplicator.IdMemoryBytesMin, Limits.ChunkPayments, seed, store);
        Assert.That(store.Count, Is.GreaterThan(1_000));
        RunWith(history, Deduplicator.IdMemoryBytesMin, Limits.ChunkPayments, seed, store);
    }

    [Test]
    public void Judging_and_deciding_in_memory_allocate_nothing()
    {
        using MemoryIdStore store = new();
        using Deduplicator dedup = new(Capacities(8), 4 << 20, store);
        DedupHistory history = new DedupHistoryGenerator(7)
        {
            StreamNames = 2,
            Participants = 2,
            BlockStepNsMax = 1,
            SettingsChange = false,
        }.Make(20_000, streamsMax: 8);
        long before = 0;
        for (int round = 0; round < 2; round++)
        {
            before = GC.GetAllocatedBytesForCurrentThread();
            Sweep(dedup, history, round);
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(store.Gets, Is.Zero);
            Assert.That(allocated, Is.Zero);
        }
    }

    [Test]
    public void A_chunk_left_undecided_stops_the_engine()
    {
        using MemoryIdStore store = new();
        using Deduplicator dedup = new(Capacities(8), Deduplicator.IdMemoryBytesMin, store);
        dedup.BeginBlock(DedupHistory.Begin, 1);
        Payment[] payments = [new Payment { IdLow = 1, IdHigh = 1, Flags = PaymentFlags.StreamId }];
        Verdict[] verdicts = new Verdict[1];
        dedup.Judge(payments, [1], 1, verdicts, new Verdict[1], new ushort[1]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => dedup.BeginBlock(DedupHistory.Begin, 2), Throws.InvalidOperationException);
            Assert.That(
                () => dedup.Judge(payments, [1], 2, verdicts, new Verdict[1], new ushort[1]), Throws.InvalidOperationException);
            Assert.That(() => dedup.Decide(verdicts), Throws.InvalidOperationException, "undecided is no decision");
            Assert.That(() => dedup.Decide([Verdict.Malformed]), Throws.InvalidOperationException, "it leaves ids free");
            Assert.That(() => dedup.Decide([Verdict.Accepted]), Throws.Nothing);
        }
    }

    [Test]
    public void The_time_may_come_close_to_the_last_nanosecond()
    {
        using MemoryIdStore store = new();
        using Deduplicator dedup = new(Capacities(8), Deduplicator.IdMemoryBytesMin, store);
        dedup.BeginBlock(ulong.MaxValue - 5, 1);
        ulong ms = ulong.MaxValue / 1_000_000;
        Payment[] payments =
        [
            new Payment { IdHigh = (ms << 16) | 0x7000, IdLow = 2UL << 62 },
            new Payment { IdHigh = ((ms + 1) << 16) | 0x7000, IdLow = 2UL << 62 },
            new Payment { IdHigh = ulong.MaxValue & ~0x8000UL, IdLow = 2UL << 62 },
        ];
        Verdict[] verdicts = new Verdict[3];
        dedup.Judge(payments, [1, 1, 1], 1, verdicts, new Verdict[3], new ushort[3]);
        Assert.That(verdicts, Is.EqualTo((Verdict[])[Verdict.Undecided, Verdict.IdFromFuture, Verdict.IdFromFuture]));
    }

    /// <summary>The blocks of a history once more, at the last block's time and later sequences.</summary>
    private static void Sweep(Deduplicator dedup, DedupHistory history, int round)
    {
        Span<Verdict> verdicts = stackalloc Verdict[Limits.ChunkPayments];
        Span<Verdict> firsts = stackalloc Verdict[Limits.ChunkPayments];
        Span<ushort> earlier = stackalloc ushort[Limits.ChunkPayments];
        ulong sequence = 1 + ((ulong)round * 1_000_000);
        foreach (DedupHistory.Block block in history.Blocks)
        {
            dedup.BeginBlock(history.Blocks[^1].TimeNs, sequence);
            ReadOnlySpan<Payment> payments = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(block.Payments);
            ReadOnlySpan<ushort> participants = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(block.Participants);
            for (int start = 0; start < payments.Length; start += Limits.ChunkPayments)
            {
                int count = Math.Min(Limits.ChunkPayments, payments.Length - start);
                verdicts.Clear();
                dedup.Judge(
                    payments.Slice(start, count), participants.Slice(start, count), sequence, verdicts[..count], firsts, earlier);
                for (int i = 0; i < count; i++)
                    if (verdicts[i] == Verdict.Undecided) verdicts[i] = Verdict.Accepted;
                dedup.Decide(verdicts[..count]);
                sequence += (ulong)count;
            }
        }
    }

    /// <summary>A store as a restart finds it, which keeps all it was ever given.</summary>
    private sealed class LastingStore : IIdStore
    {
        private readonly Dictionary<IdKey, Decision> _kept = [];

        public int Count => _kept.Count;

        public void Put(IdKind kind, in IdKey key, in Decision decision) => _kept[key] = decision;

        public bool TryGet(IdKind kind, in IdKey key, out Decision decision) => _kept.TryGetValue(key, out decision);

        public long Position(IdKind kind) => 1;

        public void DropBefore(IdKind kind, long position)
        {
        }

        public IEnumerable<IdEntry> Kept(IdKind kind) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
