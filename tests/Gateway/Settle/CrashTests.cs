using System.Diagnostics;
using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Perf.Generate;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Gateway.Settle;

/// <summary>
/// `settle` as a process, killed (-9) at random while it writes a million payments, and run again each time: at the end every payment is
/// decided once, and no verdict that a killed run had shown was taken back.
/// </summary>
/// <remarks>
/// Most kills fall where new payments are decided: when verdicts.csv has grown to a size drawn at random, the later the run the larger, so
/// that the file gets done. The others fall at a moment of the process's life: starting, recovering, declaring, reading.
/// What was decided and how is read from the journal itself, by its first verdicts.
/// </remarks>
[Category(LongRun.Category)]
public sealed class CrashTests
{
    private const int PaymentCount = 1_000_000;
    private const int KillsWhileDeciding = 10;
    private const int KillsAtAnyMoment = 4;

    /// <summary>Of a line of verdicts.csv, roughly, beside the file's name: line, id, verdict.</summary>
    private const int LineBytes = 40;

    private readonly TemporaryFolder _folder = new();
    private readonly Verdict[] _first = new Verdict[PaymentCount + 1]; // by ordinal; 0 is none

    [OneTimeTearDown]
    public void Remove() => _folder.Dispose();

    [Test, CancelAfter(600_000)]
    public void A_million_payments_are_decided_once_each_however_often_the_program_is_killed()
    {
        Random random = PrintedSeed.Create();
        CsvFiles.Write(new GenerateOptions { Payments = PaymentCount, Wallets = 5_000, Seed = 11, Ids = IdKind.None, DuplicatesPerMillion = 0 }, _folder.Path);
        string journal = _folder.PathOf("journal");
        List<string> reports = [];
        int kills = 0;
        foreach ((double share, int afterMs) in Moments(random))
        {
            reports.Add(_folder.PathOf($"report-{reports.Count}"));
            kills += RunAndKill(journal, reports[^1], share, afterMs) ? 1 : 0;
        }

        Assert.That(kills, Is.GreaterThanOrEqualTo(11));
        string last = _folder.PathOf("report-last");
        SettleResult resumed = SettleFolder.RunProcess("", Words(journal, last)).Exits(0);
        Assert.That(resumed.Number("payments"), Is.EqualTo(PaymentCount));
        reports.Add(last);

        ReadFirstVerdicts(journal);
        long shown = reports.Sum(CompareWithFirstVerdicts);
        TestContext.Out.WriteLine($"{kills} kills, {shown} verdicts compared, {resumed.Number("sequence")} sequences in the journal");
        Assert.That(shown, Is.GreaterThan(PaymentCount + (PaymentCount / 4)), "verdicts that killed runs had shown");

        string undisturbed = _folder.PathOf("journal-undisturbed");
        SettleFolder.RunProcess("", Words(undisturbed, _folder.PathOf("report-undisturbed"))).Exits(0);
        Assert.That(Report("report-last", "balances.csv"), Is.EqualTo(Report("report-undisturbed", "balances.csv")));
        Assert.That(Report("report-last", "positions.csv"), Is.EqualTo(Report("report-undisturbed", "positions.csv")));
        Assert.That(BalancesOfTwin(undisturbed), Is.EqualTo(Report("report-undisturbed", "balances.csv").Skip(1).Order(StringComparer.Ordinal)));
    }

    /// <summary>When each run is killed: at a share of the file decided, or (share 0) after some milliseconds.</summary>
    private static List<(double Share, int AfterMs)> Moments(Random random)
    {
        List<(double, int)> moments = [];
        // Squared, so that more kills fall early: a later run has more behind it to read again.
        double[] shares = [.. Enumerable.Range(0, KillsWhileDeciding).Select(_ => Math.Pow(random.NextDouble(), 2) * 0.97).Order()];
        moments.AddRange(shares.Select(share => (share, random.Next(0, 40))));
        for (int i = 0; i < KillsAtAnyMoment; i++)
            moments.Insert(random.Next(moments.Count + 1), (0, random.Next(20, 1_500)));
        return moments;
    }

