using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Dedup;

/// <summary>
/// A 128-bit sum over decisions: the same for the same set of them, whatever the order, memory, spill or chunking.
/// </summary>
/// <remarks>
/// Purpose: the ledger's state hash takes it in. As a sum it can be kept apart by hour and taken away again with the hour.
/// Each decision is mixed by two 64 x 64 multiplications first, so that no pattern of small differences cancels out. It
/// shows divergence between honest replicas; against forgery stands the journal's SHA-256 chain.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct StateSum : IEquatable<StateSum>
{
    [FieldOffset(0)] public ulong Low;
    [FieldOffset(8)] public ulong High;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static StateSum Of(ulong key, uint fingerprint, Verdict verdict)
    {
        ulong high = Math.BigMul(key ^ Mix.Pi2, (((ulong)fingerprint << 8) | (byte)verdict) ^ Mix.Pi3, out ulong low);
        ulong mixedHigh = Math.BigMul(low ^ Mix.Pi4, high ^ Mix.Pi5, out ulong mixedLow);
        return new StateSum { Low = mixedLow ^ high, High = mixedHigh ^ low };
    }

    /// <summary>What stands for an id in the sum; independent of any ledger's salt.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong KeyOf(ulong idLow, ulong idHigh, ushort participant) =>
        Mix.Fold(idLow ^ Mix.Pi6, (idHigh ^ Mix.Pi7) + (participant * Mix.Pi5));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(in StateSum other)
    {
        Low += other.Low;
        High += other.High;
    }

    public void Subtract(in StateSum other)
    {
        Low -= other.Low;
        High -= other.High;
    }

    public readonly bool Equals(StateSum other) => Low == other.Low && High == other.High;

    public override readonly bool Equals(object? obj) => obj is StateSum other && Equals(other);

    public override readonly int GetHashCode() => Low.GetHashCode();

    public static bool operator ==(StateSum left, StateSum right) => left.Equals(right);

    public static bool operator !=(StateSum left, StateSum right) => !left.Equals(right);

    public override readonly string ToString() => $"{High:x16}{Low:x16}";
}
