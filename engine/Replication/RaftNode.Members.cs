using System.Net;
using DotNext.IO.Log;
using DotNext.Net.Cluster.Consensus.Raft;
using DotNext.Net.Cluster.Consensus.Raft.Membership;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Replication;

/// <summary>Who belongs to the cluster, one change at a time, and the handover.</summary>
public sealed partial class RaftNode
{
    /// <summary>Requests of up to 8 MiB that a voter may take to catch up before it is added: 2.5 GB, and what comes meanwhile. Seed it first.</summary>
    private const int WarmupRounds = 300;

    /// <summary>How long a voter may take to be added, catching up included. What it has got by then it keeps, and asks again.</summary>
    private const int AddMsMax = 50_000;

    private readonly SemaphoreSlim _changing = new(1, 1);

    /// <summary>Another one was named, and no leader has come since.</summary>
    private volatile bool _standsBack;

    /// <summary>All members as this node knows them; lags are the leader's to know.</summary>
    public IReadOnlyCollection<MemberStatus> Members
    {
        get
        {
            bool isLeader = _isLeader;
            ulong last = _log.LastBlock;
            long now = Environment.TickCount64;
            PinnedEndPoint? leader = _leader;
            var all = new List<MemberStatus>();
            foreach (PinnedEndPoint member in _members.Members.All)
            {
                bool isLocal = member.Pin == _identity.Pin;
                MemberProgress? progress = isLeader && !isLocal && _raft.ProgressOf(member) is { } found && found.Term == _raft.OwnTerm ? found : null;
                ulong? known = isLocal ? _log.FlushedBlock : progress?.Known;
                bool knowsLag = isLeader && known is not null;
                all.Add(new(
                    member,
                    isLocal,
                    IsLeader: member.Equals(leader),
                    IsAvailable: isLocal || (isLeader ? progress is { IsFailing: false } : member.Equals(leader)),
                    KnownBlock: known,
                    LagBlocks: knowsLag ? last - Math.Min(last, known!.Value) : null,
                    LagBytes: knowsLag ? _samples.BytesBehind(known!.Value) : null,
                    ContactMs: isLocal ? 0
                        : progress is not null ? now - progress.ContactMs
                        : !isLeader && member.Equals(leader) && _raft.HeardMs is { } heard ? now - heard
                        : null));
            }

            return all;
        }
    }

    /// <summary>What this node knows of a member as its leader; null: nothing.</summary>
    internal MemberProgress? ProgressOf(EndPoint member) => _raft.ProgressOf(member);

    /// <summary>Adds a member, on the leader. A voter is first brought up to date; it must be running, know this cluster's members, and have been seeded. Returns when the new list is committed.</summary>
    /// <exception cref="ClusterException">It could not be done; the sentence says why. The list is as it was.</exception>
    public Task AddMemberAsync(PinnedEndPoint member, CancellationToken token = default) => ChangeAsync(
        async token =>
        {
            MemberList now = _members.Members;
            if (now.At(member) is { } same && (same.Pin != member.Pin || !same.IsLearner))
                throw new ClusterException($"{member} is already a member, with the key {same.Pin}. Remove it first.");
            if (now.WithPin(member.Pin) is { } twin && !twin.Equals(member))
                throw new ClusterException($"The key {member.Pin} is already that of the member {twin}: two nodes have copies of one identity. Make a new one for the node at {member}.");
            if (member.IsLearner)
            {
                await StateAsync(now.With(member), token).ConfigureAwait(false);
                return;
            }

            _trust.Joining = member;
            try
            {
                await ReachAsync(member, token).ConfigureAwait(false);
                Task<bool> adding = _cluster.AddMemberAsync(member, token);
                // A node that has every block already is sent nothing, and then the library does not see that it is up to date: a block is made for it to answer.
                await AppendAndWaitAsync(new EmptyLogEntry { Term = (long)_raft.OwnTerm }, token).ConfigureAwait(false);
                if (!await adding.ConfigureAwait(false))
                    throw new ClusterException($"{member} did not catch up in {WarmupRounds} rounds; it was not added. See its own messages, seed it again from a newer snapshot, and repeat.");
                if (_members.Members.WithPin(member.Pin) is not { IsLearner: false })
                    throw new NotLeaderException(); // another leader's block stands where the list was
            }
            finally
            {
                _trust.Joining = null;
            }
        },
        member.IsLearner ? ChangeMsMax : Math.Max(AddMsMax, ChangeMsMax),
        token);

