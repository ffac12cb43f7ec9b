using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Engine.Questions;

/// <summary>What a table says to one payment.</summary>
/// <param name="Answer">Yes, no or review.</param>
/// <param name="Rule">Of the table; null: none decides.</param>
internal readonly record struct TableAnswer(LawAnswer Answer, Rule? Rule)
{
    public static TableAnswer Yes => new(LawAnswer.Yes, null);

    public bool IsAs(TableAnswer other) => Answer == other.Answer && string.Equals(Rule?.Name, other.Rule?.Name, StringComparison.Ordinal);
}

/// <summary>
/// A table asked about one payment, rule by rule, in the order of SEMANTICS 12 and 13 and then review: the lowest deny or require, the lowest limit, the lowest review
/// of either kind. Also: at which amounts the answer turns.
/// </summary>
internal sealed class TableJudge
{
    private readonly MayQuestion _question;
    private readonly ushort _owner;
    private readonly List<Rule> _rules = [];

    /// <param name="table">Its rules stand in ascending order.</param>
    /// <param name="question">The payment; other amounts may be asked about.</param>
    public TableJudge(RuleTable table, MayQuestion question)
    {
        _question = question;
        _owner = Iso4217.OwnerCountry(question.Facts.Currency);
        foreach (Rule rule in table.Rules)
        {
            bool isOfCurrency = !rule.IsLimit || rule.Currency == question.Facts.Currency;
            if (isOfCurrency && Known(rule.Condition) != false)
                _rules.Add(rule);
        }
    }

    public TableAnswer Judge() => Judge(_question.Facts.Amount);

    public TableAnswer Judge(ulong amount)
    {
        RuleFacts facts = _question.Facts with { Amount = amount };
        Rule? limit = null, review = null;
        foreach (Rule rule in _rules)
        {
            if (!rule.Bites(in facts, _owner) || (rule.IsLimit && !IsExceeded(rule, in facts)))
                continue;
            if (rule.IsReview)
                review ??= rule;
            else if (rule.IsLimit)
                limit ??= rule;
            else
                return new TableAnswer(LawAnswer.No, rule);
        }

        return limit is not null ? new TableAnswer(LawAnswer.No, limit) : review is not null ? new TableAnswer(LawAnswer.Review, review) : TableAnswer.Yes;
    }

    /// <summary>The nearest larger amount at which the answer is another one, and that answer; null: there is none.</summary>
    public (ulong Amount, TableAnswer Answer)? TurnsAbove() => Turn(Thresholds().Where(amount => amount > _question.Facts.Amount).Order());

    /// <summary>The nearest smaller amount at which the answer is another one; null: there is none.</summary>
    public (ulong Amount, TableAnswer Answer)? TurnsBelow() => Turn(Thresholds().Where(amount => amount < _question.Facts.Amount && amount > 0).OrderDescending());

    private (ulong Amount, TableAnswer Answer)? Turn(IEnumerable<ulong> amounts)
    {
        TableAnswer now = Judge();
        foreach (ulong amount in amounts)
        {
            if (Judge(amount) is var other && !other.IsAs(now))
                return (amount, other);
        }

        return null;
    }

    /// <summary>Amounts next to which some comparison changes: at each constant, one unit below and one above.</summary>
    private HashSet<ulong> Thresholds()
    {
        var amounts = new HashSet<ulong>();
        foreach (Rule rule in _rules)
        {
            Collect(rule.Condition, amounts);
            if (rule.Needs is { } needs)
                Collect(needs, amounts);
            if (rule.IsLimit && rule.Ceilings[_question.Facts.Tier] is var ceiling and not TierCeilings.None && _question.Spent(rule.Window) is var spent && ceiling >= spent)
                AddAround(ceiling - spent, amounts);
        }

        return amounts;
    }

    private void Collect(Condition condition, HashSet<ulong> amounts)
    {
        switch (condition)
        {
            case AmountCondition amount when amount.Currency == _question.Facts.Currency:
                AddAround(amount.Amount, amounts);
                break;
            case NotCondition not:
                Collect(not.Inner, amounts);
                break;
            case AllCondition all:
                foreach (Condition child in all.Children)
                    Collect(child, amounts);
                break;
            case AnyCondition any:
                foreach (Condition child in any.Children)
                    Collect(child, amounts);
                break;
        }
    }

    private static void AddAround(ulong amount, HashSet<ulong> amounts)
    {
        amounts.Add(amount);
        if (amount > 0)
            amounts.Add(amount - 1);
        if (amount < ulong.MaxValue)
            amounts.Add(amount + 1);
    }

    private bool IsExceeded(Rule rule, in RuleFacts facts)
    {
        ulong spent = _question.Spent(rule.Window);
        ulong total = spent > ulong.MaxValue - facts.Amount ? ulong.MaxValue : spent + facts.Amount;
        return total > rule.Ceilings[facts.Tier];
    }

    /// <summary>A condition where the amount alone is not known: true, false, or null (three-valued logic).</summary>
    private bool? Known(Condition condition)
    {
        switch (condition)
        {
            case AmountCondition amount:
                return amount.Currency == _question.Facts.Currency ? null : false;
            case NotCondition not:
                return !Known(not.Inner);
            case AllCondition all:
            {
                bool? known = true;
                foreach (Condition child in all.Children)
                    known &= Known(child);
                return known;
            }
            case AnyCondition any:
            {
                bool? known = false;
                foreach (Condition child in any.Children)
                    known |= Known(child);
                return known;
            }
            default:
                return condition.Holds(_question.Facts, _owner);
        }
    }
}
