using System.Runtime.InteropServices;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;
using Settlement.Engine.Snapshots;
using Settlement.Tests.Live;

namespace Settlement.Tests.Replication;

/// <summary>A clock that is ahead of, or behind, the one that a test moves.</summary>
internal sealed class SkewedClock(HandClock inner, long skewNs) : BlockClock
{
    public override ulong NowNs => (ulong)((long)inner.NowNs + skewNs);
}

/// <summary>One member: a log, a replica on it, and what the stand-in for consensus knows of it.</summary>
internal sealed class SmallMember(int index, string folder, BlockClock clock, NodeOptions options) : IDisposable
{
    private readonly List<ClosedBatch> _batches = []; // written by: whoever grows the trees

    public int Index { get; } = index;

    public string Folder { get; } = folder;

    public DiskSignals Disk { get; private set; } = null!;

    public ReplicaLog Log { get; private set; } = null!;

    public Replica Replica { get; private set; } = null!;

    /// <summary>The last term that it has heard of.</summary>
    public ulong Term { get; set; }

    /// <summary>The last block that is the leader's here, too; null: not asked yet in this term.</summary>
    public ulong? Match { get; set; }

    public bool IsReachable { get; set; } = true;

    /// <summary>What it told of closed batches since it was opened.</summary>
    public IReadOnlyList<ClosedBatch> Batches => _batches;

    public void Open()
    {
        Disk = new DiskSignals(WaitStrategyKind.Phased);
        Log = ReplicaLog.Open(Folder, JournalOptions.Small, Disk, out _);
        _batches.Clear();
        Replica = Replica.Open(Log, Folder, options with { Pipeline = options.Pipeline with { Clock = clock }, Recovered = _batches.Add }, Disk);
        Match = null;
    }

    public void Close()
    {
        Replica.Dispose();
        Log.Dispose();
    }

    public void Dispose() => Close();
}

/// <summary>
/// Some members and, in the place of the consensus library, the least that keeps its promises: terms rise; who leads has a log that is at least as new as those of
/// a quorum; a block is committed when a quorum has it on disk and one of the leader's own term is behind it or is it; a suffix that the leader does not have is cut.
/// Who is unreachable hears nothing and goes on believing what it believed.
/// </summary>
internal sealed class SmallCluster : IDisposable
{
    public const ulong LedgerId = 7;

    private readonly TemporaryFolder _place = new();
    private readonly Lock _gate = new();
    private readonly Thread _network;
    private readonly Random _chance;
    private Exception? _fault; // written by: the network's thread
    private bool _ends; // under the gate
    private byte[] _bytes = [];