    /// <summary>Removes a member, on the leader. Returns when the new list is committed. The leader hands over before it is removed.</summary>
    /// <exception cref="ClusterException">It could not be done; the sentence says why. The list is as it was.</exception>
    public Task RemoveMemberAsync(EndPoint address, CancellationToken token = default) => ChangeAsync(
        async token =>
        {
            PinnedEndPoint member = _members.Members.At(address) ?? throw new ClusterException($"{address} is no member.");
            if (member.Pin == _identity.Pin)
                throw new ClusterException("The leader does not remove itself. Hand over first (`cluster transfer`), then remove it from there.");
            if (member.IsLearner)
                await StateAsync(_members.Members.Without(member), token).ConfigureAwait(false);
            else if (!await _cluster.RemoveMemberAsync(member, token).ConfigureAwait(false))
                throw new ClusterException($"{member} was not removed: it is no voter any more.");
        },
        ChangeMsMax,
        token);

    /// <summary>
    /// Hands the leadership to another voter: it is named in a Members block, waited for until it has every block, and this node steps down while the others stand back for one election. Takes one election time,
    /// in which nobody leads. Stop taking payments before, so that none waits.
    /// </summary>
    /// <param name="to">Address; null: the voter that is furthest.</param>
    /// <param name="token">Ends the waiting.</param>
    /// <returns>Who leads now.</returns>
    /// <exception cref="ClusterException">It could not be done, or another one won; the sentence says which.</exception>
    public async Task<PinnedEndPoint> TransferAsync(EndPoint? to = null, CancellationToken token = default)
    {
        PinnedEndPoint target = null!;
        await ChangeAsync(
            async token =>
            {
                target = Successor(to);
                await StateAsync(_members.Members.HandingOverTo(target), token).ConfigureAwait(false);
                await CaughtUpAsync(target, token).ConfigureAwait(false);
                await _cluster.StepDownAsync(token).ConfigureAwait(false);
                await StandBackAsync().ConfigureAwait(false);
            },
            2 * ChangeMsMax,
            token).ConfigureAwait(false);
        long until = Environment.TickCount64 + (20L * _options.ElectionMs);
        while (_leader is null && Environment.TickCount64 < until)
            await Task.Delay(5, token).ConfigureAwait(false);
        PinnedEndPoint? leader = _leader;
        if (leader is null)
            throw new ClusterException($"This node stepped down for {target}, and no leader was elected in {20 * _options.ElectionMs} ms. See the other nodes.");
        return leader.Equals(target) ? leader : throw new ClusterException($"This node stepped down for {target}, and {leader} was elected. Repeat it there.");
    }

    private PinnedEndPoint Successor(EndPoint? to)
    {
        if (to is null)
        {
            return Members.Where(static other => !other.IsLocal && !other.Member.IsLearner && other.IsAvailable).MaxBy(static other => other.KnownBlock)?.Member
                ?? throw new ClusterException("There is no other voter that answers, so nobody to hand over to.");
        }

        PinnedEndPoint target = _members.Members.At(to) ?? throw new ClusterException($"{to} is no member.");
        if (target.IsLearner)
            throw new ClusterException($"{to} is a learner: it does not vote and cannot lead.");
        if (target.Pin == _identity.Pin)
            throw new ClusterException($"{to} leads already.");
        return _raft.ProgressOf(target) is { IsFailing: false } progress && progress.Term == _raft.OwnTerm
            ? target
            : throw new ClusterException($"{to} does not answer this node, so it cannot be handed over to. This node goes on leading.");
    }

