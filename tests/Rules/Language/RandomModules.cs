using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

/// <summary>Modules and treaties that mean anything that the language can say, without text and places.</summary>
internal sealed class RandomModules(Random random)
{
    private static readonly ushort[] s_countries = [840, 276, 250, 826, 356, 156, 392, 76, 566, 192, 364, 408, 104, 756, 8, 36, 764, 578];
    private static readonly ushort[] s_currencies = [840, 978, 826, 392, 756, 356, 414, 8];

    /// <summary>Words of the language among them: a name may be one, because where it stands tells it apart.</summary>
    private static readonly string[] s_names = ["us", "in", "no", "is", "fatf", "a", "to", "eu_27", "x9", "treaties", "day"];

    private static readonly string[] s_texts = ["31 CFR 1010.410(f)", "\"quoted\" and \\ escaped", "# no comment", "第三条", "Lei nº 14.286, § 2", "x", "a => b { } , ( )", "😀"];

    private static readonly LimitWindow[] s_windows =
        [LimitWindow.Day, LimitWindow.Month, LimitWindow.Rolling30Days, LimitWindow.YearFrom(4, 1), LimitWindow.YearFrom(1, 1), LimitWindow.YearFrom(12, 31)];

    private string _module = "";
    private int _effective;
    private int? _until;
    private List<LawList> _lists = [];

    public LawModule Next()
    {
        bool isTreaty = random.Next(4) == 0;
        _module = Pick(s_names);
        _effective = random.Next(18_000, 22_000);
        _until = Half() ? _effective + random.Next(1, 4_000) : null;
        _lists = [.. Enumerable.Range(0, random.Next(5)).Select(List)];
        string[] between = isTreaty ? [.. s_names.Where(name => name != _module).OrderBy(_ => random.Next()).Take(random.Next(2, 5)).Order(StringComparer.Ordinal)] : [];
        List<LawStatement> statements = isTreaty
            ? [.. Enumerable.Range(0, random.Next(1, 5)).Select(at => Exception(at, [.. Enumerable.Range(0, random.Next(1, 4)).Select(target => $"{Pick(between)}.s{target}").Distinct()]))]
            : Statements();
        return new LawModule
        {
            Name = _module,
            Version = Half() ? (uint)random.Next(1, 5) : uint.MaxValue,
            EffectiveDay = _effective,
            UntilDay = _until,
            Authority = Pick(s_texts),
            Jurisdiction = isTreaty ? Jurisdiction.None : Scope(),
            Between = between,
            Lists = _lists,
            Statements = statements,
            Tests = [.. Enumerable.Range(0, random.Next(5)).Select(at => Test(at, statements))],
            Text = "",
            Hash = default,
        };
    }

    private bool Half() => random.Next(2) == 0;

    private T Pick<T>(IReadOnlyList<T> values) => values[random.Next(values.Count)];

    private Citation Source() => new(Pick(s_texts), Half());

    private Jurisdiction Scope()
    {
        if (random.Next(4) == 0)
            return Jurisdiction.World;
        LawList? list = _lists.Find(other => other.Field == RuleField.Source);
        IReadOnlyList<ushort> countries = list is not null && Half() ? list.Values : Some(s_countries, 4);
        IReadOnlyList<ushort> currencies = Half() ? Some(s_currencies, 3) : OwnedBy(countries);
        return new Jurisdiction(false, countries, currencies);
    }

    public static ushort[] OwnedBy(IReadOnlyList<ushort> countries) =>
        [.. Iso4217.Numbers.ToArray().Where(currency => countries.Contains(Iso4217.OwnerCountry(currency))).Order()];

    private ushort[] Some(ushort[] values, int most) => [.. values.OrderBy(_ => random.Next()).Take(random.Next(1, most + 1)).Order()];

    private LawList List(int at)
    {
        bool isClass = random.Next(3) == 0;
        RuleField field = isClass ? RuleField.Source : Pick([RuleField.Source, RuleField.Currency, RuleField.Purpose]);
        return new LawList($"l{at}", isClass, field, ValuesOf(field), Source(), default);
    }

    private ushort[] ValuesOf(RuleField field) => field switch
    {
        RuleField.Source or RuleField.Destination or RuleField.Owner => Some(s_countries, 6),
        RuleField.Currency => Some(s_currencies, 4),
        RuleField.Tier => Some([0, 1, 2, 3], 3),
        RuleField.Level => Some([0, 1, 100, 255], 3),
        RuleField.Purpose => Some([.. Enumerable.Range(0, (int)Purpose.Last + 1).Select(value => (ushort)value)], 4),
        RuleField.Instruction => Some([.. Enumerable.Range(1, 8).Select(value => (ushort)value)], 4),
        _ => Some([.. Enumerable.Range(0, (int)PartyKind.Last + 1).Select(value => (ushort)value)], 3),
    };

    private List<LawStatement> Statements()
    {
        List<LawStatement> statements = [];
        int count = random.Next(6);
        for (int at = 0; at < count; at++)
            statements.Add(Statement($"{_module}.s{at}", Pick([LawEffect.Deny, LawEffect.Require, LawEffect.Limit, LawEffect.Review])));
        for (int at = 0; at < count; at++)
            statements.Insert(random.Next(statements.Count + 1), Exception(at, [$"{_module}.s{random.Next(count)}"]));
        return statements;
    }

    private LawStatement Exception(int at, string[] targets) => Statement($"{_module}.except.{at}_{at}", (LawEffect)random.Next(5)) with
    {
        Targets = targets,
        Layer = Half() ? 1 : random.Next(1, LanguageBounds.LayerMax + 1),
    };

