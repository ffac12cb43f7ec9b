using System.Globalization;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Purpose: what must hold of a module before it can be proposed, and what its author should look at again; judged beside the other modules it comes to, by
/// the engine at a proposal and by <c>rules check</c> alike.
/// Invariant: deterministic, a function of its arguments; ends after a bounded time. Errors: exceptions of one layer meet, a test fails, there is no rule table
/// that says it. What cannot be decided within the bounds counts as an error where it would be one.
/// </summary>
public static class ModuleCheck
{
    /// <summary>Days on which different statements of the module are in force: so many are looked at, the first ones.</summary>
    private const int DaysMax = 32;

    /// <summary>Of those, plans are built for the first: building one may take a second.</summary>
    private const int PlansMax = 4;

    /// <param name="rules">What is in force or given beside it; a module of its name there is what it replaces. Its parameters are those of today.</param>
    /// <param name="module">The module or treaty.</param>
    /// <param name="today">The first day on which it can be scheduled, since 1970-01-01 (UTC); null: it is taken for the day on which it begins.</param>
    /// <returns>In the order of the text, at most <see cref="LanguageBounds.FaultsMax"/>; those of the reading are not repeated.</returns>
    public static IReadOnlyList<ModuleFault> Check(RuleSet rules, LawModule module, int? today = null)
    {
        CheckFaults faults = new();
        RuleSet together = With(rules, module);
        CheckTreaties(together, module, faults);
        TestRuns runs = TestRuns.Of(together, module, faults);
        CheckDays(together, module, faults);
        runs.CheckCoverage(faults);
        CheckNumbers(rules, module, faults);
        CheckWindows(rules, module, today ?? module.EffectiveDay, faults);
        return faults.InOrder();
    }

    /// <summary>Versions of one module that are given together: no two may be in force on one day.</summary>
    /// <param name="versions">Of one name, in any order.</param>
    public static IReadOnlyList<(LawModule Module, ModuleFault Fault)> CheckVersions(IReadOnlyList<LawModule> versions)
    {
        List<(LawModule, ModuleFault)> found = [];
        LawModule[] ascending = [.. versions.OrderBy(static one => one.EffectiveDay).ThenBy(static one => one.Version)];
        for (int i = 1; i < ascending.Length; i++)
        {
            (LawModule before, LawModule later) = (ascending[i - 1], ascending[i]);
            string? message = before.Version == later.Version ? $"version {later.Version} of {later.Name} is given twice"
                : before.UntilDay is not { } until || until > later.EffectiveDay
                    ? $"{before} is still in force on {Date(later.EffectiveDay)}, when {later} begins" : null;
            if (message is not null)
                found.Add((later, new ModuleFault(FaultKind.Error, CheckCode.VersionsOverlap, Start, message,
                    $"end version {before.Version} with `until {Date(later.EffectiveDay)}`, or give one of the two")));
        }
        return found;
    }

    internal static TextPlace Start => new(1, 1, 0);

    /// <summary>The rule set with the module in it; a treaty binds all it is between that are there.</summary>
    internal static RuleSet With(RuleSet rules, LawModule module) => module.IsTreaty
        ? new RuleSet(rules.Modules, [.. rules.Treaties.Where(one => one.Treaty.Name != module.Name), new BoundTreaty(module, module.Between)],
            rules.Parameters, rules.ScaleOf)
        : new RuleSet([.. rules.Modules.Where(one => one.Name != module.Name), module], rules.Treaties, rules.Parameters, rules.ScaleOf);

