using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

/// <summary>
/// Rule sets and payments by chance, close to each other: few countries, currencies and amounts, so that statements, exceptions and treaties meet, and
/// payments on, under and above what they say. What the contract allows is generated, also what no lawyer would write.
/// </summary>
internal sealed class LawGenerator(Random random)
{
    public const int FirstDay = 20_454;

    /// <summary>The last two are named by nothing.</summary>
    private static readonly ushort[] s_countries = [840, 276, 356, 408, 826, 76, 4];

    private const int CountriesNamed = 5;

    /// <summary>USD, EUR, JPY (scale 0), INR; the last, GBP, is named by no amount but has a rate now and then.</summary>
    private static readonly ushort[] s_currencies = [840, 978, 392, 356, 826];

    private const int CurrenciesNamed = 4;

    private static readonly LimitWindow[] s_windows =
        [LimitWindow.Day, LimitWindow.Month, LimitWindow.Rolling30Days, LimitWindow.YearFrom(1, 1), LimitWindow.YearFrom(4, 6)];

    private static readonly TextPlace s_place = new(1, 1, 0);
    private static readonly Citation s_source = new("generated", IsIllustrative: true);

    /// <summary>What was generated, by name: for the tests to assert that nothing is never tried.</summary>
    public HashSet<string> Seen { get; } = [];

    public static IReadOnlyList<LimitWindow> Windows => s_windows;

    public RuleSet RuleSet()
    {
        string[] names = ["de", "fatf", "in", "us"];
        LawModule[] modules = [.. names.Where(_ => random.Next(3) > 0).DefaultIfEmpty("us").Select(Module)];
        List<BoundTreaty> treaties = [];
        foreach (string name in (string[])["a_treaty", "in_us"])
            if (random.Next(2) == 0)
                treaties.Add(Treaty(name, modules));
        Dictionary<ParameterName, ulong> parameters = [];
        foreach (ushort currency in s_currencies)
            if (random.Next(3) > 0)
                parameters[ParameterName.RateOf(currency)] = random.Next(8) == 0 ? 0 : (ulong)random.Next(1, 40) * 100_000_000;
        if (random.Next(2) == 0)
            parameters[new ParameterName(840, "cpi")] = (ulong)random.Next(5, 30) * 100_000_000;
        bool fine = random.Next(2) == 0;
        return new RuleSet(modules, treaties, parameters, currency => currency switch { 392 => 0, 978 when fine => 3, 60_000 => 0, _ => 2 });
    }

    public LawModule Module(string name)
    {
        Jurisdiction jurisdiction = name switch
        {
            "fatf" => Jurisdiction.World,
            "de" => new Jurisdiction(false, [276], [978]),
            "in" => new Jurisdiction(false, [356], [356]),
            _ => new Jurisdiction(false, [840], random.Next(2) == 0 ? [] : [840]),
        };
        Seen.Add(jurisdiction.IsWorld ? "world" : "countries");
        List<LawStatement> statements = [];
        int count = random.Next(1, 5);
        for (int i = 0; i < count; i++)
        {
            LawStatement plain = Statement($"{name}.s{i}", Effect(1));
            statements.Add(plain);
            for (int k = random.Next(3) == 0 ? random.Next(1, 4) : 0; k > 0; k--)
                statements.Insert(random.Next(statements.Count + 1),
                    Statement($"{name}.s{i}.e{k}", Effect(0)) with { Targets = [plain.Name], Layer = random.Next(1, 4) });
        }
        return Wrap(name, jurisdiction, statements) with
        {
            EffectiveDay = random.Next(5) == 0 ? FirstDay + 3 : FirstDay - 30,
            UntilDay = random.Next(5) == 0 ? FirstDay + 6 : null,
        };
    }

