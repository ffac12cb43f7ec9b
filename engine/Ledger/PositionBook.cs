using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Ledger;

// Purpose: what participants owe each other: the open batch's net positions, closed ones not yet settled outside, caps and fees.
// Invariant: over all participants, Open sums to zero in every currency, and so does Unsettled.
// Units: smallest unit of the currency. All written by: settle thread.

/// <summary>One participant in one currency: 80 bytes.</summary>
/// <remarks>
/// <code>
///  0               16              32              48      56      64    68    72  73  74        80
///  | open          | unsettled     | fee due       | cap   | fixed | bps |carry|cap|tch| reserved |
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 80)]
public struct PositionRow
{
    /// <summary>Net of the open batch: positive is owed to the participant.</summary>
    [FieldOffset(0)] public Int128 Open;

    /// <summary>Net of closed batches, before fees, that have not been reported settled.</summary>
    [FieldOffset(16)] public Int128 Unsettled;

    /// <summary>While a batch closes: what it charges.</summary>
    [FieldOffset(32)] public Int128 FeeDue;
    [FieldOffset(48)] public ulong Cap;
    [FieldOffset(56)] public ulong FeeFixed;
    [FieldOffset(64)] public uint FeeBasisPoints;

    /// <summary>Ten-thousandths of a unit that earlier fees left over.</summary>
    [FieldOffset(68)] public uint FeeCarry;
    [FieldOffset(72)] public bool HasCap;
    [FieldOffset(73)] public bool Touched;
}

/// <summary>A net position as a batch's statement has it.</summary>
/// <param name="Participant">Index.</param>
/// <param name="Currency">ISO 4217 number.</param>
/// <param name="Net">After fees; positive is owed to the participant.</param>
/// <param name="Fee">Charged to the participant; negative: earned by the operator.</param>
public readonly record struct NetPosition(ushort Participant, ushort Currency, Int128 Net, Int128 Fee);

public sealed class PositionBook : IDisposable
{
    private readonly NativeTable<PositionRow> _rows;
    private readonly CurrencyList _currencies;
    private readonly int _currenciesMax;
    private readonly NativeTable<int> _touched;
    private readonly Dictionary<ulong, (int Row, Int128 Net)[]> _unsettled = []; // by batch; looked up, never walked
    private int _touchedCount;

    public PositionBook(int participantsMax, int currenciesMax, CurrencyList currencies)
    {
        _currencies = currencies;
        _currenciesMax = currenciesMax;
        _rows = new NativeTable<PositionRow>((long)participantsMax * currenciesMax);
        _touched = new NativeTable<int>(_rows.RowCount);
    }

    /// <summary>No batch can be remembered any more: payments between participants are refused until one is settled.</summary>
    public bool IsFull => _unsettled.Count >= Limits.UnsettledBatchesMax;

    public ref PositionRow At(ushort participant, byte currencyIndex) =>
        ref _rows[((long)participant * _currenciesMax) + currencyIndex - 1];

    /// <summary>Whether the participant may owe so much more.</summary>
    public bool IsWithinCap(ushort participant, byte currencyIndex, ulong amount)
    {
        ref PositionRow row = ref At(participant, currencyIndex);
        return !row.HasCap || row.Open + row.Unsettled - amount >= -(Int128)row.Cap;
    }

    /// <summary>Moves the open positions of two different participants by one transfer.</summary>
    public void Move(ushort from, ushort to, byte currencyIndex, ulong amount)
    {
        Touch(ref At(from, currencyIndex), from, currencyIndex).Open -= amount;
        Touch(ref At(to, currencyIndex), to, currencyIndex).Open += amount;
    }

