using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Settlement.Engine.Batch;

/// <summary>
/// The salts of a tree's leaves and of a batch's totals: AES-256 of the sequence or the batch's number, under a key that stands
/// in the ledger's genesis block and never leaves the ring.
/// </summary>
/// <remarks>
/// Purpose: a receipt shows digests of other payments; without a salt whoever guesses such a payment could test the guess.
/// A block cipher never gives two sequences one salt, and the salts that receipts show tell nothing of the others as long
/// as the key is secret. One block of 16 bytes each:
/// <code>
///   0               8               16
///   | sequence, LE  | zeros         |  -- AES-256 --&gt;  salt of a leaf
///   | batch, LE     | "totals 1"    |  -- AES-256 --&gt;  salt of a batch's totals
/// </code>
/// No block comes twice, so the code book mode is the cipher itself; and because the upper halves differ, no salt of a leaf, of which
/// every receipt shows one, is ever that of a batch's totals, which none shows, or tells anything of it. No allocation for leaves
/// after construction. Failure assumed: none. One thread at a time.
/// </remarks>
public sealed class LeafSalt : IDisposable
{
    public const int KeyBytes = 32;
    public const int SaltBytes = 16;

    /// <summary>Sequences of one call: enough to make the framework's cost of a call small.</summary>
    public const int SequencesMax = 64;

    /// <summary>Upper half of a batch's block; a leaf's is zero.</summary>
    private static ReadOnlySpan<byte> TotalsLabel => "totals 1"u8;

    private readonly Aes _aes;
    private readonly ICryptoTransform _cipher;
    private readonly byte[] _sequences = new byte[SequencesMax * SaltBytes]; // written by: the owner's thread
    private readonly byte[] _salts = new byte[SequencesMax * SaltBytes]; // written by: the owner's thread

    /// <param name="key">32 bytes.</param>
    public LeafSalt(ReadOnlySpan<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeyBytes);
        _aes = Aes.Create();
        _aes.Mode = CipherMode.ECB;
        _aes.Padding = PaddingMode.None;
        _aes.SetKey(key);
        _cipher = _aes.CreateEncryptor();
    }

    /// <summary>The salts of <paramref name="sequences"/>, 16 bytes each, valid until the next call.</summary>
    /// <param name="sequences">At most <see cref="SequencesMax"/>.</param>
    public ReadOnlySpan<byte> Compute(ReadOnlySpan<ulong> sequences)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sequences.Length, SequencesMax);
        if (sequences.IsEmpty) return default;
        // The upper halves were zero at the start and nothing writes them.
        for (int at = 0; at < sequences.Length; at++)
            BinaryPrimitives.WriteUInt64LittleEndian(_sequences.AsSpan(at * SaltBytes), sequences[at]);
        int bytes = sequences.Length * SaltBytes;
        if (_cipher.TransformBlock(_sequences, 0, bytes, _salts, 0) != bytes) ThrowCipherHeldBack();
        return _salts.AsSpan(0, bytes);
    }

    /// <summary>The salt of a batch's totals (<see cref="BatchHeader.CommitmentOf"/>): 16 bytes that leave the ring with the totals, or never.</summary>
    public UInt128 OfTotals(ulong batch)
    {
        Span<byte> block = stackalloc byte[SaltBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(block, batch);
        TotalsLabel.CopyTo(block[sizeof(ulong)..]);
        Span<byte> salt = stackalloc byte[SaltBytes];
        if (_aes.EncryptEcb(block, salt, PaddingMode.None) != SaltBytes) ThrowCipherHeldBack();
        return BinaryPrimitives.ReadUInt128LittleEndian(salt);
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_salts);
        _cipher.Dispose();
        _aes.Dispose();
    }

    private static void ThrowCipherHeldBack() =>
        throw new CryptographicException("the cipher gave fewer bytes than it took: it pads or chains");
}
