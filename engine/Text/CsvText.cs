namespace Settlement.Engine.Text;

/// <summary>Values as fields of CSV (RFC 4180).</summary>
internal static class CsvText
{
    /// <summary>Quoted where RFC 4180 asks for it.</summary>
    public static string Field(string text) =>
        text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
