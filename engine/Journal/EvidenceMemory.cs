using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Ring;

namespace Settlement.Engine.Journal;

/// <summary>
/// Evidence of claims on its way from producers to the journal stage: copied into one piece of memory that is taken at start, found again by the claim's first slot.
/// </summary>
/// <remarks>
/// The memory is used round and round: a claim's piece is free again once it is sealed, which goes in the ring's order, nearly that in which pieces are taken.
/// Invariant: a piece is there before its slots are published, so who sees the slots sees it.
/// Full: the producer waits, with its slots claimed. That cannot end in a circle, because the claim that the journal stage waits for next has a reserve of its own:
/// all before it are sealed, and so is whoever had the reserve.
/// Cost where there is no evidence: one read a block.
/// <code>
///  0        4        8                16       20       24       32
///  | bytes  | free   | first          | count  | length | zero   | evidence …
/// </code>
/// </remarks>
internal sealed class EvidenceMemory
{
    /// <summary>As much as a signature with each payment of a ring of 65,536 slots takes, and half as much again.</summary>
    private const int PoolBytes = 8 << 20;

    private const int HeadBytes = 32;
    private const int ReserveAt = PoolBytes;
    private const int WaitMs = 10;

    [StructLayout(LayoutKind.Sequential, Size = HeadBytes)]
    private struct Piece
    {
        public int Bytes;
        public int IsFree;
        public long First;
        public int Count;
        public int Length;
    }

    private readonly byte[] _memory = GC.AllocateUninitializedArray<byte>(PoolBytes + HeadBytes + Limits.AttachmentBytesMax);
    private readonly int[] _places; // a slot: place of the evidence of the claim that begins there, plus one; written by: who claimed it, then the journal stage
    private readonly StopSignal _stop;
    private readonly object _gate = new();

    // written by: holders of the gate
    private long _head;
    private long _tail;
    private bool _isReserveTaken;
    private int _waiting;

    private int _pending; // claims with evidence, published or about to be, and not sealed; written by: producers and the journal stage, interlocked
    private long _nextSealed; // the ring sequence that is sealed next; written by: the journal stage

    public EvidenceMemory(int ringSlots, StopSignal stop)
    {
        _places = new int[ringSlots];
        _stop = stop;
    }

    /// <summary>Whether any claim that can be seen may have evidence.</summary>
    public bool IsAny
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref _pending) != 0;
    }

    /// <summary>Bytes in use, for tests.</summary>
    internal long UsedBytes
    {
        get
        {
            lock (_gate)
                return _head - _tail + (_isReserveTaken ? 1 : 0);
        }
    }

    /// <summary>Copies the evidence of claimed slots that are about to be published. Waits while there is no room.</summary>
    /// <exception cref="EngineStoppedException">A stage failed, or the engine was stopped.</exception>
    public void Put(long first, int count, ReadOnlySpan<byte> evidence)
    {
        int place = Take(first, count, evidence.Length);
        evidence.CopyTo(_memory.AsSpan(place + HeadBytes));
        _places[(int)first & (_places.Length - 1)] = place + 1;
        Interlocked.Increment(ref _pending);
    }

    /// <summary>Finds the next claim that has evidence; the journal stage.</summary>
    /// <param name="from">Ring sequence from which on to look.</param>
    /// <param name="end">Behind the last slot to look at.</param>
    /// <param name="first">The claim's first slot.</param>
    /// <param name="count">The claim's slots.</param>
    /// <param name="evidence">Lives until it is let go.</param>
    public bool TryFind(long from, long end, out long first, out int count, out ReadOnlySpan<byte> evidence)
    {
        int mask = _places.Length - 1;
        while (from < end)
        {
            int at = (int)from & mask;
            int length = (int)Math.Min(end - from, _places.Length - at);
            int found = _places.AsSpan(at, length).IndexOfAnyExcept(0);
            if (found >= 0)
            {
                int place = _places[at + found] - 1;
                ref Piece piece = ref PieceAt(place);
                (first, count) = (piece.First, piece.Count);
                evidence = _memory.AsSpan(place + HeadBytes, piece.Length);
                return true;
            }

            from += length;
        }

        (first, count) = (end, 0);
        evidence = default;
        return false;
    }

    /// <summary>The claim's evidence is sealed with it.</summary>
    public void LetGo(long first)
    {
        ref int slot = ref _places[(int)first & (_places.Length - 1)];
        int place = slot - 1;
        slot = 0;
        Interlocked.Decrement(ref _pending);
        lock (_gate)
        {
            if (place == ReserveAt)
                _isReserveTaken = false;
            else
                PieceAt(place).IsFree = 1;
            while (_tail < _head && PieceAt(Wrap(_tail)) is { IsFree: 1 } freed)
                _tail += freed.Bytes;
            if (_waiting > 0)
                Monitor.PulseAll(_gate);
        }
    }

    /// <summary>All slots before this one are sealed; the journal stage.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Sealed(long next) => Volatile.Write(ref _nextSealed, next);

    private int Take(long first, int count, int length)
    {
        // All pieces are multiples of a head, so that there is always room for the head of what is left over at the end.
        int bytes = HeadBytes + ((length + HeadBytes - 1) & -HeadBytes);
        lock (_gate)
        {
            int place;
            while ((place = TakeNow(first, bytes)) < 0)
            {
                if (_stop.IsRaised)
                    throw _stop.ToException();
                // The journal stage does not say what it has sealed: a look every few milliseconds costs less than its telling would.
                _waiting++;
                Monitor.Wait(_gate, WaitMs);
                _waiting--;
            }

            PieceAt(place) = new Piece { Bytes = bytes, First = first, Count = count, Length = length };
            return place;
        }
    }

    private int TakeNow(long first, int bytes)
    {
        int place = Wrap(_head);
        int toEnd = PoolBytes - place;
        int skipped = toEnd < bytes ? toEnd : 0;
        if (_head + skipped + bytes - _tail <= PoolBytes)
        {
            if (skipped > 0)
                PieceAt(place) = new Piece { Bytes = skipped, IsFree = 1 };
            _head += skipped + bytes;
            return skipped > 0 ? 0 : place;
        }

        if (_isReserveTaken || Volatile.Read(ref _nextSealed) != first)
            return -1;
        _isReserveTaken = true;
        return ReserveAt;
    }

    private static int Wrap(long position) => (int)(position % PoolBytes);

    private ref Piece PieceAt(int place) => ref Unsafe.As<byte, Piece>(ref _memory[place]);
}
