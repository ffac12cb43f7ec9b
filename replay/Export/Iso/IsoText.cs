using System.Globalization;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;

namespace Settlement.Replay.Export.Iso;

/// <summary>
/// Texts in the characters that every bank's system takes (letters, digits, space and <c>/-?:().,'+</c>), within ISO's lengths. What has no
/// place there is written as the letters that people write for it (Müller: Mueller), or as a point. A name is for people: who is meant
/// is told by the number beside it.
/// </summary>
internal static class IsoText
{
    public const int Max35 = 35;
    public const int Max140 = 140;

    private const char Unknown = '.';

    /// <summary>U+00C0 to U+017F, a word each; `.` where there is no letter.</summary>
    private static readonly string[] s_latin = (
        "A A A A Ae A AE C E E E E I I I I D N O O O O Oe . O U U U Ue Y Th ss a a a a ae a ae c e e e e i i i i d n o o o o oe . o u u u ue y th y " +
        "A a A a A a C c C c C c C c D d D d E e E e E e E e E e G g G g G g G g H h H h I i I i I i I i I i IJ ij J j K k k L l L l L l L l L l " +
        "N n N n N n n N n O o O o O o OE oe R r R r R r S s S s S s S s T t T t T t U u U u U u U u U u U u W w Y y Y Z z Z z Z z s").Split(' ');

    /// <summary>A name as a text of at least one character and at most <paramref name="max"/>; what is left empty gets another.</summary>
    public static string Name(string name, int max, string other)
    {
        var text = new StringBuilder();
        foreach (Rune rune in name.EnumerateRunes())
        {
            if (rune.Value is >= 0xC0 and < 0x180)
                text.Append(s_latin[rune.Value - 0xC0]);
            else
                text.Append(rune.IsAscii && IsPlain((char)rune.Value) ? (char)rune.Value : Unknown);
        }

        string plain = text.ToString().Trim();
        if (plain.Length > max)
            plain = plain[..max].TrimEnd();
        return plain.Length == 0 ? other : plain;
    }

    private static bool IsPlain(char letter) => char.IsAsciiLetterOrDigit(letter) || " /-?:().,'+".Contains(letter);

    /// <summary>A payment's id as 32 hexadecimal digits (a UUID's, without its hyphens): for all kinds alike, and within 35 characters.</summary>
    public static string PaymentId(ulong high, ulong low) => string.Create(CultureInfo.InvariantCulture, $"{high:x16}{low:x16}");

    /// <summary>A stream id as reports print it; null where that has more than 35 characters.</summary>
    public static string? StreamId(ulong high, ulong low) =>
        PaymentIdText.Format(high, low, isStream: true) is { Length: <= Max35 } text ? text : null;

    public static string Number(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// A currency between the ledger's scale and ISO's whole minor units. A ledger's scale is never below ISO's, so a whole unit is
/// <see cref="Unit"/> of the ledger's, 1 or more.
/// </summary>
internal sealed class IsoCurrency
{
    /// <summary>ISO 20022 gives amounts and sums 18 digits.</summary>
    public const ulong UnitsMax = 999_999_999_999_999_999;

    public IsoCurrency(in CurrencyRecord record)
    {
        Number = record.Number;
        Letters = Iso4217.LettersOf(record.Number);
        Scale = record.Scale;
        IsoScale = Iso4217.ScaleOf(record.Number);
        Unit = AmountText.UnitsPerWhole(Scale - IsoScale);
        Authority = record.Authority;
    }

    public ushort Number { get; }

    public string Letters { get; }

    /// <summary>Digits behind the point in the ledger.</summary>
    public int Scale { get; }

    /// <summary>Digits behind the point in ISO 4217.</summary>
    public int IsoScale { get; }

    /// <summary>Smallest units of the ledger in a whole ISO unit.</summary>
    public ulong Unit { get; }

    /// <summary>The participant that issues it.</summary>
    public ushort Authority { get; }

    /// <summary>Whether the ledger counts finer than ISO.</summary>
    public bool IsFiner => Unit > 1;

    /// <summary>Whole ISO units as decimal text.</summary>
    public string Text(Int128 units) => AmountText.ToText(units, IsoScale);

    /// <summary>An amount of the ledger as decimal text with all its digits.</summary>
    public string ExactText(Int128 amount) => AmountText.ToText(amount, Scale);

    /// <summary>Whole units at or below an amount of the ledger.</summary>
    public Int128 Floor(Int128 amount) => (amount - (((amount % Unit) + Unit) % Unit)) / Unit;
}
