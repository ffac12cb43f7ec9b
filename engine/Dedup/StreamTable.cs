using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Dedup;

/// <summary>
/// Streams: numbers 1, 2, 3 … each used once, exact for ever in bounded memory, as IPsec's anti-replay window.
/// </summary>
/// <remarks>
/// Purpose: the fast kind of id. A number beyond lowest missing + 65,536 is refused and not used up, so everything below the
/// lowest missing number was decided, and a bitmap of the window says the rest. Fingerprint and verdict of number n are in
/// the cell n mod 65,536 until number n + 65,536 takes it.
/// <para>
/// Invariants: a bit is set exactly for the decided numbers above the lowest missing one, so a stream that comes in order
/// never touches its bitmap. A cell whose verdict is still undecided holds, in place of the fingerprint, the index in the
/// present chunk of the payment that took it.
/// </para>
/// Memory: 320 KiB of cells and 8 KiB of bitmap a stream, reserved at start for the capacity, touched as used: 12 KiB for a
/// stream of a few. A stream is never removed, since its promise is for ever.
/// Units: numbers are the low halves of ids; up to 2^64 - 1, without overflow, because only differences are compared.
/// </remarks>
internal sealed partial class StreamTable : IDisposable
{
    public const int Window = Limits.StreamWindow;
    private const int CellMask = Window - 1;
    private const int WordsPerStream = Window / 64;

    private readonly int _capacity;
    private readonly ulong _seedLow;
    private readonly ulong _seedHigh;
    private readonly int _placeMask;

    /// <summary>Row + 1 by hash; 0: free.</summary>
    private readonly NativeTable<int> _places;
    private readonly NativeTable<StreamRow> _rows;
    private readonly NativeTable<ulong> _bits;
    private readonly NativeTable<uint> _fingerprints;
    private readonly NativeTable<Verdict> _verdicts;

    // written by: settle thread
    private int _count;

    public StreamTable(int capacity, ulong seedLow, ulong seedHigh)
    {
        _capacity = capacity;
        (_seedLow, _seedHigh) = (seedLow, seedHigh);
        int places = (int)BitOperations.RoundUpToPowerOf2((uint)capacity * 2);
        _placeMask = places - 1;
        _places = new NativeTable<int>(places);
        _rows = new NativeTable<StreamRow>(capacity);
        _bits = new NativeTable<ulong>((long)capacity * WordsPerStream);
        _fingerprints = new NativeTable<uint>((long)capacity * Window);
        _verdicts = new NativeTable<Verdict>((long)capacity * Window);
    }

    public int Count => _count;

    /// <summary>
    /// The stream's row, or -1: it is not known, and was not opened because this number cannot be its first
    /// (<see cref="Verdict.StreamGap"/>) or there is no room (<see cref="Verdict.CapacityExceeded"/>).
    /// </summary>
    public int FindOrOpen(ulong name, ushort participant, ulong number, out Verdict refusal)
    {
        refusal = Verdict.Undecided;
        int place = PlaceOf(name, participant);
        for (int found; (found = _places[place]) != 0; place = (place + 1) & _placeMask)
        {
            ref StreamRow row = ref _rows[found - 1];
            if (row.Name == name && row.Participant == participant) return found - 1;
        }

        return Open(place, name, participant, number, out refusal);
    }

    /// <summary>
    /// Takes a number of a stream for the payment at an index of the present chunk, or says why not:
    /// <see cref="Verdict.Undecided"/>: taken.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Verdict Take(int stream, ulong number, int index)
    {
        ref StreamRow row = ref _rows[stream];
        if (number != row.Lowest || row.Highest >= number)
        {
            Verdict refusal = TakeOutOfOrder(ref row, stream, number);
            if (refusal != Verdict.Undecided) return refusal;
        }
        else
        {
            row.Lowest = number + 1;
            row.Highest = number;
        }

        long cell = Cell(stream, number);
        _verdicts[cell] = Verdict.Undecided;
        _fingerprints[cell] = (uint)index;
        return Verdict.Undecided;
    }

    /// <summary>What became of a number; between chunks.</summary>
    public IdFinding Find(ulong name, ushort participant, ulong number, out Verdict verdict)
    {
        verdict = Verdict.Undecided;
        int stream = RowOf(name, participant);
        if (stream < 0 || number == 0)
            return IdFinding.NotDecided;
        ref readonly StreamRow row = ref _rows[stream];
        if (number >= row.Lowest)
        {
            bool isDecided = number - row.Lowest < Window && number > row.Lowest && (Word(stream, number) & (1UL << (int)(number & 63))) != 0;
            if (!isDecided)
                return IdFinding.NotDecided;
        }
        else if (IsOverwritten(in row, stream, number))
        {
            return IdFinding.DecidedVerdictForgotten;
        }

        verdict = _verdicts[Cell(stream, number)];
        return IdFinding.Decided;
    }

