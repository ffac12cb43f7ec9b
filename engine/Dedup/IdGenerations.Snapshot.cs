using Settlement.Engine.Domain;
using Settlement.Engine.Simd;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Dedup;

/// <content>Ids in a snapshot: every decision that still counts once, wherever it is kept, the oldest first.</content>
/// <remarks>
/// <code>
///  | seeds 8 |, then pieces of: | count 8 (up to 1,024) | entries 32 each, as in memory |, and a count of 0 behind the last
/// </code>
/// Order: what is in the store in the order of spilling, the rest of the old generation, the young one. So an entry of one
/// generation stands before all of the next; inside a generation they stand by hash, not by sequence. Entered under the same
/// hash, a part of a generation would crowd into one part of a table, and each look for a place there would walk far. So
/// "seeds" says how often the saver's seeds were changed, and the loader changes its own once more often: its hashes, and
/// all that a client could know of them, have nothing to do with the order of the file.
/// <para>
/// Once: a slot of the old generation is in the store if it was drained, so only those from the next one to drain on are
/// taken from memory. An id has two decisions only where the earlier one was forgotten, and what is forgotten is left out.
/// </para>
/// Loading is entering: each entry goes the way of a new id, through the young generation and the filter, the old one
/// draining meanwhile at the pace that the pieces, no larger than a chunk, have in common with chunks. So every memory, larger
/// or smaller, ends as it would have after so many new ids, and no later payment finds a drain or a sweep that is behind.
/// <para>
/// What differs from new ids: sequences do not rise from generation to generation, since the borders are at other entries
/// than they were. The invariant that an entry belongs to its generation exactly if its sequence is not below the
/// generation's first is kept the simple way: while loading, every generation's first is 1, and a table is cleared before it
/// is taken again. Behind the load the next generation begins at a sequence above all that were loaded (checked: none is
/// above the snapshot's own), so the table it takes over may hold any of them, as ever.
/// </para>
/// </remarks>
internal sealed partial class IdGenerations
{
    private const int PieceEntries = Limits.ChunkPayments;

    // written by: settle thread
    private ulong _seedChanges;

    public void Save(SnapshotWriter writer)
    {
        writer.Write(in _seedChanges);
        Pieces pieces = new(writer);
        foreach (IdEntry entry in Spilled()) pieces.Add(in entry);
        if (_oldFirst != ulong.MaxValue) Save(pieces, _old, _drainSlot, _oldFirst);
        if (_youngCount != 0) Save(pieces, _young, 0, _youngFirst);
        pieces.End();
    }

    /// <summary>
    /// Reads what <see cref="Save(SnapshotWriter)"/> wrote, before any id was entered and after <see cref="Forget"/>.
    /// </summary>
    public void Load(SnapshotReader reader)
    {
        IdEntry[] piece = new IdEntry[PieceEntries];
        ulong[] hashes = new ulong[PieceEntries];
        ulong otherSequenceLast = 0;
        ChangeSeeds(reader.Read<ulong>() + 1);
        for (int count; (count = reader.ReadCount(PieceEntries, "ids in one piece")) != 0;)
        {
            Span<IdEntry> entries = piece.AsSpan(0, count);
            reader.Read(entries);
            if (_youngCount + count > _countMax)
            {
                EndLoadedGeneration(otherSequenceLast);
                otherSequenceLast = 0;
            }

            for (int i = 0; i < count; i++)
            {
                ref readonly IdEntry entry = ref entries[i];
                Check(reader, in entry);
                hashes[i] = HashOf(entry.IdLow, entry.IdHigh, entry.Decision.Participant);
                Prefetch(hashes[i]);
                if (!IdKinds.IsUuidV7(entry.IdHigh, entry.IdLow))
                    otherSequenceLast = Math.Max(otherSequenceLast, entry.Decision.Sequence);
            }

            for (int i = 0; i < count; i++) Enter(in entries[i], hashes[i]);
            DrainShare();
        }
    }

    private void ChangeSeeds(ulong changes)
    {
        _seedChanges = changes;
        _seedLow = Mix.Fold(_seedLow ^ changes, Mix.Pi5);
        _seedHigh = Mix.Fold(_seedHigh ^ changes, Mix.Pi6);
    }

