using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Journal;

/// <summary>
/// The chain's two hashes of a block. CRC-32C finds what a disk did; SHA-256 over header and body, CRC included, binds every
/// block to all before it. One instance serves one thread and allocates nothing per block.
/// </summary>
/// <remarks>
/// Cost at 16,384 payments a block, per payment: SHA-256 about 37 ns (it is a chain, so it cannot be spread over lanes), CRC
/// about 3 ns.
/// </remarks>
public sealed class BlockSeal : IDisposable
{
    private readonly IncrementalHash _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>CRC-32C over the header with its CRC field zero, then the body in parts (all but the first may be empty).</summary>
    public static uint CrcOf(in BlockHeader header, ReadOnlySpan<byte> body1, ReadOnlySpan<byte> body2, ReadOnlySpan<byte> body3 = default)
    {
        BlockHeader plain = header;
        plain.Crc = 0;
        uint crc = Crc32C.Append(0, BytesOf(in plain));
        crc = Crc32C.Append(crc, body1);
        crc = Crc32C.Append(crc, body2);
        return Crc32C.Append(crc, body3);
    }

    /// <summary>What the next block states as its <see cref="BlockHeader.Previous"/>.</summary>
    public Digest DigestOf(in BlockHeader header, ReadOnlySpan<byte> body1, ReadOnlySpan<byte> body2, ReadOnlySpan<byte> body3 = default)
    {
        _sha256.AppendData(BytesOf(in header));
        _sha256.AppendData(body1);
        if (!body2.IsEmpty)
            _sha256.AppendData(body2);
        if (!body3.IsEmpty)
            _sha256.AppendData(body3);
        Digest digest = default;
        _sha256.GetHashAndReset(digest);
        return digest;
    }

    public void Dispose() => _sha256.Dispose();

    internal static ReadOnlySpan<byte> BytesOf(in BlockHeader header) =>
        MemoryMarshal.AsBytes(new ReadOnlySpan<BlockHeader>(in header));
}

/// <summary>
/// Where a chain of blocks stands: what the next block must state. The same rules seal a block and verify one, so what is
/// sealed is what recovery accepts.
/// </summary>
public struct ChainPosition
{
    public UInt128 LedgerId { get; private set; }

    /// <summary>Number of the next block.</summary>
    public ulong NextNumber { get; private set; }

    /// <summary>First sequence of the next block.</summary>
    public ulong NextSequence { get; private set; }

    /// <summary>Time of the last block, ns; the next may not be earlier.</summary>
    public ulong TimeNs { get; private set; }

    /// <summary>Term of the last block; the next may not be of an earlier one.</summary>
    public ulong Term { get; private set; }

    /// <summary>SHA-256 of the last block; zero before genesis.</summary>
    public Digest Previous { get; private set; }

    /// <summary>Behind a block that is known by other means.</summary>
    internal static ChainPosition Behind(in BlockHeader header, in Digest digest)
    {
        var position = new ChainPosition { LedgerId = header.LedgerId };
        position.Advance(in header, in digest);
        return position;
    }

    public static ChainPosition BeforeGenesis(UInt128 ledgerId) => new() { LedgerId = ledgerId, NextSequence = 1 };

    /// <summary>What is wrong with a block whose CRC is right, at this place of the chain; null: nothing.</summary>
    public readonly string? Objection(in BlockHeader header)
    {
        if (header.LedgerId != LedgerId)
            return $"it belongs to ledger {header.LedgerId:x32}, this is ledger {LedgerId:x32}";
        if (header.Number != NextNumber)
            return $"it is block {header.Number}, block {NextNumber} is expected";
        if (header.Kind == BlockKind.Genesis != (NextNumber == 0))
            return $"block {header.Number} is of kind {header.Kind}; genesis is block 0 and no other";
        if (header.FirstSequence != NextSequence)
            return $"its first sequence is {header.FirstSequence}, {NextSequence} is expected";
        if (header.TimeNs < TimeNs)
            return $"its time is {TimeNs - header.TimeNs} ns before that of the block before it";
        if (header.Term < Term)
            return $"it is of term {header.Term}, the block before it of term {Term}";
        if (header.AttachmentBytes > header.BodyBytes)
            return $"its attachment of {header.AttachmentBytes} bytes is longer than its body of {header.BodyBytes}";
        return header.Previous == Previous ? null : "its chain hash is not that of the block before it";
    }

    public void Advance(in BlockHeader header, in Digest digest)
    {
        NextNumber = header.Number + 1;
        NextSequence = header.FirstSequence + header.Count;
        TimeNs = header.TimeNs;
        Term = header.Term;
        Previous = digest;
    }
}
