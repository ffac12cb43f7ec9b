using System.Text.Json;
using Settlement.Perf;
using Settlement.Perf.Common;

namespace Settlement.Tests.Perf;

public sealed class PerfCommandTests
{
    private LoadOptions? _given;

    [SetUp]
    public void Forget() => _given = null;

    [Test]
    public void A_load_gets_its_options_and_its_exit_code_is_the_command_s()
    {
        Assert.That(Run(["sleep", "--json", "--runs", "7", "--small"]).Code, Is.EqualTo(4));
        Assert.That(_given, Is.Not.Null);
        Assert.That((_given!.Json, _given.Runs, _given.Small), Is.EqualTo((true, 7, true)));
        Run(["sleep"]);
        Assert.That((_given.Json, _given.Runs, _given.Small), Is.EqualTo((false, 5, false)));
    }

    [Test]
    public void A_load_whose_check_fails_says_why_and_ends_with_1()
    {
        (int code, string output, string error) = Run(["lie"], [new("lie", "counts wrongly", _ => throw new CheckFailedException("one is missing"))]);
        Assert.That(code, Is.EqualTo(1));
        Assert.That(error, Does.StartWith("lie: one is missing"));
        Assert.That(output, Is.Empty);
    }

    [TestCase("'dance' is not a verb", "dance")]
    [TestCase("sleep, compare, cluster, takeover, chaos, generate, micro", "dance")]
    [TestCase("--runs 4: 5 to 1000 expected", "sleep", "--runs", "4")]
    [TestCase("--runs", "sleep", "--runs", "many")]
    [TestCase("--loud", "sleep", "--loud")]
    [TestCase("--out", "generate")]
    [TestCase("--ids names: one of stream, uuidv7", "generate", "--out", "x", "--ids", "names")]
    [TestCase("--bad 101: a percentage from 0 to 100", "generate", "--out", "x", "--bad", "101")]
    [TestCase("--wallets 3: 12 to", "generate", "--out", "x", "--wallets", "3")]
    [TestCase("--start yesterday: a time as", "generate", "--out", "x", "--start", "yesterday")]
    [TestCase("more than the whole file", "generate", "--out", "x", "--holds", "60", "--immediate", "60")]
    public void What_cannot_be_used_is_refused_in_a_sentence_with_exit_code_2(string sentence, params string[] args)
    {
        (int code, string output, string error) = Run(args);
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain(sentence));
        Assert.That(output, Is.Empty);
        Assert.That(_given, Is.Null);
    }

    [TestCase]
    [TestCase("--help")]
    public void Help_lists_the_verbs_with_a_line_each(params string[] args)
    {
        (int code, string output, string error) = Run(args);
        Assert.That(code, Is.Zero);
        Assert.That(output, Does.Contain("sleep").And.Contain("counts sheep").And.Contain("generate").And.Contain("micro"));
        Assert.That(error, Is.Empty);
    }

    [Test]
    public void Generate_writes_its_files_and_says_how_fast()
    {
        using var folder = new TemporaryFolder();
        (int code, string output, string error) = Run(["generate", "--out", folder.PathOf("new"), "--payments", "100", "--wallets", "20", "--gzip", "--json"]);
        Assert.That(error, Is.Empty);
        Assert.That(code, Is.Zero);
        Assert.That(Directory.GetFiles(folder.PathOf("new")).Select(Path.GetFileName), Is.EquivalentTo(new[] { "wallets.csv.gz", "payments.csv.gz" }));
        using var json = JsonDocument.Parse(output);
        Assert.That(json.RootElement.GetProperty("payment_lines").GetInt64(), Is.EqualTo(100));
        RequirePromise(json.RootElement);
    }

    [Test]
    public void Generate_says_where_it_cannot_write()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.PathOf("taken"), "");
        (int code, _, string error) = Run(["generate", "--out", folder.PathOf("taken"), "--payments", "1"]);
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain(folder.PathOf("taken")));
    }

    [Test]
    public void Every_load_runs_small_and_prints_what_is_promised()
    {
        IReadOnlyList<PerfLoad> all = [.. PerfLoads.All, new("counted", "counts calls", PrintFigure)];
        Assert.That(all.Select(load => load.Verb), Is.Unique);
        foreach (PerfLoad load in all)
        {
            Assert.That(load.Summary, Is.Not.Empty);
            (int code, string output, string error) = Run([load.Verb, "--small", "--json"], all);
            Assert.That(code, Is.Zero, load.Verb + ": " + error);
            using var json = JsonDocument.Parse(output);
            Assert.That(json.RootElement.GetProperty("figure").GetString(), Is.EqualTo(load.Verb));
            RequirePromise(json.RootElement);
        }

        // As lines they are all printed by the same code.
        (int last, string lines, _) = Run([all[^1].Verb, "--small"], all);
        Assert.That(last, Is.Zero);
        Assert.That(lines, Does.Contain(all[^1].Verb));
    }

    [Test]
    public void Overload_says_what_was_taken_what_was_held_back_and_that_nothing_is_lost()
    {
        (int code, string output, string error) = Run(["latency", "--small", "--overload", "1", "--json"], PerfLoads.All);
        Assert.That(code, Is.Zero, error);
        using var json = JsonDocument.Parse(output);
        RequirePromise(json.RootElement);
        double NumberOf(string name) => json.RootElement.GetProperty(name).GetDouble();
        Assert.That(NumberOf("lost"), Is.Zero);
        Assert.That(NumberOf("taken") + NumberOf("held_back"), Is.EqualTo(NumberOf("offered")));
        Assert.That(NumberOf("taken"), Is.Positive);
        foreach (string memory in (string[])["before", "first_half_max", "second_half_max", "after"])
            Assert.That(NumberOf($"server_megabytes_{memory}"), Is.Positive);
        foreach (string when in (string[])["before", "taken", "after"])
            Assert.That(NumberOf($"{when}_p50_ms"), Is.Positive.And.AtMost(NumberOf($"{when}_max_ms")));
    }

    private static void RequirePromise(JsonElement json)
    {
        Assert.That(json.GetProperty("payments_per_second").GetDouble(), Is.Positive);
        Assert.That(json.GetProperty("bytes_per_payment").GetDouble(), Is.GreaterThanOrEqualTo(0));
        Assert.That(json.GetProperty("runs").GetArrayLength(), Is.Positive);
        Assert.That(json.GetProperty("machine").GetProperty("cores").GetInt32(), Is.Positive);
    }

    private static int PrintFigure(LoadOptions options)
    {
        FigurePrinter.Print(
            new Figure("counted", "calls of nothing", Runs.Of(options.Runs, () => Settlement.Perf.Common.Run.Time(1, static () => Thread.SpinWait(1_000)))),
            options.Json,
            options.Output);
        return 0;
    }

    private (int Code, string Output, string Error) Run(string[] args, IReadOnlyList<PerfLoad>? loads = null)
    {
        loads ??= [new("sleep", "counts sheep", Note)];
        var output = new StringWriter();
        var error = new StringWriter();
        int code = PerfCommand.Run(args, loads, output, error);
        return (code, output.ToString(), error.ToString());
    }

    private int Note(LoadOptions options)
    {
        _given = options;
        return 4;
    }
}
