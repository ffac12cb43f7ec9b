using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Settlement.Engine.Domain;

/// <summary>
/// What a wallet's owner signs. Each message begins with a tag of its own and the ledger's id, so a signature serves one purpose on one ledger. All have a fixed length.
/// </summary>
/// <remarks><code>
///             0                                  32              48
///   payment   | "settlement payment v1", 0…      | ledger id     | the payment's 64 bytes, in the session's place the participant  | 112
///   command   | "settlement wallet command v1"…  | ledger id     | instruction 1 | wallet 8 | counter 8 | SHA-256 of the body 32  |  97
///   chain     | "settlement chain v1", 0…        | ledger id     | commitment 88                                                  | 136
/// </code>
/// A payment's id makes its message serve once, and since ids are each participant's own, the message names the participant whose session sends it (0: the operator's): else
/// each that may debit the wallet could take the payment once. A command's counter does: how many commands about the wallet were accepted since its first key was
/// registered. A commitment needs neither: one is open once for its stream, wallet and participant, and is refused when its expiry is over.
/// </remarks>
public static class ConsentMessage
{
    public const int TagBytes = 32;
    public const int PaymentBytes = TagBytes + 16 + Payment.Size;

    /// <summary>Offset of the payment in its message: what stands before it is the same for all of a ledger.</summary>
    public const int PaymentOffset = TagBytes + 16;

    private const string PaymentTag = "settlement payment v1";

    /// <param name="ledgerId">Which ledger.</param>
    /// <param name="payment">With its id; its session counts for nothing.</param>
    /// <param name="participant">Of the session that sends it: the id is among that participant's.</param>
    public static byte[] OfPayment(UInt128 ledgerId, in Payment payment, ushort participant)
    {
        var message = new byte[PaymentBytes];
        WritePaymentHead(ledgerId, message);
        WritePayment(in payment, participant, message);
        return message;
    }

    /// <summary>Writes what all messages of a ledger's payments begin with.</summary>
    /// <param name="ledgerId">Which ledger.</param>
    /// <param name="message">Of <see cref="PaymentBytes"/>.</param>
    public static void WritePaymentHead(UInt128 ledgerId, Span<byte> message)
    {
        message[..TagBytes].Clear();
        Encoding.ASCII.GetBytes(PaymentTag, message);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128LittleEndian(message[TagBytes..], ledgerId);
    }

    /// <summary>Writes the payment behind that head.</summary>
    public static void WritePayment(in Payment payment, ushort participant, Span<byte> message)
    {
        Payment sent = payment;
        sent.Session = participant;
        MemoryMarshal.Write(message[PaymentOffset..], in sent);
    }

    /// <param name="ledgerId">Which ledger.</param>
    /// <param name="instruction">156, 157, 159 or 160.</param>
    /// <param name="wallet">What it is about.</param>
    /// <param name="counter">The wallet's, as of now.</param>
    /// <param name="body">The payload without its signatures.</param>
    public static byte[] OfCommand(UInt128 ledgerId, Instruction instruction, ulong wallet, ulong counter, ReadOnlySpan<byte> body) =>
        Begin("settlement wallet command v1", ledgerId).Byte((byte)instruction).UInt64(wallet).UInt64(counter).Bytes(SHA256.HashData(body)).ToArray();

    public static byte[] OfChain(UInt128 ledgerId, ChainCommitment commitment) =>
        Begin("settlement chain v1", ledgerId).Bytes(commitment.Encode()).ToArray();

    private static PayloadWriter Begin(string tag, UInt128 ledgerId)
    {
        Span<byte> padded = stackalloc byte[TagBytes];
        padded.Clear();
        Encoding.ASCII.GetBytes(tag, padded);
        return new PayloadWriter().Bytes(padded).UInt128(ledgerId);
    }
}

/// <summary>Commands whose payload stands behind them, ready for a journal's slots.</summary>
public static class PayloadCommand
{
    /// <param name="instruction">Which command.</param>
    /// <param name="session">Who sends it.</param>
    /// <param name="payload">What <c>Encode</c> of its record gave.</param>
    public static Payment[] ToSlots(Instruction instruction, ushort session, ReadOnlySpan<byte> payload)
    {
        var head = new ControlCommand { Instruction = instruction, Session = session, ContinuationBytes = (uint)payload.Length };
        var slots = new Payment[1 + head.ContinuationSlots];
        Span<byte> bytes = MemoryMarshal.AsBytes(slots.AsSpan());
        MemoryMarshal.Write(bytes, in head);
        payload.CopyTo(bytes[Payment.Size..]);
        return slots;
    }
}

/// <summary>A chain of links, for whoever pays by one: the owner keeps the seed, and reveals link after link.</summary>
/// <param name="seed">32 bytes that nobody else knows: the last link, of number <paramref name="length"/>.</param>
/// <param name="length">Links.</param>
public sealed class PayWordChain(in Digest seed, uint length)
{
    private const int Spacing = 256;

    // Every 256th link from the last one down: a link in between is at most 255 hashes away. length / 8 bytes.
    private readonly Digest[] _kept = Keep(in seed, length);

    public uint Length => length;

    /// <summary>Link 0: what a commitment names.</summary>
    public Digest End => Link(0);

    /// <summary>The link for the payment of this number, from 1.</summary>
    public Digest Link(uint number)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, length);
        uint hashes = length - number;
        return Hash(in _kept[hashes / Spacing], (int)(hashes % Spacing));
    }

    /// <summary>SHA-256 so many times.</summary>
    public static Digest Hash(in Digest link, int times)
    {
        Span<byte> value = stackalloc byte[SHA256.HashSizeInBytes];
        ((ReadOnlySpan<byte>)link).CopyTo(value);
        Span<byte> next = stackalloc byte[SHA256.HashSizeInBytes];
        for (int i = 0; i < times; i++)
        {
            SHA256.HashData(value, next);
            next.CopyTo(value);
        }

        return Digest.From(value);
    }

    private static Digest[] Keep(in Digest seed, uint length)
    {
        var kept = new Digest[(length / Spacing) + 1];
        kept[0] = seed;
        for (int i = 1; i < kept.Length; i++)
            kept[i] = Hash(in kept[i - 1], Spacing);
        return kept;
    }
}
