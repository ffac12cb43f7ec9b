using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Reply;
using Settlement.Engine.Text;

namespace Settlement.Gateway.Settle;

/// <summary>How every verb that writes opens a ledger: its node, and what an operator is told about the journal that was found.</summary>
internal static class LedgerOpening
{
    /// <param name="journal">Its directory.</param>
    /// <param name="options">Made by <see cref="Init.LedgerFounding"/>: they have the node's key.</param>
    /// <param name="key">File of the node's key as the command line names it; null: it does not.</param>
    /// <param name="keyOption">With which it names it.</param>
    /// <param name="replies">Gets verdicts.</param>
    /// <param name="batches">Gets closed batches.</param>
    /// <param name="error">Gets warnings.</param>
    /// <exception cref="UsageException">A key for a ledger that has none.</exception>
    /// <exception cref="Settlement.Engine.Journal.JournalException">The journal cannot be opened.</exception>
    public static Node Open(string journal, NodeOptions options, string? key, string keyOption, IReplyPublisher replies, IBatchPublisher batches, TextWriter error)
    {
        Node node = Node.Open(journal, options, replies, batches);
        if (key is not null && node.State.Genesis.NodeKey.IsNone)
        {
            node.Dispose();
            throw new UsageException($"{keyOption} {key}: the ledger in '{journal}' was created without a node key, and its seals are not signed. Leave {keyOption} away.");
        }

        Tell(node.Recovery, error);
        return node;
    }

    /// <summary>What opening found; null: the journal is new.</summary>
    public static void Tell(RecoveryReport? report, TextWriter error)
    {
        foreach (string warning in report?.Warnings ?? [])
            error.WriteLine($"warning: {warning}");
        if (report?.Cut is { } cut)
            error.WriteLine($"The journal ended in an unfinished write, which was never acknowledged: {cut}");
        if (report?.Repaired is { } repaired)
            error.WriteLine($"A torn sector was repaired from its copy: {repaired}");
    }

    /// <summary>Of the currencies that the ledger has; ISO's for all others.</summary>
    public static CurrencyScales ScalesOf(LedgerState state)
    {
        var scales = new CurrencyScales();
        for (int index = 1; index <= state.Currencies.Count; index++)
            scales.Declare(state.Currencies[index].Number, state.Currencies[index].Scale);
        return scales;
    }
}
