using System.CommandLine;
using System.Text;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using Settlement.Replay.State;

namespace Settlement.Replay.Statement;

/// <summary>`replay statement`: every movement of one wallet, with running balances.</summary>
internal static class StatementCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        var wallet = new Option<string>("--wallet") { HelpName = "W", Description = "Whose movements.", Required = true };
        var currency = new Option<string?>("--currency") { HelpName = "CCY", Description = "Only of this currency." };
        var from = new Option<string?>("--from") { HelpName = "POINT", Description = $"From here on: {JournalPoint.Expected.Replace(", or end", "", StringComparison.Ordinal)}, with its first payment. Default: the beginning." };
        var to = new Option<string?>("--to") { HelpName = "POINT", Description = "Up to here, included. Default: end." };
        var file = new Option<string?>("--out") { HelpName = "FILE.csv", Description = "Write the movements to this file, and print opening and closing balances only." };
        Option<bool> json = Verb.Json();
        var command = new Command("statement", "Every movement of a wallet: payments, holds, captures, refunds, expiries, pending that became available; with running balances.")
        {
            journal, wallet, currency, from, to, file, json,
        };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            string directory = parsed.GetValue(journal)!;
            var until = parsed.GetValue(to) is { } text ? JournalPoint.Parse("--to", text) : JournalPoint.End;
            ulong number = WalletNumber.Parse(parsed.GetValue(wallet)!);
            ushort only = 0;
            if (parsed.GetValue(currency) is { } letters && !CurrencyScales.TryFindCurrency(Encoding.UTF8.GetBytes(letters), out only))
                throw new UsageException($"--currency {letters}: a currency of ISO 4217 is expected.");
            Journals.Open(directory).Dispose();
            var start = RangeStart.Resolve(directory, parsed.GetValue(from), until);
            using JournalWalk walk = JournalWalk.Open(directory, new WalkOptions
            {
                From = start.Sequence,
                Until = until,
                Progress = WalkProgress.Over(directory, error, parsed.GetValue(json)),
            });
            using WholeFile? whole = parsed.GetValue(file) is { } path ? new WholeFile("--out", path) : null;
            Follow(walk, directory, number, only, start, until, new StatementText(directory, number, only, parsed.GetValue(json), whole?.Writer, output));
            whole?.Keep();
            return 0;
        }));
        return command;
    }

    private static void Follow(JournalWalk walk, string directory, ulong wallet, ushort currency, RangeStart start, JournalPoint until, StatementText text)
    {
        using (text)
        {
            var watch = new StatementWatch(walk.Replay, wallet, start)
            {
                Opened = text.Open,
                Moved = movement => text.Write(walk.State, in movement),
            };
            walk.Replay.Watch = watch;
            StateCommand.GoTo(walk, directory);
            LedgerState state = walk.State;
            start.CheckReached(state.Sequence, until);
            int head = state.Accounts.Find(wallet);
            if (head == 0)
                throw new UsageException($"There is no wallet {wallet} at {until}: the ledger has {state.Accounts.Count} accounts at sequence {state.Sequence}.");
            if (currency != 0 && (state.Currencies.IndexOf(currency) is var index && (index == 0 || state.Accounts.InCurrency(head, index) == 0)))
                throw new UsageException($"Wallet {wallet} has no account in {LedgerText.CurrencyOf(currency)} at {until}.");
            watch.End();
            text.End(state, watch.Balances);
        }
    }
}
