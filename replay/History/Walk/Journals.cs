using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.History;

/// <summary>What all verbs ask of a journal before they walk it.</summary>
internal static class Journals
{
    /// <exception cref="JournalException">There is no journal that could be read, or it is of a newer format.</exception>
    public static JournalReader Open(string directory, string? archive = null)
    {
        if (!Directory.Exists(directory))
            throw NoDirectory(directory);
        if (archive is not null && !Directory.Exists(archive))
            throw new JournalException($"There is no directory '{archive}'. Name the folder that holds the files cut off the journal.");
        return archive is null ? JournalReader.Open(directory) : JournalReader.OpenWith(directory, archive);
    }

    public static JournalException NoDirectory(string directory) => new($"There is no directory '{directory}'. Name the directory of a journal.");

    /// <summary>Whether files at the journal's beginning are gone.</summary>
    public static bool IsCut(string directory) => JournalFiles.ReadLayout(directory, null).FirstSegment() > 0;

    public static UInt128 LedgerIdOf(string directory) => JournalFiles.ReadLayout(directory, null).LedgerId;

    /// <summary>The last sequence of a batch, from its seal: verifies blocks on the way there, applies none.</summary>
    /// <exception cref="UsageException">The journal has no seal of that batch.</exception>
    public static ulong LastSequenceOf(string directory, ulong batch, string? archive = null)
    {
        using JournalReader reader = Open(directory, archive);
        ulong sealedLast = 0;
        while (reader.Next())
        {
            if (reader.Header.Kind != BlockKind.Seal)
                continue;
            var statement = ClosedBatch.Decode(reader.Body[..^(int)reader.Header.AttachmentBytes]);
            sealedLast = statement.Number;
            if (statement.Number == batch)
                return statement.LastSequence;
        }

        if (reader.End is { Kind: JournalEndKind.Damage } damage)
            throw Damaged(damage);
        throw new UsageException($"batch:{batch} is not in the journal: its last sealed batch is {sealedLast}.");
    }

    public static JournalException Damaged(JournalEnd end) =>
        new($"The journal is damaged at block {end.Block}, {end.Place}: {end.What}. Nothing behind it can be believed; `replay verify` says more.");
}
