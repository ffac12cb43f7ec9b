using System.Buffers.Binary;

namespace Settlement.Engine.Simd;

/// <summary>
/// The last block of messages that differ in their whole blocks only: a short ending that all share, and the padding. Its
/// schedule is computed once, here, instead of in every lane of every group.
/// </summary>
public sealed class Sha256Ending
{
    /// <summary>One block less the padding's bit and length.</summary>
    public const int EndingBytesMax = Sha256Lanes.BlockBytes - 9;

    /// <summary>Bound of the stack that a single message takes.</summary>
    public const int MessageBytesMax = 1024;

    private readonly byte[] _ending;
    private readonly uint[] _sums = new uint[Sha256Compression.RoundCount];

    /// <param name="messageBytes">Length of each message without the ending: a multiple of 64, at most <see cref="MessageBytesMax"/>.</param>
    /// <param name="ending">1 to <see cref="EndingBytesMax"/> bytes.</param>
    public Sha256Ending(int messageBytes, ReadOnlySpan<byte> ending)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(messageBytes % Sha256Lanes.BlockBytes, 0);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(messageBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(messageBytes, MessageBytesMax);
        ArgumentOutOfRangeException.ThrowIfZero(ending.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ending.Length, EndingBytesMax);
        MessageBytes = messageBytes;
        _ending = ending.ToArray();
        Span<byte> block = stackalloc byte[Sha256Lanes.BlockBytes];
        Sha256Lanes.Pad(block, ending.Length);
        ending.CopyTo(block);
        BinaryPrimitives.WriteUInt64BigEndian(block[^8..], (ulong)(messageBytes + ending.Length) * 8);
        Sha256Compression.SumSchedule(block, _sums);
    }

    /// <summary>Length of each message without the ending.</summary>
    public int MessageBytes { get; }

    public ReadOnlySpan<byte> Bytes => _ending;

    internal ReadOnlySpan<uint> Sums => _sums;
}
