namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Purpose: finds two exceptions of one layer to one statement that can apply at once, of which at least one is the module's under check. Where two do, nobody
/// could say which counts; what cannot be decided within the steps counts as met.
/// </summary>
internal sealed class ExceptionOverlaps(RuleSet rules, LawModule module, CheckFaults faults)
{
    private readonly FormulaSearch _search = new(8 * Satisfiability.StepsMax);
    private readonly HashSet<(string, string, string)> _looked = [];

    public void Check(LawInForce law, BiteFormulas formulas)
    {
        foreach (StatementInForce target in law.Statements)
            foreach (IGrouping<int, StatementInForce> layer in target.Exceptions.GroupBy(static one => one.Rank))
            {
                StatementInForce[] together = [.. layer];
                for (int second = 1; second < together.Length; second++)
                    for (int first = 0; first < second; first++)
                        if (ReferenceEquals(together[first].Module, module) || ReferenceEquals(together[second].Module, module))
                            Check(target, together[first], together[second], formulas);
            }
    }

    private void Check(StatementInForce target, StatementInForce first, StatementInForce second, BiteFormulas formulas)
    {
        if (!_looked.Add((target.Statement.Name, first.Statement.Name, second.Statement.Name)))
            return;
        FormulaPool pool = formulas.Builder.Pool;
        Formula asksAll = BiteFormulas.AsksAll(pool), asked = formulas.AskedAbout(target);
        SatisfiabilityAnswer answer = Satisfiability.TryFind(formulas, formulas.CurrenciesToTell([target, first, second], []), currency =>
        {
            Formula meet = pool.All(formulas.Own(target, currency), formulas.Own(first, currency), formulas.Own(second, currency));
            return pool.Any(pool.All(asksAll, meet), pool.All(asked, pool.Not(asksAll), SumLevels.None(pool, meet)));
        }, _search, out LawWitness? witness);
        if (answer == SatisfiabilityAnswer.No)
            return;
        LawStatement own = ReferenceEquals(second.Module, module) ? second.Statement : first.Statement;
        LawStatement other = ReferenceEquals(own, second.Statement) ? first.Statement : second.Statement;
        string layer = $"{own.Name} and {other.Name}, both exceptions to {target.Statement.Name} in layer {own.Layer},";
        faults.Error(CheckCode.ExceptionsOverlap, own.Place, answer == SatisfiabilityAnswer.Yes
                ? $"{layer} can apply at once, for example to {witness!.Describe(rules.ScaleOf)}"
                : $"{layer} may apply at once: it could not be decided in the time allowed",
            "give the one that is to count a higher layer, or let their conditions exclude each other");
    }
}
