using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using Settlement.Replay.State;

namespace Settlement.Replay.WhatIf;

/// <summary>What a hypothesis gave, as lines or JSON.</summary>
internal sealed class WhatIfReport(
    string journal, string rules, RangeStart start, WhatIfRun run, FlipTally tally, BalanceEffect balances, OtherRules other)
{
    /// <summary>Lines of one count that are printed; JSON has all of them.</summary>
    private const int LinesMax = 12;

    private const string HowBatchesMatch = "by actual batch: a payment counts in the batch in which it was judged";

    private readonly RulePlan? _plan = other.Plan;

    private LedgerState State => run.Actual;

    public void PrintLines(TextWriter output)
    {
        Line(output, $"{journal} under {(_plan is null ? "no rules" : $"{rules} ({_plan.Table.Rules.Length} rules, {_plan.Table.Hash})")}, in force from {FromText()} on; up to sequence {State.Sequence}");
        Line(output, $"  {tally.PrimaryCount + tally.ConsequentialCount:N0} payments would have another verdict: {tally.PrimaryCount:N0} by the rules, {tally.ConsequentialCount:N0} because of earlier ones; {tally.OtherRuleCount:N0} would be refused by another rule");
        PrintCounts(output, "verdicts", FlipDimension.Verdict);
        PrintCounts(output, "decided by", FlipDimension.Cause);
        PrintCounts(output, "corridors", FlipDimension.Corridor);
        PrintCounts(output, "participants", FlipDimension.Participant);
        PrintCounts(output, "value", FlipDimension.Band);
        foreach (((Instruction instruction, Verdict from, Verdict to), long count) in tally.Commands.OrderBy(entry => entry.Key))
            Line(output, $"  commands: {InstructionText.NameOf(instruction)}  {VerdictText.NameOf(from)} -> {VerdictText.NameOf(to)}  {count:N0}");
        foreach ((ushort currency, long count, Int128 up, Int128 down) in balances.ByCurrency())
            Line(output, $"  balances in {LedgerText.CurrencyOf(currency)}: {count:N0} accounts would hold another sum, {Amount(up, currency)} more and {Amount(down, currency)} less");
        foreach (BalanceChange change in balances.Biggest.Items())
            Line(output, $"    wallet {change.Wallet}  {LedgerText.CurrencyOf(change.Currency)}  {Amount((Int128)change.Actual, change.Currency)} -> {Amount((Int128)change.Hypothetical, change.Currency)}  {Signed(change.Change, change.Currency)}");
        Line(output, $"  batches: {State.Batch.Number - 1:N0} closed, {run.Hypothetical.Batch.Number - 1:N0} would have; positions of {tally.BatchesChanged:N0} would be others ({HowBatchesMatch})");
        foreach (PositionChange change in tally.PositionChanges.Items())
            Line(output, $"    batch {change.Batch}  {LedgerText.ParticipantOf(State, change.Participant)}  {LedgerText.CurrencyOf(change.Currency)}  {Signed(change.Change, change.Currency)}");
        foreach ((ushort participant, ushort currency, Int128 change) in tally.TotalChanges())
            Line(output, $"    all batches  {LedgerText.ParticipantOf(State, participant)}  {LedgerText.CurrencyOf(currency)}  {Signed(change, currency)}");
        if (tally.Examples.Count > 0)
            output.WriteLine("  examples");
        foreach (Flip flip in tally.Examples)
            Line(output, $"    sequence {flip.Sequence}  {PaymentIdText.Format(flip.Payment)}  {InstructionText.NameOf(flip.Payment.Instruction)} {flip.Parties.Payer} -> {flip.Parties.Payee}  {LedgerText.Money(State, flip.Payment.Amount, flip.Payment.Currency)}  {VerdictText.NameOf(flip.From)} -> {VerdictText.NameOf(flip.To)}  {FlipText.CauseOf(flip.Cause.IsPrimary)}: {CauseText(flip.Cause.Rule, flip.Cause.Verdict, flip.Cause.InHypothesis)}");
    }

    public void PrintJson(TextWriter output)
    {
        using var json = new JsonText(output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteString("journal", journal);
        writer.WriteString("ledger", State.LedgerId.ToString("x32", null));
        if (_plan is null)
            writer.WriteNull("rules");
        else
            writer.WriteString("rules", _plan.Table.Hash.ToString());
        writer.WriteStartArray("modules");
        foreach (LawModule module in other.Modules)
        {
            writer.WriteStartObject();
            writer.WriteString("module", module.Name);
            writer.WriteNumber("version", module.Version);
            writer.WriteString("text_hash", module.Hash.ToString());
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteString("from", FromText());
        writer.WriteString("first_sequence", JsonText.Exact(Math.Max(1, start.Sequence)));
        writer.WriteString("sequence", JsonText.Exact(State.Sequence));
        writer.WriteNumber("flips", tally.PrimaryCount + tally.ConsequentialCount);
        writer.WriteNumber("primary", tally.PrimaryCount);
        writer.WriteNumber("consequential", tally.ConsequentialCount);
        writer.WriteNumber("other_rule", tally.OtherRuleCount);
        WriteCounts(writer, "verdicts", FlipDimension.Verdict);
        WriteCounts(writer, "decided_by", FlipDimension.Cause);
        WriteCounts(writer, "corridors", FlipDimension.Corridor);
        WriteCounts(writer, "participants", FlipDimension.Participant);
        WriteCounts(writer, "value_bands", FlipDimension.Band);
        writer.WriteStartArray("commands");
        foreach (((Instruction instruction, Verdict from, Verdict to), long count) in tally.Commands.OrderBy(entry => entry.Key))
        {
            writer.WriteStartObject();
            writer.WriteString("instruction", InstructionText.NameOf(instruction));
            writer.WriteString("from", VerdictText.NameOf(from));
            writer.WriteString("to", VerdictText.NameOf(to));
            writer.WriteNumber("count", count);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        WriteBalances(writer);
        WriteBatches(writer);
        WriteExamples(json);
        json.End();
    }

    private void PrintCounts(TextWriter output, string name, FlipDimension dimension)
    {
        int lines = 0;
        foreach ((FlipKey key, FlipCount count) in tally.Counts(dimension))
        {
            if (lines++ == 0)
                output.WriteLine($"  {name}");
            if (lines > LinesMax)
                continue;
            string what = NameOf(in key);
            Line(output, $"    {(what.Length == 0 ? "" : what + "  ")}{VerdictText.NameOf(key.From)} -> {VerdictText.NameOf(key.To)}  {FlipText.CauseOf(key.IsPrimary)}  {count.Count:N0}  {LedgerText.Money(State, (Int128)count.Value, key.Currency)}");
        }

        if (lines > LinesMax)
            Line(output, $"    … and {lines - LinesMax:N0} more: --json has all");
    }

    private void WriteCounts(Utf8JsonWriter writer, string name, FlipDimension dimension)
    {
        writer.WriteStartArray(name);
        foreach ((FlipKey key, FlipCount count) in tally.Counts(dimension))
        {
            writer.WriteStartObject();
            switch (dimension)
            {
                case FlipDimension.Corridor:
                    writer.WriteString("source", CountryOf(key.First));
                    writer.WriteString("destination", CountryOf(key.Second));
                    break;
                case FlipDimension.Participant:
                    writer.WriteString("participant", LedgerText.ParticipantOf(State, key.First));
                    break;
                case FlipDimension.Band:
                    writer.WriteString("band", FlipText.BandOf(key.First));
                    break;
                case FlipDimension.Cause:
                    WriteCause(writer, key.First, (Verdict)key.Second, key.InHypothesis);
                    break;
            }

            writer.WriteString("currency", LedgerText.CurrencyOf(key.Currency));
            writer.WriteString("from", VerdictText.NameOf(key.From));
            writer.WriteString("to", VerdictText.NameOf(key.To));
            writer.WriteString("cause", FlipText.CauseOf(key.IsPrimary));
            writer.WriteNumber("count", count.Count);
            writer.WriteString("value", Amount((Int128)count.Value, key.Currency));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private void WriteBalances(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("balances");
        foreach ((ushort currency, long count, Int128 up, Int128 down) in balances.ByCurrency())
        {
            writer.WriteStartObject();
            writer.WriteString("currency", LedgerText.CurrencyOf(currency));
            writer.WriteNumber("accounts", count);
            writer.WriteString("more", Amount(up, currency));
            writer.WriteString("less", Amount(down, currency));
            writer.WriteStartArray("biggest");
            foreach (BalanceChange change in balances.Biggest.Items().Where(change => change.Currency == currency))
            {
                writer.WriteStartObject();
                writer.WriteString("wallet", JsonText.Exact(change.Wallet));
                writer.WriteString("actual", Amount((Int128)change.Actual, currency));
                writer.WriteString("hypothetical", Amount((Int128)change.Hypothetical, currency));
                writer.WriteString("change", Amount(change.Change, currency));
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private void WriteBatches(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("batches");
        writer.WriteString("matched", HowBatchesMatch);
        writer.WriteString("closed_actual", JsonText.Exact(State.Batch.Number - 1));
        writer.WriteString("closed_hypothetical", JsonText.Exact(run.Hypothetical.Batch.Number - 1));
        writer.WriteNumber("changed", tally.BatchesChanged);
        writer.WriteStartArray("biggest");
        foreach (PositionChange change in tally.PositionChanges.Items())
        {
            writer.WriteStartObject();
            writer.WriteString("batch", JsonText.Exact(change.Batch));
            WritePosition(writer, change.Participant, change.Currency, change.Change);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("total");
        foreach ((ushort participant, ushort currency, Int128 change) in tally.TotalChanges())
        {
            writer.WriteStartObject();
            WritePosition(writer, participant, currency, change);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private void WritePosition(Utf8JsonWriter writer, ushort participant, ushort currency, Int128 change)
    {
        writer.WriteString("participant", LedgerText.ParticipantOf(State, participant));
        writer.WriteString("currency", LedgerText.CurrencyOf(currency));
        writer.WriteString("change", Amount(change, currency));
        writer.WriteEndObject();
    }

    private void WriteExamples(JsonText json)
    {
        Utf8JsonWriter writer = json.Writer;
        writer.WriteStartArray("examples");
        foreach (Flip flip in tally.Examples)
        {
            writer.WriteStartObject();
            writer.WriteString("sequence", JsonText.Exact(flip.Sequence));
            writer.WriteString("time", TimeText.Format(flip.TimeNs));
            writer.WriteString("id", PaymentIdText.Format(flip.Payment));
            writer.WriteString("instruction", InstructionText.NameOf(flip.Payment.Instruction));
            writer.WriteString("payer", JsonText.Exact(flip.Parties.Payer));
            writer.WriteString("payee", JsonText.Exact(flip.Parties.Payee));
            writer.WriteString("currency", LedgerText.CurrencyOf(flip.Payment.Currency));
            writer.WriteString("amount", Amount(flip.Payment.Amount, flip.Payment.Currency));
            writer.WriteString("from", VerdictText.NameOf(flip.From));
            writer.WriteString("to", VerdictText.NameOf(flip.To));
            writer.WriteString("cause", FlipText.CauseOf(flip.Cause.IsPrimary));
            WriteCause(writer, flip.Cause.Rule, flip.Cause.Verdict, flip.Cause.InHypothesis);
            writer.WriteEndObject();
            json.DrainIfLong();
        }

        writer.WriteEndArray();
    }

    private void WriteCause(Utf8JsonWriter writer, ushort rule, Verdict verdict, bool inHypothesis)
    {
        writer.WriteString("decided_by", VerdictText.NameOf(verdict));
        writer.WriteString("under", FlipText.SideOf(inHypothesis));
        if (rule == 0)
            return;
        writer.WriteNumber("rule", rule);
        if (RuleNameOf(rule, inHypothesis) is { } name)
            writer.WriteString("rule_name", name);
    }

    private string NameOf(in FlipKey key) => key.Dimension switch
    {
        FlipDimension.Corridor => $"{CountryOf(key.First)} -> {CountryOf(key.Second)}",
        FlipDimension.Participant => LedgerText.ParticipantOf(State, key.First),
        FlipDimension.Band => FlipText.BandOf(key.First),
        FlipDimension.Cause => CauseText(key.First, (Verdict)key.Second, key.InHypothesis),
        _ => "",
    };

    private string CauseText(ushort rule, Verdict verdict, bool inHypothesis)
    {
        string under = inHypothesis ? "under the other rules" : "under the journal's";
        if (rule == 0)
            return $"{VerdictText.NameOf(verdict)} {under}";
        string name = RuleNameOf(rule, inHypothesis) is { } known ? $" {known}" : "";
        return LedgerText.Invariant($"{VerdictText.NameOf(verdict)} by rule {rule}{name} {under}");
    }

    /// <summary>Of the tables in force at the end; null: the rule is of an earlier one.</summary>
    private string? RuleNameOf(ushort rule, bool inHypothesis)
    {
        RuleTable? table = inHypothesis ? _plan?.Table : State.Rules?.Table;
        foreach (Rule known in table is null ? default : table.Rules)
        {
            if (known.Id == rule)
                return known.Name;
        }

        return null;
    }

    private static string CountryOf(ushort country) => country == 0 ? "reserve" : LedgerText.CountryOf(country);

    private string FromText() => start == RangeStart.Beginning ? "the beginning" : start.Point.ToString();

    private string Amount(Int128 amount, ushort currency) => LedgerText.Amount(State, amount, currency);

    private string Signed(Int128 amount, ushort currency) => (amount > 0 ? "+" : "") + Amount(amount, currency);

    private static void Line(TextWriter output, FormattableString line) => output.WriteLine(FormattableString.Invariant(line));
}
