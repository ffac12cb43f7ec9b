using System.Runtime.InteropServices;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Tests.Dedup;
using Settlement.Tests.Live;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replication;

/// <summary>What members of a cluster have in the end, and what a node that was always alone makes of the same journal.</summary>
internal static class ClusterHistory
{
    /// <summary>Asks a replica between two blocks.</summary>
    private sealed class HashQuery : IStateQuery
    {
        private readonly ManualResetEventSlim _done = new();

        public (ulong Sequence, Digest Hash)? Answer { get; private set; }

        public void Read(LedgerState state)
        {
            Answer = (state.Sequence, state.Batch.StateHashNow());
            _done.Set();
        }

        public void Abandon() => _done.Set();

        public void Wait()
        {
            if (!_done.Wait(20_000))
                throw new TimeoutException("nobody answered");
            _done.Dispose();
        }
    }

    public static (ulong Sequence, Digest Hash) HashOf(SmallMember member)
    {
        var query = new HashQuery();
        Assert.That(member.Replica.TryAsk(query));
        query.Wait();
        return query.Answer ?? throw new InvalidOperationException($"member {member.Index} has stopped", member.Replica.Failure);
    }

    /// <summary>All reachable members come to the same block, and then have the same state. Nobody may submit meanwhile.</summary>
    public static (ulong Sequence, Digest Hash) ExpectSameStates(SmallCluster cluster, ClusterClient client)
    {
        while (true)
        {
            client.Drain();
            ulong block = cluster.Settle();
            SmallMember[] reachable = [.. cluster.Members.Where(member => member.IsReachable)];
            (ulong, Digest)[] hashes = [.. reachable.Select(HashOf)];
            // A leader that has nothing to do may journal a tick at any time.
            if (reachable.Any(member => member.Log.LastBlock != block || member.Replica.AppliedBlock != block))
                continue;
            Assert.That(hashes, Is.All.EqualTo(hashes[0]), $"behind block {block}");
            return hashes[0];
        }
    }

    public static List<(BlockHeader Header, byte[] Body)> BlocksOf(SmallMember member)
    {
        var blocks = new List<(BlockHeader, byte[])>();
        byte[] bytes = [];
        for (ulong number = member.Log.FirstBlock; number <= member.Log.LastBlock; number++)
        {
            int length = member.Log.Read(number, ref bytes);
            blocks.Add((MemoryMarshal.Read<BlockHeader>(bytes), bytes[BlockHeader.Size..length]));
        }

        return blocks;
    }

    /// <summary>
    /// The end: every member has the same blocks; a node that replays them comes to every member's state; seals stand there once each, in order; and what clients were told
    /// is what the replay, and the naive twin if there is one, decide.
    /// </summary>
    public static BlockReplay ExpectOneHistory(SmallCluster cluster, ClusterClient client, Genesis genesis, INaiveRules? rules = null, Engine.Governance.ILawCompiler? compiler = null)
    {
        (ulong Sequence, Digest Hash) state = ExpectSameStates(cluster, client);
        client.StepDown(cluster); // nothing more comes
        List<(BlockHeader Header, byte[] Body)> blocks = BlocksOf(cluster.Members[0]);
        foreach (SmallMember member in cluster.Members.Skip(1))
        {
            List<(BlockHeader Header, byte[] Body)> others = BlocksOf(member);
            Assert.That(others, Has.Count.EqualTo(blocks.Count));
            for (int i = 0; i < blocks.Count; i++)
                Assert.That(blocks[i].Header.Crc == others[i].Header.Crc && blocks[i].Body.AsSpan().SequenceEqual(others[i].Body), $"block {i} at member {member.Index}");
        }

        NaiveEngine? naive = rules is null ? null : new NaiveEngine(in genesis, rules);
        IReadOnlyDictionary<ulong, (Payment Slot, Outcome Outcome)> told = client.Told;
        var seals = new List<byte[]>();
        var closed = new List<ClosedBatch>();
        int toldSeen = 0;
        var replay = new BlockReplay(capacities => new Deduplicator(in capacities, Deduplicator.IdMemoryBytesMin, new MemoryIdStore())) { Closed = closed.Add, Compiler = compiler };
        foreach ((BlockHeader header, byte[] body) in blocks)
        {
            replay.Apply(in header, body);
            Payment[] slots = header.Kind.IsApplied() ? MemoryMarshal.Cast<byte, Payment>(body)[..(int)header.Count].ToArray() : [];
            Outcome[]? expected = naive?.Apply(in header, slots, header.Kind.IsApplied() ? body.AsSpan(slots.Length * Payment.Size) : default);
            if (header.Kind == BlockKind.Seal)
                seals.Add(body[..^(int)header.AttachmentBytes]);
            for (int i = 0; i < slots.Length; i++)
            {
                ulong sequence = header.FirstSequence + (ulong)i;
                if (expected is not null)
                    ExpectSame(expected[i], replay.Outcomes[i], $"the naive twin and the engine at sequence {sequence}, {slots[i].Instruction}");
                if (!told.TryGetValue(sequence, out (Payment Slot, Outcome Outcome) was))
                    continue;
                toldSeen++;
                Assert.That(MemoryMarshal.AsBytes(new ReadOnlySpan<Payment>(in was.Slot)).SequenceEqual(MemoryMarshal.AsBytes(slots.AsSpan(i, 1))), $"sequence {sequence} is another payment than was told");
                ExpectSame(replay.Outcomes[i], was.Outcome, $"what was told of sequence {sequence}, {slots[i].Instruction}");
            }
        }

        Assert.That(toldSeen, Is.EqualTo(told.Count), "what was told is in the journal");
        Assert.That(replay.Unsealed, Is.Empty);
        Assert.That(seals, Has.Count.EqualTo(closed.Count), "each batch is sealed once");
        for (int i = 0; i < seals.Count; i++)
            Assert.That(seals[i], Is.EqualTo(closed[i].Encode()), $"seal {i + 1}");
        Assert.That((replay.State.Sequence, replay.State.Batch.StateHashNow()), Is.EqualTo(state), "a node alone");
        foreach (SmallMember member in cluster.Members)
            ExpectBatches(member.Batches, closed, $"member {member.Index}");

        foreach (ClosedBatch batch in client.Published)
            Assert.That(batch.Encode(), Is.EqualTo(closed[(int)batch.Number - 1].Encode()), $"batch {batch.Number} as published");
        replay.State.VerifyConservation();
        return replay;
    }

    /// <summary>Each once, in order, up to the last; from wherever the member was opened.</summary>
    private static void ExpectBatches(IReadOnlyList<ClosedBatch> told, List<ClosedBatch> closed, string who)
    {
        for (int i = 0; i < told.Count; i++)
        {
            Assert.That(told[i].Number, Is.EqualTo(told[0].Number + (ulong)i), who);
            Assert.That(told[i].Encode(), Is.EqualTo(closed[(int)told[i].Number - 1].Encode()), who);
        }

        if (told.Count > 0)
            Assert.That(told[^1].Number, Is.EqualTo((ulong)closed.Count), who);
    }

    private static void ExpectSame(in Outcome expected, in Outcome actual, string what)
    {
        if ((expected.Verdict, expected.First, expected.Rule, expected.Batch, expected.Available) != (actual.Verdict, actual.First, actual.Rule, actual.Batch, actual.Available))
            Assert.Fail($"{what}: {expected.Verdict} (first {expected.First}, batch {expected.Batch}, {expected.Available}) and {actual.Verdict} (first {actual.First}, batch {actual.Batch}, {actual.Available})");
    }
}
