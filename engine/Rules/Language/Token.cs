namespace Settlement.Engine.Rules.Language;

internal enum TokenKind : byte
{
    End = 0,

    /// <summary>A keyword, code or name: letters, digits, <c>_</c>, <c>.</c>, and what does not belong in it but was written.</summary>
    Word = 1,

    /// <summary>What begins with a digit: an amount, a date, a day of a year.</summary>
    Number = 2,

    /// <summary>A string; its text is without quotes and escapes.</summary>
    Text = 3,

    /// <summary>A list's name; its text is without the <c>@</c>.</summary>
    ListName = 4,

    Symbol = 5,
}

/// <summary>A word of a module's text.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">As its kind says; of the end: empty.</param>
/// <param name="Start">Index of its first character.</param>
/// <param name="End">Index behind its last.</param>
/// <param name="Place">The same for a reader.</param>
/// <param name="IsFirstOnLine">Nothing but space stands before it on its line.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int Start, int End, TextPlace Place, bool IsFirstOnLine)
{
    public bool IsWord(string word) => Kind == TokenKind.Word && Text == word;

    public bool IsSymbol(string symbol) => Kind == TokenKind.Symbol && Text == symbol;

    /// <summary>As a message names it.</summary>
    public string Shown => Kind switch
    {
        TokenKind.End => "the end of the text",
        TokenKind.Text => "a text in quotes",
        TokenKind.ListName => ModuleText.Quote("@" + Text),
        _ => ModuleText.Quote(Text),
    };
}

/// <summary>A comment.</summary>
/// <param name="Text">From the <c>#</c> on, without space at its end.</param>
/// <param name="Start">Index of its <c>#</c>.</param>
/// <param name="Line">From 1.</param>
/// <param name="TokenAfter">Index of the first token behind it.</param>
internal readonly record struct Comment(string Text, int Start, int Line, int TokenAfter);

/// <summary>A text's tokens, the end behind them, and its comments.</summary>
internal sealed record TokenList(string Source, IReadOnlyList<Token> Tokens, IReadOnlyList<Comment> Comments);
