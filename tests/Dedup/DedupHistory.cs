using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Dedup;

/// <summary>A generated history of blocks, and what the naive twin says to each payment of it.</summary>
internal sealed class DedupHistory
{
    public const ulong Begin = 1_767_225_600 * Limits.NsPerSecond;

    public List<Block> Blocks { get; } = [];

    public int StreamsMax { get; init; } = 64;

    public sealed class Block
    {
        public ulong TimeNs { get; init; }

        public ulong FirstSequence { get; init; }

        public ulong WindowNs { get; init; }

        public ulong RetentionNs { get; init; }

        public List<Payment> Payments { get; } = [];

        public List<ushort> Participants { get; } = [];

        /// <summary>Malformed where the stage before has refused it already.</summary>
        public List<Verdict> Before { get; } = [];

        public List<(Verdict Verdict, Verdict First)> Expected { get; } = [];

        /// <summary>The twin's state after the block, where it was asked.</summary>
        public StateSum? StateAfter { get; set; }
    }

    /// <summary>What the ledger decides on a payment whose id is new: any verdict that uses it up.</summary>
    public static Verdict Decided(ulong sequence) => (Verdict)(sequence % 5 == 0 ? 17 + (sequence / 5 % 15) : 1);

    public Dictionary<Verdict, int> Coverage()
    {
        Dictionary<Verdict, int> counts = [];
        foreach (Block block in Blocks)
            foreach ((Verdict verdict, _) in block.Expected)
                counts[verdict] = counts.GetValueOrDefault(verdict) + 1;
        return counts;
    }

    /// <summary>Fills in what the twin expects.</summary>
    public void Expect(int stateEvery = 16)
    {
        NaiveDedup naive = new(StreamsMax);
        foreach (Block block in Blocks)
        {
            (naive.WindowNs, naive.RetentionNs) = (block.WindowNs, block.RetentionNs);
            naive.BeginBlock(block.TimeNs);
            for (int i = 0; i < block.Payments.Count; i++)
            {
                Payment payment = block.Payments[i];
                (Verdict Verdict, Verdict First) judged = (block.Before[i], default);
                if (judged.Verdict == Verdict.Undecided && (payment.Flags & PaymentFlags.Opening) == 0)
                {
                    judged = naive.Judge(in payment, block.Participants[i]);
                    if (judged.Verdict == Verdict.Undecided)
                    {
                        judged.Verdict = Decided(block.FirstSequence + (ulong)i);
                        naive.Decide(in payment, block.Participants[i], judged.Verdict);
                    }
                }

                block.Expected.Add(judged);
            }

            if (Blocks.IndexOf(block) % stateEvery == stateEvery - 1 || block == Blocks[^1]) block.StateAfter = naive.State();
        }
    }

    /// <summary>Runs the engine over the history as the settle stage does, and compares.</summary>
    public void Run(Deduplicator dedup, int chunkMax, Random random)
    {
        foreach (Block block in Blocks) Run(dedup, block, chunkMax, random);
    }

    public static void Run(Deduplicator dedup, Block block, int chunkMax, Random random)
    {
        (dedup.WindowNs, dedup.RetentionNs) = (block.WindowNs, block.RetentionNs);
        dedup.BeginBlock(block.TimeNs, block.FirstSequence);
        for (int start = 0; start < block.Payments.Count;)
        {
            int count = Math.Min(random.Next(1, chunkMax + 1), block.Payments.Count - start);
            RunChunk(dedup, block, start, count, random);
            start += count;
        }

        if (block.StateAfter is { } expected)
            Assert.That(dedup.State, Is.EqualTo(expected), $"state after the block of sequence {block.FirstSequence}");
    }

    private static void RunChunk(Deduplicator dedup, Block block, int start, int count, Random random)
    {
        Payment[] payments = [.. block.Payments[start..(start + count)]];
        ushort[] participants = [.. block.Participants[start..(start + count)]];
        Verdict[] verdicts = [.. block.Before[start..(start + count)]];
        Verdict[] firsts = new Verdict[count];
        ushort[] earlier = new ushort[count];
        ulong firstSequence = block.FirstSequence + (ulong)start;
        dedup.Judge(payments, participants, firstSequence, verdicts, firsts, earlier);
        for (int i = 0; i < count; i++)
        {
            bool opening = (payments[i].Flags & PaymentFlags.Opening) != 0;
            if (verdicts[i] is Verdict.Duplicate or Verdict.IdConflict && firsts[i] == Verdict.Undecided)
                firsts[i] = verdicts[earlier[i]];
            if (verdicts[i] == Verdict.Undecided && !opening) verdicts[i] = Decided(firstSequence + (ulong)i);
            if ((verdicts[i], firsts[i]) != block.Expected[start + i])
            {
                Assert.Fail($"sequence {firstSequence + (ulong)i}, id {payments[i].Id:x32}, flags {payments[i].Flags}: "
                    + $"{verdicts[i]} after {firsts[i]}, expected {block.Expected[start + i]}");
            }

            if (random.Next(200) == 0) dedup.Decide(verdicts.AsSpan(0, i + 1));
        }

        dedup.Decide(verdicts);
    }
}
