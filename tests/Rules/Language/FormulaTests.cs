using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

[TestFixture]
public sealed class FormulaTests
{
    private static readonly RuleField[] s_fields = [RuleField.Source, RuleField.Currency, RuleField.Tier, RuleField.Level];
    private static readonly LimitWindow[] s_windows = [LimitWindow.Day, LimitWindow.Month];

    /// <summary>What a formula is asked about: values of the four fields, an amount, two totals.</summary>
    private readonly record struct Point(ushort[] Values, ulong Amount, ulong[] Totals)
    {
        public override string ToString() => $"{string.Join(',', Values)} {Amount} {string.Join(',', Totals)}";
    }

    [Test]
    public void What_is_made_small_means_what_was_written()
    {
        Random random = PrintedSeed.Create();
        int constants = 0, smaller = 0;
        for (int round = 0; round < 2_000; round++)
        {
            FormulaPool pool = new();
            // In one known currency amounts name none, and there are sums; over all currencies the other way round.
            bool known = random.Next(2) == 0;
            (Formula formula, Func<Point, bool> meaning, int size) = Tree(random, pool, known, random.Next(2, 5));
            constants += formula.IsConstant ? 1 : 0;
            smaller += SizeOf(formula) < size ? 1 : 0;
            Formula opposite = pool.Not(formula);
            ValueSet?[] within = new ValueSet?[11];
            within[(int)RuleField.Tier] = ValueSet.Of(0, 2);
            within[(int)RuleField.Currency] = ValueSet.Of(840, 978);
            Formula restricted = pool.Restrict(formula, within, 1u << (int)RuleField.Tier | 1u << (int)RuleField.Currency);
            for (int i = 0; i < 60; i++)
            {
                Point point = At(random);
                bool expected = meaning(point);
                string context = $"round {round}: {point}";
                Assert.That(Holds(formula, point), Is.EqualTo(expected), context);
                Assert.That(Holds(opposite, point), Is.EqualTo(!expected), context);
                if (point.Values[2] is 0 or 2 && point.Values[1] is 840 or 978)
                    Assert.That(Holds(restricted, point), Is.EqualTo(expected), context);
            }
        }
        TestContext.Out.WriteLine($"{constants} constant, {smaller} smaller");

        Assert.That(constants, Is.Positive);
        Assert.That(smaller, Is.GreaterThan(500));
    }

    [Test]
    public void What_is_written_as_a_condition_means_the_formula()
    {
        Random random = PrintedSeed.Create();
        for (int round = 0; round < 1_500; round++)
        {
            FormulaPool pool = new();
            bool known = random.Next(2) == 0;
            (Formula formula, _, _) = Tree(random, pool, known, random.Next(1, 4));
            formula = SumLevels.None(pool, formula);
            ConditionWriter writer = new();
            Condition condition = writer.Write(formula, known ? (ushort)840 : (ushort)0);
            Assert.That(writer.Write(formula, known ? (ushort)840 : (ushort)0), Is.SameAs(condition), "equal formulas share a condition");
            Assert.That(new RuleTableBuilder().Deny(1, "written", condition).TryBuild(out _, out string error), error);
            for (int i = 0; i < 60; i++)
            {
                Point point = At(random);
                if (known)
                    point.Values[1] = 840;
                RuleFacts facts = new(point.Values[0], 1, point.Values[1], point.Amount, (byte)point.Values[2], 0, (byte)point.Values[3], 1);
                Assert.That(condition.Holds(facts, 0), Is.EqualTo(Holds(formula, point)), () => $"round {round}: {point}\n{ConditionText.Of(condition)}");
            }
        }
    }

    [Test]
    public void Equal_formulas_are_one_object_in_whatever_order_they_are_written()
    {
        FormulaPool pool = new();
        Formula tier = pool.Values(RuleField.Tier, ValueSet.Of(1, 2)), level = pool.Values(RuleField.Level, ValueSet.Of(7));
        Formula amount = pool.AmountAtLeast(840, 500);

        Assert.Multiple(() =>
        {
            Assert.That(pool.All(tier, level, amount), Is.SameAs(pool.All(amount, pool.All(level, tier))));
            Assert.That(pool.Not(pool.All(tier, level)), Is.SameAs(pool.Any(pool.Not(level), pool.Not(tier))));
            Assert.That(pool.All(tier, pool.Any(pool.Not(tier), level)), Is.SameAs(pool.All(tier, level)));
            Assert.That(pool.All(amount, pool.Not(pool.AmountAtLeast(840, 400))), Is.SameAs(pool.False));
            Assert.That(pool.Any(amount, pool.Not(pool.AmountAtLeast(840, 501))), Is.SameAs(pool.True));
        });
    }

