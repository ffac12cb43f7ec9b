using System.CommandLine;
using Settlement.Engine.Journal;
using Settlement.Replay.Common;

namespace Settlement.Replay.State;

/// <summary>`replay state`: totals, positions and balances as they were at a point of a journal.</summary>
internal static class StateCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        var at = new Option<string>("--at") { HelpName = "POINT", Description = $"Where: {JournalPoint.Expected}. Default: end." };
        var wallet = new Option<string?>("--wallet") { HelpName = "W", Description = "Show this wallet's balances." };
        var participant = new Option<string?>("--participant") { HelpName = "NAME", Description = "Show this participant's positions and wallets only." };
        var balances = new Option<bool>("--balances") { Description = "Show the balances of all accounts." };
        var cast = new Option<bool>("--sessions") { Description = "Show who may do what: sessions, keys, mandates, how wallets' owners consent, chains." };
        var file = new Option<string?>("--out") { HelpName = "FILE.csv", Description = "Write the balances to this file." };
        Option<bool> json = Verb.Json();
        var command = new Command("state", "The ledger as it was at a point: totals by currency, net positions, holds, settings, balances.")
        {
            journal, at, wallet, participant, balances, cast, file, json,
        };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            var point = parsed.GetValue(at) is { } text ? JournalPoint.Parse("--at", text) : JournalPoint.End;
            ulong? only = parsed.GetValue(wallet) is { } number ? WalletNumber.Parse(number) : null;
            string directory = parsed.GetValue(journal)!;
            using JournalWalk walk = JournalWalk.Open(directory, new WalkOptions
            {
                From = ulong.MaxValue, // no outcome is wanted, only what became of them: any snapshot before the point will do
                Until = point,
                Progress = WalkProgress.Over(directory, error, parsed.GetValue(json)),
            });
            ulong block = GoTo(walk, directory);
            var report = new StateReport(directory, point, walk.LedgerId, block, walk.State, only, parsed.GetValue(participant));
            report.Check();
            if (parsed.GetValue(file) is { } path)
            {
                using var whole = new WholeFile("--out", path);
                report.WriteBalances(whole.Writer);
                whole.Keep();
            }

            bool listed = parsed.GetValue(balances) || only is not null;
            if (parsed.GetValue(json))
                report.PrintJson(output, listed, parsed.GetValue(cast));
            else
                report.PrintLines(output, listed, parsed.GetValue(cast));
            return 0;
        }));
        return command;
    }

    /// <summary>Applies up to the point asked for.</summary>
    /// <returns>The block that stands there.</returns>
    /// <exception cref="JournalException">There is no state: not even the genesis block is whole.</exception>
    public static ulong GoTo(JournalWalk walk, string directory)
    {
        ulong block = walk.Reader.Position.NextNumber is > 0 and var next ? next - 1 : 0;
        while (walk.Next())
            block = walk.Header.Number;
        if (!walk.Replay.HasState && walk.End is { Kind: not JournalEndKind.Damage })
            throw new JournalException($"The journal in '{directory}' holds no whole genesis block: its creation was cut short, and it never accepted anything.");
        walk.ToPoint();
        return block;
    }
}
