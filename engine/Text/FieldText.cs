using System.Runtime.CompilerServices;
using System.Text;

namespace Settlement.Engine.Text;

/// <summary>Single values as they stand in a field: numbers and names.</summary>
internal static class FieldText
{
    /// <summary>Decimal digits, nothing else, below 2^64.</summary>
    public static bool TryReadNumber(ReadOnlySpan<byte> text, out ulong number)
    {
        number = 0;
        // 19 digits always fit; the 20th may not.
        if ((uint)(text.Length - 1) >= 20)
            return false;
        ulong value = 0;
        for (int at = 0; at < text.Length; at++)
        {
            uint digit = text[at] - (uint)'0';
            if (digit > 9 || (at == 19 && value > (ulong.MaxValue - digit) / 10))
                return false;
            value = value * 10 + digit;
        }
        number = value;
        return true;
    }

    /// <summary>A number of at most <paramref name="max"/>.</summary>
    public static bool TryReadNumber(ReadOnlySpan<byte> text, ulong max, out ulong number) =>
        TryReadNumber(text, out number) && number <= max;
}

/// <summary>The names of an enum's members as files spell them (`family_support`), read in either case.</summary>
internal sealed class NameList<T> where T : struct, Enum
{
    private readonly string[] _names;
    private readonly T[] _values;

    /// <param name="members">Names of the members that may stand in a file, the most frequent first.</param>
    public NameList(params IEnumerable<string> members)
    {
        _values = [.. members.Select(Enum.Parse<T>)];
        _names = [.. members.Select(SnakeCase.Of)];
    }

    /// <summary>All names, for a message.</summary>
    public string All => string.Join(", ", _names);

    /// <summary>A member's name; empty: it is not in the list.</summary>
    public string NameOf(T value) => Array.IndexOf(_values, value) is >= 0 and int at ? _names[at] : "";

    public bool TryFind(ReadOnlySpan<byte> text, out T value)
    {
        for (int at = 0; at < _names.Length; at++)
        {
            if (text.Length == _names[at].Length && Ascii.EqualsIgnoreCase(text, _names[at]))
            {
                value = _values[at];
                return true;
            }
        }
        value = default;
        return false;
    }
}
