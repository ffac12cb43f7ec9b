using System.Diagnostics.CodeAnalysis;

namespace Settlement.Engine.Domain;

// Purpose: what commands 156..161 say: records that a program builds, signs and encodes, and that the ledger decodes again.
// Invariant: canonical. TryDecode gives what Encode was given, from these bytes and no others. The command itself carries its instruction, its
//   session and the continuation's length; every other field of its 64 bytes is zero. What an owner signs is `Body()`, all of it but the signatures.
// Failure assumed: bytes of a client may be anything; they end in `false`.
// Offsets are in bytes. Signatures stand behind the body (pictured `signatures`): their number, 1 byte, then for each its key's number 2, its length 2, its bytes.

/// <summary>The signatures behind a body.</summary>
internal static class OwnerSignatures
{
    public static PayloadWriter Append(PayloadWriter body, IReadOnlyList<OwnerSignature> signatures)
    {
        body.Byte(checked((byte)signatures.Count));
        foreach (OwnerSignature signature in signatures)
            body.UInt16(signature.Key).UInt16(checked((ushort)signature.Signature.Length)).Bytes(signature.Signature);
        return body;
    }

    /// <summary>Reads them; a key that signs twice, or not in the order of numbers, is a fault, so that equal payloads have equal bytes.</summary>
    public static OwnerSignature[]? Read(ref PayloadReader reader)
    {
        int count = reader.Byte();
        if (count > ConsentBounds.WalletKeysMax)
            return null;
        var signatures = new OwnerSignature[count];
        int last = 0;
        for (int i = 0; i < count; i++)
        {
            ushort key = reader.UInt16();
            int length = reader.UInt16();
            if (key <= last || length is 0 or > PublicKeyForm.SignatureBytesMax)
                return null;
            signatures[i] = new OwnerSignature(key, reader.Bytes(length).ToArray());
            last = key;
        }

        return signatures;
    }
}

/// <summary>A key for a session or a wallet.</summary>
/// <param name="Role">For whom it speaks.</param>
/// <param name="Owner">The session's index, or the wallet.</param>
/// <param name="Scheme">How it signs.</param>
/// <param name="Spki">The key (<see cref="PublicKeyForm"/>).</param>
/// <param name="Signatures">Of the wallet's keys, where its policy asks for them.</param>
/// <remarks><code>
///   0    1    2       4       8               16
///   |role|sche| bytes | zero  | owner         | key … | signatures
/// </code></remarks>
public sealed record KeyRegistration(KeyRole Role, ulong Owner, SignatureScheme Scheme, byte[] Spki, IReadOnlyList<OwnerSignature> Signatures)
{
    /// <summary>All but the signatures.</summary>
    public byte[] Body() => Write().ToArray();

    public byte[] Encode() => OwnerSignatures.Append(Write(), Signatures).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out KeyRegistration? registration)
    {
        registration = null;
        var reader = new PayloadReader(bytes);
        (var role, var scheme, int length) = ((KeyRole)reader.Byte(), (SignatureScheme)reader.Byte(), reader.UInt16());
        reader.Zero(4);
        ulong owner = reader.UInt64();
        if (length > PublicKeyForm.BytesMax)
            return false;
        byte[] spki = reader.Bytes(length).ToArray();
        if (OwnerSignatures.Read(ref reader) is not { } signatures || !reader.IsWhole || !PublicKeyForm.IsOf(scheme, spki)
            || role is not (KeyRole.Session or KeyRole.Wallet) || (role == KeyRole.Session && signatures.Length > 0))
            return false;
        registration = new KeyRegistration(role, owner, scheme, spki, signatures);
        return true;
    }

    private PayloadWriter Write() =>
        new PayloadWriter().Byte((byte)Role).Byte((byte)Scheme).UInt16(checked((ushort)Spki.Length)).UInt32(0).UInt64(Owner).Bytes(Spki);
}

/// <summary>A key speaks no more from here on.</summary>
/// <param name="Role">For whom it spoke.</param>
/// <param name="Owner">The session's index, or the wallet.</param>
/// <param name="Key">Which.</param>
/// <param name="Signatures">Of the wallet's keys, where its policy asks for them; the key's own counts.</param>
/// <remarks><code>
///   0    1              8               16              32
///   |role| zero         | owner         | key           | signatures
/// </code></remarks>
public sealed record KeyRevocation(KeyRole Role, ulong Owner, KeyId Key, IReadOnlyList<OwnerSignature> Signatures)
{
    /// <summary>All but the signatures.</summary>
    public byte[] Body() => Write().ToArray();

