using System.Collections.Concurrent;
using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Reply;
using Settlement.Engine.Ring;

namespace Settlement.Gateway.Http.Ledger;

/// <summary>A producer of the ring for requests of a few slots each, and the part of the reply publisher that their outcomes go to.</summary>
/// <remarks>
/// Invariant: every slot claimed is published, and every submission is answered once, or its waiter is told that the engine has stopped.
/// Memory: at most <see cref="SubmissionsMax"/> submissions are under way.
/// <code>
///   63 62                  16 15       0
///   |1 | submission          | index   |    the tag beside a slot: other producers leave bit 63 free
/// </code>
/// </remarks>
internal sealed class RingPort : ILedgerPort, IReplyPublisher
{
    /// <summary>The bit of a tag that says that the slot is from here.</summary>
    public const ulong TagBit = 1UL << 63;

    private const int SubmissionsMax = 4_096;
    private const int IndexBits = 16;
    private const int RoomWaitMs = 2;
    private const int RoomWaitsMax = 1_000;

    private static readonly TimeSpan s_stopPoll = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<ulong, Submission> _underWay = new();
    private Pipeline? _pipeline; // written by: Start, once
    private volatile bool _closed; // written by: Close, once
    private ulong _last; // written by: submitters, interlocked

    public UInt128 LedgerId { get; private set; }

    private Pipeline Ring => _pipeline ?? throw new InvalidOperationException("the port is not connected");

    /// <summary>Connects it, once the node is open: the node needs its reply publisher before there is a pipeline.</summary>
    public void Start(Pipeline pipeline, UInt128 ledgerId) => (_pipeline, LedgerId) = (pipeline, ledgerId);

    public Task<T> AskAsync<T>(Func<LedgerState, T> read)
    {
        var question = new Question<T>(read);
        return Ring.TryAsk(question)
            ? question.Answer
            : Task.FromException<T>(new LedgerUnavailableException(Ring.Failure is null ? "too many questions wait for the ledger" : "the engine has stopped", mayHaveHappened: false));
    }

    public async Task<SettledSlot[]> SubmitAsync(ReadOnlyMemory<Payment> slots)
    {
        ArgumentOutOfRangeException.ThrowIfZero(slots.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(slots.Length, Limits.BlockSlotsMax);
        if (_underWay.Count >= SubmissionsMax)
            throw new LedgerUnavailableException("too many requests are under way", mayHaveHappened: false);
        long first = await ClaimAsync(slots.Length);
        ulong number = Interlocked.Increment(ref _last);
        var submission = new Submission(slots.Length);
        _underWay[number] = submission; // before the slots are shown: the reply may be faster than this thread
        Fill(first, slots.Span, number);
        try
        {
            Ring.Publish(first, slots.Length);
            return await WaitAsync(submission);
        }
        catch (EngineStoppedException)
        {
            throw new LedgerUnavailableException("the engine has stopped", mayHaveHappened: true);
        }
        finally
        {
            _underWay.TryRemove(number, out _);
        }
    }

    /// <summary>Called on the reply thread; slots of others are passed over.</summary>
    public void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ulong> tags, ulong firstSequence)
    {
        for (int i = 0; i < tags.Length; i++)
        {
            if ((tags[i] & TagBit) == 0)
                continue;
            ulong number = (tags[i] & ~TagBit) >> IndexBits;
            if (_underWay.TryGetValue(number, out Submission? submission))
                submission.Settle((int)(tags[i] & ((1 << IndexBits) - 1)), new SettledSlot(outcomes[i], firstSequence + (ulong)i));
        }
    }

    /// <summary>An engine that has stopped tells no outcome any more, and nobody that it does not.</summary>
    private async Task<SettledSlot[]> WaitAsync(Submission submission)
    {
        for (;;)
        {
            try
            {
                return await submission.Settled.WaitAsync(s_stopPoll);
            }
            catch (TimeoutException) when (Ring.Failure is null && !_closed)
            {
                // Slow, not stopped.
            }
            catch (TimeoutException)
            {
                throw new LedgerUnavailableException("the engine has stopped", mayHaveHappened: true);
            }
        }
    }

    /// <summary>The pipeline is about to be disposed: what is still under way is told so within a second.</summary>
    public void Close() => _closed = true;

    private async Task<long> ClaimAsync(int count)
    {
        try
        {
            for (int waits = 0; waits < RoomWaitsMax; waits++)
            {
                if (Ring.TryClaim(count, out long first))
                    return first;
                await Task.Delay(RoomWaitMs);
            }
        }
        catch (EngineStoppedException)
        {
            throw new LedgerUnavailableException("the engine has stopped", mayHaveHappened: false);
        }

        throw new LedgerUnavailableException("the ledger has more to do than it can take", mayHaveHappened: false);
    }

    private void Fill(long first, ReadOnlySpan<Payment> slots, ulong number)
    {
        for (int done = 0; done < slots.Length;)
        {
            Span<Payment> ring = Ring.Slots(first + done, slots.Length - done, out Span<ulong> tags);
            slots.Slice(done, ring.Length).CopyTo(ring);
            for (int i = 0; i < ring.Length; i++)
                tags[i] = TagBit | (number << IndexBits) | (uint)(done + i);
            done += ring.Length;
        }
    }

    private sealed class Submission(int count)
    {
        private readonly TaskCompletionSource<SettledSlot[]> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly SettledSlot[] _slots = new SettledSlot[count]; // written by: reply thread
        private int _settled; // written by: reply thread

        public Task<SettledSlot[]> Settled => _answer.Task;

        public void Settle(int index, SettledSlot slot)
        {
            _slots[index] = slot;
            if (++_settled == _slots.Length)
                _answer.TrySetResult(_slots);
        }
    }

    private sealed class Question<T>(Func<LedgerState, T> read) : IStateQuery
    {
        private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Answer => _answer.Task;

        /// <summary>An asker's mistake must not stop the engine: it is the asker's.</summary>
        public void Read(LedgerState state)
        {
            try
            {
                _answer.TrySetResult(read(state));
            }
            catch (Exception fault)
            {
                _answer.TrySetException(fault);
            }
        }

        public void Abandon() => _answer.TrySetException(new LedgerUnavailableException("the engine has stopped", mayHaveHappened: false));
    }
}
