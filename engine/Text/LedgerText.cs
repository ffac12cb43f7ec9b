using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Engine.Text;

/// <summary>Numbers of a ledger as words: amounts at its scales, currencies by their letters, participants by their names.</summary>
internal static class LedgerText
{
    /// <summary>The ledger's scale; ISO's for a currency that it has not declared; 0 where there is none.</summary>
    public static int ScaleOf(LedgerState state, ushort currency) =>
        state.Currencies.IndexOf(currency) is var index and not 0 ? state.Currencies[index].Scale : Math.Max(0, Iso4217.ScaleOf(currency));

    /// <summary>The letters; the number where there are none, because a refused payment may name anything.</summary>
    public static string CurrencyOf(ushort currency) =>
        Iso4217.IsKnown(currency) ? Iso4217.LettersOf(currency) : currency.ToString(CultureInfo.InvariantCulture);

    public static string CountryOf(ushort country) =>
        Iso3166.LettersOf(country) is { Length: > 0 } letters ? letters : country.ToString(CultureInfo.InvariantCulture);

    public static string Amount(LedgerState state, Int128 amount, ushort currency) => AmountText.ToText(amount, ScaleOf(state, currency));

    public static string Money(LedgerState state, Int128 amount, ushort currency) => $"{Amount(state, amount, currency)} {CurrencyOf(currency)}";

    /// <summary>The name; the index where there is none yet.</summary>
    public static string ParticipantOf(LedgerState state, ushort participant) =>
        state.Participants.Knows(participant) ? state.Participants.NameOf(participant) : participant.ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// The id that a capture, void or refund is about. No flag says whether it is a stream id: it is written as a UUID where it carries a UUID's variant,
    /// which the running numbers of a stream do not reach.
    /// </summary>
    public static string TargetOf(in Payment payment) =>
        PaymentIdText.Format(payment.Payee, payment.Reference, isStream: payment.Reference >> 62 != 0b10);

    /// <summary>Whether the parties of a payment are those of the payment that it is about.</summary>
    public static bool HasTarget(Instruction instruction) => instruction is Instruction.Capture or Instruction.Void or Instruction.Refund;

    public static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
