using Settlement.Engine.Domain;
using Settlement.Engine.Rules;

namespace Settlement.Tests.Rules;

/// <summary>Tables and payments by chance, close to each other: few countries, and amounts on, under and above the
/// constants.</summary>
internal sealed class RandomRules(Random random)
{
    /// <summary>The last two are named by no rule.</summary>
    public static readonly ushort[] Countries = [840, 276, 826, 392, 756, 192, 364, 408, 4, 999, 36, 5000];

    public static readonly ushort[] Currencies = [840, 978, 392, 756, 999, 36, 60000];

    public static readonly ulong[] Amounts = [1, 2, 100, 255, 1_000, 300_000, 1UL << 32, 1UL << 63, ulong.MaxValue - 1,
        ulong.MaxValue];

    private static readonly LimitWindow[] Windows =
    [
        LimitWindow.Day, LimitWindow.Month, LimitWindow.Rolling30Days,
        LimitWindow.YearFrom(1, 1), LimitWindow.YearFrom(4, 6), LimitWindow.YearFrom(3, 1), LimitWindow.YearFrom(12, 31),
        LimitWindow.YearFrom(7, 1),
    ];

    private const int NamedCountries = 10;
    private const int NamedCurrencies = 5;

    /// <summary>What was generated, by name: for the tests to assert that nothing is never tried.</summary>
    public HashSet<string> Seen { get; } = [];

    /// <summary>Not what ISO says: some owners own two currencies, one currency has none.</summary>
    public static ushort OwnerOf(ushort currency) => currency switch
    {
        840 => 840,
        978 => 276,
        392 => 392,
        756 => 276,
        _ => 0,
    };

    public RuleTable Table(int rulesMax)
    {
        RuleTableBuilder builder = new();
        // As many years as a plan can count, and the other windows.
        LimitWindow[] windows = [.. Windows.Take(3), .. Windows.Skip(3).OrderBy(_ => random.Next())
            .Take(RuleBounds.YearStartsMax)];
        HashSet<ushort> ids = [];
        int count = random.Next(1, rulesMax + 1);
        while (ids.Count < count)
        {
            ushort id = (ushort)(random.Next(3) == 0 ? random.Next(1, 65_536) : random.Next(1, 4 * rulesMax));
            if (!ids.Add(id))
                continue;
            string name = $"rule.{id}" + (random.Next(4) == 0 ? " – ß" : "");
            LimitWindow window = windows[random.Next(windows.Length)];
            ulong holdNs = (ulong)random.NextInt64(1, (long)RuleBounds.ReviewHoldNsMax + 1);
            switch (random.Next(6))
            {
                case 0:
                    builder.Require(id, name, Condition(random.Next(1, 3)), Condition(random.Next(1, 4)));
                    break;
                case 1:
                    builder.Limit(id, name, window, Currencies[random.Next(NamedCurrencies)], Ceilings(),
                        Condition(random.Next(1, 4)));
                    Seen.Add(window.Kind.ToString());
                    break;
                case 2:
                    builder.ReviewLimit(id, name, holdNs, window, Currencies[random.Next(NamedCurrencies)], Ceilings(),
                        Condition(random.Next(1, 4)));
                    Seen.Add($"review {window.Kind}");
                    break;
                case 3:
                    builder.Review(id, name, holdNs, Condition(random.Next(1, 4)));
                    break;
                default:
                    builder.Deny(id, name, Condition(random.Next(1, 5)));
                    break;
            }
        }
        return builder.Build();
    }

    private TierCeilings Ceilings() =>
        random.Next(2) == 0 ? TierCeilings.Same(Amount()) : TierCeilings.Of(Amount(), Amount(), Amount(), TierCeilings.None);

    public ulong Amount()
    {
        ulong amount = Amounts[random.Next(Amounts.Length)];
        return random.Next(3) switch
        {
            0 => Math.Max(amount - 1, 1),
            1 => amount,
            _ => amount == ulong.MaxValue ? amount : amount + 1,
        };
    }

    public Condition Condition(int depth)
    {
        if (depth <= 1)
            return Leaf();
        Condition[] children = new Condition[random.Next(2, 5)];
        switch (random.Next(5))
        {
            case 0:
                Seen.Add("not");
                return Condition(depth - 1).Not();
            case 1 or 2:
                Seen.Add("all");
                for (int i = 0; i < children.Length; i++)
                    children[i] = Condition(depth - 1);
                return new AllCondition(children);
            case 3:
                Seen.Add("any");
                for (int i = 0; i < children.Length; i++)
                    children[i] = Condition(depth - 1);
                return new AnyCondition(children);
            default:
                return Leaf();
        }
    }

