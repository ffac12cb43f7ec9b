using System.CommandLine;
using System.Globalization;
using Settlement.Perf.Common;

namespace Settlement.Perf.Generate;

/// <summary>`perf generate`: the command line of <see cref="CsvFiles"/>.</summary>
internal static class GenerateCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        GenerateOptions defaults = new();
        var directory = new Option<string>("--out")
        {
            Description = "directory for wallets.csv and payments.csv; made if it is not there",
            HelpName = "DIR",
            Required = true,
        };
        var sample = new Option<bool>("--sample")
        {
            Description = "the sample that ships with the gateway; other options but --out, --gzip and --json are ignored",
        };
        var payments = Number("--payments", "lines of payments.csv", defaults.Payments);
        var wallets = Number("--wallets", "wallets; every eighth has two accounts", defaults.Wallets);
        var seed = Number("--seed", "the same seed and options give the same bytes", defaults.Seed);
        string letters = string.Join(", ", Places.Currencies.Select(one => one.Letters));
        var currencies = Number("--currencies", $"1 to {Places.Currencies.Count}: {letters}", defaults.Currencies);
        var participants = Number("--participants", "banks that the wallets belong to", defaults.Participants);
        var ids = Choice("--ids", "stream, uuidv7, uuidv4, or none: empty ids, then nothing is repeated, captured or refunded", "KIND", defaults.Ids);
        var payers = Choice("--payers", "zipf: few wallets pay most, by 1/rank; or uniform", "SKEW", defaults.Payers);
        var duplicates = Percent("--duplicates", "lines that repeat an earlier one, every eighth with another amount", defaults.DuplicatesPerMillion);
        var bad = Percent("--bad", "lines that the ledger must refuse, twelve kinds alike", defaults.BadPerMillion);
        var holds = Percent("--holds", "holds; most are captured or voided later", defaults.HoldsPerMillion);
        var refundable = Percent("--refundable", "refundable payments; half are refunded later", defaults.RefundablePerMillion);
        var immediate = Percent("--immediate", "immediate payments; what is left are micropayments", defaults.ImmediatePerMillion);
        var start = new Option<string>("--start")
        {
            Description = "time of the first payment, RFC 3339; UUIDv7 ids and expiries follow from it: settle with --clock near it",
            HelpName = "TIME",
            DefaultValueFactory = _ => "2026-01-01T00:00:00Z",
        };
        var rate = Number("--rate", "payments in a second of the file's time", defaults.PaymentsPerSecond);
        var expiry = Number("--expiry-days", "how long holds are valid after the file's time; 0: to the end of 2099", defaults.ExpiryDays);
        var gzip = new Option<bool>("--gzip") { Description = "write .csv.gz" };
        var json = new Option<bool>("--json") { Description = "print one JSON object instead of lines" };

        var command = new Command("generate", "Writes wallets.csv and payments.csv of any size, by seed, in constant memory.")
        {
            directory, sample, payments, wallets, seed, currencies, participants, ids, payers, duplicates, bad, holds, refundable,
            immediate, start, rate, expiry, gzip, json,
        };
        command.SetAction(parsed =>
        {
            if (!TryReadTime(parsed.GetRequiredValue(start), out ulong startSeconds))
                return PerfCommand.Refuse(error, $"--start {parsed.GetValue(start)}: a time as 2026-01-31T23:59:59Z from 1970 to 2099 expected.", command);
            GenerateOptions options = parsed.GetValue(sample) ? GenerateOptions.Sample : new GenerateOptions
            {
                Payments = parsed.GetValue(payments),
                Wallets = parsed.GetValue(wallets),
                Seed = parsed.GetValue(seed),
                Currencies = parsed.GetValue(currencies),
                Participants = parsed.GetValue(participants),
                Ids = parsed.GetValue(ids),
                Payers = parsed.GetValue(payers),
                DuplicatesPerMillion = PerMillion(parsed.GetValue(duplicates)),
                BadPerMillion = PerMillion(parsed.GetValue(bad)),
                HoldsPerMillion = PerMillion(parsed.GetValue(holds)),
                RefundablePerMillion = PerMillion(parsed.GetValue(refundable)),
                ImmediatePerMillion = PerMillion(parsed.GetValue(immediate)),
                StartSeconds = startSeconds,
                PaymentsPerSecond = parsed.GetValue(rate),
                ExpiryDays = parsed.GetValue(expiry),
            };
            if (options.Fault() is { } fault)
                return PerfCommand.Refuse(error, fault + ".", command);
            return Write(options, parsed.GetRequiredValue(directory), parsed.GetValue(gzip), parsed.GetValue(json), output, error, command);
        });
        return command;
    }

    private static int Write(GenerateOptions options, string directory, bool gzip, bool json, TextWriter output, TextWriter error, Command command)
    {
        Written written = default;
        Run run;
        try
        {
            run = Run.Time(options.Payments, () => written = CsvFiles.Write(options, directory, gzip));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return PerfCommand.Refuse(error, $"--out {directory}: {fault.Message}", command);
        }

        FigurePrinter.Print(
            new Figure("generate", $"lines of payments.csv, written to {directory} together with wallets.csv, once", new Runs([run])) { Unit = "lines" }
                .With("wallet_lines", written.WalletLines)
                .With("payment_lines", written.PaymentLines)
                .With("text_bytes", written.TextBytes, gzip ? "before compression" : ""),
            json,
            output);
        return 0;
    }

    private static Option<T> Number<T>(string name, string description, T byDefault) =>
        new(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => byDefault };

    /// <summary>One of an enum's names, in either case; a number is none.</summary>
    private static Option<T> Choice<T>(string name, string description, string helpName, T byDefault) where T : struct, Enum => new(name)
    {
        Description = description,
        HelpName = helpName,
        DefaultValueFactory = _ => byDefault,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (char.IsAsciiLetter(text.FirstOrDefault()) && Enum.TryParse(text, ignoreCase: true, out T value))
                return value;
            result.AddError($"{name} {text}: one of {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()} expected.");
            return byDefault;
        },
    };

    private static Option<decimal> Percent(string name, string description, uint perMillionByDefault) => new(name)
    {
        Description = "percent: " + description,
        HelpName = "PERCENT",
        DefaultValueFactory = _ => perMillionByDefault / 10_000m,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal percent) && percent <= 100)
                return percent;
            result.AddError($"{name} {text}: a percentage from 0 to 100 expected.");
            return 0;
        },
    };

    private static uint PerMillion(decimal percent) => (uint)(percent * 10_000);

    private static bool TryReadTime(string text, out ulong seconds)
    {
        bool read = DateTimeOffset.TryParseExact(
            text, "yyyy-MM-dd'T'HH:mm:ssK", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time);
        seconds = read && time.Year is >= 1970 and < 2100 ? (ulong)time.ToUnixTimeSeconds() : 0;
        return read && time.Year is >= 1970 and < 2100;
    }
}