    public (ulong Lowest, ulong Highest) WatermarkOf(ulong name, ushort participant) =>
        RowOf(name, participant) is >= 0 and int stream ? (_rows[stream].Lowest, _rows[stream].Highest) : (1, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Cell(int stream, ulong number) => ((long)stream * Window) + (long)(number & CellMask);

    /// <summary>Mixed into the state's sum in place of (participant, name); add the number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong SumKey(int stream) => _rows[stream].SumKey;

    /// <summary>For a repeat: the verdict given first, or undecided, and then the index in the chunk, no fingerprint.</summary>
    public Verdict FirstAt(long cell, out uint fingerprintOrIndex)
    {
        fingerprintOrIndex = _fingerprints[cell];
        return _verdicts[cell];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Decide(long cell, uint fingerprint, Verdict verdict)
    {
        _fingerprints[cell] = fingerprint;
        _verdicts[cell] = verdict;
    }

    public void Dispose()
    {
        _places.Dispose();
        _rows.Dispose();
        _bits.Dispose();
        _fingerprints.Dispose();
        _verdicts.Dispose();
    }

    /// <summary>The stream's row, or -1; never opens one.</summary>
    private int RowOf(ulong name, ushort participant)
    {
        int place = PlaceOf(name, participant);
        for (int found; (found = _places[place]) != 0; place = (place + 1) & _placeMask)
        {
            ref readonly StreamRow row = ref _rows[found - 1];
            if (row.Name == name && row.Participant == participant) return found - 1;
        }

        return -1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Open(int place, ulong name, ushort participant, ulong number, out Verdict refusal)
    {
        if (number > Window)
        {
            refusal = Verdict.StreamGap;
            return -1;
        }

        if (_count == _capacity)
        {
            refusal = Verdict.CapacityExceeded;
            return -1;
        }

        refusal = Verdict.Undecided;
        _rows[_count] = new StreamRow
        {
            Name = name,
            Participant = participant,
            Lowest = 1,
            Highest = 0,
            SumKey = StateSum.KeyOf(Mix.Pi0, name, participant),
        };
        _places[place] = ++_count;
        return _count - 1;
    }

    /// <summary>Any number but the next of a stream without gaps.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Verdict TakeOutOfOrder(ref StreamRow row, int stream, ulong number)
    {
        if (number < row.Lowest) return IsOverwritten(in row, stream, number) ? Verdict.DuplicateLookUp : Verdict.Duplicate;
        if (number - row.Lowest >= Window) return Verdict.StreamGap;
        if (number == row.Lowest)
        {
            AdvanceLowest(ref row, stream);
            return Verdict.Undecided;
        }

        ref ulong word = ref Word(stream, number);
        ulong bit = 1UL << (int)(number & 63);
        if ((word & bit) != 0) return Verdict.Duplicate;
        word |= bit;
        row.Highest = Math.Max(row.Highest, number);
        return Verdict.Undecided;
    }

    /// <summary>Whether the number's cell now belongs to the number one window further.</summary>
    private bool IsOverwritten(in StreamRow row, int stream, ulong number)
    {
        if (number == 0) ThrowNumberZero();
        if (row.Highest - number < Window) return false;
        ulong later = number + Window;
        return later < row.Lowest || (later > row.Lowest && (Word(stream, later) & (1UL << (int)(later & 63))) != 0);
    }

    /// <summary>The lowest missing number was taken: goes on over all that are there already, clearing their bits.</summary>
    private void AdvanceLowest(ref StreamRow row, int stream)
    {
        ulong at = row.Lowest + 1;
        while (true)
        {
            int offset = (int)(at & 63);
            ref ulong word = ref Word(stream, at);
            int run = BitOperations.TrailingZeroCount(~(word >> offset));
            // The mask of 64 ones would need a shift by 64, which shifts by 0.
            word &= run == 64 ? 0 : ~(((1UL << run) - 1) << offset);
            at += (ulong)run;
            if (offset + run < 64) break;
        }

        row.Lowest = at;
        row.Highest = Math.Max(row.Highest, at - 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int PlaceOf(ulong name, ushort participant) => (int)Mix.Fold(name ^ _seedLow, participant ^ _seedHigh) & _placeMask;

    private ref ulong Word(int stream, ulong number) =>
        ref _bits[((long)stream * WordsPerStream) + (long)((number & CellMask) >> 6)];

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowNumberZero() =>
        throw new InvalidOperationException("a stream's number of 0 is malformed and should have been refused before dedup");

    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct StreamRow
    {
        public ulong Name;
        public ulong Participant;

        /// <summary>The lowest number not decided.</summary>
        public ulong Lowest;

        /// <summary>The highest number decided.</summary>
        public ulong Highest;
        public ulong SumKey;
    }
}
