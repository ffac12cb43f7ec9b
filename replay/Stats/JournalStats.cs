using System.Runtime.InteropServices;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Replay.Common;

namespace Settlement.Replay.Stats;

/// <summary>Everything that `replay stats` counts, in one walk over a journal. Memory does not grow with the journal, only with the ledger's cast.</summary>
/// <remarks>
/// Flows are of accepted payments that count as gross: micropayments, immediate ones, captures and released reviews from payer to payee, refunds back. A capture or refund has the
/// parties of its target: where the journal's beginning is gone, targets of that time are not known, and their flows are only counted.
/// </remarks>
internal sealed class JournalStats
{
    private readonly Tally?[] _verdicts = new Tally?[256];
    private readonly Tally?[] _instructions = new Tally?[256];
    private readonly Tally?[] _accepted = new Tally?[256]; // by instruction
    private readonly long[] _blocks = new long[(int)BlockKinds.Last + 1];
    private readonly TargetParties _parties = new();
    private ulong _lastSlotNs;

    public TimeFigures Time { get; } = new();

    public BatchFigures Batches { get; } = new();

    public ClientFigures Clients { get; } = new();

    public Distribution BlockPayments { get; } = new("block_payments", "payments a block", Quantity.Number);

    public Distribution BlockBytes { get; } = new("block_bytes", "bytes a block of payments, its header included", Quantity.Bytes);

    /// <summary>Between countries.</summary>
    public FlowTable Corridors { get; } = new();

    /// <summary>Between participants, those inside one included.</summary>
    public FlowTable Flows { get; } = new();

    /// <summary>Accepted captures and refunds whose parties are not known.</summary>
    public long UnknownPartiesCount { get; private set; }

    /// <summary>Headers and bodies.</summary>
    public long BlocksBytes { get; private set; }

    public long Commands { get; private set; }

    public IEnumerable<(Verdict Verdict, Tally Tally)> Verdicts => Listed(_verdicts).Select(listed => ((Verdict)listed.Code, listed.Tally));

    public IEnumerable<(Instruction Instruction, Tally Tally)> Instructions => Listed(_instructions).Select(listed => ((Instruction)listed.Code, listed.Tally));

    public IEnumerable<(BlockKind Kind, long Count)> Blocks =>
        Enumerable.Range(0, _blocks.Length).Where(kind => _blocks[kind] > 0).Select(kind => ((BlockKind)kind, _blocks[kind]));

    public long BlocksCount => _blocks.Sum();

    public IEnumerable<Distribution> Distributions =>
    [
        BlockPayments, BlockBytes, Time.Gap, Batches.Size, Batches.Duration, Batches.SealDelay, Batches.SealSlots, Clients.Delay, Clients.Ahead, Clients.TimeLeft,
    ];

    /// <summary>
    /// What was accepted with the effect of an instruction, in a currency; the index is the order of declaration. A payment under review is held, and an immediate one when
    /// it is released.
    /// </summary>
    public UInt128 AcceptedOf(Instruction instruction, int currencyIndex) => _accepted[(int)instruction]?[currencyIndex] ?? 0;

    /// <summary>Takes the block that the walk stands on.</summary>
    public void Take(JournalWalk walk, PointRange range)
    {
        ref readonly BlockHeader header = ref walk.Header;
        bool covered = range.Covers(header);
        if (covered)
        {
            _blocks[(int)header.Kind]++;
            BlocksBytes += BlockHeader.Size + header.BodyBytes;
        }

        if (header.Kind == BlockKind.Payments)
            TakePayments(walk, range.SlotsBefore(header), covered);
        else if (header.Kind == BlockKind.Control && covered)
            TakeCommands(walk, range.SlotsBefore(header));
        if (covered)
        {
            foreach (ClosedBatch batch in walk.ClosedNow)
                Batches.Close(batch, batch.LastSequence >= header.FirstSequence ? header.TimeNs : _lastSlotNs);
        }

        if (header.Count > 0)
            _lastSlotNs = header.TimeNs;
        if (header.Kind == BlockKind.Seal && covered)
            Batches.Seal(in header, ClosedBatch.Decode(walk.Body[..^(int)header.AttachmentBytes]).Number);
    }

