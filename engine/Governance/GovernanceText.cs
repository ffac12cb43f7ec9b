using System.Text;

namespace Settlement.Engine.Governance;

/// <summary>Which names there may be. Small alphabets, so that no two names look alike.</summary>
internal static class GovernanceText
{
    /// <summary>A module's: parts of a-z, 0-9 and `_`, with dots between, the first beginning with a letter.</summary>
    public static bool IsName(string name)
    {
        if (name.Length is 0 or > GovernanceBounds.NameBytesMax || !char.IsAsciiLetterLower(name[0]) || name[^1] == '.')
            return false;
        for (int i = 0; i < name.Length; i++)
        {
            char letter = name[i];
            if (!char.IsAsciiLetterLower(letter) && !char.IsAsciiDigit(letter) && letter != '_' && (letter != '.' || name[i - 1] == '.'))
                return false;
        }

        return true;
    }

    /// <summary>A maker's: printable ASCII, no space at either end; letters count as one whether large or small.</summary>
    public static bool IsMaker(string maker)
    {
        if (maker.Length is 0 or > GovernanceBounds.MakerBytesMax || maker[0] == ' ' || maker[^1] == ' ')
            return false;
        foreach (char letter in maker)
            if (letter is < ' ' or > '~')
                return false;
        return true;
    }

    /// <summary>A rate's or an index's: a-z, 0-9 and `_`, beginning with a letter.</summary>
    public static bool IsParameter(string name) => name.Length <= GovernanceBounds.ParameterNameBytesMax && IsName(name) && !name.Contains('.');

    /// <summary>At most so many bytes of UTF-8, cut at a character.</summary>
    public static string Shorten(string text, int bytesMax)
    {
        while (Encoding.UTF8.GetByteCount(text) > bytesMax)
            text = text[..^(text.Length > 1 && char.IsLowSurrogate(text[^1]) ? 2 : 1)];
        return text;
    }
}
