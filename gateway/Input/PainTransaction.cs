using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;

namespace Settlement.Gateway.Input;

/// <summary>What a pain.001 file states about itself, to be compared with what it has. The sum adds amounts of all currencies.</summary>
internal struct PainTotals
{
    /// <summary>Digits behind the point that a control sum can have (ISO 20022 DecimalNumber).</summary>
    private const int SumScale = 17;

    public string Count;
    public string Sum;
    public long CountFound;
    private BigInteger _sumFound;
    private bool _sumUnknown;

    public void Add(string amount)
    {
        if (TryParse(amount, out BigInteger value))
            _sumFound += value;
        else
            _sumUnknown = true;
    }

    /// <summary>What the statement and the file disagree in, one sentence each.</summary>
    public readonly IEnumerable<string> Differences(string of)
    {
        if (Count.Length > 0 && !(long.TryParse(Count, NumberStyles.None, CultureInfo.InvariantCulture, out long count) && count == CountFound))
            yield return string.Create(CultureInfo.InvariantCulture, $"{of} states {InputException.Shown(Count)} transactions and has {CountFound}");
        if (Sum.Length == 0)
            yield break;
        if (_sumUnknown)
            yield return $"{of} states a control sum of {InputException.Shown(Sum)}, which cannot be compared because an amount is not a number";
        else if (!TryParse(Sum, out BigInteger sum) || sum != _sumFound)
            yield return $"{of} states a control sum of {InputException.Shown(Sum)} and its amounts come to {Shown(_sumFound)}";
    }

    private static bool TryParse(string text, out BigInteger value)
    {
        value = default;
        string plain = PainText.Decimal(text);
        int point = plain.IndexOf('.', StringComparison.Ordinal);
        string whole = point < 0 ? plain : plain[..point], fraction = point < 0 ? "" : plain[(point + 1)..];
        return fraction.Length <= SumScale
            && BigInteger.TryParse(whole + fraction.PadRight(SumScale, '0'), NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    private static string Shown(BigInteger sum)
    {
        string digits = sum.ToString(CultureInfo.InvariantCulture).PadLeft(SumScale + 1, '0');
        string fraction = digits[^SumScale..].TrimEnd('0');
        return digits[..^SumScale] + "." + fraction.PadRight(2, '0');
    }
}

/// <summary>Text of a pain.001 message in the forms that are used here.</summary>
internal static class PainText
{
    /// <summary>
    /// An XML decimal, which may have a plus, and lack the digits before or behind its point, as plain decimal text. What is none
    /// stays as it is, to be refused where it is read.
    /// </summary>
    public static string Decimal(string text)
    {
        string plain = text.StartsWith('+') ? text[1..] : text;
        if (plain.Length > 1 && plain[0] == '.')
            plain = "0" + plain;
        return plain.Length > 1 && plain[^1] == '.' ? plain[..^1] : plain;
    }

    /// <summary>
    /// A transaction's id: the first 16 bytes of the SHA-256 of MsgId, PmtInfId, EndToEndId and InstrId (UTF-8, each behind its length
    /// as four bytes, little-endian; an absent one is empty). Marked as UUID version 8 (RFC 9562), so that it is never taken for a version 7,
    /// whose first bits are a time.
    /// </summary>
    public static UInt128 Id(string messageId, string blockId, string endToEndId, string instructionId)
    {
        Span<byte> bytes = stackalloc byte[4 * (sizeof(int) + 3 * InputLimits.XmlTextCharsMax)];
        int length = 0;
        foreach (string part in (ReadOnlySpan<string>)[messageId, blockId, endToEndId, instructionId])
        {
            int written = Encoding.UTF8.GetBytes(part, bytes[(length + sizeof(int))..]);
            BinaryPrimitives.WriteInt32LittleEndian(bytes[length..], written);
            length += sizeof(int) + written;
        }
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..length], hash);
        hash[6] = (byte)(0x80 | hash[6] & 0x0F);
        hash[8] = (byte)(0x80 | hash[8] & 0x3F);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }
}

/// <summary>One `CdtTrfTxInf` as it was read; empty where the file says nothing.</summary>
internal struct PainTransaction
{
    public long Line;
    public string InstructionId;
    public string EndToEndId;
    public string Currency;
    public string Amount;
    public string EquivalentAmount;
    public string EquivalentCurrency;
    public string Creditor;
    public string CategoryPurpose;
    public string Purpose;

    public static PainTransaction At(long line) => new()
    {
        Line = line,
        InstructionId = "",
        EndToEndId = "",
        Currency = "",
        Amount = "",
        EquivalentAmount = "",
        EquivalentCurrency = "",
        Creditor = "",
        CategoryPurpose = "",
        Purpose = "",
    };
}

/// <summary>The `PmtInf` that the transactions being read belong to.</summary>
internal struct PainBlock
{
    public string Id;
    public string Method;
    public string Date;
    public string Debtor;
    public string Purpose;
    public PainTotals Totals;

    public static PainBlock New() => new()
    {
        Id = "",
        Method = "",
        Date = "",
        Debtor = "",
        Purpose = "",
        Totals = new PainTotals { Count = "", Sum = "" },
    };
}
