using System.Runtime.CompilerServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Gateway.Http.Batches;

/// <summary>A payment that waits for a reviewer.</summary>
/// <param name="Sequence">Where it stands in the journal.</param>
/// <param name="Participant">The payer's.</param>
/// <param name="Level">The highest of payment, payer and payee: who has less clearance is not told.</param>
internal sealed record ReviewEvent(ulong Sequence, UInt128 Id, bool IsStreamId, ushort Participant, byte Level, ulong Amount, ushort Currency, ulong ExpiresNs);

/// <summary>A review as it was met: who may know of it is asked from the state later.</summary>
/// <param name="Keeper">Participant that its record is kept under; null: it follows from session and payee.</param>
internal readonly record struct ReviewNote(ulong Sequence, UInt128 Id, bool IsStreamId, ulong Payer, ulong Payee, byte Level, ulong Amount, ushort Currency, ushort Session, ushort? Keeper);

/// <summary>
/// Payments under review, in the order of their sequences: those that wait when the server starts, from the state, and every further one, as the reply thread
/// meets it.
/// </summary>
/// <remarks>
/// The reply thread looks at one byte of each outcome, and adds to a queue what waits: parties and levels are asked from the state elsewhere, when somebody is to
/// be told. Memory: <see cref="KeptMax"/> entries; older ones are forgotten, and are in the journal (`replay rules reviews`).
/// </remarks>
internal sealed class ReviewBoard
{
    public const int KeptMax = 65_536;

    private readonly Lock _lock = new();
    private readonly Queue<ReviewNote> _kept = new(); // written by: reply thread, under the lock
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Reply thread.</summary>
    public void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ulong firstSequence)
    {
        for (int i = 0; i < outcomes.Length; i++)
        {
            if (outcomes[i].Verdict == Verdict.UnderReview)
                Note(in slots[i], firstSequence + (ulong)i);
        }
    }

    /// <summary>Before anything runs, or before a node that begins to lead takes payments: the reviews that wait already, and no others.</summary>
    public void Seed(LedgerState state)
    {
        lock (_lock)
            _kept.Clear();
        var waiting = new List<ReviewNote>();
        for (int record = 1; record <= state.Targets.RecordsUsed; record++)
        {
            ref readonly TargetRecord target = ref state.Targets[record];
            if (target.Kind == TargetKind.Review)
            {
                waiting.Add(new ReviewNote(
                    target.Sequence, target.Id, (target.Flags & PaymentFlags.StreamId) != 0, state.Accounts[target.PayerRow].Wallet, state.Accounts[target.PayeeRow].Wallet,
                    target.Level, target.Remaining, target.Currency, 0, target.Participant));
            }
        }

        foreach (ReviewNote note in waiting.OrderBy(note => note.Sequence))
            Add(note);
    }

    /// <summary>The oldest behind a sequence; waits until there is one.</summary>
    public async Task<ReviewNote> NextBehindAsync(ulong sequence, CancellationToken cancel)
    {
        for (;;)
        {
            Task next;
            lock (_lock)
            {
                foreach (ReviewNote kept in _kept)
                {
                    if (kept.Sequence > sequence)
                        return kept;
                }

                next = _next.Task;
            }

            await next.WaitAsync(cancel);
        }
    }

    /// <summary>Null: it is not, or no longer, kept.</summary>
    public ReviewNote? Find(ulong sequence)
    {
        lock (_lock)
        {
            foreach (ReviewNote kept in _kept)
            {
                if (kept.Sequence == sequence)
                    return kept;
            }
        }

        return null;
    }

    /// <summary>What is told about a review, on the settle thread; null: it is decided already, and nobody has to be told to decide.</summary>
    public static ReviewEvent? Read(LedgerState state, in ReviewNote note)
    {
        int payerRow = state.Accounts.Find(note.Payer), payeeRow = state.Accounts.Find(note.Payee);
        if (payerRow == 0 || payeeRow == 0)
            return null;
        ref readonly AccountRow payer = ref state.Accounts[payerRow];
        ref readonly AccountRow payee = ref state.Accounts[payeeRow];
        ref readonly SessionRecord session = ref state.Sessions.At(note.Session);
        ushort keeper = note.Keeper ?? (session.IsOperator ? session.Participant : payee.Participant);
        ref readonly TargetRecord target = ref state.Targets[state.Targets.Find(keeper, note.Id)];
        if (target.Kind != TargetKind.Review || target.Sequence != note.Sequence)
            return null;
        byte level = Math.Max(note.Level, Math.Max(payer.Level, payee.Level));
        return new ReviewEvent(note.Sequence, note.Id, note.IsStreamId, payer.Participant, level, note.Amount, note.Currency, target.ExpiryNs);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Note(in Payment payment, ulong sequence) => Add(new ReviewNote(
        sequence, payment.Id, payment.HasStreamId, payment.Payer, payment.Payee, payment.Level, payment.Amount, payment.Currency, payment.Session, null));

    private void Add(ReviewNote note)
    {
        TaskCompletionSource told;
        lock (_lock)
        {
            _kept.Enqueue(note);
            if (_kept.Count > KeptMax)
                _kept.Dequeue();
            told = _next;
            _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        told.TrySetResult();
    }
}