    /// <summary>What of the store counts. Kinds are merged by sequence, so one generation's come out before the next one's.</summary>
    private IEnumerable<IdEntry> Spilled()
    {
        using IEnumerator<IdEntry> uuidV7s = _store.Kept(IdKind.UuidV7).GetEnumerator();
        using IEnumerator<IdEntry> others = _store.Kept(IdKind.Other).GetEnumerator();
        bool uuidV7Left = NextCounting(uuidV7s);
        bool otherLeft = NextCounting(others);
        while (uuidV7Left || otherLeft)
        {
            if (uuidV7Left && (!otherLeft || uuidV7s.Current.Decision.Sequence < others.Current.Decision.Sequence))
            {
                yield return uuidV7s.Current;
                uuidV7Left = NextCounting(uuidV7s);
            }
            else
            {
                yield return others.Current;
                otherLeft = NextCounting(others);
            }
        }
    }

    private bool NextCounting(IEnumerator<IdEntry> entries)
    {
        while (entries.MoveNext())
            if (Counts(entries.Current)) return true;
        return false;
    }

    /// <summary>Not forgotten.</summary>
    private bool Counts(in IdEntry entry) =>
        IdKinds.IsUuidV7(entry.IdHigh, entry.IdLow)
            ? IdKinds.TimestampHour(entry.IdHigh) >= _uuidV7HourFirst
            : entry.Decision.Sequence >= _otherSequenceFirst;

    private void Save(Pieces pieces, NativeTable<IdEntry> table, long slot, ulong sequenceFirst)
    {
        for (; slot < _capacity; slot++)
        {
            ref readonly IdEntry entry = ref table[slot];
            if (entry.Decision.Sequence >= sequenceFirst && Counts(in entry)) pieces.Add(in entry);
        }
    }

    private void Check(SnapshotReader reader, in IdEntry entry)
    {
        ulong sequence = entry.Decision.Sequence;
        reader.Expect(sequence != 0 && sequence <= reader.Head.Sequence, "an id was not decided before the snapshot");
        reader.Expect(KeptVerdicts.Have(entry.Decision.Verdict), "an id has a verdict that it cannot have");
        reader.Expect(
            !IdKinds.IsUuidV7(entry.IdHigh, entry.IdLow)
                || IdKinds.TimestampMilliseconds(entry.IdHigh) <= IdKinds.MillisecondLast,
            "an id is of a time that cannot be");
        reader.Expect(Counts(in entry), "it holds an id that is forgotten");
    }

    /// <summary>There is a free slot: a piece is as large as a chunk at most, and room was made for it.</summary>
    private void Enter(in IdEntry entry, ulong hash)
    {
        long slot = SlotOf(hash);
        while (_young[slot].Decision.Sequence >= _youngFirst) slot = Next(slot);
        _young[slot] = entry;
        _filter.Add(hash);
        _youngCount++;
        _enteredSinceDrain++;
    }

    /// <param name="otherSequenceLast">Highest among the ids that are no UUIDv7; 0: there are none.</param>
    private void EndLoadedGeneration(ulong otherSequenceLast)
    {
        bool usedBefore = _oldFirst != ulong.MaxValue;
        EndGeneration(firstSequence: 1, otherSequenceLast == 0 ? 0 : _otherHours.HourOf(otherSequenceLast));
        if (!usedBefore) return;
        const int ClearedAtOnce = 1 << 20;
        for (long slot = 0; slot < _capacity; slot += ClearedAtOnce)
            _young.Rows(slot, (int)Math.Min(ClearedAtOnce, _capacity - slot)).Clear();
    }

    /// <summary>Entries on their way into a snapshot, a piece at a time.</summary>
    private sealed class Pieces(SnapshotWriter writer)
    {
        private readonly IdEntry[] _entries = new IdEntry[PieceEntries];
        private int _count;

        public void Add(in IdEntry entry)
        {
            _entries[_count++] = entry;
            if (_count == PieceEntries) Write();
        }

        public void End()
        {
            if (_count != 0) Write();
            Write();
        }

        private void Write()
        {
            writer.Write((ulong)_count);
            writer.Write<IdEntry>(_entries.AsSpan(0, _count));
            _count = 0;
        }
    }
}
