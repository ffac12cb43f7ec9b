using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.Replay.State;

/// <summary>Instructions as reports print them: names as files spell them.</summary>
internal static class InstructionText
{
    private static readonly string[] s_names = [.. Enumerable.Range(0, 256).Select(number => Spell((Instruction)number))];

    /// <summary>The name; the number of one without a meaning, which a refused payment may carry.</summary>
    public static string NameOf(Instruction instruction) => s_names[(byte)instruction];

    private static string Spell(Instruction instruction) =>
        Enum.IsDefined(instruction) ? SnakeCase.Of(instruction.ToString()) : ((byte)instruction).ToString(CultureInfo.InvariantCulture);
}
