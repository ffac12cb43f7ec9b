using Settlement.Engine.Domain;

namespace Settlement.Engine.Text;

/// <summary>Purposes as ISO 20022 external purpose codes.</summary>
internal static class PurposeCode
{
    /// <summary>A code's purpose; those that the engine does not tell apart are unstated.</summary>
    public static Purpose Parse(string code) => code switch
    {
        "GDDS" => Purpose.Goods,
        "SCVE" => Purpose.Services,
        "ALMY" => Purpose.FamilySupport,
        "MDCS" => Purpose.Medical,
        "STDY" => Purpose.Education,
        "SALA" => Purpose.Salary,
        "INVS" => Purpose.Investment,
        "CHAR" => Purpose.Donation,
        "TAXS" => Purpose.Tax,
        _ => Purpose.Unstated,
    };

    /// <summary>A purpose's code; null: unstated.</summary>
    public static string? Format(Purpose purpose) => purpose switch
    {
        Purpose.Goods => "GDDS",
        Purpose.Services => "SCVE",
        Purpose.FamilySupport => "ALMY",
        Purpose.Medical => "MDCS",
        Purpose.Education => "STDY",
        Purpose.Salary => "SALA",
        Purpose.Investment => "INVS",
        Purpose.Donation => "CHAR",
        Purpose.Tax => "TAXS",
        _ => null,
    };
}
