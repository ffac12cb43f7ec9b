namespace Settlement.Engine.Rules.Language;

/// <summary>
/// All that decides which rules are in force: modules, treaties with the modules they bind, parameters, and the currencies' scales. A pure function of it and
/// the day gives the rule table.
/// </summary>
public sealed class RuleSet
{
    /// <param name="modules">No treaties; names differ.</param>
    /// <param name="treaties">Names differ.</param>
    /// <param name="parameters">Rates and indexes that have a value.</param>
    /// <param name="scaleOf">Digits behind the point in which the ledger counts a currency (ISO 4217), 0 to 18.</param>
    public RuleSet(
        IReadOnlyList<LawModule> modules, IReadOnlyList<BoundTreaty> treaties, IReadOnlyDictionary<ParameterName, ulong> parameters, Func<ushort, int> scaleOf)
    {
        Modules = [.. modules.OrderBy(module => module.Name, StringComparer.Ordinal)];
        Treaties = [.. treaties.OrderBy(treaty => treaty.Treaty.Name, StringComparer.Ordinal)];
        Parameters = parameters;
        ScaleOf = scaleOf;
    }

    /// <summary>Ascending by name.</summary>
    public IReadOnlyList<LawModule> Modules { get; }

    /// <summary>Ascending by name.</summary>
    public IReadOnlyList<BoundTreaty> Treaties { get; }

    /// <summary>Looked up, never walked.</summary>
    public IReadOnlyDictionary<ParameterName, ulong> Parameters { get; }

    public Func<ushort, int> ScaleOf { get; }
}

/// <summary>A treaty in force.</summary>
/// <param name="Treaty">Its text.</param>
/// <param name="Bound">Those of the modules it names whose voters agreed: its exceptions reach their statements and no others.</param>
public sealed record BoundTreaty(LawModule Treaty, IReadOnlyList<string> Bound);
