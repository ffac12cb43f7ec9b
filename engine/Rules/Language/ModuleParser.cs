using System.Diagnostics.CodeAnalysis;

namespace Settlement.Engine.Rules.Language;

/// <summary>How the formatter may break a line in front of a token.</summary>
internal enum LayoutMark : byte
{
    None = 0,

    /// <summary>Always: a part of the module begins.</summary>
    Item = 1,

    /// <summary>Always, one step in: a clause begins.</summary>
    Clause = 2,

    /// <summary>Where the line would get too long.</summary>
    Fill = 3,
}

/// <summary>
/// Reads a module's tokens by recursive descent. A fault is told where it is met, in the words of who writes law; then reading goes on at the next point that can
/// be known again (the next comparison, clause or statement), so that one pass tells several. Recursion is bounded by <see cref="LanguageBounds.ConditionDepthMax"/>.
/// Grammar: LANGUAGE.md. This file: the parts of a module, and lists.
/// </summary>
internal sealed partial class ModuleParser
{
    private static readonly string[] s_sources = ["cite", "illustrative"];

    private readonly IReadOnlyList<Token> _tokens;
    private readonly FaultList _faults;
    private readonly LayoutMark[] _layout;
    private int _at;
    private bool _hasSkipped; // since the part of the module began: what is missing may be among it

    private ModuleParser(TokenList list, FaultList faults)
    {
        (_tokens, _faults) = (list.Tokens, faults);
        _layout = new LayoutMark[list.Tokens.Count];
    }

    public static ModuleSyntax Read(TokenList list, FaultList faults) => Read(list, faults, out _);

    /// <param name="list">The text's tokens.</param>
    /// <param name="faults">Takes what is wrong.</param>
    /// <param name="layout">How the line may break in front of each token; complete where there is no fault.</param>
    public static ModuleSyntax Read(TokenList list, FaultList faults, out IReadOnlyList<LayoutMark> layout)
    {
        var parser = new ModuleParser(list, faults);
        layout = parser._layout;
        var module = new ModuleSyntax();
        module.Header = parser.ReadHeader();
        while (parser.Current.Kind != TokenKind.End && !faults.IsFull)
            parser.ReadItem(module);
        return module;
    }

    private Token Current => _tokens[_at];

    /// <summary>The token behind the current one.</summary>
    private Token Ahead => _tokens[Math.Min(_at + 1, _tokens.Count - 1)];

    /// <summary>Where something is missing: at the current token, or behind the last one where that ends its line.</summary>
    private TextPlace Here
    {
        get
        {
            if (_at == 0 || !Current.IsFirstOnLine && Current.Kind != TokenKind.End)
                return Current.Place;
            TextPlace last = _tokens[_at - 1].Place;
            return last with { Column = last.Column + last.Length, Length = 0 };
        }
    }

    private Token Take() => Current.Kind == TokenKind.End ? Current : _tokens[_at++];

    private bool Accept(string word)
    {
        if (!Current.IsWord(word))
            return false;
        _at++;
        return true;
    }

    /// <summary>Takes a word that may stand here, also where it is misspelt.</summary>
    private bool AcceptNear(string word, string[] others)
    {
        if (AtItem || Keyword([word], others) is null)
            return false;
        _at++;
        return true;
    }

    private bool AcceptSymbol(string symbol)
    {
        if (!Current.IsSymbol(symbol))
            return false;
        _at++;
        return true;
    }

    private void Mark(LayoutMark mark) => _layout[_at] = mark;

    /// <summary>From a token to the one before the current, or to the end of its line.</summary>
    private TextPlace PlaceFrom(int start)
    {
        TextPlace first = _tokens[start].Place;
        int last = _at - 1;
        if (last > start && _tokens[last].Place.Line != first.Line)
            for (last = start; _tokens[last + 1].Place.Line == first.Line;)
                last++;
        TextPlace end = _tokens[Math.Max(last, start)].Place;
        return first with { Length = end.Column + end.Length - first.Column };
    }

    /// <summary>
    /// The one of the words that the current token is, or is misspelt for (which is told); it is not taken. Null: none of them, or nearer to one of the others.
    /// </summary>
    private string? Keyword(string[] words, string[]? others = null)
    {
        if (Current.Kind != TokenKind.Word)
            return null;
        string written = Current.Text;
        if (Array.IndexOf(words, written) >= 0)
            return written;
        if (_faults.IsFull || written.Contains('.') || (others is not null && Array.IndexOf(others, written) >= 0))
            return null;
        string? meant = Suggestion.Nearest(written, others is null ? words : [.. words, .. others]);
        if (meant is null || Array.IndexOf(words, meant) < 0)
            return null;
        bool isCase = string.Equals(written, meant, StringComparison.OrdinalIgnoreCase);
        _faults.Error(FaultCode.WordMisspelt, Current.Place, isCase ? $"{Current.Shown} is written in small letters"
            : $"{Current.Shown} is no word of the language here",
            isCase ? $"write `{meant}`" : $"did you mean `{meant}`?");
        return meant;
    }

