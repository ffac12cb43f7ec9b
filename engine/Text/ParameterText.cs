using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Rules.Language;

namespace Settlement.Engine.Text;

/// <summary>Rates and indexes as they are typed: <c>EUR.rate=1.08</c>, at most nine digits behind the point.</summary>
internal static class ParameterText
{
    /// <summary>In the place of a value: the parameter has none.</summary>
    public const string None = "none";

    /// <param name="text">Anything.</param>
    /// <param name="mayBeNone">Whether <see cref="None"/> may stand for the value, which is then 0.</param>
    /// <param name="name">The parameter.</param>
    /// <param name="value">In units of 10^-9.</param>
    /// <param name="fault">What is wrong, as the end of a sentence; empty where the answer is true.</param>
    public static bool TryParse(string text, bool mayBeNone, out ParameterName name, out ulong value, out string fault)
    {
        (name, value, fault) = (default, 0, "");
        int point = text.IndexOf('.'), equals = text.IndexOf('=');
        if (point <= 0 || equals < point)
            fault = "a currency, a name and a value are expected, such as EUR.rate=1.08";
        else if (Iso4217.NumberOf(text.AsSpan(0, point)) is var currency && currency == 0)
            fault = $"'{text[..point]}' is no currency of ISO 4217";
        else if (!GovernanceText.IsParameter(text[(point + 1)..equals]))
            fault = $"'{text[(point + 1)..equals]}' is no name of a parameter; a rate's is rate, an index has one of its own, 1 to {LanguageBounds.ParameterNameCharsMax} small letters, digits and _";
        else if (!(mayBeNone && text.AsSpan(equals + 1).SequenceEqual(None))
            && !(AmountText.TryParse(text.AsSpan(equals + 1), LanguageBounds.ParameterDecimalsMax, out value, out _) && value > 0))
            fault = string.Create(CultureInfo.InvariantCulture, $"a value above 0 with at most {LanguageBounds.ParameterDecimalsMax} digits behind the point is expected, such as 1.08{(mayBeNone ? ", or none" : "")}");
        else
            name = new ParameterName(currency, text[(point + 1)..equals]);
        return fault.Length == 0;
    }

    /// <summary>The values of the option <c>--parameter</c>.</summary>
    /// <exception cref="FormatException">One cannot be read, or is there twice with two values; the message is a sentence without its full stop.</exception>
    public static Dictionary<ParameterName, ulong> ParseAll(IEnumerable<string> texts)
    {
        Dictionary<ParameterName, ulong> parameters = [];
        foreach (string text in texts)
        {
            if (!TryParse(text, mayBeNone: false, out ParameterName name, out ulong value, out string fault))
                throw new FormatException($"--parameter '{text}': {fault}");
            if (!parameters.TryAdd(name, value) && parameters[name] != value)
                throw new FormatException($"--parameter '{text}': {Iso4217.LettersOf(name.Currency)}.{name.Name} is there twice, with two values");
        }

        return parameters;
    }
}