    private static void CheckTreaties(RuleSet together, LawModule module, CheckFaults faults)
    {
        if (!module.IsTreaty)
        {
            foreach (BoundTreaty treaty in together.Treaties.Where(one => one.Bound.Contains(module.Name)))
                foreach (LawStatement exception in treaty.Treaty.Statements)
                    foreach (string target in exception.Targets.Where(name => IsOf(module, name) && !HasPlain(module, name)))
                        faults.Warning(CheckCode.TreatyTargetGone, Start,
                            $"{exception.Name} of the treaty {treaty.Treaty.Name} is an exception to {target}, which this module does not have",
                            "keep the statement's name, or let the treaty be changed, too");
            return;
        }
        foreach (string name in module.Between.Where(name => !together.Modules.Any(one => one.Name == name)))
            faults.Error(CheckCode.TreatyWithout, Start, $"the treaty is between {name} and others, and there is no module {name}", "give its file, too");
        LawModule[] parties = [.. together.Modules.Where(one => module.Between.Contains(one.Name))];
        foreach (LawStatement exception in module.Statements)
            foreach (string target in exception.Targets)
                if (parties.Any(party => IsOf(party, target)) && !parties.Any(party => HasPlain(party, target)))
                    faults.Error(CheckCode.TreatyWithout, exception.Place, $"{exception.Name} is an exception to {target}, and there is no such statement",
                        Suggestion.Question(target, parties.SelectMany(static party => party.Statements).Where(static one => !one.IsException).Select(static one => one.Name)));
    }

    private static bool IsOf(LawModule module, string statement) => statement.StartsWith(module.Name + ".", StringComparison.Ordinal);

    private static bool HasPlain(LawModule module, string statement) => module.Statements.Any(one => !one.IsException && one.Name == statement);

    /// <summary>Overlaps, tables and dead statements, on each day on which another part of the module comes into force.</summary>
    private static void CheckDays(RuleSet together, LawModule module, CheckFaults faults)
    {
        // What an exception does depends on when its targets are in force; a treaty's are in other modules.
        IEnumerable<LawModule> asked = module.IsTreaty ? together.Modules.Where(one => module.Between.Contains(one.Name)).Append(module) : [module];
        int[] days = [.. asked.SelectMany(static one => one.Statements).SelectMany(static one => new[] { one.FromDay, one.UntilDay })
            .Concat(asked.SelectMany(static one => new int?[] { one.EffectiveDay, one.UntilDay })).Append(module.EffectiveDay)
            .Where(day => day >= module.EffectiveDay && !(day >= module.UntilDay)).Select(static day => day!.Value).Distinct().Order()];
        if (days.Length > DaysMax)
            faults.Warning(CheckCode.NotAllChecked, Start,
                $"its statements begin and end on {days.Length} different days: only the first {DaysMax} are checked", "let statements begin together");
        ExceptionOverlaps overlaps = new(together, module, faults);
        HashSet<LawStatement> dead = new(module.Statements, ReferenceEqualityComparer.Instance);
        HashSet<string> told = [];
        FormulaSearch search = new(8 * Satisfiability.StepsMax);
        for (int i = 0; i < Math.Min(days.Length, DaysMax); i++)
        {
            LawInForce law = LawInForce.On(together, days[i]);
            BiteFormulas formulas = new(new FormulaBuilder(together, new FormulaPool()));
            overlaps.Check(law, formulas);
            CheckTable(law, module, withPlan: i < PlansMax, told, faults);
            foreach (StatementInForce one in law.Statements)
                if (dead.Contains(one.Statement) && Satisfiability.TryFindBitten(formulas, one, search, out _) != SatisfiabilityAnswer.No)
                    dead.Remove(one.Statement);
        }
        foreach (LawStatement one in module.Statements)
            if (days.Length <= DaysMax && dead.Contains(one))
                faults.Warning(CheckCode.Dead, one.Place, $"{one.Name} can never {Does(one)}: no payment meets its conditions{Beside(one)}",
                    "correct its conditions, or leave it out");
    }

    private static string Does(LawStatement one) => one.Effect switch
    {
        LawEffect.Allow => "let a payment pass",
        LawEffect.Review => "hold a payment",
        _ => "refuse a payment",
    };

    private static string Beside(LawStatement one) => one.IsException ? " together with those of its target" : "";

    private static void CheckTable(LawInForce law, LawModule module, bool withPlan, HashSet<string> told, CheckFaults faults)
    {
        LoweredRules? lowered = RuleSetLowering.Lower(law, out LoweringFault? fault);
        if (lowered is not null && withPlan && !RulePlan.TryBuild(lowered.Table, Iso4217.OwnerCountry, out _, out string error))
            fault = new LoweringFault(null, null, false, $"all rules together: {error}");
        if (fault is null || !told.Add(fault.Message))
            return;
        bool own = ReferenceEquals(fault.Module, module);
        faults.Error(fault.IsAboutSums ? CheckCode.SumsEntangled : CheckCode.NotLowerable, own ? fault.Statement!.Place : Start,
            own ? $"{fault.Statement!.Name}: {fault.Message}" : fault.ToString());
    }