    /// <summary>Takes a word that must stand here; where it does not, says so.</summary>
    private bool Expect(string word, string code, string message, string hint)
    {
        if (Keyword([word]) is null)
        {
            _faults.Error(code, Here, message, hint);
            return false;
        }
        _at++;
        return true;
    }

    private static bool IsClause(Token token) => token.Kind == TokenKind.Word && Array.IndexOf(LawWords.Clauses, token.Text) >= 0;

    /// <summary>
    /// Whether a part of the module begins at a token: by its word and by what stands behind it, because <c>deny</c>, <c>require</c>, <c>review</c> and <c>limit</c>
    /// also say what an exception does, and <c>review</c> what a test expects.
    /// </summary>
    private bool IsItem(int at)
    {
        Token token = _tokens[at];
        if (token.Kind != TokenKind.Word || (at > 0 && _tokens[at - 1].IsSymbol("=>")))
            return false;
        Token next = _tokens[Math.Min(at + 1, _tokens.Count - 1)];
        if (Array.IndexOf(LawWords.Items, token.Text) >= 0)
        {
            return token.Text switch
            {
                "list" or "class" => next.Kind == TokenKind.ListName || token.IsFirstOnLine,
                "test" => next.Kind == TokenKind.Text || token.IsFirstOnLine,
                _ => next.Kind == TokenKind.Word && (next.Text.Contains('.') || (token.IsFirstOnLine && !LawWords.IsReserved(next.Text))),
            };
        }
        bool isLikeItem = token.IsFirstOnLine
            && (next.Kind is TokenKind.ListName or TokenKind.Text || (next.Kind == TokenKind.Word && next.Text.Contains('.')));
        return isLikeItem && !_faults.IsFull && !IsClause(token)
            && Suggestion.Nearest(token.Text, [.. LawWords.Items, .. LawWords.Clauses, "to", "no"]) is { } meant
            && Array.IndexOf(LawWords.Items, meant) >= 0;
    }

    private bool AtItem => Current.Kind == TokenKind.End || IsItem(_at);

    /// <summary>Where a clause, a part of the module or the text's end begins.</summary>
    private bool AtClause => AtItem || (IsClause(Current) && !(Current.Text == "from" && NumberText.IsMonthDay(Ahead.Text)));

    /// <summary>Passes over what cannot be read, to a clause, a part of the module, or one of the words.</summary>
    private void SkipToClause(params ReadOnlySpan<string> words)
    {
        while (!AtClause && !(Current.Kind == TokenKind.Word && words.Contains(Current.Text)))
        {
            _hasSkipped = true;
            _at++;
        }
    }

    private void SkipToItem()
    {
        while (!AtItem)
        {
            _hasSkipped = true;
            _at++;
        }
    }

    private void ReadItem(ModuleSyntax module)
    {
        _hasSkipped = false;
        Mark(LayoutMark.Item);
        if (Keyword(LawWords.Items, LawWords.Headers) is not { } item)
        {
            TellNoItem();
            _at++;
            SkipToItem();
            return;
        }
        Token keyword = Take() with { Text = item };
        switch (item)
        {
            case "list" or "class":
                ReadList(module, keyword);
                break;
            case "test":
                ReadTest(module, keyword);
                break;
            default:
                ReadStatement(module, keyword);
                break;
        }
    }

    private void TellNoItem()
    {
        if (Current.Kind == TokenKind.Word && Array.IndexOf(LawWords.Headers, Current.Text) >= 0)
            _faults.Error(FaultCode.HeaderTwice, Current.Place, "a second header stands here", "write one module in one file");
        else if (IsClause(Current))
            _faults.Error(FaultCode.StatementExpected, Current.Place, $"{Current.Shown} belongs to no statement",
                "a statement begins with `deny`, `require`, `review`, `limit` or `exception` and its name");
        else
            _faults.Error(FaultCode.StatementExpected, Current.Place, $"a statement, list or test is expected here, not {Current.Shown}",
                "each begins with one of these words: " + string.Join(", ", LawWords.Items));
    }

