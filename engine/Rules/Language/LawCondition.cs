namespace Settlement.Engine.Rules.Language;

/// <summary>
/// A condition of a module, total: true or false for every payment. Kinds: <see cref="LawAlways"/>, <see cref="LawField"/>, <see cref="LawIn"/>,
/// <see cref="LawAmount"/>, <see cref="LawSum"/>, <see cref="LawNot"/>, <see cref="LawAll"/>, <see cref="LawAny"/>.
/// </summary>
/// <param name="Place">Of its first character to its last on that line.</param>
public abstract record LawCondition(TextPlace Place);

public sealed record LawAlways(TextPlace Place) : LawCondition(Place);

/// <summary><c>src = US</c>, <c>tier >= 2</c>, <c>payer is person</c>. Equal and not equal for all fields, the others for those that have an order.</summary>
public sealed record LawField(RuleField Field, RuleOperator Operator, ushort Value, TextPlace Place) : LawCondition(Place);

/// <summary><c>src in { US, CA }</c>, <c>src in @list</c>.</summary>
/// <param name="Field">What is looked up.</param>
/// <param name="Values">Ascending, not empty.</param>
/// <param name="List">Name of the list; null: written out.</param>
/// <param name="Place">Of the whole.</param>
public sealed record LawIn(RuleField Field, IReadOnlyList<ushort> Values, string? List, TextPlace Place) : LawCondition(Place);

/// <summary><c>amount op money</c>. Without <c>equiv</c>: false in any other currency.</summary>
public sealed record LawAmount(RuleOperator Operator, LawMoney Money, TextPlace Place) : LawCondition(Place);

/// <summary>
/// <c>sum(payer, window) + amount op money</c>: what the payer paid in the window, in the payment's currency, with this payment. Only <see cref="RuleOperator.More"/>
/// and <see cref="RuleOperator.AtLeast"/>. Without <c>equiv</c>: false in any other currency.
/// </summary>
public sealed record LawSum(LimitWindow Window, RuleOperator Operator, LawMoney Money, TextPlace Place) : LawCondition(Place);

public sealed record LawNot(LawCondition Inner, TextPlace Place) : LawCondition(Place);

/// <summary>And: two or more.</summary>
public sealed record LawAll(IReadOnlyList<LawCondition> Children, TextPlace Place) : LawCondition(Place);

/// <summary>Or: two or more.</summary>
public sealed record LawAny(IReadOnlyList<LawCondition> Children, TextPlace Place) : LawCondition(Place);
