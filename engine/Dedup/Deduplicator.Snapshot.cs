using Settlement.Engine.Domain;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Dedup;

/// <content>All that is kept of ids, into a snapshot and out of it.</content>
/// <remarks>
/// <code>
///  state's sum 16 | UUIDv7 floor, ns 8 | first hour of other ids 8 | hours of UUIDv7 | hours of other ids | streams | ids
/// </code>
/// as <see cref="HourTable"/>, <see cref="StreamTable"/> and <see cref="IdGenerations"/> picture it. Window and retention are
/// settings of the ledger, and the ledger restores them. What depends on memory (generations, filters) or on the store
/// (positions) is not there: it is made again, so a snapshot of one memory and store is loaded into any other.
/// </remarks>
public sealed partial class Deduplicator
{
    /// <summary>Writes all that counts, between two blocks; the memory it takes is bounded.</summary>
    public void Save(SnapshotWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        if (_decidedCount != _chunkCount) ThrowChunkUndecided();
        writer.Write(in _sum);
        writer.Write(in _uuidV7FloorNs);
        writer.Write(in _otherHourFirst);
        _uuidV7Hours.Save(writer);
        _otherHours.Save(writer);
        _streams.Save(writer);
        _ids.Save(writer);
    }

    /// <summary>
    /// Reads what <see cref="Save"/> wrote, before the first block. From then on every verdict and the state are as they would
    /// have been there.
    /// </summary>
    /// <param name="reader">Its head says up to which sequence ids were decided.</param>
    /// <exception cref="SnapshotException">The snapshot cannot be used, and this deduplicator cannot be either.</exception>
    public void Load(SnapshotReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        if (_timeNs != 0 || _sum != default) ThrowUsed();
        _timeNs = reader.Head.TimeNs;
        _sum = reader.Read<StateSum>();
        _uuidV7FloorNs = reader.Read<ulong>();
        _otherHourFirst = reader.Read<ulong>();
        ulong floorHour = _uuidV7FloorNs / Limits.NsPerHour;
        _uuidV7Hours.Load(reader, floorHour);
        _otherHours.Load(reader, _otherHourFirst);

        // The same sequence as at the last forgetting: hours that began since stand behind it. Before any forgetting it was 0.
        bool begun = _otherHours.TryFirstSequenceFrom(_otherHourFirst, out ulong otherSequenceFirst);
        reader.Expect(begun || (reader.Head.Sequence == 0 && _otherHourFirst == 0), "the hour of its last block is missing");
        _streams.Load(reader);
        _ids.Forget(floorHour, _otherHourFirst, otherSequenceFirst);
        _ids.Load(reader);
    }

    private static void ThrowUsed() =>
        throw new InvalidOperationException("a snapshot is loaded before the first block, by a deduplicator that keeps nothing");
}
