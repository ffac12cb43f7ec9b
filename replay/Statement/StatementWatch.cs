using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Replay.Common;
using Settlement.Replay.State;

namespace Settlement.Replay.Statement;

/// <summary>
/// Follows one wallet through a journal that is applied again. Payments that concern it are applied one by one, and its accounts are read before and behind each,
/// so that every running balance is the ledger's own.
/// </summary>
/// <remarks>
/// Invariant: an account changes by a payment that concerns the wallet, by a reviewer's decision about one, by the close of a batch, or, as a block begins, by
/// holds that expire. Any other change is a fault of this class or of the engine and throws.
/// </remarks>
internal sealed class StatementWatch : IBlockWatch
{
    private readonly BlockReplay _replay;
    private readonly ulong _wallet;
    private readonly RangeStart _start;
    private readonly LogicalBalance[] _balances = new LogicalBalance[byte.MaxValue + 1]; // by currency index
    private readonly Dictionary<ulong, Payment> _reviews = []; // of the wallet, by sequence
    private ulong _batch = 1;
    private ulong _timeNs;
    private bool _ofCommands;
    private int _movementsBefore; // of those that the ledger tells of this block
    private (ulong Payer, ulong Payee, ulong Amount) _target;

    public StatementWatch(BlockReplay replay, ulong wallet, RangeStart start)
    {
        (_replay, _wallet, _start) = (replay, wallet, start);
        if (!replay.HasState)
            return;
        _batch = State.Batch.Number;
        for (int row = State.Accounts.Find(wallet); row != 0; row = State.Accounts[row].Next)
            _balances[State.Accounts[row].CurrencyIndex] = LogicalBalance.Of(in State.Accounts[row], (uint)_batch);
        LearnReviews();
    }

    /// <summary>Told what the wallet held, by currency index, when the part asked for began; once, before the first movement.</summary>
    public required Action<LogicalBalance[]> Opened { get; init; }

    public required Action<Movement> Moved { get; init; }

    /// <summary>What it holds now, by currency index.</summary>
    public LogicalBalance[] Balances => _balances;

    private LedgerState State => _replay.State;

    private bool _opened;

    public void OnBegun(in BlockHeader header)
    {
        _timeNs = header.TimeNs;
        _ofCommands = header.Kind == BlockKind.Control;
        _movementsBefore = State.Movements?.All.Length ?? 0;
        for (int row = State.Accounts.Find(_wallet); row != 0; row = State.Accounts[row].Next)
        {
            if (Changed(row) is not { } now)
                continue;
            ulong released = _balances[State.Accounts[row].CurrencyIndex].Held - now.Held;
            Tell(row, now, header.FirstSequence, MovementKind.HoldExpired, released, default, 0);
        }

        NoteClose(header.FirstSequence);
    }

    public int CountTogether(ReadOnlySpan<Payment> rest, ulong firstSequence)
    {
        if (firstSequence < _start.Sequence)
            return (int)Math.Min(_start.Sequence - firstSequence, (ulong)rest.Length);
        if (Concerns(in rest[0]))
        {
            _target = TargetOf(in rest[0]);
            return 1;
        }

        int count = 1;
        while (count < rest.Length && !Concerns(in rest[count]))
            count++;
        return count;
    }

    public void OnApplied(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ulong firstSequence)
    {
        LearnReviews(slots, outcomes, firstSequence);
        if (firstSequence + (ulong)slots.Length <= _start.Sequence)
        {
            Skip();
            return;
        }

        if (_ofCommands)
        {
            TellDecisions(slots, outcomes, firstSequence);
            return;
        }

        bool explained = slots.Length == 1 && Concerns(in slots[0]) && outcomes[0].Verdict.IsAccepted();
        for (int row = State.Accounts.Find(_wallet); row != 0; row = State.Accounts[row].Next)
        {
            if (Changed(row) is not { } now)
                continue;
            if (!explained)
                throw new InvalidOperationException($"wallet {_wallet} changed between sequences {firstSequence} and {firstSequence + (ulong)slots.Length - 1}, and no payment there concerns it");
            Tell(row, now, firstSequence, in slots[0], outcomes[0].Verdict);
        }

        if (State.Batch.Number != _batch)
            NoteClose(firstSequence + (ulong)LastOfBatch(outcomes));
    }

