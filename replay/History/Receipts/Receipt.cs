using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.History;

/// <summary>
/// What proves to anyone, offline, that a payment was accepted and is in a sealed batch: the payment, its path to the batch's root, and the batch's
/// signed header. It shows no other payment, and no totals.
/// </summary>
/// <remarks>
/// As JSON it has one form, but for white space between its words: fields in this order, all of them and no other, numbers without leading zeros,
/// hexadecimal in small letters. Every value in it is covered by the proof, or is a constant; there is no field that could be changed with the
/// receipt staying valid. So an amount stands in the ledger's smallest units: the scale is nothing that is signed.
/// Numbers of 64 bits stand as text, because many readers of JSON round them.
/// </remarks>
/// <param name="Payment">As it stands in the journal, all 64 bytes.</param>
/// <param name="Path">From the payment's leaf to the root; has sequence and salt.</param>
/// <param name="Header">Of the batch.</param>
/// <param name="Key">Of the node that signed.</param>
/// <param name="Seal">The signature.</param>
internal sealed record Receipt(Payment Payment, MerklePath Path, BatchHeader Header, NodeKey Key, SealSignature Seal)
{
    /// <summary>The format's name, and behind it its version.</summary>
    public const string FormatName = "settlement receipt ";
    public const string Format = FormatName + "1";
    public const string Algorithm = "ecdsa-p256-sha256";

    private static readonly JsonWriterOptions s_json = new() { Indented = true };

    internal static readonly NameList<Instruction> Instructions = new(
        Enum.GetValues<Instruction>().Where(instruction => instruction != Instruction.None && !instruction.IsControl()).Select(instruction => instruction.ToString()));

    internal static readonly NameList<Purpose> Purposes = new(Enum.GetNames<Purpose>().Where(name => name != nameof(Purpose.Last)));

    internal static readonly NameList<PaymentFlags> Flags =
        new(nameof(PaymentFlags.StreamId), nameof(PaymentFlags.Refundable), nameof(PaymentFlags.Opening));

    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, s_json))
        {
            json.WriteStartObject();
            json.WriteString("format", Format);
            json.WriteString("ledger", $"{Header.LedgerId:x32}");
            json.WriteString("verdict", VerdictText.NameOf(Verdict.Accepted));
            Number(json, "sequence", Path.Sequence);
            WritePayment(json);
            WriteLeaf(json);
            WriteBatch(json);
            WriteSignature(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length) + "\n";
    }

    private void WritePayment(Utf8JsonWriter json)
    {
        json.WriteStartObject("payment");
        json.WriteString("id", PaymentIdText.Format(Payment));
        Number(json, "payer", Payment.Payer);
        Number(json, "payee", Payment.Payee);
        Number(json, "amount_units", Payment.Amount);
        json.WriteString("currency", Iso4217.LettersOf(Payment.Currency));
        Number(json, "reference", Payment.Reference);
        Number(json, "valid_until_ns", Payment.ValidUntilNs);
        json.WriteString("instruction", Instructions.NameOf(Payment.Instruction));
        json.WriteStartArray("flags");
        foreach (PaymentFlags flag in Enum.GetValues<PaymentFlags>())
        {
            if (flag is not (PaymentFlags.None or PaymentFlags.Known) && Payment.Flags.HasFlag(flag))
                json.WriteStringValue(Flags.NameOf(flag));
        }

        json.WriteEndArray();
        json.WriteNumber("level", Payment.Level);
        json.WriteString("purpose", Purposes.NameOf(Payment.Purpose));
        json.WriteNumber("session", Payment.Session);
        json.WriteEndObject();
    }

    private void WriteLeaf(Utf8JsonWriter json)
    {
        json.WriteStartObject("leaf");
        Span<byte> salt = stackalloc byte[LeafSalt.SaltBytes];
        BinaryPrimitives.WriteUInt128LittleEndian(salt, Path.Salt);
        Hex(json, "salt", salt);
        Number(json, "index", (ulong)Path.Index);
        Number(json, "leaves", (ulong)Path.LeafCount);
        json.WriteStartArray("siblings");
        foreach (Digest sibling in Path.Siblings)
            json.WriteStringValue(sibling.ToString());
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteBatch(Utf8JsonWriter json)
    {
        BatchHeader batch = Header; // a copy: its hashes are read by reference
        json.WriteStartObject("batch");
        Number(json, "number", batch.Number);
        Number(json, "first_sequence", batch.FirstSequence);
        Number(json, "last_sequence", batch.LastSequence);
        Number(json, "opened_ns", batch.OpenedNs);
        Number(json, "closed_ns", batch.ClosedNs);
        Number(json, "count", batch.Count);
        Number(json, "accepted", batch.Accepted);
        Hex(json, "rules_hash", batch.RulesHash);
        Hex(json, "root", batch.Root);
        Hex(json, "totals_commitment", batch.Commitment);
        json.WriteEndObject();
    }

    private void WriteSignature(Utf8JsonWriter json)
    {
        SealSignature seal = Seal;
        NodeKey key = Key;
        json.WriteStartObject("signature");
        json.WriteString("algorithm", Algorithm);
        Hex(json, "key_id", seal.KeyId);
        Hex(json, "public_key", key);
        Hex(json, "value", seal.Signature);
        json.WriteEndObject();
    }

    private static void Number(Utf8JsonWriter json, string name, ulong value) =>
        json.WriteString(name, value.ToString(CultureInfo.InvariantCulture));

    private static void Hex(Utf8JsonWriter json, string name, ReadOnlySpan<byte> bytes) => json.WriteString(name, Convert.ToHexStringLower(bytes));
}