    public SmallCluster(int members, Genesis genesis, Random chance, long skewNsMax = 0, ILawCompiler? compiler = null, SnapshotOptions? snapshots = null,
        Func<NodeKey, ISealSigner?>? signer = null, ulong ledgerId = LedgerId)
    {
        _chance = new Random(chance.Next());
        Clock = new HandClock(LiveLedger.StartNs);
        var options = new NodeOptions
        {
            Pipeline = new PipelineOptions { RingSlots = LiveLedger.RingSlots, Compiler = compiler }, IdMemoryBytes = Deduplicator.IdMemoryBytesMin,
            Snapshots = snapshots, Signer = signer,
        };
        Members = [.. Enumerable.Range(0, members).Select(index =>
        {
            string folder = _place.PathOf($"member{index}");
            FasterJournal.Create(folder, ledgerId, LiveLedger.StartNs, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis)), JournalOptions.Small).Dispose();
            return new SmallMember(index, folder, new SkewedClock(Clock, skewNsMax == 0 ? 0 : chance.NextInt64(-skewNsMax, skewNsMax)), options);
        })];
        foreach (SmallMember member in Members)
            member.Open();
        _network = new Thread(Run) { Name = "network", IsBackground = true };
        _network.Start();
    }

    public HandClock Clock { get; }

    public SmallMember[] Members { get; }

    /// <summary>The newest leader; there may be older ones that do not know of it.</summary>
    public SmallMember? Leader { get; private set; } // under the gate

    public ulong Term { get; private set; } // under the gate

    /// <summary>Blocks that members had and that a newer leader replaced.</summary>
    public long BlocksReplaced { get; private set; } // under the gate

    private int Quorum => (Members.Length / 2) + 1;

    /// <summary>A new leader among the reachable, who form a quorum: one whose log is at least as new as a quorum's. Its first block is replicated by and by.</summary>
    public (SmallMember Member, ulong Term) Elect(int? wanted = null)
    {
        lock (_gate)
        {
            ThrowIfFaulty();
            SmallMember[] reachable = [.. Members.Where(member => member.IsReachable)];
            if (reachable.Length < Quorum)
                throw new InvalidOperationException("there is no quorum");
            SmallMember[] electable = [.. reachable.Where(member => reachable.Count(other => IsAsNew(member, other)) >= Quorum)];
            SmallMember leader = electable.FirstOrDefault(member => member.Index == wanted) ?? electable[_chance.Next(electable.Length)];
            Term++;
            foreach (SmallMember member in reachable)
                Hear(member);
            Leader = leader;
            leader.Log.AppendMark(BlockKind.Term, Term, default);
            leader.Match = null;
            return (leader, Term);
        }
    }

    public void SetReachable(SmallMember member, bool isReachable)
    {
        lock (_gate)
            member.IsReachable = isReachable;
    }

    /// <summary>The process ends without a word and comes back.</summary>
    public void Restart(SmallMember member)
    {
        lock (_gate)
        {
            if (Leader == member)
                Leader = null;
            member.Close();
            member.Open();
        }
    }

    /// <summary>Waits until all reachable members have applied all that the leader has, and nothing more comes: nobody may submit meanwhile.</summary>
    public ulong Settle()
    {
        for (int calm = 0; ; Thread.Sleep(2))
        {
            lock (_gate)
            {
                ThrowIfFaulty();
                ulong last = Leader!.Log.LastBlock;
                bool isCalm = Members.Where(member => member.IsReachable).All(member => member.Log.LastBlock == last && member.Replica.AppliedBlock == last);
                calm = isCalm ? calm + 1 : 0;
                if (calm == 5)
                    return last;
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
            _ends = true;
        _network.Join();
        foreach (SmallMember member in Members)
            member.Dispose();
        _place.Dispose();
    }

    public void ThrowIfFaulty()
    {
        if (_fault is not null)
            throw new InvalidOperationException("the stand-in for consensus failed", _fault);
        foreach (SmallMember member in Members)
        {
            if (member.Replica.Failure is { } failure)
                throw new InvalidOperationException($"member {member.Index} stopped", failure);
        }
    }

    private static bool IsAsNew(SmallMember one, SmallMember other) =>
        one.Log.LastTerm != other.Log.LastTerm ? one.Log.LastTerm > other.Log.LastTerm : one.Log.LastBlock >= other.Log.LastBlock;

    /// <summary>The member learns of the newest term: whoever led steps down.</summary>
    private void Hear(SmallMember member)
    {
        if (member.Term == Term)
            return;
        member.Term = Term;
        member.Replica.StepDown();
        member.Match = null;
    }

    private void Run()
    {
        while (true)
        {
            lock (_gate)
            {
                if (_ends)
                    return;
                try
                {
                    Replicate();
                }
#pragma warning disable CA1031 // Told to whoever asks next.
                catch (Exception fault)
#pragma warning restore CA1031
                {
                    _fault = fault;
                    return;
                }
            }

            Thread.Sleep(_chance.Next(3));
        }
    }

    private void Replicate()
    {
        if (Leader is not { IsReachable: true } leader)
            return;
        ulong last = leader.Log.LastBlock;
        leader.Log.FlushAsync(last).AsTask().GetAwaiter().GetResult();
        foreach (SmallMember member in Members)
        {
            if (member == leader)
                member.Match = last;
            else if (member.IsReachable && _chance.Next(4) != 0)
                Copy(leader, member, last);
        }

        ulong[] matches = [.. Members.Where(member => member.IsReachable).Select(member => member.Match ?? 0).OrderDescending()];
        if (matches.Length >= Quorum && leader.Log.TermOf(matches[Quorum - 1]) == Term)
            leader.Log.MarkCommitted(matches[Quorum - 1]);
        foreach (SmallMember member in Members.Where(member => member.IsReachable && member.Match is not null && _chance.Next(3) != 0))
            member.Log.MarkCommitted(Math.Min(leader.Log.CommittedBlock, member.Match!.Value));
    }

    private void Copy(SmallMember leader, SmallMember member, ulong last)
    {
        Hear(member);
        if (member.Match is null)
        {
            ulong common = Math.Min(last, member.Log.LastBlock);
            while (leader.Log.TermOf(common) != member.Log.TermOf(common))
                common--;
            BlocksReplaced += (long)(member.Log.LastBlock - common);
            // Only committed blocks are applied, and no committed one is ever cut: so nothing that is replaced was applied.
            Assert.That(member.Replica.AppliedBlock, Is.LessThanOrEqualTo(common));
            member.Log.CutBehind(common);
            member.Match = common;
        }

        ulong next = member.Match.Value + 1;
        for (int count = _chance.Next(1, 64); next <= last && count > 0; next++, count--)
        {
            int length = leader.Log.Read(next, ref _bytes);
            member.Log.AppendReplicated(_bytes.AsSpan(0, length));
        }

        member.Log.FlushAsync(next - 1).AsTask().GetAwaiter().GetResult();
        member.Match = next - 1;
    }
}
