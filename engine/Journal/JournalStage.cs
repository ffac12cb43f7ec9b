using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;

namespace Settlement.Engine.Journal;

// Purpose: stage 1: seals what the ring has into blocks, gives each its time, and hands them to the journal in order.
// Natural batching: a block is all that is there, up to 16,384 slots. While as many commits are under way as keep the disk busy, nothing is
//   sealed, so that what arrives meanwhile becomes one block.
// Invariant: a slot is sealed once, in ring order; a control command and its continuation are never parted, and neither is a claim that has evidence.
// Failure assumed: the journal may fail at any call; it throws, and the engine stops. A replicated one may be another leader's at any moment: then this stage alone ends.

internal sealed class JournalStage
{
    /// <summary>
    /// Blocks sealed and not yet durable: one written, one waiting, and two more that spare the disk a wait while this thread has no core. Under
    /// load blocks are full whatever the number; with less to do, fewer would only make a payment wait longer for its block.
    /// </summary>
    private const ulong CommitsInFlightMax = 4;

    /// <summary>Seal blocks that one commit may carry: a few KiB each.</summary>
    private const int SealsAtOnceMax = 256;

    /// <summary>How often an idle stage looks whether a seal waits or a tick is due. A look costs 20 to 60 us, the way to sleep and back.</summary>
    private const int IdleMs = 50;

    /// <summary>Half of the largest step of time that needs no command: an idle node's journal stays within it.</summary>
    private const ulong HeartbeatNs = Limits.TimeStepMaxNs / 2;

    private readonly RingBuffer _ring;
    private readonly IJournal _journal;
    private readonly BlockClock _clock;
    private readonly SealedBlocks _blocks;
    private readonly SequenceBarrier _published;
    private readonly SequenceBarrier _durable;
    private readonly SequenceBarrier _settled;
    private readonly EvidenceMemory _evidence;
    private readonly EvidenceGathering _gathering;
    private readonly ConcurrentQueue<(byte[] Statement, byte[] Attachment)> _seals = new(); // written by: tree stage
    private ulong _nextSequence;
    private ulong _timeNs; // of the last block; only a block moves it
    private ulong _tickedForNs;
    private bool _isTimeSet; // by a block that is applied: the first one behind genesis may have any time
    private long _ringLast = Sequence.Initial; // last slot sealed
    private ulong _ageDueNs; // written by: settle stage
    private long _sealsAppended; // written by: journal stage

    public JournalStage(
        RingBuffer ring, IJournal journal, BlockClock clock, SealedBlocks blocks, EvidenceMemory evidence, ulong nextSequence, bool isTimeSet,
        SequenceBarrier durable, SequenceBarrier settled)
    {
        _ring = ring;
        _journal = journal;
        _clock = clock;
        _blocks = blocks;
        _published = ring.NewBarrier();
        _durable = durable;
        _settled = settled;
        _evidence = evidence;
        _gathering = new EvidenceGathering(ring, evidence, settled);
        _nextSequence = nextSequence;
        _timeNs = journal.LastTimeNs;
        _isTimeSet = isTimeSet;
    }

    /// <summary>When the open batch closes by age, ns since the epoch; 0: never. Read when idle, to journal a tick.</summary>
    public ulong AgeDueNs
    {
        get => Volatile.Read(ref _ageDueNs);
        set => Volatile.Write(ref _ageDueNs, value);
    }

    /// <summary>Seal blocks appended since the start.</summary>
    public long SealsAppended => Volatile.Read(ref _sealsAppended);

    /// <summary>Blocks that others want appended.</summary>
    public JournalMarks Marks { get; } = new();

    /// <summary>Hands over a batch's statement, to be journaled as a seal block.</summary>
    /// <param name="statement">What the body begins with.</param>
    /// <param name="attachment">Its signature; empty: it is not signed.</param>
    public void Seal(byte[] statement, byte[] attachment) => _seals.Enqueue((statement, attachment));

    public void Run()
    {
        try
        {
            for (long next = 0; ;)
            {
                bool any = _published.TryWaitFor(next, IdleMs, out long available);
                AppendMarks();
                AppendSeals();
                if (any)
                    next = SealBlock(next, available);
                else
                    TickIfDue();
            }
        }
        catch (NotLeadingException)
        {
            // The log was fenced before this node was told to step down: nothing more is appended, and the stage ends as it will be told to.
            throw new AlertException();
        }
        finally
        {
            Marks.Close();
        }
    }

    private long SealBlock(long next, long available)
    {
        AwaitRoom();
        available = _published.WaitFor(next); // what has come while the disk was busy
        Span<Payment> first = _ring.Slots(next, Math.Min(available - next + 1, Limits.BlockSlotsMax));
        long rest = Math.Min(available - next + 1, Limits.BlockSlotsMax) - first.Length;
        Span<Payment> second = rest > 0 ? _ring.Slots(next + first.Length, rest) : default;
        bool isControl = first[0].Instruction.IsControl();
        int count = isControl ? ControlRun(first, second) : PaymentRun(first);
        if (!isControl && count == first.Length)
            count += PaymentRun(second);
        byte[]? evidence = null;
        int evidenceBytes = 0;
        if (!isControl && _evidence.IsAny)
            count = _gathering.Gather(next, count, (long)_journal.LastBlock + 1, out evidence, out evidenceBytes);
        first = first[..Math.Min(count, first.Length)];
        second = second[..(count - first.Length)];
        bool acceptsTime = first[0].Instruction == Instruction.AcceptTime;
        var header = new BlockHeader
        {
            Kind = isControl ? BlockKind.Control : BlockKind.Payments,
            FirstSequence = _nextSequence,
            Count = (uint)count,
            TimeNs = NextTime(acceptsTime),
            AttachmentBytes = (uint)evidenceBytes,
        };
        long last = next + count - 1;
        Append(ref header, MemoryMarshal.AsBytes(first), MemoryMarshal.AsBytes(second), next, last, evidence);
        _isTimeSet = true;
        _journal.Commit();
        _nextSequence += (ulong)count;
        _evidence.Sealed(last + 1);
        return last + 1;
    }

