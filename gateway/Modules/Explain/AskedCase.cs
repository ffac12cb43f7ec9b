using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Modules.Explain;

/// <summary>A payment that somebody asks about, as a command line states it.</summary>
/// <param name="Facts">The payment.</param>
/// <param name="Spent">What its payer paid before.</param>
internal sealed record AskedCase(RuleFacts Facts, IReadOnlyList<(LimitWindow Window, ulong Amount)> Spent)
{
    public const string AmountForm = "a currency and an amount, such as \"USD 3000.00\"";
    public const string SpentForm = "a window and an amount, such as \"day USD 9000\", \"30 days USD 100\" or \"year from 04-01 INR 100\"";

    public LawCase Case => new(Facts, SpentIn);

    public ulong SpentIn(LimitWindow window)
    {
        foreach ((LimitWindow other, ulong amount) in Spent)
            if (other == window)
                return amount;
        return 0;
    }

    /// <summary>Reads it.</summary>
    /// <exception cref="UsageException">A word cannot be read.</exception>
    public static AskedCase Read(
        string source, string destination, string amount, int tier, string purpose, int level, string instruction, string payer, string payee, IReadOnlyList<string> spent)
    {
        (ushort currency, ulong units) = Money("--amount", amount, AmountForm);
        if (units == 0)
            throw new UsageException($"--amount '{amount}': a payment of nothing is refused before any rule is asked.");
        if (tier is < 0 or > Limits.TierMax)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"--tier {tier}: expected a tier, 0 to {Limits.TierMax}."));
        if (level is < 0 or > byte.MaxValue)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"--level {level}: expected a level, 0 to 255."));
        var facts = new RuleFacts(
            Country("--src", source), Country("--dst", destination), currency, units, (byte)tier, Word("--purpose", purpose, LawWords.Purposes, 0), (byte)level,
            Word("--instruction", instruction, LawWords.Instructions, (byte)Instruction.Micropayment), Word("--payer", payer, LawWords.Kinds, 0), Word("--payee", payee, LawWords.Kinds, 0));
        (LimitWindow Window, ulong Amount)[] sums = [.. spent.Select(one => SpentOf(one, currency))];
        for (int i = 0; i < sums.Length; i++)
            if (Array.FindIndex(sums, one => one.Window == sums[i].Window) < i)
                throw new UsageException($"--spent '{spent[i]}': what was paid in that window is stated already.");
        return new AskedCase(facts, sums);
    }

    private static ushort Country(string option, string text) => Iso3166.NumberOf(text) is not 0 and ushort number ? number
        : throw new UsageException($"{option} '{text}': expected a country of ISO 3166 in two letters, such as DE.{(LawWords.HabitOf(text.ToUpperInvariant()) is { } meant ? $" Did you mean {meant}?" : "")}");

    private static byte Word(string option, string text, string[] words, byte first)
    {
        int at = Array.IndexOf(words, text.ToLowerInvariant());
        return at >= 0 ? (byte)(first + at) : throw new UsageException($"{option} '{text}': expected one of {string.Join(", ", words)}.");
    }

    private static (LimitWindow, ulong) SpentOf(string text, ushort currency)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 3)
            throw new UsageException($"--spent '{text}': expected {SpentForm}.");
        (ushort paidIn, ulong amount) = Money("--spent", string.Join(' ', words[^2..]), SpentForm);
        if (paidIn != currency)
            throw new UsageException($"--spent '{text}': sums are kept currency by currency, and this payment is in {Iso4217.LettersOf(currency)}.");
        LimitWindow? window = words[..^2] switch
        {
            ["day"] or ["1", "day"] => LimitWindow.Day,
            ["month"] => LimitWindow.Month,
            ["30", "days"] => LimitWindow.Rolling30Days,
            ["year", "from", var date] when NumberText.TryMonthDay(date, out byte month, out byte day) => LimitWindow.YearFrom(month, day),
            _ => null,
        };
        return (window ?? throw new UsageException($"--spent '{text}': expected {SpentForm}."), amount);
    }

    private static (ushort Currency, ulong Units) Money(string option, string text, string expected)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        ushort currency = words.Length == 2 ? Iso4217.NumberOf(words[0]) : (ushort)0;
        if (currency == 0)
            throw new UsageException($"{option} '{text}': expected {expected}.");
        int scale = Iso4217.ScaleOf(currency);
        return AmountText.TryParse(words[1].Replace("_", "", StringComparison.Ordinal), scale, out ulong units, out AmountError fault) ? (currency, units)
            : throw new UsageException(fault == AmountError.TooFine
                ? string.Create(CultureInfo.InvariantCulture, $"{option} '{text}': {Iso4217.LettersOf(currency)} has {scale} digits behind the point.") : $"{option} '{text}': expected {expected}.");
    }
}
