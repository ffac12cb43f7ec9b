using System.Management.Automation.Runspaces;
using System.Runtime.Versioning;

namespace Settlement.Tests.RunScript;

/// <summary>
/// run.ps1 in a hosted PowerShell engine that knows the core commands only, as a checkout without PowerShell has it. The native command
/// `dotnet` is an alias of a script here, which prints its arguments and ends with the code it is told.
/// </summary>
/// <remarks>The script writes to the process's error output and sets an environment variable for a while: so no other test may run beside these.</remarks>
[NonParallelizable]
[UnsupportedOSPlatform("windows")]
public sealed class RunScriptTests
{
    private const int DotnetExitCode = 5;

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeDotnet()
    {
        _folder = new TemporaryFolder();
        string dotnet = _folder.PathOf("dotnet");
        File.WriteAllText(dotnet, $"#!/bin/sh\nprintf '<%s>\\n' \"$@\"\necho \"long=$SETTLEMENT_LONG_SECONDS$SETTLEMENT_SCENARIO_ROUNDS\"\nexit {DotnetExitCode}\n");
        File.SetUnixFileMode(dotnet, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [TearDown]
    public void DeleteDotnet() => _folder.Dispose();

    [TestCase("")]
    [TestCase("help")]
    [TestCase("--help")]
    public void Help_lists_every_verb_with_a_line(string arguments)
    {
        (int code, string[] output, string error) = Run(arguments);
        Assert.That(code, Is.Zero);
        Assert.That(error, Is.Empty);
        foreach (string verb in new[] { "help", "build", "test", "settle", "serve", "cluster", "token", "participant", "key", "rules", "replay", "bench", "generate", "soak", "simulate", "chaos", "scenarios", "clean" })
            Assert.That(output, Has.Some.Match($"^  {verb}( .*)?  +[^ ]"), verb);
    }

    [Test]
    public void An_unknown_verb_is_refused_in_a_sentence_with_exit_code_2()
    {
        (int code, string[] output, string error) = Run("fly --high");
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain("'fly' is not a verb").And.Contain("help"));
        Assert.That(output, Is.Empty);
    }

    [Test]
    public void Settle_passes_every_argument_on_as_it_was_typed_and_ends_with_the_program_s_exit_code()
    {
        (int code, string[] output, _) = Run("settle --wallets 'my wallets.csv' p.csv --batch-value 1.50 010 -v:q a,b '' -");
        Assert.That(code, Is.EqualTo(DotnetExitCode));
        Assert.That(output[..^1], Is.EqualTo(new[]
        {
            "<run>", "<-c>", "<Release>", "<--project>", $"<{Repository.Root}/gateway>", "<-->", "<settle>", "<--wallets>", "<my wallets.csv>", "<p.csv>",
            "<--batch-value>", "<1.50>", "<010>", "<-v:q>", "<a,b>", "<>", "<->",
        }));
    }

    [TestCase("settle", "<run> <-c> <Release> <--project> <ROOT/gateway> <--> <settle>")]
    [TestCase("serve --data d", "<run> <-c> <Release> <--project> <ROOT/gateway> <--> <serve> <--data> <d>")]
    [TestCase("cluster", "<run> <-c> <Release> <--project> <ROOT/gateway> <--> <cluster> <trial> <--data> <cluster>")]
    [TestCase("cluster status --data d", "<run> <-c> <Release> <--project> <ROOT/gateway> <--> <cluster> <status> <--data> <d>")]
    [TestCase("token --key k --data d", "<run> <-c> <Release> <--project> <ROOT/gateway> <--> <token> <--key> <k> <--data> <d>")]
    [TestCase("participant add alpha", "<run> <-c> <Release> <--project> <ROOT/gateway> <--> <participant> <add> <alpha>")]
    [TestCase("key new f", "<run> <-c> <Release> <--project> <ROOT/gateway> <--> <key> <new> <f>")]
    [TestCase("rules vote 1 yes", "<run> <-c> <Release> <--project> <ROOT/gateway> <--> <rules> <vote> <1> <yes>")]
    [TestCase("replay verify x", "<run> <-c> <Release> <--project> <ROOT/replay> <--> <verify> <x>")]
    [TestCase("bench ring --json", "<run> <-c> <Release> <--project> <ROOT/perf> <--> <ring> <--json>")]
    [TestCase("simulate --seed 7", "<run> <-c> <Release> <--project> <ROOT/tests> <--> <simulate> <--seed> <7>")]
    [TestCase("generate --out x", "<run> <-c> <Release> <--project> <ROOT/perf> <--> <generate> <--out> <x>")]
    [TestCase("chaos --minutes 1", "<run> <-c> <Release> <--project> <ROOT/perf> <--> <chaos> <--minutes> <1>")]
    [TestCase("build -v:q", "<build> <ROOT/Settlement.sln> <-c> <Release> <-warnaserror> <-v:q>")]
    [TestCase("test", "<test> <ROOT/Settlement.sln> <-c> <Release>")]
    [TestCase("test Ring --no-build", "<test> <ROOT/Settlement.sln> <-c> <Release> <--filter> <FullyQualifiedName~Ring> <--no-build>")]
    [TestCase("test TestCategory!=Long", "<test> <ROOT/Settlement.sln> <-c> <Release> <--filter> <TestCategory!=Long>")]
    public void A_verb_starts_what_it_says(string arguments, string started)
    {
        (int code, string[] output, _) = Run(arguments);
        Assert.That(code, Is.EqualTo(DotnetExitCode));
        Assert.That(string.Join(' ', output[..^1]), Is.EqualTo(started.Replace("ROOT", Repository.Root, StringComparison.Ordinal)));
    }

    [TestCase("soak", "3600")]
    [TestCase("soak -Hours 2", "7200")]
    [TestCase("soak -Hours:0.5", "1800")]
    public void Soak_gives_every_long_test_its_hours(string arguments, string seconds)
    {
        string? before = Environment.GetEnvironmentVariable(LongRun.Variable);
        (int code, string[] output, _) = Run(arguments);
        Assert.That(code, Is.EqualTo(DotnetExitCode));
        Assert.That(output, Does.Contain("<TestCategory=Long>"));
        Assert.That(output[^1], Is.EqualTo("long=" + seconds));
        Assert.That(Environment.GetEnvironmentVariable(LongRun.Variable), Is.EqualTo(before));
    }

    [TestCase("scenarios", "10")]
    [TestCase("scenarios -Rounds 3", "3")]
    public void Scenarios_are_given_their_rounds(string arguments, string rounds)
    {
        (int code, string[] output, _) = Run(arguments);
        Assert.That(code, Is.EqualTo(DotnetExitCode));
        Assert.That(output, Does.Contain("<FullyQualifiedName~Settlement.Tests.Chaos&FullyQualifiedName~ScenarioTests>"));
        Assert.That(output[^1], Is.EqualTo("long=" + rounds));
    }

    [TestCase("scenarios -Rounds 0")]
    [TestCase("scenarios -Rounds")]
    public void Rounds_that_are_none_are_refused_with_exit_code_2(string arguments)
    {
        (int code, string[] output, string error) = Run(arguments);
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain("scenarios -Rounds"));
        Assert.That(output, Is.Empty);
    }