    /// <summary>Rates and indexes that it uses and that have no value today.</summary>
    private static void CheckNumbers(RuleSet rules, LawModule module, CheckFaults faults)
    {
        HashSet<ParameterName> told = [];
        foreach (LawStatement one in module.Statements)
            foreach ((LawMoney money, TextPlace place) in Money(one))
            {
                if (money.Index is { } index && !rules.Parameters.ContainsKey(index) && told.Add(index))
                    faults.Warning(CheckCode.NumberMissing, place, $"the index {LawPhrase.Of(index)} has no value: until it has one, every amount counts as above it",
                        "let the currency's authority publish it before the module comes into force");
                ParameterName rate = ParameterName.RateOf(money.Currency);
                if (money.IsEquivalent && (!rules.Parameters.TryGetValue(rate, out ulong value) || value == 0) && told.Add(rate))
                    faults.Warning(CheckCode.NumberMissing, place,
                        $"{LawPhrase.Of(rate)} has no value: until it has one, an amount in any other currency counts as above what is stated",
                        "let the currency's authority publish it before the module comes into force");
            }
    }

    /// <summary>Every amount of a statement, and where it stands.</summary>
    private static IEnumerable<(LawMoney Money, TextPlace Place)> Money(LawStatement one)
    {
        foreach (LawCondition leaf in Comparisons(one))
            if (leaf is LawAmount amount)
                yield return (amount.Money, amount.Place);
            else if (leaf is LawSum sum)
                yield return (sum.Money, sum.Place);
        foreach (LawMoney? money in one.Ceilings)
            if (money is not null)
                yield return (money, one.Place);
    }

    /// <summary>Every comparison in a statement's conditions, in the order of the text.</summary>
    internal static IEnumerable<LawCondition> Comparisons(LawStatement one) =>
        Leaves(one.When).Concat(one.Needs is { } needs ? Leaves(needs) : []);

    private static IEnumerable<LawCondition> Leaves(LawCondition condition) => condition switch
    {
        LawNot not => Leaves(not.Inner),
        LawAll all => all.Children.SelectMany(Leaves),
        LawAny any => any.Children.SelectMany(Leaves),
        _ => [condition],
    };

    /// <summary>A sum counts from the day on which its module is scheduled: what was paid earlier in the first window is not in it.</summary>
    private static void CheckWindows(RuleSet rules, LawModule module, int today, CheckFaults faults)
    {
        LawModule? before = rules.Modules.FirstOrDefault(one => one.Name == module.Name);
        HashSet<LimitWindow> counted = [.. before?.Statements.SelectMany(Windows) ?? []];
        foreach (LawStatement one in module.Statements)
        {
            int day = Math.Max(module.EffectiveDay, one.FromDay ?? module.EffectiveDay);
            foreach (LimitWindow window in Windows(one).Distinct())
                if (!counted.Contains(window) && StartOf(window, day) is var start && start < Math.Min(today, day))
                    faults.Warning(CheckCode.WindowBegun, one.Place,
                        $"{one.Name} sums over a {LawPhrase.Of(window)}, and the one of its first day, {Date(day)}, began on {Date(start)}: " +
                        "what was paid before the module is scheduled is not counted",
                        "let it begin with a window, or schedule it a window earlier");
        }
    }

    private static IEnumerable<LimitWindow> Windows(LawStatement one) =>
        Comparisons(one).OfType<LawSum>().Select(static sum => sum.Window).Concat(one.Effect == LawEffect.Limit ? [one.Window] : []);

    private static int StartOf(LimitWindow window, int day) => window.Kind switch
    {
        WindowKind.Day => day,
        WindowKind.Month => Calendar.MonthStart(day),
        WindowKind.Rolling30Days => day - 29,
        _ => Calendar.YearStart(day, window.StartMonth, window.StartDay),
    };

    internal static string Date(int day)
    {
        (int year, int month, int dayOfMonth) = Calendar.Civil(day);
        return string.Create(CultureInfo.InvariantCulture, $"{year:0000}-{month:00}-{dayOfMonth:00}");
    }
}
