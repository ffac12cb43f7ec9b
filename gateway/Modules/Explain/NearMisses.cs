using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules.Diff;
using Settlement.Gateway.Modules.Smt;

namespace Settlement.Gateway.Modules.Explain;

/// <summary>One thing that, were it different, would give another answer.</summary>
/// <param name="What">Which, in words.</param>
/// <param name="Answer">The answer then.</param>
internal sealed record NearMiss(string What, DiffAnswer Answer);

/// <summary>
/// What would have to be different about a payment for another answer: one thing at a time, of those that are the payment's and its parties' and not its corridor. Where values
/// lie is taken from the rules' own thresholds; what the answer is then, from the interpreter.
/// </summary>
internal sealed class NearMisses
{
    /// <summary>Answers that are asked for in one direction: about a second where rules are very many.</summary>
    private const int TriesMax = 1_000;

    private readonly RuleSetInterpreter _interpreter;
    private readonly LawModel _model;
    private readonly AskedCase _asked;
    private readonly Func<ushort, int> _scaleOf;
    private readonly DiffAnswer _answer;
    private readonly List<NearMiss> _found = [];

    private NearMisses(RuleSet rules, int day, AskedCase asked)
    {
        (_asked, _scaleOf) = (asked, rules.ScaleOf);
        _interpreter = new RuleSetInterpreter(rules, day);
        _model = new LawModel([rules], day);
        _answer = Answer(asked.Facts, asked.SpentIn);
    }

    /// <exception cref="ModelTooLargeException">There are too many thresholds to try.</exception>
    public static IReadOnlyList<NearMiss> Of(RuleSet rules, int day, AskedCase asked)
    {
        var misses = new NearMisses(rules, day, asked);
        misses.TryAmounts();
        misses.TryWindows();
        RuleFacts facts = asked.Facts;
        misses.TryField(CaseField.Tier, RuleField.Tier, value => facts with { Tier = (byte)value });
        misses.TryField(CaseField.Purpose, RuleField.Purpose, value => facts with { Purpose = (byte)value });
        misses.TryField(CaseField.PayerKind, RuleField.PayerKind, value => facts with { PayerKind = (byte)value });
        misses.TryField(CaseField.PayeeKind, RuleField.PayeeKind, value => facts with { PayeeKind = (byte)value });
        misses.TryField(CaseField.Level, RuleField.Level, value => facts with { Level = (byte)value });
        return misses._found;
    }

    private DiffAnswer Answer(RuleFacts facts, Func<LimitWindow, ulong> spent)
    {
        LawDecision decision = _interpreter.Judge(new LawCase(facts, spent));
        return DiffAnswer.Of(decision.Answer, decision.Decider?.Statement);
    }

    /// <summary>Downwards and upwards to where the answer first is another kind.</summary>
    private void TryAmounts()
    {
        ulong asked = _asked.Facts.Amount;
        ulong[] starts = [.. Enumerable.Range(0, _model.NumberCount).SelectMany(number => StartsOf(number, number == 0 ? 0 : _asked.SpentIn(_model.Windows[number - 1]))).Append(1UL).Distinct().Order()];
        DiffAnswer At(ulong amount) => Answer(_asked.Facts with { Amount = amount }, _asked.SpentIn);
        // The payment's own amount is one of a stretch of equal answers; others begin at the starts.
        int own = Array.FindLastIndex(starts, start => start <= asked);
        for (int at = own - 1; at >= Math.Max(0, own - TriesMax); at--)
            if (At(starts[at]) is var below && below.Answer != _answer.Answer)
            {
                _found.Add(new NearMiss($"an amount of at most {Money(starts[at + 1] - 1)}{Least(starts, at, below, At)}", below));
                break;
            }
        foreach (ulong start in starts.Where(start => start > asked).Take(TriesMax))
            if (At(start) is var above && above.Answer != _answer.Answer)
            {
                _found.Add(new NearMiss($"an amount of at least {Money(start)}", above));
                break;
            }
    }

    /// <summary>Of a stretch of amounts that does not go down to the least.</summary>
    private string Least(ulong[] starts, int at, DiffAnswer answer, Func<ulong, DiffAnswer> answerAt)
    {
        int first = at;
        while (first > Math.Max(0, at - TriesMax) && answerAt(starts[first - 1]).Answer == answer.Answer)
            first--;
        return first == 0 ? "" : $" and at least {Money(starts[first])}";
    }

    private void TryWindows()
    {
        foreach (LimitWindow window in _model.Windows)
        {
            ulong spent = _asked.SpentIn(window);
            ulong[] starts = [.. StartsOf(_model.NumberOf(window), _asked.Facts.Amount).Append(0UL).Distinct().Order()];
            DiffAnswer At(ulong total) => Answer(_asked.Facts, other => other == window ? total : _asked.SpentIn(other));
            int own = Array.FindLastIndex(starts, start => start <= spent);
            for (int at = own - 1; at >= Math.Max(0, own - TriesMax); at--)
                if (At(starts[at]) is var less && less.Answer != _answer.Answer)
                {
                    _found.Add(new NearMiss($"at most {Money(starts[at + 1] - 1)} paid before ({LawPhrase.Of(window)})", less));
                    break;
                }
            foreach (ulong start in starts.Where(start => start > spent).Take(TriesMax))
                if (At(start) is var more && more.Answer != _answer.Answer)
                {
                    _found.Add(new NearMiss($"at least {Money(start)} paid before ({LawPhrase.Of(window)})", more));
                    break;
                }
        }
    }

    /// <summary>All values of a field, those with the same answer told together.</summary>
    private void TryField(CaseField field, RuleField named, Func<int, RuleFacts> with)
    {
        List<(int Value, DiffAnswer Answer)> others = [];
        for (int of = 0; of < _model.Fields.Count(field); of++)
            if (Answer(with(_model.Fields.ValueOf(field, of)), _asked.SpentIn) is var answer && answer.Answer != _answer.Answer)
                others.AddRange(_model.Fields.ValuesOf(field, of).Select(value => (value, answer)));
        foreach (IGrouping<DiffAnswer, int> same in others.OrderBy(one => one.Value).GroupBy(one => one.Answer, one => one.Value))
            _found.Add(new NearMiss($"{LawPhrase.Of(named)} {Values(named, [.. same])}", same.Key));
    }

    private static string Values(RuleField field, IReadOnlyList<int> values)
    {
        string Word(int value) => LawPhrase.Of(field, (ushort)value);
        bool isRange = field is RuleField.Tier or RuleField.Level && values.Count > 2 && values[^1] - values[0] == values.Count - 1;
        return isRange ? $"{Word(values[0])} to {Word(values[^1])}"
            : values.Count == 1 ? Word(values[0]) : string.Join(", ", values.SkipLast(1).Select(Word)) + " or " + Word(values[^1]);
    }

    /// <summary>Where something about a number of this currency changes, as amounts on top of what is there.</summary>
    private IEnumerable<ulong> StartsOf(int number, ulong there) =>
        TermBank.Cone([.. _model.Sides[0].Outcomes.Select(outcome => outcome.Holds)]).Where(term => term.Kind == TermKind.AtLeast && term.Subject == number && term.Bound > there)
            .Select(term => term.Bound - there);

    private string Money(ulong amount) => CaseWords.Money(amount, _asked.Facts.Currency, _scaleOf);
}
