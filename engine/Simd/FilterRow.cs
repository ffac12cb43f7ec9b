using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Settlement.Engine.Simd;

/// <summary>
/// Eight filters' words for the same keys, side by side in one cache line, so that one miss asks all eight.
/// </summary>
/// <remarks>
/// <code>
///  0        8        16       24       32       40       48       56      64
///  | lane 0 | lane 1 | lane 2 | lane 3 | lane 4 | lane 5 | lane 6 | lane 7 |
/// </code>
/// A lane's word is a 64-bit Bloom block: a key sets up to four bits of it.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = Size)]
public struct FilterRow
{
    public const int Size = 64;
    public const int Lanes = 8;

    private Eight _words;

    public ulong this[int lane]
    {
        readonly get => _words[lane];
        set => _words[lane] = value;
    }

    /// <summary>One bit a lane: whether it has all bits of the mask.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint LanesHolding(ulong mask)
    {
        Vector512<ulong> wanted = Vector512.Create(mask);
        Vector512<ulong> words = Vector512.LoadUnsafe(in Unsafe.As<Eight, ulong>(ref Unsafe.AsRef(in _words)));
        return (uint)Vector512.Equals(words & wanted, wanted).ExtractMostSignificantBits();
    }

    [InlineArray(Lanes)]
    private struct Eight
    {
        private ulong _first;
    }
}
