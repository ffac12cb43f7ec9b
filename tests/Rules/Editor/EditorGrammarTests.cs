using System.Text.Json;
using System.Text.RegularExpressions;
using Settlement.Engine.Rules.Language;
using Settlement.Tests.Rules.Language;

namespace Settlement.Tests.Rules.Editor;

/// <summary>engine/Rules/editor: the grammar by which an editor colours a module, read as an editor reads it, and applied to what there is.</summary>
public class EditorGrammarTests
{
    private static readonly string s_text = File.ReadAllText(Repository.PathOf("engine", "Rules", "editor", "settlement-rules.tmLanguage.json"));

    /// <summary>A pattern of the grammar: the scope it gives and what it matches; <see cref="End"/> of one that goes on to something.</summary>
    private sealed record Pattern(string? Scope, Regex Begin, Regex? End, IReadOnlyDictionary<int, string> Captures);

    private static readonly IReadOnlyList<Pattern> s_patterns = Read();

    private static List<Pattern> Read()
    {
        using JsonDocument grammar = JsonDocument.Parse(s_text);
        List<Pattern> patterns = [];
        Add(grammar.RootElement.GetProperty("patterns"), grammar.RootElement.GetProperty("repository"), patterns);
        return patterns;
    }

    private static void Add(JsonElement list, JsonElement repository, List<Pattern> patterns)
    {
        foreach (JsonElement one in list.EnumerateArray())
            if (one.TryGetProperty("include", out JsonElement include))
                AddOne(repository.GetProperty(include.GetString()![1..]), repository, patterns);
            else
                AddOne(one, repository, patterns);
    }

    private static void AddOne(JsonElement one, JsonElement repository, List<Pattern> patterns)
    {
        string? scope = one.TryGetProperty("name", out JsonElement name) ? name.GetString() : null;
        Dictionary<int, string> captures = [];
        if (one.TryGetProperty("captures", out JsonElement captured))
            foreach (JsonProperty capture in captured.EnumerateObject())
                captures.Add(int.Parse(capture.Name, System.Globalization.CultureInfo.InvariantCulture), capture.Value.GetProperty("name").GetString()!);
        if (one.TryGetProperty("match", out JsonElement match))
            patterns.Add(new Pattern(scope, new Regex(match.GetString()!), null, captures));
        else if (one.TryGetProperty("begin", out JsonElement begin))
            patterns.Add(new Pattern(scope, new Regex(begin.GetString()!), new Regex(one.GetProperty("end").GetString()!), captures));
        else
            Add(one.GetProperty("patterns"), repository, patterns);
    }

    /// <summary>The innermost scope of every character of a line; null: none. At each place the earliest match counts, of several the first pattern's.</summary>
    private static string?[] Colour(string line)
    {
        string?[] scopes = new string?[line.Length];
        for (int at = 0; at < line.Length;)
        {
            (Pattern Pattern, Match Match)? first = null;
            foreach (Pattern pattern in s_patterns)
                if (pattern.Begin.Match(line, at) is { Success: true, Length: > 0 } match && (first is null || match.Index < first.Value.Match.Index))
                    first = (pattern, match);
            if (first is not var (found, where))
                break;
            int end = where.Index + where.Length;
            // A backslash takes the next character with it, as the patterns inside a text say.
            if (found.End is not null)
                for (; end < line.Length && line[end] != '"'; end++)
                    end += line[end] == '\\' ? 1 : 0;
            end = Math.Min(found.End is null ? end : end + 1, line.Length);
            scopes.AsSpan(where.Index, end - where.Index).Fill(found.Scope);
            foreach ((int group, string scope) in found.Captures)
                scopes.AsSpan(where.Groups[group].Index, where.Groups[group].Length).Fill(scope);
            at = Math.Max(end, at + 1);
        }
        return scopes;
    }

