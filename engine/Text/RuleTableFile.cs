using System.Globalization;
using System.Text;
using System.Text.Json;
using Settlement.Engine.Rules;

namespace Settlement.Engine.Text;

/// <summary>What a rule file's words mean: bound to the ISO tables and the ledger's scales. Texts come as they stand in the file.</summary>
internal interface IRuleSymbols
{
    /// <summary>ISO 3166: two letters or the number in digits.</summary>
    bool TryCountry(string text, out ushort country);

    /// <summary>ISO 4217: three letters or the number in digits.</summary>
    bool TryCurrency(string text, out ushort currency);

    /// <summary>Decimal text to smallest units at the ledger's scale; false where it does not fit the scale or 64 bits.</summary>
    bool TryAmount(string text, ushort currency, out ulong amount);
}

/// <summary>Why a rule file cannot be used.</summary>
/// <param name="File">As it was named.</param>
/// <param name="Line">From 1; 0: the file as a whole.</param>
/// <param name="Column">Character in the line, from 1; 0: the file as a whole.</param>
/// <param name="Value">What stands there.</param>
/// <param name="Expected">What could stand there.</param>
internal sealed record RuleTableFault(string File, long Line, long Column, string Value, string Expected)
{
    public override string ToString() => Line == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{File}: {Value}: {Expected} expected")
        : string.Create(CultureInfo.InvariantCulture, $"{File}, line {Line}, column {Column}: {Value}: {Expected} expected");
}

/// <summary>
/// Purpose: reads a rule table from JSON (<c>--rules table.json</c>; the format is in engine/Rules/TABLE.md).
/// Failure assumed: the file may hold anything; it ends in a fault with its place, never in another exception. Its size
/// (16 MiB) and nesting are bounded before anything is built.
/// </summary>
internal static class RuleTableFile
{
    internal const int FileBytesMax = 16 << 20;

    /// <summary>A condition of 32 levels takes two of JSON each, inside rules and their list.</summary>
    private const int JsonDepthMax = 2 * RuleBounds.DepthMax + 8;

    private static readonly JsonReaderOptions s_options = new() { CommentHandling = JsonCommentHandling.Skip, MaxDepth = JsonDepthMax };

    public static bool TryRead(string path, IRuleSymbols symbols, out RuleTable? table, out RuleTableFault? fault)
    {
        table = null;
        byte[] bytes;
        try
        {
            using FileStream file = File.OpenRead(path);
            if (file.Length > FileBytesMax)
            {
                fault = new RuleTableFault(path, 0, 0, $"{file.Length} bytes", $"at most {FileBytesMax}");
                return false;
            }
            bytes = new byte[file.Length];
            file.ReadExactly(bytes);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            fault = new RuleTableFault(path, 0, 0, exception.Message, "a readable file");
            return false;
        }
        return TryParse(bytes, path, symbols, out table, out fault);
    }

    /// <param name="utf8">The file's bytes; a byte order mark is skipped.</param>
    /// <param name="file">Its name, for the fault.</param>
    /// <param name="symbols">What words mean.</param>
    /// <param name="table">Null where the answer is false.</param>
    /// <param name="fault">Null where the answer is true.</param>
    public static bool TryParse(ReadOnlySpan<byte> utf8, string file, IRuleSymbols symbols, out RuleTable? table, out RuleTableFault? fault)
    {
        ReadOnlySpan<byte> json = utf8.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
        (table, fault) = (null, null);
        try
        {
            RuleTableJson reader = new(new Utf8JsonReader(json, s_options), symbols);
            table = reader.Read();
            return true;
        }
        catch (RuleTableJsonException exception)
        {
            (long line, long column) = Place(json, exception.Offset);
            fault = new RuleTableFault(file, line, column, exception.Value, exception.Expected);
        }
        catch (JsonException exception)
        {
            long offset = LineOffset(json, exception.LineNumber ?? 0) + (exception.BytePositionInLine ?? 0);
            (long line, long column) = Place(json, Math.Min(offset, json.Length));
            string value = offset < json.Length ? Shown(json[(int)offset..]) : "the end of the file";
            fault = new RuleTableFault(file, line, column, value, "JSON (" + FirstSentence(exception.Message) + ")");
        }
        return false;
    }

    private static (long Line, long Column) Place(ReadOnlySpan<byte> json, long offset)
    {
        ReadOnlySpan<byte> before = json[..(int)offset];
        int lineStart = before.LastIndexOf((byte)'\n') + 1;
        return (before.Count((byte)'\n') + 1, Encoding.UTF8.GetCharCount(before[lineStart..]) + 1);
    }

    private static long LineOffset(ReadOnlySpan<byte> json, long line)
    {
        int offset = 0;
        for (; line > 0 && json[offset..].IndexOf((byte)'\n') is >= 0 and int end; line--)
            offset += end + 1;
        return offset;
    }

    private static string Shown(ReadOnlySpan<byte> json)
    {
        string text = Encoding.UTF8.GetString(json[..Math.Min(json.Length, 24)]);
        int end = text.AsSpan().IndexOfAny('\n', '\r');
        return "\"" + (end < 0 ? text : text[..end]) + "\"";
    }

    /// <summary>The framework appends the place and a hint at its own options; the place is ours.</summary>
    private static string FirstSentence(string message) => message.IndexOf(". ", StringComparison.Ordinal) is >= 0 and int end ? message[..end] : message;
}
