using System.CommandLine;
using Settlement.Replay.Common;

namespace Settlement.Replay.Verify;

/// <summary>`replay verify`: whether a journal is whole, and is what the engine's rules would have written.</summary>
internal static class VerifyCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        Option<bool> json = Verb.Json();
        var archive = new Option<string?>("--archive") { Description = "Folder with the files that were cut off the journal: both are verified as one." };
        var receipts = new Option<string[]>("--receipt")
        {
            HelpName = "FILE",
            Description = "A receipt from outside, which the journal must hold; may be repeated. A journal that lost its whole tail looks sound by itself: what was given out before tells.",
        };
        var noSignatures = new Option<bool>("--no-signatures")
        {
            Description = "Leave out payers' signatures (the links of their chains are checked): each takes 70 us of a core, ten times what all the rest of its payment takes.",
        };
        var command = new Command(
            "verify",
            "Verifies every block (CRC, chain, sequence, time), applies all of them again, and compares every seal (root, state hash, signature) and the sums of money, and checks what payers signed.")
        {
            journal, archive, receipts, noSignatures, json,
        };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            VerifyReport report = VerifyRun.Over(
                parsed.GetValue(journal)!, parsed.GetValue(archive), parsed.GetValue(receipts) ?? [], WalkProgress.Over(parsed.GetValue(journal)!, error, parsed.GetValue(json)),
                checksSignatures: !parsed.GetValue(noSignatures));
            report.Print(parsed.GetValue(json), output);
            return report.IsSound ? 0 : ReplayCommand.ExitUnsound;
        }));
        return command;
    }
}
