using System.Globalization;
using System.Text;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Gateway.Modules;

/// <summary>A payment as an embedded test of a module states it, so that it can be put into one.</summary>
internal static class CaseWords
{
    /// <param name="payment">The payment.</param>
    /// <param name="windows">Windows in which the payer may have paid something.</param>
    /// <param name="scaleOf">Digits behind the point of a currency.</param>
    /// <param name="day">Its day; null: not told.</param>
    public static string Of(in LawCase payment, IReadOnlyList<LimitWindow> windows, Func<ushort, int> scaleOf, int? day)
    {
        RuleFacts facts = payment.Facts;
        var words = new StringBuilder();
        words.Append("src ").Append(LawPhrase.Of(RuleField.Source, facts.Source)).Append(" dst ").Append(LawPhrase.Of(RuleField.Destination, facts.Destination))
            .Append(" amount ").Append(Money(facts.Amount, facts.Currency, scaleOf)).Append(CultureInfo.InvariantCulture, $" tier {facts.Tier}");
        if (facts.Purpose != 0)
            words.Append(" purpose ").Append(LawPhrase.Of(RuleField.Purpose, facts.Purpose));
        if (facts.Level != 0)
            words.Append(CultureInfo.InvariantCulture, $" level {facts.Level}");
        if (facts.Instruction != (byte)Instruction.Immediate)
            words.Append(" instruction ").Append(LawPhrase.Of(RuleField.Instruction, facts.Instruction));
        if (facts.PayerKind != 0)
            words.Append(" payer ").Append(LawPhrase.Of(RuleField.PayerKind, facts.PayerKind));
        if (facts.PayeeKind != 0)
            words.Append(" payee ").Append(LawPhrase.Of(RuleField.PayeeKind, facts.PayeeKind));
        foreach (LimitWindow window in windows)
            if (payment.Spent(window) is > 0 and ulong spent)
                words.Append(" spent ").Append(LawPhrase.Of(window)).Append(' ').Append(Money(spent, facts.Currency, scaleOf));
        if (day is { } on)
            words.Append(" on ").Append(NumberText.DateOf(on));
        return words.ToString();
    }

    public static string Money(ulong amount, ushort currency, Func<ushort, int> scaleOf) =>
        $"{LawPhrase.Of(RuleField.Currency, currency)} {AmountText.ToText(amount, scaleOf(currency))}";

    /// <summary>The same as an object's fields.</summary>
    public static void Write(Utf8JsonWriter json, in LawCase payment, IReadOnlyList<LimitWindow> windows, Func<ushort, int> scaleOf, int day)
    {
        RuleFacts facts = payment.Facts;
        string Amount(ulong amount) => AmountText.ToText(amount, scaleOf(facts.Currency));
        json.WriteString("src", LawPhrase.Of(RuleField.Source, facts.Source));
        json.WriteString("dst", LawPhrase.Of(RuleField.Destination, facts.Destination));
        json.WriteString("currency", LawPhrase.Of(RuleField.Currency, facts.Currency));
        json.WriteString("amount", Amount(facts.Amount));
        json.WriteNumber("tier", facts.Tier);
        json.WriteString("purpose", LawPhrase.Of(RuleField.Purpose, facts.Purpose));
        json.WriteNumber("level", facts.Level);
        json.WriteString("instruction", LawPhrase.Of(RuleField.Instruction, facts.Instruction));
        json.WriteString("payer", LawPhrase.Of(RuleField.PayerKind, facts.PayerKind));
        json.WriteString("payee", LawPhrase.Of(RuleField.PayeeKind, facts.PayeeKind));
        json.WriteStartArray("spent");
        foreach (LimitWindow window in windows)
        {
            if (payment.Spent(window) is 0)
                continue;
            json.WriteStartObject();
            json.WriteString("window", LawPhrase.Of(window));
            json.WriteString("amount", Amount(payment.Spent(window)));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteString("on", NumberText.DateOf(day));
    }
}
