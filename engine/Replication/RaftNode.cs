using System.Diagnostics.CodeAnalysis;
using System.Net;
using DotNext.Net.Cluster.Consensus.Raft;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Replication;

/// <summary>
/// This node's part in the consensus: the library's cluster on TCP with TLS and pinned keys, over a <see cref="ReplicaLog"/>; who leads, who belongs to it, and how far each has come.
/// </summary>
/// <remarks>
/// Invariants: <see cref="LeadershipGained"/> and <see cref="LeadershipLost"/> alternate and are raised by one task, in order. Gained means: this node's Term block is committed, so every block that any leader before it
/// acknowledged is committed here. <see cref="IsLeader"/> turns false before Lost is raised. Between the two a pipeline may append, once <see cref="TryBeginLeading"/> said yes; a new leader's blocks wait until <see cref="EndLeading"/>.
/// Failure assumed: other nodes are slow, down, cut off, or not who they should be; they are not malicious. A failed disk ends the node (the log says so); it then answers nobody.
/// Handlers of events run on pool threads; they may take their time, but the next event waits for them.
/// </remarks>
public sealed partial class RaftNode : IAsyncDisposable
{
    /// <summary>Connections that wait to be taken: the library's ten are soon filled by anybody who can reach the port.</summary>
    private const int ConnectionsWaitingMax = 512;

    private readonly RaftNodeOptions _options;
    private readonly ReplicaLog _log;
    private readonly NodeIdentity _identity;
    private readonly MembersFile _members;
    private readonly PinnedEndPoint _local;
    private readonly PeerTrust _trust;
    private readonly RaftLog _raft;
    private readonly SettlementCluster _cluster;
    private readonly CancellationTokenSource _stopping = new();
    private readonly LagSamples _samples = new();
    private Task _leading = Task.CompletedTask;
    private int _disposed;

    // written by: the task of _leading, and the library's when it ends a term
    private volatile bool _isLeader;
    private long _elections;
    private ulong _leaderTerm;

    // written by: the library's, when the leader speaks
    private volatile PinnedEndPoint? _leader;
    private volatile bool _leads; // or begins to

    /// <exception cref="ClusterException">The node's files are missing, damaged, or of another ledger than the log.</exception>
    public RaftNode(RaftNodeOptions options, ReplicaLog log)
    {
        options.Check();
        (_options, _log) = (options, log);
        _identity = NodeIdentity.Load(options.Directory);
        if (_identity.LedgerId != log.LedgerId)
        {
            UInt128 named = _identity.LedgerId;
            _identity.Dispose();
            throw new ClusterException($"The node's identity in '{options.Directory}' is of ledger {named:x32}, the journal is of ledger {log.LedgerId:x32}: the folders of two ledgers are mixed up. Nothing was changed.");
        }

        _members = MembersFile.Open(options.Directory);
        _local = _members.Members.WithPin(_identity.Pin) ?? new(options.Address.Address, options.Address.Port, _identity.Pin, options.Clients);
        if (_members.Members.At(_local) is { } other && other.Pin != _identity.Pin)
            throw new ClusterException($"The list of members has {_local} with the key {other.Pin}, this node's key is {_identity.Pin}. If the node was made anew, remove it from the cluster and add it again.");
        _trust = new PeerTrust(_identity, () => _members.Members, Tell);
        _raft = new RaftLog(log, _members, Path.Combine(options.Directory, "raft"), _local, options.FormatVersion);
        RequireState();
        _cluster = new SettlementCluster(Configuration()) { AuditTrail = _raft };
        LibraryInside.Check();
        _cluster.LeaderChanged += (_, leader) => OnLeader(leader);
        _cluster.MemberAdded += (_, _) => SetPatience();
        _raft.Rejected += _cluster.Replicate;
        _raft.BlockRefused += refused => Tell($"A block of the leader was refused ({refused.Refusal}): {refused.Message}");
        _raft.Forgotten += (member, had, has) => Tell($"The node at {member} had block {had} on its disk, and its log ends with block {has} now: it lost what it had answered for, or was put back to an older copy. Remove it (`cluster remove`), and let it join again with an empty folder.");
        _raft.BlockDiffers += differs => Tell(differs.Message);
        _raft.Unreadable += (member, failed) => Tell($"What the node at {member} lacks cannot be read here: {failed.Message}");
        _raft.FormatRefused += member => Tell($"The node at {member} reads only earlier formats than this node writes. Upgrade it.");
        _raft.SeedNeeded += first => OnSeedNeeded(first);
        _members.Changed += OnMembers;
        log.Appended += OnAppended;
    }

