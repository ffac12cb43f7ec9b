namespace Settlement.Replay.Export.Iso;

/// <summary>The ISO 20022 messages that are written, each in one version.</summary>
internal enum IsoFormat
{
    /// <summary>Account statement, camt.053.001.08.</summary>
    Camt053 = 0,

    /// <summary>Debit and credit notification, camt.054.001.08.</summary>
    Camt054 = 1,

    /// <summary>Credit transfer between institutions, pacs.009.001.09.</summary>
    Pacs009 = 2,
}

internal static class IsoFormats
{
    /// <summary>As `--format` spells them.</summary>
    public static IReadOnlyList<string> Names { get; } = ["camt.053", "camt.054", "pacs.009"];

    public static bool TryParse(string name, out IsoFormat format)
    {
        int index = Names.ToList().IndexOf(name);
        format = (IsoFormat)index;
        return index >= 0;
    }

    public static string NameOf(IsoFormat format) => Names[(int)format];

    /// <summary>The version written.</summary>
    public static string MessageOf(IsoFormat format) => format switch
    {
        IsoFormat.Camt053 => "camt.053.001.08",
        IsoFormat.Camt054 => "camt.054.001.08",
        _ => "pacs.009.001.09",
    };

    public static string NamespaceOf(IsoFormat format) => "urn:iso:std:iso:20022:tech:xsd:" + MessageOf(format);
}
