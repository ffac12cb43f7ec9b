using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Dedup.Spill;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Reply;
using Settlement.Engine.Snapshots;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf recovery`: how fast a node is back: from its journal alone, and from a snapshot; and what verifying costs on one thread. Files are in the page
/// cache, as after a restart of the process; after one of the machine, the disk's reading speed is the limit where it is lower.
/// </summary>
internal sealed class RecoveryLoad : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("settlement-recovery-").FullName;
    private readonly string _journal;
    private readonly long _payments;
    private readonly ulong _sequence;
    private Digest _stateHash;

    private RecoveryLoad(int wallets, int payments)
    {
        _journal = Path.Combine(_folder, "journal");
        using var node = new LoadNode(_journal, wallets);
        Payment[] some = node.NewPayments(Math.Min(payments, 1 << 20));
        for (int done = 0; done < payments; done += some.Length)
        {
            node.Number(some);
            node.Submit(some);
        }

        node.Node.Pipeline.Drain();
        node.Verify();
        _payments = payments + wallets; // openings are payments
        _sequence = node.Node.State.Sequence;
        _stateHash = node.Node.State.Batch.StateHashNow();
    }

    public static int Run(LoadOptions options)
    {
        int wallets = options.Small ? 4_000 : 1_000_000;
        int payments = options.Small ? 32_768 : 8 << 20;
        using var load = new RecoveryLoad(wallets, payments);
        Runs journal = Runs.Of(options.Runs, load.FromJournal);
        Runs verify = Runs.Of(options.Runs, load.VerifyOnOneThread);
        SnapshotTaken taken = null!;
        Runs taking = Runs.Of(options.Runs, () => Common.Run.Time(load._payments, () =>
        {
            if (Directory.Exists(new SnapshotStore(load._journal).Folder))
                Directory.Delete(new SnapshotStore(load._journal).Folder, recursive: true);
            taken = SnapshotTaking.Take(load._journal, new SnapshotOptions { WriteBytesPerSecondMax = 0 }, Warn)!;
        }));
        Runs snapshot = Runs.Of(options.Runs, load.FromSnapshot);
        FigurePrinter.Print(new Figure("recovery", $"payments from a closed journal to a node that takes the next one, {wallets:N0} wallets: lock, CRC, chain, all of Settle, trees, seals compared", journal)
            .With("verify_one_thread_per_second", verify.PerSecond.Median, "payments a second on one thread: CRC, chain, all of Settle, trees, roots and state hashes compared with every seal")
            .With("snapshot_load_seconds", Seconds(snapshot), "from a closed journal to a node that takes the next payment, with a snapshot at its end")
            .With("snapshot_take_seconds", Seconds(taking), "a second engine applies the whole journal and writes the snapshot, fsync and reading back included")
            .With("snapshot_megabytes", taken.Bytes / 1e6),
            options.Json, options.Output);
        return 0;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static double Seconds(Runs runs) => Spread.Of(runs.All.Select(run => run.ElapsedNs / 1e9)).Median;

    private static void Warn(string what) => throw new CheckFailedException(what);

    private Run FromJournal() => Open(snapshotExpected: false);

    private Run FromSnapshot() => Open(snapshotExpected: true);

    private Run Open(bool snapshotExpected)
    {
        Node? node = null;
        var listener = new Nobody();
        Run run = Common.Run.Time(_payments, () =>
            node = Node.Open(_journal, new NodeOptions { Pipeline = new PipelineOptions { Clock = BlockClock.Fixed(LoadLedger.TimeNs) }, Warn = Warn }, listener, listener));
        using (node)
        {
            if (node!.Recovery!.Snapshot is not null != snapshotExpected)
                throw new CheckFailedException(snapshotExpected ? "the snapshot was not used" : "a snapshot was used");
            Check(node.State.Sequence, node.State.Batch.StateHashNow());
        }

        return run;
    }

    private Run VerifyOnOneThread()
    {
        string ids = Path.Combine(_folder, "ids");
        using var store = new FasterIdStore(ids);
        using var replay = new BlockReplay(genesis => new Deduplicator(in genesis, Deduplicator.IdMemoryBytesDefault, store));
        using JournalReader reader = JournalReader.Open(_journal);
        Run run = Common.Run.TimeThread(_payments, () =>
        {
            while (reader.Next())
                replay.Apply(in reader.Header, reader.Body);
        });
        Check(replay.State.Sequence, replay.State.Batch.StateHashNow());
        return run;
    }

    private void Check(ulong sequence, Digest stateHash)
    {
        if (sequence != _sequence || stateHash != _stateHash)
            throw new CheckFailedException($"the state at sequence {sequence} is not the one that the node had at {_sequence}");
    }

    private sealed class Nobody : IReplyPublisher, IBatchPublisher
    {
        public void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ulong> tags, ulong firstSequence)
        {
            // nothing is submitted
        }

        public void OnClosed(ClosedBatch batch)
        {
            // nothing is closed
        }
    }
}
