using Settlement.Replay.Common;

namespace Settlement.Replay.Diff;

/// <summary>Two files that `replay state --out` wrote, line against line: the first that differs.</summary>
internal static class BalanceFileDiff
{
    private const int KeyFields = 2; // wallet, currency

    /// <exception cref="UsageException">One is no such file.</exception>
    public static Difference? First(string a, string b)
    {
        using StreamReader ours = File.OpenText(a), theirs = File.OpenText(b);
        string[] columns = HeaderOf(ours, a), others = HeaderOf(theirs, b);
        if (!columns.AsSpan().SequenceEqual(others))
            throw new UsageException($"'{b}' has other columns than '{a}': two files of `replay state --out` are expected.");
        while (true)
        {
            string? one = ours.ReadLine(), other = theirs.ReadLine();
            if (one is null && other is null)
                return null;
            if (one == other)
                continue;
            if (one is null || other is null)
                return new Difference("balance", NameOf(one ?? other!), "account", one is null ? "none" : "there", other is null ? "none" : "there");
            string[] left = one.Split(','), right = other.Split(',');
            if (left.Length != columns.Length || right.Length != columns.Length)
                throw new UsageException($"'{(left.Length != columns.Length ? a : b)}': a line has {(left.Length != columns.Length ? left : right).Length} fields, {columns.Length} are expected.");
            int field = Enumerable.Range(0, columns.Length).First(i => left[i] != right[i]);
            return field < KeyFields
                ? new Difference("balance", NameOf(one), "account", NameOf(one), NameOf(other))
                : new Difference("balance", NameOf(one), columns[field], left[field], right[field]);
        }
    }

    private static string[] HeaderOf(StreamReader file, string path)
    {
        string[] columns = (file.ReadLine() ?? "").Split(',');
        return columns.Length > KeyFields && columns[0] == "wallet" && columns[1] == "currency"
            ? columns
            : throw new UsageException($"'{path}' is no file of `replay state --out`: its first line begins with wallet,currency.");
    }

    private static string NameOf(string line) => line.Split(',') is [var wallet, var currency, ..] ? $"wallet {wallet} {currency}" : line;
}
