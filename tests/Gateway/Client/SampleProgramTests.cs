using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Settlement.Tests.Gateway.Wire;

namespace Settlement.Tests.Gateway.Client;

/// <summary>The program that README shows: compiled as it stands there, and run against a server.</summary>
[NonParallelizable] // it takes the console
internal sealed partial class SampleProgramTests
{
    [GeneratedRegex("^```csharp\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Program { get; }

    [Test]
    public void The_program_in_README_compiles_and_pays()
    {
        string text = Program.Matches(File.ReadAllText(Repository.PathOf("README.md"))).Single(match => match.Value.Contains("Settlement.Client", StringComparison.Ordinal)).Groups[1].Value;
        Assert.That(text.Count(letter => letter == '\n'), Is.LessThan(40));
        using var ledger = new ServedLedger();
        ledger.SetUp(2);
        string output = Run(text.Replace("7711", ledger.BinaryTls.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("my/server", ledger.Data, StringComparison.Ordinal).Replace("= 100", "= ", StringComparison.Ordinal));
        Assert.That(output, Is.EqualTo("coffee: Accepted\n10000 rides, 0 refused\n"));
    }

    private static string Run(string program)
    {
        const string Usings = "global using System; global using System.Collections.Generic; global using System.Linq; global using System.Threading.Tasks;";
        MetadataReference[] references =
        [
            .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
        ];
        CSharpParseOptions latest = CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.Latest);
        var compilation = CSharpCompilation.Create(
            "Sample", [CSharpSyntaxTree.ParseText(Usings, latest), CSharpSyntaxTree.ParseText(program, latest)], references,
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));
        using var image = new MemoryStream();
        var emitted = compilation.Emit(image);
        Assert.That(emitted.Diagnostics.Where(found => found.Severity >= DiagnosticSeverity.Warning), Is.Empty);
        TextWriter console = Console.Out;
        using var output = new StringWriter { NewLine = "\n" };
        Console.SetOut(output);
        try
        {
            MethodInfo entry = Assembly.Load(image.ToArray()).EntryPoint!;
            entry.Invoke(null, entry.GetParameters().Length == 0 ? [] : [Array.Empty<string>()]);
        }
        finally
        {
            Console.SetOut(console);
        }

        return output.ToString();
    }
}
