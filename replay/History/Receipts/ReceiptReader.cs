using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.History;

/// <summary>Reads a receipt's JSON, in its one form (<see cref="Receipt"/>).</summary>
/// <remarks>
/// Every value is read and must be what writing it again gives, letter by letter; so two texts that differ in anything but white space
/// between words are two receipts, or not both receipts.
/// Failure assumed: anything may be in the file. It ends in a sentence, never in another exception; a receipt is a few KiB, so more than
/// <see cref="BytesMax"/> is not read.
/// </remarks>
internal ref struct ReceiptReader
{
    /// <summary>The longest path is 150 siblings of 70 characters: six times that.</summary>
    public const int BytesMax = 64 << 10;

    private static readonly SearchValues<char> s_hexDigits = SearchValues.Create("0123456789abcdef");

    private sealed class ReceiptException(string sentence) : Exception(sentence);

    private readonly ReadOnlySpan<byte> _text;
    private readonly PaymentIdText _ids = new();
    private Utf8JsonReader _json;
    private string _object = "";

    private ReceiptReader(ReadOnlySpan<byte> text)
    {
        _text = text;
        _json = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = 8 });
    }

    /// <param name="text">UTF-8.</param>
    /// <param name="receipt">Null where the answer is false.</param>
    /// <param name="fault">Where it cannot be read, and what is expected; null where the answer is true.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, [NotNullWhen(true)] out Receipt? receipt, [NotNullWhen(false)] out string? fault)
    {
        (receipt, fault) = (null, null);
        if (text.Length > BytesMax)
        {
            fault = string.Create(CultureInfo.InvariantCulture, $"it is longer than {BytesMax} bytes, and a receipt never is");
            return false;
        }

        try
        {
            receipt = new ReceiptReader(text).Read();
            return true;
        }
        catch (ReceiptException unreadable)
        {
            fault = unreadable.Message;
        }
        catch (JsonException malformed)
        {
            fault = string.Create(CultureInfo.InvariantCulture, $"line {(malformed.LineNumber ?? 0) + 1}: it is no JSON");
        }

        return false;
    }

    private Receipt Read()
    {
        if (!_json.Read() || _json.TokenType != JsonTokenType.StartObject)
            throw Fault("a receipt's JSON begins with {");
        ReadFormat();
        BatchHeader header = BatchHeader.Tagged();
        header.LedgerId = BinaryPrimitives.ReadUInt128BigEndian(Hex("ledger", sizeof(ulong) * 2));
        Constant("verdict", VerdictText.NameOf(Verdict.Accepted));
        ulong sequence = Number("sequence");
        Payment payment = ReadPayment();
        MerklePath path = ReadPath(sequence);
        ReadBatch(ref header);
        (NodeKey key, SealSignature seal) = ReadSignature();
        End();
        if (_json.Read())
            throw Fault("nothing follows a receipt");
        return new Receipt(payment, path, header, key, seal);
    }

    private void ReadFormat()
    {
        string format = Text("format", Expected(Receipt.Format));
        if (format == Receipt.Format)
            return;
        ReadOnlySpan<char> version = format.StartsWith(Receipt.FormatName, StringComparison.Ordinal) ? format.AsSpan(Receipt.FormatName.Length) : default;
        if (ulong.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            throw new ReceiptException($"it is of version {version}, and this program reads version 1; check it with the program that made it, or a later one");
        throw Fault($"format: {Expected(Receipt.Format)} is expected");
    }

    private Payment ReadPayment()
    {
        Begin("payment");
        string id = Text("id", "a payment's id");
        if (!_ids.TryParse(Encoding.UTF8.GetBytes(id), out ulong high, out ulong low, out bool isStream) || PaymentIdText.Format(high, low, isStream) != id)
            throw Fault("payment.id: 16 hexadecimal digits, a colon and a number from 1, or a UUID in small letters, is expected");
        var payment = new Payment
        {
            IdHigh = high,
            IdLow = low,
            Payer = Number("payer"),
            Payee = Number("payee"),
            Amount = Number("amount_units"),
            Currency = ReadCurrency(),
            Reference = Number("reference"),
            ValidUntilNs = Number("valid_until_ns"),
            Instruction = Name("instruction", Receipt.Instructions),
            Flags = ReadFlags(),
            Level = (byte)SmallNumber("level", byte.MaxValue),
            Purpose = Name("purpose", Receipt.Purposes),
            Session = (ushort)SmallNumber("session", ushort.MaxValue),
        };
        End();
        if (payment.HasStreamId != isStream)
            throw Fault("payment.flags: stream_id is expected where the id is a stream's, and only there");
        return payment;
    }

    private ushort ReadCurrency()
    {
        const string Letters = "three capital letters of ISO 4217";
        string text = Text("currency", Letters);
        ushort currency = Iso4217.NumberOf(text);
        return currency != 0 && Iso4217.LettersOf(currency) == text ? currency : throw Fault($"payment.currency: {Letters} are expected");
    }

    private PaymentFlags ReadFlags()
    {
        List("flags");
        PaymentFlags flags = PaymentFlags.None;
        for (PaymentFlags last = PaymentFlags.None; NextItem("flags");)
        {
            PaymentFlags flag = NameHere("flags", Receipt.Flags);
            // Ascending, so that none can stand twice and one set has one text.
            if (flag <= last)
                throw Fault($"payment.flags: each flag once, in the order {Receipt.Flags.All}, is expected");
            flags |= last = flag;
        }

        return flags;
    }

    private MerklePath ReadPath(ulong sequence)
    {
        Begin("leaf");
        UInt128 salt = BinaryPrimitives.ReadUInt128LittleEndian(Hex("salt", LeafSalt.SaltBytes));
        long index = Count("index");
        long leaves = Count("leaves");
        List("siblings");
        var siblings = new List<Digest>();
        while (NextItem("siblings"))
        {
            if (siblings.Count == MerklePath.SiblingsMax)
                throw Fault($"leaf.siblings: at most {MerklePath.SiblingsMax} are expected");
            siblings.Add(Digest.From(HexHere("siblings", 32)));
        }

        End();
        return new MerklePath { Index = index, LeafCount = leaves, Sequence = sequence, Salt = salt, Siblings = siblings };
    }

    private void ReadBatch(ref BatchHeader header)
    {
        Begin("batch");
        header.Number = Number("number");
        header.FirstSequence = Number("first_sequence");
        header.LastSequence = Number("last_sequence");
        header.OpenedNs = Number("opened_ns");
        header.ClosedNs = Number("closed_ns");
        header.Count = Number("count");
        header.Accepted = Number("accepted");
        header.RulesHash = Digest.From(Hex("rules_hash", 32));
        header.Root = Digest.From(Hex("root", 32));
        header.Commitment = Digest.From(Hex("totals_commitment", 32));
        End();
    }

    private (NodeKey Key, SealSignature Seal) ReadSignature()
    {
        Begin("signature");
        Constant("algorithm", Receipt.Algorithm);
        var seal = new SealSignature { Version = SealSignature.FormatVersion, Algorithm = SealAlgorithm.EcdsaP256Sha256 };
        seal.KeyId = KeyId.From(Hex("key_id", KeyId.Size));
        NodeKey key = NodeKey.From(Hex("public_key", NodeKey.Size));
        Hex("value", NodeKey.SignatureBytes).CopyTo(seal.Signature);
        End();
        return (key, seal);
    }

    // What stands in every form of field.

    private void Begin(string name)
    {
        Field(name);
        if (_json.TokenType != JsonTokenType.StartObject)
            throw Fault($"{name}: an object is expected");
        _object = name + ".";
    }

    private void End()
    {
        if (!_json.Read() || _json.TokenType != JsonTokenType.EndObject)
            throw Fault($"{(_object.Length == 0 ? "the receipt" : _object.TrimEnd('.'))}: no further field is expected, or none twice");
        _object = "";
    }

    /// <summary>Goes to the value of the field that must come next.</summary>
    private void Field(string name)
    {
        bool isField = _json.Read() && _json.TokenType == JsonTokenType.PropertyName;
        if (!isField || !_json.ValueSpan.SequenceEqual(Encoding.UTF8.GetBytes(name)))
            throw Fault($"the field {_object}{name} is expected here");
        _json.Read();
    }

    private void List(string name)
    {
        Field(name);
        if (_json.TokenType != JsonTokenType.StartArray)
            throw Fault($"{_object}{name}: a list is expected");
    }

    private bool NextItem(string name)
    {
        if (!_json.Read())
            throw Fault($"{_object}{name}: a list is expected");
        return _json.TokenType != JsonTokenType.EndArray;
    }

    private string Text(string name, string expected)
    {
        Field(name);
        return TextHere(name, expected);
    }

    /// <summary>The string that stands here, as its bytes are: an escape is nothing that this program writes.</summary>
    private readonly string TextHere(string name, string expected) =>
        _json.TokenType == JsonTokenType.String && !_json.ValueIsEscaped && Ascii.IsValid(_json.ValueSpan)
            ? Encoding.ASCII.GetString(_json.ValueSpan)
            : throw Fault($"{_object}{name}: {expected} is expected");

    private void Constant(string name, string value)
    {
        if (Text(name, Expected(value)) != value)
            throw Fault($"{_object}{name}: {Expected(value)} is expected");
    }

    private ulong Number(string name)
    {
        const string Form = "a whole number below 2^64 in quotation marks, without leading zeros,";
        string text = Text(name, Form);
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) && number.ToString(CultureInfo.InvariantCulture) == text
            ? number : throw Fault($"{_object}{name}: {Form} is expected");
    }

    private long Count(string name) =>
        Number(name) is var count && count <= MerkleTree.LeafCountMax ? (long)count : throw Fault($"{_object}{name}: at most {MerkleTree.LeafCountMax} is expected");

    private int SmallNumber(string name, int most)
    {
        Field(name);
        return _json.TokenType == JsonTokenType.Number && FieldText.TryReadNumber(_json.ValueSpan, (ulong)most, out ulong number)
            ? (int)number : throw Fault($"{_object}{name}: a whole number from 0 to {most} is expected");
    }

    private T Name<T>(string name, NameList<T> names) where T : struct, Enum
    {
        Field(name);
        return NameHere(name, names);
    }

    private readonly T NameHere<T>(string name, NameList<T> names) where T : struct, Enum
    {
        string text = TextHere(name, $"one of {names.All}");
        return names.TryFind(Encoding.ASCII.GetBytes(text), out T value) && names.NameOf(value) == text
            ? value : throw Fault($"{_object}{name}: one of {names.All} is expected");
    }

    private byte[] Hex(string name, int bytes)
    {
        Field(name);
        return HexHere(name, bytes);
    }

    private readonly byte[] HexHere(string name, int bytes)
    {
        string form = $"a text of {2 * bytes} hexadecimal digits in small letters";
        string text = TextHere(name, form);
        return text.Length == 2 * bytes && !text.AsSpan().ContainsAnyExcept(s_hexDigits)
            ? Convert.FromHexString(text) : throw Fault($"{_object}{name}: {form} is expected");
    }

    private static string Expected(string text) => $"\"{text}\"";

    private readonly ReceiptException Fault(string what)
    {
        int line = _text[..(int)_json.TokenStartIndex].Count((byte)'\n') + 1;
        return new ReceiptException(string.Create(CultureInfo.InvariantCulture, $"line {line}: {what}"));
    }
}
