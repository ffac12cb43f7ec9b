namespace Settlement.Engine.Rules.Language;

/// <remarks>This file: conditions.</remarks>
internal sealed partial class ModuleParser
{
    private const string SumForm = "write `sum(payer, month) + amount > USD 10_000`; the time is day, month, 30 days, or year from 01-01";

    private bool _isConditionLost; // the rest of this condition was passed over

    private ConditionSyntax ReadCondition()
    {
        _isConditionLost = false;
        return ReadAny(1);
    }

    /// <param name="depth">Of what is read: 1 and the parentheses and <c>not</c> around it.</param>
    private ConditionSyntax ReadAny(int depth)
    {
        int start = _at;
        ConditionSyntax first = ReadAll(depth);
        if (!Current.IsWord("or") || _isConditionLost)
            return first;
        List<ConditionSyntax> children = [first];
        while (!_isConditionLost && AcceptJoint("or"))
            children.Add(ReadAll(depth));
        return new ChainSyntax(false, children, PlaceFrom(start));
    }

    private ConditionSyntax ReadAll(int depth)
    {
        int start = _at;
        ConditionSyntax first = ReadNot(depth);
        if (!Current.IsWord("and") || _isConditionLost)
            return first;
        List<ConditionSyntax> children = [first];
        while (!_isConditionLost && AcceptJoint("and"))
            children.Add(ReadNot(depth));
        return new ChainSyntax(true, children, PlaceFrom(start));
    }

    private bool AcceptJoint(string joint)
    {
        if (!Current.IsWord(joint) || _faults.IsFull)
            return false;
        Mark(LayoutMark.Fill);
        _at++;
        return true;
    }

    private ConditionSyntax ReadNot(int depth)
    {
        int start = _at;
        while (Accept("not"))
        {
        }
        int count = _at - start;
        if (depth + count > LanguageBounds.ConditionDepthMax)
            return TooDeep(start);
        ConditionSyntax condition = Current.IsSymbol("(") ? ReadGroup(depth + count) : ReadAtom();
        for (int not = count - 1; not >= 0; not--)
            condition = new NotSyntax(condition, PlaceFrom(start + not));
        return condition;
    }

    private BrokenSyntax TooDeep(int at)
    {
        TextPlace place = _tokens[at].Place;
        _faults.Error(FaultCode.ConditionTooDeep, place, $"this condition is nested deeper than {LanguageBounds.ConditionDepthMax}",
            "write it as several statements, or with a list; `a and b and c` needs no parentheses");
        _isConditionLost = true;
        SkipToClause();
        return new BrokenSyntax(place);
    }

    private ConditionSyntax ReadGroup(int depth)
    {
        int open = _at;
        if (depth + 1 > LanguageBounds.ConditionDepthMax)
            return TooDeep(open);
        _at++;
        ConditionSyntax inner = ReadAny(depth + 1);
        if (_isConditionLost || AcceptSymbol(")"))
            return inner;
        _faults.Error(FaultCode.ParenthesisNotClosed, _tokens[open].Place, "this parenthesis has no end", Current.Kind == TokenKind.Symbol || !AtClause
            ? $"put `)` in front of {Current.Shown}, or join the conditions by `and` or `or`" : "put `)` at the end of its group");
        _isConditionLost = true;
        SkipToClause();
        return inner;
    }

    private ConditionSyntax ReadAtom()
    {
        int start = _at;
        if (FieldWord() is not { } field)
            return Broken(start);
        Token asked = Take() with { Text = field };
        return field switch
        {
            "amount" when !Current.IsWord("in") => ReadAmount(start),
            "sum" => ReadSum(start),
            "payer" or "payee" when Current.IsWord("is") => ReadIs(asked, start),
            _ => ReadComparison(asked, start),
        };
    }

    /// <summary>Passes over what is left of a comparison that could not be read.</summary>
    private BrokenSyntax Broken(int start)
    {
        while (!AtClause && !Current.IsWord("and") && !Current.IsWord("or") && !Current.IsSymbol(")"))
        {
            _hasSkipped = true;
            _at++;
        }
        return new BrokenSyntax(_tokens[start].Place);
    }

