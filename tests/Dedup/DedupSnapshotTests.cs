using Settlement.Engine.Dedup;
using Settlement.Engine.Dedup.Spill;
using Settlement.Engine.Domain;
using Settlement.Engine.Snapshots;

namespace Settlement.Tests.Dedup;

[TestFixture, Parallelizable]
public sealed partial class DedupSnapshotTests
{
    private const long Least = Deduplicator.IdMemoryBytesMin;
    private const long Some = 1 << 20;
    private const long Much = 32 << 20;

    private static Genesis Capacities(int streamsMax) => Genesis.Default(default) with { StreamsMax = streamsMax };

    [TestCase(Least, false)]
    [TestCase(Least, true)]
    [TestCase(Some, false)]
    [TestCase(Some, true)]
    public void What_was_loaded_goes_on_as_what_was_saved_whatever_the_memory_and_the_store(long memoryBytes, bool onDisk)
    {
        int seed = PrintedSeed.Next();
        AssertAllGoOn(new DedupHistoryGenerator(seed).Make(40_000), memoryBytes, onDisk, new Random(seed));
    }

    [TestCase(Least, false)]
    [TestCase(Least, true)]
    public void Ids_spilled_many_generations_deep_and_forgotten_hour_by_hour_are_as_they_were(long memoryBytes, bool onDisk)
    {
        int seed = PrintedSeed.Next();
        DedupHistory history = new DedupHistoryGenerator(seed)
        {
            StreamPercent = 0,
            RepeatPercent = 20,
            UuidV7Percent = 50,
        }.Make(60_000);
        AssertAllGoOn(history, memoryBytes, onDisk, new Random(seed));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Ids_kept_for_ever_are_known_for_ever(bool onDisk)
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
        }.Make(50_000);
        AssertAllGoOn(history, Least, onDisk, new Random(seed));
    }

    [Test]
    public void Ids_used_again_after_they_were_forgotten_have_the_later_decision()
    {
        int seed = PrintedSeed.Next();
        DedupHistory history = new DedupHistoryGenerator(seed)
        {
            StreamPercent = 0,
            UuidV7Percent = 0,
            RepeatPercent = 60,
            SettingsChange = false,
            RetentionNs = 4 * Limits.NsPerHour,
            BlockStepNsMax = Limits.NsPerHour / 4,
        }.Make(60_000);
        int usedAgain = history.Blocks.SelectMany(block => block.Payments.Zip(block.Expected))
            .Where(each => each.Second.Verdict is Verdict.Accepted or > Verdict.IdConflict).GroupBy(each => each.First.Id)
            .Count(decisions => decisions.Count() > 1);
        Assert.That(usedAgain, Is.GreaterThan(200));
        int replaced = 0;
        AssertAllGoOn(history, Least, onDisk: true, new Random(seed), (original, _) =>
        {
            int now = original.ReplacedInStore;
            bool first = now > 0 && replaced == 0;
            replaced = Math.Max(replaced, now);
            return first;
        });
        TestContext.Out.WriteLine($"{usedAgain} ids used again; up to {replaced} decisions in the store that a later one had replaced");
        Assert.That(replaced, Is.Positive);
    }

    /// <summary>Of the few, one loaded generation often ends in an earlier hour than the one before it.</summary>
    [Test]
    public void Few_ids_of_other_kinds_among_many_are_forgotten_in_their_hour_and_not_before()
    {
        using Subject original = new(1, Much, onDisk: false);
        using Subject loaded = new(1, Least, onDisk: true);
        DedupSnapshot After(Deduplicator dedup, ulong hour, ulong sequence, int ids = 0)
        {
            ulong timeNs = DedupHistory.Begin + (hour * Limits.NsPerHour);
            (dedup.WindowNs, dedup.RetentionNs) = (ulong.MaxValue, 10 * Limits.NsPerHour);
            dedup.BeginBlock(timeNs, sequence);
            ulong next = sequence;
            for (; ids > 0; ids -= 1_000)
            {
                Payment[] payments = [.. Enumerable.Range(0, 1_000).Select(i => new Payment
                {
                    IdHigh = i == 0 ? 1 : (timeNs / 1_000_000 << 16) | 0x7000,
                    IdLow = (2UL << 62) | (next + (ulong)i),
                })];
                next = Judge(dedup, payments, new ushort[payments.Length], next);
            }

            return DedupSnapshot.Of(dedup, next - 1, timeNs);
        }

        for (ulong hour = 0; hour < 10; hour++) _ = After(original.Dedup, hour, 1 + (hour * 3_000), 3_000);
        DedupSnapshot.Load(loaded.Dedup, After(original.Dedup, 9, 30_001).ToFile());
        int others = 0;
        for (ulong hour = 10; hour < 21; hour++)
        {
            DedupSnapshot saved = After(original.Dedup, hour, 30_001);
            others += saved.Read().Ids.Count - 29_970;
            AssertSame(saved, After(loaded.Dedup, hour, 30_001));
        }

        Assert.That(others, Is.EqualTo(3 * 55), "three of each hour, an hour less each time");
    }

    [TestCase(1, 5)]
    [TestCase(20, 10)]
    public void Streams_with_gaps_full_windows_and_old_numbers_are_as_they_were(int names, int repeatPercent)
    {
        int seed = PrintedSeed.Next();
        DedupHistory history = new DedupHistoryGenerator(seed)
        {
            StreamNames = names,
            Participants = 1,
            StreamPercent = 100,
            UuidV7Percent = 0,
            RepeatPercent = repeatPercent,
        }.Make(110_000);
        AssertAllGoOn(history, Least, onDisk: false, new Random(seed));
    }

    [Test]
    public void A_snapshot_handed_on_from_one_memory_to_the_next_stays_the_same()
    {
        int seed = PrintedSeed.Next();
        Random random = new(seed);
        DedupHistory history = new DedupHistoryGenerator(seed) { StreamPercent = 20 }.Make(60_000);
        List<Subject> all = [new Subject(history.StreamsMax, Some, onDisk: false)];
        try
        {
            for (int block = 0; block < history.Blocks.Count; block++)
            {
                Run(all[^1].Dedup, history.Blocks[block], random);
                if (random.Next(history.Blocks.Count / 8) != 0) continue;
                DedupSnapshot saved = DedupSnapshot.Of(all[^1].Dedup, history.Blocks[block]);
                Subject next = new(history.StreamsMax, random.Next(3) switch { 0 => Least, 1 => Some, _ => Much }, random.Next(2) == 0);
                all.Add(next);
                DedupSnapshot.Load(next.Dedup, saved.ToFile());
                DedupSnapshot again = DedupSnapshot.Of(next.Dedup, history.Blocks[block]);
                AssertSame(saved, again);
                AssertSums(again.Read());
            }

            Assert.That(all, Has.Count.GreaterThan(2));
        }
        finally
        {
            all.ForEach(subject => subject.Dispose());
        }
    }

    [Test]
    public void A_larger_memory_spills_less_and_a_smaller_one_more_and_what_is_forgotten_leaves_the_store()
    {
        int seed = PrintedSeed.Next();
        DedupHistory history = new DedupHistoryGenerator(seed)
        {
            StreamPercent = 0,
            UuidV7Percent = 50,
            SettingsChange = false,
            BlockStepNsMax = 60 * Limits.NsPerSecond,
        }.Make(40_000);
        using MemoryIdStore store = new();
        using Deduplicator original = new(Capacities(1), Some, store);
        history.Run(original, Limits.ChunkPayments, new Random(seed));
        DedupHistory.Block last = history.Blocks[^1];
        byte[] file = DedupSnapshot.Of(original, last).ToFile();
        long[] puts = new long[3];
        for (int i = 0; i < 3; i++)
        {
            using MemoryIdStore empty = new();
            using Deduplicator loaded = new(Capacities(1), ((long[])[Least, Some, Much])[i], empty);
            DedupSnapshot.Load(loaded, file);
            puts[i] = loaded.Ids.StorePuts;
            Assert.That(empty.Count(IdKind.UuidV7) + empty.Count(IdKind.Other), Is.EqualTo(puts[i]), "each id is put once");

            // Far behind the window and the retention, when the generations in memory have ended, too.
            Fill(loaded, last.TimeNs + (100 * Limits.NsPerDay), last.FirstSequence + (ulong)last.Payments.Count, loaded.Ids.Capacity * 2);
            Fill(loaded, last.TimeNs + (200 * Limits.NsPerDay), last.FirstSequence + 10_000_000, 1);
            Assert.That(empty.Count(IdKind.UuidV7), Is.Zero, "nothing of the snapshot is in the store any more");
        }

        TestContext.Out.WriteLine($"spilled with the least memory, with that of the original, with more: {string.Join(", ", puts)}");
        Assert.That(puts, Is.EqualTo(puts.OrderDescending()).And.Exactly(1).Zero);
        Assert.That(puts[0], Is.GreaterThan(puts[1]));
    }

    [Test]
    public void No_payment_after_a_load_finds_the_spilling_behind()
    {
        using MemoryIdStore own = new();
        using Deduplicator original = new(Capacities(1), Some, own);
        original.RetentionNs = 0;
        int count = (int)original.Ids.Capacity * 3 / Limits.ChunkPayments * Limits.ChunkPayments;
        Fill(original, DedupHistory.Begin, 1, count);
        foreach (long memoryBytes in (long[])[Some / 2, Some, Some * 2])
        {
            using MemoryIdStore store = new();
            using Deduplicator loaded = new(Capacities(1), memoryBytes, store);
            loaded.RetentionNs = 0;
            DedupSnapshot.Load(loaded, DedupSnapshot.Of(original, (ulong)count, DedupHistory.Begin).ToFile());
            long most = 0;
            for (int chunk = 0; chunk < 40; chunk++)
            {
                long before = loaded.Ids.StorePuts;
                Fill(loaded, DedupHistory.Begin, (ulong)(count + 1 + (chunk * Limits.ChunkPayments)), Limits.ChunkPayments);
                most = Math.Max(most, loaded.Ids.StorePuts - before);
            }

            TestContext.Out.WriteLine($"of {loaded.Ids.Capacity * 6 / 10} in a generation, most put for one chunk: {most}");
            Assert.That(most, Is.Positive.And.LessThan(3 * Limits.ChunkPayments));
        }
    }

    [Test]
    public void Ids_in_the_order_of_one_memory_do_not_crowd_in_another()
    {
        using MemoryIdStore own = new();
        using Deduplicator original = new(Capacities(1), Much, own);
        const int Count = 200 * Limits.ChunkPayments;
        Fill(original, DedupHistory.Begin, 1, Count);
        DedupSnapshot saved = DedupSnapshot.Of(original, Count, DedupHistory.Begin);
        for (ulong handedOn = 1; handedOn < 4; handedOn++)
        {
            using MemoryIdStore few = new(), many = new();
            using Deduplicator smaller = new(Capacities(1), Some, few);
            using Deduplicator same = new(Capacities(1), Much, many);
            DedupSnapshot.Load(smaller, saved.ToFile());
            DedupSnapshot.Load(same, saved.ToFile());
            TestContext.Out.WriteLine($"{smaller.Ids.RunLongest()} of {smaller.Ids.Capacity}, {same.Ids.RunLongest()} of {same.Ids.Capacity}");
            Assert.That(smaller.Ids.RunLongest(), Is.Positive.And.LessThan(500));
            Assert.That(same.Ids.RunLongest(), Is.Positive.And.LessThan(500));
            saved = DedupSnapshot.Of(same, Count, DedupHistory.Begin);
            Assert.That(saved.Read().SeedChanges, Is.EqualTo(handedOn));
        }
    }

    [Test]
    public void A_stream_costs_what_is_used_of_it()
    {
        using MemoryIdStore store = new();
        using Deduplicator dedup = new(Capacities(8), Least, store);
        using MemoryIdStore none = new();
        using Deduplicator empty = new(Capacities(8), Least, none);
        empty.BeginBlock(DedupHistory.Begin, 1);
        int before = DedupSnapshot.Of(empty, 0, DedupHistory.Begin).Payload.Length;
        dedup.BeginBlock(DedupHistory.Begin, 1);
        Take(dedup, 1, [.. Enumerable.Range(1, 5).Select(n => (ulong)n)]);
        Assert.That(Length(), Is.EqualTo(24 + 8 + (64 * 5)), "few numbers: one group");
        before += 24 + 8 + (64 * 5);
        Take(dedup, 2, [1, 65_000]);
        Assert.That(Length(), Is.EqualTo(24 + (2 * (8 + 8 + (64 * 5)))), "a number far ahead: two groups with their bits");
        before += 24 + (2 * (8 + 8 + (64 * 5)));
        for (ulong first = 1; first < 70_000; first += 1_000)
            Take(dedup, 3, [.. Enumerable.Range(0, 1_000).Select(n => first + (ulong)n)]);
        Assert.That(Length(), Is.EqualTo(24 + 8 + (65_536 * 5)), "a full window: its cells, no bits");

        int Length() => DedupSnapshot.Of(dedup, 100_000, DedupHistory.Begin).Payload.Length - before;
    }

    [Test]
    public void An_empty_deduplicator_is_saved_and_loaded()
    {
        using MemoryIdStore store = new();
        using Deduplicator empty = new(Capacities(8), Least, store);
        using Deduplicator loaded = new(Capacities(8), Least, store);
        DedupSnapshot.Load(loaded, DedupSnapshot.Of(empty, 0, 0).ToFile());
        Assert.That(loaded.State, Is.EqualTo(empty.State));
        loaded.BeginBlock(DedupHistory.Begin, 1);
        Assert.That(() => DedupSnapshot.Load(loaded, DedupSnapshot.Of(empty, 0, 0).ToFile()), Throws.InvalidOperationException);
    }

    [Test]
    public void Nothing_is_saved_between_judgement_and_decision()
    {
        using MemoryIdStore store = new();
        using Deduplicator dedup = new(Capacities(8), Least, store);
        dedup.BeginBlock(DedupHistory.Begin, 1);
        dedup.Judge([new Payment { IdLow = 5, IdHigh = 5 }], [1], 1, new Verdict[1], new Verdict[1], new ushort[1]);
        Assert.That(() => DedupSnapshot.Of(dedup, 1, DedupHistory.Begin), Throws.InvalidOperationException);
    }

    /// <summary>Saves at random blocks, or where it is said; from there on the original and every loaded one judge, count and keep alike.</summary>
    private static void AssertAllGoOn(DedupHistory history, long memoryBytes, bool onDisk, Random random)
    {
        int[] points = [.. Enumerable.Range(0, 2).Select(_ => random.Next(history.Blocks.Count / 4, history.Blocks.Count * 3 / 4))];
        AssertAllGoOn(history, memoryBytes, onDisk, random, (_, block) => points.Contains(block));
    }

    private static void AssertAllGoOn(
        DedupHistory history, long memoryBytes, bool onDisk, Random random, Func<Subject, int, bool> isSavedAfter)
    {
        using Subject original = new(history.StreamsMax, memoryBytes, onDisk);
        List<Subject> loaded = [];
        try
        {
            for (int block = 0; block < history.Blocks.Count; block++)
            {
                Run(original.Dedup, history.Blocks[block], random);
                foreach (Subject subject in loaded)
                {
                    Run(subject.Dedup, history.Blocks[block], random);
                    if (subject.Dedup.State != original.Dedup.State) Assert.Fail($"states differ after block {block}, loaded {subject}");
                }

                if (loaded.Count > 0 && random.Next(6) == 0)
                {
                    Subject subject = loaded[random.Next(loaded.Count)];
                    AssertSame(
                        DedupSnapshot.Of(original.Dedup, history.Blocks[block]), DedupSnapshot.Of(subject.Dedup, history.Blocks[block]));
                }

                if (!isSavedAfter(original, block)) continue;
                DedupSnapshot saved = DedupSnapshot.Of(original.Dedup, history.Blocks[block]);
                AssertSums(saved.Read());
                foreach ((long memory, bool disk) in ((long, bool)[])[(Least, false), (Least, true), (Some, true), (Much, false)])
                {
                    Subject next = new(history.StreamsMax, memory, disk);
                    loaded.Add(next);
                    DedupSnapshot.Load(next.Dedup, saved.ToFile());
                    Assert.That(next.Dedup.State, Is.EqualTo(original.Dedup.State));
                    AssertSame(saved, DedupSnapshot.Of(next.Dedup, history.Blocks[block]));
                }
            }
        }
        finally
        {
            loaded.ForEach(subject => subject.Dispose());
        }
    }

    /// <summary>All but the order of the ids is the same to the byte.</summary>
    private static void AssertSame(DedupSnapshot saved, DedupSnapshot again)
    {
        DedupSnapshot.Contents contents = saved.Read();
        Assert.That(again.Payload, Has.Length.EqualTo(saved.Payload.Length));
        int ids = contents.Ids.Count;
        int idBytes = 8 + (ids * IdEntry.Size) + ((((ids + 1_023) / 1_024) + 1) * 8);
        Assert.That(again.Payload.AsSpan(..^idBytes).SequenceEqual(saved.Payload.AsSpan(..^idBytes)), "all in front of the ids");
        Assert.That(again.Read().IdsInOrder().SequenceEqual(contents.IdsInOrder()), "the ids");
    }

    /// <summary>Every hour's sum is that of the ids that are kept of it: none is missing, none twice, none forgotten.</summary>
    private static void AssertSums(DedupSnapshot.Contents contents)
    {
        Dictionary<ulong, StateSum> uuidV7s = contents.UuidV7Hours.ToDictionary(hour => hour.Key, hour => hour.Value.Sum);
        Dictionary<ulong, StateSum> others = contents.OtherHours.ToDictionary(hour => hour.Key, hour => hour.Value.Sum);
        (ulong Hour, ulong First)[] begins =
            [.. contents.OtherHours.Select(hour => (hour.Key, hour.Value.FirstSequence)).Where(hour => hour.FirstSequence != 0).Order()];
        foreach (IdEntry id in contents.Ids)
        {
            bool uuidV7 = ((id.IdHigh >> 12) & 15) == 7 && id.IdLow >> 62 == 2;
            ulong hour = uuidV7
                ? (id.IdHigh >> 16) * 1_000_000 / Limits.NsPerHour
                : begins.Last(begin => begin.First <= id.Decision.Sequence).Hour;
            Dictionary<ulong, StateSum> sums = uuidV7 ? uuidV7s : others;
            StateSum sum = sums[hour];
            sum.Subtract(StateSum.Of(
                StateSum.KeyOf(id.IdLow, id.IdHigh, id.Decision.Participant), id.Decision.Fingerprint, id.Decision.Verdict));
            sums[hour] = sum;
        }

        Assert.That(uuidV7s.Values.Concat(others.Values), Is.All.EqualTo(default(StateSum)));
    }

    private static void Run(Deduplicator dedup, DedupHistory.Block block, Random random) =>
        DedupHistory.Run(dedup, block, random.Next(2) == 0 ? Limits.ChunkPayments : 100, new Random(random.Next()));

    private static void Fill(Deduplicator dedup, ulong timeNs, ulong firstSequence, long count)
    {
        dedup.BeginBlock(timeNs, firstSequence);
        for (ulong sequence = firstSequence; sequence < firstSequence + (ulong)count;)
        {
            Payment[] payments = [.. Enumerable.Range(0, Limits.ChunkPayments).Select(i =>
                new Payment { IdHigh = (sequence + (ulong)i) * 0x9E37_79B9_7F4A_0000, IdLow = sequence + (ulong)i })];
            sequence = Judge(dedup, payments, new ushort[payments.Length], sequence);
        }
    }

    private static void Take(Deduplicator dedup, ulong stream, ulong[] numbers) =>
        Judge(
            dedup, [.. numbers.Select(number => new Payment { IdHigh = stream, IdLow = number, Flags = PaymentFlags.StreamId })],
            new ushort[numbers.Length], 1);

    private static ulong Judge(Deduplicator dedup, Payment[] payments, ushort[] participants, ulong sequence)
    {
        Verdict[] verdicts = new Verdict[payments.Length];
        dedup.Judge(payments, participants, sequence, verdicts, new Verdict[payments.Length], new ushort[payments.Length]);
        for (int i = 0; i < verdicts.Length; i++)
            if (verdicts[i] == Verdict.Undecided) verdicts[i] = Verdict.Accepted;
        dedup.Decide(verdicts);
        return sequence + (ulong)payments.Length;
    }

    /// <summary>A deduplicator with a store of its own.</summary>
    private sealed class Subject : IDisposable
    {
        private readonly long _memoryBytes;
        private readonly TempFolder? _folder;
        private readonly IIdStore _store;

        public Subject(int streamsMax, long memoryBytes, bool onDisk)
        {
            _memoryBytes = memoryBytes;
            _folder = onDisk ? new TempFolder() : null;
            _store = _folder is { } folder ? new FasterIdStore(folder.Path, FasterIdStoreTests.Tiny) : new MemoryIdStore();
            Dedup = new Deduplicator(Capacities(streamsMax), memoryBytes, _store);
        }

        public Deduplicator Dedup { get; }

        public int ReplacedInStore =>
            _store.Kept(IdKind.Other)
                .GroupBy(entry => (entry.IdLow, entry.IdHigh, entry.Decision.Participant)).Sum(puts => puts.Count() - 1);

        public void Dispose()
        {
            Dedup.Dispose();
            _store.Dispose();
            _folder?.Dispose();
        }

        public override string ToString() => $"with {_memoryBytes} bytes, {(_folder == null ? "in memory" : "on disk")}";
    }
}
