using System.Text.Json;
using Settlement.Gateway.Settle;
using Settlement.Replay;

namespace Settlement.Tests.Replay;

/// <summary>`replay` in this process, and the sample's journal that several tests read.</summary>
internal static class ReplayRuns
{
    public static (int Code, string Output, string Error) Run(params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = ReplayCommand.Run(words, output, error);
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>What it prints, when it exits with the code.</summary>
    public static string Exits(int code, params string[] words)
    {
        (int found, string output, string error) = Run(words);
        Assert.That(found, Is.EqualTo(code), $"{string.Join(' ', words)}\n{output}\n{error}");
        return output;
    }

    public static JsonElement Json(string line)
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.Clone();
    }

    /// <summary>One object a line.</summary>
    public static List<JsonElement> JsonLines(string output) => [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Json)];

    /// <summary>Settles the shipped sample into a journal; gives the summary that settle printed.</summary>
    public static JsonElement SettleSample(string journal)
    {
        string sample = Path.Combine(AppContext.BaseDirectory, "sample");
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = SettleCommand.Create(output, error).Parse(
            [
                "--wallets", Path.Combine(sample, "wallets.csv"), Path.Combine(sample, "payments.csv"), "--journal", journal,
                "--batch-count", "500", "--batch-age", "none", "--capacity", "4096", "--json",
            ]).Invoke();
        Assert.That(code, Is.Zero, error.ToString());
        return Json(output.ToString());
    }

    public static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
    }

    /// <summary>Flips a byte of a file; negative places count from its end.</summary>
    public static void Flip(string file, long place, byte bits = 0x10)
    {
        using FileStream stream = File.Open(file, FileMode.Open);
        stream.Position = place;
        int before = stream.ReadByte();
        stream.Position = place;
        stream.WriteByte((byte)(before ^ bits));
    }
}