    /// <summary>What a comparison asks, misspelt or not; null: none stands here, which was told.</summary>
    private string? FieldWord()
    {
        if (Current.Kind == TokenKind.Word && Array.IndexOf(LawWords.Fields, Current.Text) >= 0)
            return Current.Text;
        if (AtClause || Current.IsWord("and") || Current.IsWord("or") || Current.IsSymbol(")"))
        {
            _faults.Error(FaultCode.ConditionExpected, Here, _at > 0 ? $"a condition is expected behind {_tokens[_at - 1].Shown}"
                : "a condition is expected here",
                "write for example `src = US`, `amount >= USD 3_000` or `tier < 2`");
            return null;
        }
        bool isValue = Current.Kind == TokenKind.Number || LawWords.IsCountry(Current.Text) || LawWords.IsCurrency(Current.Text);
        if (Current.Kind != TokenKind.Word || isValue)
        {
            _faults.Error(FaultCode.ConditionExpected, Current.Place, $"a condition begins with what it asks, not with {Current.Shown}",
                LawWords.IsCountry(Current.Text) ? $"write `src = {Current.Text}` or `dst = {Current.Text}`; several values are a list: `src in {{ US, CA }}`"
                : Current.Kind == TokenKind.ListName ? $"write `src in @{Current.Text}`" : "write for example `src = US`, `amount >= USD 3_000` or `tier < 2`");
            return null;
        }
        string? meant = LawWords.FieldMeantBy(Current.Text) ?? (_faults.IsFull ? null : Suggestion.Nearest(Current.Text, LawWords.Fields));
        _faults.Error(FaultCode.UnknownField, Current.Place, $"{Current.Shown} is nothing that a condition can ask",
            meant is null ? "it can ask: " + string.Join(", ", LawWords.Fields) : $"did you mean `{meant}`?");
        return meant;
    }

    private ConditionSyntax ReadAmount(int start) =>
        ReadOperator("amount") is { } comparison && ReadMoney() is { } money ? new AmountSyntax(comparison, money, PlaceFrom(start)) : Broken(start);

    private ConditionSyntax ReadSum(int start)
    {
        if (!AcceptSymbol("("))
            return NoSum(start, "`(` is missing behind `sum`");
        if (Current.IsWord("payee"))
            return NoSum(start, "sums are kept of what a payer pays, not of what a payee gets");
        if (!Accept("payer"))
            return NoSum(start, "`payer` is missing behind `sum(`");
        if (!AcceptSymbol(","))
            return NoSum(start, "a comma is missing behind `payer`");
        if (ReadWindow() is not { } window)
            return SkipSum(start);
        if (!AcceptSymbol(")"))
            return NoSum(start, "`)` is missing behind the time");
        if (!AcceptSymbol("+") || !Accept("amount"))
            return NoSum(start, "`+ amount` is missing behind the sum");
        return ReadOperator("the sum") is { } comparison && ReadMoney() is { } money
            ? new SumSyntax(window, comparison, money, PlaceFrom(start)) : Broken(start);
    }

    private BrokenSyntax NoSum(int start, string message)
    {
        _faults.Error(FaultCode.SumMalformed, Here, message, SumForm);
        return SkipSum(start);
    }

    private BrokenSyntax SkipSum(int start)
    {
        // The parentheses of the sum are not those of a group.
        while (!AtClause && !Current.IsSymbol("+") && !Current.IsWord("and") && !Current.IsWord("or"))
        {
            _hasSkipped = true;
            _at++;
        }
        return Broken(start);
    }

    private ConditionSyntax ReadIs(Token asked, int start)
    {
        _at++;
        bool isNegated = Accept("not");
        if (Current.Kind is TokenKind.Word && !AtClause && Current.Text is not ("and" or "or"))
        {
            Token value = Take();
            return new FieldSyntax(asked, asked with { Kind = TokenKind.Symbol, Text = isNegated ? "!=" : "=" }, value, PlaceFrom(start));
        }
        _faults.Error(FaultCode.ValueExpected, Here, $"it is not said what the {asked.Text} is", "write one of: " + string.Join(", ", LawWords.Kinds));
        return Broken(start);
    }

