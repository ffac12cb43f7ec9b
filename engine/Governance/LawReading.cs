using Settlement.Engine.Domain;
using Settlement.Engine.Rules.Language;

namespace Settlement.Engine.Governance;

/// <summary>The laws in force as the language reads them.</summary>
public static class LawReading
{
    /// <param name="laws">Of a ledger: texts that were checked before they came into force.</param>
    /// <exception cref="Ledger.LedgerBrokenException">One of them does not read.</exception>
    public static RuleSet ToRuleSet(LawInputs laws)
    {
        ArgumentNullException.ThrowIfNull(laws);
        Dictionary<ushort, byte> scales = laws.Currencies.ToDictionary(currency => currency.Currency, currency => currency.Scale); // looked up, never walked
        return new RuleSet(
            [.. laws.Modules.Select(Read)],
            [.. laws.Treaties.Select(treaty => new BoundTreaty(Read(treaty.Text), treaty.Bound))],
            laws.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value),
            currency => scales.TryGetValue(currency, out byte scale) ? scale : Math.Max(0, Iso4217.ScaleOf(currency)));
    }

    public static LawModule Read(LawText text)
    {
        ArgumentNullException.ThrowIfNull(text);
        ModuleReading reading = ModuleReader.Read(text.Utf8, text.Name);
        return reading.Module ?? throw new Ledger.LedgerBrokenException($"the text of {text.Name} version {text.Version} does not read: {reading.Faults[0]}");
    }
}
