using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Replay.Common;

namespace Settlement.Replay.Export.Iso;

/// <summary>
/// What accepted payments do to booked balances (available, pending and held together), out of a walk. A hold, its release and its expiry change
/// none, and no more does a review, until a reviewer's command carries the payment out; a capture, a refund name their parties by a target, which is remembered from the payment that made it or found in the ledger at the
/// range's start.
/// </summary>
/// <remarks>
/// Bounds: targets remembered are swept whenever they have doubled since the last time; what the ledger has forgotten can be no payment's
/// target.
/// </remarks>
internal sealed class WalletMovements(RangeStart start, ulong? wallet, MovementSort into)
{
    private const int SweepCountMin = 1 << 16;

    private readonly record struct Target(int PayerRow, int PayeeRow, bool Pends);

    private readonly Dictionary<(ushort Participant, UInt128 Id), Target> _targets = [];
    private readonly Dictionary<ulong, Payment> _reviews = []; // by sequence
    private int _sweepAt = SweepCountMin;

    /// <summary>Takes the block that the walk has just applied.</summary>
    public void Take(JournalWalk walk)
    {
        if (walk.Header.Kind == BlockKind.Payments)
            TakePayments(walk.State, in walk.Header, walk.Slots, walk.Outcomes);
        else
            TakeReleases(walk.State, walk.MovedByCommands);
    }

    internal void TakePayments(LedgerState state, in BlockHeader header, ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes)
    {
        for (int i = 0; i < slots.Length; i++)
        {
            ulong sequence = header.FirstSequence + (ulong)i;
            if (sequence <= start.Point.Sequence)
                continue;
            if (outcomes[i].Verdict == Verdict.UnderReview)
                TakeUnderReview(state, in slots[i], sequence);
            else if (outcomes[i].Verdict == Verdict.Accepted)
                Take(state, in slots[i], outcomes[i].Batch, sequence, header.TimeNs);
        }

        if (_targets.Count > _sweepAt)
            Sweep(state);
    }

    /// <summary>Nothing is booked; what a release may book, and a refund or capture behind it, is remembered.</summary>
    private void TakeUnderReview(LedgerState state, in Payment payment, ulong sequence)
    {
        _reviews[sequence] = payment;
        Remember(state, in payment, new Target(
            RowOf(state, payment.Payer, payment.Currency), RowOf(state, payment.Payee, payment.Currency), payment.Instruction != Instruction.Immediate));
    }

    /// <summary>A released payment is booked with its own id and purpose, at the sequence of the command that released it.</summary>
    internal void TakeReleases(LedgerState state, ReadOnlySpan<AccountMovement> movedByCommands)
    {
        foreach (ref readonly AccountMovement moved in movedByCommands)
        {
            if (moved.Gain == 0 || moved.Sequence <= start.Point.Sequence)
                continue;
            Payment payment = ReviewOf(moved.Payment);
            var movement = new Movement
            {
                Sequence = moved.Sequence, TimeNs = moved.TimeNs, Amount = (UInt128)Int128.Abs(moved.Gain), IdLow = payment.IdLow, IdHigh = payment.IdHigh,
                Reference = payment.Reference, Batch = (uint)moved.Batch, Instruction = payment.Instruction, Purpose = payment.Purpose,
                Marks = payment.HasStreamId ? MovementMarks.StreamId : MovementMarks.None,
            };
            MovementMarks side = moved.Gain < 0 ? MovementMarks.None : MovementMarks.Credit | (moved.PendingChange != 0 ? MovementMarks.Pends : 0);
            Add(state, ref movement, moved.Account, moved.Other, side);
            if (moved.Gain > 0)
                _reviews.Remove(moved.Payment); // the payer's movement comes first
        }
    }

    /// <summary>The payment of that sequence, as it came; from before the range, what the ledger keeps of it, which is all but the client's reference.</summary>
    private Payment ReviewOf(ulong sequence)
    {
        if (_reviews.TryGetValue(sequence, out Payment payment))
            return payment;
        for (int record = 1; record <= start.State?.Targets.RecordsUsed; record++)
        {
            ref readonly TargetRecord review = ref start.State.Targets[record];
            if (review.Kind == TargetKind.Review && review.Sequence == sequence)
                return new Payment { IdLow = review.IdLow, IdHigh = review.IdHigh, Flags = review.Flags, Instruction = review.Instruction, Purpose = review.Purpose };
        }

        throw new LedgerBrokenException($"sequence {sequence} was released from review, and never went there");
    }

