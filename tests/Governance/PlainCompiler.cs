using System.Globalization;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Governance;

/// <summary>
/// A law of a few words, one a line, so that what governance does is seen apart from the language: <c>module us 2</c> or <c>treaty pact 1 us in</c>, then
/// <c>deny 840 356</c>, <c>review 840 356</c>, <c>limit 840 978 1000 04-01</c> (a year; <c>day</c>: a day), <c>indexed 840 978 1000 index</c>, <c>from 20472</c> (what follows is in
/// force from that day), <c>allow 840 356</c> (a treaty's: its bound modules do not deny it), <c>unsound</c> (no check holds), <c>broken</c> (no plan can be built).
/// </summary>
internal class PlainCompiler : ILawCompiler
{
    private int _builds;

    /// <summary>Plans built.</summary>
    public int Builds => Volatile.Read(ref _builds);

    public LawCheck Check(LawInputs inForce, LawText proposed)
    {
        string[][] lines = LinesOf(proposed);
        if (lines is not [["module" or "treaty", _, _, ..], ..])
            return new LawCheck("line 1: a module or a treaty was expected", "", 0, []);
        string? fault = lines.Any(line => line[0] == "unsound") ? "it is unsound" : null;
        string[] between = lines[0][0] == "treaty" ? lines[0][3..] : [];
        return new LawCheck(fault, lines[0][1], uint.Parse(lines[0][2], CultureInfo.InvariantCulture), between);
    }

    public virtual LawBuild Build(LawInputs laws, int day)
    {
        Interlocked.Increment(ref _builds);
        var builder = new RuleTableBuilder();
        var origins = new List<(ushort, string)>();
        var allowed = new List<(string Law, string[] Words)>();
        int? next = null;
        ushort id = 0;
        foreach (TreatyText treaty in laws.Treaties)
            foreach (string[] line in InForce(treaty.Text, day, ref next).Where(line => line[0] == "allow"))
                allowed.AddRange(treaty.Bound.Select(bound => (bound, line[1..])));
        foreach (LawText text in laws.Modules.Concat(laws.Treaties.Select(treaty => treaty.Text)).OrderBy(text => text.Name, StringComparer.Ordinal))
        {
            foreach (string[] line in InForce(text, day, ref next))
            {
                if (line[0] == "broken")
                    return LawBuild.Failed($"{text.Name} is broken");
                if (line[0] is "module" or "treaty" or "allow" || allowed.Any(pair => line[0] == "deny" && pair.Law == text.Name && pair.Words.AsSpan().SequenceEqual(line.AsSpan(1))))
                    continue;
                id++;
                if (!TryAdd(builder, laws, id, text.Name + "." + line[0], line))
                    return LawBuild.Failed($"{text.Name}: a parameter has no value");
                origins.Add((id, text.Name));
            }
        }

        return builder.TryBuild(out RuleTable? table, out string error) && RulePlan.TryBuild(table!, Iso4217.OwnerCountry, out RulePlan? plan, out error)
            ? new LawBuild { Plan = plan, NextChangeDay = next, Origins = origins }
            : LawBuild.Failed(error);
    }

    private static bool TryAdd(RuleTableBuilder builder, LawInputs laws, ushort id, string name, string[] words)
    {
        Condition source = When.Source(Number(words[1]));
        switch (words[0])
        {
            case "deny":
                builder.Deny(id, name, source.And(When.Destination(Number(words[2]))));
                return true;
            case "review":
                builder.Review(id, name, Limits.NsPerDay, source.And(When.Destination(Number(words[2]))));
                return true;
            case "limit":
                LimitWindow window = words[4] == "day" ? LimitWindow.Day
                    : LimitWindow.YearFrom(byte.Parse(words[4].AsSpan(0, 2), CultureInfo.InvariantCulture), byte.Parse(words[4].AsSpan(3), CultureInfo.InvariantCulture));
                builder.Limit(id, name, window, Number(words[2]), TierCeilings.Same(ulong.Parse(words[3], CultureInfo.InvariantCulture)), source);
                return true;
            default: // indexed
                ushort currency = Number(words[2]);
                ulong index = laws.Parameters.FirstOrDefault(parameter => parameter.Name == new ParameterName(currency, words[4])).Value;
                ulong ceiling = (ulong)((UInt128)ulong.Parse(words[3], CultureInfo.InvariantCulture) * index / ParameterName.One);
                builder.Limit(id, name, LimitWindow.Day, currency, TierCeilings.Same(ceiling), source);
                return index != 0;
        }
    }

    private static List<string[]> InForce(LawText text, int day, ref int? next)
    {
        var lines = new List<string[]>();
        bool on = true;
        foreach (string[] line in LinesOf(text))
        {
            if (line[0] != "from")
            {
                if (on)
                    lines.Add(line);
                continue;
            }

            int from = int.Parse(line[1], CultureInfo.InvariantCulture);
            on = from <= day;
            if (!on && (next is null || from < next))
                next = from;
        }

        return lines;
    }

    private static string[][] LinesOf(LawText text) =>
        [.. Encoding.UTF8.GetString(text.Utf8).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))];

    private static ushort Number(string word) => ushort.Parse(word, CultureInfo.InvariantCulture);
}
