using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace Settlement.Engine.Simd;

/// <summary>
/// SHA-256 (FIPS 180-4) of many messages of one length at once, one message a lane: 16, 8 or 4 lanes as the hardware has
/// them, and the framework for the few that are left over.
/// </summary>
/// <remarks>
/// Purpose: a tree's leaves and nodes, and the links of hash chains, whose messages are so short that a call of the framework costs
/// more than the hashing. Invariant: the digests are those of the framework, whatever the width. No allocation.
/// Data-independent in time, as SHA-256 is. Units: bytes; digests lie one behind the other, 32 bytes each.
/// </remarks>
public static class Sha256Lanes
{
    public const int DigestBytes = 32;
    public const int BlockBytes = 64;

    /// <summary>Longest message; many short ones are what this is for.</summary>
    public const int MessageBytesMax = 1 << 20;

    private const int WidestLanes = 16;

    /// <summary>A one bit and the length in bits.</summary>
    private const int PaddingBytesMin = 9;

    /// <summary>Messages hashed at once on this machine; 1: none, the framework does them one by one.</summary>
    public static int LaneCount =>
        Sha256Width512.IsSupported ? Sha256Width512.LaneCount
        : Sha256Width256.IsSupported ? Sha256Width256.LaneCount
        : Sha256Width128.IsSupported ? Sha256Width128.LaneCount : 1;

    /// <summary>Length of a message with its padding, a multiple of 64.</summary>
    public static int PaddedBytes(int messageBytes) => (messageBytes + PaddingBytesMin + BlockBytes - 1) & -BlockBytes;

    /// <summary>Writes the padding behind the first <paramref name="messageBytes"/> of <paramref name="padded"/>.</summary>
    /// <param name="padded"><see cref="PaddedBytes"/> long.</param>
    /// <param name="messageBytes">Length of the message.</param>
    public static void Pad(Span<byte> padded, int messageBytes)
    {
        if (padded.Length != PaddedBytes(messageBytes)) ThrowLengthsDiffer();
        padded[messageBytes..].Clear();
        padded[messageBytes] = 0x80;
        BinaryPrimitives.WriteUInt64BigEndian(padded[^8..], (ulong)messageBytes * 8);
    }

    /// <summary>
    /// Hashes messages that lie one behind the other. For messages of 32 bytes the digests may take their place (a chain's next links).
    /// </summary>
    /// <param name="messages">n times <paramref name="messageBytes"/>.</param>
    /// <param name="messageBytes">Length of each, 1 to <see cref="MessageBytesMax"/>.</param>
    /// <param name="digests">n times 32, written.</param>
    /// <exception cref="ArgumentException">The lengths do not belong together.</exception>
    public static void Hash(ReadOnlySpan<byte> messages, int messageBytes, Span<byte> digests) =>
        Hash(messages, messageBytes, digests, WidestLanes);

    /// <summary>Hashes messages that <see cref="Pad"/> has padded where they lie: nothing is copied.</summary>
    /// <param name="padded">n times <see cref="PaddedBytes"/> of <paramref name="messageBytes"/>.</param>
    /// <param name="messageBytes">Length of each, without its padding.</param>
    /// <param name="digests">n times 32, written.</param>
    /// <exception cref="ArgumentException">The lengths do not belong together.</exception>
    public static void HashPadded(ReadOnlySpan<byte> padded, int messageBytes, Span<byte> digests) =>
        HashPadded(padded, messageBytes, digests, WidestLanes);

    /// <summary>Hashes messages that all have the same ending behind them.</summary>
    /// <param name="messages">n times the ending's <see cref="Sha256Ending.MessageBytes"/>, without the ending.</param>
    /// <param name="ending">What follows each message.</param>
    /// <param name="digests">n times 32, written.</param>
    /// <exception cref="ArgumentException">The lengths do not belong together.</exception>
    public static void HashWithEnding(ReadOnlySpan<byte> messages, Sha256Ending ending, Span<byte> digests) =>
        HashWithEnding(messages, ending, digests, WidestLanes);