    public byte[] Encode() => OwnerSignatures.Append(Write(), Signatures).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out KeyRevocation? revocation)
    {
        revocation = null;
        var reader = new PayloadReader(bytes);
        var role = (KeyRole)reader.Byte();
        reader.Zero(7);
        (ulong owner, KeyId key) = (reader.UInt64(), KeyId.From(reader.Bytes(KeyId.Size)));
        if (OwnerSignatures.Read(ref reader) is not { } signatures || !reader.IsWhole
            || role is not (KeyRole.Session or KeyRole.Wallet) || (role == KeyRole.Session && signatures.Length > 0))
            return false;
        revocation = new KeyRevocation(role, owner, key, signatures);
        return true;
    }

    private PayloadWriter Write() => new PayloadWriter().Byte((byte)Role).Bytes([0, 0, 0, 0, 0, 0, 0]).UInt64(Owner).Bytes(Key);
}

/// <summary>A session is over: what it sends from here on is of an unknown session.</summary>
/// <remarks><code>
///   0       2
///   |session|
/// </code></remarks>
public sealed record SessionClosing(ushort Session)
{
    public byte[] Encode() => new PayloadWriter().UInt16(Session).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out SessionClosing? closing)
    {
        var reader = new PayloadReader(bytes);
        closing = new SessionClosing(reader.UInt16());
        return reader.IsWhole;
    }
}

/// <summary>Leave for another participant's sessions to debit a wallet, or its end.</summary>
/// <param name="Wallet">Whose.</param>
/// <param name="Participant">Who may debit it.</param>
/// <param name="IsGiven">Else it is withdrawn, and nothing is said of a time.</param>
/// <param name="UntilNs">The last block time at which it holds, ns since the epoch; 0: without an end.</param>
/// <param name="Signatures">Of the wallet's keys, where its policy asks for them.</param>
/// <remarks><code>
///   0               8               16      18  19
///   | wallet        | until         |partic.|yes| signatures
/// </code></remarks>
public sealed record MandateSetting(ulong Wallet, ushort Participant, bool IsGiven, ulong UntilNs, IReadOnlyList<OwnerSignature> Signatures)
{
    /// <summary>All but the signatures.</summary>
    public byte[] Body() => Write().ToArray();

    public byte[] Encode() => OwnerSignatures.Append(Write(), Signatures).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out MandateSetting? mandate)
    {
        mandate = null;
        var reader = new PayloadReader(bytes);
        (ulong wallet, ulong until, ushort participant, bool given) = (reader.UInt64(), reader.UInt64(), reader.UInt16(), reader.Flag());
        if (OwnerSignatures.Read(ref reader) is not { } signatures || !reader.IsWhole || (!given && until != 0))
            return false;
        mandate = new MandateSetting(wallet, participant, given, until, signatures);
        return true;
    }

    private PayloadWriter Write() => new PayloadWriter().UInt64(Wallet).UInt64(UntilNs).UInt16(Participant).Flag(IsGiven);
}

/// <summary>How a wallet's owner consents from here on.</summary>
/// <param name="Wallet">Whose.</param>
/// <param name="Policy">The way.</param>
/// <param name="SignaturesAbove">How many of the wallet's keys must sign for an amount above the threshold, and for commands; 0 exactly where the policy is custodial.</param>
/// <param name="Threshold">Up to this amount one signature is enough: in the smallest unit of whichever currency; 0 where one is enough for any.</param>
/// <param name="Signatures">Of the wallet's keys, where the policy so far asks for them.</param>
/// <remarks><code>
///   0               8               16  17  18
///   | wallet        | threshold     |pol| k | signatures
/// </code></remarks>
public sealed record ConsentSetting(ulong Wallet, ConsentPolicy Policy, byte SignaturesAbove, ulong Threshold, IReadOnlyList<OwnerSignature> Signatures)
{
    /// <summary>All but the signatures.</summary>
    public byte[] Body() => Write().ToArray();

