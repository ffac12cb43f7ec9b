using System.Diagnostics;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Replication;
using Settlement.Engine.Reply;
using Settlement.Engine.Ring;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf roles`: one member's own part of a takeover, without the network: how fast it applies what is committed, how long from being told to lead to its first verdict, and how
/// long until it has stepped down in full flight. A quorum of one commits what is on disk.
/// </summary>
internal sealed class RolesLoad : IReplyPublisher, IBatchPublisher, IDisposable
{
    private const int Changes = 9;
    private const int ClaimSlots = 1_024;

    private readonly string _folder = Directory.CreateTempSubdirectory("settlement-roles-").FullName;
    private readonly string _journal;
    private readonly long _payments;
    private readonly Payment[] _some;
    private readonly ManualResetEventSlim _told = new();
    private ulong _number;
    private ulong _sequence;
    private Digest _stateHash;

    private RolesLoad(int wallets, int payments)
    {
        _journal = Path.Combine(_folder, "journal");
        using var node = new LoadNode(_journal, wallets);
        _some = node.NewPayments(Math.Min(payments, 1 << 20));
        for (int done = 0; done < payments; done += _some.Length)
        {
            node.Number(_some);
            node.Submit(_some);
        }

        node.Node.Pipeline.Drain();
        node.Verify();
        _number = (ulong)payments + 1;
        _payments = payments + wallets; // openings are payments
        _sequence = node.Node.State.Sequence;
        _stateHash = node.Node.State.Batch.StateHashNow();
    }

    public static int Run(LoadOptions options)
    {
        int wallets = options.Small ? 4_000 : 1_000_000;
        int payments = options.Small ? 32_768 : 8 << 20;
        using var load = new RolesLoad(wallets, payments);
        Runs follow = Runs.Of(options.Runs, load.Follow);
        (Spread lead, Spread stepDown) = load.ChangeRoles();
        FigurePrinter.Print(new Figure("roles", $"payments that a follower applies from its log, {wallets:N0} wallets: read, CRC, all of Settle, trees, seals compared, on one thread", follow)
            .With("lead_ms", lead.Median, "from being told to lead, with everything applied, to the first verdict")
            .With("lead_ms_max", lead.Max)
            .With("step_down_ms", stepDown.Median, "in full flight: until nothing is appended and the state follows on")
            .With("step_down_ms_max", stepDown.Max),
            options.Json, options.Output);
        return 0;
    }

    public void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ulong> tags, ulong firstSequence) => _told.Set();

    public void OnClosed(ClosedBatch batch)
    {
        // Sealed in the journal; nobody listens here.
    }

    public void Dispose()
    {
        _told.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private Run Follow()
    {
        var disk = new DiskSignals(WaitStrategyKind.Phased);
        using ReplicaLog log = ReplicaLog.Open(_journal, JournalOptions.Default, disk, out _);
        Replica? replica = null;
        try
        {
            Run run = Common.Run.Time(_payments, () =>
            {
                replica = Replica.Open(log, _journal, Options, disk);
                log.MarkCommitted(log.LastBlock);
                Wait(replica, _sequence);
            });
            var asked = new HashQuery();
            if (!replica!.TryAsk(asked) || asked.Wait() != (_sequence, _stateHash))
                throw new CheckFailedException("the follower's state is not the one that the node had");
            return run;
        }
        finally
        {
            replica?.Dispose();
        }
    }

    private (Spread Lead, Spread StepDown) ChangeRoles()
    {
        var disk = new DiskSignals(WaitStrategyKind.Phased);
        using ReplicaLog log = ReplicaLog.Open(_journal, JournalOptions.Default, disk, out _);
        using Replica replica = Replica.Open(log, _journal, Options, disk);
        using var ends = new CancellationTokenSource();
        var quorum = new Thread(() => CommitAll(log, ends.Token)) { Name = "quorum", IsBackground = true };
        quorum.Start();
        var leads = new List<double>();
        var steps = new List<double>();
        for (ulong term = log.LastTerm + 1; leads.Count < Changes; term++)
        {
            Wait(replica, _sequence);
            ulong barrier = log.AppendMark(BlockKind.Term, term, default);
            while (replica.AppliedBlock < barrier)
                Thread.Sleep(1);
            _told.Reset();
            long begun = Stopwatch.GetTimestamp();
            Pipeline pipeline = replica.Lead(term, this, this);
            Submit(pipeline, 1);
            _told.Wait();
            leads.Add(Common.Run.NsSince(begun) / 1e6);
            var producer = new Thread(() => Flood(pipeline));
            producer.Start();
            Thread.Sleep(300);
            begun = Stopwatch.GetTimestamp();
            replica.StepDown();
            steps.Add(Common.Run.NsSince(begun) / 1e6);
            producer.Join();
        }

        ends.Cancel();
        quorum.Join();
        if (replica.Failure is { } failure)
            throw new CheckFailedException($"the replica stopped: {failure.Message}");
        return (Spread.Of(leads), Spread.Of(steps));
    }

    private sealed class HashQuery : IStateQuery
    {
        private readonly TaskCompletionSource<(ulong, Digest)> _answer = new();

        public void Read(LedgerState state) => _answer.SetResult((state.Sequence, state.Batch.StateHashNow()));

        public void Abandon() => _answer.SetResult(default);

        public (ulong Sequence, Digest Hash) Wait() => _answer.Task.GetAwaiter().GetResult();
    }

    private static NodeOptions Options => new() { Pipeline = new PipelineOptions { Clock = BlockClock.Fixed(LoadLedger.TimeNs), RingSlots = 1 << 17 } };

    private static void Wait(Replica replica, ulong sequence)
    {
        if (!replica.WaitAppliedAsync(sequence, TimeSpan.FromMinutes(5)).GetAwaiter().GetResult())
            throw new CheckFailedException($"sequence {sequence} was not applied");
    }

    private static void CommitAll(ReplicaLog log, CancellationToken ends)
    {
        while (!ends.IsCancellationRequested)
        {
            if (log.FlushedBlock > log.CommittedBlock)
                log.MarkCommitted(log.FlushedBlock);
            else
                Thread.Yield();
        }
    }

    private void Flood(Pipeline pipeline)
    {
        try
        {
            while (true)
                Submit(pipeline, ClaimSlots);
        }
        catch (EngineStoppedException)
        {
            // It leads no more.
        }
    }

    private void Submit(Pipeline pipeline, int count)
    {
        Span<Payment> payments = _some.AsSpan(0, count);
        LoadLedger.Number(payments, _number, uuidV7: false);
        _number += (ulong)count;
        long first = pipeline.Claim(count);
        for (int done = 0; done < count;)
        {
            Span<Payment> ring = pipeline.Slots(first + done, count - done, out _);
            payments.Slice(done, ring.Length).CopyTo(ring);
            done += ring.Length;
        }

        pipeline.Publish(first, count);
    }
}
