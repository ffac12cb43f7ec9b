using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;

namespace Settlement.Engine.Questions;

/// <summary>What `may` was asked, as it was typed: names and amounts are read at the ledger that is asked.</summary>
internal sealed record MayWords
{
    /// <summary>What stands in front of the words' names where they are asked for: <c>--</c> on a command line.</summary>
    public string Prefix { get; init; } = "";

    public required string From { get; init; }

    public required string To { get; init; }

    public required string Amount { get; init; }

    public string? Tier { get; init; }

    public string? Purpose { get; init; }

    public string? Level { get; init; }

    public string? Instruction { get; init; }

    public string? Payer { get; init; }

    public string? Payee { get; init; }

    public IReadOnlyList<string> Spent { get; init; } = [];

    public string? Clearance { get; init; }
}

/// <summary>A payment that nobody has made.</summary>
/// <param name="Facts">The payment and its parties.</param>
/// <param name="SpentBefore">What the payer paid before, window by window, as it was given.</param>
/// <param name="Clearance">Of who asks.</param>
internal sealed record MayQuestion(RuleFacts Facts, IReadOnlyList<(LimitWindow Window, ulong Amount)> SpentBefore, byte Clearance)
{
    private const string MoneyForm = "an amount and a currency such as \"400 USD\"";
    private const string WindowForm = "a window, an amount and a currency such as \"day 9000 USD\"; windows are day, month, 30 days, year from 04-01";

    /// <summary>Of a window that was not named: what was paid today, which is part of every window.</summary>
    public ulong Spent(LimitWindow window)
    {
        ulong today = 0;
        foreach ((LimitWindow named, ulong amount) in SpentBefore)
        {
            if (named == window)
                return amount;
            if (named == LimitWindow.Day)
                today = amount;
        }

        return today;
    }

    /// <exception cref="QuestionException">A word has no meaning; says which are expected.</exception>
    public static MayQuestion Read(MayWords words, LawView view)
    {
        (ulong amount, ushort currency) = ReadMoney(words.Prefix + "amount", words.Amount, words.Amount, MoneyForm, view);
        if (amount == 0)
            throw new QuestionException($"{words.Prefix}amount '{words.Amount}': an amount above 0 is expected; a payment of nothing is always refused.");
        var spent = new List<(LimitWindow, ulong)>();
        foreach (string text in words.Spent)
        {
            (LimitWindow window, ulong before) = ReadSpent(words.Prefix + "spent", text, currency, view);
            if (spent.Exists(other => other.Item1 == window))
                throw new QuestionException($"{words.Prefix}spent '{text}': its window stands twice.");
            spent.Add((window, before));
        }

        return new MayQuestion(
            new RuleFacts
            {
                Source = ReadCountry(words.Prefix + "from", words.From),
                Destination = ReadCountry(words.Prefix + "to", words.To),
                Currency = currency,
                Amount = amount,
                Tier = (byte)ReadNumber(words.Prefix + "tier", words.Tier ?? "0", Limits.TierMax),
                Level = (byte)ReadNumber(words.Prefix + "level", words.Level ?? "0", byte.MaxValue),
                Purpose = (byte)ReadName(words.Prefix + "purpose", words.Purpose, Purpose.Unstated, Enum.GetValues<Purpose>()),
                Instruction = (byte)ReadName(words.Prefix + "instruction", words.Instruction, Instruction.Immediate, [Instruction.Micropayment, Instruction.Immediate, Instruction.Hold]),
                PayerKind = (byte)ReadName(words.Prefix + "payer", words.Payer, PartyKind.Unstated, Enum.GetValues<PartyKind>()),
                PayeeKind = (byte)ReadName(words.Prefix + "payee", words.Payee, PartyKind.Unstated, Enum.GetValues<PartyKind>()),
            }, spent, (byte)ReadNumber(words.Prefix + "clearance", words.Clearance ?? "255", byte.MaxValue));
    }

    private static ushort ReadCountry(string option, string text) => Iso3166.NumberOf(text) is var country and not 0
        ? country
        : throw new QuestionException($"{option} '{text}': a country of ISO 3166 by its two letters is expected, such as US.{(text == "UK" ? " Great Britain is GB." : "")}");

    private static uint ReadNumber(string option, string text, uint most) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number <= most
            ? number
            : throw new QuestionException($"{option} '{text}': a whole number from 0 to {most} is expected.");

    private static T ReadName<T>(string option, string? text, T otherwise, T[] values) where T : unmanaged, Enum
    {
        if (text is null)
            return otherwise;
        int at = Array.FindIndex(values, value => SnakeCase.Of(value) == text);
        return at >= 0 ? values[at] : throw new QuestionException($"{option} '{text}': expected one of {string.Join(", ", values.Select(value => SnakeCase.Of(value)))}.");
    }

    /// <summary>The number and the letters of a currency, in either order: people write both.</summary>
    private static (ulong Amount, ushort Currency) ReadMoney(string option, string whole, string text, string form, LawView view)
    {
        string[] parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length != 2)
            throw new QuestionException($"{option} '{whole}': {form} is expected.");
        (string number, string letters) = char.IsAsciiDigit(parts[0][0]) ? (parts[0], parts[1]) : (parts[1], parts[0]);
        ushort currency = Iso4217.NumberOf(letters);
        if (currency == 0)
            throw new QuestionException($"{option} '{whole}': '{letters}' is no currency of ISO 4217; {form} is expected.");
        int scale = view.ScaleOf(currency);
        if (!AmountText.TryParse(number.Replace("_", "", StringComparison.Ordinal), scale, out ulong amount, out AmountError error))
            throw new QuestionException(error switch
            {
                AmountError.TooFine => $"{option} '{whole}': {letters} has {scale} digits behind the point in this ledger.",
                AmountError.TooLarge => $"{option} '{whole}': no account of this ledger holds so much.",
                _ => $"{option} '{whole}': {form} is expected.",
            });
        return (amount, currency);
    }

    private static (LimitWindow Window, ulong Amount) ReadSpent(string option, string text, ushort currency, LawView view)
    {
        string[] parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length < 3)
            throw new QuestionException($"{option} '{text}': {WindowForm} are expected.");
        (ulong amount, ushort spent) = ReadMoney(option, text, $"{parts[^2]} {parts[^1]}", WindowForm, view);
        if (spent != currency)
            throw new QuestionException($"{option} '{text}': sums are kept in each currency by itself, and the payment is in {LedgerText.CurrencyOf(currency)}.");
        return (ReadWindow(string.Join(' ', parts[..^2]), option, text), amount);
    }

    private static LimitWindow ReadWindow(string window, string option, string text)
    {
        const string YearPrefix = "year from ";
        switch (window)
        {
            case "day" or "1 day":
                return LimitWindow.Day;
            case "month" or "1 month":
                return LimitWindow.Month;
            case "30 days":
                return LimitWindow.Rolling30Days;
        }

        return window.StartsWith(YearPrefix, StringComparison.Ordinal) && NumberText.TryMonthDay(window[YearPrefix.Length..], out byte month, out byte day)
            ? LimitWindow.YearFrom(month, day)
            : throw new QuestionException($"{option} '{text}': {WindowForm} are expected.");
    }
}
