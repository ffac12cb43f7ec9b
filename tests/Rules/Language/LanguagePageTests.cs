using System.Text.RegularExpressions;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

/// <summary>engine/Rules/LANGUAGE.md is held to the language: its examples read and pass their tests, no word is left out.</summary>
public partial class LanguagePageTests
{
    private static readonly string s_page = File.ReadAllText(Repository.PathOf("engine", "Rules", "LANGUAGE.md"));

    /// <summary>Each example whole: one without a header stands behind that of the page's first.</summary>
    private static IEnumerable<TestCaseData> Examples()
    {
        string[] examples = [.. Example().Matches(s_page).Select(found => found.Groups["text"].Value)];
        string header = examples[0].Split('\n').First(line => line.StartsWith("module ", StringComparison.Ordinal));
        for (int i = 0; i < examples.Length; i++)
            yield return new TestCaseData(Header().IsMatch(examples[i]) ? examples[i] : $"{header}\n{examples[i]}").SetArgDisplayNames($"example {i + 1}");
    }

    [TestCaseSource(nameof(Examples))]
    public void An_example_of_the_page_reads_and_stands(string text)
    {
        ModuleReading reading = ModuleReader.Read(text, "LANGUAGE.md");
        Assert.That(reading.Faults.Where(fault => fault.IsError).Select(fault => fault.Print("LANGUAGE.md", text)), Is.Empty);

        RuleSet others = ShippedModules.Together(ShippedModules.Parameters, ShippedModules.ScaleWhereUsed);
        Assert.That(ModuleCheck.Check(others, reading.Module!).Where(fault => fault.IsError).Select(fault => fault.Print("LANGUAGE.md", text)), Is.Empty);
    }

    [Test]
    public void The_page_has_every_word_of_the_language()
    {
        string[] words = [.. ((string[][])[LawWords.Headers, LawWords.Items, LawWords.Clauses, LawWords.Effects, LawWords.TestItems, LawWords.Answers, LawWords.Fields,
            LawWords.Purposes, LawWords.Kinds]).SelectMany(some => some).Distinct()];

        Assert.That(words.Where(word => !Regex.IsMatch(s_page, $@"[`"" ]{word}[`"" ]")), Is.Empty);
    }

    [Test]
    public void The_page_states_the_bounds_as_they_are()
    {
        (string Said, int Bound)[] bounds =
        [
            ("| a module's text | {0} KiB |", LanguageBounds.TextBytesMax / 1024), ("| statements, tests | {0:N0} each |", LanguageBounds.StatementsMax),
            ("| statements, tests | {0:N0} each |", LanguageBounds.TestsMax), ("| lists and classes | {0}, of ", LanguageBounds.ListsMax),
            (", of {0} values each |", LanguageBounds.ListValuesMax), ("| depth of a condition | {0} |", LanguageBounds.ConditionDepthMax),
            ("| a statement's name | {0} characters; ", LanguageBounds.StatementNameCharsMax), ("; a module's {0} |", LanguageBounds.ModuleNameCharsMax),
            ("| an amount | {0} digits, ", LanguageBounds.AmountDigitsMax), (" digits, {0} of them behind the point |", LanguageBounds.AmountDecimalsMax),
            ("| faults told | {0} |", LanguageBounds.FaultsMax), ("Layers are 1 to {0}", LanguageBounds.LayerMax), ("1 to {0:N0}, of every ceiling", LanguageBounds.AdaptationPercentMax),
            ("1 hour to {0} days", LanguageBounds.ReviewDaysMax), ("{0} days if it is not said", LanguageBounds.ReviewDaysDefault),
        ];

        Assert.That(bounds.Select(one => string.Format(System.Globalization.CultureInfo.InvariantCulture, one.Said, one.Bound)).Where(said => !s_page.Contains(said, StringComparison.Ordinal)), Is.Empty);
    }

    [GeneratedRegex("^```rules\n(?<text>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Example();

    [GeneratedRegex("^(module|treaty) ", RegexOptions.Multiline)]
    private static partial Regex Header();
}