    private static bool RunAndKill(string journal, string report, double share, int afterMs)
    {
        var watch = Stopwatch.StartNew();
        using Process process = SettleFolder.Start(Words(journal, report));
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var verdicts = new FileInfo(Path.Combine(report, "verdicts.csv"));
        double bytes = share * PaymentCount * (LineBytes + verdicts.FullName.Length);
        while (share > 0 && !process.HasExited && (!verdicts.Exists || verdicts.Length < bytes))
        {
            Thread.Sleep(2);
            verdicts.Refresh();
        }

        process.WaitForExit(afterMs);
        bool killed = !process.HasExited;
        process.Kill();
        process.WaitForExit();
        verdicts.Refresh();
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{(killed ? "killed" : "ended")} after {watch.ElapsedMilliseconds} ms, {(verdicts.Exists ? verdicts.Length : 0):N0} bytes of verdicts"));
        return killed;
    }

    /// <summary>Each payment's first verdict as the journal has it; a payment that is decided twice, or never, fails.</summary>
    private void ReadFirstVerdicts(string journal)
    {
        using var replay = new JournalReplay(journal);
        replay.Run((in Payment payment, Verdict verdict) =>
        {
            if (verdict is Verdict.Duplicate or Verdict.DuplicateLookUp)
            {
                if (_first[payment.IdLow] == Verdict.Undecided)
                    Assert.Fail($"payment {payment.IdLow} was called a duplicate before it was decided");
                return;
            }

            if (_first[payment.IdLow] != Verdict.Undecided)
                Assert.Fail($"payment {payment.IdLow} was decided twice: {_first[payment.IdLow]}, {verdict}");
            _first[payment.IdLow] = verdict;
        });
        Assert.That(_first.Skip(1), Has.None.EqualTo(Verdict.Undecided));
        Assert.That(_first.Distinct().Count(), Is.GreaterThan(8), "verdicts of many kinds");
    }

    /// <summary>Compares what a run has shown, whole lines only, with the first verdicts.</summary>
    private long CompareWithFirstVerdicts(string report)
    {
        string path = Path.Combine(report, "verdicts.csv");
        if (!File.Exists(path))
            return 0;
        long compared = 0;
        string text = File.ReadAllText(path);
        foreach (ReadOnlySpan<char> line in text.AsSpan(0, text.LastIndexOf('\n') + 1).EnumerateLines())
        {
            int behindVerdict = line.LastIndexOf(',') + 1;
            int behindColon = line[..Math.Max(0, behindVerdict - 1)].LastIndexOf(':') + 1;
            if (behindColon == 0)
                continue; // the header, and what is behind the last line
            int ordinal = int.Parse(line[behindColon..(behindVerdict - 1)], CultureInfo.InvariantCulture);
            ReadOnlySpan<char> shown = line[behindVerdict..];
            string first = NameOf(_first[ordinal]);
            bool stands = shown.StartsWith("duplicate:", StringComparison.Ordinal) ? shown[10..].SequenceEqual(first) : shown is "duplicate_look_up" || shown.SequenceEqual(first);
            if (!stands)
                Assert.Fail($"{line}: the journal's first verdict is {first}");
            compared++;
        }

        return compared;
    }

    private static readonly Dictionary<Verdict, string> s_names = [];

    private static string NameOf(Verdict verdict)
    {
        if (!s_names.TryGetValue(verdict, out string? name))
            s_names[verdict] = name = string.Concat(verdict.ToString().Select((letter, place) => (char.IsUpper(letter) && place > 0 ? "_" : "") + char.ToLowerInvariant(letter)));
        return name;
    }

    /// <summary>The lines of balances.csv as the naive twin has them, told the same blocks.</summary>
    private static IEnumerable<string> BalancesOfTwin(string journal)
    {
        NaiveEngine twin = JournalReplay.TellTwin(journal);
        return twin.Wallets.Values.SelectMany(wallet => wallet.Accounts.Keys.Select(currency =>
        {
            AccountView account = twin.Account(wallet.Id, currency)!.Value;
            int scale = Iso4217.ScaleOf(currency);
            return $"{wallet.Id},{Iso4217.LettersOf(currency)},{AmountText.ToText(account.Available, scale)},{AmountText.ToText(account.Pending, scale)},{AmountText.ToText(account.Held, scale)}";
        })).Order(StringComparer.Ordinal);
    }

    private string[] Report(string report, string name) => File.ReadAllLines(Path.Combine(_folder.PathOf(report), name));

    private static string[] Words(string journal, string report)
    {
        string folder = Path.GetDirectoryName(journal)!;
        return
        [
            "settle", "--journal", journal, "--report", report, "--json", "--verdicts", "all", "--batch-age", "none", "--batch-count", "10000",
            "--wallets", Path.Combine(folder, CsvFiles.WalletsName), Path.Combine(folder, CsvFiles.PaymentsName),
        ];
    }
}
