using System.Text.RegularExpressions;

namespace Settlement.Tests;

/// <summary>What README tells a newcomer to type works, and does what it says beside it.</summary>
public sealed partial class ReadmeTests
{
    private const string FirstCommand = "dotnet run -c Release --project gateway -- settle";

    private static readonly string s_readme = File.ReadAllText(Repository.PathOf("README.md"));

    [GeneratedRegex("^```.*?\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex FencedBlock { get; }

    [GeneratedRegex(@"^dotnet run -c Release --project (?<project>\S+) -- (?<verb>\S+)")]
    private static partial Regex RunCommand { get; }

    private static IEnumerable<string> Commands => FencedBlock.Matches(s_readme).SelectMany(block => block.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries));

    [Test]
    public void The_first_command_settles_the_sample()
    {
        Assert.That(Commands.First(), Is.EqualTo(FirstCommand));
        (int code, string output, string error) = BuiltProgram.Run(BuiltProgram.Gateway, ["settle"]);
        Assert.That(code, Is.Zero, error);
        Assert.That(s_readme, Does.Contain("2,000 payments between"));
        Assert.That(output, Does.Contain("2,000 payments decided").And.Contain("Net positions of batch"));
    }

    [Test]
    public void Every_verb_named_behind_dotnet_run_exists()
    {
        (string Project, string Verb)[] named =
        [
            .. Commands.Select(command => RunCommand.Match(command)).Where(match => match.Success)
                .Select(match => (match.Groups["project"].Value, match.Groups["verb"].Value)).Distinct(),
        ];
        Assert.That(named.Select(one => one.Project), Is.SupersetOf(new[] { "gateway", "perf", "replay" }));
        foreach ((string project, string verb) in named)
        {
            string program = project switch
            {
                "gateway" => BuiltProgram.Gateway,
                "perf" => BuiltProgram.Perf,
                "replay" => BuiltProgram.Replay,
                _ => throw new InvalidOperationException($"README names a project {project}"),
            };
            // In capitals it stands for any of the program's verbs.
            string[] words = verb == "VERB" ? ["--help"] : [verb, "--help"];
            (int code, string output, string error) = BuiltProgram.Run(program, words);
            Assert.That(code, Is.Zero, $"{project} {verb}: {error}");
            Assert.That(output, Does.Contain(verb == "VERB" ? "Commands:" : verb), $"{project} {verb}");
        }
    }
}
