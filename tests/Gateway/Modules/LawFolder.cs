using System.Globalization;
using Settlement.Tests.Gateway.Settle;

namespace Settlement.Tests.Gateway.Modules;

/// <summary>
/// A folder with a ledger that a module <c>us</c> governs: five devices of three makers, of which three of two makers decide, two in an emergency. Everything is done by the
/// program's own command lines, in this process.
/// </summary>
internal sealed class LawFolder : IDisposable
{
    public const string Clock = "2026-02-01T10:00:00Z";
    public const string TravelFrom3000 = """
        module us version 1 effective 2026-01-01 authority "US Treasury" for { US }

        require us.travel tier >= 1
          when amount >= USD 3_000.00
          cite "31 CFR 1010.410(f)"

        review us.large within 3 days
          when amount > USD 10_000
          cite "31 CFR 1010.311"

        """;

    private readonly SettleFolder _folder = new();

    /// <summary>The ledger with its wallets: 1 (US, tier 1) and 3 (US, tier 0) pay, 2 (IN) is paid.</summary>
    public LawFolder(bool founds = true)
    {
        Write("wallets.csv", "wallet,country,participant,currency,opening,tier\n1,US,alpha,USD,100000.00,1\n2,IN,beta,USD,10.00,1\n3,US,alpha,USD,100000.00,0\n");
        Settle(null, "--wallets", PathOf("wallets.csv")).Exits(0);
        if (!founds)
            return;
        for (int device = 1; device <= 5; device++)
            NewDevice(device);
        for (int device = 1; device <= 5; device++)
            Rules(0, "device", "add", "us", PublicOf(device));
        Rules(0, "found", "us", "--quorum", "3", "--makers", "2", "--emergency", "2");
    }

    public string Journal => _folder.Journal;

    public string PathOf(string name) => _folder.PathOf(name);

    public string Write(string name, string text) => _folder.Write(name, text);

    /// <summary>Makers: 1 and 2 of Acme, 3 and 4 of Borg, 5 of Corp.</summary>
    public string NewDevice(int device)
    {
        string maker = device switch { <= 2 => "Acme", <= 4 => "Borg", _ => "Corp" };
        SettleFolder.Run("rules", "device", "new", "--device", KeyOf(device), "--maker", maker).Exits(0);
        return PublicOf(device);
    }

    public string KeyOf(int device) => PathOf($"d{device}.key");

    public string PublicOf(int device) => PathOf($"d{device}.pub");

    /// <summary>A verb of `rules` over this ledger.</summary>
    public SettleResult Rules(int code, params string[] words) => SettleFolder.Run(["rules", .. words, "--journal", Journal, "--clock", Clock]).Exits(code);

    /// <summary>Settles payments of USD, immediate, from the wallet to wallet 2: amounts, or lines as they are.</summary>
    public SettleResult Pay(string stream, ulong payer, params string[] amounts) => Settle(Write(
        $"{stream}.csv", "id,payer,payee,amount,currency,instruction\n" + string.Concat(amounts.Select((amount, i) =>
            string.Create(CultureInfo.InvariantCulture, $"{stream}:{i + 1},{payer},2,{amount},USD,immediate\n")))));

    /// <summary>The verdicts of the last run, by line of the file from 2 on.</summary>
    public string[] Verdicts => [.. _folder.ReportLines("verdicts.csv").Skip(1).Select(line => line.Split(',')[^1])];

    public SettleResult Settle(string? file, params string[] words) => SettleFolder.Run(
    [
        "settle", .. file is null ? (string[])[] : [file], "--journal", Journal, "--report", _folder.Report, "--clock", Clock, "--batch-age", "none", "--verdicts", "all",
        "--capacity", "4096", "--id-memory", "1M", "--json", .. words,
    ]).Exits(0);

    /// <summary>Proposes a text and has it voted by devices 1, 3 and 5; the proposal's number.</summary>
    public string Carry(string name, string text)
    {
        string proposal = Text(Rules(0, "propose", Write(name, text), "--device", KeyOf(1), "--json"), "proposal");
        VoteFor(proposal);
        return proposal;
    }

    public void VoteFor(string proposal)
    {
        foreach (int device in (int[])[1, 3, 5])
            Rules(0, "vote", proposal, "yes", "--device", KeyOf(device));
    }

    /// <summary>Puts a text in force at once.</summary>
    public string Activate(string name, string text)
    {
        string proposal = Carry(name, text);
        Rules(0, "schedule", proposal);
        return proposal;
    }

    public static string Text(SettleResult result, string field) => result.Json.GetProperty(field).GetString()!;

    public void Dispose() => _folder.Dispose();
}
