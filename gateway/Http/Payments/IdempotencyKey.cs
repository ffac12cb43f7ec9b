using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Settlement.Engine.Domain;
using Settlement.Gateway.Http.Answers;

namespace Settlement.Gateway.Http.Payments;

/// <summary>
/// The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header). It becomes the payments' ids, so that the engine itself decides once: over restarts and
/// takeovers, for as long as ids are kept, and with no store of its own that could disagree with the journal.
/// </summary>
/// <remarks>
/// A single payment has number 0. An array's payments have numbers 1, 2, 3 …, and number 0 is its *mark*: a payment of nothing, always refused, whose parties and reference are
/// a hash of the whole array. The engine keeps its id with its body as any other's; so the same key with another array, longer or shorter or in another order, or with a
/// single payment, is found out before a payment of it is looked at.
/// <code>
///   id = first 128 bits of SHA-256("settlement idempotency key v1" | participant 2 | number 4 | key), as a UUID of version 8
/// </code>
/// </remarks>
internal sealed class IdempotencyKey(ushort participant, string key)
{
    private const int CharsMax = 255;
    private const string HeaderName = "Idempotency-Key";

    private static ReadOnlySpan<byte> Tag => "settlement idempotency key v1"u8;

    /// <summary>Which participant's key, for those under way.</summary>
    public (ushort Participant, string Key) Name => (participant, key);

    /// <summary>The request's; null: it has none.</summary>
    /// <exception cref="ProblemException">There is more than one, or it is no key.</exception>
    public static IdempotencyKey? Of(HttpContext http, ushort participant)
    {
        var values = http.Request.Headers[HeaderName];
        if (values.Count == 0)
            return null;
        string text = values.Count == 1 ? values.ToString().Trim() : "";
        if (text.Length >= 2 && text[0] == '"' && text[^1] == '"')
            text = text[1..^1]; // a string as RFC 8941 has it; bare ones are common, and taken as they are
        return text.Length is >= 1 and <= CharsMax && text.All(letter => letter is >= ' ' and <= '~' and not ('"' or '\\'))
            ? new IdempotencyKey(participant, text)
            : throw Problem.Invalid($"{HeaderName}: one key of 1 to {CharsMax} printable ASCII letters is expected, such as a UUID, with or without quotation marks.");
    }

    public UInt128 IdOf(int number)
    {
        Span<byte> message = stackalloc byte[Tag.Length + 6 + CharsMax];
        Tag.CopyTo(message);
        BinaryPrimitives.WriteUInt16LittleEndian(message[Tag.Length..], participant);
        BinaryPrimitives.WriteInt32LittleEndian(message[(Tag.Length + 2)..], number);
        int length = Tag.Length + 6 + Encoding.ASCII.GetBytes(key, message[(Tag.Length + 6)..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(message[..length], hash);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    /// <summary>The mark of an array.</summary>
    public Payment MarkOf(ReadOnlySpan<Payment> payments, ushort session)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(WithoutSession(payments)), hash);
        UInt128 id = IdOf(0);
        return new Payment
        {
            IdHigh = (ulong)(id >> 64),
            IdLow = (ulong)id,
            Payer = BinaryPrimitives.ReadUInt64LittleEndian(hash) | 1,
            Payee = BinaryPrimitives.ReadUInt64LittleEndian(hash[8..]) | 1,
            Reference = BinaryPrimitives.ReadUInt64LittleEndian(hash[16..]),
            Instruction = Instruction.Micropayment,
            Session = session,
        };
    }

    /// <summary>What the mark is answered with where nothing stands in the way.</summary>
    public static bool IsFree(in Outcome mark) =>
        mark.Verdict == Verdict.ZeroAmount || (mark.Verdict == Verdict.Duplicate && mark.First == Verdict.ZeroAmount);

    /// <summary>As the engine compares bodies: another session of the participant may send it again.</summary>
    private static ReadOnlySpan<Payment> WithoutSession(ReadOnlySpan<Payment> payments)
    {
        Payment[] copy = payments.ToArray();
        foreach (ref Payment payment in copy.AsSpan())
            payment.Session = 0;
        return copy;
    }
}

/// <summary>Keys whose request is not answered yet.</summary>
internal sealed class KeysUnderWay
{
    private readonly ConcurrentDictionary<(ushort Participant, string Key), bool> _keys = new();

    /// <exception cref="ProblemException">Another request has it.</exception>
    public IDisposable Enter(IdempotencyKey key) => _keys.TryAdd(key.Name, true) ? new Exit(_keys, key.Name) : throw Problem.KeyInUse();

    private sealed class Exit(ConcurrentDictionary<(ushort, string), bool> keys, (ushort, string) name) : IDisposable
    {
        public void Dispose() => keys.TryRemove(name, out _);
    }
}
