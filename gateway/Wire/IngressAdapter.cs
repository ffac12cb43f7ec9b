using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Gateway.Serve.Roles;

namespace Settlement.Gateway.Wire;

/// <summary>
/// The inbound edge of the engine for whoever serves clients: takes room in the ring, copies slots into it once, and publishes them under the session's index.
/// </summary>
/// <remarks>
/// Invariant: what is claimed is published, whatever happens in between: nothing between the two can fail or wait. Who finds the ring full waits in a queue, so
/// that small frames do not starve large ones, and holds no thread meanwhile.
/// </remarks>
internal sealed class IngressAdapter(LedgerEngine engine, ServerCounters counters) : IDisposable
{
    /// <summary>How long a claim waits before it looks again: at 2 million payments a second, 2,000 slots are free by then.</summary>
    private const int FullRingMs = 1;

    private readonly SemaphoreSlim _turn = new(1, 1);
    private int _waiting; // interlocked

    public LedgerEngine Engine => engine;

    /// <summary>Takes so many slots. The caller puts a frame there at once: it must.</summary>
    /// <exception cref="NotLeadingException">This node does not lead; nothing was taken.</exception>
    /// <exception cref="EngineStoppedException">The engine stopped; nothing was taken.</exception>
    /// <exception cref="OperationCanceledException">Nothing was taken.</exception>
    public ValueTask<RingClaim> ClaimAsync(int count, CancellationToken cancel)
    {
        Leadership leading = engine.Current;
        if (Volatile.Read(ref _waiting) == 0 && leading.TryClaim(count, out long first))
            return ValueTask.FromResult(new RingClaim(leading, first));
        return ClaimLaterAsync(leading, count, cancel);
    }

    /// <summary>As <see cref="ClaimAsync"/>, on a thread that may wait.</summary>
    public RingClaim Claim(int count)
    {
        Leadership leading = engine.Current;
        long first;
        while (!leading.TryClaim(count, out first))
            Thread.Sleep(FullRingMs);
        return new RingClaim(leading, first);
    }

    /// <summary>Payments into claimed slots. Control commands among them become malformed payments: they have frames of their own.</summary>
    /// <param name="claim">Of so many slots.</param>
    /// <param name="frame">Who waits for them.</param>
    /// <param name="payments">64 bytes each, in any pieces.</param>
    /// <param name="session">Stands in every slot; but a payment that brings a session of its own gets none, and is refused for that.</param>
    /// <param name="evidence">Of their payers' consent, checked; empty: none. With it this may wait.</param>
    public void PutPayments(RingClaim claim, in PendingFrame frame, in ReadOnlySequence<byte> payments, ushort session, ReadOnlySpan<byte> evidence = default)
    {
        (Leadership leading, long first) = claim;
        ulong tag = leading.Put(first, in frame);
        int count = frame.Count;
        for (int done = 0; done < count;)
        {
            Span<Payment> slots = leading.Slots(first + done, count - done, out Span<ulong> tags);
            payments.Slice((long)done * Payment.Size, (long)slots.Length * Payment.Size).CopyTo(MemoryMarshal.AsBytes(slots));
            for (int i = 0; i < slots.Length; i++)
            {
                Stamp(ref slots[i], session);
                tags[i] = tag + (ulong)(done + i);
            }

            done += slots.Length;
        }

        Count(count);
        leading.Publish(first, count, evidence);
    }

    /// <summary>Makes a client's payment what is journaled of it. Who checks signatures checks them over this, or the journal would have one that is none of the payment beside it.</summary>
    public static void Stamp(ref Payment payment, ushort session)
    {
        payment.Session = payment.Session == 0 ? session : (ushort)0;
        if (payment.Instruction.IsControl())
            payment.Instruction = Instruction.None;
    }

