using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Settlement.Tests.Gateway.Cluster;

/// <summary>README's chapter on three nodes by copy and paste: its commands as they stand, against nodes of their own.</summary>
[Category(LongRun.Category)]
internal sealed partial class ReadmeClusterTests
{
    private const string Chapter = "## Three nodes";
    private const string Trial = "dotnet run -c Release --project gateway -- cluster trial --data three";
    private const string Restart = "gateway serve --data three/node1";

    [GeneratedRegex(@"\b78([123])(\d)\b")]
    private static partial Regex Port { get; }

    [Test, CancelAfter(600_000)]
    [Platform(Exclude = "Win", Reason = "the commands are for bash")]
    public void Every_command_of_the_chapter_works_as_it_stands()
    {
        string readme = File.ReadAllText(Repository.PathOf("README.md"));
        int begin = readme.IndexOf(Chapter, StringComparison.Ordinal);
        string chapter = readme[begin..readme.IndexOf("\n### ", begin, StringComparison.Ordinal)];
        string[] blocks = [.. chapter.Split("```sh\n")[1..].Select(block => block[..block.IndexOf("```", StringComparison.Ordinal)].Trim())];
        Assert.That(blocks[0], Is.EqualTo(Trial));
        int restart = Array.IndexOf(blocks, Restart);
        Assert.That(restart, Is.GreaterThan(1));

        using var cluster = new TrialCluster();
        string folder = Path.GetDirectoryName(cluster.FolderOf(1))!;
        string OfTheirs(string script) => Port.Replace(script, port => $"{cluster.BinaryPortOf(int.Parse(port.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)) + int.Parse(port.Groups[2].Value, System.Globalization.CultureInfo.InvariantCulture)}")
            .Replace("three/", folder + "/", StringComparison.Ordinal)
            .Replace("dotnet run -c Release --project gateway --", $"dotnet '{Path.Combine(AppContext.BaseDirectory, BuiltProgram.Gateway)}'", StringComparison.Ordinal);

        string before = Bash(OfTheirs(string.Join('\n', blocks[1..restart])));
        Assert.That(Regex.Count(before, "\"id\":\"[^\"]+:1\",\"verdict\":\"accepted\""), Is.EqualTo(2), before);
        Assert.That(before, Does.Contain(":2\",\"verdict\":\"accepted\"").And.Contain("\"verdict\":\"duplicate\",\"first\":\"accepted\"").And.Contain("not to be reached"), before);
        Assert.That(before, Does.Contain("ready"));
        cluster.Restart(1);
        int leader = cluster.Leader();
        string definitions = string.Join('\n', blocks[1].Split('\n').Where(line => line.Contains("() {", StringComparison.Ordinal) || line.StartsWith("TOKEN=", StringComparison.Ordinal)));
        string after = Bash(OfTheirs(definitions + "\n" + string.Join('\n', blocks[(restart + 1)..]).Replace("three/node2", $"three/node{leader}", StringComparison.Ordinal)));
        Assert.That(after, Does.Contain("leads.").And.Contain("\"available\":\"99.25\"").And.Contain("Settlement-Sequence:"), after);
    }

    private static string Bash(string script)
    {
        using Process bash = Process.Start(new ProcessStartInfo("bash", ["-c", "set -uo pipefail\n" + script]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true })!;
        bash.StandardInput.Close();
        Task<string> error = bash.StandardError.ReadToEndAsync();
        string output = bash.StandardOutput.ReadToEnd();
        bash.WaitForExit();
        return output + error.GetAwaiter().GetResult();
    }
}
