using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Ring;
using Settlement.Gateway.Serve.Roles;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Http.Ledger;

/// <summary>The server's engine, for requests of a few slots each: the same ring, adapter and questions as the binary port's.</summary>
/// <remarks>Memory: at most <see cref="SubmissionsMax"/> submissions are under way, of <see cref="SlotsMax"/> slots in all.</remarks>
internal sealed class EnginePort(IngressAdapter ingress, UInt128 ledgerId) : ILedgerPort
{
    private const int SubmissionsMax = 4_096;
    private const int SlotsMax = 1 << 18;

    private static readonly TimeSpan s_waitMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_stopPoll = TimeSpan.FromSeconds(1);

    private int _submissions; // interlocked, as the next
    private int _slots;

    public UInt128 LedgerId => ledgerId;

    public async Task<T> AskAsync<T>(Func<LedgerState, T> read)
    {
        using var late = new CancellationTokenSource(s_waitMax);
        try
        {
            // A reader's fault is the asker's: on the settle thread it would stop the engine.
            (T? answer, Exception? fault) = await ingress.Engine.AskAsync(state => Read(state, read), late.Token);
            return fault is null ? answer! : throw fault;
        }
        catch (EngineStoppedException)
        {
            throw new LedgerUnavailableException("the engine has stopped", mayHaveHappened: false);
        }
        catch (OperationCanceledException)
        {
            throw new LedgerUnavailableException("too many questions wait for the ledger", mayHaveHappened: false);
        }
    }

    public async Task<SettledSlot[]> SubmitAsync(ReadOnlyMemory<Payment> slots)
    {
        ArgumentOutOfRangeException.ThrowIfZero(slots.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(slots.Length, Limits.BlockSlotsMax);
        bool areCommands = slots.Span[0].Instruction.IsControl();
        try
        {
            if (Interlocked.Increment(ref _submissions) > SubmissionsMax | Interlocked.Add(ref _slots, slots.Length) > SlotsMax)
                throw new LedgerUnavailableException("too many requests are under way", mayHaveHappened: false);
            SlotOutcomes settled = await WaitAsync(ingress.SubmitAsync(slots, areCommands, CancellationToken.None));
            var answers = new SettledSlot[slots.Length];
            for (int i = 0; i < answers.Length; i++)
                answers[i] = new SettledSlot(settled.Outcomes[i], settled.FirstSequence + (ulong)i);
            return answers;
        }
        catch (NotLeadingException late) when (late.MayHaveHappened)
        {
            throw new LedgerUnavailableException("this node leads no longer", mayHaveHappened: true);
        }
        catch (NotLeadingException elsewhere) when (elsewhere.Leader.IsEmpty)
        {
            throw ingress.Engine.NotLeading(); // it may be known by now
        }
        catch (EngineStoppedException)
        {
            throw new LedgerUnavailableException("the engine has stopped", mayHaveHappened: true);
        }
        finally
        {
            Interlocked.Decrement(ref _submissions);
            Interlocked.Add(ref _slots, -slots.Length);
        }
    }

    /// <summary>An engine that has stopped tells no outcome any more, and nobody that it does not.</summary>
    private async Task<SlotOutcomes> WaitAsync(Task<SlotOutcomes> submitted)
    {
        for (;;)
        {
            try
            {
                return await submitted.WaitAsync(s_stopPoll);
            }
            catch (TimeoutException)
            {
                if (ingress.Engine.Failure is { } failure)
                    throw failure;
            }
        }
    }

    private static (T? Answer, Exception? Fault) Read<T>(LedgerState state, Func<LedgerState, T> read)
    {
        try
        {
            return (read(state), null);
        }
        catch (Exception fault)
        {
            return (default, fault);
        }
    }
}
