using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Batch;

/// <summary>The first bytes of a <see cref="BatchHeader"/>: they tell it from all else that a node's key may ever sign.</summary>
[InlineArray(Size)]
public struct BatchTag
{
    public const int Size = 24;

    private byte _first;
}

/// <summary>
/// What a node signs of a closed batch, 192 bytes, little-endian: enough to prove payments with, and nothing of participants' positions.
/// </summary>
/// <remarks>
/// <code>
///   0                       24              40      48      56      64      72      80      88      96
///   | tag, zeros            | ledger id     | number| first | last  | opened| closed| count | accept| …
///   96                             128                             160                             192
///   | rules hash                   | root                          | commitment                    |
///
///   tag         "settlement batch v1"
///   commitment  SHA-256 of: salt of the totals 16 | state hash 32 | gross and net as in the statement
/// </code>
/// Why not the statement itself: a receipt must hold all that is signed, and would show its holder every participant's turnover and
/// position. In their place stands a commitment. It binds: gross and net begin with their counts, so no two statements have the same
/// bytes there, and two that lead to one commitment are a collision of SHA-256. And it hides: totals of a small market, or a state hash, can
/// be guessed, and without a salt each guess could be tested against the receipt. The salt has 128 bits, is made by a cipher under the
/// genesis' salt key (<see cref="LeafSalt"/>), stands in no receipt, and no salt that a receipt does show, however many are brought
/// together, tells anything of it. Whom the operator shows a batch's totals gets them with this salt, and checks them against what is signed.
/// <para>Root and number of accepted payments are signed as they are: a path is checked against both.</para>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct BatchHeader
{
    public const int Size = 192;

    [FieldOffset(0)] public BatchTag Tag;
    [FieldOffset(24)] public UInt128 LedgerId;
    [FieldOffset(40)] public ulong Number;
    [FieldOffset(48)] public ulong FirstSequence;
    [FieldOffset(56)] public ulong LastSequence;
    [FieldOffset(64)] public ulong OpenedNs;
    [FieldOffset(72)] public ulong ClosedNs;
    [FieldOffset(80)] public ulong Count;
    [FieldOffset(88)] public ulong Accepted;
    [FieldOffset(96)] public Digest RulesHash;
    [FieldOffset(128)] public Digest Root;
    [FieldOffset(160)] public Digest Commitment;

    public static ReadOnlySpan<byte> TagText => "settlement batch v1"u8;

    /// <summary>A header that has its tag, and nothing else.</summary>
    public static BatchHeader Tagged()
    {
        BatchHeader header = default;
        TagText.CopyTo(header.Tag);
        return header;
    }

    /// <summary>Of a batch that has its root.</summary>
    /// <param name="ledgerId">Of the journal.</param>
    /// <param name="batch">Closed.</param>
    /// <param name="salts">Of the ledger.</param>
    public static BatchHeader Of(UInt128 ledgerId, ClosedBatch batch, LeafSalt salts)
    {
        BatchHeader header = Tagged();
        header.LedgerId = ledgerId;
        header.Number = batch.Number;
        header.FirstSequence = batch.FirstSequence;
        header.LastSequence = batch.LastSequence;
        header.OpenedNs = batch.OpenedNs;
        header.ClosedNs = batch.ClosedNs;
        header.Count = batch.Count;
        header.Accepted = batch.Accepted;
        header.RulesHash = batch.RulesHash;
        header.Root = batch.Root;
        header.Commitment = CommitmentOf(batch, salts.OfTotals(batch.Number));
        return header;
    }

    /// <summary>What stands for a batch's state hash, gross values and net positions.</summary>
    public static Digest CommitmentOf(ClosedBatch batch, UInt128 salt)
    {
        byte[] statement = batch.Encode();
        ReadOnlySpan<byte> totals = statement.AsSpan(ClosedBatch.TotalsOffset);
        byte[] message = new byte[LeafSalt.SaltBytes + Unsafe.SizeOf<Digest>() + totals.Length];
        BinaryPrimitives.WriteUInt128LittleEndian(message, salt);
        statement.AsSpan(ClosedBatch.StateHashOffset, Unsafe.SizeOf<Digest>()).CopyTo(message.AsSpan(LeafSalt.SaltBytes));
        totals.CopyTo(message.AsSpan(LeafSalt.SaltBytes + Unsafe.SizeOf<Digest>()));
        return Digest.From(SHA256.HashData(message));
    }

    /// <summary>The bytes that are signed.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes(new ReadOnlySpan<BatchHeader>(in this));
}
