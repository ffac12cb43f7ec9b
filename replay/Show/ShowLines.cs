using System.Text;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using static System.FormattableString;

namespace Settlement.Replay.Show;

/// <summary>Blocks and what is in them as lines for people.</summary>
internal sealed class ShowLines(TextWriter output) : IShowOutput
{
    private const int ChainDigits = 12;
    private const string Indent = "      ";

    public void Block(in ShownBlock block)
    {
        BlockHeader header = block.Header;
        string slots = header.Count == 0
            ? Invariant($"next sequence {header.FirstSequence}")
            : Invariant($"sequences {header.FirstSequence}-{header.FirstSequence + header.Count - 1}  {header.Count} slots");
        output.WriteLine(Invariant(
            $"block {header.Number}  {SnakeCase.Of(header.Kind)}  {TimeText.Format(header.TimeNs)}  {slots}  {block.Bytes} bytes  term {header.Term}  chain {block.Chain.ToString()[..ChainDigits]}  {block.File}:{block.FileOffset}"));
    }

    public void Genesis(in ShownBlock block, in Genesis genesis)
    {
        output.WriteLine(Invariant(
            $"{Indent}ledger {block.Header.LedgerId:x32}; room for {genesis.AccountsMax} accounts, {genesis.ParticipantsMax} participants, {genesis.CurrenciesMax} currencies,"));
        output.WriteLine(Invariant(
            $"{Indent}{genesis.SessionsMax} sessions, {genesis.StreamsMax} streams, {genesis.TargetsMax} holds and refundable payments, {genesis.SumsMax} sums; the salt key is not shown"));
    }

    public void Seal(LedgerState state, in ShownBlock block, ClosedBatch statement)
    {
        output.WriteLine(Invariant(
            $"{Indent}batch {statement.Number}  sequences {statement.FirstSequence}-{statement.LastSequence}  opened {TimeText.Format(statement.OpenedNs)}  closed {TimeText.Format(statement.ClosedNs)}  count {statement.Count}  accepted {statement.Accepted}"));
        output.WriteLine($"{Indent}root        {statement.Root}");
        output.WriteLine($"{Indent}state hash  {statement.StateHash}");
        output.WriteLine($"{Indent}rules       {(statement.RulesHash == default ? "none" : statement.RulesHash.ToString())}");
        foreach (GrossValue gross in statement.Gross)
            output.WriteLine($"{Indent}gross       {LedgerText.Money(state, (Int128)gross.Amount, gross.Currency)}");
        foreach (NetPosition net in statement.Net)
        {
            string fee = net.Fee == 0 ? "" : $"  fee {LedgerText.Money(state, net.Fee, net.Currency)}";
            output.WriteLine($"{Indent}net         {LedgerText.Money(state, net.Net, net.Currency)}  {LedgerText.ParticipantOf(state, net.Participant)}{fee}");
        }

        if (block.Header.AttachmentBytes > 0)
            output.WriteLine(Invariant($"{Indent}attachment  {block.Header.AttachmentBytes} bytes"));
    }

    public void Members(in ShownBlock block, ReadOnlySpan<byte> body) => output.WriteLine(Invariant($"{Indent}{body.Length} bytes of members"));

    public void Payment(LedgerState state, in ShownBlock block, ulong sequence, in Payment payment, in Outcome outcome)
    {
        string parties = payment.Instruction switch
        {
            _ when LedgerText.HasTarget(payment.Instruction) => $"of {LedgerText.TargetOf(in payment)}",
            Instruction.Issue => Invariant($"reserve:{LedgerText.CurrencyOf(payment.Currency)} → {payment.Payee}"),
            Instruction.Redeem => Invariant($"{payment.Payer} → reserve:{LedgerText.CurrencyOf(payment.Currency)}"),
            _ => Invariant($"{payment.Payer} → {payment.Payee}"),
        };
        string amount = LedgerText.Money(state, payment.Amount, payment.Currency);
        output.WriteLine(Invariant(
            $"{sequence,12}  {PaymentIdText.Format(in payment),-20}  {parties,-22}  {amount,16}  {SnakeCase.Of(payment.Instruction),-13}  {VerdictText.Of(in outcome)}  batch {outcome.Batch}{RestOf(in payment)}"));
    }

    public void Command(LedgerState state, in ShownBlock block, ulong sequence, in ControlCommand command, ReadOnlySpan<byte> continuation, in Outcome outcome)
    {
        var line = new StringBuilder();
        line.Append(Invariant($"{sequence,12}  {SnakeCase.Of(command.Instruction)}"));
        foreach ((string name, object value) in CommandFields.Of(state, in command, continuation))
            line.Append(Invariant($"  {name} {value}"));
        line.Append(Invariant($"  {VerdictText.Of(in outcome)}  session {command.Session}"));
        output.WriteLine(line);
    }

    public void End(ShownEnd end)
    {
        if (end.Kind is ShowRun.DamageEnd)
            output.WriteLine(Invariant($"DAMAGE  block {end.Block} at {end.File}, offset {end.Offset}: {end.What}. Nothing behind it can be believed; `replay verify` says more."));
        else if (end.Kind is ShowRun.TornTailEnd)
            output.WriteLine(Invariant($"warning  the last write, block {end.Block} at {end.File}, offset {end.Offset}, is unfinished and was never acknowledged: {end.What}."));
        else if (end.Kind is ShowRun.LimitEnd)
            output.WriteLine("Stopped at the limit.");
    }

    /// <summary>What most payments have not.</summary>
    private static string RestOf(in Payment payment)
    {
        var rest = new StringBuilder();
        if ((payment.Flags & PaymentFlags.Refundable) != 0)
            rest.Append("  refundable");
        if ((payment.Flags & PaymentFlags.Opening) != 0)
            rest.Append("  opening");
        if (payment.Purpose != Purpose.Unstated)
            rest.Append("  purpose ").Append(SnakeCase.Of(payment.Purpose));
        if (payment.Level != 0)
            rest.Append(Invariant($"  level {payment.Level}"));
        if (payment.ValidUntilNs != 0)
            rest.Append("  valid until ").Append(TimeText.Format(payment.ValidUntilNs));
        if (payment.Reference != 0 && !LedgerText.HasTarget(payment.Instruction))
            rest.Append(Invariant($"  reference {payment.Reference}"));
        return rest.ToString();
    }
}
