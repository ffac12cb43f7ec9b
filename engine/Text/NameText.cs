using System.Runtime.CompilerServices;

namespace Settlement.Engine.Text;

/// <summary>Members of byte enums as reports print them (`family_support`); a number that has no member, as its digits.</summary>
internal static class NameText<T> where T : unmanaged, Enum
{
    private static readonly string[] s_names = [.. Enumerable.Range(0, 256).Select(number => SnakeCase(Enum.ToObject(typeof(T), (byte)number).ToString()!))];

    public static string Of(T member) => s_names[Unsafe.BitCast<T, byte>(member)];

    private static string SnakeCase(string name) =>
        string.Concat(name.Select((letter, place) => char.IsUpper(letter) && place > 0 ? "_" + char.ToLowerInvariant(letter) : char.ToLowerInvariant(letter).ToString()));
}
