using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;
using Settlement.Client.Wire;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;
using Settlement.Gateway.Http;
using Settlement.Gateway.Init;
using Settlement.Gateway.Serve;
using Settlement.Gateway.Serve.Roles;
using Settlement.Gateway.Settle;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Cluster;

/// <summary>A node of a cluster in one process: its log, the replica on it, its part in the consensus, and the port by which others fetch what it has.</summary>
/// <remarks>
/// Order of a start: folder, log, replica (follows what it knows to be committed), clients' ports, consensus, bulk port. Of an end: the reverse.
/// A leadership: the consensus says so, the replica starts the stages, first commands are decided, clients are let in; it ends as soon as the consensus says so.
/// </remarks>
internal sealed partial class ClusterNode : IClusterDesk, IAsyncDisposable
{
    /// <summary>How often a wait for the stages looks whether the term is still this node's.</summary>
    private const int TermLookMs = 20;

    private readonly ServeOptions _options;
    private readonly ClusterFolder _folder;
    private readonly ClusterNote _note;
    private readonly ReplicaLog _log;
    private readonly Replica _replica;
    private readonly NodeIdentity _identity;
    private readonly RaftNode? _raft; // null: a learner
    private readonly MembersFile? _learned; // of a learner
    private readonly Action<string> _tell;
    private readonly CancellationTokenSource _stopping = new();
    private volatile PinnedEndPoint? _successor; // who was named in a handover, until somebody leads
    private readonly TaskCompletionSource _seedNeeded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ServerServices? _services;
    private HttpBoards? _boards;
    private BulkPort? _bulk;
    private Task _settingUp = Task.CompletedTask; // written by: the consensus' events
    private Task _announcing = Task.CompletedTask;

    private ClusterNode(ServeOptions options, ClusterFolder folder, ClusterNote note, ReplicaLog log, Replica replica, ReplicaEngine engine, Action<string> tell)
    {
        (_options, _folder, _note, _log, _replica, Engine, _tell) = (options, folder, note, log, replica, engine, tell);
        _identity = NodeIdentity.Load(folder.Path);
        if (note.Learner)
        {
            _learned = MembersFile.Open(folder.Path);
            _learned.Changed += NoteMembers;
        }
        else
        {
            _raft = new RaftNode(RaftOptions(options, folder, note, tell), log);
            _raft.LeadershipGained += OnGained;
            _raft.LeadershipLost += OnLost;
            _raft.MembersChanged += NoteMembers;
            _raft.SeedNeeded += (_, _) => _seedNeeded.TrySetResult();
        }

        NoteMembers(MembersNow);
        Audit = StartAudit();
        engine.LeaderKnown = LeaderKnown;
        engine.IsLed = () => _raft is not null ? _raft.Leader is not null : IsFed;
    }

    public ReplicaEngine Engine { get; }

    /// <summary>What opening the journal found.</summary>
    public RecoveryReport? Recovery { get; private init; }

    /// <summary>Completes when the others have nothing any more from which this node could go on: it is to be stopped, seeded (<see cref="SeedFetch"/>) and started again.</summary>
    public Task SeedNeeded => _seedNeeded.Task;

    public ulong Term => _raft?.Term ?? _log.LastTerm;

    public long Elections => _raft?.Elections ?? 0;

    /// <summary>How long this node's own blocks took until they were committed.</summary>
    public CommitFigures Commits => _log.Commits;

    /// <summary>This node's own key as the others know it.</summary>
    public string Pin => _identity.Pin.ToString();

    public IReadOnlyCollection<MemberStatus> Members => _raft?.Members ?? [.. _learned!.Members.All.Select(member => new MemberStatus(
        member, member.Pin == _identity.Pin, IsLeader: false, IsAvailable: member.Pin == _identity.Pin, member.Pin == _identity.Pin ? _log.FlushedBlock : null, null, null, null))];

