namespace Settlement.Tests.Gateway.Settle;

/// <summary>A bank's published pain.001 example through `settle`: its header says 7 transactions and 38.00, it has 8.</summary>
public sealed class PainTests
{
    private const string Schneider = "CH0309000000250090342";
    private const string Bernasconi = "CH5109000000250092291";

    /// <summary>Every account of the file but the Italian one, whose transaction is not settled.</summary>
    private static readonly string[] s_accounts =
        [Schneider, Bernasconi, "014295803", "CH2909000000250094239", "CH010023512312312365L", "CH7730000001250094239", "IT1122334455667788991122334"];

    [Test]
    public void Six_transactions_of_31_francs_settle_and_two_are_refused_with_their_reasons()
    {
        string message = SharedData.Path("iso20022/sample-pain.001.xml");
        using var folder = new SettleFolder();
        string accounts = folder.Write("accounts.csv", "account,wallet\n" + string.Concat(s_accounts.Select((account, place) => $"{account},{place + 1}\n")));
        string wallets = folder.Write("wallets.csv", SettleFolder.WalletsHeader
            + string.Concat(s_accounts.Select((_, place) => $"{place + 1},{(place == 6 ? "IT" : "CH")},bank-{place % 2},CHF,{(place == 0 ? "100.00" : place == 1 ? "10.00" : "0")}\n")));
        string[] words = ["--wallets", wallets, "--accounts", accounts, "--batch-count", "6", "--verdicts", "all", message];

        SettleResult result = folder.Settle(words).Exits(0);
        Assert.That((result.Number("payments"), result.Count("accepted"), result.Count("self_payment"), result.Number("not_settled")), Is.EqualTo((7L, 6L, 1L, 1L)));
        Assert.That(result.Error, Does.Contain("the message").And.Contain("7").And.Contain("8"));
        string reason = folder.ReportLines("verdicts.csv").Single(line => line.Contains("not_settled", StringComparison.Ordinal));
        Assert.That(reason, Does.Contain("not_settled: the amount is to be converted: the equivalent of 1 CHF in EUR"));
        Assert.That(folder.Batches().Single().GetProperty("gross").GetProperty("CHF").GetString(), Is.EqualTo("3100"));
        string[] balances =
        [
            "wallet,currency,available,pending,held",
            "1,CHF,73.00,0.00,0.00", "2,CHF,17.20,0.00,0.00", "3,CHF,1.80,0.00,0.00", "4,CHF,12.00,0.00,0.00", "5,CHF,2.00,0.00,0.00", "6,CHF,4.00,0.00,0.00", "7,CHF,0.00,0.00,0.00",
        ];
        Assert.That(folder.ReportLines("balances.csv"), Is.EqualTo(balances));

        SettleResult again = folder.Settle(words).Exits(0);
        Assert.That((again.Count("duplicate"), again.Number("payments"), again.Number("not_settled")), Is.EqualTo((7L, 7L, 1L)));
        Assert.That(folder.ReportLines("verdicts.csv").Count(line => line.EndsWith(",duplicate:accepted", StringComparison.Ordinal)), Is.EqualTo(6));
        Assert.That(folder.ReportLines("balances.csv"), Is.EqualTo(balances));
    }

    [Test]
    public void Without_a_table_of_accounts_the_file_is_unusable_and_an_account_that_is_not_in_it_is_a_refusal()
    {
        string message = SharedData.Path("iso20022/sample-pain.001.xml");
        using var folder = new SettleFolder();
        Assert.That(folder.Settle(message).Exits(2).Error, Does.Contain("a pain.001 file needs --accounts FILE"));
        string accounts = folder.Write("accounts.csv", "account,wallet\n");
        SettleResult none = folder.Settle("--accounts", accounts, message).Exits(0);
        Assert.That((none.Number("payments"), none.Number("not_settled")), Is.EqualTo((0L, 8L)));
        Assert.That(folder.ReportLines("verdicts.csv")[1], Does.Contain($"the debtor's account {Schneider} is not in {accounts}"));
        string bad = folder.Write("bad.csv", "account,wallet\n" + Bernasconi + ",none\n");
        Assert.That(folder.Settle("--accounts", bad, message).Exits(2).Error, Does.StartWith($"{bad}, line 2, column wallet: expected a wallet's number"));
    }
}
