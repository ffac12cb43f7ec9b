using System.Text;

namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Purpose: one way of writing for all modules, so that a difference between two texts is a difference in law. Every part of a module begins on a line of its own,
/// every clause on one, one step in; what gets too long goes on further in.
/// Invariant: words, numbers and texts stay as they are written, in their order, and so do comments; only spaces and ends of line change. So the formatted text
/// reads to the same module, and is left as it is when formatted again.
/// </summary>
public static class ModuleFormatter
{
    /// <summary>What is longer is broken, where it can be.</summary>
    private const int LineCharsMax = 100;

    private const int ClauseIndent = 2, FillIndent = 4;

    /// <summary>The text in the one way of writing; as it is where it cannot be read.</summary>
    public static string Format(string text) => TryFormat(text, out string formatted) ? formatted : text;

    /// <returns>False: the text cannot be read (its meaning does not matter here); <see cref="ModuleReader"/> tells why. The text then comes back as it is.</returns>
    public static bool TryFormat(string text, out string formatted)
    {
        formatted = text;
        if (Encoding.UTF8.GetByteCount(text) > LanguageBounds.TextBytesMax)
            return false;
        var faults = new FaultList();
        ModuleText.Check(text, faults);
        TokenList list = Lexer.Read(text, faults);
        ModuleParser.Read(list, faults, out IReadOnlyList<LayoutMark> layout);
        if (faults.HasErrors)
            return false;
        formatted = new Writer(list, layout).Write();
        return true;
    }

    private sealed class Writer(TokenList list, IReadOnlyList<LayoutMark> layout)
    {
        private readonly StringBuilder _written = new();
        private int _column; // of what comes next; 0: at the beginning of a line
        private int _lastLine; // of the text, of what was written last
        private int _comment; // the next one
        private string _item = ""; // the word with which the current part begins

        public string Write()
        {
            for (int at = 0; at < list.Tokens.Count; at++)
            {
                bool isCommented = WriteComments(at);
                Token token = list.Tokens[at];
                if (token.Kind == TokenKind.End)
                    break;
                WriteToken(at, token, isCommented);
                _lastLine = token.Place.Line;
            }
            if (_column > 0)
                _written.Append('\n');
            return _written.ToString();
        }

        private LayoutMark MarkOf(int at) => list.Tokens[at].Kind == TokenKind.End ? LayoutMark.Item : layout[at];

        /// <summary>The comments in front of a token: one behind the last token stays on its line, the others have lines of their own.</summary>
        /// <returns>Whether there was one, so that the token begins a line.</returns>
        private bool WriteComments(int at)
        {
            bool isAny = false;
            for (; _comment < list.Comments.Count && list.Comments[_comment].TokenAfter == at; _comment++)
            {
                Comment comment = list.Comments[_comment];
                bool isBehind = at > 0 && comment.Line == list.Tokens[at - 1].Place.Line;
                if (isBehind)
                    _written.Append("  ");
                else if (MarkOf(at) == LayoutMark.Item)
                    BreakBeforePart(comment.Line, "#");
                else
                    Break(IndentOf(at));
                _written.Append(comment.Text);
                _column = LineCharsMax;
                _lastLine = comment.Line;
                if (!isBehind && MarkOf(at) == LayoutMark.Item)
                    _item = "#";
                isAny = true;
            }
            return isAny;
        }

        private int IndentOf(int at) => MarkOf(at) == LayoutMark.Clause ? ClauseIndent : FillIndent;

        private void Break(int indent)
        {
            if (_column > 0)
                _written.Append('\n');
            _written.Append(' ', indent);
            _column = indent;
        }

        /// <summary>
        /// A part of the module, or a comment between two, begins a line; behind an empty one where the text had one, and always but between lists, between
        /// tests, and between a comment and what follows it.
        /// </summary>
        private void BreakBeforePart(int line, string item)
        {
            bool isFirst = _written.Length == 0;
            bool isClose = _item == "#" || (_item == "test" && item is "test" or "#") || (_item is "list" or "class" && item is "list" or "class" or "#");
            Break(0);
            if (!isFirst && (!isClose || line > _lastLine + 1))
                _written.Append('\n');
        }

        private void WriteToken(int at, Token token, bool isCommented)
        {
            switch (MarkOf(at))
            {
                case LayoutMark.Item:
                    BreakBeforePart(token.Place.Line, token.Text);
                    _item = token.Text;
                    break;
                case LayoutMark.Clause:
                    Break(ClauseIndent);
                    break;
                case LayoutMark.Fill when !isCommented && _column + 1 + LengthFrom(at) > LineCharsMax:
                    Break(FillIndent);
                    break;
                default:
                    if (isCommented)
                    {
                        Break(FillIndent);
                        break;
                    }
                    if (HasSpaceBetween(list.Tokens[at - 1], token))
                    {
                        _written.Append(' ');
                        _column++;
                    }
                    break;
            }
            _written.Append(list.Source, token.Start, token.End - token.Start);
            _column += token.End - token.Start;
        }

        /// <summary>Characters from a token to the next place where the line may be broken, or is.</summary>
        private int LengthFrom(int at)
        {
            int length = list.Tokens[at].End - list.Tokens[at].Start;
            int commentAt = _comment < list.Comments.Count ? list.Comments[_comment].TokenAfter : int.MaxValue;
            for (int next = at + 1; next < commentAt && MarkOf(next) == LayoutMark.None && length <= LineCharsMax; next++)
                length += (HasSpaceBetween(list.Tokens[next - 1], list.Tokens[next]) ? 1 : 0) + list.Tokens[next].End - list.Tokens[next].Start;
            return length;
        }

        private static bool HasSpaceBetween(Token left, Token right) =>
            !(left.IsSymbol("(") || right.Kind == TokenKind.Symbol && right.Text is "," or ")" or "%" || (left.IsWord("sum") && right.IsSymbol("(")));
    }
}