    /// <summary>A formula, what it was written from, and how many comparisons that had.</summary>
    private static (Formula, Func<Point, bool>, int) Tree(Random random, FormulaPool pool, bool known, int depth)
    {
        if (depth <= 1)
            return Leaf(random, pool, known);
        if (random.Next(6) == 0)
        {
            (Formula inner, Func<Point, bool> innerMeaning, int innerSize) = Tree(random, pool, known, depth - 1);
            return (pool.Not(inner), point => !innerMeaning(point), innerSize);
        }
        (Formula Formula, Func<Point, bool> Meaning, int Size)[] parts =
            [.. Enumerable.Range(0, random.Next(2, 5)).Select(_ => Tree(random, pool, known, depth - random.Next(1, 3)))];
        int size = parts.Sum(part => part.Size);
        return random.Next(2) == 0
            ? (pool.All(parts.Select(part => part.Formula)), point => parts.All(part => part.Meaning(point)), size)
            : (pool.Any(parts.Select(part => part.Formula)), point => parts.Any(part => part.Meaning(point)), size);
    }

    private static (Formula, Func<Point, bool>, int) Leaf(Random random, FormulaPool pool, bool known)
    {
        ulong threshold = (ulong)random.Next(0, 6);
        switch (random.Next(4))
        {
            case 0 when known:
                int window = random.Next(2);
                return (pool.SumAbove(s_windows[window], threshold), point => point.Totals[window] > threshold, 1);
            case 0 or 1 when !known:
                ushort currency = Currency(random);
                return (pool.AmountAtLeast(currency, threshold), point => point.Values[1] == currency && point.Amount >= threshold, 1);
            case 1:
                return (pool.AmountAtLeast(0, threshold), point => point.Amount >= threshold, 1);
            default:
                int at = random.Next(known ? 3 : 4);
                RuleField field = known && at == 1 ? RuleField.Level : s_fields[at];
                int index = Array.IndexOf(s_fields, field);
                ValueSet values = ValueSet.Of([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Value(random, field)).Distinct()]);
                bool negated = random.Next(2) == 0;
                Formula leaf = pool.Values(field, values);
                return (negated ? pool.Not(leaf) : leaf, point => values.Contains(point.Values[index]) != negated, 1);
        }
    }

    private static ushort Currency(Random random) => ((ushort[])[840, 978, 392])[random.Next(3)];

    private static ushort Value(Random random, RuleField field) => field switch
    {
        RuleField.Source => (ushort)random.Next(1, 5),
        RuleField.Currency => Currency(random),
        RuleField.Tier => (ushort)random.Next(4),
        _ => (ushort)random.Next(5),
    };

    private static Point At(Random random) => new(
        [(ushort)(random.Next(8) == 0 ? 5_000 : random.Next(1, 6)), random.Next(6) == 0 ? (ushort)826 : Currency(random), (ushort)random.Next(4), (ushort)random.Next(6)],
        (ulong)random.Next(1, 7), [(ulong)random.Next(1, 7), (ulong)random.Next(1, 7)]);

    private static bool Holds(Formula formula, Point point) => formula.Kind switch
    {
        FormulaKind.Values => formula.Values.Contains(point.Values[Array.IndexOf(s_fields, formula.Field)]),
        FormulaKind.Amount => ((formula.Currency == 0 || point.Values[1] == formula.Currency) && point.Amount >= formula.Threshold) != formula.IsNegated,
        FormulaKind.Sum => (point.Totals[Array.IndexOf(s_windows, formula.Window)] > formula.Threshold) != formula.IsNegated,
        FormulaKind.All => formula.Children.All(child => Holds(child, point)),
        FormulaKind.Any => formula.Children.Any(child => Holds(child, point)),
        _ => formula.Kind == FormulaKind.True,
    };

    private static int SizeOf(Formula formula) => formula.Children.Length == 0 ? 1 : formula.Children.Sum(SizeOf);
}
