using System.Globalization;
using System.Runtime.CompilerServices;

namespace Settlement.Engine.Text;

/// <summary>Members of enums of one or two bytes as reports print them (`family_support`); a number that has no member, as its digits.</summary>
internal static class NameText<T> where T : unmanaged, Enum
{
    private static readonly string[] s_names = [.. Enumerable.Range(0, 256).Select(number => SnakeCase.Of(Enum.ToObject(typeof(T), number).ToString()!))];

    public static string Of(T member)
    {
        int number = Unsafe.SizeOf<T>() == 1 ? Unsafe.BitCast<T, byte>(member) : Unsafe.BitCast<T, ushort>(member);
        return number < s_names.Length ? s_names[number] : number.ToString(CultureInfo.InvariantCulture);
    }
}