    /// <summary>What reviewers' decisions among these commands did to the wallet, and the batches that closed between them.</summary>
    private void TellDecisions(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ulong firstSequence)
    {
        ReadOnlySpan<AccountMovement> moved = (State.Movements ?? throw new InvalidOperationException("the walk does not tell what commands move")).All[_movementsBefore..];
        ulong lastMoved = firstSequence;
        int slot = 0;
        foreach (ref readonly AccountMovement movement in moved)
        {
            NoteCloses(slots, outcomes, firstSequence, ref slot, movement.Sequence);
            if (movement.Batch != _batch) // the decision before this one filled the batch
                NoteClose(lastMoved, movement.Batch);
            lastMoved = movement.Sequence;
            if (State.Accounts[movement.Account].Wallet == _wallet)
                Tell(in movement);
        }

        NoteCloses(slots, outcomes, firstSequence, ref slot, firstSequence + (ulong)slots.Length);
        NoteClose(lastMoved);
        for (int row = State.Accounts.Find(_wallet); row != 0; row = State.Accounts[row].Next)
        {
            if (Changed(row) is not null)
                throw new InvalidOperationException($"wallet {_wallet} changed by commands from sequence {firstSequence} on, and no movement says so");
        }
    }

    /// <summary>Batches that commands closed before a sequence, from a slot on.</summary>
    private void NoteCloses(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ulong firstSequence, ref int slot, ulong before)
    {
        for (; slot < slots.Length && firstSequence + (ulong)slot < before; slot++)
        {
            if (slots[slot].Instruction == Instruction.CloseBatch && outcomes[slot].Verdict == Verdict.Accepted)
                NoteClose(firstSequence + (ulong)slot, _batch + 1);
        }
    }

    /// <summary>Takes note of the wallet's payments that go to review.</summary>
    private void LearnReviews(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ulong firstSequence)
    {
        for (int i = 0; i < slots.Length; i++)
        {
            if (outcomes[i].Verdict == Verdict.UnderReview && (slots[i].Payer == _wallet || slots[i].Payee == _wallet))
                _reviews[firstSequence + (ulong)i] = slots[i];
        }
    }

    /// <summary>Those that a snapshot has: all that the ledger keeps of them, which is all but the client's reference.</summary>
    private void LearnReviews()
    {
        for (int record = 1; record <= State.Targets.RecordsUsed; record++)
        {
            ref readonly TargetRecord review = ref State.Targets[record];
            ulong payer = State.Accounts[review.PayerRow].Wallet, payee = State.Accounts[review.PayeeRow].Wallet;
            if (review.Kind == TargetKind.Review && (payer == _wallet || payee == _wallet))
            {
                _reviews[review.Sequence] = new Payment
                {
                    IdLow = review.IdLow, IdHigh = review.IdHigh, Payer = payer, Payee = payee, Amount = review.Remaining, Currency = review.Currency,
                    Instruction = review.Instruction, Flags = review.Flags, Level = review.Level, Purpose = review.Purpose, ValidUntilNs = review.ValidUntilNs,
                };
            }
        }
    }

    /// <summary>To be called when the journal has been followed to the end of the part.</summary>
    public void End() => Open();

    private bool Concerns(in Payment payment) =>
        payment.Payer == _wallet || payment.Payee == _wallet || IsTargeted(payment.Instruction);

    private static bool IsTargeted(Instruction instruction) => instruction is Instruction.Capture or Instruction.Void or Instruction.Refund;

    /// <summary>The parties and amount of what a capture, void or refund is about, before it is applied.</summary>
    private (ulong Payer, ulong Payee, ulong Amount) TargetOf(in Payment payment)
    {
        int target = IsTargeted(payment.Instruction) ? State.Targets.Find(State.Sessions.At(payment.Session).Participant, payment.TargetId) : 0;
        if (target == 0)
            return default;
        ref readonly TargetRecord record = ref State.Targets[target];
        return (State.Accounts[record.PayerRow].Wallet, State.Accounts[record.PayeeRow].Wallet, record.Remaining);
    }

    /// <summary>What an account holds as of the batch known last, where that is not what it held; null: it is.</summary>
    private LogicalBalance? Changed(int row)
    {
        ref readonly AccountRow account = ref State.Accounts[row];
        var now = LogicalBalance.Of(in account, (uint)_batch);
        return account.CurrencyIndex == 0 || now == _balances[account.CurrencyIndex] ? null : now;
    }

    /// <summary>In front of the part asked for, balances are known and nothing is told.</summary>
    private void Skip()
    {
        _batch = State.Batch.Number;
        for (int row = State.Accounts.Find(_wallet); row != 0; row = State.Accounts[row].Next)
            _balances[State.Accounts[row].CurrencyIndex] = LogicalBalance.Of(in State.Accounts[row], (uint)_batch);
    }