    /// <summary>This node leads: its Term block is committed, and nothing told it otherwise yet.</summary>
    public bool IsLeader => _isLeader;

    public ulong Term => (ulong)((IPersistentState)_raft).Term;

    /// <summary>Elections that this node has seen the end of since it started.</summary>
    public long Elections => Interlocked.Read(ref _elections);

    /// <summary>Whom this node follows, or itself; null: nobody that it knows of.</summary>
    public PinnedEndPoint? Leader => _leader;

    public PinnedEndPoint Local => _members.Members.WithPin(_identity.Pin) ?? _local;

    public Digest Pin => _identity.Pin;

    /// <summary>Voters and learners.</summary>
    public MemberList MemberList => _members.Members;

    /// <summary>Number of the block that stated them; 0: none did.</summary>
    public long MembersBlock => _members.Version;

    /// <summary>This node leads in this term. Blocks of earlier terms are committed.</summary>
    public event Action<ulong>? LeadershipGained;

    /// <summary>It does no longer, or may not: whatever it appended and is not committed may be replaced.</summary>
    public event Action? LeadershipLost;

    /// <summary>There is another leader; null: none is known. It is told as it is when the handler runs, so the last call tells the last.</summary>
    public event Action<PinnedEndPoint?>? LeaderChanged;

    /// <summary>The list of members has changed.</summary>
    public event Action<MemberList>? MembersChanged;

    /// <summary>This node lacks blocks that the leader has cut away behind a snapshot. It must be stopped, seeded from the leader (whose first block this is) or another member, and started again; until then it goes on asking, twice a second.</summary>
    public event Action<PinnedEndPoint?, ulong>? SeedNeeded;

    /// <exception cref="ClusterException">The port is taken, or the list of members makes no sense for this node.</exception>
    public async Task StartAsync(CancellationToken token = default)
    {
        IPersistentState state = _raft;
        if (Term < _log.LastTerm)
            await state.UpdateTermAsync((long)_log.LastTerm, resetLastVote: true, token).ConfigureAwait(false);
        // Its list may be younger in its log than in its file. Found again when the library starts, it is as found here.
        await ((DotNext.IO.Log.IAuditTrail)_raft).InitializeAsync(token).ConfigureAwait(false);
        bool isAlone = _members.Members.Voters is [var only] && only.Pin == _identity.Pin;
        // The library makes a node that is alone a leader without an election; a term of its own tells its blocks from those of before.
        if (isAlone)
            await state.IncrementTermAsync(DotNext.Net.Cluster.ClusterMemberId.FromEndPoint(_local), token).ConfigureAwait(false);
        try
        {
            await _cluster.StartAsync(token).ConfigureAwait(false);
        }
        catch (System.Net.Sockets.SocketException refused)
        {
            throw new ClusterException($"The consensus port {_options.Listen ?? _options.Address} cannot be listened on ({refused.Message}). Stop who holds it, or name another one.", refused);
        }

        // Without an election the library appends no block of the term either, and what an earlier term left uncommitted is committed behind one only. It waits for that before it says that it leads.
        if (isAlone)
            await AppendAndWaitAsync(new EmptyLogEntry { Term = (long)Term }, token).ConfigureAwait(false);
        SetPatience();
        _leading = Task.Run(LeadAsync, CancellationToken.None);
    }

    /// <summary>
    /// Asked by who starts a pipeline for this term, before it appends anything. From a yes to <see cref="EndLeading"/> the tail of the log is the pipeline's: what the consensus must append itself (lists of members) goes through the delegate,
    /// which returns the block's number once it is appended, and whatever a new leader sends waits.
    /// </summary>
    /// <returns>False: the term is over. Nothing may be appended.</returns>
    public bool TryBeginLeading(ulong term, Func<BlockKind, byte[], CancellationToken, ValueTask<ulong>> appender) => _isLeader && _raft.TryBeginLeading(term, appender);

