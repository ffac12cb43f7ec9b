using System.CommandLine;
using Settlement.Engine.Journal;

namespace Settlement.Replay.Verify;

/// <summary>`replay verify`: whether a journal is whole, and is what the engine's rules would have written.</summary>
internal static class VerifyCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        var journal = new Argument<string>("journal") { Description = "The journal's directory. It is only read, and may be in use." };
        var json = new Option<bool>("--json") { Description = "Print one JSON object instead of lines." };
        var command = new Command(
            "verify",
            "Verifies every block (CRC, chain, sequence, time), applies all of them again, and compares every seal (root, state hash) and the sums of money.")
        {
            journal, json,
        };
        command.SetAction(parsed =>
        {
            try
            {
                VerifyReport report = VerifyRun.Over(parsed.GetValue(journal)!);
                report.Print(parsed.GetValue(json), output);
                return report.IsSound ? 0 : ReplayCommand.ExitUnsound;
            }
            catch (Exception unusable) when (unusable is JournalException or IOException or UnauthorizedAccessException)
            {
                error.WriteLine(unusable.Message);
                return ReplayCommand.ExitUnusable;
            }
        });
        return command;
    }
}
