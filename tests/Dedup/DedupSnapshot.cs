using System.Runtime.InteropServices;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Snapshots;

namespace Settlement.Tests.Dedup;

/// <summary>The bytes of one deduplicator's section, and what a slow reader of its own, after the pictures alone, finds in them.</summary>
internal sealed class DedupSnapshot
{
    private readonly SnapshotHead _head;

    private DedupSnapshot(SnapshotHead head, byte[] payload) => (_head, Payload) = (head, payload);

    /// <summary>What stands in the section, without chunks.</summary>
    public byte[] Payload { get; }

    /// <param name="last">The last block applied.</param>
    public static DedupSnapshot Of(Deduplicator dedup, DedupHistory.Block last) =>
        Of(dedup, last.FirstSequence + (ulong)last.Payments.Count - 1, last.TimeNs);

    public static DedupSnapshot Of(Deduplicator dedup, ulong sequence, ulong timeNs)
    {
        SnapshotHead head = new() { Sequence = sequence, TimeNs = timeNs };
        using MemoryStream stream = new();
        SnapshotWriter writer = new(stream, head);
        writer.Begin(SnapshotSection.Ids);
        dedup.Save(writer);
        writer.Finish(default);
        return new DedupSnapshot(head, PayloadOf(stream.ToArray()));
    }

    /// <summary>The same head over other bytes.</summary>
    public DedupSnapshot With(byte[] payload) => new(_head, payload);

    public byte[] ToFile()
    {
        using MemoryStream stream = new();
        SnapshotWriter writer = new(stream, _head);
        writer.Begin(SnapshotSection.Ids);
        writer.Write<byte>(Payload);
        writer.Begin(SnapshotSection.Batch);
        writer.Write(7UL);
        writer.Finish(default);
        return stream.ToArray();
    }

    /// <summary>A whole snapshot's file, into a deduplicator; the section behind must begin where its own ends.</summary>
    public static void Load(Deduplicator dedup, byte[] file)
    {
        using MemoryStream stream = new(file);
        SnapshotReader reader = new(stream, "test");
        reader.Begin(SnapshotSection.Ids);
        dedup.Load(reader);
        reader.Begin(SnapshotSection.Batch);
        reader.Expect(reader.Read<ulong>() == 7, "it was read too far or not far enough");
        _ = reader.Finish();
    }

    public Contents Read()
    {
        Fields fields = new(Payload);
        Contents contents = new()
        {
            Sum = fields.Take<StateSum>(),
            UuidV7FloorNs = fields.Take<ulong>(),
            OtherHourFirst = fields.Take<ulong>(),
        };
        foreach (Dictionary<ulong, (StateSum, ulong)> hours in (Dictionary<ulong, (StateSum, ulong)>[])[contents.UuidV7Hours, contents.OtherHours])
            for (ulong left = fields.Take<ulong>(); left > 0; left--)
                hours.Add(fields.Take<ulong>(), (fields.Take<StateSum>(), fields.Take<ulong>()));

        for (ulong left = fields.Take<ulong>(); left > 0; left--)
        {
            (ulong name, ulong lowest, ushort participant, ushort ahead, uint runs) =
                (fields.Take<ulong>(), fields.Take<ulong>(), fields.Take<ushort>(), fields.Take<ushort>(), fields.Take<uint>());
            for (; runs > 0; runs--)
            {
                (int first, int count) = (fields.Take<int>() * 64, fields.Take<int>() * 64);
                ulong[] bits = [.. Enumerable.Range(0, count / 64).Select(_ => ahead != 0 ? fields.Take<ulong>() : 0)];
                uint[] fingerprints = [.. Enumerable.Range(0, count).Select(_ => fields.Take<uint>())];
                for (int i = 0; i < count; i++)
                {
                    Verdict verdict = fields.Take<Verdict>();
                    if (verdict == Verdict.Undecided) continue;
                    bool isAhead = (bits[i / 64] >> (i % 64) & 1) != 0;

                    // The number that has the cell: in the window above the lowest missing one, or in the window below.
                    ulong number = lowest + (((ulong)(first + i) - lowest) & 65_535) - (isAhead ? 0 : 65_536UL);
                    contents.Numbers.Add((participant, name, number), (fingerprints[i], verdict));
                }
            }
        }

        contents.SeedChanges = fields.Take<ulong>();
        for (ulong count; (count = fields.Take<ulong>()) != 0;)
            for (; count > 0; count--) contents.Ids.Add(fields.Take<IdEntry>());
        Assert.That(fields.Left, Is.Zero, "bytes behind the ids");
        return contents;
    }

    private static byte[] PayloadOf(byte[] file)
    {
        // Head, then chunks of | bytes 4 | CRC 4 | section 2 | 0 2 | index 4 | data.
        List<byte> payload = [];
        for (int at = SnapshotHead.Size; at < file.Length;)
        {
            int bytes = BitConverter.ToInt32(file, at);
            if (BitConverter.ToUInt16(file, at + 8) == (ushort)SnapshotSection.Ids) payload.AddRange(file.AsSpan(at + 16, bytes));
            at += 16 + bytes;
        }

        return [.. payload];
    }

    public sealed class Contents
    {
        public StateSum Sum { get; init; }

        public ulong UuidV7FloorNs { get; init; }

        public ulong OtherHourFirst { get; init; }

        public Dictionary<ulong, (StateSum Sum, ulong FirstSequence)> UuidV7Hours { get; } = [];

        public Dictionary<ulong, (StateSum Sum, ulong FirstSequence)> OtherHours { get; } = [];

        public Dictionary<(ushort Participant, ulong Name, ulong Number), (uint Fingerprint, Verdict Verdict)> Numbers { get; } = [];

        public ulong SeedChanges { get; set; }

        public List<IdEntry> Ids { get; } = [];

        public IEnumerable<(ulong, ulong, ulong, uint, ushort, Verdict)> IdsInOrder() =>
            from id in Ids
            let decision = id.Decision
            orderby decision.Sequence
            select (decision.Sequence, id.IdHigh, id.IdLow, decision.Fingerprint, decision.Participant, decision.Verdict);
    }

    private sealed class Fields(byte[] bytes)
    {
        private int _at;

        public int Left => bytes.Length - _at;

        public T Take<T>()
            where T : unmanaged
        {
            int size = System.Runtime.CompilerServices.Unsafe.SizeOf<T>();
            T value = MemoryMarshal.Read<T>(bytes.AsSpan(_at, size));
            _at += size;
            return value;
        }
    }
}
