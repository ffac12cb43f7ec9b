using System.Globalization;
using RulesEngine.Models;
using Settlement.Engine.Rules;
using PeerRule = RulesEngine.Models.Rule;
using Rule = Settlement.Engine.Rules.Rule;

namespace Settlement.Perf.Load;

/// <summary>What the peer's rules are told about a payment: its rules are expressions over the properties of objects.</summary>
public sealed class PeerFacts
{
    public required ushort Source { get; init; }
    public required ushort Destination { get; init; }
    public required ushort Currency { get; init; }
    public required ushort Owner { get; init; }
    public required ulong Amount { get; init; }
    public required byte Tier { get; init; }
    public required byte Purpose { get; init; }
    public required byte Level { get; init; }
    public required byte Instruction { get; init; }
    public required byte PayerKind { get; init; }
    public required byte PayeeKind { get; init; }
}

/// <summary>
/// Purpose: a rule table in Microsoft's RulesEngine, expression for expression, so that both are asked the same. A rule there is "successful" where ours bites.
/// Two ways: all rules evaluated, as that engine does by itself; and one rule made of all, evaluated until the first bites
/// (<see cref="NestedRuleExecutionMode.Performance"/>), which is the fastest it offers.
/// Limits look at sums, which that engine does not keep: they are left out on both sides.
/// </summary>
internal sealed class PeerRules
{
    private const string AllOfThem = "all";
    private const string UntilOne = "until one";
    private readonly RulesEngine.RulesEngine _engine;

    public PeerRules(RuleTable table)
    {
        List<PeerRule> rules = [];
        foreach (Rule rule in table.Rules)
        {
            if (IsAsked(rule))
                rules.Add(new PeerRule { RuleName = rule.Id.ToString(CultureInfo.InvariantCulture), RuleExpressionType = RuleExpressionType.LambdaExpression, Expression = ExpressionOf(rule) });
        }

        Count = rules.Count;
        var any = new PeerRule { RuleName = "any", Operator = "OrElse", Rules = rules };
        _engine = new RulesEngine.RulesEngine(
            [new Workflow { WorkflowName = AllOfThem, Rules = rules }, new Workflow { WorkflowName = UntilOne, Rules = [any] }],
            new ReSettings { NestedRuleExecutionMode = NestedRuleExecutionMode.Performance });
    }

    /// <summary>Rules that both are asked: those that refuse by the payment alone.</summary>
    public int Count { get; }

    /// <summary>The table of the rules that both are asked, and no others.</summary>
    public static RuleTable Asked(RuleTable table)
    {
        var asked = new RuleTableBuilder();
        foreach (Rule rule in table.Rules)
        {
            if (IsAsked(rule))
                _ = rule.Needs is { } needs ? asked.Require(rule.Id, rule.Name, needs, rule.Condition) : asked.Deny(rule.Id, rule.Name, rule.Condition);
        }

        return asked.Build();
    }

    public static bool IsAsked(Rule rule) => rule.Kind is RuleKind.Deny or RuleKind.Require;

    public static PeerFacts Of(in RuleFacts facts, ushort owner) => new()
    {
        Source = facts.Source, Destination = facts.Destination, Currency = facts.Currency, Owner = owner, Amount = facts.Amount, Tier = facts.Tier,
        Purpose = facts.Purpose, Level = facts.Level, Instruction = facts.Instruction, PayerKind = facts.PayerKind, PayeeKind = facts.PayeeKind,
    };

    /// <summary>The lowest rule that refuses; 0: none.</summary>
    public ushort Judge(PeerFacts facts)
    {
        ushort lowest = 0;
        foreach (RuleResultTree result in _engine.ExecuteAllRulesAsync(AllOfThem, new RuleParameter("f", facts)).AsTask().GetAwaiter().GetResult())
        {
            if (result.IsSuccess && ushort.Parse(result.Rule.RuleName, CultureInfo.InvariantCulture) is var rule && (lowest == 0 || rule < lowest))
                lowest = rule;
        }

        return lowest;
    }

    /// <summary>Whether any rule refuses, the fastest way.</summary>
    public bool Refuses(PeerFacts facts) =>
        _engine.ExecuteAllRulesAsync(UntilOne, new RuleParameter("f", facts)).AsTask().GetAwaiter().GetResult()[0].IsSuccess;

    private static string ExpressionOf(Rule rule) =>
        rule.Needs is { } needs ? $"{ExpressionOf(rule.Condition)} && !{ExpressionOf(needs)}" : ExpressionOf(rule.Condition);

    private static string ExpressionOf(Condition condition) => condition switch
    {
        AlwaysCondition => "true",
        FieldCondition field => string.Create(CultureInfo.InvariantCulture, $"(f.{field.Field} {Sign(field.Operator)} {field.Value})"),
        ListCondition list => $"({string.Join(" || ", list.Values.ToArray().Select(value => string.Create(CultureInfo.InvariantCulture, $"f.{list.Field} == {value}")))})",
        AmountCondition amount => string.Create(CultureInfo.InvariantCulture, $"(f.Currency == {amount.Currency} && f.Amount {Sign(amount.Operator)} {amount.Amount}UL)"),
        NotCondition not => $"!{ExpressionOf(not.Inner)}",
        AllCondition all => $"({string.Join(" && ", all.Children.ToArray().Select(ExpressionOf))})",
        AnyCondition any => $"({string.Join(" || ", any.Children.ToArray().Select(ExpressionOf))})",
        _ => throw new ArgumentException($"{condition.GetType().Name} has no expression here", nameof(condition)),
    };

    private static string Sign(RuleOperator op) => op switch
    {
        RuleOperator.Equal => "==",
        RuleOperator.NotEqual => "!=",
        RuleOperator.Less => "<",
        RuleOperator.AtMost => "<=",
        RuleOperator.More => ">",
        RuleOperator.AtLeast => ">=",
        _ => throw new ArgumentOutOfRangeException(nameof(op)),
    };
}
