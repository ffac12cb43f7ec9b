using System.Runtime.InteropServices;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Dedup.Spill;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Snapshots;
using Settlement.History;
using Settlement.Replay.Verify;

namespace Settlement.Perf.Chaos;

/// <summary>A payment of a journal, and what was decided about it there.</summary>
/// <param name="Sequence">Its place in the ledger.</param>
internal readonly record struct Decided(PaymentKey Key, ulong Sequence, Verdict Verdict, Payment Payment);

/// <summary>One block of a journal.</summary>
/// <param name="Previous">SHA-256 of the block before it: two journals that agree here agree in all that stands before.</param>
/// <param name="Crc">Over header and body: of the last block, too, which no later one names.</param>
/// <param name="LastSequence">Behind which the ledger is when it is applied.</param>
/// <param name="Decided">Its payments; of commands nothing is told.</param>
/// <param name="Closed">Batches that it closed, with roots and state hashes computed again.</param>
internal sealed record BlockFacts(ulong Number, ulong Term, Digest Previous, uint Crc, ulong LastSequence, IReadOnlyList<Decided> Decided, IReadOnlyList<ClosedBatch> Closed);

/// <summary>What a node's journal says, block by block.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="BegunBehind">The sequence of the snapshot with which the journal begins; 0: it is there from the beginning.</param>
/// <param name="Fault">What `replay verify` has against it; null: nothing.</param>
/// <param name="Blocks">In order; read once.</param>
internal sealed record JournalFacts(string Node, ulong BegunBehind, string? Fault, IEnumerable<BlockFacts> Blocks)
{
    /// <summary>Verifies a journal as `replay verify` does, and reads it by applying it again: its own order, its own verdicts.</summary>
    public static JournalFacts Of(string node, string directory)
    {
        VerifyReport report;
        try
        {
            report = VerifyRun.Over(directory);
        }
        catch (JournalException unreadable)
        {
            return new JournalFacts(node, 0, unreadable.Message, []);
        }

        string? fault = report.IsSound ? null
            : report.Snapshots.FirstOrDefault(snapshot => snapshot.Fault is not null)?.Fault ?? $"block {report.End.Block} at {report.End.File}, offset {report.End.Offset}: {report.End.What}";
        ulong begunBehind = report.BegunBehind is null ? 0 : new SnapshotStore(directory).Usable(_ => { }).MinBy(one => one.Head.Block).Head.Sequence;
        return new JournalFacts(node, begunBehind, fault, Read(directory));
    }

    private static IEnumerable<BlockFacts> Read(string directory)
    {
        using var scratch = new ScratchFolder();
        using var ids = new FasterIdStore(scratch.Path);
        var closed = new List<ClosedBatch>();
        BlockReplay NewReplay() => new(genesis => new Deduplicator(in genesis, Deduplicator.IdMemoryBytesDefault, ids)) { Closed = closed.Add };
        BlockReplay? begun = null;
        SnapshotHead head = default;
        if (Journals.IsCut(directory))
            begun = new SnapshotStore(directory).LoadOldest(Journals.LedgerIdOf(directory), NewReplay, out head);
        using BlockReplay replay = begun ?? NewReplay();
        using JournalReader reader = begun is null ? Journals.Open(directory) : JournalReader.OpenBehind(directory, in head);
        while (reader.Next())
            yield return Apply(replay, reader, closed);
    }

    private static BlockFacts Apply(BlockReplay replay, JournalReader reader, List<ClosedBatch> closed)
    {
        ref readonly BlockHeader header = ref reader.Header;
        replay.Apply(in header, reader.Body);
        Decided[] decided = [];
        if (header.Kind == BlockKind.Payments)
        {
            ReadOnlySpan<Payment> slots = MemoryMarshal.Cast<byte, Payment>(reader.Body)[..(int)header.Count];
            decided = new Decided[slots.Length];
            for (int i = 0; i < slots.Length; i++)
            {
                ushort participant = replay.State.Sessions.At(slots[i].Session).Participant;
                decided[i] = new Decided(PaymentKey.Of(participant, in slots[i]), header.FirstSequence + (ulong)i, replay.Outcomes[i].Verdict, slots[i]);
            }
        }

        ClosedBatch[] batches = [.. closed];
        closed.Clear();
        return new BlockFacts(header.Number, header.Term, header.Previous, header.Crc, header.FirstSequence + header.Count - 1, decided, batches);
    }
}