    private void Take(LedgerState state, in Payment payment, uint batch, ulong sequence, ulong timeNs)
    {
        var movement = new Movement
        {
            Sequence = sequence, TimeNs = timeNs, Amount = payment.Amount, IdLow = payment.IdLow, IdHigh = payment.IdHigh,
            Reference = payment.Reference, Batch = batch, Instruction = payment.Instruction, Purpose = payment.Purpose,
            Marks = payment.HasStreamId ? MovementMarks.StreamId : MovementMarks.None,
        };
        switch (payment.Instruction)
        {
            case Instruction.Micropayment or Instruction.Immediate:
            {
                bool refundable = (payment.Flags & PaymentFlags.Refundable) != 0;
                if (!refundable && wallet is { } only && payment.Payer != only && payment.Payee != only)
                    return;
                bool pends = payment.Instruction == Instruction.Micropayment;
                int payer = RowOf(state, payment.Payer, payment.Currency), payee = RowOf(state, payment.Payee, payment.Currency);
                Transfer(state, ref movement, payer, payee, pends);
                if (refundable)
                    Remember(state, in payment, new Target(payer, payee, pends));
                break;
            }

            case Instruction.Hold:
                Remember(state, in payment, new Target(
                    RowOf(state, payment.Payer, payment.Currency), RowOf(state, payment.Payee, payment.Currency), Pends: true));
                break;
            case Instruction.Capture or Instruction.Void or Instruction.Refund:
                TakeTargeted(state, in payment, ref movement);
                break;
            case Instruction.Issue:
                movement.Marks |= (payment.Flags & PaymentFlags.Opening) != 0 ? MovementMarks.Opening : 0;
                ByReserve(state, ref movement, payment.Payee, payment.Currency, isCredit: true);
                break;
            case Instruction.Redeem:
                ByReserve(state, ref movement, payment.Payer, payment.Currency, isCredit: false);
                break;
            default:
                throw new LedgerBrokenException($"sequence {sequence}: instruction {payment.Instruction} was accepted as a payment");
        }
    }

    private void TakeTargeted(LedgerState state, in Payment payment, ref Movement movement)
    {
        (ushort, UInt128) key = (state.Sessions.At(payment.Session).Participant, payment.TargetId);
        Target target = Find(key, movement.Sequence);
        if (payment.Instruction != Instruction.Refund)
            _targets.Remove(key);
        if (payment.Instruction == Instruction.Void)
            return;
        movement.TargetHigh = payment.Payee;
        if (payment.Instruction == Instruction.Refund)
        {
            Transfer(state, ref movement, target.PayeeRow, target.PayerRow, target.Pends);
            return;
        }

        Transfer(state, ref movement, target.PayerRow, target.PayeeRow, pends: true);
        if ((payment.Flags & PaymentFlags.Refundable) != 0)
            Remember(state, in payment, target with { Pends = true });
    }

    private Target Find((ushort Participant, UInt128 Id) key, ulong sequence)
    {
        if (_targets.TryGetValue(key, out Target target))
            return target;
        int record = start.State?.Targets.Find(key.Participant, key.Id) ?? 0;
        if (record == 0)
        {
            throw new JournalException(
                $"Sequence {sequence} is about a payment that stands in front of what the journal still holds: begin the range behind that, with --from.");
        }

        ref readonly TargetRecord found = ref start.State!.Targets[record];
        return new Target(found.PayerRow, found.PayeeRow, found.PendingBatch != 0);
    }

    private void Remember(LedgerState state, in Payment payment, Target target) => _targets[KeyOf(state, in payment, target.PayeeRow)] = target;

    private static (ushort Participant, UInt128 Id) KeyOf(LedgerState state, in Payment payment, int payeeRow)
    {
        ref readonly SessionRecord session = ref state.Sessions.At(payment.Session);
        return (session.IsOperator ? session.Participant : state.Accounts[payeeRow].Participant, payment.Id);
    }

    private void Transfer(LedgerState state, ref Movement movement, int payer, int payee, bool pends)
    {
        Add(state, ref movement, payer, payee, MovementMarks.None);
        Add(state, ref movement, payee, payer, MovementMarks.Credit | (pends ? MovementMarks.Pends : 0));
    }

    private void Add(LedgerState state, ref Movement movement, int account, int other, MovementMarks side)
    {
        if (wallet is { } only && state.Accounts[account].Wallet != only)
            return;
        MovementMarks marks = movement.Marks;
        movement.Account = account;
        movement.Counterparty = state.Accounts[other].Wallet;
        movement.CounterpartyParticipant = state.Accounts[other].Participant;
        movement.Marks |= side;
        into.Add(in movement);
        movement.Marks = marks;
    }

    private void ByReserve(LedgerState state, ref Movement movement, ulong owner, ushort currency, bool isCredit)
    {
        if (wallet is { } only && owner != only)
            return;
        movement.Account = RowOf(state, owner, currency);
        movement.CounterpartyParticipant = state.Currencies[state.Currencies.IndexOf(currency)].Authority;
        movement.Marks |= isCredit ? MovementMarks.Credit : 0;
        into.Add(in movement);
    }

    private static int RowOf(LedgerState state, ulong wallet, ushort currency) =>
        state.Accounts.InCurrency(state.Accounts.Find(wallet), state.Currencies.IndexOf(currency));

    private void Sweep(LedgerState state)
    {
        foreach ((ushort Participant, UInt128 Id) key in _targets.Keys)
        {
            if (state.Targets.Find(key.Participant, key.Id) == 0)
                _targets.Remove(key);
        }

        foreach ((ulong sequence, Payment payment) in _reviews)
        {
            if (!_targets.ContainsKey(KeyOf(state, in payment, RowOf(state, payment.Payee, payment.Currency))))
                _reviews.Remove(sequence);
        }

        _sweepAt = Math.Max(SweepCountMin, 2 * _targets.Count);
    }
}
