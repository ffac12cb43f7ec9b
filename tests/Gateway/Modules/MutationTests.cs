using System.Numerics;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules;
using Settlement.Gateway.Modules.Check;
using Settlement.Gateway.Modules.Diff;
using Settlement.Gateway.Modules.Smt;

namespace Settlement.Tests.Gateway.Modules;

/// <summary>
/// Each threshold of each module that ships, one smallest unit higher and lower, and each `>` for `>=` and `&lt;` for `&lt;=` and the other way round: `rules diff` finds it, with
/// a payment that both interpreters confirm; and where there is no solver, the module's own tests must.
/// </summary>
[TestFixture, Parallelizable]
public sealed class MutationTests
{
    private sealed record Mutant(string What, LawModule Module);

    private static IEnumerable<string> Shipped() => Directory.EnumerateFiles(Repository.PathOf("gateway", "rules"), "*.rules").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Shipped))]
    public void Every_threshold_that_is_moved_is_caught(string name)
    {
        Z3Library? library = Z3Library.Installed;
        RuleFiles files = RuleFiles.Read([Repository.PathOf("gateway", "rules")]);
        LawModule module = files.Newest.Single(one => one.Name == name);
        // A treaty's statements mean something beside those of its modules only.
        LawModule[] beside = [.. files.Newest.Where(one => module.Between.Contains(one.Name))];
        RuleSet all = RuleParameters.None.RuleSetOf([.. beside, module]);
        int mutants = 0, byTests = 0, byDiff = 0;
        foreach (Mutant mutant in Mutants(module))
        {
            bool caught = FailsItsTests(all, mutant.Module);
            byTests += caught ? 1 : 0;
            mutants++;
            if (library is not null)
            {
                IReadOnlyList<ParameterName> missing = RuleParameters.None.Missing([.. beside, module, mutant.Module]);
                DiffResult diff = RuleSetDiff.Compare(
                    RuleParameters.None.RuleSetOf([.. beside, module], missing), RuleParameters.None.RuleSetOf([.. beside, mutant.Module], missing), library, SolverCheck.Budget(120), null);
                Assert.That(diff.Ways, Is.Not.Empty, $"{mutant.What}: rules diff finds no payment that is treated differently");
                Assert.That(diff.IsProven, $"{mutant.What}: rules diff does not know whether there are other ways");
                byDiff++;
            }
            else
                Assert.That(caught, $"{mutant.What}: the module's tests do not catch it, and there is no solver");
        }
        TestContext.Out.WriteLine($"{name}: {mutants} mutants, {byTests} caught by the module's tests, {byDiff} found by rules diff");
        Assert.That(mutants, Is.GreaterThan(0));
    }

    private static bool FailsItsTests(RuleSet all, LawModule mutant)
    {
        CheckFaults faults = new();
        TestRuns.Of(ModuleCheck.With(all, mutant), mutant, faults);
        return faults.InOrder().Any(fault => fault.Code == CheckCode.TestFails);
    }

    private static IEnumerable<Mutant> Mutants(LawModule module)
    {
        for (int at = 0; at < module.Statements.Count; at++)
        {
            LawStatement statement = module.Statements[at];
            foreach ((string what, LawStatement changed) in Mutants(statement))
                yield return new Mutant($"{statement.Name}, {what}", module with { Statements = [.. module.Statements.Take(at), changed, .. module.Statements.Skip(at + 1)] });
        }
    }

    private static IEnumerable<(string What, LawStatement Statement)> Mutants(LawStatement statement)
    {
        foreach (LawCondition condition in LawWalk.Conditions(statement))
            foreach (LawCondition changed in Mutants(condition))
                yield return ($"{LawPhrase.Of(condition)} as {LawPhrase.Of(changed)}",
                    statement with { When = Replace(statement.When, condition, changed), Needs = statement.Needs is { } needs ? Replace(needs, condition, changed) : null });
        // A ceiling for all tiers is written once.
        bool isOne = statement.Ceilings.Distinct().Count() == 1;
        for (int tier = 0; tier < (isOne ? 1 : statement.Ceilings.Count); tier++)
            if (statement.Ceilings[tier] is { } ceiling)
                foreach (LawMoney moved in Moved(ceiling))
                    yield return ($"tier {tier}: {LawPhrase.Of(ceiling)} as {LawPhrase.Of(moved)}",
                        statement with { Ceilings = [.. statement.Ceilings.Select((one, other) => isOne || other == tier ? moved : one)] });
    }

    private static IEnumerable<LawCondition> Mutants(LawCondition condition)
    {
        switch (condition)
        {
            case LawAmount amount:
                foreach (LawMoney moved in Moved(amount.Money))
                    yield return amount with { Money = moved };
                if (Turned(amount.Operator) is { } turnedAmount)
                    yield return amount with { Operator = turnedAmount };
                break;
            case LawSum sum:
                foreach (LawMoney moved in Moved(sum.Money))
                    yield return sum with { Money = moved };
                if (Turned(sum.Operator) is { } turnedSum)
                    yield return sum with { Operator = turnedSum };
                break;
            case LawField { Field: RuleField.Tier or RuleField.Level } field:
                int last = field.Field == RuleField.Tier ? Limits.TierMax : byte.MaxValue;
                if (field.Value > 0)
                    yield return field with { Value = (ushort)(field.Value - 1) };
                if (field.Value < last)
                    yield return field with { Value = (ushort)(field.Value + 1) };
                if (Turned(field.Operator) is { } turned)
                    yield return field with { Operator = turned };
                break;
        }
    }

    private static RuleOperator? Turned(RuleOperator op) => op switch
    {
        RuleOperator.More => RuleOperator.AtLeast,
        RuleOperator.AtLeast => RuleOperator.More,
        RuleOperator.Less => RuleOperator.AtMost,
        RuleOperator.AtMost => RuleOperator.Less,
        _ => null,
    };

    /// <summary>One smallest unit of its own currency more and less.</summary>
    private static IEnumerable<LawMoney> Moved(LawMoney money)
    {
        int scale = Math.Max(money.Decimals, Iso4217.ScaleOf(money.Currency));
        UInt128 mantissa = money.Mantissa * (UInt128)BigInteger.Pow(10, scale - money.Decimals), unit = (UInt128)BigInteger.Pow(10, scale - Iso4217.ScaleOf(money.Currency));
        yield return money with { Mantissa = mantissa + unit, Decimals = (byte)scale };
        if (mantissa >= unit)
            yield return money with { Mantissa = mantissa - unit, Decimals = (byte)scale };
    }

    private static LawCondition Replace(LawCondition within, LawCondition old, LawCondition renewed) => ReferenceEquals(within, old) ? renewed : within switch
    {
        LawNot not => not with { Inner = Replace(not.Inner, old, renewed) },
        LawAll all => all with { Children = [.. all.Children.Select(child => Replace(child, old, renewed))] },
        LawAny any => any with { Children = [.. any.Children.Select(child => Replace(child, old, renewed))] },
        _ => within,
    };
}
