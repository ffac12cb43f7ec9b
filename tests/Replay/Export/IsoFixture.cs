using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Replay;
using Settlement.Replay.Common;

namespace Settlement.Tests.Replay.Export;

/// <summary>Runs the export by its command line, and looks balances up in the ledger at a point.</summary>
public abstract class IsoFixture
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    protected string Journal => PathOf("journal");

    protected string PathOf(string name) => _folder.PathOf(name);

    /// <summary>Exports into a folder of that name; gives its path.</summary>
    protected string Export(string folder, params string[] words)
    {
        (int code, string output, string error) = Run(["export", Journal, "--out", PathOf(folder), .. words]);
        Assert.That(code, Is.Zero, error);
        Assert.That(error, Is.Empty);
        Assert.That(output, Is.Not.Empty);
        return PathOf(folder);
    }

    protected JsonElement Summary(string folder, params string[] words)
    {
        (int code, string output, string error) = Run(["export", Journal, "--out", PathOf(folder), "--json", .. words]);
        Assert.That(code, Is.Zero, error);
        using var json = JsonDocument.Parse(output);
        return json.RootElement.Clone();
    }

    /// <summary>A command that is refused: one sentence, exit code 2, nothing written.</summary>
    protected string Refused(string folder, params string[] words)
    {
        (int code, string output, string error) = Run(["export", Journal, "--out", PathOf(folder), .. words]);
        Assert.That(code, Is.EqualTo(2), output + error);
        Assert.That(output, Is.Empty);
        return error;
    }

    internal static (int Code, string Output, string Error) Run(string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = ReplayCommand.Run(words, output, error);
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>Booked and available balance of every account at a point, in whole ISO units, rounded down.</summary>
    internal Dictionary<(string, string, string), (decimal Booked, decimal Available)> Balances(string point)
    {
        using JournalWalk walk = JournalWalk.Open(Journal, new WalkOptions { Until = JournalPoint.Parse("point", point) });
        walk.ToPoint();
        LedgerState state = walk.State;
        var balances = new Dictionary<(string, string, string), (decimal, decimal)>();
        for (int row = 1; row <= state.Accounts.Count; row++)
        {
            AccountRow account = state.Accounts[row];
            if (account.CurrencyIndex == 0)
                continue;
            CurrencyRecord currency = state.Currencies[account.CurrencyIndex];
            ulong pending = account.Batch == state.Batch.Mark ? account.Pending : 0;
            balances.Add(("WALLET", account.Wallet.ToString(CultureInfo.InvariantCulture), Iso4217.LettersOf(currency.Number)),
                (Whole(account.Total, currency), Whole(account.Total - account.Held - pending, currency)));
        }

        return balances;
    }

    /// <summary>An amount of the ledger in ISO's digits, what is behind them cut off.</summary>
    private static decimal Whole(ulong amount, CurrencyRecord currency)
    {
        decimal exact = amount;
        for (int i = 0; i < currency.Scale; i++)
            exact /= 10;
        return decimal.Round(exact, Iso4217.ScaleOf(currency.Number), MidpointRounding.ToZero);
    }
}
