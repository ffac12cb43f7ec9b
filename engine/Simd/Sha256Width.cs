using System.Diagnostics.CodeAnalysis;

namespace Settlement.Engine.Simd;

/// <summary>
/// What <see cref="Sha256Lanes"/> asks of one width of vector: a lane is one message, an element one 32-bit word of it.
/// </summary>
/// <remarks>
/// Statically dispatched, so that the compression is written once and compiled three times. Loading turns bytes that lie
/// message by message into vectors that lie word by word (a transposition of 32-bit words, big-endian to native); storing turns back.
/// </remarks>
internal interface ISha256Width<TVector>
    where TVector : unmanaged
{
    static abstract int LaneCount { get; }

    static abstract bool IsSupported { get; }

    /// <summary>Whether 32 vector registers are there, not 16.</summary>
    static abstract bool HasManyRegisters { get; }

    static abstract TVector Broadcast(ref readonly uint word);

    static abstract TVector Add(TVector left, TVector right);

    static abstract TVector Xor(TVector first, TVector second, TVector third);

    /// <summary>FIPS 180-4 Ch: the second where the first has ones, else the third.</summary>
    static abstract TVector Choose(TVector first, TVector second, TVector third);

    /// <summary>FIPS 180-4 Maj.</summary>
    static abstract TVector Majority(TVector first, TVector second, TVector third);

    static abstract TVector RotateRight(TVector value, [ConstantExpected] byte bits);

    static abstract TVector ShiftRight(TVector value, [ConstantExpected] byte bits);

    /// <summary>Loads one 64-byte block of each lane's message into 16 vectors; lane n's block begins n strides further.</summary>
    static abstract void LoadBlock(ref byte block, nuint strideBytes, ref TVector words);

    /// <summary>Stores the 8 state vectors as one 32-byte digest a lane, one behind the other.</summary>
    static abstract void StoreDigests(ref TVector state, ref byte digests);
}