    /// <summary>The pipeline's stages are stopped: nothing more is appended.</summary>
    public void EndLeading() => _raft.EndLeading();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _log.Appended -= OnAppended;
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _cluster.StopAsync().ConfigureAwait(false);
        await _leading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _cluster.DisposeAsync().ConfigureAwait(false);
        await _raft.DisposeAsync().ConfigureAwait(false);
        _members.Dispose();
        _identity.Dispose();
        _changing.Dispose();
        _stopping.Dispose();
    }

    /// <summary>A voter whose term and vote are gone might vote twice in one term, and two leaders of one term would replace what was acknowledged. One that joins has blocks with terms and is no voter yet.</summary>
    private void RequireState()
    {
        if (Term > 0 || _log.LastTerm == 0 || _members.Members.Voters.Count < 2 || _members.Members.WithPin(_identity.Pin) is not { IsLearner: false })
            return;
        throw new ClusterException(
            $"This node votes in its cluster, and its term and vote, which stand in '{Path.Combine(_options.Directory, "raft")}', are gone: it might vote twice. Remove it at another node (`cluster remove`), move its folder away, and join again with an empty one.");
    }

    private RaftCluster.TcpConfiguration Configuration() => new(_options.Listen ?? new IPEndPoint(_local.Address, _local.Port))
    {
        PublicEndPoint = _local,
        ConfigurationStorage = _members,
        ColdStart = false,
        LowerElectionTimeout = _options.ElectionMs,
        UpperElectionTimeout = 2 * _options.ElectionMs,
        HeartbeatThreshold = 0.5,
        RequestTimeout = TimeSpan.FromMilliseconds(_options.RequestMs),
        ConnectTimeout = TimeSpan.FromMilliseconds(_options.ConnectMs),
        GracefulShutdownTimeout = TimeSpan.FromMilliseconds(200),
        WarmupRounds = WarmupRounds,
        ServerBacklog = ConnectionsWaitingMax,
        TransmissionBlockSize = ushort.MaxValue,
        SslOptions = _trust.Options,
        LoggerFactory = _options.LibraryLog,
    };

    /// <summary>From one leadership to the next.</summary>
    private async Task LeadAsync()
    {
        string told = "";
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                CancellationToken over = await _cluster.WaitForLeadershipAsync(_stopping.Token).ConfigureAwait(false);
                await LeadAsync(over).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // Of this node's stop, or of a leadership that ended before its block was committed.
            }
            catch (Exception failed) when (!_stopping.IsCancellationRequested)
            {
                if (failed.Message != told)
                    Tell($"The consensus failed on this node: {told = failed.Message}");
                await Task.Delay(_options.ElectionMs).ConfigureAwait(false);
            }
        }
    }

    private async Task LeadAsync(CancellationToken over)
    {
        ulong term = _raft.OwnTerm;
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _isLeader = true;
        using CancellationTokenRegistration registration = over.UnsafeRegister(
            _ =>
            {
                _isLeader = false;
                ended.TrySetResult();
            },
            null);
        if (!_isLeader)
            return;
        Tell($"This node leads in term {term}.");
        LeadershipGained?.Invoke(term);
        await ended.Task.ConfigureAwait(false);
        Tell($"This node no longer leads; its term was {term}.");
        LeadershipLost?.Invoke();
    }

    private void OnLeader(RaftClusterMember? leader)
    {
        PinnedEndPoint? now = leader is null ? null : _members.Members.At(leader.EndPoint);
        _leader = now;
        _leads = leader is { IsRemote: false };
        SetPatience(); // before the library's first request as a leader: it tells who leads before it leads
        if (now is not null)
        {
            ulong term = Term;
            if (Interlocked.Exchange(ref _leaderTerm, term) != term)
            {
                Interlocked.Increment(ref _elections);
                // The library calls this within its lock, which coming forward takes.
                if (_standsBack)
                    _ = Task.Run(ComeForwardAsync, CancellationToken.None);
            }
        }

        ThreadPool.UnsafeQueueUserWorkItem(static node => node.LeaderChanged?.Invoke(node._leader), this, preferLocal: false);
    }

    /// <summary>
    /// A leader's request carries up to 8 MiB of blocks and comes back when they are flushed. All others are of elections, which the library counts when everyone has answered or failed to: a
    /// process that stands still keeps its connections and answers nothing, so that nobody would ever be elected beside it if its silence were not cut short of an election's time.
    /// </summary>
    private void SetPatience()
    {
        TimeSpan patience = TimeSpan.FromMilliseconds(_leads ? _options.RequestMs : Math.Max(_options.ElectionMs * 2 / 3, 1));
        foreach (RaftClusterMember member in _cluster.Members)
            LibraryInside.SetPatience(member, patience);
    }

    private void OnAppended()
    {
        _samples.Add(_log.LastBlock, _log.EndAddress);
        _cluster.Replicate();
    }

    private void OnSeedNeeded(ulong first)
    {
        Tell($"This node needs a seed: its log ends with block {_log.LastBlock}, and the leader {_leader} has nothing before block {first}.");
        SeedNeeded?.Invoke(_leader, first);
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "what is told must not stop the consensus")]
    private void Tell(string sentence)
    {
        try
        {
            _options.Tell?.Invoke(sentence);
        }
        catch (Exception)
        {
            // Whoever is told has failed; the consensus goes on.
        }
    }
}
