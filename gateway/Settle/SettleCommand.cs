using System.CommandLine;
using System.Globalization;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Text;
using Settlement.Gateway.Init;
using Settlement.Gateway.Input;

namespace Settlement.Gateway.Settle;

/// <summary>The command line of `settle`. Exit codes: 0 all lines read and decided; 1 the engine stopped; 2 unusable input, nothing half done.</summary>
internal static class SettleCommand
{
    public const int ExitEngineStopped = 1;
    public const int ExitUnusable = 2;

    public static Command Create(TextWriter output, TextWriter error)
    {
        var files = new Argument<string[]>("files")
        {
            Description = "Payments: CSV or ISO 20022 pain.001, gzip by the ending .gz, - for standard input. None: the sample that ships with the program, into a temporary journal.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<string> wallets = SettleOption.Text("--wallets", "FILE", "Wallets and opening balances as CSV: wallet,country,participant,currency,opening[,tier,kind,level,status,holder].");
        Option<string> journal = SettleOption.Text("--journal", "DIR", "The ledger's journal; made if it is not there.");
        Option<string> key = SettleOption.Key();
        Option<string> report = SettleOption.Text("--report", "DIR", "Where verdicts.csv, batches.jsonl, positions.csv and balances.csv go.");
        Option<string> accounts = SettleOption.Text("--accounts", "FILE", "Wallets of the accounts in pain.001 files, as CSV: account,wallet.");
        var rules = new Option<string[]>("--rules")
        {
            HelpName = "FILE.rules|DIR|TABLE.json",
            Description = "Rules to activate: modules (may be repeated; a folder stands for its modules), or one table in JSON. Not in a ledger whose modules are voted on. Default: what is active; in a new ledger every corridor is open.",
        };
        var parameters = new Option<string[]>("--parameter")
        {
            HelpName = "EUR.rate=1.08",
            Description = "A rate or index that the modules of --rules ask for; may be repeated.",
        };
        Option<ulong> stream = SettleOption.Parsed<ulong>("--stream", "NAME", "Stream of records without an id, for files that grow and for standard input. Default: a hash of the file's content.",
            StreamName.TryParse, $"a name of at most {StreamName.NameBytesMax} bytes, or 16 hexadecimal digits");
        Option<ulong?> batchCount = SettleOption.Number("--batch-count", "N", $"A batch closes after so many accepted payments; 0: no such cut-off. New ledgers: {SettleOptions.BatchCountDefault}.");
        Option<ulong?> batchAge = SettleOption.Duration("--batch-age", "A batch closes at this age, or none. New ledgers: 1h.");
        var batchValue = new Option<string[]>("--batch-value")
        {
            HelpName = "[CCY:]AMOUNT|none",
            Description = "A batch closes when its gross in a currency reaches this; may be repeated with a currency each. New ledgers: none.",
        };
        Option<ulong?> window = SettleOption.Duration("--window", "How old a UUIDv7 may be. New ledgers: 24h.", mayBeNone: false);
        Option<ulong?> retention = SettleOption.Duration("--retention", "How long other ids are remembered, or none for ever. New ledgers: 30d.");
        Option<ulong?> settled = SettleOption.Number("--settled", "BATCH", "Reports that the money of all batches up to this one has moved outside: they no longer count towards caps.");
        Option<ulong?> clock = SettleOption.Clock(
            "Fixes block time (RFC 3339). With it and --batch-age none the same files into a fresh journal give the same verdicts, batches and state hash.");
        Option<ulong?> clearance = SettleOption.Number("--clearance", "N", $"Clearance of the session that sends the payments, 0 to {byte.MaxValue}. Default: {byte.MaxValue}.", 0, byte.MaxValue);
        Option<long?> idMemory = SettleOption.Parsed<long?>("--id-memory", "SIZE", $"Memory for ids that are no stream ids, such as 64M or 2G; beyond it they spill to disk. Never changes a verdict. Default: {SettleOptions.IdMemoryBytesDefault >> 20}M.",
            SizeText.TryParse, SizeText.Expected);
        Option<long?> snapshotEvery = SettleOption.Parsed<long?>("--snapshot-every", "SIZE|none",
            $"Take a snapshot, behind the run, whenever the journal has grown by so much; the next start reads the journal from there on. Default: {SettleOptions.SnapshotEveryDefault >> 20}M.",
            TryParseSnapshotEvery, $"{SizeText.Expected}, or none");
        Option<ulong?> capacity = SettleOption.Capacity();
        Option<string?> verdicts = SettleOption.Parsed<string?>("--verdicts", "refused|all", "What verdicts.csv lists. Default: refused.", TryParseListed, "refused or all");
        var json = new Option<bool>("--json") { Description = "Print one JSON object instead of tables." };

        var command = new Command("settle", "Settles files of payments through the whole engine, durably: each payment once, however often the command is repeated.")
        {
            files, wallets, journal, key, report, accounts, rules, parameters, stream, batchCount, batchAge, batchValue, window, retention, settled, clock,
            clearance, idMemory, snapshotEvery, capacity, verdicts, json,
        };
        command.SetAction(parsed =>
        {
            try
            {
                return SettleRun.Run(new SettleOptions
                {
                    Files = parsed.GetValue(files) ?? [],
                    Wallets = parsed.GetValue(wallets),
                    Journal = parsed.GetValue(journal),
                    Key = parsed.GetValue(key),
                    Report = parsed.GetValue(report),
                    Accounts = parsed.GetValue(accounts),
                    Rules = parsed.GetValue(rules) ?? [],
                    Parameters = ParameterText.ParseAll(parsed.GetValue(parameters) ?? []),
                    Stream = parsed.GetValue(stream),
                    BatchCount = parsed.GetValue(batchCount),
                    BatchAgeNs = parsed.GetValue(batchAge),
                    BatchValues = [.. (parsed.GetValue(batchValue) ?? []).Select(BatchValueOf)],
                    IdWindowNs = parsed.GetValue(window),
                    IdRetentionNs = parsed.GetValue(retention),
                    Settled = parsed.GetValue(settled),
                    ClockNs = parsed.GetValue(clock),
                    Clearance = (byte)(parsed.GetValue(clearance) ?? byte.MaxValue),
                    IdMemoryBytes = parsed.GetValue(idMemory) ?? SettleOptions.IdMemoryBytesDefault,
                    SnapshotEveryBytes = parsed.GetValue(snapshotEvery) ?? SettleOptions.SnapshotEveryDefault,
                    AccountsMax = (int)(parsed.GetValue(capacity) ?? LedgerFounding.AccountsMaxDefault),
                    AllVerdicts = parsed.GetValue(verdicts) == "all",
                    Json = parsed.GetValue(json),
                }, output, error);
            }
            catch (Exception unusable) when (unusable is InputException or UsageException or FormatException or JournalException and not JournalFailedException)
            {
                error.WriteLine(unusable.Message);
                return ExitUnusable;
            }
            catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException)
            {
                error.WriteLine($"{unusable.Message} Nothing that was acknowledged is lost; the same command goes on from there.");
                return ExitUnusable;
            }
        });
        return command;
    }

