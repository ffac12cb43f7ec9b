using Settlement.Engine.Domain;
using Settlement.Replay.Tail;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replay;

/// <summary>Holds a history to what it should say.</summary>
internal static class HistoryComparison
{
    private const int PageLines = 37;

    /// <summary>Every payment, every wallet and account, every closed batch, and every running balance at the points that were kept.</summary>
    public static void Expect(HistoryReader history, GeneratedJournal journal)
    {
        ExpectPayments(history, journal.Payments);
        ExpectWallets(history, journal.Twin);
        var statements = new Dictionary<(ulong Wallet, ushort Currency), List<StatementLine>>();
        foreach ((ulong wallet, ushort currency) in journal.AccountsNow().Keys)
            statements[(wallet, currency)] = Statement(history, wallet, currency);
        foreach (GeneratedPoint point in journal.Points.Append(new GeneratedPoint(ulong.MaxValue, journal.Twin.OpenBatch, journal.AccountsNow())))
        {
            foreach ((var account, AccountView expected) in point.Accounts)
            {
                if (BalanceAt(statements[account], point.Sequence, point.OpenBatch) is var running && running != expected)
                    Assert.Fail($"wallet {account.Wallet}, currency {account.Currency}, behind sequence {point.Sequence}: the statement says {running}, the twin has {expected}");
            }
        }

        ExpectBatches(history, journal.Twin);
    }

    /// <summary>The whole statement of an account, the oldest line first; each line's balances follow from those of the line before it.</summary>
    public static List<StatementLine> Statement(HistoryReader history, ulong wallet, ushort currency)
    {
        var lines = new List<StatementLine>();
        long next = 0;
        do
        {
            StatementPage page = history.Statement(wallet, currency, PageLines, next);
            lines.AddRange(page.Lines);
            next = page.Next;
        }
        while (next != 0);
        lines.Reverse();
        StatementLine? before = null;
        foreach (StatementLine line in lines)
        {
            AccountView rolled = before is null ? default : RolledTo(line.Batch, before);
            bool follows = (Int128)rolled.Available + line.AvailableChange == line.Available && (Int128)rolled.Pending + line.PendingChange == line.Pending
                && (Int128)rolled.Held + line.HeldChange == line.Held && line.Movement > (before?.Movement ?? 0) && line.Sequence >= (before?.Sequence ?? 0);
            if (!follows)
                Assert.Fail($"wallet {wallet}, currency {currency}: {line} does not follow from {before}");
            before = line;
        }

        return lines;
    }

    private static AccountView BalanceAt(List<StatementLine> lines, ulong sequence, ulong openBatch)
    {
        int last = lines.FindLastIndex(line => line.Sequence <= sequence);
        return last < 0 ? default : RolledTo(openBatch, lines[last]);
    }

    /// <summary>What was pending in an earlier batch is available.</summary>
    private static AccountView RolledTo(ulong batch, StatementLine line) =>
        line.Batch < batch ? new AccountView(line.Available + line.Pending, 0, line.Held) : new AccountView(line.Available, line.Pending, line.Held);

    private static void ExpectPayments(HistoryReader history, List<GeneratedPayment> payments)
    {
        foreach (GeneratedPayment expected in payments)
        {
            HistoryPayment? found = history.PaymentAt(expected.Sequence);
            if (found is null || found.Payment != expected.Payment || found.Block != expected.Block || found.TimeNs != expected.TimeNs || !Same(found.Outcome, expected.Outcome))
                Assert.Fail($"sequence {expected.Sequence}: {found}, expected {expected}");
        }

        Assert.That(history.Count("payments"), Is.EqualTo(payments.Count), "none is there twice, and no other");
        foreach (var id in payments.Where((_, place) => place % 100 == 0).Select(one => (one.Payment.IdHigh, one.Payment.IdLow)).Distinct())
        {
            IEnumerable<ulong> expected = payments.Where(one => one.Payment.IdHigh == id.IdHigh && one.Payment.IdLow == id.IdLow).Select(one => one.Sequence);
            Assert.That(history.PaymentsById(id.IdHigh, id.IdLow, int.MaxValue).Select(one => one.Sequence), Is.EqualTo(expected));
        }
    }

    private static bool Same(in Outcome one, in Outcome other) =>
        (one.Verdict, one.First, one.Rule, one.Batch, one.Available) == (other.Verdict, other.First, other.Rule, other.Batch, other.Available);

    private static void ExpectWallets(HistoryReader history, NaiveEngine twin)
    {
        foreach (NaiveWallet expected in twin.Wallets.Values)
        {
            HistoryWallet? found = history.Wallet(expected.Id);
            Assert.That(found, Is.Not.Null, $"wallet {expected.Id}");
            Assert.That(
                new WalletView(found!.Participant, found.Country, found.Tier, found.Kind, found.Level, found.Status, found.Holder), Is.EqualTo(twin.Wallet(expected.Id)), $"wallet {expected.Id}");
            Assert.That(
                found.Accounts.ToDictionary(account => account.Currency, account => new AccountView(account.Available, account.Pending, account.Held)),
                Is.EqualTo(expected.Accounts.Keys.ToDictionary(currency => currency, currency => twin.Account(expected.Id, currency)!.Value)),
                $"wallet {expected.Id}");
        }

        Assert.That(history.Count("wallets"), Is.EqualTo(twin.Wallets.Count));
        Assert.That(history.Participants(), Is.EqualTo(twin.Participants));
        Assert.That(history.Currencies().Select(currency => (currency.Number, currency.Scale)), Is.EquivalentTo(twin.Currencies.Select(currency => (currency.Number, (int)currency.Scale))));
    }

    private static void ExpectBatches(HistoryReader history, NaiveEngine twin)
    {
        for (ulong number = 1; number <= (ulong)twin.ClosedBatches.Count; number++)
        {
            BatchView expected = twin.Batch(number);
            HistoryBatch? found = history.Batch(number);
            Assert.That(found, Is.Not.Null, $"batch {number}");
            Assert.That((found!.OpenedNs, found.ClosedNs, found.Count), Is.EqualTo((expected.OpenedNs, expected.ClosedNs, expected.Count)), $"batch {number}");
            Assert.That(found.Gross.ToDictionary(gross => gross.Currency, gross => (System.Numerics.BigInteger)gross.Amount), Is.EquivalentTo(expected.Gross), $"batch {number}");
            Assert.That(
                found.Net.Where(net => net.Net != 0).ToDictionary(net => (net.Participant, net.Currency), net => (System.Numerics.BigInteger)net.Net),
                Is.EquivalentTo(expected.Net), $"batch {number}");
        }

        Assert.That(history.Batch(twin.OpenBatch), Is.Null);
    }

}
