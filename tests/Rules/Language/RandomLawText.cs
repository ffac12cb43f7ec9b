using System.Globalization;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

/// <summary>
/// A module as somebody might write it: what may be left out is sometimes, what has an order of its own comes in another, and between any two words stand spaces,
/// line ends and comments by chance.
/// </summary>
internal sealed class RandomLawText(Random random)
{
    private readonly List<string> _words = [];

    /// <summary>What was written so far, by kind: for the assertion that nothing is left out.</summary>
    public HashSet<string> Seen { get; } = [];

    /// <summary>The words of the last module, before spaces are put between.</summary>
    public IReadOnlyList<string> Words => _words;

    public string Write(LawModule module)
    {
        _words.Clear();
        WriteHeader(module);
        // Statements, lists and tests may be mixed; each kind keeps its order.
        Queue<Action>[] parts =
        [
            new(module.Lists.Select(list => (Action)(() => WriteList(list)))),
            new(module.Statements.Select(statement => (Action)(() => WriteStatement(statement)))),
            new(module.Tests.Select(test => (Action)(() => WriteTest(test)))),
        ];
        while (parts.Where(part => part.Count > 0).ToArray() is { Length: > 0 } left)
            left[random.Next(left.Length)].Dequeue()();
        return Spaced(_words);
    }

    private bool Half() => random.Next(2) == 0;

    private void Add(params ReadOnlySpan<string> words)
    {
        foreach (string word in words)
        {
            _words.Add(word);
            if (char.IsAsciiLetterLower(word[0]) && !word.Contains('.'))
                Seen.Add(word);
        }
    }

    /// <summary>Words with what may stand between two of them: at least a space where both are of letters and digits.</summary>
    public string Spaced(IReadOnlyList<string> words)
    {
        var text = new StringBuilder(random.Next(4) == 0 ? "\uFEFF" : "");
        string lineEnd = Half() ? "\n" : "\r\n";
        for (int at = 0; at < words.Count; at++)
        {
            bool isNeeded = at > 0 && !IsSign(words[at - 1]) && !IsSign(words[at]);
            text.Append(random.Next(12) switch
            {
                0 => lineEnd,
                1 => lineEnd + lineEnd + "\t ",
                2 => Comment() + lineEnd,
                3 => lineEnd + Comment() + lineEnd + Comment() + lineEnd,
                4 or 5 when !isNeeded => "",
                _ => " ",
            });
            text.Append(words[at]);
        }
        return text.Append(random.Next(3) switch { 0 => "", 1 => Comment(), _ => lineEnd }).ToString();
    }

    private string Comment()
    {
        Seen.Add("#");
        return random.Next(3) switch { 0 => "# deny us.a when \"", 1 => "#", _ => " ## § ünd so weiter  " };
    }

    private static bool IsSign(string word) => !char.IsAsciiLetterOrDigit(word[0]) && word[0] != '@';

    private void WriteHeader(LawModule module)
    {
        Add(module.IsTreaty ? "treaty" : "module", module.Name, "version", module.Version.ToString(CultureInfo.InvariantCulture), "effective", NumberText.DateOf(module.EffectiveDay));
        if (module.UntilDay is { } until)
            Add("until", NumberText.DateOf(until));
        Add("authority", Quoted(module.Authority));
        if (module.IsTreaty)
        {
            Add("between");
            AddJoined(module.Between.OrderBy(_ => random.Next()));
            return;
        }
        Add("for");
        if (module.Jurisdiction.IsWorld)
        {
            Add("world");
            return;
        }
        WritePlaces(module, RuleField.Source, module.Jurisdiction.Countries);
        if (module.Jurisdiction.Currencies.SequenceEqual(RandomModules.OwnedBy(module.Jurisdiction.Countries)) && (module.Jurisdiction.Currencies.Count == 0 || Half()))
            return;
        Add("currencies");
        WritePlaces(module, RuleField.Currency, module.Jurisdiction.Currencies);
    }

