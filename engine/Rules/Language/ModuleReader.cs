using System.Globalization;
using System.Text;

namespace Settlement.Engine.Rules.Language;

/// <summary>What reading a text gave.</summary>
/// <param name="Module">The module; null if and only if there is an error among the faults.</param>
/// <param name="Faults">In the order of the text, at most <see cref="LanguageBounds.FaultsMax"/>.</param>
/// <param name="FileName">As it is to be named in messages.</param>
/// <param name="Text">What was read.</param>
public sealed record ModuleReading(LawModule? Module, IReadOnlyList<ModuleFault> Faults, string FileName, string Text)
{
    /// <summary>All faults, printed, an empty line between two; empty: there are none.</summary>
    public string Report() => string.Join("\n\n", Faults.Select(fault => fault.Print(FileName, Text)));
}

/// <summary>
/// Purpose: a module from its text. Invariant: total (any text and any bytes give a module or at least one error; nothing throws), a pure function of the text,
/// in time linear in it. What is judged here is what one text shows alone; what needs other modules or a solver is judged by the checker.
/// </summary>
public static class ModuleReader
{
    public static ModuleReading Read(string text, string fileName)
    {
        var faults = new FaultList();
        if (!CheckLength(Encoding.UTF8.GetByteCount(text), faults))
            return new ModuleReading(null, faults.InOrder(), fileName, text);
        ModuleText.Check(text, faults);
        return Read(text, fileName, faults);
    }

    public static ModuleReading Read(ReadOnlySpan<byte> utf8, string fileName)
    {
        var faults = new FaultList();
        if (!CheckLength(utf8.Length, faults))
            return new ModuleReading(null, faults.InOrder(), fileName, "");
        int valid = ValidLength(utf8);
        string text = Encoding.UTF8.GetString(utf8);
        if (valid < utf8.Length)
        {
            string before = Encoding.UTF8.GetString(utf8[..valid]);
            int lineStart = before.LastIndexOf('\n') + 1;
            faults.Error(FaultCode.NotUtf8,
                new TextPlace(before.AsSpan().Count('\n') + 1, before.Length - Math.Max(lineStart, ModuleText.Start(before)) + 1, 1),
                string.Create(CultureInfo.InvariantCulture, $"the byte 0x{utf8[valid]:X2} is no text in UTF-8"), "save the file as UTF-8");
        }
        else
        {
            ModuleText.Check(text, faults);
        }
        return Read(text, fileName, faults);
    }

    private static bool CheckLength(int bytes, FaultList faults)
    {
        if (bytes <= LanguageBounds.TextBytesMax)
            return true;
        faults.Error(FaultCode.TextTooLong, new TextPlace(1, 1, 0), string.Create(CultureInfo.InvariantCulture,
            $"the text has {bytes:N0} bytes; a module has at most {LanguageBounds.TextBytesMax:N0}"), "split it into two modules");
        return false;
    }

    private static int ValidLength(ReadOnlySpan<byte> utf8)
    {
        int at = 0;
        while (at < utf8.Length)
        {
            if (utf8[at] < 0x80)
            {
                at++;
                continue;
            }
            if (Rune.DecodeFromUtf8(utf8[at..], out _, out int length) != System.Buffers.OperationStatus.Done)
                break;
            at += length;
        }
        return at;
    }

    private static ModuleReading Read(string text, string fileName, FaultList faults)
    {
        ModuleSyntax syntax = ModuleParser.Read(Lexer.Read(text, faults), faults);
        LawModule? module = ModuleBinder.Bind(syntax, text, faults);
        return new ModuleReading(faults.HasErrors ? null : module, faults.InOrder(), fileName, text);
    }
}
