using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Show;

/// <summary>Blocks and what is in them as JSON, one object a line; `record` says what it is.</summary>
internal sealed class ShowJson(TextWriter output) : IShowOutput
{
    private static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public void Block(in ShownBlock block)
    {
        BlockHeader header = block.Header;
        Write(new
        {
            record = "block",
            block = header.Number,
            kind = SnakeCase.Of(header.Kind),
            time = TimeText.Format(header.TimeNs),
            first_sequence = header.FirstSequence,
            count = header.Count,
            bytes = block.Bytes,
            attachment_bytes = header.AttachmentBytes,
            term = header.Term,
            chain = block.Chain.ToString(),
            previous = header.Previous.ToString(),
            file = block.File,
            offset = block.FileOffset,
        });
    }

    public void Genesis(in ShownBlock block, in Genesis genesis) => Write(new
    {
        record = "genesis",
        block = block.Header.Number,
        ledger = block.Header.LedgerId.ToString("x32", CultureInfo.InvariantCulture),
        accounts_max = genesis.AccountsMax,
        participants_max = genesis.ParticipantsMax,
        currencies_max = genesis.CurrenciesMax,
        sessions_max = genesis.SessionsMax,
        streams_max = genesis.StreamsMax,
        targets_max = genesis.TargetsMax,
        sums_max = genesis.SumsMax,
    });

    public void Seal(LedgerState state, in ShownBlock block, ClosedBatch statement) => Write(new
    {
        record = "seal",
        block = block.Header.Number,
        batch = statement.Number,
        first_sequence = statement.FirstSequence,
        last_sequence = statement.LastSequence,
        opened = TimeText.Format(statement.OpenedNs),
        closed = TimeText.Format(statement.ClosedNs),
        count = statement.Count,
        accepted = statement.Accepted,
        rules = statement.RulesHash == default ? null : statement.RulesHash.ToString(),
        root = statement.Root.ToString(),
        state_hash = statement.StateHash.ToString(),
        gross = statement.Gross.Select(gross => new
        {
            currency = LedgerText.CurrencyOf(gross.Currency),
            amount = LedgerText.Amount(state, (Int128)gross.Amount, gross.Currency),
        }),
        net = statement.Net.Select(net => new
        {
            participant = LedgerText.ParticipantOf(state, net.Participant),
            currency = LedgerText.CurrencyOf(net.Currency),
            net = LedgerText.Amount(state, net.Net, net.Currency),
            fee = LedgerText.Amount(state, net.Fee, net.Currency),
        }),
    });

    public void Members(in ShownBlock block, ReadOnlySpan<byte> body) => Write(new { record = "members", block = block.Header.Number, body = Convert.ToHexStringLower(body) });

    public void Payment(LedgerState state, in ShownBlock block, ulong sequence, in Payment payment, in Outcome outcome)
    {
        bool hasTarget = LedgerText.HasTarget(payment.Instruction);
        Write(new
        {
            record = "payment",
            block = block.Header.Number,
            sequence,
            time = TimeText.Format(block.Header.TimeNs),
            id = PaymentIdText.Format(in payment),
            instruction = SnakeCase.Of(payment.Instruction),
            payer = hasTarget || payment.Instruction == Instruction.Issue ? null : Text(payment.Payer),
            payee = hasTarget || payment.Instruction == Instruction.Redeem ? null : Text(payment.Payee),
            target = hasTarget ? LedgerText.TargetOf(in payment) : null,
            amount = LedgerText.Amount(state, payment.Amount, payment.Currency),
            currency = LedgerText.CurrencyOf(payment.Currency),
            verdict = VerdictText.NameOf(outcome.Verdict),
            first = outcome.First == Verdict.Undecided ? null : VerdictText.NameOf(outcome.First),
            rule = outcome.Rule,
            batch = outcome.Batch,
            available = outcome.Verdict.IsAccepted() ? LedgerText.Amount(state, outcome.Available, payment.Currency) : null,
            reference = hasTarget ? null : Text(payment.Reference),
            valid_until = payment.ValidUntilNs == 0 ? null : TimeText.Format(payment.ValidUntilNs),
            purpose = SnakeCase.Of(payment.Purpose),
            level = payment.Level,
            refundable = (payment.Flags & PaymentFlags.Refundable) != 0,
            opening = (payment.Flags & PaymentFlags.Opening) != 0,
            session = payment.Session,
        });
    }

    public void Command(LedgerState state, in ShownBlock block, ulong sequence, in ControlCommand command, ReadOnlySpan<byte> continuation, in Outcome outcome) => Write(new
    {
        record = "command",
        block = block.Header.Number,
        sequence,
        time = TimeText.Format(block.Header.TimeNs),
        instruction = SnakeCase.Of(command.Instruction),
        fields = CommandFields.Of(state, in command, continuation),
        slots = 1 + command.ContinuationSlots,
        verdict = VerdictText.NameOf(outcome.Verdict),
        session = command.Session,
    });

    public void End(ShownEnd end) => Write(new
    {
        record = "end",
        kind = end.Kind,
        file = end.File,
        offset = end.File is null ? null : (long?)end.Offset,
        block = end.File is null ? null : (ulong?)end.Block,
        what = end.What,
    });

    private void Write<T>(T line) => output.WriteLine(JsonSerializer.Serialize(line, s_json));

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