    /// <summary>Until the target has every block, and every voter that answers knows that it was named.</summary>
    private async Task CaughtUpAsync(PinnedEndPoint target, CancellationToken token)
    {
        long until = Environment.TickCount64 + (2L * _options.RequestMs);
        ulong named = _log.CommittedBlock;
        while (!Knows(target) || _members.Members.Voters.Any(voter => voter.Pin != _identity.Pin && _raft.ProgressOf(voter) is { IsFailing: false } && !Knows(voter)))
        {
            if (Environment.TickCount64 > until)
                throw new ClusterException($"{target} did not reach block {named} in {2 * _options.RequestMs} ms; this node goes on leading.");
            _cluster.Replicate();
            await Task.Delay(2, token).ConfigureAwait(false);
        }

        bool Knows(PinnedEndPoint voter) => _raft.ProgressOf(voter) is { } progress && progress.KnownCommitted >= named;
    }

    /// <summary>One change at a time, on the leader, with the library's refusals in this layer's words.</summary>
    /// <remarks>
    /// Without a quorum nothing is committed, and what was appended may be, once there is one again: so the time is bounded here, and the sentence says that the change may still come.
    /// </remarks>
    private async Task ChangeAsync(Func<CancellationToken, Task> change, int msMax, CancellationToken token)
    {
        if (!_isLeader)
            throw new ClusterException(_leader is { } leader ? $"This node does not lead; {leader} does. Ask there." : $"No node is known to lead. {WithoutQuorum}");
        if (!await _changing.WaitAsync(0, token).ConfigureAwait(false))
            throw new ClusterException("Another change of the cluster is under way. Members change one at a time.");
        using CancellationTokenSource bounded = CancellationTokenSource.CreateLinkedTokenSource(token, _stopping.Token);
        bounded.CancelAfter(msMax);
        using var look = new Timer(
            _ =>
            {
                if (!_isLeader)
                    CancelLate(bounded);
            },
            null, _options.ElectionMs, _options.ElectionMs);
        try
        {
            // Who began it gave up waiting; it may be committed all the same. A second list beside it would be made from the members of before, and the two together would change more than one.
            if (_raft.PendingMembers is { } pending)
                throw new ClusterException($"Another change of the cluster is under way: block {pending} states it and is not committed yet. Repeat when enough nodes answer.");
            await change(bounded.Token).ConfigureAwait(false);
        }
        catch (Exception refused) when (refused is NotLeaderException or SettlementCluster.ConcurrentMembershipModificationException
            || (refused is OperationCanceledException && !token.IsCancellationRequested && !_isLeader))
        {
            throw new ClusterException(
                $"This node ceased to lead before the change was committed: too few nodes answered it, or another one was elected. The change may still come into force. Look at `cluster status`. {WithoutQuorum}", refused);
        }
        catch (OperationCanceledException late) when (!token.IsCancellationRequested)
        {
            throw new ClusterException($"The change was not committed within {msMax} ms: too few nodes answer, or a new one is still catching up. It may still come into force. Look at `cluster status`. {WithoutQuorum}", late);
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>For a list of members to be committed.</summary>
    private int ChangeMsMax => 2 * _options.RequestMs;

    /// <summary>For who asks in vain: how many must run, and the way out where they never will.</summary>
    public string WithoutQuorum
    {
        get
        {
            int voters = _members.Members.Voters.Count;
            return $"Nothing is agreed, and no member can be removed, unless {(voters / 2) + 1} of the {voters} voters run and reach each other. Where so many will never run again, `cluster recover` is what is left.";
        }
    }

    private static void CancelLate(CancellationTokenSource bounded)
    {
        try
        {
            bounded.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The change ended meanwhile.
        }
    }

    private Task StateAsync(MemberList members, CancellationToken token) => AppendAndWaitAsync(new MembersEntry(members, (long)_raft.OwnTerm), token);

    private async Task AppendAndWaitAsync<TEntry>(TEntry entry, CancellationToken token)
        where TEntry : IRaftLogEntry
    {
        IAuditTrail<IRaftLogEntry> log = _raft;
        long block = await log.AppendAsync(entry, token).ConfigureAwait(false);
        _cluster.Replicate();
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(token, _stopping.Token);
        Task applied = log.WaitForApplyAsync(block, stop.Token).AsTask();
        while (!applied.IsCompleted)
        {
            await Task.WhenAny(applied, Task.Delay(_options.ElectionMs, stop.Token)).ConfigureAwait(false);
            if (!applied.IsCompleted && _raft.OwnTerm != Term)
            {
                await stop.CancelAsync().ConfigureAwait(false);
                throw new NotLeaderException();
            }
        }

        await applied.ConfigureAwait(false);
        // Another leader may have replaced the block, and committed its own, between two looks.
        if (_log.TermOf((ulong)block) != (ulong)entry.Term)
            throw new NotLeaderException();
    }

    /// <summary>A connection as the library would make it, for its sentence: the library itself would try in vain for a while and say nothing.</summary>
    private async Task ReachAsync(PinnedEndPoint member, CancellationToken token)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(token);
        patience.CancelAfter(2 * _options.ConnectMs);
        try
        {
            using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
            await socket.ConnectAsync(member, patience.Token).ConfigureAwait(false);
            await using var tls = new System.Net.Security.SslStream(new System.Net.Sockets.NetworkStream(socket, ownsSocket: false));
            await tls.AuthenticateAsClientAsync(_trust.Options.ClientOptions, patience.Token).ConfigureAwait(false);
        }
        catch (Exception refused) when (refused is IOException or System.Net.Sockets.SocketException or System.Security.Authentication.AuthenticationException or OperationCanceledException)
        {
            token.ThrowIfCancellationRequested();
            throw new ClusterException($"The node at {member} cannot be reached, or does not show the key {member.Pin} ({refused.Message}). It was not added. Start it, and compare its key.", refused);
        }
    }

    private void OnMembers(MemberList members)
    {
        Tell($"The cluster's members are now {string.Join(", ", members.All.Select(static member => member.IsLearner ? $"{member} (learner)" : member.ToString()))}.");
        if (members.Successor is { } successor && !_isLeader)
            _ = Task.Run(successor == _identity.Pin ? ComeForwardAsync : StandBackAsync, CancellationToken.None);
        ThreadPool.UnsafeQueueUserWorkItem(static told => told.Node.MembersChanged?.Invoke(told.Members), (Node: this, Members: members), preferLocal: false);
    }

    /// <summary>Stands for no election until there is a new leader, or should long have been: votes and copies as before.</summary>
    private async Task StandBackAsync()
    {
        if (!await _cluster.EnableStandbyModeAsync(_stopping.Token).ConfigureAwait(false))
            return;
        _standsBack = true;
        _ = Task.Run(
            async () =>
            {
                await Task.Delay(10 * _options.ElectionMs, _stopping.Token).ConfigureAwait(false);
                await ComeForwardAsync().ConfigureAwait(false);
            },
            CancellationToken.None);
    }

    private async Task ComeForwardAsync()
    {
        _standsBack = false;
        await _cluster.RevertToNormalModeAsync(_stopping.Token).ConfigureAwait(false);
    }

    private readonly struct MembersEntry(MemberList members, long term) : IRaftLogEntry
    {
        public long Term => term;

        bool IRaftLogEntry.IsConfiguration => true;

        bool DotNext.IO.IDataTransferObject.IsReusable => true;

        long? DotNext.IO.IDataTransferObject.Length => members.Bytes.Length;

        bool DotNext.IO.IDataTransferObject.TryGetMemory(out ReadOnlyMemory<byte> memory)
        {
            memory = members.Bytes;
            return true;
        }

        ValueTask DotNext.IO.IDataTransferObject.WriteToAsync<TWriter>(TWriter writer, CancellationToken token) => writer.Invoke(members.Bytes, token);
    }
}
