using System.Buffers;
using System.Globalization;
using System.Text;

namespace Settlement.Engine.Rules.Language;

/// <summary>
/// The characters of a module's text. What a reader sees must be what the engine reads: signs that are invisible, or that turn the order in which text is shown, are
/// faults wherever they stand, in comments, too.
/// </summary>
internal static class ModuleText
{
    private const char Mark = '\uFEFF';

    /// <summary>Where the text begins: behind the mark that some editors put in front.</summary>
    public static int Start(string text) => text.StartsWith(Mark) ? 1 : 0;

    /// <summary>
    /// Controls, breaks of lines other than U+000A, marks of the direction of writing, spaces without width, half of a surrogate pair. The two joiners (U+200C,
    /// U+200D) that Persian and Indic words need are hidden only outside of strings and comments.
    /// </summary>
    public static bool IsHidden(char letter) => letter < ' ' ? letter is not ('\t' or '\n' or '\r') :
        letter is >= '\x7F' and <= '\x9F' or '\u00AD' or '\u034F' or '\u061C' or '\u115F' or '\u1160' or '\u17B4' or '\u17B5' or
        '\u180E' or '\u200B' or '\u200E' or '\u200F' or (>= '\u2028' and <= '\u202E') or (>= '\u2060' and <= '\u206F') or '\u3164' or Mark or '\uFFA0' or
        (>= '\uFFF0' and <= '\uFFFB');

    private static readonly SearchValues<char> s_plain = SearchValues.Create(
        "\n\t !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    /// <summary>Tells every hidden character of a text, one fault each.</summary>
    public static void Check(string text, FaultList faults)
    {
        int start = Start(text), line = 1, lineStart = start;
        int at = start;
        while (at < text.Length && !faults.IsFull)
        {
            int plain = text.AsSpan(at).IndexOfAnyExcept(s_plain);
            int next = plain < 0 ? text.Length : at + plain;
            for (int breakAt; (breakAt = text.AsSpan(at, next - at).IndexOf('\n')) >= 0;)
            {
                at += breakAt + 1;
                (line, lineStart) = (line + 1, at);
            }
            if (next == text.Length)
                return;
            at = next + CheckOther(text, next, new TextPlace(line, next - lineStart + 1, 1), faults);
        }
    }

    /// <returns>Characters passed.</returns>
    private static int CheckOther(string text, int at, TextPlace place, FaultList faults)
    {
        char letter = text[at];
        if (Rune.TryGetRuneAt(text, at, out Rune rune))
        {
            // Tags and selectors of planes above: invisible, and any text can be hidden in them.
            if (rune.Value is >= 0xE0000 and <= 0xE0FFF)
                Tell(rune.Value, place with { Length = 2 }, faults);
            else if (letter == '\r' ? at + 1 == text.Length || text[at + 1] != '\n' : rune.IsBmp && IsHidden(letter))
                Tell(letter, place, faults);
            return rune.Utf16SequenceLength;
        }
        Tell(letter, place, faults);
        return 1;
    }

    private static void Tell(int value, TextPlace place, FaultList faults) => faults.Error(
        FaultCode.HiddenCharacter, place, string.Create(CultureInfo.InvariantCulture, $"a character that cannot be seen (U+{value:X4}) stands here"),
        "delete it and write what stands around it anew; a law must not hold what its reader does not see");

    /// <summary>What an author wrote, in a message: in quotes, shortened where long, without what cannot be shown.</summary>
    public static string Quote(string text)
    {
        const int CharsMax = 40;
        var quoted = new StringBuilder("`");
        for (int at = 0; at < text.Length && at < CharsMax; at++)
            quoted.Append(IsHidden(text[at]) || char.IsSurrogate(text[at]) || text[at] is '\n' or '\r' or '\t' ? '\uFFFD' : text[at]);
        return quoted.Append(text.Length > CharsMax ? "…`" : "`").ToString();
    }
}