    /// <summary>Slots that are as they shall be journaled.</summary>
    /// <param name="claim">Of so many slots.</param>
    /// <param name="frame">Who waits for them.</param>
    /// <param name="slots">Continuations end within them.</param>
    public void Put(RingClaim claim, in PendingFrame frame, ReadOnlySpan<Payment> slots)
    {
        (Leadership leading, long first) = claim;
        ulong tag = leading.Put(first, in frame);
        for (int done = 0; done < slots.Length;)
        {
            Span<Payment> ring = leading.Slots(first + done, slots.Length - done, out Span<ulong> tags);
            slots.Slice(done, ring.Length).CopyTo(ring);
            for (int i = 0; i < ring.Length; i++)
                tags[i] = tag + (ulong)(done + i);
            done += ring.Length;
        }

        Count(slots.Length);
        leading.Publish(first, slots.Length);
    }

    /// <summary>Puts slots in and awaits their outcomes: for those who have few.</summary>
    /// <param name="slots">With their session; at most 65,535.</param>
    /// <param name="areCommands">Commands with their continuations, else payments.</param>
    /// <param name="cancel">Ends the waiting, not what is under way.</param>
    /// <exception cref="NotLeadingException">This node does not lead, or does not any more: then they may be decided all the same.</exception>
    /// <exception cref="EngineStoppedException">The engine stopped; nothing was taken.</exception>
    public async Task<SlotOutcomes> SubmitAsync(ReadOnlyMemory<Payment> slots, bool areCommands, CancellationToken cancel)
    {
        var waiting = new AwaitedSlots(engine, slots.Length);
        RingClaim claim = await ClaimAsync(slots.Length, cancel).ConfigureAwait(false);
        Put(claim, new PendingFrame { Owner = waiting, Count = slots.Length, AreCommands = areCommands }, slots.Span);
        return await waiting.Outcomes.WaitAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>A command with its continuation as slots.</summary>
    public static Payment[] SlotsOf(ControlCommand command, ReadOnlySpan<byte> continuation)
    {
        command.ContinuationBytes = (uint)continuation.Length;
        var slots = new Payment[1 + command.ContinuationSlots];
        slots[0] = Unsafe.BitCast<ControlCommand, Payment>(command);
        continuation.CopyTo(MemoryMarshal.AsBytes(slots.AsSpan(1)));
        return slots;
    }

    public void Dispose() => _turn.Dispose();

    private async ValueTask<RingClaim> ClaimLaterAsync(Leadership leading, int count, CancellationToken cancel)
    {
        Interlocked.Increment(ref counters.ClaimsThatWaited);
        Interlocked.Increment(ref _waiting);
        try
        {
            await _turn.WaitAsync(cancel).ConfigureAwait(false);
            try
            {
                long first;
                while (!leading.TryClaim(count, out first))
                    await Task.Delay(FullRingMs, cancel).ConfigureAwait(false);
                return new RingClaim(leading, first);
            }
            finally
            {
                _turn.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private void Count(int slots)
    {
        Interlocked.Increment(ref counters.FramesTaken);
        Interlocked.Add(ref counters.SlotsTaken, slots);
    }

    /// <summary>Copies outcomes for one who awaits them.</summary>
    private sealed class AwaitedSlots(LedgerEngine engine, int count) : SlotOwner
    {
        private readonly TaskCompletionSource<SlotOutcomes> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Outcome[] _outcomes = new Outcome[count]; // written by: reply thread
        private ulong _firstSequence; // written by: reply thread

        public Task<SlotOutcomes> Outcomes => _done.Task;

        public override void OnDecided(
            in PendingFrame frame, int index, ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ulong sequence, VerdictsEncoder encoder)
        {
            if (index == 0)
                _firstSequence = sequence;
            outcomes.CopyTo(_outcomes.AsSpan(index));
            if (index + outcomes.Length == frame.Count)
                _done.TrySetResult(new SlotOutcomes(_firstSequence, _outcomes));
        }

        public override void OnAbandoned() => _done.TrySetException(engine.NotLeading(mayHaveHappened: true));
    }
}

/// <summary>Slots that are taken and must be published.</summary>
/// <param name="Leading">Whose ring they are of.</param>
/// <param name="First">Ring sequence of the first.</param>
internal readonly record struct RingClaim(Leadership Leading, long First);

/// <summary>What became of slots that were submitted together.</summary>
/// <param name="FirstSequence">Ledger sequence of the first; the others follow without a gap.</param>
/// <param name="Outcomes">One a slot.</param>
internal sealed record SlotOutcomes(ulong FirstSequence, Outcome[] Outcomes);
