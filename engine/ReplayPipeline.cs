using System.Runtime.ExceptionServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ring;

namespace Settlement.Engine;

/// <summary>
/// A whole journal applied at the speed of the slowest step: reading (CRC and chain), settling, and trees with seals run side by side.
/// Serves recovery and `replay verify`; who wants each block's outcomes as they come calls <see cref="BlockReplay"/> itself.
/// </summary>
/// <remarks>
/// <code>
///   reader (the caller's thread) ─▶ settle ─▶ follow: trees, seals ─▶ slot free again
/// </code>
/// Invariant: one thread a step, blocks in order, so the state is the one that the same blocks give one after the other.
/// Memory: 8 slots of a block and its outcomes, 10 MiB, 18 MiB where blocks carry evidence, taken as blocks of that size come.
/// Failure assumed: any step may throw; the others stop, and what was thrown is thrown to the caller, with <see cref="Fault"/> naming the block.
/// </remarks>
public sealed class ReplayPipeline
{
    /// <summary>Looks at a block that a step is through with, on that step's thread.</summary>
    public delegate void BlockSeen(in BlockHeader header, ReadOnlySpan<byte> body);

    private const int SlotCount = 8;

    private sealed class Slot
    {
        public BlockHeader Header;
        public long Address;
        public byte[] Body = [];
        public readonly Outcome[] Outcomes = new Outcome[Limits.BlockSlotsMax];
    }

    private readonly BlockReplay _replay;
    private readonly Slot[] _slots = [.. Enumerable.Range(0, SlotCount).Select(_ => new Slot())];
    private readonly StopSignal _stop = new();
    private readonly WaitStrategy _strategy = new();
    private readonly Sequence _read = new(); // written by: the caller's thread
    private readonly Sequence _settled = new(); // written by: settle thread
    private readonly Sequence _followed = new(); // written by: follow thread

    public ReplayPipeline(BlockReplay replay) => _replay = replay;

    /// <summary>Told each block as it is read, before it is applied; on the caller's thread.</summary>
    public Action<JournalReader>? Read { get; init; }

    /// <summary>Told each block that is to be settled, while the state is that in front of it; on the settle thread. May throw, as the step may.</summary>
    public BlockSeen? Settling { get; init; }

    /// <summary>Told each block that is settled, while the state is that behind it; on the settle thread. May throw, as the step may.</summary>
    public BlockSeen? Settled { get; init; }

    /// <summary>Told each block that all steps are through with; on the follow thread. May throw, as the step may.</summary>
    public BlockSeen? Followed { get; init; }

    /// <summary>The block at which a step failed, and its log address; null: none did.</summary>
    public (ulong Block, long Address)? Fault { get; private set; } // written by: the step that failed first, before it stops the others

    /// <summary>Reads to the journal's end and applies all of it.</summary>
    /// <exception cref="Ledger.LedgerBrokenException">A block is sound, but is not what these rules would have written.</exception>
    public void Run(JournalReader reader)
    {
        var settleBarrier = new SequenceBarrier(_strategy, _stop, _read);
        var followBarrier = new SequenceBarrier(_strategy, _stop, _settled);
        var free = new SequenceBarrier(_strategy, _stop, _followed);
        var behind = new SequenceBarrier(_strategy, _stop, _followed);
        StageThread[] threads =
        [
            new("settle", _stop, () => Each(settleBarrier, _settled, Settle, behind)),
            new("follow", _stop, () => Each(followBarrier, _followed, Follow, null)),
        ];
        foreach (StageThread thread in threads)
            thread.Start();
        try
        {
            long last = ReadAll(reader, free);
            if (last >= 0)
                free.WaitFor(last);
        }
        catch (AlertException)
        {
            // A step failed; told below.
        }
        finally
        {
            _stop.Stop();
            foreach (StageThread thread in threads)
                thread.Join();
        }

        if (_stop.Failure?.InnerException is { } cause)
            ExceptionDispatchInfo.Throw(cause);
    }

    private void Settle(Slot slot)
    {
        Settling?.Invoke(in slot.Header, BodyOf(slot));
        _replay.Settle(in slot.Header, BodyOf(slot), slot.Outcomes);
        Settled?.Invoke(in slot.Header, BodyOf(slot));
    }

    private void Follow(Slot slot)
    {
        _replay.Follow(in slot.Header, BodyOf(slot), slot.Outcomes);
        Followed?.Invoke(in slot.Header, BodyOf(slot));
    }

    private static ReadOnlySpan<byte> BodyOf(Slot slot) => slot.Body.AsSpan(0, (int)slot.Header.BodyBytes);

    private long ReadAll(JournalReader reader, SequenceBarrier free)
    {
        long next = 0;
        for (; reader.Next(); next++)
        {
            Read?.Invoke(reader);
            if (next >= SlotCount)
                free.WaitFor(next - SlotCount);
            Slot slot = _slots[next % SlotCount];
            slot.Header = reader.Header;
            slot.Address = reader.Address;
            if (slot.Body.Length < reader.Body.Length)
                slot.Body = GC.AllocateUninitializedArray<byte>(Math.Max(reader.Body.Length, 4096), pinned: false);
            reader.Body.CopyTo(slot.Body);
            _read.Set(next);
            _strategy.SignalAllWhenBlocking();
        }

        return next - 1;
    }

    /// <param name="barrier">Says which slots may be taken.</param>
    /// <param name="done">Moves as they are done.</param>
    /// <param name="step">What is done.</param>
    /// <param name="behind">Of the step behind, which finishes the blocks before one that fails here: then the first fault is told. Null: there is none.</param>
    private void Each(SequenceBarrier barrier, Sequence done, Action<Slot> step, SequenceBarrier? behind)
    {
        for (long next = 0; ;)
        {
            for (long available = barrier.WaitFor(next); next <= available; next++)
            {
                Slot slot = _slots[next % SlotCount];
                try
                {
                    step(slot);
                }
                catch
                {
                    if (next > 0)
                        behind?.WaitFor(next - 1);
                    Fault ??= (slot.Header.Number, slot.Address);
                    throw;
                }

                done.Set(next);
                _strategy.SignalAllWhenBlocking();
            }
        }
    }
}