    internal static void Hash(ReadOnlySpan<byte> messages, int messageBytes, Span<byte> digests, int lanesMax)
    {
        if (messageBytes is < 1 or > MessageBytesMax) ThrowLengthsDiffer();
        if (messageBytes % BlockBytes != 0)
        {
            HashAll(new Batch(messages, messageBytes, messageBytes, messageBytes / BlockBytes, default), digests, lanesMax);
            return;
        }
        Span<byte> closing = stackalloc byte[BlockBytes];
        Span<uint> sums = stackalloc uint[Sha256Compression.RoundCount];
        closing.Clear();
        closing[0] = 0x80;
        BinaryPrimitives.WriteUInt64BigEndian(closing[^8..], (ulong)messageBytes * 8);
        Sha256Compression.SumSchedule(closing, sums);
        HashAll(new Batch(messages, messageBytes, messageBytes, messageBytes / BlockBytes, sums), digests, lanesMax);
    }

    internal static void HashPadded(ReadOnlySpan<byte> padded, int messageBytes, Span<byte> digests, int lanesMax)
    {
        if (messageBytes is < 0 or > MessageBytesMax) ThrowLengthsDiffer();
        int stride = PaddedBytes(messageBytes);
        HashAll(new Batch(padded, stride, messageBytes, stride / BlockBytes, default), digests, lanesMax);
    }

    internal static void HashWithEnding(ReadOnlySpan<byte> messages, Sha256Ending ending, Span<byte> digests, int lanesMax)
    {
        int bytes = ending.MessageBytes;
        HashAll(new Batch(messages, bytes, bytes, bytes / BlockBytes, ending.Sums) { Ending = ending.Bytes }, digests, lanesMax);
    }

    private static void HashAll(in Batch batch, Span<byte> digests, int lanesMax)
    {
        int count = digests.Length / DigestBytes;
        if (digests.Length % DigestBytes != 0 || batch.Messages.Length != (long)count * batch.StrideBytes) ThrowLengthsDiffer();
        int done = 0;
        if (lanesMax >= 16) done = HashGroups<Sha256Width512, Vector512<uint>>(batch, done, digests);
        if (lanesMax >= 8) done = HashGroups<Sha256Width256, Vector256<uint>>(batch, done, digests);
        if (lanesMax >= 4) done = HashGroups<Sha256Width128, Vector128<uint>>(batch, done, digests);
        if (done < count) HashOneByOne(batch, done, digests);
    }

    /// <returns>How many messages are done: as many whole groups of lanes as there are.</returns>
    [SkipLocalsInit]
    private static int HashGroups<TWidth, TVector>(in Batch batch, int done, Span<byte> digests)
        where TWidth : struct, ISha256Width<TVector>
        where TVector : unmanaged
    {
        int count = digests.Length / DigestBytes;
        if (!TWidth.IsSupported || count - done < TWidth.LaneCount) return done;

        nuint stride = (nuint)batch.StrideBytes;
        Unsafe.SkipInit(out Words<TVector> words);
        Unsafe.SkipInit(out State<TVector> state);
        Span<byte> tails = stackalloc byte[WidestLanes * 2 * BlockBytes];
        int tailStride = batch.TailBytes == 0 ? 0 : PaddedBytes(batch.TailBytes);
        if (tailStride > 0) PadTails(batch, tails, tailStride, TWidth.LaneCount);
        for (; count - done >= TWidth.LaneCount; done += TWidth.LaneCount)
        {
            ref byte group = ref Unsafe.Add(ref MemoryMarshal.GetReference(batch.Messages), (nint)done * batch.StrideBytes);
            for (int word = 0; word < Sha256Compression.StateWords; word++)
                state[word] = TWidth.Broadcast(in Sha256Compression.Initial[word]);
            for (nuint block = 0; block < (nuint)batch.BlockCount; block++)
            {
                TWidth.LoadBlock(ref Unsafe.Add(ref group, block * BlockBytes), stride, ref words[0]);
                Sha256Compression.Compress<TWidth, TVector>(ref state[0], ref words[0]);
            }
            if (tailStride > 0) CopyTails(batch, done, tails, tailStride, TWidth.LaneCount);
            for (int at = 0; at < tailStride; at += BlockBytes)
            {
                TWidth.LoadBlock(ref tails[at], (nuint)tailStride, ref words[0]);
                Sha256Compression.Compress<TWidth, TVector>(ref state[0], ref words[0]);
            }
            if (!batch.Sums.IsEmpty)
                Sha256Compression.CompressShared<TWidth, TVector>(ref state[0], ref MemoryMarshal.GetReference(batch.Sums));
            TWidth.StoreDigests(ref state[0], ref digests[done * DigestBytes]);
        }
        return done;
    }

