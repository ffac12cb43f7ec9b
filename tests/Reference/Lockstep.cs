using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>
/// Holds a ledger to the naive twin over a generated history: every outcome of every block, then accounts, positions,
/// outstanding amounts and batches. What differs first is named with its seed, block and payment.
/// </summary>
public static class Lockstep
{
    /// <param name="ledger">Fresh, of the generator's genesis and with rules that its plans mean the same to.</param>
    /// <param name="coverage">Counts the history, if given.</param>
    /// <param name="blocksPerStateCheck">After how many blocks the whole state is compared; it is at the end in any case.</param>
    public static void Follow(
        StreamGenerator generator, ILedgerUnderTest ledger, Coverage? coverage = null, int blocksPerStateCheck = 16)
    {
        ulong batchesCompared = 0;
        ulong block = 0;
        foreach (GeneratedBlock generated in generator.Blocks())
        {
            block = generated.Header.Number;
            ExpectDecisions(generator.Seed, generated, ledger);
            Outcome[] outcomes = ledger.Apply(generated.Header, generated.Slots, generated.Evidence);
            ExpectOutcomes(generator.Seed, generated, outcomes);
            coverage?.Add(generated.Header, generated.Slots, outcomes);
            coverage?.Add(generated.Decisions);
            if (block % (ulong)blocksPerStateCheck == 0)
                ExpectState(generator, ledger, block, ref batchesCompared);
        }

        ExpectState(generator, ledger, block, ref batchesCompared);
        coverage?.AddEnd(generator.Model);
    }

    private static void ExpectDecisions(ulong seed, GeneratedBlock generated, ILedgerUnderTest ledger)
    {
        foreach (GeneratedDecision decision in generated.Decisions)
            if (ledger.Decide(decision.Key.Participant, decision.Key.Id, decision.Releases) is var verdict && verdict != decision.Expected)
                Assert.Fail($"seed {seed}, before block {generated.Header.Number}: {decision}, was {verdict}");
    }

    private static void ExpectOutcomes(ulong seed, GeneratedBlock generated, Outcome[] outcomes)
    {
        Assert.That(outcomes, Has.Length.EqualTo(generated.Expected.Length), $"seed {seed}, block {generated.Header.Number}");
        for (int i = 0; i < outcomes.Length; i++)
        {
            Outcome expected = generated.Expected[i], actual = outcomes[i];
            bool same = (expected.Verdict, expected.First, expected.Rule, expected.Batch, expected.Available)
                == (actual.Verdict, actual.First, actual.Rule, actual.Batch, actual.Available);
            if (!same)
                Assert.Fail(
                    $"seed {seed}, block {generated.Header.Number} ({generated.Header.Kind}, time {generated.Header.TimeNs}), "
                    + $"slot {i}, sequence {generated.Header.FirstSequence + (ulong)i}: expected {Text(expected)}, "
                    + $"was {Text(actual)}; " + Text(generated.Slots[i]));
        }
    }

    private static void ExpectState(StreamGenerator generator, ILedgerUnderTest ledger, ulong block, ref ulong batchesCompared)
    {
        NaiveEngine model = generator.Model;
        string where = $"seed {generator.Seed}, after block {block}";
        foreach (NaiveWallet wallet in model.Wallets.Values)
        {
            if (ledger.Wallet(wallet.Id) != model.Wallet(wallet.Id))
                Assert.Fail($"{where}, wallet {wallet.Id}: expected {model.Wallet(wallet.Id)}, was {ledger.Wallet(wallet.Id)}");
            if (ledger is EngineLedger engine && engine.ConsentText(wallet.Id) is var consent && consent != model.ConsentText(wallet.Id))
                Assert.Fail($"{where}, wallet {wallet.Id}: expected {model.ConsentText(wallet.Id)}, was {consent}");
            foreach (NaiveCurrency currency in model.Currencies)
            {
                AccountView? expected = model.Account(wallet.Id, currency.Number);
                AccountView? actual = ledger.Account(wallet.Id, currency.Number);
                if (actual != expected)
                    Assert.Fail($"{where}, wallet {wallet.Id}, currency {currency.Number}: expected {expected}, was {actual}");
            }
        }

        foreach (NaiveCurrency currency in model.Currencies)
        {
            ushort c = currency.Number;
            Assert.That(ledger.Outstanding(c), Is.EqualTo(model.Outstanding(c)), $"{where}, outstanding in {c}");
            for (ushort p = 0; p < model.Participants.Count; p++)
            {
                string position = $"{where}, position of participant {p} in {c}";
                Assert.That(ledger.OpenPosition(p, c), Is.EqualTo(model.OpenPosition(p, c)), $"{position}, open");
                Assert.That(ledger.UnsettledPosition(p, c), Is.EqualTo(model.UnsettledPosition(p, c)), $"{position}, unsettled");
            }
        }

        foreach ((ushort participant, ulong stream, ulong wallet) in model.Chains.Keys)
            if (ledger is EngineLedger engine && engine.ChainText(participant, stream, wallet) is var chain && chain != model.ChainText(participant, stream, wallet))
                Assert.Fail($"{where}, chain {stream} of wallet {wallet} for {participant}: expected {model.ChainText(participant, stream, wallet)}, was {chain}");
        Assert.That(ledger.OpenBatch, Is.EqualTo(model.OpenBatch), where);
        for (; batchesCompared < (ulong)model.ClosedBatches.Count; batchesCompared++)
            ExpectBatch(model.Batch(batchesCompared + 1), ledger.Batch(batchesCompared + 1), where);
    }

    private static void ExpectBatch(BatchView expected, BatchView actual, string where)
    {
        string batch = $"{where}, batch {expected.Number}";
        Assert.That(
            (actual.Number, actual.OpenedNs, actual.ClosedNs, actual.Count),
            Is.EqualTo((expected.Number, expected.OpenedNs, expected.ClosedNs, expected.Count)),
            $"{batch}: number, opened, closed, count");
        Assert.That(actual.Gross, Is.EquivalentTo(expected.Gross), $"{batch}: gross");
        Assert.That(actual.Fees, Is.EquivalentTo(expected.Fees), $"{batch}: fees");
        Assert.That(actual.Net, Is.EquivalentTo(expected.Net), $"{batch}: net positions");
    }

    private static string Text(in Outcome o) =>
        $"{o.Verdict} (first {o.First}, rule {o.Rule}, batch {o.Batch}, available {o.Available})";

    private static string Text(in Payment p) =>
        $"{p.Instruction} id {p.IdHigh:x16}:{p.IdLow:x16} payer {p.Payer} payee {p.Payee} amount {p.Amount} "
        + $"reference {p.Reference} valid until {p.ValidUntilNs} currency {p.Currency} flags {p.Flags} level {p.Level} "
        + $"purpose {p.Purpose} session {p.Session}";
}