    public byte[] Encode() => OwnerSignatures.Append(Write(), Signatures).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out ConsentSetting? setting)
    {
        setting = null;
        var reader = new PayloadReader(bytes);
        (ulong wallet, ulong threshold, var policy, byte k) = (reader.UInt64(), reader.UInt64(), (ConsentPolicy)reader.Byte(), reader.Byte());
        bool sound = policy == ConsentPolicy.Custodial ? k == 0 && threshold == 0
            : policy <= ConsentPolicy.Last && k is >= 1 and <= ConsentBounds.WalletKeysMax && (k > 1 || threshold == 0);
        if (OwnerSignatures.Read(ref reader) is not { } signatures || !reader.IsWhole || !sound)
            return false;
        setting = new ConsentSetting(wallet, policy, k, threshold, signatures);
        return true;
    }

    private PayloadWriter Write() => new PayloadWriter().UInt64(Wallet).UInt64(Threshold).Byte((byte)Policy).Byte(SignaturesAbove);
}

/// <summary>
/// What a wallet's owner commits to (PayWord, Rivest and Shamir 1996): payments of one stream, each with the next value of a chain that ends in
/// <see cref="End"/>. Link <c>i</c> is for the payment of number <c>i</c>: SHA-256 of link <c>i</c> is link <c>i - 1</c>, and link 0 is the end.
/// </summary>
/// <param name="Wallet">It pays.</param>
/// <param name="Participant">Who redeems: the stream is one of its sessions'.</param>
/// <param name="Stream">High half of the stream's ids.</param>
/// <param name="Currency">ISO 4217 number.</param>
/// <param name="Payee">The only payee; 0: any.</param>
/// <param name="AmountMax">What one payment takes at most.</param>
/// <param name="Ceiling">What all of them take at most.</param>
/// <param name="ExpiryNs">The last block time at which it counts, ns since the epoch.</param>
/// <param name="Length">Links: the highest number that a payment may have.</param>
/// <param name="End">The chain's end, from which links are counted.</param>
/// <remarks><code>
///   0          8          16         24         32         40         48  50  52     56         88
///   | wallet   | stream   | payee    | at most  | ceiling  | expiry   |par|ccy|length| end      |
/// </code></remarks>
public sealed record ChainCommitment(
    ulong Wallet, ushort Participant, ulong Stream, ushort Currency, ulong Payee, ulong AmountMax, ulong Ceiling, ulong ExpiryNs, uint Length, Digest End)
{
    public const int Size = 88;

    public byte[] Encode() => new PayloadWriter().UInt64(Wallet).UInt64(Stream).UInt64(Payee).UInt64(AmountMax).UInt64(Ceiling).UInt64(ExpiryNs)
        .UInt16(Participant).UInt16(Currency).UInt32(Length).Bytes(End).ToArray();

    internal static ChainCommitment Read(ref PayloadReader reader)
    {
        (ulong wallet, ulong stream, ulong payee) = (reader.UInt64(), reader.UInt64(), reader.UInt64());
        (ulong amountMax, ulong ceiling, ulong expiry) = (reader.UInt64(), reader.UInt64(), reader.UInt64());
        (ushort participant, ushort currency, uint length) = (reader.UInt16(), reader.UInt16(), reader.UInt32());
        return new ChainCommitment(wallet, participant, stream, currency, payee, amountMax, ceiling, expiry, length, Digest.From(reader.Bytes(32)));
    }
}

/// <summary>A chain is opened: payments of its stream count from here on.</summary>
/// <param name="Commitment">What the owner signed (<see cref="ConsentMessage.OfChain"/>).</param>
/// <param name="Signatures">Of the wallet's keys: as many as a payment of the ceiling would need.</param>
/// <remarks><code>
///   0               88
///   | commitment    | signatures
/// </code></remarks>
public sealed record ChainOpening(ChainCommitment Commitment, IReadOnlyList<OwnerSignature> Signatures)
{
    public byte[] Encode() => OwnerSignatures.Append(new PayloadWriter().Bytes(Commitment.Encode()), Signatures).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out ChainOpening? opening)
    {
        opening = null;
        var reader = new PayloadReader(bytes);
        ChainCommitment commitment = ChainCommitment.Read(ref reader);
        if (OwnerSignatures.Read(ref reader) is not { } signatures || !reader.IsWhole)
            return false;
        opening = new ChainOpening(commitment, signatures);
        return true;
    }
}
