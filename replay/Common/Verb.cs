using System.CommandLine;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Questions;
using Settlement.Engine.Snapshots;

namespace Settlement.Replay.Common;

/// <summary>What all verbs share: their common arguments, and what becomes of faults.</summary>
internal static class Verb
{
    private const int DiskFullErrno = 28;
    private const int DiskFullWindows = unchecked((int)0x80070070);

    public static Argument<string> Journal() => new("journal") { Description = "The journal's directory. It is only read, and may be in use." };

    public static Option<bool> Json() => new("--json") { Description = "Print JSON instead of lines." };

    /// <summary>Runs a verb; a fault becomes one sentence and an exit code.</summary>
    /// <param name="error">Where the sentence goes.</param>
    /// <param name="verb">Its work.</param>
    /// <param name="stopsItself">Whether it handles Ctrl-C and termination; if not, they end the process in order.</param>
    public static int Run(TextWriter error, Func<int> verb, bool stopsItself = false)
    {
        using OrderlyExit? exit = stopsItself ? null : new OrderlyExit();
        try
        {
            return verb();
        }
        catch (LedgerBrokenException broken)
        {
            error.WriteLine($"The journal is whole, but is not what these rules would have written: {broken.Message}. `replay verify` says more.");
            return ReplayCommand.ExitUnsound;
        }
        catch (IOException full) when (full.HResult is DiskFullErrno or DiskFullWindows)
        {
            error.WriteLine($"The disk is full: {full.Message.TrimEnd('.')}. What was begun is not finished; make room, or name another folder, and run the same command again.");
            return ReplayCommand.ExitUnusable;
        }
        catch (Exception unusable) when (unusable is UsageException or QuestionException or JournalException or SnapshotException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine(unusable.Message);
            return ReplayCommand.ExitUnusable;
        }
    }
}