    /// <exception cref="UsageException">The folder is not what a node needs.</exception>
    /// <exception cref="ClusterException">The node's files are missing, damaged, or of another ledger.</exception>
    /// <exception cref="JournalException">The journal cannot be opened.</exception>
    public static ClusterNode Open(ServeOptions options, NodeOptions node, EgressPublisher egress, IBatchPublisher batches, Action<string> tell)
    {
        var folder = new ClusterFolder(options.Data!);
        ClusterNote note = folder.ReadNote();
        if (folder.ReadRemoval() is { } removal)
            throw new UsageException($"'{options.Data}' is not served any more. {removal}");
        if (!FasterJournal.Exists(options.JournalFolder))
            throw new UsageException($"'{options.Data}' is a node's of ledger {note.Ledger}, and its journal is gone. Move the folder away, `cluster remove` the node at another one, and join again with an empty folder.");
        var disk = new DiskSignals(node.Pipeline.WaitStrategy);
        ReplicaLog log = OpenLog(options, node.Journal, disk, folder, note, tell, out RecoveryReport report);
        Replica? replica = null;
        try
        {
            string ledger = log.LedgerId.ToString("x32", CultureInfo.InvariantCulture);
            if (ledger != note.Ledger)
                throw new UsageException($"'{folder.NotePath}' is of ledger {note.Ledger}, the journal beside it of ledger {ledger}: the folders of two ledgers are mixed up. Nothing was changed.");
            CheckMayRun(folder, log);
            replica = Replica.Open(log, options.JournalFolder, node, disk);
            var engine = new ReplicaEngine(replica, log, disk.Figures, egress, batches, options.RingSlots, options.Cluster.LagBlocksMax);
            return new ClusterNode(options, folder, note, log, replica, engine, tell) { Recovery = report };
        }
        catch
        {
            replica?.Dispose();
            log.Dispose();
            throw;
        }
    }

    /// <summary>Takes part in the cluster. When the ports of clients are open.</summary>
    /// <exception cref="ClusterException">A port is taken, or the list of members makes no sense for this node.</exception>
    public async Task StartAsync(ServerServices services, HttpBoards boards)
    {
        (_services, _boards) = (services, boards);
        IPEndPoint bulk = EndPointOf(_note.Bulk);
        try
        {
            _bulk = await BulkPort.StartAsync(bulk, _identity.Certificate, this, _tell).ConfigureAwait(false);
        }
        catch (Exception taken) when (taken is IOException or System.Net.Sockets.SocketException)
        {
            throw new ClusterException($"The bulk port {bulk} cannot be listened on ({taken.Message.TrimEnd('.')}). Stop who holds it; or, if that is no address of this machine any more, remove the node and join with another.", taken);
        }

        TellWrongPorts();
        await AskWhetherMemberAsync().ConfigureAwait(false);
        if (_raft is not null && Removal is null)
            await _raft.StartAsync(_stopping.Token).ConfigureAwait(false);
        _watching = Task.Run(WatchAsync, CancellationToken.None);
        _announcing = Task.Run(_raft is null ? FeedAsync : AnnounceAsync, CancellationToken.None);
    }