    private static int PaymentRun(ReadOnlySpan<Payment> slots)
    {
        int count = 0;
        while (count < slots.Length && !slots[count].Instruction.IsControl())
            count++;
        return count;
    }

    /// <summary>Whole commands only; what runs past a block's end begins the next one. A command alone may fill a block.</summary>
    private static int ControlRun(ReadOnlySpan<Payment> first, ReadOnlySpan<Payment> second)
    {
        int total = first.Length + second.Length;
        int count = 0;
        while (count < total)
        {
            ref readonly Payment slot = ref count < first.Length ? ref first[count] : ref second[count - first.Length];
            if (!slot.Instruction.IsControl() || (count > 0 && slot.Instruction == Instruction.AcceptTime))
                break;
            int length = 1 + Unsafe.As<Payment, ControlCommand>(ref Unsafe.AsRef(in slot)).ContinuationSlots;
            if (length > total - count)
            {
                if (count == 0)
                    ThrowCommandParted(length, total);
                break;
            }

            count += length;
        }

        return count;
    }

    /// <summary>Lets the disk and the settle stage catch up before so many more blocks are appended.</summary>
    private void AwaitRoom(int blocks = 1)
    {
        ulong next = _journal.LastBlock + 1;
        if (next > CommitsInFlightMax)
            _durable.WaitFor((long)(next - CommitsInFlightMax));
        long settled = (long)next + blocks - 1 - SealedBlocks.Capacity;
        if (settled > 0)
            _settled.WaitFor(settled);
    }

    private void Append(ref BlockHeader header, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, long ringFirst, long ringLast, byte[]? evidence = null)
    {
        // The header that the settle stage reads needs no chain and CRC; it must be there before the block can become durable.
        header.Number = _journal.LastBlock + 1;
        var block = new SealedBlock { Header = header, RingFirst = ringFirst, RingLast = ringLast, Evidence = evidence };
        _blocks[(long)header.Number] = block;
        _ringLast = ringLast;
        _timeNs = header.TimeNs;
        _journal.Append(ref header, first, second, block.Attachment);
    }

    private void AppendMarks()
    {
        while (Marks.TryTake(out JournalMarks.Mark? mark))
        {
            try
            {
                AwaitRoom();
                var header = new BlockHeader { Kind = mark.Kind, FirstSequence = _nextSequence, TimeNs = _timeNs };
                Append(ref header, mark.Body.Span, default, _ringLast + 1, _ringLast);
                _journal.Commit();
                mark.Number.SetResult(header.Number);
            }
            catch (Exception refused)
            {
                mark.Number.TrySetException(refused is AlertException ? new EngineStoppedException(isSteppedDown: true) : refused);
                throw;
            }
        }
    }

    /// <summary>All that wait, up to a bound, become durable together: small batches must not cost a commit each before the next payment.</summary>
    private void AppendSeals()
    {
        if (_seals.IsEmpty)
            return;
        AwaitRoom(SealsAtOnceMax);
        int appended = 0;
        for (; appended < SealsAtOnceMax && _seals.TryDequeue(out (byte[] Statement, byte[] Attachment) seal); appended++)
        {
            var header = new BlockHeader
            {
                Kind = BlockKind.Seal, FirstSequence = _nextSequence, TimeNs = _timeNs, AttachmentBytes = (uint)seal.Attachment.Length,
            };
            Append(ref header, seal.Statement, seal.Attachment, _ringLast + 1, _ringLast);
        }

        _journal.Commit();
        Volatile.Write(ref _sealsAppended, _sealsAppended + appended);
    }

    private void TickIfDue()
    {
        ulong now = NextTime(acceptsTime: false);
        ulong due = AgeDueNs;
        bool batchIsOver = due != 0 && now >= due && _tickedForNs != due;
        if (!batchIsOver && now - _timeNs < HeartbeatNs)
            return;
        _tickedForNs = due;
        AwaitRoom();
        var header = new BlockHeader { Kind = BlockKind.Tick, FirstSequence = _nextSequence, TimeNs = now };
        Append(ref header, default, default, _ringLast + 1, _ringLast);
        _isTimeSet = true;
        _journal.Commit();
    }

    /// <summary>
    /// The clock's time, but never back, and, but in the first block that is applied, never forward by more than may be without an operator's
    /// command: then time stands still. Looking changes nothing: a step is measured from the last block, as the settle stage measures it.
    /// </summary>
    private ulong NextTime(bool acceptsTime) => TimeAfter(_isTimeSet, _timeNs, _clock.NowNs, acceptsTime);

    /// <param name="isTimeSet">By a block that is applied: the first one behind genesis may have any time.</param>
    /// <param name="lastTimeNs">Time of the last block.</param>
    /// <param name="clockNs">What the clock says.</param>
    /// <param name="acceptsTime">Whether the next block begins with an operator's command that accepts any step.</param>
    internal static ulong TimeAfter(bool isTimeSet, ulong lastTimeNs, ulong clockNs, bool acceptsTime)
    {
        ulong now = Math.Max(clockNs, lastTimeNs);
        bool jumps = isTimeSet && now - lastTimeNs > Limits.TimeStepMaxNs && !acceptsTime;
        return jumps ? lastTimeNs : now;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowCommandParted(int length, int total) =>
        throw new InvalidOperationException($"a control command of {length} slots was published in parts, or is longer than a block ({total} there)");
}
