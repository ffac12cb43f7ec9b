using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Ledger;

/// <summary>The movements that a ledger tells, over generated histories: a chain an account, which ends at its balances; and money that only moves.</summary>
public sealed class MovementLogTests
{
    // The two lowest bits of a seed choose the history's temper.
    [Test]
    public void Movements_lead_from_nothing_to_every_balance([Values(0UL, 1UL, 2UL, 3UL)] ulong temper)
    {
        ulong seed = ((ulong)(uint)PrintedSeed.Next() << 2) | temper;
        var rules = new SharedRules();
        var generator = new StreamGenerator(seed, 15_000, rules, rules.Encode, decides: true);
        using var engine = new EngineLedger(generator.Genesis);
        var log = new MovementLog();
        engine.State.Movements = log;
        var last = new Dictionary<int, AccountMovement>();
        var causes = new HashSet<(Instruction, bool Expired)>();
        int decided = 0;

        void Follow()
        {
            foreach (AccountMovement movement in log.All)
            {
                ExpectToFollow(movement, last.GetValueOrDefault(movement.Account));
                last[movement.Account] = movement;
            }

            log.Clear();
        }

        foreach (GeneratedBlock block in generator.Blocks())
        {
            foreach (GeneratedDecision decision in block.Decisions)
            {
                Verdict verdict = engine.Decide(decision.Key.Participant, decision.Key.Id, decision.Releases);
                ExpectDecision(verdict, decision.Releases, log.All);
                decided += verdict == Verdict.Accepted ? 1 : 0;
                Follow();
            }

            Outcome[] outcomes = engine.Apply(block.Header, block.Slots);
            ExpectOneSide(block, outcomes, log.All, causes);
            Follow();
        }

        for (int row = 1; row <= engine.State.Accounts.Count; row++)
        {
            AccountRow account = engine.State.Accounts[row];
            AccountMovement movement = last.GetValueOrDefault(row);
            Assert.That(movement.Available + movement.Pending, Is.EqualTo(account.Available + account.Pending), $"seed {seed}, row {row}");
            Assert.That(movement.Held, Is.EqualTo(account.Held), $"seed {seed}, row {row}");
        }

        Assert.That(
            causes, Is.SupersetOf(Enum.GetValues<Instruction>().Where(one => one is >= Instruction.Micropayment and <= Instruction.Redeem).Select(one => (one, false))),
            $"seed {seed}: every kind of payment");
        TestContext.Out.WriteLine($"{decided} decisions about payments under review");
    }

    /// <summary>What a release takes from the payer's held it gives to the payee; a refusal gives it back. A released hold moves nothing.</summary>
    private static void ExpectDecision(Verdict verdict, bool releases, ReadOnlySpan<AccountMovement> movements)
    {
        ulong held = 0, others = 0;
        foreach (AccountMovement movement in movements)
        {
            held += movement.HeldChange;
            others += movement.AvailableChange + movement.PendingChange;
        }

        Assert.That(held + others, Is.Zero);
        int expected = verdict != Verdict.Accepted ? 0 : releases ? (movements.Length == 0 ? 0 : 2) : 1;
        Assert.That(movements.Length, Is.EqualTo(expected));
        Assert.That(held == 0, Is.EqualTo(expected == 0));
    }

    [Test]
    public void Holds_that_expire_are_told_with_the_sequence_that_comes_next()
    {
        var rules = new SharedRules();
        var generator = new StreamGenerator(2, 30_000, rules, rules.Encode);
        using var engine = new EngineLedger(generator.Genesis);
        var log = new MovementLog();
        engine.State.Movements = log;
        int expired = 0;
        foreach (GeneratedBlock block in generator.Blocks())
        {
            engine.Apply(block.Header, block.Slots);
            foreach (AccountMovement movement in log.All)
            {
                if (movement.Payment == movement.Sequence)
                    continue;
                expired++;
                Assert.That(movement.Sequence, Is.EqualTo(block.Header.FirstSequence));
                Assert.That(movement.Payment, Is.LessThan(movement.Sequence).And.Positive);
                Assert.That(movement.HeldChange + movement.AvailableChange, Is.Zero);
                Assert.That(movement.Other, Is.Positive);
            }

            log.Clear();
        }

        Assert.That(expired, Is.Positive);
    }

    private static void ExpectToFollow(in AccountMovement movement, in AccountMovement before)
    {
        bool rolls = before.Batch != movement.Batch;
        ulong available = before.Available + (rolls ? before.Pending : 0);
        ulong pending = rolls ? 0 : before.Pending;
        bool follows = available + movement.AvailableChange == movement.Available && pending + movement.PendingChange == movement.Pending
            && before.Held + movement.HeldChange == movement.Held && movement.Sequence >= before.Sequence;
        if (!follows)
            Assert.Fail($"{movement} does not follow from {before}");
    }

    /// <summary>What one payment takes it gives, but for issues and redemptions; a refused one moves nothing.</summary>
    private static void ExpectOneSide(GeneratedBlock block, Outcome[] outcomes, ReadOnlySpan<AccountMovement> movements, HashSet<(Instruction, bool)> causes)
    {
        ulong[] sums = new ulong[outcomes.Length];
        bool[] moved = new bool[outcomes.Length];
        foreach (AccountMovement movement in movements)
        {
            if (movement.Payment != movement.Sequence)
                continue;
            int slot = (int)(movement.Sequence - block.Header.FirstSequence);
            sums[slot] += movement.AvailableChange + movement.PendingChange + movement.HeldChange;
            moved[slot] = true;
            causes.Add((block.Slots[slot].Instruction, false));
        }

        for (int i = 0; i < outcomes.Length && block.Header.Kind == BlockKind.Payments; i++)
        {
            ref readonly Payment payment = ref block.Slots[i];
            bool accepted = outcomes[i].Verdict.IsAccepted();
            ulong expected = !accepted ? 0 : payment.Instruction switch { Instruction.Issue => payment.Amount, Instruction.Redeem => 0 - payment.Amount, _ => 0 };
            if (sums[i] != expected || moved[i] != accepted)
                Assert.Fail($"slot {i} of block {block.Header.Number}, {payment.Instruction}, {outcomes[i].Verdict}: movements sum to {(long)sums[i]}");
        }
    }
}
