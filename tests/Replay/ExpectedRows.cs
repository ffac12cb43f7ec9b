using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replay;

/// <summary>
/// What the table of payments must hold, from the payments themselves and what the naive twin answered: written out here a second time, field by
/// field, from SEMANTICS and the list of columns.
/// </summary>
internal sealed class ExpectedRows(NaiveEngine model)
{
    private readonly Dictionary<TargetKey, (ulong Payer, ulong Payee, string Id)> _targets = [];

    public List<string> Payments { get; } = [];

    public void Add(GeneratedBlock block)
    {
        if (block.Header.Kind != BlockKind.Payments)
            return;
        for (int slot = 0; slot < block.Slots.Length; slot++)
            Payments.Add(Row(block.Header, slot, block.Slots[slot], block.Expected[slot]));
    }

    private string Row(BlockHeader header, int slot, Payment payment, Outcome outcome)
    {
        bool accepted = outcome.Verdict.IsAccepted();
        bool targets = payment.Instruction is Instruction.Capture or Instruction.Void or Instruction.Refund;
        NaiveSession? session = model.Sessions.GetValueOrDefault(payment.Session);
        (ulong payer, ulong payee, string? target) = !targets ? (payment.Payer, payment.Payee, null)
            : accepted ? _targets[new TargetKey(session!.Participant, payment.TargetId)]
            : (0UL, 0UL, IdText(payment.Payee, payment.Reference, payment.Reference >> 62 != 2));
        string id = IdText(payment.IdHigh, payment.IdLow, payment.HasStreamId);
        if (accepted && (payment.Instruction == Instruction.Hold || payment.Flags.HasFlag(PaymentFlags.Refundable)))
            _targets[new TargetKey(session!.IsOperator ? session.Participant : model.Wallets[payee].Participant, payment.Id)] = (payer, payee, id);
        NaiveCurrency? currency = model.Currencies.FirstOrDefault(known => known.Number == payment.Currency);
        int scale = currency?.Scale ?? Iso4217.ScaleOf(payment.Currency);
        string letters = Iso4217.LettersOf(payment.Currency);
        return string.Join('|',
        [
            Text(header.FirstSequence + (ulong)slot), Text(header.Number), Text(header.TimeNs / 1_000), Text(header.TimeNs), id,
            payer == 0 ? "null" : Text(payer), ParticipantOf(payer), payee == 0 ? "null" : Text(payee), ParticipantOf(payee),
            scale < 0 ? "null" : Decimal(payment.Amount, scale), Text(payment.Amount), letters.Length > 0 ? letters : Text(payment.Currency),
            Snake(payment.Instruction.ToString()), Snake(payment.Purpose.ToString()), Text(payment.Level),
            targets ? "null" : Text(payment.Reference), target ?? "null",
            Flag(payment, PaymentFlags.Refundable), Flag(payment, PaymentFlags.Opening),
            payment.ValidUntilNs == 0 ? "null" : Text(payment.ValidUntilNs / 1_000), payment.ValidUntilNs == 0 ? "null" : Text(payment.ValidUntilNs),
            Text(payment.Session), session is null ? "null" : model.Participants[session.Participant],
            Snake(outcome.Verdict.ToString()), outcome.First == Verdict.Undecided ? "null" : Snake(outcome.First.ToString()),
            outcome.Rule == 0 ? "null" : Text(outcome.Rule), accepted ? Text(outcome.Batch) : "null",
            accepted ? Decimal(outcome.Available, scale) : "null", accepted ? Text(outcome.Available) : "null",
        ]);
    }

    /// <summary>As DuckDB prints DECIMAL(38,18).</summary>
    public static string Decimal(Int128 units, int scale)
    {
        string text = AmountText.ToText(units, scale);
        return (scale == 0 ? text + "." : text) + new string('0', 18 - scale);
    }

    private static string Flag(Payment payment, PaymentFlags flag) => payment.Flags.HasFlag(flag) ? "true" : "false";

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);

    private static string IdText(ulong high, ulong low, bool isStream)
    {
        string hex = new UInt128(high, low).ToString("x32", CultureInfo.InvariantCulture);
        return isStream ? $"{hex[..16]}:{Text(low)}" : $"{hex[..8]}-{hex[8..12]}-{hex[12..16]}-{hex[16..20]}-{hex[20..]}";
    }

    private static string Snake(string name) =>
        string.Concat(name.Select((letter, at) => char.IsUpper(letter) ? (at > 0 ? "_" : "") + char.ToLowerInvariant(letter) : letter.ToString()));

    private string ParticipantOf(ulong wallet) => model.Wallets.TryGetValue(wallet, out NaiveWallet? known) ? model.Participants[known.Participant] : "null";
}