    /// <summary>A comparison with a value, or a look-up in a list.</summary>
    private ConditionSyntax ReadComparison(Token asked, int start)
    {
        bool isNegated = Current.IsWord("not") && (Ahead.IsWord("in") || Ahead.Kind == TokenKind.ListName || Ahead.IsSymbol("{"));
        if (isNegated)
            _at++;
        if (Accept("in"))
            return ReadValues() is { } values ? new InSyntax(asked, isNegated, values, PlaceFrom(start)) : Broken(start);
        if (isNegated || Current.Kind == TokenKind.ListName || Current.IsSymbol("{"))
        {
            _faults.Error(FaultCode.ComparisonExpected, Here, "`in` is missing in front of the list",
                $"write `{asked.Text} in {{ … }}` or `{asked.Text} in @…`");
            return ReadValues() is { } values ? new InSyntax(asked, isNegated, values, PlaceFrom(start)) : Broken(start);
        }
        if (ReadOperator(asked.Text) is not { } comparison)
            return Broken(start);
        if (asked.Text is "payer" or "payee")
            _faults.Error(FaultCode.ComparisonExpected, comparison.Place, $"what a {asked.Text} is, is asked by `is`",
                $"write `{asked.Text} is person` or `{asked.Text} is not person`");
        if (Current.Kind is TokenKind.Word or TokenKind.Number && !AtClause && Current.Text is not ("and" or "or"))
        {
            Token value = Take();
            return new FieldSyntax(asked, comparison, value, PlaceFrom(start));
        }
        _faults.Error(FaultCode.ValueExpected, Here, $"a value is expected behind {comparison.Shown}, not {Current.Shown}", Current.Kind switch
        {
            TokenKind.Text => "write it without quotes",
            TokenKind.ListName => $"a list is asked by `in`: `{asked.Text} in @{Current.Text}`",
            TokenKind.Symbol when Current.Text == "{" => $"a list is asked by `in`: `{asked.Text} in {{ … }}`",
            _ => $"`{asked.Text}` is compared with {LawWords.ValuesOf(LawWords.FieldOf(asked.Text))}",
        });
        return Broken(start);
    }

    private PlacesSyntax? ReadValues()
    {
        int start = _at;
        if (Current.Kind == TokenKind.ListName)
        {
            Token list = Take();
            return new PlacesSyntax([], list, list.Place);
        }
        if (Current.IsSymbol("{"))
        {
            List<Token> values = ReadBraces();
            return new PlacesSyntax(values, null, PlaceFrom(start));
        }
        _faults.Error(FaultCode.ListMalformed, Here, "a list is expected behind `in`",
            "write `in { US, CA }`, or `in @name` with a list declared in this module");
        return null;
    }

    private Token? ReadOperator(string asked)
    {
        Token token = Current;
        if (token.Kind == TokenKind.Symbol && LawWords.OperatorOf(token.Text) != RuleOperator.None)
            return Take();
        if (token.IsSymbol("=>"))
        {
            _faults.Error(FaultCode.ComparisonExpected, token.Place, "`=>` compares nothing; it stands in tests", "at least is written `>=`");
            return Take() with { Text = ">=" };
        }
        if (!AtClause && token.Kind == TokenKind.Word && LawWords.OperatorMeantBy(token.Text, Ahead.Text) is var (symbol, words))
        {
            _faults.Error(FaultCode.ComparisonExpected, token.Place, "comparisons are written with signs",
                $"write `{symbol}` instead of `{string.Join(' ', Enumerable.Range(_at, words).Select(at => _tokens[at].Text))}`");
            _at += words;
            return token with { Kind = TokenKind.Symbol, Text = symbol };
        }
        _faults.Error(FaultCode.ComparisonExpected, Here, $"a comparison is expected behind {ModuleText.Quote(asked)}, not {Current.Shown}",
            "write `=`, `!=` (is not), `<` (less than), `<=` (at most), `>` (more than) or `>=` (at least)");
        return null;
    }
}