    private Condition Leaf()
    {
        int kind = random.Next(20);
        if (kind == 0)
        {
            Seen.Add("always");
            return When.Always;
        }
        if (kind < 7)
        {
            RuleOperator op = (RuleOperator)random.Next(1, 7);
            Seen.Add($"amount {op}");
            return When.Amount(op, Currencies[random.Next(NamedCurrencies)], random.Next(20) == 0 ? 0 : Amount());
        }
        // Fields of a corridor more often than the rest, so that rows and program both get their share.
        RuleField field = (RuleField)random.Next(1, random.Next(3) == 0 ? 11 : 6);
        if (random.Next(3) == 0)
        {
            Seen.Add($"{field} list");
            return new ListCondition(field, [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Constant(field)).Distinct()]);
        }
        RuleOperator compare = (RuleOperator)random.Next(1, field is RuleField.Tier or RuleField.Level ? 7 : 3);
        Seen.Add($"{field} {compare}");
        return new FieldCondition(field, compare, Constant(field));
    }

    private ushort Constant(RuleField field) => field switch
    {
        RuleField.Source or RuleField.Destination => Countries[random.Next(NamedCountries)],
        RuleField.Owner => random.Next(2) == 0 ? (ushort)276 : Countries[random.Next(NamedCountries)],
        RuleField.Currency => Currencies[random.Next(NamedCurrencies)],
        RuleField.Tier => (ushort)random.Next(4),
        RuleField.Purpose => (ushort)random.Next((int)Purpose.Last + 1),
        RuleField.PayerKind or RuleField.PayeeKind => (ushort)random.Next((int)PartyKind.Last + 1),
        RuleField.Level => (ushort)(random.Next(5) * 64 is var level && level > 255 ? 255 : level),
        _ => (ushort)random.Next(1, 9),
    };

    public RuleFacts Facts() => new(
        Countries[random.Next(Countries.Length)], Countries[random.Next(Countries.Length)],
        Currencies[random.Next(Currencies.Length)],
        Amount(), (byte)random.Next(4), (byte)random.Next((int)Purpose.Last + 1),
        (byte)(random.Next(2) == 0 ? random.Next(256) : random.Next(5) * 64 - 1 & 255), (byte)random.Next(1, 9),
        (byte)random.Next((int)PartyKind.Last + 1), (byte)random.Next((int)PartyKind.Last + 1));
}

/// <summary>Payments as columns, and the columns that a plan writes.</summary>
internal sealed class RuleChunk(RuleFacts[] facts)
{
    private readonly ushort[] _source = [.. facts.Select(one => one.Source)];
    private readonly ushort[] _destination = [.. facts.Select(one => one.Destination)];
    private readonly ushort[] _currency = [.. facts.Select(one => one.Currency)];
    private readonly ulong[] _amount = [.. facts.Select(one => one.Amount)];
    private readonly byte[] _tier = [.. facts.Select(one => one.Tier)];
    private readonly byte[] _purpose = [.. facts.Select(one => one.Purpose)];
    private readonly byte[] _level = [.. facts.Select(one => one.Level)];
    private readonly byte[] _instruction = [.. facts.Select(one => one.Instruction)];

    private readonly byte[] _payerKind = [.. facts.Select(one => one.PayerKind)];
    private readonly byte[] _payeeKind = [.. facts.Select(one => one.PayeeKind)];

    public RuleFacts[] Facts => facts;

    public ushort[] DeniedBy { get; } = [.. facts.Select(_ => (ushort)0xDEAD)];

    public ushort[] ReviewedBy { get; } = [.. facts.Select(_ => (ushort)0xDEAD)];

    public uint[] Limits { get; } = [.. facts.Select(_ => 0xDEAD_BEEFu)];

    public ulong[] LimitMask { get; } = [.. facts.Select(_ => 0xDEAD_BEEFul)];

    public RuleColumns Columns => new()
    {
        Source = _source,
        Destination = _destination,
        Currency = _currency,
        Amount = _amount,
        Tier = _tier,
        Purpose = _purpose,
        Level = _level,
        Instruction = _instruction,
        PayerKind = _payerKind,
        PayeeKind = _payeeKind,
    };
}
