using System.Globalization;
using System.Text;

namespace Settlement.Engine.Rules.Language;

public enum FaultKind : byte
{
    /// <summary>The module does not stand.</summary>
    Error = 0,

    /// <summary>It does, but its author should look again.</summary>
    Warning = 1,
}

/// <summary>Something in a module's text that is wrong or doubtful, told to the person who wrote it.</summary>
/// <param name="Kind">Whether the module stands nevertheless.</param>
/// <param name="Code">Stable: a letter (E error, W warning) and a number; see <see cref="FaultCode"/>.</param>
/// <param name="Place">What it is about.</param>
/// <param name="Message">What is wrong, without a full stop.</param>
/// <param name="Hint">What to do about it; null where the message says it.</param>
public sealed record ModuleFault(FaultKind Kind, string Code, TextPlace Place, string Message, string? Hint = null)
{
    /// <summary>So much of a long line is shown around the place.</summary>
    private const int ShownCharsMax = 160;

    public bool IsError => Kind == FaultKind.Error;

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Place.Line}:{Place.Column}: {(IsError ? "error" : "warning")} {Code}: {Message}");

    /// <summary>With the line of the text that it is about and a mark below the place: lines without an end of line behind the last.</summary>
    public string Print(string fileName, string text)
    {
        var printed = new StringBuilder(fileName).Append(':').Append(ToString());
        ReadOnlySpan<char> line = LineOf(text, Place.Line);
        // Where the line is long: so much of it that the place is seen.
        int first = Math.Clamp(Place.Column - 1, 0, line.Length);
        int skipped = Math.Max(0, first - ShownCharsMax / 2);
        ReadOnlySpan<char> shown = line.Slice(skipped, Math.Min(ShownCharsMax, line.Length - skipped));
        if (!shown.IsWhiteSpace())
        {
            printed.Append("\n    ");
            foreach (char letter in shown)
                printed.Append(ModuleText.IsHidden(letter) ? '\uFFFD' : letter);
            printed.Append("\n    ");
            foreach (char letter in shown[..(first - skipped)])
                printed.Append(letter == '\t' ? '\t' : ' ');
            printed.Append('^', Math.Clamp(Place.Length, 1, Math.Max(1, shown.Length - (first - skipped))));
        }
        if (Hint is not null)
            printed.Append("\n    hint: ").Append(Hint);
        return printed.ToString();
    }

    private static ReadOnlySpan<char> LineOf(string text, int line)
    {
        ReadOnlySpan<char> rest = text.AsSpan(ModuleText.Start(text));
        for (int at = 1; at < line; at++)
        {
            int end = rest.IndexOf('\n');
            if (end < 0)
                return [];
            rest = rest[(end + 1)..];
        }
        int last = rest.IndexOf('\n');
        return (last < 0 ? rest : rest[..last]).TrimEnd('\r');
    }
}
