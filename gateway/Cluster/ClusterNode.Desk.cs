using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Settlement.Engine.Domain;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;
using Settlement.Engine.Snapshots;
using Settlement.Gateway.Init;
using Settlement.Gateway.Serve.Roles;

namespace Settlement.Gateway.Cluster;

/// <summary>What other nodes and the operator's verbs ask of this one, by the bulk port.</summary>
internal sealed partial class ClusterNode
{
    /// <summary>How a member's addresses name its bulk port; clients are not told it.</summary>
    public const string BulkName = "bulk=";

    private const int LetInMax = 64;

    private readonly Invitations _invitations = new(TimeProvider.System);
    private readonly ConcurrentDictionary<string, byte> _letIn = new(StringComparer.Ordinal);

    public StatusReport Status() => new()
    {
        Ledger = _note.Ledger,
        Pin = Pin,
        Role = _raft is null ? "learner" : _raft.IsLeader ? "leader" : _raft.Leader is not null ? "follower" : "no leader known",
        Term = Term,
        Elections = (ulong)Elections,
        FirstBlock = _log.FirstBlock,
        LastBlock = _log.LastBlock,
        CommittedBlock = _log.CommittedBlock,
        AppliedBlock = _replica.AppliedBlock,
        Sequence = _replica.AppliedSequence,
        IsReady = _services is { IsReady: true },
        AuditedUnixMs = Audit.Figures.LastPassUnixMs,
        DamagedBlocks = Audit.Figures.Found,
        RepairedBlocks = Audit.Figures.Repaired,
        Damage = Audit.Figures.Sentence,
        MembersBlock = (ulong)MembersBlock, // before the list, which may only be newer
        Members = [.. Members.Select(Report)],
    };

    public bool IsMember(string pin) => MembersNow.All.Any(member => member.Pin.ToString() == pin);

    public bool IsLetIn(string pin) => _letIn.ContainsKey(pin);

    public Invitation Invite() => _invitations.Make() is { } secret
        ? new Invitation(secret, Invitations.Minutes)
        : throw new ClusterException($"There are many invitations that nobody has used. Use them, or wait: each ends within {Invitations.Minutes} minutes.");

    public JoinAnswer Join(string pin, JoinRequest request)
    {
        IPEndPoint raft = TryParse(request.Raft, out IPEndPoint? address)
            ? address
            : throw new ClusterException($"'{request.Raft}' is no address that other nodes could reach: an IP address and a port are expected.");
        if (MembersNow.At(raft) is { } there && there.Pin.ToString() != pin)
            throw new ClusterException($"{raft} is the address of a member with another key. If that node was made anew, remove it first: `cluster remove {raft}`.");
        _ = MemberOf(new MemberRequest { Pin = pin, Raft = request.Raft, Clients = request.Clients, Learner = request.Learner });
        // A join that was cut off is begun again with the key that was let in.
        if (!IsLetIn(pin) && !IsMember(pin))
        {
            if (_letIn.Count >= LetInMax)
                throw new ClusterException("Many nodes were let in and are no members yet. Start them, or start this node again.");
            if (!_invitations.Take(request.Secret))
                throw new ClusterException("The secret is none that this node gave out: it was used already, its hour is over, the node was started again since, or it is mistyped. `cluster add` prints a new one.");
            _letIn.TryAdd(pin, 0);
        }

        _tell($"The node at {raft} with key {pin} was let in{(request.Learner ? " as a learner" : "")}. It becomes a member when it is started.");
        long listed = MembersBlock; // before the list: one that is stated meanwhile is then read again, which does no harm
        return new JoinAnswer { Ledger = _note.Ledger, SealKey = request.Learner ? null : SealKey(), Members = [.. Members.Select(Report)], MembersBlock = listed };
    }

    public async Task AddMemberAsync(MemberRequest member, CancellationToken cancel)
    {
        if (Leading() is not { } raft)
        {
            await AtLeaderAsync(leader => leader.AddMemberAsync(member, cancel)).ConfigureAwait(false);
            return;
        }

        PinnedEndPoint added = MemberOf(member);
        if (raft.MemberList.WithPin(added.Pin) is { } same && same.Equals(added) && same.IsLearner == added.IsLearner)
            return;
        await raft.AddMemberAsync(added, cancel).ConfigureAwait(false);
        _letIn.TryRemove(member.Pin, out _);
    }

    public async Task RemoveMemberAsync(string pin, CancellationToken cancel)
    {
        if (Leading() is not { } raft)
        {
            await AtLeaderAsync(leader => leader.RemoveMemberAsync(pin, cancel)).ConfigureAwait(false);
            return;
        }

        PinnedEndPoint member = raft.MemberList.All.FirstOrDefault(one => one.Pin.ToString() == pin) ?? throw new ClusterException($"There is no member with key {pin}: `cluster status` lists them.");
        await raft.RemoveMemberAsync(member, cancel).ConfigureAwait(false);
    }

