using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Labels;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;

namespace Settlement.Engine.Questions;

/// <summary>What a ledger answers to a question, with all reasons that there are; how much of them is told is decided where it is told.</summary>
/// <remarks>
/// Invariant: the answer is the table's in force, by which payments are judged. The laws it was made from, where it was made from any, are asked as well, by the
/// reference interpreter, and must say the same; they give the reasons.
/// Not asked: balances, caps, statuses, sums that were not stated: nobody is named, so nobody's are known.
/// </remarks>
internal sealed record MayAnswer
{
    public required LawAnswer Answer { get; init; }

    /// <summary>What refuses that is no law, as a sentence without a full stop; null: the law decides.</summary>
    public string? Obstacle { get; init; }

    /// <summary>Of the table in force; null: it has no say.</summary>
    public Rule? Rule { get; init; }

    /// <summary>What the laws in force say; null: a table alone is in force, or nothing.</summary>
    public LawDecision? Decision { get; init; }

    /// <summary>The nearest amounts at which the answer is another one.</summary>
    public (ulong Amount, TableAnswer Answer)? TurnsBelow { get; init; }

    public (ulong Amount, TableAnswer Answer)? TurnsAbove { get; init; }

    /// <exception cref="LedgerBrokenException">Table and laws do not agree.</exception>
    public static MayAnswer To(MayQuestion question, LawView view)
    {
        if (ObstacleOf(question, view) is { } obstacle)
            return new MayAnswer { Answer = LawAnswer.No, Obstacle = obstacle };
        if (view.Rules is not { } rules)
            return new MayAnswer { Answer = LawAnswer.Yes };
        var judge = new TableJudge(rules.Table, question);
        TableAnswer answer = judge.Judge();
        return new MayAnswer
        {
            Answer = answer.Answer,
            Rule = answer.Rule,
            Decision = view.InForce is { } inForce ? Reasons(question, view, inForce, answer) : null,
            TurnsBelow = judge.TurnsBelow(),
            TurnsAbove = judge.TurnsAbove(),
        };
    }

    private static LawDecision Reasons(MayQuestion question, LawView view, LawsInForce inForce, TableAnswer answer)
    {
        if (!LawCompiler.TryRead(view.Current, out RuleSet? laws, out string fault))
            throw new LedgerBrokenException($"laws in force do not read: {fault}");
        LawDecision decision = RuleSetInterpreter.Judge(laws, inForce.Day, new LawCase(question.Facts, question.Spent));
        if (decision.Answer != answer.Answer || decision.Decider?.Statement.Name != answer.Rule?.Name)
            throw new LedgerBrokenException(
                $"the table in force says {answer.Answer} by {answer.Rule?.Name ?? "nothing"}, the laws it was made from {decision.Answer} by {decision.Decider?.Statement.Name ?? "nothing"}");
        return decision;
    }

    /// <summary>What the ledger asks in front of its rules and what can be known without naming a wallet: SEMANTICS 7 and 9.</summary>
    private static string? ObstacleOf(MayQuestion question, LawView view)
    {
        RuleFacts facts = question.Facts;
        if (!view.KnowsCurrency(facts.Currency))
            return $"the ledger has no currency {LedgerText.CurrencyOf(facts.Currency)}";
        byte instruction = view.InstructionLevels[facts.Instruction];
        return LabelRule.Allows(question.Clearance, instruction, facts.Level, 0, byte.MaxValue, declassify: false)
            ? null
            : $"data of level {facts.Level} is above {(facts.Level > question.Clearance ? $"the clearance of who asks, {question.Clearance}" : $"the instruction's level, {instruction}")}";
    }
}
