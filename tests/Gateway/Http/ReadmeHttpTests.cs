using System.Diagnostics;

namespace Settlement.Tests.Gateway.Http;

/// <summary>README's chapter on the HTTP API by copy and paste: its commands as they stand, against a server of their own.</summary>
public sealed class ReadmeHttpTests
{
    private const string Chapter = "## HTTP API";
    private const string Serve = "dotnet run -c Release --project gateway -- serve --data demo --projection demo/history";

    [Test]
    [Platform(Exclude = "Win", Reason = "the commands are for bash")]
    public void Every_command_of_the_chapter_works_as_it_stands()
    {
        string readme = File.ReadAllText(Repository.PathOf("README.md"));
        int begin = readme.IndexOf(Chapter, StringComparison.Ordinal);
        string chapter = readme[begin..readme.IndexOf("\n## ", begin + Chapter.Length, StringComparison.Ordinal)];
        string[] blocks = [.. chapter.Split("```sh\n")[1..].Select(block => block[..block.IndexOf("```", StringComparison.Ordinal)])];
        Assert.That(blocks[0].Trim(), Is.EqualTo(Serve));

        using var folder = new TemporaryFolder();
        using var ledger = new HttpLedger(options =>
        {
            options.Data = folder.PathOf("demo");
            options.Projection = folder.PathOf("demo/history");
            options.WebhooksToPrivateNetworks = false;
        });
        string script = string.Join('\n', blocks[1..])
            .Replace("http://127.0.0.1:7780", ledger.Address.ToString().TrimEnd('/'), StringComparison.Ordinal)
            .Replace("dotnet run -c Release --project gateway --", Program(BuiltProgram.Gateway), StringComparison.Ordinal)
            .Replace("dotnet run -c Release --project replay --", Program(BuiltProgram.Replay), StringComparison.Ordinal);
        (int code, string output, string error) = Bash("set -euo pipefail\n" + script, folder.Path);
        Assert.That(code, Is.Zero, output + error);
        Assert.That(output, Does.Contain("\"verdict\":\"duplicate\"").And.Contain("\"first\":\"accepted\""), "the second time");
        Assert.That(output, Does.Contain("\"available\":\"98.45\"").And.Contain("\"net\":\"-1.55\"").And.Contain("event: batch").And.Contain("\"secret\""));
        Assert.That(output, Does.Not.Contain("urn:settlement:problem"));
    }

    private static string Program(string program) => $"dotnet '{Path.Combine(AppContext.BaseDirectory, program)}'";

    private static (int Code, string Output, string Error) Bash(string script, string folder)
    {
        var start = new ProcessStartInfo("bash", ["-c", script]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        using Process bash = Process.Start(start)!;
        bash.StandardInput.Close();
        Task<string> error = bash.StandardError.ReadToEndAsync();
        string output = bash.StandardOutput.ReadToEnd();
        bash.WaitForExit();
        return (bash.ExitCode, output, error.GetAwaiter().GetResult());
    }
}