    /// <summary>
    /// Ends the open batch: charges fees, remembers what is unsettled, and returns the positions after fees by participant, then
    /// by currency in order of declaration. Rows that net to zero and owe no fee are left out.
    /// </summary>
    public NetPosition[] Close(ulong batch)
    {
        Span<int> touched = _touched.Rows(0, _touchedCount);
        touched.Sort();
        var earned = new Int128[_currencies.Count];
        foreach (int index in touched)
            earned[index % _currenciesMax] += IsOperators(index) ? 0 : ChargeFee(ref _rows[index]);
        for (int currency = 0; currency < earned.Length; currency++)
        {
            if (earned[currency] != 0)
                Touch(ref _rows[currency], Limits.OperatorParticipant, (byte)(currency + 1));
        }

        touched = _touched.Rows(0, _touchedCount);
        touched.Sort();
        var unsettled = new (int, Int128)[touched.Length];
        var net = new NetPosition[touched.Length];
        int stated = 0;
        for (int i = 0; i < touched.Length; i++)
        {
            ref PositionRow row = ref _rows[touched[i]];
            int currency = touched[i] % _currenciesMax;
            Int128 fee = IsOperators(touched[i]) ? -earned[currency] : row.FeeDue;
            unsettled[i] = (touched[i], row.Open);
            row.Unsettled += row.Open;
            if (row.Open != 0 || fee != 0)
                net[stated++] = new NetPosition((ushort)(touched[i] / _currenciesMax), _currencies[currency + 1].Number, row.Open - fee, fee);
            row.Open = 0;
            row.FeeDue = 0;
            row.Touched = false;
        }

        _touchedCount = 0;
        _unsettled.Add(batch, unsettled);
        return stated == net.Length ? net : net[..stated];
    }

    /// <summary>The money of a batch has moved outside: its positions no longer count towards caps.</summary>
    /// <returns>False: nothing of that batch is unsettled.</returns>
    public bool Settle(ulong batch)
    {
        if (!_unsettled.Remove(batch, out (int Row, Int128 Net)[]? positions))
            return false;
        foreach ((int row, Int128 amount) in positions)
            _rows[row].Unsettled -= amount;
        return true;
    }

    public bool IsUnsettled(ulong batch) => _unsettled.ContainsKey(batch);

    /// <summary>Rows of the participants there are, the open batch's list of touched ones, and what is unsettled, by batch.</summary>
    public void Save(SnapshotWriter writer, int participantCount)
    {
        writer.Write(_rows, 0, (long)participantCount * _currenciesMax);
        writer.Write((ulong)_touchedCount);
        writer.Write(_touched, 0, _touchedCount);
        writer.Write((ulong)_unsettled.Count);
        foreach (ulong batch in _unsettled.Keys.Order())
        {
            (int Row, Int128 Net)[] positions = _unsettled[batch];
            writer.Write(batch);
            writer.Write((ulong)positions.Length);
            foreach ((int row, Int128 net) in positions)
            {
                writer.Write(row);
                writer.Write(in net);
            }
        }
    }

    public void Load(SnapshotReader reader, int participantCount)
    {
        long rowCount = (long)participantCount * _currenciesMax;
        reader.Read(_rows, 0, rowCount);
        _touchedCount = reader.ReadCount(rowCount, "positions touched");
        reader.Read(_touched, 0, _touchedCount);
        foreach (int row in _touched.Rows(0, _touchedCount))
            reader.Expect((uint)row < rowCount, $"position {row} cannot be");
        for (int batches = reader.ReadCount(Limits.UnsettledBatchesMax, "unsettled batches"); batches > 0; batches--)
        {
            ulong batch = reader.Read<ulong>();
            var positions = new (int Row, Int128 Net)[reader.ReadCount(rowCount, $"positions of batch {batch}")];
            for (int i = 0; i < positions.Length; i++)
            {
                positions[i] = (reader.Read<int>(), reader.Read<Int128>());
                reader.Expect((uint)positions[i].Row < rowCount, $"position {positions[i].Row} of batch {batch} cannot be");
            }

            reader.Expect(_unsettled.TryAdd(batch, positions), $"batch {batch} is there twice");
        }
    }

    public void Dispose()
    {
        _rows.Dispose();
        _touched.Dispose();
    }

    private bool IsOperators(int index) => index / _currenciesMax == Limits.OperatorParticipant;

    /// <summary>Basis points of the absolute position, what they leave over carried to the next close, and the fixed part.</summary>
    private static Int128 ChargeFee(ref PositionRow row)
    {
        if (row.Open == 0 || (row.FeeBasisPoints == 0 && row.FeeFixed == 0))
            return 0;
        Int128 due = (Int128.Abs(row.Open) * row.FeeBasisPoints) + row.FeeCarry;
        row.FeeCarry = (uint)(due % Limits.BasisPointsMax);
        return row.FeeDue = (due / Limits.BasisPointsMax) + row.FeeFixed;
    }

    private ref PositionRow Touch(ref PositionRow row, ushort participant, byte currencyIndex)
    {
        if (!row.Touched)
        {
            row.Touched = true;
            _touched[_touchedCount++] = (participant * _currenciesMax) + currencyIndex - 1;
        }

        return ref row;
    }
}
