using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;

namespace Settlement.Replay.WhatIf;

/// <summary>
/// Tells whether a verdict is another one because the rules are (primary), or because earlier verdicts are (consequential).
/// </summary>
/// <remarks>
/// Payments are judged in one order of steps (SEMANTICS). Of the two verdicts, the one that comes earlier in it is where the two ledgers came apart. If that is
/// a deny or require, the rules differ: such a rule asks for nothing that an earlier payment could have changed. If it is a limit, the rules differ unless the very
/// same limit stands in both tables: then the sums do. A review is asked for behind the limits, and what goes to review is not asked for caps and room. Anything else (funds, targets, caps, room) depends on earlier payments alone.
/// </remarks>
internal sealed class FlipJudge(LedgerState actual, LedgerState hypothetical)
{
    private readonly Dictionary<string, bool> _limits = new(StringComparer.Ordinal); // of the two tables below, by content: whether the other has it
    private Digest _actualTable;
    private Digest _hypotheticalTable;

    public FlipCause CauseOf(in Payment payment, Parties parties, in Outcome was, in Outcome would)
    {
        (Verdict verdict, ushort rule) ours = Unhidden(actual, in payment, parties, in was);
        (Verdict verdict, ushort rule) theirs = Unhidden(hypothetical, in payment, parties, in would);
        bool inHypothesis = Step(theirs.verdict) < Step(ours.verdict);
        (Verdict verdict, ushort rule) = inHypothesis ? theirs : ours;
        bool primary = verdict == Verdict.DeniedByRule || (verdict is Verdict.LimitExceeded or Verdict.UnderReview && !StandsInBoth(rule, inHypothesis));
        return new FlipCause(verdict, rule, inHypothesis, primary);
    }

    /// <summary>
    /// Verdicts rise with the order in which the law asks; what passes is behind all of them. Whether a payment goes to review shows in front of its cap, for a
    /// payment that has none of the refusals before is then held, or is not.
    /// </summary>
    private static int Step(Verdict verdict) => verdict switch
    {
        Verdict.Accepted => int.MaxValue,
        Verdict.UnderReview => (2 * (int)Verdict.CapExceeded) - 1,
        _ => 2 * (int)verdict,
    };

    /// <summary>A refusal by rule may be hidden from the session: then it says neither that it was one nor which.</summary>
    private static (Verdict Verdict, ushort Rule) Unhidden(LedgerState state, in Payment payment, Parties parties, in Outcome outcome)
    {
        if (outcome.Verdict != Verdict.Refused || state.Rules is not { } rules)
            return (outcome.Verdict, outcome.Rule);
        int payer = state.Accounts.Find(parties.Payer), payee = state.Accounts.Find(parties.Payee);
        if (payer == 0 || payee == 0)
            return (outcome.Verdict, outcome.Rule);
        ushort rule = rules.JudgeOne(new RuleFacts
        {
            Source = state.Accounts[payer].Country,
            Destination = state.Accounts[payee].Country,
            Currency = payment.Currency,
            Amount = payment.Amount,
            Tier = state.Accounts[payer].Tier,
            Purpose = (byte)payment.Purpose,
            Level = payment.Level,
            Instruction = (byte)payment.Instruction,
            PayerKind = (byte)state.Accounts[payer].Kind,
            PayeeKind = (byte)state.Accounts[payee].Kind,
        }, denyOnly: PartiesWatch.IsTargeted(payment.Instruction));
        return rule == 0 ? (outcome.Verdict, outcome.Rule) : (Verdict.DeniedByRule, rule);
    }

    private bool StandsInBoth(ushort rule, bool inHypothesis)
    {
        RuleTable? ours = actual.Rules?.Table, theirs = hypothetical.Rules?.Table;
        if (ours is null || theirs is null)
            return false;
        if (ours.Hash != _actualTable || theirs.Hash != _hypotheticalTable)
        {
            (_actualTable, _hypotheticalTable) = (ours.Hash, theirs.Hash);
            _limits.Clear();
            foreach (Rule limit in ours.Rules)
                if (limit.IsLimit)
                    _limits[ContentOf(limit)] = false;
            foreach (Rule limit in theirs.Rules)
                if (limit.IsLimit && ContentOf(limit) is var content && _limits.ContainsKey(content))
                    _limits[content] = true;
        }

        foreach (Rule limit in (inHypothesis ? theirs : ours).Rules)
        {
            if (limit.Id == rule)
                return limit.IsLimit && _limits.GetValueOrDefault(ContentOf(limit));
        }

        return false;
    }

    /// <summary>What a limit says, whatever its number and name.</summary>
    private static string ContentOf(Rule limit)
    {
        var alone = new RuleTableBuilder();
        _ = limit.IsReview
            ? alone.ReviewLimit(1, "limit", limit.HoldNs, limit.Window, limit.Currency, limit.Ceilings, limit.Condition)
            : alone.Limit(1, "limit", limit.Window, limit.Currency, limit.Ceilings, limit.Condition);
        return Convert.ToHexString(alone.Build().Encode());
    }
}
