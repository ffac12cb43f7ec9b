using System.Globalization;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Gateway.Http.Answers;

namespace Settlement.Gateway.Http.Ledger;

/// <summary>Words of a request as numbers of the ledger. What cannot be read ends the request with a sentence that names the field.</summary>
internal static class LedgerWords
{
    public static ulong Wallet(string field, string? text) =>
        text is not null && FieldText.TryReadNumber(Encoding.UTF8.GetBytes(text), out ulong wallet) && wallet != 0
            ? wallet
            : throw Problem.Invalid($"{field} '{text}': a wallet's number, from 1, is expected, as text.");

    public static ulong Number(string field, string? text) =>
        text is not null && FieldText.TryReadNumber(Encoding.UTF8.GetBytes(text), out ulong number)
            ? number
            : throw Problem.Invalid($"{field} '{text}': a whole number from 0 to 2^64 - 1 is expected, as text.");

    public static int Count(string field, string? text, int otherwise, int most) =>
        text is null ? otherwise
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count >= 1 && count <= most ? count
        : throw Problem.Invalid($"{field} '{text}': a whole number from 1 to {most} is expected.");

    public static byte Level(string field, int number) =>
        number is >= 0 and <= byte.MaxValue ? (byte)number : throw Problem.Invalid($"{field} {Exact.Of(number)}: 0 to 255 is expected.");

    public static ushort Currency(string field, string? text) =>
        text is not null && CurrencyScales.TryFindCurrency(Encoding.UTF8.GetBytes(text), out ushort currency)
            ? currency
            : throw Problem.Invalid($"{field} '{text}': a currency of ISO 4217 by its three letters is expected.");

    public static ushort Country(string field, string text) =>
        Iso3166.NumberOf(text) is var country and not 0 ? country : throw Problem.Invalid($"{field} '{text}': a country of ISO 3166 by its two letters is expected.");

    public static ulong Time(string field, string text) =>
        TimeText.TryParse(text, out ulong timeNs) ? timeNs : throw Problem.Invalid($"{field} '{text}': {TimeText.Expected} is expected.");

    public static T Name<T>(string field, string? text, T otherwise, params ReadOnlySpan<T> values) where T : unmanaged, Enum
    {
        if (text is null)
            return otherwise;
        var names = new List<string>(values.Length);
        foreach (T value in values)
        {
            if (SnakeCase.Of(value) == text)
                return value;
            names.Add(SnakeCase.Of(value));
        }

        throw Problem.Invalid($"{field} '{text}': one of {string.Join(", ", names)} is expected.");
    }

    public static (ulong High, ulong Low, bool IsStream) PaymentId(string field, string text) =>
        new PaymentIdText().TryParse(Encoding.UTF8.GetBytes(text), out ulong high, out ulong low, out bool isStream)
            ? (high, low, isStream)
            : throw Problem.Invalid($"{field} '{text}': {PaymentIdText.Expected} is expected.");

    public static ulong Amount(string field, string text, int scale, string currency) =>
        AmountText.TryParse(text, scale, out ulong amount, out AmountError error) ? amount : throw Problem.Invalid(error switch
        {
            AmountError.TooFine => $"{field} '{text}': {currency} has {Exact.Of(scale)} digits behind the point in this ledger.",
            AmountError.TooLarge => $"{field} '{text}': no account of this ledger holds so much.",
            _ => $"{field} '{text}': a decimal number such as 12.34 is expected, as text.",
        });

    /// <summary>On the settle thread: the scales of all currencies.</summary>
    public static CurrencyScales ScalesOf(LedgerState state) => Settle.LedgerOpening.ScalesOf(state);
}
