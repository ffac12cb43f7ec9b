using System.CommandLine;
using System.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Show;

/// <summary>`replay show`: what stands in a journal, readable.</summary>
internal static class ShowCommand
{
    /// <summary>Text that is gathered before it is written: a call of the system for every line would cost more than the lines.</summary>
    private const int BufferChars = 1 << 16;

    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        var from = new Option<string?>("--from") { HelpName = "POINT", Description = $"Where to begin: {JournalPoint.Expected}. A batch: its first payment." };
        var to = new Option<string?>("--to") { HelpName = "POINT", Description = "Where to stop, this point included. A batch: its last payment." };
        var wallet = new Option<ulong?>("--wallet") { HelpName = "WALLET", Description = "Payments of this wallet (captures, voids and refunds of them, too) and commands about it." };
        var id = new Option<string?>("--id") { HelpName = "ID", Description = "Payments with this id, and the captures, voids and refunds that are about it." };
        var verdict = new Option<string?>("--verdict") { HelpName = "VERDICT", Description = "Payments and commands with this verdict, such as accepted or insufficient_funds." };
        var kind = new Option<string[]>("--kind") { HelpName = "KIND", Description = "Blocks of this kind: payments, control, tick, seal or genesis; may be repeated." };
        var blocks = new Option<bool>("--blocks") { Description = "Blocks alone, without what is in them." };
        var limit = new Option<long?>("--limit") { HelpName = "N", Description = "Stop after so many payments, commands and other blocks; with --blocks: blocks." };
        Option<bool> json = Verb.Json();
        json.Description = "Print JSON, one object a line.";
        var command = new Command("show", "Shows blocks, payments with their verdicts, commands and seals. All that is asked for must hold at once.")
        {
            journal, from, to, wallet, id, verdict, kind, blocks, limit, json,
        };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            if (parsed.GetValue(limit) is < 1)
                throw new UsageException("--limit: a whole number from 1 is expected.");
            return Run(new ShowOptions
            {
                Journal = parsed.GetValue(journal)!,
                From = parsed.GetValue(from),
                To = parsed.GetValue(to),
                Wallet = parsed.GetValue(wallet),
                Id = ShowOptions.ParseId(parsed.GetValue(id)),
                Verdict = ShowOptions.ParseVerdict(parsed.GetValue(verdict)),
                Kinds = ShowOptions.ParseKinds(parsed.GetValue(kind)),
                BlocksOnly = parsed.GetValue(blocks),
                Limit = parsed.GetValue(limit) ?? long.MaxValue,
                Json = parsed.GetValue(json),
            }, output);
        }));
        return command;
    }

    private static int Run(ShowOptions options, TextWriter output)
    {
        PointRange range = PointRange.Resolve(options.Journal, options.From, options.To);
        var text = new StringBuilder(BufferChars);
        using var lines = new StringWriter(text, System.Globalization.CultureInfo.InvariantCulture) { NewLine = output.NewLine };
        try
        {
            IShowOutput shown = options.Json ? new ShowJson(lines) : new ShowLines(lines);
            return new ShowRun(options, shown, range).Run(progress: null, () => Flush(text, output, BufferChars));
        }
        finally
        {
            Flush(text, output, 1);
        }
    }

    private static void Flush(StringBuilder text, TextWriter output, int least)
    {
        if (text.Length < least)
            return;
        output.Write(text);
        text.Clear();
    }
}
