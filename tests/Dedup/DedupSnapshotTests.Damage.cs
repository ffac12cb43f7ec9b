using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Snapshots;

namespace Settlement.Tests.Dedup;

/// <content>Files that are damaged, and sound files whose values cannot be.</content>
public sealed partial class DedupSnapshotTests
{
    [Test]
    public void Every_damaged_byte_is_found_when_it_is_loaded()
    {
        int seed = PrintedSeed.Next();
        Random random = new(seed);
        DedupHistory history = new DedupHistoryGenerator(seed) { StreamNames = 2, Participants = 1 }.Make(300);
        byte[] file = SavedAtTheEnd(history).ToFile();
        using MemoryIdStore store = new();
        for (int i = 0; i < file.Length; i += random.Next(1, 16))
        {
            byte before = file[i];
            file[i] ^= (byte)(1 << random.Next(8));
            using Deduplicator loaded = new(Capacities(history.StreamsMax), Least, store);
            Assert.That(() => DedupSnapshot.Load(loaded, file), Throws.InstanceOf<SnapshotException>(), $"byte {i}");
            file[i] = before;
        }

        for (int length = 0; length < file.Length; length += random.Next(1, 400))
        {
            using Deduplicator loaded = new(Capacities(history.StreamsMax), Least, store);
            Assert.That(() => DedupSnapshot.Load(loaded, file[..length]), Throws.InstanceOf<SnapshotException>(), $"cut at {length}");
        }
    }

    /// <summary>Sound checksums over wrong values: refused, or a state that the engine can go on from, never one that breaks it.</summary>
    [Test]
    public void No_value_of_a_sound_file_breaks_the_engine()
    {
        int seed = PrintedSeed.Next();
        Random random = new(seed);
        DedupHistory history = new DedupHistoryGenerator(seed) { StreamNames = 3, Participants = 2 }.Make(1_500);
        DedupSnapshot saved = SavedAtTheEnd(history);
        int refused = 0, taken = 0;
        for (int round = 0; round < 1_500; round++)
        {
            byte[] payload = [.. saved.Payload];
            int at = random.Next(2) == 0 ? random.Next(payload.Length) : random.Next(Math.Min(payload.Length, 3_000));
            if (random.Next(3) == 0) payload.AsSpan(at, Math.Min(random.Next(1, 9), payload.Length - at)).Fill((byte)(random.Next(2) * 255));
            else payload[at] ^= (byte)(1 << random.Next(8));
            using MemoryIdStore store = new();
            using Deduplicator loaded = new(Capacities(history.StreamsMax), Least, store);
            try
            {
                DedupSnapshot.Load(loaded, saved.With(payload).ToFile());
                taken++;
            }
            catch (SnapshotException)
            {
                refused++;
                continue;
            }

            GoOn(loaded, history, random);
        }

        TestContext.Out.WriteLine($"refused {refused}, taken {taken}");
        Assert.That(Math.Min(refused, taken), Is.GreaterThan(100));
    }

    [Test]
    public void What_contradicts_itself_is_named()
    {
        using MemoryIdStore store = new();
        using Deduplicator dedup = new(Capacities(8), Least, store);
        dedup.BeginBlock(DedupHistory.Begin, 1);
        Take(dedup, 1, [1, 2, 4]);
        DedupSnapshot saved = DedupSnapshot.Of(dedup, 3, DedupHistory.Begin);

        // | sum 16 | floor 8 | hour 8 | 0 hours 8 | 1 hour 8 + 32 | 1 stream 8 | stream 24 | run 8 | bits 8 | 256 | 64 | seeds 8 | ids 8 |
        const int Hours = 40, Streams = Hours + 40, Stream = Streams + 8, Run = Stream + 24, Bits = Run + 8, Verdicts = Bits + 8 + 256;
        Assert.That(saved.Payload, Has.Length.EqualTo(Verdicts + 64 + 8 + 8));
        using (Assert.EnterMultipleScope())
        {
            AssertRefused(24, 0xFF, 8, "hour");
            AssertRefused(Hours, 0, 1, "hour of its last block|streams");
            AssertRefused(Hours + 8, 0xFF, 8, "hours of kept ids");
            AssertRefused(Hours + 32, 9, 1, "begins at a sequence");
            AssertRefused(Hours + 32, 0, 1, "hour of its last block");
            AssertRefused(Streams, 9, 1, "at most 8");
            AssertRefused(Stream + 8, 0, 1, "more decided numbers");
            AssertRefused(Stream + 8, 9, 1, "more decided numbers");
            AssertRefused(Stream + 18, 2, 1, "cells cannot lie");
            AssertRefused(Stream + 20, 0, 1, "are missing");
            AssertRefused(Stream + 20, 0xFF, 4, "cells cannot lie");
            AssertRefused(Run, 1, 1, "are missing");
            AssertRefused(Run + 4, 0, 1, "not in order");
            AssertRefused(Run, 0xFF, 8, "not in order");
            AssertRefused(Bits, 0b1000, 1, "lowest missing number");
            AssertRefused(Bits, 0, 1, "no number there");
            AssertRefused(Verdicts + 1, 0, 1, "verdict");
            AssertRefused(Verdicts + 2, (byte)Verdict.Duplicate, 1, "verdict");
            AssertRefused(Verdicts + 3, 1, 1, "verdict");
            AssertRefused(Verdicts + 4, 200, 1, "verdict");
            AssertRefused(Verdicts + 64 + 8, 255, 8, "ids in one piece");
        }

        void AssertRefused(int at, byte value, int count, string sentence)
        {
            byte[] payload = [.. saved.Payload];
            payload.AsSpan(at, count).Fill(value);
            using Deduplicator loaded = new(Capacities(8), Least, store);
            Assert.That(
                () => DedupSnapshot.Load(loaded, saved.With(payload).ToFile()),
                Throws.InstanceOf<SnapshotException>().With.Message.Match(sentence), $"byte {at}");
        }
    }

    private static DedupSnapshot SavedAtTheEnd(DedupHistory history)
    {
        using MemoryIdStore store = new();
        using Deduplicator original = new(Capacities(history.StreamsMax), Least, store);
        history.Run(original, Limits.ChunkPayments, new Random(1));
        return DedupSnapshot.Of(original, history.Blocks[^1]);
    }

    /// <summary>The history's payments once more, over the hours in which all is forgotten; verdicts are not looked at.</summary>
    private static void GoOn(Deduplicator dedup, DedupHistory history, Random random)
    {
        DedupHistory.Block last = history.Blocks[^1];
        ulong sequence = last.FirstSequence + (ulong)last.Payments.Count;
        (dedup.WindowNs, dedup.RetentionNs) = (Limits.NsPerHour, 3 * Limits.NsPerHour);
        for (int round = 0; round < 6; round++)
        {
            dedup.BeginBlock(last.TimeNs + ((ulong)round * Limits.NsPerHour), sequence);
            DedupHistory.Block block = history.Blocks[random.Next(history.Blocks.Count)];
            foreach (Payment[] payments in block.Payments.Where(payment => payment.IdLow != 0 || !payment.HasStreamId).Chunk(Limits.ChunkPayments))
                sequence = Judge(dedup, payments, [.. block.Participants[..payments.Length]], sequence);
        }
    }
}
