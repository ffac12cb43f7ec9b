using System.Text;

namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Cuts a module's text into tokens. What the language does not have but is often written (typographic quotes, <c>≥</c>, <c>==</c>, <c>&amp;&amp;</c>) is a fault
/// whose hint says how it is written here, and is read as what it means, so that the rest is judged, too.
/// </summary>
internal sealed class Lexer
{
    private readonly string _text;
    private readonly FaultList _faults;
    private readonly List<Token> _tokens = [];
    private readonly List<Comment> _comments = [];
    private int _at;
    private int _line = 1;
    private int _lineStart;
    private bool _isLineEmpty = true; // so far
    private bool _isNextSilent;

    private Lexer(string text, FaultList faults)
    {
        (_text, _faults) = (text, faults);
        _at = _lineStart = ModuleText.Start(text);
    }

    public static TokenList Read(string text, FaultList faults)
    {
        var lexer = new Lexer(text, faults);
        while (lexer._at < text.Length)
            lexer.ReadNext();
        lexer.Add(TokenKind.End, "", text.Length);
        return new TokenList(text, lexer._tokens, lexer._comments);
    }

    private char Next => _at + 1 < _text.Length ? _text[_at + 1] : '\0';

    private TextPlace PlaceOf(int start, int end) => new(_line, start - _lineStart + 1, end - start);

    private void ReadNext()
    {
        char first = _text[_at];
        if (first == '\n')
        {
            _at++;
            (_line, _lineStart, _isLineEmpty) = (_line + 1, _at, true);
        }
        else if (first is ' ' or '\t' or '\r' || ModuleText.IsHidden(first))
            _at++;
        else if (first == '#')
            ReadComment();
        else if (IsLetter(first) || first == '_')
            ReadWord(TokenKind.Word, _at);
        else if (char.IsAsciiDigit(first))
            ReadNumber();
        else if (first == '@')
            ReadListName();
        else if (first == '"')
            ReadString('"');
        else
            ReadSymbol(first);
    }

    private void Add(TokenKind kind, string text, int end)
    {
        var token = new Token(kind, text, _at, end, PlaceOf(_at, end), _isLineEmpty);
        if (_isNextSilent)
            _faults.Silence(token.Place);
        _isNextSilent = false;
        _tokens.Add(token);
        _isLineEmpty = false;
        _at = end;
    }

    private int LineEnd()
    {
        int length = _text.AsSpan(_at).IndexOf('\n');
        return length < 0 ? _text.Length : _at + length;
    }

    private void ReadComment()
    {
        int end = LineEnd();
        _comments.Add(new Comment(_text[_at..end].TrimEnd(), _at, _line, _tokens.Count));
        _at = end;
    }

    private static bool IsLetter(char letter) => char.IsAsciiLetter(letter) || (letter > '\x7F' && char.IsLetter(letter));

    private static bool IsInWord(char letter) => IsLetter(letter) || char.IsAsciiDigit(letter) || letter == '_';

    /// <summary>Where a word ends that goes on at an index; a point or hyphen belongs to it if it goes on behind.</summary>
    private int WordEnd(int at)
    {
        while (at < _text.Length && (IsInWord(_text[at]) || (_text[at] is '.' or '-' && at + 1 < _text.Length && IsInWord(_text[at + 1]))))
            at++;
        return at;
    }

    private void ReadWord(TokenKind kind, int start)
    {
        int end = WordEnd(start);
        for (int at = start; at < end; at++)
        {
            if (_text[at] <= '\x7F')
                continue;
            _faults.Error(FaultCode.NameMalformed, PlaceOf(_at, end), $"{ModuleText.Quote(_text[at..(at + 1)])} stands in a word of the language",
                "words and names are written with the letters a to z; other letters may stand in texts in quotes and in comments");
            break;
        }
        Add(kind, _text[start..end], end);
    }

    private void ReadNumber() => Add(TokenKind.Number, _text[_at..WordEnd(_at)], WordEnd(_at));

    private void ReadListName()
    {
        if (_at + 1 < _text.Length && IsInWord(_text[_at + 1]))
        {
            ReadWord(TokenKind.ListName, _at + 1);
            return;
        }
        _faults.Error(FaultCode.NameMalformed, PlaceOf(_at, _at + 1), "`@` stands without a name", "write the name of the list right behind it: `@sanctioned`");
        Add(TokenKind.ListName, "", _at + 1);
    }

    private void ReadString(char closing)
    {
        var content = new StringBuilder();
        int at = _at + 1;
        for (; at < _text.Length && _text[at] is not ('\n' or '\r'); at++)
        {
            char letter = _text[at];
            if (letter == closing || (closing != '"' && closing != '\'' && letter is '"' or '\u201C' or '\u201D'))
            {
                AddString(content, at + 1);
                return;
            }
            if (letter == '\\' && at + 1 < _text.Length && _text[at + 1] is '"' or '\\')
                letter = _text[++at];
            else if (letter == '\\')
                _faults.Error(FaultCode.UnknownEscape, PlaceOf(at, at + 1), "`\\` stands alone in a text in quotes",
                    "write `\\\\` for one `\\`, and `\\\"` for a quotation mark");
            content.Append(letter);
        }
        _faults.Error(FaultCode.StringNotClosed, PlaceOf(_at, _at + 1), "this text in quotes does not end on its line",
            "put `\"` at its end; a text in quotes stands on one line");
        AddString(content, at);
        _faults.Silence(PlaceOf(at, at));
        // It swallowed the rest of the line: that something is missing behind it follows from that.
        _isNextSilent = true;
    }