    private void WritePlaces(LawModule module, RuleField field, IReadOnlyList<ushort> values)
    {
        if (module.Lists.FirstOrDefault(list => list.Field == field && list.Values.SequenceEqual(values)) is { } list && Half())
            Add("@" + list.Name);
        else if (values.Count == 1 && Half())
            Add(CodeOf(field, values[0]));
        else
            AddBraces(field, values);
    }

    private void AddJoined(IEnumerable<string> words)
    {
        bool isFirst = true;
        foreach (string word in words)
        {
            if (!isFirst)
                _words.Add(",");
            _words.Add(word);
            isFirst = false;
        }
    }

    private void AddBraces(RuleField field, IReadOnlyList<ushort> values)
    {
        Add("{");
        AddJoined(values.OrderBy(_ => random.Next()).Select(value => CodeOf(field, value)));
        Add("}");
    }

    private static string CodeOf(RuleField field, ushort value) => field switch
    {
        RuleField.Source or RuleField.Destination or RuleField.Owner => Iso3166.LettersOf(value),
        RuleField.Currency => Iso4217.LettersOf(value),
        RuleField.Purpose => LawWords.Purposes[value],
        RuleField.Instruction => LawWords.Instructions[value - 1],
        RuleField.PayerKind or RuleField.PayeeKind => LawWords.Kinds[value],
        _ => value.ToString(CultureInfo.InvariantCulture),
    };

    private static string Quoted(string text) => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private void WriteSource(Citation source) => Add(source.IsIllustrative ? "illustrative" : "cite", Quoted(source.Text));

    private void WriteList(LawList list)
    {
        Add(list.IsClass ? "class" : "list", "@" + list.Name, "=");
        AddBraces(list.Field, list.Values);
        WriteSource(list.Citation);
    }

    private void WriteStatement(LawStatement statement)
    {
        string effect = statement.Effect switch { LawEffect.Allow => "allow", LawEffect.Deny => "deny", LawEffect.Require => "require", LawEffect.Limit => "limit", _ => "review" };
        if (statement.IsException)
        {
            Add("exception", statement.Name, "to");
            AddJoined(statement.Targets);
            if (statement.Layer > 1 || Half())
                Add("layer", statement.Layer.ToString(CultureInfo.InvariantCulture));
            Add(effect);
        }
        else
        {
            Add(effect, statement.Name);
        }
        if (statement.Needs is { } needs)
            WriteCondition(needs, 0);
        if (statement.Effect == LawEffect.Limit)
            WriteLimit(statement);
        if (statement.Effect == LawEffect.Review)
            WriteWithin(statement.HoldNs);
        WriteWhen(statement.When);
        Action[] tail =
        [
            () => WriteSource(statement.Citation),
            () => WriteDay("from", statement.FromDay),
            () => WriteDay("until", statement.UntilDay),
        ];
        random.Shuffle(tail);
        foreach (Action part in tail)
            part();
    }

    private void WriteDay(string word, int? day)
    {
        if (day is { } number)
            Add(word, NumberText.DateOf(number));
    }

    private void WriteWithin(ulong holdNs)
    {
        if (holdNs == 3 * Limits.NsPerDay && Half())
            return;
        bool isDays = holdNs % Limits.NsPerDay == 0 && Half();
        ulong count = holdNs / (isDays ? Limits.NsPerDay : Limits.NsPerHour);
        Add("within", count.ToString(CultureInfo.InvariantCulture), (isDays ? "day" : "hour") + (count == 1 && Half() ? "" : "s"));
    }

