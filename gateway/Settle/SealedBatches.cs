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
    /// <summary>Tells them in order; nothing where there is no journal yet.</summary>
    /// <param name="journal">Its directory.</param>
    /// <param name="told">Gets each batch.</param>
    /// <param name="warn">Told where the report begins, if not with the first batch.</param>
    /// <param name="asker">What asks, as a sentence begins with it.</param>
    /// <exception cref="JournalException">The journal is damaged in front of what opening it would read: a report would lack batches.</exception>
    public static void Tell(string journal, Action<ClosedBatch> told, Action<string> warn, string asker = "--report")
    {
        if (!FasterJournal.Exists(journal) || new SnapshotStore(journal).Usable(_ => { }) is not { Count: > 0 } snapshots)
            return; // without a snapshot, opening applies every block, and tells every batch
        bool isCut = !File.Exists(Path.Combine(journal, "journal.log.0"));
        SnapshotHead oldest = snapshots[^1].Head;
        using JournalReader reader = isCut ? JournalReader.OpenBehind(journal, in oldest) : JournalReader.Open(journal);
        if (isCut)
            warn($"the journal was cut behind block {oldest.Block}: batches from before that are not told");
        while (reader.Next())
        {
            if (reader.Header.Kind == BlockKind.Seal)
                told(ClosedBatch.Decode(reader.Body[..^(int)reader.Header.AttachmentBytes]));
        }

        if (reader.End is { Kind: JournalEndKind.Damage } damage)
            throw new JournalException(
                $"{asker}: the journal in '{journal}' is damaged at block {damage.Block}, {damage.Place}: {damage.What}. Batches would be lacking; nothing was changed. `replay verify` says more.");
    }
}
