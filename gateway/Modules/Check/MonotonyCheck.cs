using Settlement.Engine.Domain;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules.Smt;

namespace Settlement.Gateway.Modules.Check;

/// <summary>
/// More identity must not turn yes into no: who lets himself be known better would be punished for it. That a larger amount turns no into yes may be meant (a band, a
/// minimum), so it is told as a note.
/// </summary>
internal sealed class MonotonyCheck(CheckContext check)
{
    /// <summary>Statements told of, of each kind.</summary>
    private const int ToldMax = 10;

    public void RunIdentity()
    {
        ModelSide all = check.All;
        for (int tier = 0; tier < Limits.TierMax; tier++)
        {
            int lower = check.Model.Fields.ClassOf(CaseField.Tier, tier), higher = check.Model.Fields.ClassOf(CaseField.Tier, tier + 1);
            if (lower == higher)
                continue;
            Term[] below = check.Model.Fixing([all.Refused, all.Reviewed], CaseField.Tier, lower);
            Term[] above = check.Model.Fixing([all.Refused, all.Reviewed], CaseField.Tier, higher);
            Tell(tier, check.Bank.AndNot(above[0], below[0]), LawAnswer.No);
            Tell(tier, check.Bank.AndNot(above[1], check.Bank.Or(below[0], below[1])), LawAnswer.Review);
        }
    }

    /// <summary>Tells each statement that answers a payment of the higher tier so and does not one of the lower.</summary>
    private void Tell(int tier, Term harm, LawAnswer answer)
    {
        int lower = check.Model.Fields.ClassOf(CaseField.Tier, tier), higher = check.Model.Fields.ClassOf(CaseField.Tier, tier + 1);
        List<Term> asked = [harm];
        for (int told = 0; told < ToldMax; told++)
        {
            SolverAnswer found = check.Solver.Find(asked);
            if (found.Found is not { } payment)
            {
                if (!found.IsProven)
                    check.AddNotProven($"whether tier {tier + 1} is answered no worse than tier {tier}");
                return;
            }
            ModelStatement decider = check.All.OutcomeOf(payment.With(CaseField.Tier, higher)).Decider!;
            Term decides = check.Model.Fixing([decider.Decides], CaseField.Tier, higher)[0];
            string words = check.Words(CaseTrimming.Trim(check.Model, payment, check.Bank.And(harm, decides)).With(CaseField.Tier, lower));
            string was = check.All.OutcomeOf(payment.With(CaseField.Tier, lower)).Answer == LawAnswer.Review ? "under review" : "accepted";
            if (answer == LawAnswer.No)
                check.Add(FindingKind.Error, FindingCode.IdentityHarms, decider, $"more identity turns yes into no: {was} with tier {tier}, refused by {decider} with tier {tier + 1}", words);
            else
                check.Add(FindingKind.Warning, FindingCode.IdentityReviewed, decider, $"more identity turns yes into review: accepted with tier {tier}, under review by {decider} with tier {tier + 1}", words);
            asked.Add(check.Bank.Not(decides));
        }
    }

    /// <param name="solver">Of payments in pairs (<see cref="ModelSolver.Pairs"/>).</param>
    public void RunAmount(ModelSolver solver)
    {
        TermBank bank = check.Bank;
        // Only amounts: how sums grow is told by the static checks.
        Term yes = Larger(bank.All(check.All.IsPayment, check.All.Outcomes[0].Holds));
        foreach (ModelStatement statement in check.All.Statements.Where(statement => statement.Decides.Kind != TermKind.False))
        {
            // Where no condition of a larger amount is weaker, nothing can be.
            if (statement.Statement.Effect == LawEffect.Limit || !MayFall(statement))
                continue;
            Term bites = bank.Or(statement.Bites.WithSums, statement.Bites.WithoutSums);
            Term escapes = bank.All(check.All.IsPayment, statement.Decides, bank.Not(Larger(bites)), yes);
            SolverAnswer answer = solver.Find(escapes);
            if (answer.Found is { } pair)
            {
                Term[] cone = TermBank.Cone(escapes);
                ModelCase found = CaseTrimming.TrimFields(check.Model, FirstOf(pair) is var first && first.Satisfies(cone) ? first : pair, one => one.Satisfies(cone));
                ulong units = found.Numbers[check.Model.NumberCount];
                ushort currency = check.Model.CaseOf(found).Facts.Currency;
                string verb = statement.Statement.Effect == LawEffect.Review ? "is reviewed" : "is refused";
                check.Add(FindingKind.Note, FindingCode.AmountHelps, statement,
                    $"a larger amount turns no into yes: this payment {verb} by {statement}, and {CaseWords.Money(units, currency, check.Rules.ScaleOf)} of the same payer is accepted", check.Words(found));
            }
            else if (!answer.IsProven)
                check.AddNotProven($"whether a larger amount escapes {statement}", statement);
        }
    }

    /// <summary>The same amounts, of a payer who has paid nothing before.</summary>
    private ModelCase FirstOf(ModelCase pair) =>
        pair with { Numbers = [.. pair.Numbers.Select((_, number) => pair.Numbers[number < check.Model.NumberCount ? 0 : check.Model.NumberCount])] };

    private Term Larger(Term term) =>
        check.Bank.Copy(term, leaf => leaf.Kind == TermKind.AtLeast ? check.Bank.AtLeast(leaf.Subject + check.Model.NumberCount, leaf.Bound) : leaf);

    private static bool MayFall(ModelStatement statement) =>
        LawWalk.Conditions(statement.Statement).Concat(statement.Exceptions.Concat(statement.Targets).SelectMany(other => LawWalk.Conditions(other.Statement)))
            .Any(condition => condition is LawAmount or LawSum);
}