    private void ReadList(ModuleSyntax module, Token keyword)
    {
        if (Current.Kind is not (TokenKind.ListName or TokenKind.Word) || AtItem)
        {
            _faults.Error(FaultCode.NameExpected, Here, $"the {keyword.Text} has no name",
                $"write it with an `@` in front: `{keyword.Text} @members = {{ DE, FR }} cite \"…\"`");
            SkipToItem();
            return;
        }
        if (Current.Kind == TokenKind.Word)
            _faults.Error(FaultCode.NameExpected, Current.Place, $"the name of a {keyword.Text} begins with `@`",
                $"write `@{Current.Text}`, here and where it is used");
        var list = new ListSyntax(keyword, Take());
        module.Lists.Add(list);
        if (!AcceptSymbol("="))
            _faults.Error(FaultCode.ListMalformed, Here, "`=` is missing between the name and the values",
                $"write `{keyword.Text} @{list.Name.Text} = {{ … }}`");
        list.Values = ReadBraces();
        while (!AtItem && !_faults.IsFull)
        {
            if (Keyword(s_sources, LawWords.Items) is not { } source)
            {
                _faults.Error(FaultCode.Unexpected, Here, $"{Current.Shown} has no meaning behind a list",
                    "behind the values stands the list's source: `cite \"…\"`");
                do
                {
                    _hasSkipped = true;
                    _at++;
                }
                while (!AtItem && !(Current.Kind == TokenKind.Word && Array.IndexOf(s_sources, Current.Text) >= 0));
                continue;
            }
            if (list.Source is not null)
                _faults.Error(FaultCode.ClauseTwice, Current.Place, "the list names two sources", "name both in one text: `cite \"31 CFR 515; 31 CFR 560\"`");
            list.Source = ReadSource(source) ?? list.Source;
        }
        if (list.Source is null && !_hasSkipped)
            TellNoSource(list.Name, $"the {keyword.Text} names no source");
    }

    /// <summary>The values between braces; what is missing is told.</summary>
    private List<Token> ReadBraces()
    {
        List<Token> values = [];
        TextPlace open = Here;
        if (!AcceptSymbol("{"))
        {
            _faults.Error(FaultCode.ListMalformed, open, "a list of values is expected here", "values stand in braces with commas between: `{ US, CA }`");
            return values;
        }
        bool isSeparated = true, isToldTooMany = false;
        while (!AtClause && !Current.IsSymbol("}") && !Current.IsSymbol("=>"))
        {
            if (Current.IsSymbol(","))
            {
                if (isSeparated)
                    _faults.Error(FaultCode.ListMalformed, Current.Place, "this comma has no value in front of it", "delete it, or write the value");
                isSeparated = true;
                _at++;
                continue;
            }
            if (Current.Kind is not (TokenKind.Word or TokenKind.Number))
            {
                _faults.Error(FaultCode.ListMalformed, Current.Place, $"{Current.Shown} is no value of a list",
                    Current.Kind == TokenKind.Text ? "write codes without quotes: `{ US, CA }`" : Current.Kind == TokenKind.ListName
                        ? "lists do not hold other lists; write the values themselves" : "values stand in braces with commas between: `{ US, CA }`");
                if (Current.Kind == TokenKind.Symbol)
                    break;
                _at++;
                isSeparated = false;
                continue;
            }
            if (!isSeparated)
                _faults.Error(FaultCode.ListMalformed, Current.Place, $"a comma is missing before {Current.Shown}",
                    "values are separated by commas: `{ US, CA }`");
            isSeparated = false;
            if (values.Count < LanguageBounds.ListValuesMax)
            {
                Mark(LayoutMark.Fill);
                values.Add(Take());
                continue;
            }
            if (!isToldTooMany)
                _faults.Error(FaultCode.TooMany, Current.Place, $"a list has at most {LanguageBounds.ListValuesMax} values", "split it into two lists");
            isToldTooMany = true;
            _at++;
        }
        if (values.Count > 0 && isSeparated)
            _faults.Error(FaultCode.ListMalformed, _tokens[_at - 1].Place, "this comma has no value behind it", "delete it, or write the value");
        if (!AcceptSymbol("}"))
            _faults.Error(FaultCode.ListMalformed, open, "this list has no end", "put `}` behind its last value");
        else if (values.Count == 0)
            _faults.Error(FaultCode.ListMalformed, open, "this list is empty", "write at least one value, or leave the list out");
        return values;
    }

    private SourceSyntax? ReadSource(string keyword)
    {
        Mark(LayoutMark.Clause);
        Token source = Take() with { Text = keyword };
        string what = keyword == "cite" ? "from which law this comes" : "what the invented rule is to show";
        if (TakeText(what, $"write it in quotes: `{keyword} \"…\"`") is { } text)
            return new SourceSyntax(source, text);
        _hasSkipped = true; // it was to have one
        return null;
    }

    private void TellNoSource(Token name, string message) => _faults.Error(FaultCode.SourceMissing, name.Place, message,
        "name the law and its paragraph: `cite \"31 CFR 1010.311\"`; if it is invented, say what it is to show: `illustrative \"…\"`");
}
