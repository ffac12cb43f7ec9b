using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Settlement.Engine.Simd;

namespace Settlement.Tests.Simd;

/// <summary>
/// One compiled method as the runtime's compiler printed it (x64), and what in it could make its time depend on data.
/// </summary>
/// <remarks>
/// The argument: a jump reads the flags; flags are set from general registers, or by the few instructions that test a vector
/// or a mask. If no such instruction stands in the method, and nothing but addresses, lengths and constants ever gets
/// into a general register (no load but of the method's own parameters from its frame, no move out of a vector or a mask),
/// then every jump and every address is a function of the parameters alone.
/// </remarks>
internal sealed partial class Disassembly
{
    /// <summary>Instructions that may write a general register, all of whose results are functions of their operands there.</summary>
    private static readonly string[] s_general =
        ["add", "sub", "and", "or", "xor", "inc", "dec", "shl", "shr", "sar", "neg", "lea", "mov", "cmp", "test", "push", "pop",
            "nop", "align", "ret", "vzeroupper", "int3"];

    private readonly List<(string Name, string Operands)> _instructions = [];

    private Disassembly(string method) => Method = method;

    public string Method { get; }

    public int InstructionCount => _instructions.Count;

    /// <summary>Jumps that are taken or not.</summary>
    public int ConditionalJumps => _instructions.Count(i => i.Name[0] == 'j' && i.Name != "jmp");

    /// <summary>Calls of managed methods; the runtime's own helpers (a large frame's probe) are not meant.</summary>
    public IEnumerable<string> Calls() =>
        _instructions.Where(i => i.Name == "call" && i.Operands.Contains(':', StringComparison.Ordinal)).Select(i => i.Operands);

    public bool Uses(string namePart) => _instructions.Any(i => i.Name.Contains(namePart, StringComparison.Ordinal));

    /// <summary>Every instruction by which data could reach a flag, an address or a jump; empty when the argument above holds.</summary>
    public IEnumerable<string> Leaks()
    {
        foreach ((string name, string operands) in _instructions)
        {
            string registers = Address().Replace(operands, "");
            // A vector or mask instruction may name a general register in an address only.
            bool holds = VectorRegister().IsMatch(registers)
                ? !GeneralRegister().IsMatch(registers) && !SetsFlags(name)
                : name[0] == 'j' || (s_general.Contains(name) && StaysInFrame(operands));
            if (!holds) yield return $"{name} {operands}";
        }
    }

    /// <summary>
    /// Runs this assembly as a child process whose runtime optimises fully at once and prints what it compiled. Ignores the test
    /// where the listing would say nothing: another architecture, or a Debug build.
    /// </summary>
    /// <param name="command">What the child runs, see <see cref="Program"/>.</param>
    /// <param name="methods">Names of the methods to be listed, by blanks.</param>
    public static List<Disassembly> OfChild(string command, string methods)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64) Assert.Ignore("reads x64 listings");
        if (typeof(Sha256Lanes).Assembly.GetCustomAttribute<DebuggableAttribute>() is { IsJITOptimizerDisabled: true })
            Assert.Ignore("a Debug build is not optimised: run with -c Release");

        string listing = Path.Combine(Path.GetTempPath(), $"settlement-listing-{Guid.NewGuid():N}.txt");
        try
        {
            ChildProcess.Run(
                command, ("DOTNET_TieredCompilation", "0"), ("DOTNET_JitDisasm", methods), ("DOTNET_JitStdOutFile", listing));
            if (!File.Exists(listing)) return [];
            return Read(File.ReadLines(listing));
        }
        finally
        {
            File.Delete(listing);
        }
    }

    /// <summary>Every method in the compiler's listing.</summary>
    private static List<Disassembly> Read(IEnumerable<string> lines)
    {
        List<Disassembly> methods = [];
        foreach (string line in lines)
        {
            Match title = Title().Match(line);
            if (title.Success) methods.Add(new Disassembly(title.Groups[1].Value));
            Match instruction = Instruction().Match(line);
            if (instruction.Success && methods.Count > 0)
                methods[^1]._instructions.Add((instruction.Groups[1].Value, instruction.Groups[2].Value.Trim()));
        }
        return methods;
    }

    private static bool StaysInFrame(string operands) =>
        !operands.Contains("ptr [", StringComparison.Ordinal) || Frame().IsMatch(operands);

    /// <summary>Their like with a longer name (vptestmb) write a mask, not the flags.</summary>
    private static bool SetsFlags(string name) =>
        name is "ptest" or "vptest" or "vtestps" or "vtestpd"
        || name.StartsWith("kortest", StringComparison.Ordinal) || name.StartsWith("ktest", StringComparison.Ordinal)
        || name.Contains("comis", StringComparison.Ordinal);

    [GeneratedRegex(@"^; Assembly listing for method (\S+)")]
    private static partial Regex Title();

    [GeneratedRegex(@"^\s+([a-z][a-z0-9]*)(?:\s+([^;]*))?(?:;.*)?$")]
    private static partial Regex Instruction();

    [GeneratedRegex(@"ptr \[(rbp|rsp)([+-]0x[0-9A-F]+|[+-][0-9A-F]+H?)?\]")]
    private static partial Regex Frame();

    [GeneratedRegex(@"\[[^\]]*\]")]
    private static partial Regex Address();

    [GeneratedRegex(@"\b([xyz]mm\d+|k[0-7])\b")]
    private static partial Regex VectorRegister();

    [GeneratedRegex(@"\b(r[a-ds][xip]|r[sb]p|e[a-ds][xi]|r\d+[dwb]?|[abcd][lhx]|[sd]il)\b")]
    private static partial Regex GeneralRegister();
}
