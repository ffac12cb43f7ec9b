using System.Globalization;
using System.Text;
using Settlement.Engine.Text;

namespace Settlement.Gateway.Input;

/// <summary>
/// A file that cannot be used: says in one sentence which file, line and column, which value stands there and what was
/// expected. The only exception that a reader throws whatever bytes it is given; the command ends with exit code 2.
/// </summary>
internal sealed class InputException : Exception
{
    /// <summary>A fault of a line as a whole, or (line 0) of the file.</summary>
    public InputException(string file, long line, string sentence, Exception? inner = null)
        : base(OneLine($"{Place(file, line)}: {sentence}"), inner)
    {
        File = file;
        Line = line;
    }

    /// <summary>A fault of one value.</summary>
    public InputException(string file, long line, string column, string value, string expected)
        : base(OneLine($"{Place(file, line)}, column {column}: expected {expected}, found {(value.Length == 0 ? "nothing" : $"\"{value}\"")}"))
    {
        File = file;
        Line = line;
        Column = column;
        Value = value;
        Expected = expected;
    }

    /// <summary>The same fault, said again.</summary>
    public InputException(InputException fault)
        : base(fault.Message, fault)
    {
        (File, Line, Column, Value, Expected) = (fault.File, fault.Line, fault.Column, fault.Value, fault.Expected);
    }

    public string File { get; }

    /// <summary>From 1; of a record over several lines its first. 0: the file as a whole.</summary>
    public long Line { get; }

    public string? Column { get; }

    /// <summary>At most <see cref="InputLimits.ValueCharsMax"/> characters, and an ellipsis where it was longer.</summary>
    public string? Value { get; }
    public string? Expected { get; }

    /// <summary>A value made fit to stand in a message: one line, printable, short.</summary>
    public static string Shown(ReadOnlySpan<byte> value) =>
        // Four bytes make at most one character more than is shown, so the rest need not be decoded.
        Shown(Encoding.UTF8.GetString(value[..Math.Min(value.Length, 4 * (InputLimits.ValueCharsMax + 1))]).AsSpan());

    /// <inheritdoc cref="Shown(ReadOnlySpan{byte})"/>
    public static string Shown(ReadOnlySpan<char> value) => Printable(value, InputLimits.ValueCharsMax);

    /// <summary>Messages of the framework repeat names and characters of the file, and those may be anything.</summary>
    private static string OneLine(string message) => Printable(message, InputLimits.MessageCharsMax);

    private static string Printable(ReadOnlySpan<char> text, int charsMax)
    {
        bool cut = text.Length > charsMax;
        var shown = new StringBuilder(Math.Min(text.Length, charsMax) + 1);
        foreach (char c in cut ? text[..charsMax] : text)
            shown.Append(char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' ? '\uFFFD' : c);
        return cut ? shown.Append('…').ToString() : shown.ToString();
    }

    private static string Place(string file, long line) =>
        line == 0 ? file : string.Create(CultureInfo.InvariantCulture, $"{file}, line {line}");
}

/// <summary>A payment that was read and cannot be settled; the rest of the file goes on.</summary>
/// <param name="Id">As <see cref="PaymentIdText"/> writes it.</param>
internal readonly record struct InputRefusal(string File, long Line, string Id, string Reason);

/// <summary>Something in a file that a person should look at, and that stops nothing.</summary>
internal readonly record struct InputWarning(string File, long Line, string Message)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{File}, line {Line}: {Message}");
}
