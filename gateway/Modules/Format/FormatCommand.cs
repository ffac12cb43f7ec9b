using System.CommandLine;
using System.Text;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Modules.Format;

/// <summary>
/// The command line of `rules format`. Exit codes: 0 done, or all files are in the one way of writing; 1 with --check: one is not; 2 a file cannot be read as a module.
/// </summary>
internal static class FormatCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string[]> files = RuleOption.Files("The modules; a folder stands for its *.rules.");
        var check = new Option<bool>("--check") { Description = "Print the names of files that are not in the one way of writing, and change nothing." };
        var write = new Option<bool>("--write") { Description = "Write each file anew, in the one way of writing. Default: print it." };
        var command = new Command("format", "Puts modules into the one way of writing; words, numbers, comments and meaning stay.") { files, check, write };
        command.SetAction(parsed => RuleOption.Run(error, () =>
        {
            if (parsed.GetValue(check) && parsed.GetValue(write))
                throw new UsageException("--check and --write: one of the two is expected.");
            RuleFiles read = RuleFiles.Read(parsed.GetValue(files)!);
            // A text that is no module may be one tomorrow, but nobody knows what it would say.
            if (RuleOption.TellUnreadable(read, error))
                return RuleOption.ExitUnusable;
            bool allSame = true;
            foreach (ModuleReading reading in read.Readings)
            {
                string formatted = ModuleFormatter.Format(reading.Text);
                bool same = formatted == reading.Text;
                allSame &= same;
                if (parsed.GetValue(check))
                    output.Write(same ? "" : reading.FileName + "\n");
                else if (!parsed.GetValue(write))
                    output.Write(formatted);
                else if (!same)
                    Replace(reading.FileName, formatted);
            }
            return allSame || !parsed.GetValue(check) ? 0 : RuleOption.ExitUnsound;
        }));
        return command;
    }

    /// <summary>Under another name beside it, which then takes the file's place: nobody meets half a module.</summary>
    private static void Replace(string path, string text)
    {
        // A link stays one: what it leads to is written.
        string target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
        string unfinished = $"{target}.{Environment.ProcessId}.unfinished";
        try
        {
            using (var file = new FileStream(unfinished, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                file.Write(Encoding.UTF8.GetBytes(text));
                file.Flush(flushToDisk: true);
            }
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(unfinished, File.GetUnixFileMode(target));
            File.Move(unfinished, target, overwrite: true);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }
}
