using System.CommandLine;
using Settlement.Replay.Common;
using Settlement.Replay.State;

namespace Settlement.Replay.Diff;

/// <summary>`replay diff`: where two journals, two states of journals, or two files of balances first differ.</summary>
internal static class DiffCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        var a = new Argument<string>("a") { Description = "A journal's directory, with @POINT to compare the state there, or a file of `state --out`." };
        var b = new Argument<string>("b") { Description = "The other one, of the same sort." };
        var at = new Option<string?>("--at") { HelpName = "POINT", Description = $"Compare the states of both there: {JournalPoint.Expected}." };
        Option<bool> json = Verb.Json();
        var command = new Command("diff", "The first difference of two journals, by block, sequence and field, and of the states that follow. Exit code 0: the same; 1: different.")
        {
            a, b, at, json,
        };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            JournalPoint? point = parsed.GetValue(at) is { } text ? JournalPoint.Parse("--at", text) : null;
            DiffReport report = Compare(Side.Parse(parsed.GetValue(a)!, point), Side.Parse(parsed.GetValue(b)!, point), error, parsed.GetValue(json));
            report.Print(parsed.GetValue(json), output);
            return report.IsSame ? 0 : ReplayCommand.ExitUnsound;
        }));
        return command;
    }

    private static DiffReport Compare(Side a, Side b, TextWriter error, bool json)
    {
        if (a.IsFile != b.IsFile)
            throw new UsageException($"'{(a.IsFile ? a : b).Path}' is a file and '{(a.IsFile ? b : a).Path}' is none: name two journals, or two files of `replay state --out`.");
        var report = new DiffReport(a.ToString(), b.ToString());
        if (a.IsFile)
        {
            if (a.Point is not null || b.Point is not null)
                throw new UsageException("A file of balances is of one point; name journals to compare them at another.");
            if (BalanceFileDiff.First(a.Path, b.Path) is { } difference)
                report.Differences.Add(difference);
            return report;
        }

        if (a.Point is null && b.Point is null)
        {
            using var journals = new JournalDiff(a.Path, b.Path);
            journals.Run();
            report.Take(journals);
            // The state is a function of the journal: the same blocks need not be applied to know that it is the same.
            if (journals.IsPrefix || (journals.Differences.Count == 0 && journals.CutFromBlock is null))
                return report;
        }

        using JournalWalk ours = Open(a, error, json), theirs = Open(b, error, json);
        StateCommand.GoTo(ours, a.Path);
        StateCommand.GoTo(theirs, b.Path);
        report.TakeStates(ours.State, theirs.State);
        return report;
    }

    private static JournalWalk Open(Side side, TextWriter error, bool json) => JournalWalk.Open(side.Path, new WalkOptions
    {
        From = ulong.MaxValue, // only the state is wanted
        Until = side.Point ?? JournalPoint.End,
        Progress = WalkProgress.Over(side.Path, error, json),
    });

    /// <summary>One of the two that are compared.</summary>
    private sealed record Side(string Path, JournalPoint? Point)
    {
        public bool IsFile => File.Exists(Path);

        /// <summary>What exists is taken as it stands, so that a path may have an @ in it.</summary>
        public static Side Parse(string text, JournalPoint? point)
        {
            int mark = text.LastIndexOf('@');
            return mark <= 0 || System.IO.Path.Exists(text) ? new Side(text, point) : new Side(text[..mark], JournalPoint.Parse(text[..mark] + "@", text[(mark + 1)..]));
        }

        public override string ToString() => Point is { } point ? $"{Path}@{point}" : Path;
    }
}
