using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

/// <summary>All that a module means, as lines of text, so that two can be compared and a difference read. Its text, hash and places are left out.</summary>
internal static class LawDump
{
    public static string Of(LawModule module) => string.Join('\n',
    [
        $"{module.Name} {module.Version} {module.EffectiveDay} {module.UntilDay} {module.Authority}",
        $"for {(module.Jurisdiction.IsWorld ? "world" : "")} {Join(module.Jurisdiction.Countries)} / {Join(module.Jurisdiction.Currencies)} between {Join(module.Between)}",
        .. module.Lists.Select(list => $"list {list.Name} {list.IsClass} {list.Field} {Join(list.Values)} {list.Citation}"),
        .. module.Statements.Select(Of),
        .. module.Tests.Select(Of),
    ]);

    private static string Join<T>(IEnumerable<T> values) => string.Join(',', values);

    private static string Of(LawStatement statement) =>
        $"{statement.Name} {statement.Effect} to {Join(statement.Targets)} layer {statement.Layer} when {Of(statement.When)} needs {(statement.Needs is { } needs ? Of(needs) : "")} " +
        $"{(statement.Effect == LawEffect.Limit ? statement.Window : "")} {Join(statement.Ceilings.Select(ceiling => ceiling is null ? "none" : Of(ceiling)))} " +
        $"adapts {Join(statement.Adaptations.Select(adaptation => $"{adaptation.Class} [{Join(adaptation.Countries)}] {adaptation.Percent}"))} " +
        $"holds {statement.HoldNs} {statement.Citation} from {statement.FromDay} until {statement.UntilDay}";

    public static string Of(LawCondition condition) => condition switch
    {
        LawField field => $"{field.Field} {field.Operator} {field.Value}",
        LawIn look => $"{look.Field} in {look.List} [{Join(look.Values)}]",
        LawAmount amount => $"amount {amount.Operator} {Of(amount.Money)}",
        LawSum sum => $"sum {sum.Window} {sum.Operator} {Of(sum.Money)}",
        LawNot not => $"not ({Of(not.Inner)})",
        LawAll all => $"all ({string.Join("; ", all.Children.Select(Of))})",
        LawAny any => $"any ({string.Join("; ", any.Children.Select(Of))})",
        _ => "always",
    };

    private static string Of(LawMoney money) => $"{(money.IsEquivalent ? "equiv " : "")}{money.Currency} {money.Mantissa}/10^{money.Decimals} {money.Index}";

    private static string Of(LawTest test) =>
        $"test {test.Name} {test.Facts} {Of(test.Amount)} spent {Join(test.Spent.Select(spent => $"{spent.Window} {Of(spent.Amount)}"))} " +
        $"parameters {Join(test.Parameters)} on {test.Day} {test.Expected} {test.ExpectedStatement}";
}