    /// <summary>What is under way is answered, the role changes, clients are told where to go: nobody is refused a payment that he could not send again as it is.</summary>
    public async Task TransferAsync(string? to, CancellationToken cancel)
    {
        if (Leading() is not { } raft)
        {
            await AtLeaderAsync(leader => leader.TransferAsync(to, cancel)).ConfigureAwait(false);
            return;
        }

        PinnedEndPoint? target = null;
        if (to is not null)
        {
            target = raft.MemberList.All.FirstOrDefault(one => one.Pin.ToString() == to) ?? throw new ClusterException($"There is no member with key {to}: `cluster status` lists them.");
            if (target.Pin == _identity.Pin)
                return;
        }

        Leadership? leading = Engine.Leading;
        leading?.Hold();
        try
        {
            if (leading is not null)
                await DrainedAsync(leading, cancel).ConfigureAwait(false);
            _successor = target ?? raft.Members.Where(static other => !other.IsLocal && !other.Member.IsLearner && other.IsAvailable).MaxBy(static other => other.KnownBlock)?.Member;
            await raft.TransferAsync(target, cancel).ConfigureAwait(false);
        }
        finally
        {
            _successor = null;
            leading?.Release();
        }
    }

    public SnapshotOffer? NewestSnapshot()
    {
        foreach (string path in new SnapshotStore(_options.JournalFolder).Paths())
        {
            try
            {
                SnapshotHead head = SnapshotStore.Check(path);
                return new SnapshotOffer(Path.GetFileName(path), new FileInfo(path).Length, head.Block);
            }
            catch (Exception unusable) when (unusable is SnapshotException or IOException)
            {
                _tell(unusable.Message);
            }
        }

        return null;
    }

    public string? SnapshotPath(string name) => new SnapshotStore(_options.JournalFolder).Paths().FirstOrDefault(path => Path.GetFileName(path) == name) is { } path ? Path.GetFullPath(path) : null;

    public byte[]? ReadBlock(ulong block)
    {
        if (block > _log.CommittedBlock)
            return null;
        byte[] buffer = [];
        // Who asks may be looking for a good copy himself: he is not made to wait for a repair here.
        int length = _log.ReadAsItIs(block, ref buffer);
        return length < 0 ? null : buffer[..length];
    }

    private MemberList MembersNow => _raft?.MemberList ?? _learned!.Members;

    private MemberReport Report(MemberStatus status) => new()
    {
        Pin = status.Member.Pin.ToString(),
        Raft = status.Member.ToString(),
        Clients = string.Join(' ', status.Member.Clients),
        IsLeader = status.IsLeader,
        IsSelf = status.IsLocal,
        IsLearner = status.Member.IsLearner,
        IsAvailable = _raft is { IsLeader: true } || status.IsLocal || status.IsLeader ? status.IsAvailable : null,
        LastBlock = status.KnownBlock,
        LagBlocks = status.LagBlocks,
        LagBytes = status.LagBytes,
        LagMs = status.LagBlocks is 0 ? 0 : status.ContactMs,
    };

    private static PinnedEndPoint MemberOf(MemberRequest request)
    {
        try
        {
            return new PinnedEndPoint(
                IPEndPoint.Parse(request.Raft).Address, IPEndPoint.Parse(request.Raft).Port, Digest.From(Convert.FromHexString(request.Pin)), request.Clients.Split(' ', StringSplitOptions.RemoveEmptyEntries), request.Learner);
        }
        catch (Exception odd) when (odd is FormatException or ArgumentException)
        {
            throw new ClusterException($"'{request.Raft}' with '{request.Clients}' is no member that could be added: {odd.Message}", odd);
        }
    }

    private RaftNode? Leading() => _raft is { IsLeader: true } ? _raft : null;

    private async Task AtLeaderAsync(Func<BulkClient, Task> ask)
    {
        PinnedEndPoint leader = (_raft is null ? _leaderTold : _raft.Leader) ?? throw new ClusterException($"No leader is known to this node: too few of the others are to be reached, or they are electing one. Look at `cluster status` of each, and try again. {_raft?.WithoutQuorum}");
        if (leader.Pin == _identity.Pin)
            throw new ClusterException($"This node was just elected and does not lead yet, or is ceasing to. Try again. {_raft?.WithoutQuorum}");
        using var client = new BulkClient(BulkOf(leader.Clients) ?? throw new ClusterException($"The leader {leader} does not say where its bulk port is. Ask it itself."), leader.Pin.ToString(), _identity.Certificate);
        await ask(client).ConfigureAwait(false);
    }

    /// <returns>HOST:PORT; null: it names none.</returns>
    public static string? BulkOf(IEnumerable<string> clients) => clients.FirstOrDefault(one => one.StartsWith(BulkName, StringComparison.Ordinal))?[BulkName.Length..];

    private async Task DrainedAsync(Leadership leading, CancellationToken cancel)
    {
        Task drained = Task.Run(leading.Pipeline.Drain, CancellationToken.None);
        try
        {
            await drained.WaitAsync(TimeSpan.FromMilliseconds(_options.Cluster.TransferMsMax), cancel).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new ClusterException($"What is under way was not committed within {_options.Cluster.TransferMsMax} ms: too few nodes answer. This node goes on leading.");
        }
        catch (EngineStoppedException)
        {
            throw new ClusterException("This node ceased to lead before it could hand over.");
        }
    }

    private string? SealKey()
    {
        string path = _options.NodeKey ?? Path.Combine(_options.JournalFolder, NodeKeyFile.PrivateName);
        return File.Exists(path) ? File.ReadAllText(path) : null;
    }

}