    private static bool TryParseSnapshotEvery(string text, out long? bytes)
    {
        bytes = 0;
        return text == "none" || SizeText.TryParse(text, out bytes);
    }

    private static bool TryParseListed(string text, out string? listed)
    {
        listed = text;
        return text is "all" or "refused";
    }

    private static BatchValue BatchValueOf(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        ushort currency = 0;
        if (colon >= 0 && !CurrencyScales.TryFindCurrency(Encoding.UTF8.GetBytes(text[..colon]), out currency))
            throw new UsageException($"--batch-value '{text}': '{text[..colon]}' is no currency of ISO 4217.");
        string amount = text[(colon + 1)..];
        if (amount == "none")
            return new BatchValue(currency, null);
        if (!AmountText.TryParse(amount, Limits.ScaleMax, out _, out _) && !AmountText.TryParse(amount, 0, out _, out _))
            throw new UsageException($"--batch-value '{text}': expected a decimal amount such as 1000000.00, or none.");
        return new BatchValue(currency, amount);
    }
}

/// <summary>The command cannot be carried out as it was given.</summary>
internal sealed class UsageException(string sentence) : Exception(sentence);

/// <summary>Durations as people write them: a number and one of ms, s, m, h, d.</summary>
internal static class DurationText
{
    public const string Expected = "a number with ms, s, m, h or d, such as 30s or 24h";

    public static bool TryParse(string text, out ulong ns)
    {
        ns = 0;
        if (text == "none")
            return true;
        (string unit, ulong unitNs)[] units = [("ms", 1_000_000), ("s", Limits.NsPerSecond), ("m", 60 * Limits.NsPerSecond), ("h", Limits.NsPerHour), ("d", Limits.NsPerDay)];
        foreach ((string unit, ulong unitNs) in units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal)
                && ulong.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.None, CultureInfo.InvariantCulture, out ulong number))
            {
                ns = number * unitNs;
                return number > 0 && number <= ulong.MaxValue / unitNs;
            }
        }

        return false;
    }
}

/// <summary>Sizes of memory: a number and one of K, M, G (of 1,024).</summary>
internal static class SizeText
{
    public const string Expected = "a size from 1M to 64G, such as 256M";

    public static bool TryParse(string text, out long? bytes)
    {
        bytes = null;
        int shift = text.Length == 0 ? 0 : text[^1] switch { 'K' => 10, 'M' => 20, 'G' => 30, _ => 0 };
        ReadOnlySpan<char> digits = shift == 0 ? text : text.AsSpan(0, text.Length - 1);
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number) || number > long.MaxValue >> shift)
            return false;
        bytes = number << shift;
        return bytes is >= 1L << 20 and <= 64L << 30;
    }
}
