using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json;
using Settlement.Gateway;

namespace Settlement.Tests.Gateway.Settle;

/// <summary>What a run of `settle` left: its exit code and what it wrote to its two outputs.</summary>
internal sealed record SettleResult(int Code, string Output, string Error)
{
    /// <summary>The object that `--json` prints.</summary>
    public JsonElement Json
    {
        get
        {
            using JsonDocument document = JsonDocument.Parse(Output);
            return document.RootElement.Clone();
        }
    }

    public long Number(string name) => Json.GetProperty(name).GetInt64();

    /// <summary>How many payments of the run had the verdict.</summary>
    public long Count(string verdict) => Json.GetProperty("verdicts").TryGetProperty(verdict, out JsonElement count) ? count.GetInt64() : 0;

    public SettleResult Exits(int code)
    {
        Assert.That(Code, Is.EqualTo(code), $"{Output}\n{Error}");
        return this;
    }
}

/// <summary>
/// A folder with a journal, a report and input files, and `settle` run in it: in this process through the program's own command line, or
/// as a process. Small ledgers, so that a test costs little.
/// </summary>
internal sealed class SettleFolder : IDisposable
{
    public const string WalletsHeader = "wallet,country,participant,currency,opening\n";
    public const string PaymentsHeader = "id,payer,payee,amount,currency\n";

    /// <summary>Two banks, two wallets each, 100.00 EUR each.</summary>
    public const string FourWallets = WalletsHeader + "1,DE,alpha,EUR,100.00\n2,FR,alpha,EUR,100.00\n3,DE,beta,EUR,100.00\n4,US,beta,EUR,100.00\n";

    private readonly TemporaryFolder _folder = new();

    public string Path => _folder.Path;

    public string Journal => PathOf("journal");

    public string Report => PathOf("report");

    public string PathOf(string name) => _folder.PathOf(name);

    public string Write(string name, string text)
    {
        string path = PathOf(name);
        if (!name.EndsWith(".gz", StringComparison.Ordinal))
        {
            File.WriteAllText(path, text);
            return path;
        }

        using var writer = new StreamWriter(new GZipStream(File.Create(path), CompressionLevel.Fastest));
        writer.Write(text);
        return path;
    }

    /// <summary>The words of a run over this folder's journal, reported into this folder.</summary>
    public string[] Words(params string[] words) =>
        ["settle", "--journal", Journal, "--report", Report, "--capacity", "4096", "--id-memory", "1M", "--json", .. words];

    public SettleResult Settle(params string[] words) => Run(Words(words));

    /// <summary>The program's command line, in this process.</summary>
    public static SettleResult Run(params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = GatewayCommands.Run(words, TextWriter.Synchronized(output), TextWriter.Synchronized(error));
        return new SettleResult(code, output.ToString(), error.ToString());
    }

    /// <summary>The program as a process.</summary>
    public static SettleResult RunProcess(string input, params string[] words)
    {
        using Process process = Start(words);
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new SettleResult(process.ExitCode, output, error.Result);
    }

    public static Process Start(params string[] words) => Process.Start(new ProcessStartInfo(
        "dotnet", [System.IO.Path.Combine(AppContext.BaseDirectory, "Settlement.Gateway.dll"), .. words])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        Environment = { ["DOTNET_EnableDiagnostics"] = "0" }, // its sockets in the temporary folder would outlive a killed process
    })!;

    public string[] ReportLines(string name) => File.ReadAllLines(System.IO.Path.Combine(Report, name));

    /// <summary>balances.csv as it is.</summary>
    public string Balances => File.ReadAllText(System.IO.Path.Combine(Report, "balances.csv"));

    /// <summary>verdicts.csv without header: the verdict of each line, by its number.</summary>
    public Dictionary<long, string> Verdicts() =>
        ReportLines("verdicts.csv").Skip(1).Select(line => line.Split(',')).ToDictionary(
            fields => long.Parse(fields[^3], System.Globalization.CultureInfo.InvariantCulture), fields => fields[^1]);

    public JsonElement[] Batches() => [.. ReportLines("batches.jsonl").Select(line =>
    {
        using JsonDocument document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    })];

    public void Dispose() => _folder.Dispose();
}
