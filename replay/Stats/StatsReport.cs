using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Replay.Common;

namespace Settlement.Replay.Stats;

/// <summary>One run of `replay stats`: what was counted, and what names and scales it is printed with.</summary>
/// <param name="Journal">The directory.</param>
/// <param name="LedgerId">Whose journal it is.</param>
/// <param name="Stats">What was counted.</param>
/// <param name="State">Behind the last block.</param>
/// <param name="Files">Segment files with their lengths, the zeros that are written ahead of the log's end included.</param>
/// <param name="Damage">Where the journal is damaged; null: it is not, up to the end of the range.</param>
/// <param name="TopCount">How many corridors and participants are listed.</param>
internal sealed record StatsReport(
    string Journal, UInt128 LedgerId, JournalStats Stats, LedgerState State, IReadOnlyList<(string Name, long Bytes)> Files, JournalEnd? Damage, int TopCount)
{
    /// <summary>A participant's part in a currency's flows.</summary>
    /// <param name="Participant">Index.</param>
    /// <param name="Currency">ISO 4217 number.</param>
    /// <param name="Count">Payments that it sent or received; those inside it once.</param>
    /// <param name="Sent">To others.</param>
    /// <param name="Received">From others.</param>
    /// <param name="Inside">Between its own wallets.</param>
    internal sealed record Side(ushort Participant, ushort Currency, long Count, UInt128 Sent, UInt128 Received, UInt128 Inside)
    {
        public Int128 Net => (Int128)Received - (Int128)Sent;
    }

    /// <summary>Log bytes a payment costs, everything counted; null: there is none.</summary>
    public double? BytesPerPayment => Stats.Time.Count == 0 ? null : Stats.BlocksBytes / (double)Stats.Time.Count;

    /// <summary>Participants by payments, the busiest first.</summary>
    public IReadOnlyList<Side> Sides()
    {
        var sides = new Dictionary<(ushort Participant, ushort Currency), Side>();
        void Add(ushort participant, in Flow flow, UInt128 sent, UInt128 received, UInt128 inside)
        {
            Side before = sides.GetValueOrDefault((participant, flow.Currency)) ?? new Side(participant, flow.Currency, 0, 0, 0, 0);
            sides[(participant, flow.Currency)] = before with
            {
                Count = before.Count + flow.Count, Sent = before.Sent + sent, Received = before.Received + received, Inside = before.Inside + inside,
            };
        }

        foreach (Flow flow in Stats.Flows.ByCount())
        {
            if (flow.From == flow.To)
            {
                Add(flow.From, in flow, 0, 0, flow.Amount);
                continue;
            }

            Add(flow.From, in flow, flow.Amount, 0, 0);
            Add(flow.To, in flow, 0, flow.Amount, 0);
        }

        return [.. sides.Values.OrderByDescending(side => side.Count).ThenBy(side => side.Participant).ThenBy(side => side.Currency)];
    }

    /// <summary>What moved in a currency; null where there was nothing of it.</summary>
    public CurrencyTotals? TotalsOf(int index)
    {
        var totals = new CurrencyTotals(
            State.Currencies[index].Number,
            Stats.AcceptedOf(Instruction.Micropayment, index) + Stats.AcceptedOf(Instruction.Immediate, index)
                + Stats.AcceptedOf(Instruction.Capture, index) + Stats.AcceptedOf(Instruction.Refund, index),
            Stats.AcceptedOf(Instruction.Hold, index), Stats.AcceptedOf(Instruction.Issue, index), Stats.AcceptedOf(Instruction.Redeem, index));
        return (totals.Gross | totals.Held | totals.Issued | totals.Redeemed) == 0 ? null : totals;
    }

    public IEnumerable<CurrencyTotals> Totals() =>
        Enumerable.Range(1, State.Currencies.Count).Select(TotalsOf).OfType<CurrencyTotals>();

    /// <param name="Currency">ISO 4217 number.</param>
    /// <param name="Gross">Micropayments, immediate payments, captures and refunds; what went to review when it was released.</param>
    /// <param name="Held">Holds made, and payments that went to review.</param>
    /// <param name="Issued">From the reserve.</param>
    /// <param name="Redeemed">Into it.</param>
    internal sealed record CurrencyTotals(ushort Currency, UInt128 Gross, UInt128 Held, UInt128 Issued, UInt128 Redeemed);
}