    private LawStatement Statement(string name, LawEffect effect)
    {
        LawList[] classes = [.. _lists.Where(list => list.IsClass)];
        int last = (_until ?? _effective + 2_000) - 1;
        int? from = Half() ? random.Next(_effective, last + 1) : null;
        return new LawStatement
        {
            Name = name,
            Effect = effect,
            When = Half() ? new LawAlways(default) : Condition(3),
            Needs = effect == LawEffect.Require ? Condition(2) : null,
            Window = effect == LawEffect.Limit ? Pick(s_windows) : default,
            Ceilings = effect == LawEffect.Limit ? Ceilings() : [],
            Adaptations = effect == LawEffect.Limit
                ? [.. classes.OrderBy(_ => random.Next()).Take(random.Next(3)).Select(list => new Adaptation(list.Name, list.Values, Half() ? 0 : random.Next(1, 1_001)))] : [],
            HoldNs = effect != LawEffect.Review ? 0 : Half() ? 3 * Limits.NsPerDay : (ulong)(random.Next(4) == 0 ? 1 : random.Next(1, 200)) * (Half() ? Limits.NsPerDay : Limits.NsPerHour),
            Citation = Source(),
            FromDay = from,
            UntilDay = random.Next(3) == 0 ? (from ?? _effective) + random.Next(1, 1_000) : null,
            Place = default,
        };
    }

    private LawMoney?[] Ceilings()
    {
        if (Half())
            return [.. Enumerable.Repeat(Money(), 4)];
        LawMoney?[] ceilings = [.. Enumerable.Range(0, 4).Select(_ => Half() ? Money() : null)];
        ceilings[random.Next(4)] ??= Money();
        return ceilings;
    }

    /// <summary>A condition of at most so many levels of and, or, not.</summary>
    public LawCondition Condition(int levels) => (levels == 0 ? 0 : random.Next(6)) switch
    {
        3 => new LawNot(Condition(levels - 1), default),
        4 => new LawAll([.. Enumerable.Range(0, random.Next(2, 5)).Select(_ => Condition(levels - 1))], default),
        5 => new LawAny([.. Enumerable.Range(0, random.Next(2, 5)).Select(_ => Condition(levels - 1))], default),
        _ => Leaf(),
    };

    private LawCondition Leaf()
    {
        var field = (RuleField)random.Next(1, 11);
        bool hasOrder = field is RuleField.Tier or RuleField.Level;
        return random.Next(5) switch
        {
            0 => new LawAmount((RuleOperator)random.Next(1, 7), Money(), default),
            1 => new LawSum(Pick(s_windows), Half() ? RuleOperator.More : RuleOperator.AtLeast, Money(), default),
            2 => new LawIn(field, ValuesOf(field), null, default),
            3 when _lists.Count > 0 => In(Pick(_lists)),
            _ => new LawField(field, (RuleOperator)random.Next(1, hasOrder ? 7 : 3), ValuesOf(field)[0], default),
        };
    }

    private LawIn In(LawList list)
    {
        RuleField field = list.Field == RuleField.Source ? Pick([RuleField.Source, RuleField.Destination, RuleField.Owner]) : list.Field;
        return new LawIn(field, list.Values, list.Name, default);
    }

    private LawMoney Money() => Plain(Pick(s_currencies)) with
    {
        IsEquivalent = random.Next(4) == 0,
        Index = random.Next(4) == 0 ? new ParameterName(Pick(s_currencies), Pick(["cpi", "wage_index_2026x", "a"])) : null,
    };

    private LawMoney Plain(ushort currency)
    {
        byte decimals = (byte)Pick([0, 0, 2, 3, 18]);
        UInt128 mantissa = random.Next(6) == 0 ? UInt128.Parse(new string('9', 28), null) : (UInt128)random.NextInt64(1, 1L << random.Next(2, 60));
        return new LawMoney(currency, mantissa, decimals, false, null);
    }

    private LawTest Test(int at, List<LawStatement> statements)
    {
        LawMoney amount = Plain(Pick(s_currencies));
        LawStatement[] refusing = [.. statements.Where(statement => statement.Effect is LawEffect.Deny or LawEffect.Require or LawEffect.Limit)];
        LawStatement[] reviewing = [.. statements.Where(statement => statement.Effect == LawEffect.Review)];
        LawAnswer answer = Pick([LawAnswer.Yes, refusing.Length > 0 ? LawAnswer.No : LawAnswer.Yes, reviewing.Length > 0 ? LawAnswer.Review : LawAnswer.Yes]);
        return new LawTest
        {
            Name = $"{at} {Pick(s_texts)}",
            Facts = new RuleFacts(Pick(s_countries), Pick(s_countries), amount.Currency, 0, (byte)random.Next(4), (byte)random.Next(10), (byte)Pick([0, 0, 9, 255]),
                (byte)(Half() ? 2 : random.Next(1, 9)), (byte)random.Next(6), (byte)random.Next(6)),
            Amount = amount,
            Spent = [.. s_windows.Where(_ => random.Next(6) == 0).Select(window => (window, Plain(amount.Currency)))],
            Parameters = [.. s_currencies.Where(_ => random.Next(6) == 0).Select(currency => (new ParameterName(currency, Pick(["rate", "cpi"])), Half() ? ulong.MaxValue : (ulong)random.NextInt64(1, 1L << 50)))],
            Day = Half() ? random.Next(_effective, _until ?? _effective + 5_000) : null,
            Expected = answer,
            ExpectedStatement = answer switch { LawAnswer.No => Pick(refusing).Name, LawAnswer.Review => Pick(reviewing).Name, _ => null },
            Place = default,
        };
    }
}
