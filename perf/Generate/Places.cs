using Settlement.Engine.Domain;

namespace Settlement.Perf.Generate;

/// <summary>A currency of generated files, with the countries whose wallets hold it.</summary>
/// <param name="Letters">ISO 4217 letters.</param>
/// <param name="Number">ISO 4217 number.</param>
/// <param name="Scale">Decimal places, as ISO 4217 has them.</param>
/// <param name="Countries">ISO 3166 letters, eight, one repeated for more weight: wallet slot k lives in country k.</param>
public sealed record GeneratedCurrency(string Letters, ushort Number, int Scale, IReadOnlyList<string> Countries);

/// <summary>The world of generated files: few places, real codes. Every scale that ISO 4217 has is among the first three.</summary>
public static class Places
{
    /// <summary>Country slots a currency. The corridors of a file are the pairs of them.</summary>
    public const int Slots = 8;

    public static IReadOnlyList<GeneratedCurrency> Currencies { get; } =
    [
        new("EUR", 978, 2, ["DE", "FR", "IT", "NL", "ES", "DE", "IE", "FR"]),
        new("JPY", 392, 0, ["JP", "JP", "JP", "SG", "JP", "US", "JP", "GB"]),
        new("BHD", 48, 3, ["BH", "BH", "SA", "BH", "AE", "BH", "KW", "BH"]),
        new("USD", 840, 2, ["US", "US", "MX", "US", "CA", "US", "PA", "GB"]),
        new("GBP", 826, 2, ["GB", "GB", "IE", "GB", "US", "GB", "IN", "GB"]),
        new("CHF", 756, 2, ["CH", "CH", "LI", "CH", "DE", "CH", "FR", "CH"]),
        new("INR", 356, 2, ["IN", "IN", "AE", "IN", "US", "IN", "GB", "IN"]),
        new("KWD", 414, 3, ["KW", "KW", "AE", "KW", "SA", "KW", "IN", "KW"]),
    ];

    /// <summary>A currency that no generated ledger declares: payments in it are refused.</summary>
    public static GeneratedCurrency Undeclared { get; } = new("SEK", 752, 2, ["SE", "SE", "SE", "SE", "SE", "SE", "SE", "SE"]);

    public static GeneratedCurrency Of(ushort number)
    {
        foreach (GeneratedCurrency currency in Currencies)
        {
            if (currency.Number == number)
                return currency;
        }

        return number == Undeclared.Number
            ? Undeclared
            : throw new ArgumentOutOfRangeException(nameof(number), number, "no currency of generated files");
    }

    /// <summary>The word for an instruction in the CSV's column.</summary>
    public static string WordOf(Instruction instruction) => instruction switch
    {
        Instruction.Micropayment => "micropayment",
        Instruction.Immediate => "immediate",
        Instruction.Hold => "hold",
        Instruction.Capture => "capture",
        Instruction.Void => "void",
        Instruction.Refund => "refund",
        _ => throw new ArgumentOutOfRangeException(nameof(instruction), instruction, "no instruction of generated files"),
    };

    /// <summary>The word for a purpose in the CSV's column; empty where none is stated.</summary>
    public static string WordOf(Purpose purpose) => purpose switch
    {
        Purpose.Unstated => "",
        Purpose.Goods => "goods",
        Purpose.Services => "services",
        Purpose.FamilySupport => "family_support",
        Purpose.Medical => "medical",
        Purpose.Education => "education",
        Purpose.Salary => "salary",
        Purpose.Investment => "investment",
        Purpose.Donation => "donation",
        Purpose.Tax => "tax",
        _ => throw new ArgumentOutOfRangeException(nameof(purpose), purpose, "no purpose of generated files"),
    };
}
