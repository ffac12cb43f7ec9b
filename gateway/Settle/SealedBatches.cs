using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Snapshots;

namespace Settlement.Gateway.Settle;

/// <summary>
/// The batches whose seals stand in a journal: a report is of the whole ledger, and a start from a snapshot applies only what follows it. Where the
/// journal was cut, from its oldest snapshot on.
/// </summary>
internal static class SealedBatches
{
    /// <summary>Tells them in order; nothing where there is no journal yet. What is wrong with the journal is left to its opening.</summary>
    public static void Tell(string journal, Action<ClosedBatch> told)
    {
        if (!FasterJournal.Exists(journal) || new SnapshotStore(journal).Paths() is not { Count: > 0 } snapshots)
            return; // without a snapshot, opening applies every block, and tells every batch
        using JournalReader? reader = Open(journal, snapshots[^1]);
        while (reader is not null && reader.Next())
        {
            if (reader.Header.Kind == BlockKind.Seal)
                told(ClosedBatch.Decode(reader.Body[..^(int)reader.Header.AttachmentBytes]));
        }
    }

    private static JournalReader? Open(string journal, string oldestSnapshot)
    {
        try
        {
            return File.Exists(Path.Combine(journal, "journal.log.0"))
                ? JournalReader.Open(journal)
                : JournalReader.OpenBehind(journal, SnapshotStore.Check(oldestSnapshot));
        }
        catch (Exception damaged) when (damaged is SnapshotException or JournalException)
        {
            return null;
        }
    }
}