    private void AddString(StringBuilder content, int end)
    {
        TextPlace place = PlaceOf(_at, end);
        if (content.Length > LanguageBounds.StringCharsMax)
            _faults.Error(FaultCode.StringTooLong, place, $"this text has {content.Length} characters; {LanguageBounds.StringCharsMax} are the most",
                "name the source in short, or use a comment");
        else if (content.ToString().AsSpan().IsWhiteSpace())
            _faults.Error(FaultCode.StringEmpty, place, "this text in quotes says nothing", "say it in words");
        Add(TokenKind.Text, content.ToString(), end);
    }

    private void ReadSymbol(char first)
    {
        string? symbol = (first, Next) switch
        {
            ('!', '=') => "!=",
            ('<', '=') => "<=",
            ('>', '=') => ">=",
            ('=', '>') => "=>",
            ('=', '=') => Instead("==", "=", "equality is written with one `=`"),
            ('<', '>') => Instead("<>", "!=", "not equal is written `!=`"),
            ('=', '<') => Instead("=<", "<=", "at most is written `<=`"),
            ('{', _) => "{",
            ('}', _) => "}",
            ('(', _) => "(",
            (')', _) => ")",
            (',', _) => ",",
            ('=', _) => "=",
            ('<', _) => "<",
            ('>', _) => ">",
            ('+', _) => "+",
            ('%', _) => "%",
            _ => null,
        };
        if (symbol is not null)
            Add(TokenKind.Symbol, symbol, _at + (first is '=' && Next is '=' or '<' || first is '<' && Next is '>' ? 2 : symbol.Length));
        else
            ReadForeign(first);
    }

    private string Instead(string written, string meant, string hint)
    {
        _faults.Error(FaultCode.UnknownCharacter, PlaceOf(_at, _at + written.Length), $"{ModuleText.Quote(written)} is no sign of the language", hint);
        return meant;
    }

    /// <summary>A sign that the language does not have.</summary>
    private void ReadForeign(char first)
    {
        switch (first)
        {
            case '\u201C' or '\u201D' or '\u201E' or '\u00AB' or '\u2018' or '\u2019' or '\'' or '\u300C':
                Instead(first.ToString(), "\"", "texts are put between straight double quotes: `\"31 CFR 1010.311\"`");
                ReadString(first switch { '\u00AB' => '\u00BB', '\u2018' or '\u2019' => '\u2019', '\'' => '\'', '\u300C' => '\u300D', _ => '\u201D' });
                break;
            case '\u2264':
                Add(TokenKind.Symbol, Instead("\u2264", "<=", "at most is written `<=`"), _at + 1);
                break;
            case '\u2265':
                Add(TokenKind.Symbol, Instead("\u2265", ">=", "at least is written `>=`"), _at + 1);
                break;
            case '\u2260':
                Add(TokenKind.Symbol, Instead("\u2260", "!=", "not equal is written `!=`"), _at + 1);
                break;
            case '[':
                Add(TokenKind.Symbol, Instead("[", "{", "lists are written `{ US, CA }`"), _at + 1);
                break;
            case ']':
                Add(TokenKind.Symbol, Instead("]", "}", "lists are written `{ US, CA }`"), _at + 1);
                break;
            case '&':
                Add(TokenKind.Word, Instead(Next == '&' ? "&&" : "&", "and", "write the word `and`"), _at + (Next == '&' ? 2 : 1));
                break;
            case '|':
                Add(TokenKind.Word, Instead(Next == '|' ? "||" : "|", "or", "write the word `or`"), _at + (Next == '|' ? 2 : 1));
                break;
            case '!':
                Add(TokenKind.Word, Instead("!", "not", "write the word `not`"), _at + 1);
                break;
            case '/' when Next is '/' or '*':
                Instead(_text[_at..(_at + 2)], "#", "a comment begins with `#` and ends with its line");
                ReadComment();
                break;
            default:
                Skip(first);
                break;
        }
    }

    private void Skip(char first)
    {
        int length = Rune.TryGetRuneAt(_text, _at, out Rune rune) ? rune.Utf16SequenceLength : 1;
        string written = _text.Substring(_at, length);
        string hint = first switch
        {
            '.' or ';' or ':' => "statements need no sign at their end; delete it",
            '$' or '\u20AC' or '\u00A3' or '\u00A5' or '\u20B9' => "write a currency by its three letters, in front of the amount: `USD 3000`",
            '-' or '\u2013' or '\u2014' => "amounts are not negative, and a dash has no meaning here; delete it",
            '\u00A0' or '\u2007' or '\u202F' or '\u3000' => "write a plain space; this one looks like it, but is another character",
            '*' or '/' or '^' => "nothing is multiplied or divided in a law; write the amount itself",
            _ => "delete it",
        };
        bool isShown = !char.IsSurrogate(first) && (rune.IsAscii || Rune.IsLetterOrDigit(rune) || Rune.IsSymbol(rune) || Rune.IsPunctuation(rune));
        string what = Rune.IsWhiteSpace(rune) ? "this space" : !isShown
            ? $"U+{rune.Value:X4}" : ModuleText.Quote(written);
        _faults.Error(FaultCode.UnknownCharacter, PlaceOf(_at, _at + length), $"{what} is no sign of the language", hint);
        _at += length;
    }
}