    private void WriteLimit(LawStatement statement)
    {
        if (statement.Ceilings[0] is { } same && statement.Ceilings.All(ceiling => ceiling == same) && Half())
        {
            Add("at", "most");
            WriteMoney(same);
        }
        else
        {
            int[] tiers = [0, 1, 2, 3];
            random.Shuffle(tiers);
            foreach (int tier in tiers)
            {
                if (tier != tiers[0])
                    Add(",");
                Add("tier", tier.ToString(CultureInfo.InvariantCulture), "at", "most");
                if (statement.Ceilings[tier] is { } money)
                    WriteMoney(money);
                else
                    Add("none");
            }
        }
        Add("per");
        WriteWindow(statement.Window);
        for (int at = 0; at < statement.Adaptations.Count; at++)
        {
            Adaptation adaptation = statement.Adaptations[at];
            if (at == 0)
                Add("adapts", "to");
            else
                Add(",");
            Add("@" + adaptation.Class);
            if (adaptation.Percent == 0)
                Add("exempt");
            else
                Add("at", adaptation.Percent.ToString(CultureInfo.InvariantCulture), "%");
        }
    }

    private void WriteWindow(LimitWindow window)
    {
        if (window.Kind == WindowKind.Rolling30Days)
            Add("30", "days");
        else if (Half())
            Add("1");
        if (window.Kind == WindowKind.Day)
            Add("day");
        if (window.Kind == WindowKind.Month)
            Add("month");
        if (window.Kind == WindowKind.Year)
            Add("year", "from", $"{window.StartMonth:00}-{window.StartDay:00}");
    }

    private void WriteMoney(LawMoney money)
    {
        if (money.IsEquivalent)
            Add("equiv");
        Add(Iso4217.LettersOf(money.Currency), Number(money.Mantissa, money.Decimals));
        if (money.Index is { } index)
            Add("indexed", "by", $"{Iso4217.LettersOf(index.Currency)}.{index.Name}");
    }

    private string Number(UInt128 mantissa, int decimals)
    {
        string digits = mantissa.ToString(CultureInfo.InvariantCulture).PadLeft(decimals + 1, '0');
        if (random.Next(8) == 0)
            digits = "00" + digits;
        var written = new StringBuilder();
        for (int at = 0; at < digits.Length; at++)
        {
            if (at == digits.Length - decimals)
                written.Append('.');
            else if (at > 0 && random.Next(6) == 0)
                written.Append('_');
            written.Append(digits[at]);
        }
        return written.ToString();
    }

    /// <summary>Where it says the same, as <c>unless</c>.</summary>
    private void WriteWhen(LawCondition condition)
    {
        if (condition is LawAlways)
            return;
        if (condition is LawNot not && Half())
        {
            Add("unless");
            WriteCondition(not.Inner, 0);
            return;
        }
        if (condition is LawAll all && all.Children[^1] is LawNot last && (all.Children.Count > 2 || all.Children[0] is not LawAll) && Half())
        {
            Add("when");
            WriteCondition(all.Children.Count > 2 ? new LawAll([.. all.Children.SkipLast(1)], default) : all.Children[0], 0);
            Add("unless");
            WriteCondition(last.Inner, 0);
            return;
        }
        Add("when");
        WriteCondition(condition, 0);
    }

    /// <param name="condition">What is written.</param>
    /// <param name="binding">What it stands in: 0 nothing, 1 an or, 2 an and, 3 a not.</param>
    private void WriteCondition(LawCondition condition, int binding)
    {
        bool isGroup = condition is LawAny ? binding >= 1 : condition is LawAll && binding >= 2;
        isGroup |= random.Next(8) == 0;
        if (isGroup)
            Add("(");
        switch (condition)
        {
            case LawAll all:
                WriteChain(all.Children, "and", 2);
                break;
            case LawAny any:
                WriteChain(any.Children, "or", 1);
                break;
            case LawNot not:
                WriteNot(not);
                break;
            default:
                WriteLeaf(condition);
                break;
        }
        if (isGroup)
            Add(")");
    }

    private void WriteChain(IReadOnlyList<LawCondition> children, string joint, int binding)
    {
        for (int at = 0; at < children.Count; at++)
        {
            if (at > 0)
                Add(joint);
            WriteCondition(children[at], binding);
        }
    }

