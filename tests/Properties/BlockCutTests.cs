using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Properties;

/// <summary>
/// Where blocks begin is chance: the journal stage takes what is there. The same payments at the same times, cut into other blocks, have
/// the same verdicts and batches, and the ledger the same state.
/// </summary>
[TestFixture]
public sealed class BlockCutTests
{
    private static readonly ulong[] s_seeds = [4, 5, 6, 7];

    private static ulong[] Seeds() =>
        ulong.TryParse(Environment.GetEnvironmentVariable("SETTLEMENT_SEED"), out ulong seed) ? [seed] : s_seeds;

    [TestCaseSource(nameof(Seeds))]
    public void Payments_cut_into_other_blocks_of_the_same_times_have_the_same_outcomes_batches_and_state(ulong seed)
    {
        TestContext.Out.WriteLine($"SETTLEMENT_SEED={seed}");
        var rules = new SharedRules();
        var generator = new StreamGenerator(seed, 40_000, rules, rules.Encode);
        using var whole = new EngineLedger(generator.Genesis);
        using var cut = new EngineLedger(generator.Genesis);
        var random = new Random((int)seed);
        ulong number = 0;
        foreach (GeneratedBlock block in generator.Blocks())
        {
            Outcome[] expected = whole.Apply(block.Header, block.Slots);
            for (int done = 0; done == 0 || done < block.Slots.Length;)
            {
                int count = block.Header.Kind == BlockKind.Payments ? Math.Min(NextSize(random), block.Slots.Length - done) : block.Slots.Length;
                BlockHeader header = block.Header;
                header.Number = number++;
                header.FirstSequence += (ulong)done;
                header.Count = (uint)count;
                Outcome[] outcomes = cut.Apply(header, block.Slots.AsSpan(done, count));
                for (int i = 0; i < count; i++)
                {
                    if (!Same(outcomes[i], expected[done + i]))
                        Assert.Fail($"sequence {header.FirstSequence + (ulong)i}, {block.Slots[done + i].Instruction}: {Text(expected[done + i])} whole, {Text(outcomes[i])} cut");
                }

                done += Math.Max(count, 1);
            }
        }

        Assert.That(cut.Closed, Has.Count.EqualTo(whole.Closed.Count));
        Assert.That(whole.Closed, Is.Not.Empty);
        for (int i = 0; i < whole.Closed.Count; i++)
            Assert.That(cut.Closed[i].Encode(), Is.EqualTo(whole.Closed[i].Encode()), $"batch {i + 1}");
        Assert.That(cut.State.Ids.State, Is.EqualTo(whole.State.Ids.State));
        Assert.That(cut.State.Targets.Fold, Is.EqualTo(whole.State.Targets.Fold));
        Assert.That(BalanceFold.Recompute(cut.State.Accounts), Is.EqualTo(BalanceFold.Recompute(whole.State.Accounts)));
    }

    private static int NextSize(Random random) => random.Next(6) switch
    {
        0 => 1,
        1 => random.Next(1, 8),
        2 => Limits.ChunkPayments,
        3 => random.Next(1, 200),
        _ => random.Next(1, 3_000),
    };

    private static bool Same(in Outcome one, in Outcome other) =>
        (one.Verdict, one.First, one.Rule, one.Batch, one.Available) == (other.Verdict, other.First, other.Rule, other.Batch, other.Available);

    private static string Text(in Outcome outcome) => $"{outcome.Verdict} (first {outcome.First}, batch {outcome.Batch}, available {outcome.Available})";
}
