using System.Globalization;
using System.Text.RegularExpressions;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

/// <summary>
/// What a slip of the hand in a shipped module would do. Every threshold one smallest unit up and down, every comparison with and without its boundary, every tier,
/// share and day one up and down, every <c>and</c> for <c>or</c>, every <c>equiv</c> left out: the module's own tests must fail.
/// </summary>
public partial class ShippedModulesMutationTests
{
    private static IEnumerable<string> Files => ShippedModules.Files;

    [TestCaseSource(nameof(Files))]
    public void A_modules_own_tests_catch_every_slip_in_it(string file)
    {
        ModuleReading reading = ShippedModules.Readings.Single(one => one.FileName == file);
        string[] lines = reading.Text.Split('\n');
        List<string> survivors = [];
        HashSet<string> kinds = [];
        int count = 0;
        foreach (Slip slip in SlipsIn(reading.Text))
        {
            string text = string.Concat(reading.Text.AsSpan(0, slip.At), slip.By, reading.Text.AsSpan(slip.At + slip.Length));
            // What does not read is caught already.
            if (ModuleReader.Read(text, file).Module is not { } module)
                continue;
            count++;
            kinds.Add(slip.Kind);
            int line = reading.Text.AsSpan(0, slip.At).Count('\n');
            if (!ShippedModules.Failing(module).Any())
                survivors.Add($"{file}:{line + 1}: `{reading.Text.Substring(slip.At, slip.Length)}` for `{slip.By}` in {lines[line].Trim()}");
        }

        Assert.That(survivors, Is.Empty);
        Assert.That(count, Is.GreaterThan(5), "slips were made");
        Assert.That(kinds, Does.Contain("threshold"));
    }

    private readonly record struct Slip(string Kind, int At, int Length, string By);

    private static IEnumerable<Slip> SlipsIn(string text)
    {
        // Tests stand behind all statements; comments and citations are blanked, so that nothing in them is taken for law.
        string law = Silent().Replace(text[..text.IndexOf("\ntest ", StringComparison.Ordinal)], found => new string(' ', found.Length));
        foreach (Match found in Amount().Matches(law))
        {
            decimal amount = decimal.Parse(found.Groups["number"].Value.Replace("_", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
            decimal unit = found.Groups["currency"].Value == "JPY" ? 1m : 0.01m;
            foreach (decimal other in (decimal[])[amount + unit, amount - unit])
                yield return new Slip("threshold", found.Groups["number"].Index, found.Groups["number"].Length, other.ToString(CultureInfo.InvariantCulture));
        }
        foreach (Match found in Comparison().Matches(law))
            yield return new Slip("boundary", found.Index, found.Length, found.Value switch { ">=" => ">", "<=" => "<", ">" => ">=", _ => "<=" });
        foreach (Match found in Whole().Matches(law))
            foreach (int step in (int[])[1, -1])
                yield return new Slip("number", found.Index, found.Length, (int.Parse(found.Value, CultureInfo.InvariantCulture) + step).ToString(CultureInfo.InvariantCulture));
        foreach (Match found in Day().Matches(law))
            foreach (int step in (int[])[1, -1])
                yield return new Slip("day", found.Index, found.Length, DateOnly.ParseExact(found.Value, "yyyy-MM-dd", CultureInfo.InvariantCulture).AddDays(step).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        foreach (Match found in Logic().Matches(law))
            yield return new Slip("logic", found.Index, found.Length, found.Value == "and" ? "or" : "and");
        foreach (Match found in Sign().Matches(law))
            yield return new Slip("sign", found.Index, found.Length, found.Value == "=" ? "!=" : "=");
        foreach (Match found in Equivalent().Matches(law))
            yield return new Slip("equiv", found.Index, found.Length, "");
        foreach (Match found in Unless().Matches(law))
            yield return new Slip("unless", found.Index, found.Length, "when");
    }

    [GeneratedRegex("#[^\n]*|\"[^\"\n]*\"")]
    private static partial Regex Silent();

    [GeneratedRegex(@"\b(?<currency>[A-Z]{3}) (?<number>[0-9][0-9_]*)(?![0-9_.])")]
    private static partial Regex Amount();

    [GeneratedRegex("[<>]=?")]
    private static partial Regex Comparison();

    /// <summary>Tiers, levels and shares.</summary>
    [GeneratedRegex("(?<=(?:tier|level) (?:>=|=) )[0-9]+|(?<=at )[0-9]+(?=%)")]
    private static partial Regex Whole();

    [GeneratedRegex(@"(?<=\n  (?:from|until) )[0-9]{4}-[0-9]{2}-[0-9]{2}")]
    private static partial Regex Day();

    [GeneratedRegex(@"\b(?:and|or)\b")]
    private static partial Regex Logic();

    /// <summary>Of a comparison, not of a list's declaration.</summary>
    [GeneratedRegex(@"(?<=(?:src|dst|owner|currency|tier|purpose|instruction) )!?=(?= )")]
    private static partial Regex Sign();

    [GeneratedRegex(@"\bequiv ")]
    private static partial Regex Equivalent();

    [GeneratedRegex(@"\bunless\b")]
    private static partial Regex Unless();
}