    private void WriteNot(LawNot not)
    {
        if (not.Inner is LawIn look && Half())
        {
            Add(LawWords.NameOf(look.Field), "not");
            WriteIn(look);
            return;
        }
        Add("not");
        WriteCondition(not.Inner, 3);
    }

    private void WriteIn(LawIn look)
    {
        Seen.Add($"{look.Field} in {(look.List is null ? "values" : "list")}");
        Add("in");
        if (look.List is { } list)
            Add("@" + list);
        else
            AddBraces(look.Field, look.Values);
    }

    private void WriteLeaf(LawCondition condition)
    {
        switch (condition)
        {
            case LawAmount amount:
                Seen.Add($"amount {amount.Operator}");
                Add("amount", SignOf(amount.Operator));
                WriteMoney(amount.Money);
                break;
            case LawSum sum:
                Seen.Add($"sum {sum.Window.Kind} {sum.Operator}");
                Add("sum", "(", "payer", ",");
                WriteWindow(sum.Window);
                Add(")", "+", "amount", SignOf(sum.Operator));
                WriteMoney(sum.Money);
                break;
            case LawIn look:
                Add(LawWords.NameOf(look.Field));
                WriteIn(look);
                break;
            case LawField { Field: RuleField.PayerKind or RuleField.PayeeKind } kind:
                Add(LawWords.NameOf(kind.Field), "is");
                if (kind.Operator == RuleOperator.NotEqual)
                    Add("not");
                Add(CodeOf(kind.Field, kind.Value));
                break;
            case LawField field:
                Seen.Add($"{field.Field} {field.Operator}");
                Add(LawWords.NameOf(field.Field), SignOf(field.Operator), CodeOf(field.Field, field.Value));
                break;
        }
    }

    private static string SignOf(RuleOperator comparison) => comparison switch
    {
        RuleOperator.Equal => "=",
        RuleOperator.NotEqual => "!=",
        RuleOperator.Less => "<",
        RuleOperator.AtMost => "<=",
        RuleOperator.More => ">",
        _ => ">=",
    };

    private void WriteTest(LawTest test)
    {
        Add("test", Quoted(test.Name), "{");
        List<Action> facts =
        [
            () => Add("src", CodeOf(RuleField.Source, test.Facts.Source)),
            () => Add("dst", CodeOf(RuleField.Destination, test.Facts.Destination)),
            () =>
            {
                Add("amount");
                WriteMoney(test.Amount);
            },
        ];
        AddFact(facts, RuleField.Tier, test.Facts.Tier, 0);
        AddFact(facts, RuleField.Purpose, test.Facts.Purpose, 0);
        AddFact(facts, RuleField.Level, test.Facts.Level, 0);
        AddFact(facts, RuleField.Instruction, test.Facts.Instruction, (ushort)Instruction.Immediate);
        AddFact(facts, RuleField.PayerKind, test.Facts.PayerKind, 0);
        AddFact(facts, RuleField.PayeeKind, test.Facts.PayeeKind, 0);
        if (test.Day is { } day)
            facts.Add(() => Add("on", NumberText.DateOf(day)));
        facts.Add(() => WriteSpent(test));
        foreach (Action fact in facts.OrderBy(_ => random.Next()))
            fact();
        Add("}", "=>", test.Expected switch { LawAnswer.Yes => "yes", LawAnswer.No => "no", _ => "review" });
        if (test.ExpectedStatement is { } statement)
            Add(statement);
    }

    private void WriteSpent(LawTest test)
    {
        foreach ((LimitWindow window, LawMoney amount) in test.Spent)
        {
            Add("spent");
            WriteWindow(window);
            WriteMoney(amount);
        }
        foreach ((ParameterName name, ulong value) in test.Parameters)
            Add("parameter", $"{Iso4217.LettersOf(name.Currency)}.{name.Name}", Number(value, 9));
    }

    private void AddFact(List<Action> facts, RuleField field, ushort value, ushort usual)
    {
        if (value != usual || Half())
            facts.Add(() => Add(LawWords.NameOf(field), CodeOf(field, value)));
    }
}