    [TestCase("soak -Hours many")]
    [TestCase("soak -Hours 0")]
    [TestCase("soak -Hours")]
    public void A_time_that_is_none_is_refused_with_exit_code_2(string arguments)
    {
        (int code, string[] output, string error) = Run(arguments);
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain("soak -Hours"));
        Assert.That(output, Is.Empty);
    }

    private (int Code, string[] Output, string Error) Run(string arguments)
    {
        var state = InitialSessionState.CreateDefault2();
        state.Commands.Add(new SessionStateAliasEntry("dotnet", _folder.PathOf("dotnet")));
        using Runspace runspace = RunspaceFactory.CreateRunspace(state);
        runspace.Open();
        using var shell = System.Management.Automation.PowerShell.Create(runspace);
        shell.AddScript($"& '{Repository.PathOf("run.ps1")}' {arguments}");
        TextWriter errorBefore = Console.Error;
        using var error = new StringWriter();
        Console.SetError(error);
        try
        {
            string[] output = [.. shell.Invoke().Select(one => one.ToString())];
            Assert.That(shell.Streams.Error, Is.Empty);
            return ((int)runspace.SessionStateProxy.GetVariable("LASTEXITCODE"), output, error.ToString());
        }
        finally
        {
            Console.SetError(errorBefore);
        }
    }
}
