using System.Text;

namespace Settlement.Engine.Text;

/// <summary>Names of an enum's members as files and reports spell them: FamilySupport is `family_support`.</summary>
internal static class SnakeCase
{
    public static string Of(string name)
    {
        var spelled = new StringBuilder(name.Length + 4);
        for (int at = 0; at < name.Length; at++)
        {
            if (at > 0 && char.IsAsciiLetterUpper(name[at]))
                spelled.Append('_');
            spelled.Append(char.ToLowerInvariant(name[at]));
        }
        return spelled.ToString();
    }

    /// <summary>A value's name; its number where it has none, because a journal may hold any byte.</summary>
    public static string Of<T>(T value) where T : unmanaged, Enum => NameText<T>.Of(value);
}
