using System.Globalization;
using Settlement.Engine.Replication;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Cluster;

/// <summary>How a node learns that it is no member any more, and ends; and the note of how far its log had come.</summary>
/// <remarks>
/// A node that was removed is called by nobody, and whomever it calls refuses it: so it hears of its removal by its own log, where that came in time, or by asking. It asks before it takes part, and while it
/// hears of no leader. A member's word counts where its list is younger than this node's; that of a member which `cluster recover` made a cluster of its own, where nobody else vouches for this one.
/// Failure assumed: nobody answers. Then the node goes on trying, and disturbs nobody: without the others it wins no election.
/// </remarks>
internal sealed partial class ClusterNode
{
    private const int WatchMs = 1_000;

    /// <summary>Before it takes part, and then while it hears of no leader, it gives the others so long to answer.</summary>
    private const int AskMsMax = 1_000;

    /// <summary>How often, and for how long each time, the others are asked to vouch for a node that a recovered one left behind.</summary>
    private const int RecoveredAsks = 5;
    private const int AskAgainMsMax = 3_000;

    private const int LeaderlessMsMax = 5_000;
    private const int ReachedEveryMs = 5_000;

    private readonly TaskCompletionSource<string> _removed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _wasMember; // as far as this node has known since it started
    private Task _watching = Task.CompletedTask;
    private ulong _reached; // as it was last written; written by: the watch, then the end

    /// <summary>Why this node does not belong to the cluster any more; null: it does, or may. It is to be stopped.</summary>
    public string? Removal => _removed.Task.IsCompletedSuccessfully ? _removed.Task.Result : null;

    /// <summary>Of its log, whether it is committed or not.</summary>
    public ulong LastBlock => _log.LastBlock;

    public (long Block, bool IsRecovered) UnknownAsOf(string? pin) => (_raft?.MembersBlock ?? _learned!.Version, pin is not null && _note.Forgotten.Contains(pin));

    private long MembersBlock => _raft?.MembersBlock ?? _learned!.Version;

    private async Task WatchAsync()
    {
        (long ledMs, long reachedMs) = (Environment.TickCount64, Environment.TickCount64);
        while (!_stopping.IsCancellationRequested && Removal is null)
        {
            await Task.Delay(WatchMs, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            long now = Environment.TickCount64;
            if (_wasMember && !IsMember(Pin))
                End(string.Create(CultureInfo.InvariantCulture, $"its own log says so, in block {MembersBlock}"));
            if (now - reachedMs >= ReachedEveryMs)
            {
                reachedMs = now;
                NoteReached();
            }

            if (_raft is null || _raft.Leader is not null)
                ledMs = now;
            if (now - ledMs < LeaderlessMsMax)
                continue;
            await AskWhetherMemberAsync().ConfigureAwait(false);
            ledMs = now;
        }
    }

    /// <summary>
    /// Asks all that it knows. One that was recovered is believed only where no other vouches for this node, asked several times: else an operator who recovered a node that was merely cut off would end those
    /// that went on.
    /// </summary>
    private async Task AskWhetherMemberAsync()
    {
        for (int asked = 1; IsMember(Pin) && !_stopping.IsCancellationRequested; asked++)
        {
            ClusterContact? recovered = await AskAllAsync(asked == 1 ? AskMsMax : AskAgainMsMax).ConfigureAwait(false);
            if (Removal is not null || recovered is null)
                return;
            if (asked == RecoveredAsks)
                End($"the node at {recovered.Bulk} was made a cluster of its own (`cluster recover`), and all others were left behind");
            else
                await Task.Delay(AskAgainMs, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>At the same time, for a bounded time. Who does not answer says nothing.</summary>
    /// <returns>Who was recovered, and left this node behind; null: nobody, or another one vouches for this node: it follows or leads, as of a leader that it has heard since it was started.</returns>
    private async Task<ClusterContact?> AskAllAsync(int msMax)
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        bounded.CancelAfter(msMax);
        ClusterContact? recovered = null;
        bool isVouchedFor = false;
        await Task.WhenAll(ContactsNow().Select(async contact =>
        {
            try
            {
                using var client = new BulkClient(contact.Bulk, contact.Pin, _identity.Certificate);
                if ((await client.StatusAsync(bounded.Token).ConfigureAwait(false)).Elections > 0)
                    Volatile.Write(ref isVouchedFor, true);
            }
            catch (NotKnownException unknown) when (unknown.IsRecovered)
            {
                Volatile.Write(ref recovered, contact);
            }
            catch (NotKnownException unknown)
            {
                Judge(contact, unknown);
            }
            catch (Exception silent) when (silent is ClusterException or OperationCanceledException)
            {
                // It says nothing of this node.
            }
        })).ConfigureAwait(false);
        return isVouchedFor ? null : recovered;
    }

    /// <summary>Each list, however soon the next one follows.</summary>
    private void NoteMembers(MemberList members)
    {
        if (members.WithPin(_identity.Pin) is not null)
            _wasMember = true;
    }

    /// <returns>Whether it means that this node was removed, and not that the other one lags, or that this one was never added.</returns>
    private bool Judge(ClusterContact contact, NotKnownException unknown)
    {
        if (!IsMember(Pin) || unknown.IsRecovered || unknown.AsOf <= MembersBlock)
            return false;
        End(string.Create(CultureInfo.InvariantCulture, $"the node at {contact.Bulk} says so, as of block {unknown.AsOf}"));
        return true;
    }

    private void End(string why)
    {
        string sentence = $"This node is no member of the cluster any more: {why}. It ends, and does not start again. Move its folder away; to have it back, `cluster add` at a member, and join with an empty folder.";
        if (!_removed.TrySetResult(sentence))
            return;
        _tell(sentence);
        try
        {
            _folder.WriteRemoval(sentence);
        }
        catch (Exception full) when (full is IOException or UnauthorizedAccessException)
        {
            _tell($"That could not be noted ({full.Message}): started again, the node asks again.");
        }
    }

    /// <summary>So that a journal which is put in this one's place, and ends before it, is found out.</summary>
    private void NoteReached()
    {
        ulong committed = _log.CommittedBlock;
        if (committed <= _reached)
            return;
        try
        {
            _folder.WriteReached(committed);
            _reached = committed;
        }
        catch (Exception full) when (full is IOException or UnauthorizedAccessException)
        {
            // The journal's own disk says what is wrong with it; this note is evidence, and may be old.
        }
    }

    /// <exception cref="UsageException">The folder is one of a node that may not run.</exception>
    private static void CheckMayRun(ClusterFolder folder, ReplicaLog log)
    {
        if (folder.ReadReached() is { } reached && log.LastBlock < reached)
        {
            throw new UsageException(string.Create(
                CultureInfo.InvariantCulture,
                $"The journal in '{folder.JournalPath}' ends with block {log.LastBlock}, and this node had committed block {reached}: an older copy was put in its place, or the disk has lost its end. The others rely on what this node answered for, so it does not run without it. Put back the journal as it was; or move the folder away, `cluster remove` the node at another one, and join again with an empty folder."));
        }
    }
}
