using Settlement.Engine.Rules;

namespace Settlement.Tests.Rules;

/// <summary>A condition as one line of text, so that two can be compared and a difference read.</summary>
internal static class ConditionText
{
    public static string Of(Condition condition) => condition switch
    {
        FieldCondition field => $"{field.Field} {field.Operator} {field.Value}",
        ListCondition list => $"{list.Field} in {string.Join(',', list.Values.ToArray())}",
        AmountCondition amount => $"{amount.Operator} {amount.Currency} {amount.Amount}",
        NotCondition not => $"not ({Of(not.Inner)})",
        AllCondition all => $"all ({string.Join("; ", all.Children.ToArray().Select(Of))})",
        AnyCondition any => $"any ({string.Join("; ", any.Children.ToArray().Select(Of))})",
        _ => "always",
    };
}
