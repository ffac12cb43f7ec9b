using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Engine.Governance;

/// <summary>The language behind governance: reading, checking, lowering, compiling, and holding the plan against the interpreter.</summary>
/// <remarks>Holds nothing, so any number of threads may use it at once.</remarks>
public sealed class LawCompiler : ILawCompiler
{
    public static LawCompiler Shared { get; } = new();

    public LawCheck Check(LawInputs inForce, LawText proposed)
    {
        ModuleReading reading = ModuleReader.Read(proposed.Utf8, proposed.Name);
        if (reading.Module is not { } module)
            return new LawCheck(Sentence(reading.Faults), "", 0, []);
        if (!TryRead(inForce, out RuleSet? rules, out string fault))
            return new LawCheck(fault, module.Name, module.Version, module.Between);
        return new LawCheck(ClaimFault(rules, module) ?? Sentence(ModuleCheck.Check(rules, module)), module.Name, module.Version, module.Between);
    }

    /// <summary>The first day on which a text may be in force; null: it does not read.</summary>
    public static int? EffectiveDayOf(LawText text) => ModuleReader.Read(text.Utf8, text.Name).Module?.EffectiveDay;

    /// <summary>Each country and currency is one module's: a module cannot make itself the law of another's. Null: it claims nothing of another's.</summary>
    private static string? ClaimFault(RuleSet inForce, LawModule module)
    {
        foreach (LawModule other in inForce.Modules)
        {
            if (other.Name == module.Name)
                continue;
            foreach (ushort country in module.Jurisdiction.Countries)
                if (other.Jurisdiction.Countries.Contains(country))
                    return $"{Iso3166.LettersOf(country)} is a country of module {other.Name}: each country has one module";
            foreach (ushort currency in module.Jurisdiction.Currencies)
                if (other.Jurisdiction.Currencies.Contains(currency))
                    return $"{Iso4217.LettersOf(currency)} is a currency of module {other.Name}: each currency has one module";
        }

        return null;
    }

    public LawBuild Build(LawInputs laws, int day)
    {
        if (!TryRead(laws, out RuleSet? rules, out string error) || !RuleSetLowering.TryLower(rules, day, out LoweredRules? lowered, out error)
            || !RulePlan.TryBuild(lowered.Table, Iso4217.OwnerCountry, out RulePlan? plan, out error))
            return LawBuild.Failed(error);
        return PlanSelfCheck.Fault(rules, day, lowered, plan) is { } wrong
            ? LawBuild.Failed(wrong)
            : new LawBuild { Plan = plan, NextChangeDay = lowered.NextChangeDay, Origins = [.. lowered.Origins.Select(origin => (origin.RuleId, origin.Module.Name))] };
    }

    /// <summary>The rule set that inputs stand for.</summary>
    /// <param name="laws">Texts, parameters, currencies.</param>
    /// <param name="rules">Null where the answer is false.</param>
    /// <param name="fault">Of the first text that cannot be read; empty where the answer is true.</param>
    public static bool TryRead(LawInputs laws, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RuleSet? rules, out string fault)
    {
        rules = null;
        fault = "";
        var modules = new List<LawModule>();
        var treaties = new List<BoundTreaty>();
        foreach (LawText text in laws.Modules)
            if (Read(text, ref fault) is { } module)
                modules.Add(module);
        foreach (TreatyText treaty in laws.Treaties)
            if (Read(treaty.Text, ref fault) is { } module)
                treaties.Add(new BoundTreaty(module, treaty.Bound));
        if (fault.Length > 0)
            return false;
        Dictionary<ushort, int> scales = laws.Currencies.ToDictionary(currency => currency.Currency, currency => (int)currency.Scale);
        rules = new RuleSet(modules, treaties, laws.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value),
            currency => scales.GetValueOrDefault(currency, -1));
        return true;
    }

    private static LawModule? Read(LawText text, ref string fault)
    {
        ModuleReading reading = ModuleReader.Read(text.Utf8, text.Name);
        if (reading.Module is null && fault.Length == 0)
            fault = $"{text.Name} version {text.Version}: {Sentence(reading.Faults)}";
        return reading.Module;
    }

    /// <summary>The first error; null: there is none.</summary>
    private static string? Sentence(IReadOnlyList<ModuleFault> faults)
    {
        foreach (ModuleFault fault in faults)
            if (fault.Kind == FaultKind.Error)
                return $"{fault.Place}: error {fault.Code}: {fault.Message}";
        return null;
    }
}
