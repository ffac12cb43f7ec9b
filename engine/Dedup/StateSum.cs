using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Dedup;

/// <summary>
/// A 128-bit sum over decisions: the same for the same set of them, whatever the order, memory, spill or chunking.
/// </summary>
/// <remarks>
/// Purpose: the ledger's state hash takes it in. As a sum it can be kept apart by hour and taken away again with the hour.
/// Each decision is mixed first (multiply, shift, multiply), so that no pattern of small differences cancels out. It
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
        ulong mixed = key + ((((ulong)fingerprint << 8) | (byte)verdict) * Mix.Pi1);
        mixed = (mixed ^ (mixed >> 32)) * Mix.Pi4;
        mixed ^= mixed >> 29;
        return new StateSum { Low = mixed, High = (mixed ^ (mixed >> 32)) * Mix.Pi2 };
    }

    /// <summary>What stands for an id in the sum; independent of any ledger's salt.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong KeyOf(ulong idLow, ulong idHigh, ushort participant) =>
        (idLow * Mix.Pi3) + BitOperations.RotateLeft((idHigh + participant) * Mix.Pi4, 32);

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
