using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Replication;

namespace Settlement.Gateway.Cluster;

/// <summary>How a node that was let in becomes a member, and how a learner is fed.</summary>
internal sealed partial class ClusterNode
{
    private const int AskAgainMs = 1_000;

    /// <summary>A learner that knows no newer block asks so often.</summary>
    private const int FeedPauseMs = 50;

    /// <summary>Blocks that a learner fetches before it makes them durable together.</summary>
    private const int FeedBlocksMax = 256;

    /// <summary>A learner that has heard nothing for so long is not ready.</summary>
    private const int FedMsMax = 5_000;

    private volatile PinnedEndPoint? _leaderTold; // by the member that feeds this learner; written by: the feeding task
    private ulong _listedBlock; // the last Members block in this learner's log; written by: the feeding task
    private long _fedMs = -FedMsMax; // of Environment.TickCount64, when a member last answered; written by: the feeding task

    private bool IsFed => Environment.TickCount64 - Volatile.Read(ref _fedMs) < FedMsMax;

    /// <summary>Asks to be made a member until this node finds itself among them. Each refusal is told once.</summary>
    private async Task AnnounceAsync()
    {
        string told = "";
        bool wasMember = IsMember(Pin);
        while (!IsMember(Pin) && !_stopping.IsCancellationRequested)
        {
            string said = "There is nobody to ask: the list of contacts is empty. Join again with an empty folder.";
            (int asked, int unknown) = (0, 0);
            foreach (ClusterContact contact in ContactsNow())
            {
                asked++;
                try
                {
                    using var client = new BulkClient(contact.Bulk, contact.Pin, _identity.Certificate);
                    await client.AddMemberAsync(new MemberRequest { Pin = Pin, Raft = _note.Raft, Clients = _note.Clients, Learner = _note.Learner }, _stopping.Token).ConfigureAwait(false);
                    (said, unknown) = ("", -1);
                    break;
                }
                catch (NotKnownException)
                {
                    unknown++; // only the node that let it in knows it
                }
                catch (ClusterException refused)
                {
                    said = refused.Message;
                }
                catch (OperationCanceledException)
                {
                    said = "The request to become a member was not answered in time.";
                }
                catch (Exception failed)
                {
                    said = failed.Message;
                }
            }

            if (unknown == asked)
                said = "None of the nodes that it asks knows its key: the one that let it in was started again since, or this node was removed. Move its folder away, `cluster add` at a running member, and join with an empty folder.";
            if (said.Length > 0 && said != told)
                _tell($"This node is no member yet, and goes on asking: {told = said}");
            await Task.Delay(AskAgainMs, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (!wasMember && IsMember(Pin))
            _tell("This node is a member of the cluster.");
    }

    /// <summary>A learner is not called by the consensus: it becomes a member, then fetches what is committed, block by block, from whoever answers.</summary>
    private async Task FeedAsync()
    {
        string told = "";
        bool isKnown = false;
        _listedBlock = _log.MembersBlocks is [.., ulong newest] ? newest : 0;
        for (int turn = 0; !_stopping.IsCancellationRequested; turn++)
        {
            ClusterContact? asked = null;
            try
            {
                ClusterContact[] contacts = [.. ContactsNow()];
                if (contacts.Length == 0)
                    throw new ClusterException("There is nobody to ask: the list of contacts is empty. Join again with an empty folder.");
                ClusterContact contact = contacts[turn % contacts.Length];
                asked = contact;
                using var client = new BulkClient(contact.Bulk, contact.Pin, _identity.Certificate);
                if (!isKnown)
                    await client.AddMemberAsync(new MemberRequest { Pin = Pin, Raft = _note.Raft, Clients = _note.Clients, Learner = true }, _stopping.Token).ConfigureAwait(false);
                isKnown = true;
                await FeedFromAsync(client).ConfigureAwait(false);
            }
            catch (NotKnownException unknown) when (asked is { } who && Judge(who, unknown))
            {
                return;
            }
            catch (ClusterException refused)
            {
                isKnown = false;
                if (refused.Message != told)
                    _tell($"This learner could not be fed: {told = refused.Message}");
            }
            catch (OperationCanceledException)
            {
                // The end, or an answer that did not come in time.
            }
            catch (Exception failed)
            {
                // A block that cannot follow, a disk that is full: whatever it is, it is said, and tried again.
                if (failed.Message != told)
                    _tell($"This learner could not go on: {told = failed.Message}");
            }

            await Task.Delay(AskAgainMs, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>What it fetches is committed, so a list of members counts as soon as its block is in the log; one that could not be written is tried again.</summary>
    private async Task TakeMembersAsync()
    {
        if (_listedBlock <= (ulong)_learned!.Version)
            return;
        byte[] bytes = [];
        int length = _log.Read(_listedBlock, ref bytes);
        if (length >= BlockHeader.Size)
            await _learned.SaveAsync(MemberList.Decode(bytes.AsSpan(BlockHeader.Size, length - BlockHeader.Size)), (long)_listedBlock, _stopping.Token).ConfigureAwait(false);
    }

    private async Task FeedFromAsync(BulkClient client)
    {
        await TakeMembersAsync().ConfigureAwait(false);
        while (true)
        {
            StatusReport there = await client.StatusAsync(_stopping.Token).ConfigureAwait(false);
            Volatile.Write(ref _fedMs, Environment.TickCount64);
            string? leading = there.Members.FirstOrDefault(static member => member.IsLeader)?.Pin;
            _leaderTold = leading is null ? null : MembersNow.All.FirstOrDefault(member => member.Pin.ToString() == leading);
            ulong last = Math.Min(there.CommittedBlock, _log.LastBlock + FeedBlocksMax);
            if (last <= _log.LastBlock)
            {
                await Task.Delay(FeedPauseMs, _stopping.Token).ConfigureAwait(false);
                continue;
            }

            for (ulong block = _log.LastBlock + 1; block <= last; block++)
            {
                byte[] bytes;
                try
                {
                    bytes = await client.BlockAsync(block, _stopping.Token).ConfigureAwait(false);
                }
                catch (ClusterException) when (there.FirstBlock > block)
                {
                    _tell($"This learner's log ends with block {block - 1}, and {there.FirstBlock} is the first that the others still have.");
                    _seedNeeded.TrySetResult();
                    await Task.Delay(Timeout.Infinite, _stopping.Token).ConfigureAwait(false);
                    return;
                }

                _log.AppendReplicated(bytes);
                if (MemoryMarshal.Read<BlockHeader>(bytes).Kind != BlockKind.Members)
                    continue;
                _listedBlock = block;
                await TakeMembersAsync().ConfigureAwait(false);
            }

            await _log.FlushAsync(last, _stopping.Token).ConfigureAwait(false);
            _log.MarkCommitted(last);
        }
    }

    /// <summary>The member that let this node in, which alone knows it at first; then all that say where their bulk ports are.</summary>
    private IEnumerable<ClusterContact> ContactsNow() => ContactsOf(_note, MembersNow, _identity);
}