    private BoundTreaty Treaty(string name, LawModule[] modules)
    {
        string[] targets = [.. modules.SelectMany(module => module.Statements).Where(one => !one.IsException).Select(one => one.Name)];
        List<LawStatement> statements = [];
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            LawStatement one = Statement($"{name}.t{i}", Effect(random.Next(4) == 0 ? 1 : 0));
            bool plain = random.Next(5) == 0 && one.Effect != LawEffect.Allow;
            statements.Add(plain ? one : one with
            {
                Targets = [.. targets.OrderBy(_ => random.Next()).Take(random.Next(1, 4))],
                Layer = random.Next(1, 3),
            });
            Seen.Add(plain ? "treaty's own statement" : statements[^1].Targets.Count > 1 ? "several targets" : "treaty's exception");
        }
        string[] between = [.. modules.Select(module => module.Name)];
        return new BoundTreaty(
            Wrap(name, Jurisdiction.None, statements) with { Between = between.Length > 1 ? between : [between[0], "zz"] },
            [.. between.Where(_ => random.Next(4) > 0)]);
    }

    private static LawModule Wrap(string name, Jurisdiction jurisdiction, IReadOnlyList<LawStatement> statements) => new()
    {
        Name = name,
        Version = 1,
        EffectiveDay = FirstDay - 30,
        Authority = "generated",
        Jurisdiction = jurisdiction,
        Statements = statements,
        Text = "",
        Hash = default,
    };

    private LawEffect Effect(int lowest)
    {
        LawEffect effect = (LawEffect)random.Next(lowest, 5);
        Seen.Add(lowest == 0 ? $"exception {effect}" : effect.ToString());
        return effect;
    }

    private LawStatement Statement(string name, LawEffect effect)
    {
        LawWindowAndCeilings limit = effect == LawEffect.Limit ? Limit() : default;
        return new LawStatement
        {
            Name = name,
            Effect = effect,
            When = Condition(random.Next(1, 4)),
            Needs = effect == LawEffect.Require ? Condition(random.Next(1, 3)) : null,
            Window = limit.Window,
            Ceilings = limit.Ceilings ?? [],
            Adaptations = limit.Adaptations ?? [],
            HoldNs = effect == LawEffect.Review ? Limits.NsPerDay * (ulong)random.Next(1, 4) : 0,
            Citation = s_source,
            FromDay = random.Next(10) == 0 ? FirstDay + random.Next(6) : null,
            UntilDay = random.Next(10) == 0 ? FirstDay + random.Next(8) : null,
            Place = s_place,
        };
    }

    private readonly record struct LawWindowAndCeilings(LimitWindow Window, IReadOnlyList<LawMoney?> Ceilings, IReadOnlyList<Adaptation> Adaptations);

    private LawWindowAndCeilings Limit()
    {
        LawMoney one = Money();
        bool tiers = random.Next(2) == 0;
        LawMoney?[] ceilings = [.. Enumerable.Range(0, 4).Select(_ => !tiers ? one : random.Next(4) == 0 ? null
            : random.Next(6) == 0 ? Money() : one with { Mantissa = Money().Mantissa })];
        List<Adaptation> adaptations = [];
        for (int i = random.Next(3) == 0 ? random.Next(1, 3) : 0; i > 0; i--)
        {
            int percent = random.Next(4) == 0 ? 0 : random.Next(1, 300);
            Seen.Add(percent == 0 ? "exempt" : "percent");
            adaptations.Add(new Adaptation($"c{i}", Some(RuleField.Source), percent));
        }
        Seen.Add(tiers ? "tiers" : "one ceiling");
        return new LawWindowAndCeilings(s_windows[random.Next(s_windows.Length)], ceilings, adaptations);
    }

    public LawCondition Condition(int depth)
    {
        if (depth <= 1)
            return Leaf();
        switch (random.Next(6))
        {
            case 0:
                Seen.Add("not");
                return new LawNot(Condition(depth - 1), s_place);
            case 1 or 2 or 3:
                Seen.Add("all");
                return new LawAll([.. Enumerable.Range(0, random.Next(2, 4)).Select(_ => Condition(depth - 1))], s_place);
            default:
                Seen.Add("any");
                return new LawAny([.. Enumerable.Range(0, random.Next(2, 4)).Select(_ => Condition(depth - 1))], s_place);
        }
    }

    private LawCondition Leaf()
    {
        int kind = random.Next(24);
        if (kind == 0)
        {
            Seen.Add("always");
            return new LawAlways(s_place);
        }
        if (kind < 7)
        {
            RuleOperator op = (RuleOperator)random.Next(1, 7);
            Seen.Add($"amount {op}");
            return new LawAmount(op, Money(), s_place);
        }
        if (kind < 9)
        {
            RuleOperator op = random.Next(2) == 0 ? RuleOperator.More : RuleOperator.AtLeast;
            LimitWindow window = s_windows[random.Next(s_windows.Length)];
            Seen.Add($"sum {op}");
            Seen.Add($"window {window}");
            return new LawSum(window, op, Money(), s_place);
        }
        RuleField field = (RuleField)random.Next(1, random.Next(3) == 0 ? 11 : 6);
        if (random.Next(3) == 0)
        {
            Seen.Add($"{field} list");
            return new LawIn(field, Some(field), random.Next(2) == 0 ? "list" : null, s_place);
        }
        RuleOperator compare = (RuleOperator)random.Next(1, field is RuleField.Tier or RuleField.Level ? 7 : 3);
        Seen.Add($"{field} {compare}");
        return new LawField(field, compare, Constant(field), s_place);
    }

    private ushort[] Some(RuleField field) => [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => Constant(field)).Distinct().Order()];

    private ushort Constant(RuleField field) => field switch
    {
        RuleField.Source or RuleField.Destination or RuleField.Owner => s_countries[random.Next(CountriesNamed)],
        RuleField.Currency => s_currencies[random.Next(CurrenciesNamed)],
        RuleField.Tier => (ushort)random.Next(4),
        RuleField.Purpose => (ushort)random.Next(4),
        RuleField.Level => (ushort)(random.Next(4) * 85),
        RuleField.Instruction => (ushort)random.Next(1, 9),
        _ => (ushort)random.Next(6),
    };

    /// <summary>Few and small amounts, some of them between smallest units, one beyond 64 bits.</summary>
    private LawMoney Money()
    {
        bool equivalent = random.Next(4) == 0, indexed = random.Next(6) == 0;
        if (equivalent)
            Seen.Add("equiv");
        if (indexed)
            Seen.Add("indexed");
        (UInt128 mantissa, byte decimals) = random.Next(12) switch
        {
            0 => (UInt128.Zero, (byte)0),
            1 => ((UInt128)ulong.MaxValue * 10_000, (byte)random.Next(3)),
            2 => ((UInt128)ulong.MaxValue, (byte)2),
            3 => ((UInt128)1_005, (byte)3),
            _ => ((UInt128)random.Next(1, 12), (byte)random.Next(2)),
        };
        return new LawMoney(s_currencies[random.Next(CurrenciesNamed)], mantissa, decimals, equivalent,
            indexed ? new ParameterName(840, random.Next(4) == 0 ? "wages" : "cpi") : null);
    }

    /// <summary>A payment, mostly on, right under or right above an amount that the rule set states; and what its payer paid before, as near to one with it.</summary>
    public (RuleFacts Facts, Dictionary<LimitWindow, ulong> Spent) Payment(RuleSet rules, IReadOnlyList<LawMoney> stated)
    {
        RuleFacts facts = new(
            s_countries[random.Next(s_countries.Length)], s_countries[random.Next(s_countries.Length)], s_currencies[random.Next(s_currencies.Length)],
            1, (byte)random.Next(4), (byte)random.Next((int)Purpose.Last + 1), (byte)Math.Max(random.Next(4) * 85 - random.Next(2), 0), Instruction(),
            (byte)random.Next(6), (byte)random.Next(6));
        LawEvaluation evaluation = new(rules, LawCase.First(facts));
        ulong[] near = [.. stated.Where(evaluation.IsAbout).Select(evaluation.NumberOf).Where(number => number is not null)
            .SelectMany(number => Enumerable.Range(-1, 3).Select(step => number!.Value.Numerator / number.Value.Denominator + step))
            .Where(units => units >= 1 && units <= ulong.MaxValue).Select(units => (ulong)units).Distinct()];
        ulong Near() => near.Length == 0 || random.Next(4) == 0 ? Units() : near[random.Next(near.Length)];
        ulong amount = Near();
        return (facts with { Amount = amount }, s_windows.ToDictionary(window => window, ulong (_) => random.Next(3) switch
        {
            0 => 0,
            1 => Near(),
            _ => Near() is var total && total > amount ? total - amount : 0,
        }));
    }

    /// <summary>One of several; null: there is none.</summary>
    public T? Some<T>(IReadOnlyList<T> several) where T : class => several.Count == 0 ? null : several[random.Next(several.Count)];

    /// <summary>Every amount of a rule set.</summary>
    public static IReadOnlyList<LawMoney> Stated(RuleSet rules) => [.. rules.Modules.Concat(rules.Treaties.Select(one => one.Treaty))
        .SelectMany(module => module.Statements).SelectMany(one => one.Ceilings.OfType<LawMoney>().Concat(ModuleCheck.Comparisons(one).Select(leaf =>
            (leaf as LawAmount)?.Money ?? (leaf as LawSum)?.Money).OfType<LawMoney>())).Distinct()];

    private byte Instruction() =>
        (byte)(random.Next(5) switch { 0 => Engine.Domain.Instruction.Capture, 1 => Engine.Domain.Instruction.Refund, _ => (Instruction)random.Next(1, 4) });

    /// <summary>In smallest units: of the order of the generated amounts at scales 0 to 3, and the very large.</summary>
    private ulong Units() => random.Next(8) switch
    {
        0 => ulong.MaxValue - (ulong)random.Next(2),
        1 => ulong.MaxValue / 100 + (ulong)random.Next(2),
        < 5 => (ulong)random.Next(1, 130),
        _ => (ulong)random.Next(1, 2_000),
    };
}