    /// <summary>The padding behind the tails: once for all groups, for they are equally long.</summary>
    private static void PadTails(in Batch batch, Span<byte> tails, int tailStride, int laneCount)
    {
        for (int lane = 0; lane < laneCount; lane++)
        {
            Span<byte> tail = tails.Slice(lane * tailStride, tailStride);
            Pad(tail, batch.TailBytes);
            BinaryPrimitives.WriteUInt64BigEndian(tail[^8..], (ulong)batch.MessageBytes * 8);
        }
    }

    private static void CopyTails(in Batch batch, int first, Span<byte> tails, int tailStride, int laneCount)
    {
        int tailStart = batch.BlockCount * BlockBytes;
        for (int lane = 0; lane < laneCount; lane++)
            batch.Messages.Slice(((first + lane) * batch.StrideBytes) + tailStart, batch.TailBytes)
                .CopyTo(tails[(lane * tailStride)..]);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void HashOneByOne(in Batch batch, int done, Span<byte> digests)
    {
        Span<byte> ended = stackalloc byte[Sha256Ending.MessageBytesMax + BlockBytes];
        for (; done < digests.Length / DigestBytes; done++)
        {
            scoped ReadOnlySpan<byte> message = batch.Messages.Slice(done * batch.StrideBytes, batch.MessageBytes);
            if (!batch.Ending.IsEmpty)
            {
                message.CopyTo(ended);
                batch.Ending.CopyTo(ended[message.Length..]);
                message = ended[..(message.Length + batch.Ending.Length)];
            }
            SHA256.HashData(message, digests.Slice(done * DigestBytes, DigestBytes));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowLengthsDiffer() =>
        throw new ArgumentException("messages, message length and digests do not belong together");

    /// <summary>
    /// Messages of one length, and what is hashed of each: whole blocks in place, then a tail to be staged or sums shared by all.
    /// </summary>
    private readonly ref struct Batch(
        ReadOnlySpan<byte> messages, int strideBytes, int messageBytes, int blockCount, ReadOnlySpan<uint> sums)
    {
        public readonly ReadOnlySpan<byte> Messages = messages;
        public readonly ReadOnlySpan<uint> Sums = sums;
        public readonly int StrideBytes = strideBytes;
        public readonly int MessageBytes = messageBytes;

        /// <summary>Blocks read in place; with those of the padding where it lies there.</summary>
        public readonly int BlockCount = blockCount;

        /// <summary>Bytes of each message behind its whole blocks; 0 where none are to be staged.</summary>
        public readonly int TailBytes = Math.Max(0, messageBytes - (blockCount * BlockBytes));

        public ReadOnlySpan<byte> Ending { get; init; }
    }

    [InlineArray(Sha256Compression.BlockWords)]
    private struct Words<TVector>
    {
        private TVector _first;
    }

    [InlineArray(Sha256Compression.StateWords)]
    private struct State<TVector>
    {
        private TVector _first;
    }
}
