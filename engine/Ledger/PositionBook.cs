using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Ledger;

// Purpose: what participants owe each other: the open batch's net positions, closed ones not yet settled outside, caps and fees.
// Invariant: over all participants, Open sums to zero in every currency, and so does Unsettled.
// Units: smallest unit of the currency. All written by: settle thread.

/// <summary>One participant in one currency: 64 bytes.</summary>
/// <remarks>
/// <code>
///  0               16              32      40      48    52    56  57  58        64
///  | open          | unsettled     | cap   | fixed | bps |carry|cap|tch| reserved |
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public struct PositionRow
{
    /// <summary>Net of the open batch: positive is owed to the participant.</summary>
    [FieldOffset(0)] public Int128 Open;

    /// <summary>Net of closed batches, before fees, that have not been reported settled.</summary>
    [FieldOffset(16)] public Int128 Unsettled;
    [FieldOffset(32)] public ulong Cap;
    [FieldOffset(40)] public ulong FeeFixed;
    [FieldOffset(48)] public uint FeeBasisPoints;

    /// <summary>Ten-thousandths of a unit that earlier fees left over.</summary>
    [FieldOffset(52)] public uint FeeCarry;
    [FieldOffset(56)] public bool HasCap;
    [FieldOffset(57)] public bool Touched;
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
        var net = new List<NetPosition>(touched.Length + _currencies.Count);
        var unsettled = new List<(int, Int128)>(touched.Length);
        var earned = new Int128[_currencies.Count];
        var operatorNet = new Int128[_currencies.Count];
        foreach (int index in touched)
        {
            ref PositionRow row = ref _rows[index];
            int currency = index % _currenciesMax;
            ushort participant = (ushort)(index / _currenciesMax);
            if (row.Open != 0)
            {
                unsettled.Add((index, row.Open));
                row.Unsettled += row.Open;
            }

            if (participant == Limits.OperatorParticipant)
            {
                operatorNet[currency] = row.Open;
            }
            else if (row.Open != 0)
            {
                Int128 fee = Fee(ref row);
                earned[currency] += fee;
                net.Add(new NetPosition(participant, _currencies[currency + 1].Number, row.Open - fee, fee));
            }

            row.Open = 0;
            row.Touched = false;
        }

        _touchedCount = 0;
        for (int currency = _currencies.Count - 1; currency >= 0; currency--)
        {
            if (operatorNet[currency] != 0 || earned[currency] != 0)
            {
                net.Insert(0, new NetPosition(Limits.OperatorParticipant, _currencies[currency + 1].Number,
                    operatorNet[currency] + earned[currency], -earned[currency]));
            }
        }

        _unsettled.Add(batch, [.. unsettled]);
        return [.. net];
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

    public void Dispose()
    {
        _rows.Dispose();
        _touched.Dispose();
    }

    /// <summary>Basis points of the absolute position, what they leave over carried to the next close, and the fixed part.</summary>
    private static Int128 Fee(ref PositionRow row)
    {
        if (row.FeeBasisPoints == 0 && row.FeeFixed == 0)
            return 0;
        Int128 due = (Int128.Abs(row.Open) * row.FeeBasisPoints) + row.FeeCarry;
        row.FeeCarry = (uint)(due % Limits.BasisPointsMax);
        return (due / Limits.BasisPointsMax) + row.FeeFixed;
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