    /// <summary>The leadership's clients are sent to another node that takes over, where there is one: for an orderly end. The others may be ending, too: it is tried for a bounded time.</summary>
    public async Task HandOverAsync(CancellationToken until)
    {
        if (_raft is not { IsLeader: true } || !Members.Any(member => !member.IsLocal && member.IsAvailable && !member.Member.IsLearner))
            return;
        try
        {
            using var bounded = CancellationTokenSource.CreateLinkedTokenSource(until);
            bounded.CancelAfter(_options.Cluster.TransferMsMax);
            await TransferAsync(null, bounded.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _tell("The leadership could not be handed over before the end: too few of the others answer.");
        }
        catch (ClusterException failed)
        {
            _tell($"The leadership could not be handed over before the end: {failed.Message}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _announcing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Audit.Dispose();
        if (_bulk is not null)
            await _bulk.DisposeAsync().ConfigureAwait(false);
        // Stages that wait for the others' disks end before the consensus does: it waits for whoever appends.
        Engine.StepDown();
        _raft?.EndLeading();
        if (_raft is not null)
            await _raft.DisposeAsync().ConfigureAwait(false);
        await _settingUp.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _learned?.Dispose();
        NoteReached();
        _replica.Dispose();
        _log.Dispose();
        _identity.Dispose();
        _stopping.Dispose();
    }

    /// <exception cref="UsageException">It is none, or none at which another node could reach this one.</exception>
    public static IPEndPoint EndPointOf(string text) => TryParse(text, out IPEndPoint? address)
        ? address
        : throw new UsageException($"'{text}': an IP address and a port at which the other nodes reach this one are expected, such as 127.0.0.1:7720 or [fd00::1]:7720; no name, and not 0.0.0.0.");

    private static bool TryParse(string text, [NotNullWhen(true)] out IPEndPoint? address) =>
        IPEndPoint.TryParse(text, out address) && address.Port > 0 && !address.Address.Equals(IPAddress.Any) && !address.Address.Equals(IPAddress.IPv6Any)
        && !address.Address.IsIPv6Multicast && !address.Address.IsIPv4MappedToIPv6 && address.Address.GetAddressBytes() is not [>= 224, _, _, _]; // no group, no broadcast

    private static RaftNodeOptions RaftOptions(ServeOptions options, ClusterFolder folder, ClusterNote note, Action<string> tell) => new()
    {
        Directory = folder.Path,
        Address = EndPointOf(note.Raft),
        Clients = note.Clients.Split(' ', StringSplitOptions.RemoveEmptyEntries),
        ElectionMs = options.Cluster.ElectionMs,
        RequestMs = options.Cluster.RequestMs,
        ConnectMs = options.Cluster.ConnectMs,
        Tell = tell,
    };

    /// <summary>What the others tell clients of this node is in the list of members; a server that was given other ports since is not found there.</summary>
    private void TellWrongPorts()
    {
        string told = string.Join(' ', _note.Clients.Split(' ').Where(static one => !one.StartsWith(BulkName, StringComparison.Ordinal)));
        string here = ClusterFolder.ClientsOf(EndPointOf(_note.Raft).Address.ToString(), _options).ToString();
        if (told != here)
            _tell($"The other nodes tell clients that this one is at {told}, and it is at {here}: whoever is sent here by them does not find it. Start it with the ports and addresses that it was given; or remove it, and join with the new ones and an empty folder.");
    }

    private NodeAddresses LeaderKnown()
    {
        PinnedEndPoint? leader = _successor ?? (_raft is null ? _leaderTold : _raft.Leader);
        return leader is null || leader.Pin == _identity.Pin || !NodeAddresses.TryParse(string.Join(' ', leader.Clients.Where(one => !one.StartsWith(BulkName, StringComparison.Ordinal))), out NodeAddresses? addresses)
            ? NodeAddresses.None
            : addresses;
    }

    /// <summary>On a pool thread; the consensus' next event waits for it.</summary>
    private void OnGained(ulong term)
    {
        try
        {
            _successor = null;
            if (!_raft!.TryBeginLeading(term, (kind, body, _) => new ValueTask<ulong>(_replica.AppendMarkAsync(kind, term, body))))
                return;
            using var over = new CancellationTokenSource();
            using var look = new Timer(
                _ =>
                {
                    if (!_raft.IsLeader)
                        over.Cancel();
                },
                null, TermLookMs, TermLookMs);
            Leadership leading = Engine.Lead(term, over.Token);
            _settingUp = Task.Run(() => SetUpAsync(leading), CancellationToken.None);
        }
        catch (Exception lost) when (lost is OperationCanceledException or EngineStoppedException)
        {
            // The term was over before the stages ran, or a stage failed, which the server looks at by itself.
        }
        catch (Exception failed)
        {
            _tell($"This node was elected and cannot lead: {failed.Message}");
        }
    }

    private void OnLost()
    {
        try
        {
            Engine.StepDown();
        }
        catch (Exception failed)
        {
            _tell($"This node no longer leads, and could not step down in order: {failed}");
        }

        // Whatever failed, nothing of this leadership is appended any more, and the next leader's blocks wait for nobody.
        _log.EndLeading();
        _raft!.EndLeading();
        _settingUp.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
    }

    /// <summary>What is decided before clients come in: the operator's word about the time, a new ledger's settings, its operator's key.</summary>
    private async Task SetUpAsync(Leadership leading)
    {
        try
        {
            (LedgerSetUp setUp, bool hadKey) = await Engine.AskAsync(
                state =>
                {
                    _boards!.Reviews.Seed(state);
                    return (FirstCommands.SetUpOf(state, leading.Pipeline), OperatorKey.WasRegistered(state));
                },
                _stopping.Token).ConfigureAwait(false);
            FirstCommands.Send(setUp, leading.Pipeline);
            if (await OperatorKey.RegisterFirstAsync(hadKey, _options.KeysFolder, _services!.Ingress).ConfigureAwait(false) is { } made)
                _tell($"The operator's first session was given key {made}; its private half is {Path.Combine(_options.KeysFolder, OperatorKey.PrivateName)}. Whoever holds that file is the operator.");
            if (!leading.IsClosed)
                Engine.Open();
        }
        catch (Exception over) when (over is EngineStoppedException or Serve.Roles.NotLeadingException or OperationCanceledException)
        {
            // The leadership ended meanwhile.
        }
        catch (Exception failed)
        {
            _tell($"This node leads and cannot take payments: {failed.Message}");
        }
    }
}