    [Test]
    public void It_is_a_grammar_for_rules_files_whose_scopes_are_its_own()
    {
        using JsonDocument grammar = JsonDocument.Parse(s_text);

        Assert.Multiple(() =>
        {
            Assert.That(grammar.RootElement.GetProperty("scopeName").GetString(), Is.EqualTo("source.settlement-rules"));
            Assert.That(grammar.RootElement.GetProperty("fileTypes").EnumerateArray().Select(type => type.GetString()), Is.EqualTo((string[])["rules"]));
            Assert.That(s_patterns.SelectMany(pattern => pattern.Captures.Values.Append(pattern.Scope)).OfType<string>(), Has.All.EndsWith(".settlement-rules"));
            Assert.That(s_patterns, Has.Count.GreaterThan(20));
        });
    }

    [Test]
    public void Everything_in_its_repository_is_used()
    {
        using JsonDocument grammar = JsonDocument.Parse(s_text);
        IEnumerable<string> named = grammar.RootElement.GetProperty("repository").EnumerateObject().Select(one => $"#{one.Name}");

        Assert.That(named.Where(name => !s_text.Contains($"\"include\": \"{name}\"", StringComparison.Ordinal)), Is.Empty);
    }

    private static IEnumerable<string> Words() => ((string[][])[LawWords.Headers, LawWords.Items, LawWords.Clauses, LawWords.Effects, LawWords.TestItems, LawWords.Answers, LawWords.Fields,
        LawWords.Purposes, LawWords.Instructions, LawWords.Kinds]).SelectMany(some => some).Distinct();

    [TestCaseSource(nameof(Words))]
    public void It_colours_the_word(string word) =>
        Assert.That(Colour($" {word} ").Skip(1).Take(word.Length), Has.All.Not.Null.And.All.Not.StartsWith("invalid"));

    private static IEnumerable<string> Files => ShippedModules.Files;

    [TestCaseSource(nameof(Files))]
    public void It_leaves_nothing_of_a_shipped_module_without_a_colour(string file)
    {
        string text = File.ReadAllText(Path.Combine(ShippedModules.Folder, file));
        string[] lines = text.Split('\n');
        List<string> bare = [];
        for (int number = 0; number < lines.Length; number++)
        {
            string?[] scopes = Colour(lines[number]);
            for (int at = 0; at < scopes.Length; at++)
                if (scopes[at] is null && !char.IsWhiteSpace(lines[number][at]))
                    bare.Add($"{file}:{number + 1}:{at + 1}: {lines[number]}");
        }

        Assert.That(bare, Is.Empty);
    }

    [TestCase("deny us.sanctions when src = US # not a word", "deny", "keyword.declaration")]
    [TestCase("deny us.sanctions when src = US", "us.sanctions", "entity.name.function")]
    [TestCase("exception us.a to us.b deny", "us.b", "entity.name.function.reference")]
    [TestCase("  when src = US", "US", "constant.other.country")]
    [TestCase("  when amount >= equiv USD 3_000.50", "3_000.50", "constant.numeric.amount")]
    [TestCase("  when amount >= USD 3 indexed by USD.cpi", "USD.cpi", "variable.parameter")]
    [TestCase("  from 2027-07-10", "2027-07-10", "constant.numeric.date")]
    [TestCase("  cite \"deny \\\" not deny\"", "not deny", "string.quoted")]
    [TestCase("# deny nothing", "deny", "comment.line")]
    [TestCase("test \"x\" { src US } => no us.travel", "no", "constant.language.answer")]
    [TestCase("list @sanctioned = { CU }", "@sanctioned", "entity.name.type")]
    [TestCase("treaty a version 1 between in, us", "in, us", "entity.name.namespace")]
    public void It_colours_a_word_as_what_it_is(string line, string part, string scope)
    {
        string?[] scopes = Colour(line);

        Assert.That(scopes.Skip(line.LastIndexOf(part, StringComparison.Ordinal)).Take(part.Length), Has.All.StartsWith(scope));
    }
}