    private void TakePayments(JournalWalk walk, int before, bool covered)
    {
        ref readonly BlockHeader header = ref walk.Header;
        ReadOnlySpan<Payment> payments = walk.Slots;
        ReadOnlySpan<Outcome> outcomes = walk.Outcomes;
        long accepted = 0;
        for (int i = 0; i < payments.Length; i++)
        {
            bool known = _parties.TryTake(walk.State, in payments[i], outcomes[i].Verdict, out ulong payer, out ulong payee);
            if (!covered || i < before)
                continue;
            TakePayment(walk.State, in payments[i], outcomes[i].Verdict, header.TimeNs);
            if (!outcomes[i].Verdict.IsAccepted())
                continue;
            accepted++;
            if (outcomes[i].Verdict == Verdict.Accepted)
                TakeFlow(walk.State, in payments[i], known, payer, payee);
        }

        _parties.Trim(walk.State);
        if (!covered)
            return;
        long taken = payments.Length - before;
        BlockPayments.Record((ulong)taken);
        BlockBytes.Record(BlockHeader.Size + header.BodyBytes);
        Time.Add(header.TimeNs, accepted, taken - accepted);
    }

    private void TakePayment(LedgerState state, in Payment payment, Verdict verdict, ulong timeNs)
    {
        int currency = state.Currencies.IndexOf(payment.Currency);
        bool accepted = verdict.IsAccepted();
        At(_verdicts, (byte)verdict, state).Add(currency, payment.Amount, accepted);
        At(_instructions, (byte)payment.Instruction, state).Add(currency, payment.Amount, accepted);
        if (accepted)
            At(_accepted, (byte)(verdict == Verdict.UnderReview ? Instruction.Hold : payment.Instruction), state).Add(currency, payment.Amount, accepted);
        Clients.Take(in payment, verdict, timeNs);
    }

    private void TakeFlow(LedgerState state, in Payment payment, bool known, ulong payer, ulong payee)
    {
        if (payment.Instruction is not (Instruction.Micropayment or Instruction.Immediate or Instruction.Capture or Instruction.Refund))
            return;
        if (!known)
        {
            UnknownPartiesCount++;
            return;
        }

        if (payment.Instruction == Instruction.Refund)
            (payer, payee) = (payee, payer);
        AddFlow(in state.Accounts[state.Accounts.Find(payer)], in state.Accounts[state.Accounts.Find(payee)], payment.Currency, payment.Amount);
    }

    private void AddFlow(in AccountRow from, in AccountRow to, ushort currency, ulong amount)
    {
        Corridors.Add(from.Country, to.Country, currency, amount);
        Flows.Add(from.Participant, to.Participant, currency, amount);
    }

    private void TakeCommands(JournalWalk walk, int before)
    {
        ReadOnlySpan<ControlCommand> slots = MemoryMarshal.Cast<Payment, ControlCommand>(walk.Slots);
        for (int i = 0; i < slots.Length; i += 1 + slots[i].ContinuationSlots)
            Commands++;
        LedgerState state = walk.State;
        foreach (ref readonly AccountMovement movement in walk.MovedByCommands)
        {
            // What a reviewer released: gross from now on.
            ref readonly AccountRow payee = ref state.Accounts[movement.Account];
            if (movement.Sequence < walk.Header.FirstSequence + (ulong)before || movement.Gain <= 0)
                continue;
            At(_accepted, (byte)Instruction.Immediate, state).Add(payee.CurrencyIndex, (ulong)movement.Gain, accepted: true);
            AddFlow(in state.Accounts[movement.Other], in payee, state.Currencies[payee.CurrencyIndex].Number, (ulong)movement.Gain);
        }
    }

    private static Tally At(Tally?[] tallies, int code, LedgerState state) => tallies[code] ??= new Tally(state.Genesis.CurrenciesMax);

    private static IEnumerable<(int Code, Tally Tally)> Listed(Tally?[] tallies) =>
        Enumerable.Range(0, tallies.Length).Where(code => tallies[code] is not null).Select(code => (code, tallies[code]!));
}