    /// <summary>If the batch known last is closed, tells what of it became available.</summary>
    private void NoteClose(ulong sequence) => NoteClose(sequence, State.Batch.Number);

    private void NoteClose(ulong sequence, ulong batch)
    {
        if (batch == _batch)
            return;
        for (int row = State.Accounts.Find(_wallet); row != 0; row = State.Accounts[row].Next)
        {
            LogicalBalance before = _balances[State.Accounts[row].CurrencyIndex];
            if (before.Pending != 0)
                Tell(row, new LogicalBalance(before.Available + before.Pending, 0, before.Held), sequence, MovementKind.PendingAvailable, before.Pending, default, 0);
        }

        _batch = batch;
    }

    /// <summary>The payment behind which the batch closed that was open at the first of them.</summary>
    private static int LastOfBatch(ReadOnlySpan<Outcome> outcomes)
    {
        for (int i = 0; i + 1 < outcomes.Length; i++)
        {
            if (outcomes[i + 1].Batch != outcomes[i].Batch)
                return i;
        }

        return outcomes.Length - 1;
    }

    /// <summary>What a decision about a payment under review did to one account.</summary>
    private void Tell(in AccountMovement movement)
    {
        bool moves = movement.Gain != 0;
        MovementKind kind = !moves ? MovementKind.ReviewRefused : movement.Gain < 0 ? MovementKind.ReviewOut : MovementKind.ReviewIn;
        ulong amount = moves ? (ulong)Int128.Abs(movement.Gain) : movement.AvailableChange;
        Payment payment = _reviews.GetValueOrDefault(movement.Payment);
        var now = new LogicalBalance(movement.Available, movement.Pending, movement.Held);
        Tell(movement.Account, now, movement.Sequence, kind, amount, payment, State.Accounts[movement.Other].Wallet);
        _reviews.Remove(movement.Payment);
    }

    /// <summary>What an accepted payment did to one account.</summary>
    private void Tell(int row, LogicalBalance now, ulong sequence, in Payment payment, Verdict verdict)
    {
        bool pays = payment.Payer == _wallet;
        bool paid = _target.Payer == _wallet;
        (MovementKind kind, ulong amount, ulong counterparty) = payment.Instruction switch
        {
            _ when verdict == Verdict.UnderReview => (MovementKind.Review, payment.Amount, payment.Payee),
            Instruction.Micropayment or Instruction.Immediate => pays
                ? (MovementKind.PaymentOut, payment.Amount, payment.Payee)
                : (MovementKind.PaymentIn, payment.Amount, payment.Payer),
            Instruction.Hold => (MovementKind.Hold, payment.Amount, payment.Payee),
            Instruction.Capture => paid
                ? (MovementKind.CaptureOut, payment.Amount, _target.Payee)
                : (MovementKind.CaptureIn, payment.Amount, _target.Payer),
            Instruction.Void => (MovementKind.Void, _target.Amount, _target.Payee),
            Instruction.Refund => paid
                ? (MovementKind.RefundIn, payment.Amount, _target.Payee)
                : (MovementKind.RefundOut, payment.Amount, _target.Payer),
            Instruction.Issue => ((payment.Flags & PaymentFlags.Opening) != 0 ? MovementKind.Opening : MovementKind.Issue, payment.Amount, 0UL),
            Instruction.Redeem => (MovementKind.Redeem, payment.Amount, 0UL),
            _ => throw new InvalidOperationException($"{payment.Instruction} moves no money"),
        };
        Tell(row, now, sequence, kind, amount, payment, counterparty);
    }

    private void Tell(int row, LogicalBalance now, ulong sequence, MovementKind kind, ulong amount, Payment payment, ulong counterparty)
    {
        byte index = State.Accounts[row].CurrencyIndex;
        LogicalBalance before = _balances[index];
        if (_start.IsReached(sequence, _timeNs, _batch))
        {
            Open();
            Moved(new Movement
            {
                Sequence = sequence,
                TimeNs = _timeNs,
                Batch = _batch,
                Kind = kind,
                Currency = State.Currencies[index].Number,
                Amount = amount,
                Change = (Int128)now.Total - before.Total,
                After = now,
                Payment = payment,
                Counterparty = counterparty,
            });
        }

        _balances[index] = now;
    }

    private void Open()
    {
        if (_opened)
            return;
        _opened = true;
        Opened([.. _balances]);
    }
}
