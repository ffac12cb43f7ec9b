using System.Globalization;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Rules;

/// <summary>The plan as text, for who audits it: the same plan gives the same text, to the letter.</summary>
public sealed partial class RulePlan
{
    /// <summary>
    /// Classes, cells, rows with every step, limits and the residual program. Lines end in LF; numbers are ISO numbers and
    /// smallest units. Long for a large table: it is all there.
    /// </summary>
    public string Describe()
    {
        StringBuilder text = new();
        Line(text, $"rules {Table.Rules.Length} sha256 {Table.Hash}");
        Classes(text, "source", _corridors.SourceClasses, _classes.Source.Length);
        Classes(text, "destination", _corridors.DestinationClasses, _classes.Destination.Length);
        Classes(text, "currency", _corridors.CurrencyClasses, _classes.Currency.Length);
        Line(text, $"rows {_corridors.Rows.Count}, rows of limits {_corridors.LimitRows.Count}, steps {_corridors.Steps.Length}");
        Rows(text);
        Cells(text);
        foreach (LimitWindow year in _yearStarts)
            Line(text, $"counts: {year}");
        foreach ((int bit, Rule rule) in _maskedLimits.All())
            Line(text, $"masked limit {bit}, currency {rule.Currency} = {(rule.IsReview ? "review " : "")}rule {rule.Id}: {rule.Window}, {Ceilings(rule.Ceilings)}");
        Instructions(text);
        return text.ToString();
    }

    private static void Line(StringBuilder text, FormattableString line) =>
        text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static void Classes(StringBuilder text, string what, byte[] classOf, int count)
    {
        Line(text, $"{what} classes {count}");
        for (int number = 0; number < count; number++)
        {
            StringBuilder members = new();
            for (int member = 1; member <= RuleBounds.IsoNumberMax && number != classOf[0]; member++)
                if (classOf[member] == number)
                    members.Append(CultureInfo.InvariantCulture, $" {member:000}");
            Line(text, $"  {number}:{(number == classOf[0] ? " all others" : members)}");
        }
    }

    private void Rows(StringBuilder text)
    {
        for (int number = 0; number < _corridors.Rows.Count; number++)
        {
            ref CorridorRow row = ref _corridors.Rows.Rows[number];
            Line(text, $"row {number}");
            Steps(text, "amount", row);
            Steps(text, "amount, deny only", _corridors.DenyRows.Rows[number]);
            if (_corridors.ReviewRows.Count > 0)
                Steps(text, "amount", _corridors.ReviewRows.Rows[number], "sent to review");
            foreach (ref CorridorRow limit in _corridors.LimitsOf(row.Limits, reviews: false))
                Steps(text, "sum of " + WindowName(limit.Window), limit);
            foreach (ref CorridorRow limit in _corridors.LimitsOf(row.Limits, reviews: true))
                Steps(text, "sum of " + WindowName(limit.Window), limit, "sent to review");
        }
    }

    private void Steps(StringBuilder text, string what, in CorridorRow row, string done = "refused")
    {
        int at = (int)row.StepFirst;
        for (int tier = 0; tier < TierCeilings.Count; tier++)
            for (; at < row.StepFirst + row.StepEnds[tier]; at++)
            {
                Step step = _corridors.Steps[at];
                Line(text, $"  {what}: tier {tier} above {step.Ceiling} {done} by rule {step.Rule}");
            }
    }

    private string WindowName(int window) => window switch
    {
        SumWindow.Day => LimitWindow.Day.ToString(),
        SumWindow.Rolling30Days => LimitWindow.Rolling30Days.ToString(),
        SumWindow.Month => LimitWindow.Month.ToString(),
        _ => _yearStarts[window - SumWindow.Year].ToString(),
    };

    /// <summary>The row of each combination of classes: a line a pair of countries, a number a currency.</summary>
    private void Cells(StringBuilder text)
    {
        int currencies = _corridors.CurrencyCount;
        for (int pair = 0; pair < _corridors.Cells.Length / currencies; pair++)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"cells {pair / _corridors.DestinationCount} {pair % _corridors.DestinationCount}:");
            foreach (int row in _corridors.Cells.AsSpan(pair * currencies, currencies))
                text.Append(CultureInfo.InvariantCulture, $" {row}");
            text.Append('\n');
        }
    }

    private static string Ceilings(TierCeilings ceilings)
    {
        string[] texts = new string[TierCeilings.Count];
        for (int tier = 0; tier < texts.Length; tier++)
            texts[tier] = ceilings[tier] == TierCeilings.None ? "none" : ceilings[tier].ToString(CultureInfo.InvariantCulture);
        return "ceilings " + string.Join(' ', texts);
    }

    private void Instructions(StringBuilder text)
    {
        Line(text, $"program: {_program.Instructions.Length} instructions, {_program.RegisterCount} registers");
        if (_program.Ladder is { } ladder)
            for (int currency = 0; currency < _corridors.CurrencyCount; currency++)
                Line(text, $"  ranks of currency class {currency}: above {string.Join(' ', ladder.Steps.Skip(ladder.FirstSteps[currency]).Take(ladder.StepCount).TakeWhile(static step => step != AmountLadder.Never))}");
        foreach (ref readonly RuleInstruction step in _program.Instructions)
            Line(text, step.Op switch
            {
                RuleOp.InRange => $"  r{step.Target} = {step.Column} in {step.Low}..{step.Low + step.Span}",
                RuleOp.InSet => $"  r{step.Target} = {step.Column} in {Members(_program.Sets[step.Set])}",
                RuleOp.AmountAtLeast => $"  r{step.Target} = amount >= {step.Amount}",
                RuleOp.And => $"  r{step.Target} = r{step.Left} and r{step.Right}",
                RuleOp.Or => $"  r{step.Target} = r{step.Left} or r{step.Right}",
                RuleOp.Not => $"  r{step.Target} = not r{step.Left}",
                RuleOp.Always => $"  r{step.Target} = all",
                RuleOp.Deny => $"  where r{step.Target}: refused by rule {step.Rule}",
                RuleOp.Review => $"  where r{step.Target}: sent to review by rule {step.Rule}",
                _ => $"  where r{step.Target}: masked limit {step.Rule} applies",
            });
    }

    private static string Members(NibbleSet set)
    {
        StringBuilder members = new("{");
        for (int value = 0; value < 256; value++)
            if (((value < 128 ? set.Low : set.High)[value & 15] >> (value >> 4 & 7) & 1) != 0)
                members.Append(CultureInfo.InvariantCulture, $" {value}");
        return members.Append(" }").ToString();
    }
}
