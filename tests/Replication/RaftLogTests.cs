using System.Net;
using DotNext.IO.Log;
using DotNext.Net.Cluster;
using DotNext.Net.Cluster.Consensus.Raft;
using Settlement.Engine.Domain;
using Settlement.Engine.Replication;

namespace Settlement.Tests.Replication;

/// <summary>What the consensus library's log promises, without the library's network: majorities, and who owns the tail.</summary>
public sealed class RaftLogTests : ReplicaLogFixture
{
    private static readonly PinnedEndPoint[] Voters =
        [.. Enumerable.Range(0, 5).Select(static number => new PinnedEndPoint(IPAddress.Loopback, 7000 + number, Digest.From(Enumerable.Repeat((byte)number, 32).ToArray()), []))];

    [Test]
    public async Task A_block_counts_when_three_of_five_have_it_whatever_the_library_makes_of_the_first_answers()
    {
        using ReplicaLog log = Open(Member("a"));
        using MembersFile members = List(5);
        await using var raft = new RaftLog(log, members, Path.Combine(Place, "raft"), Voters[0]);
        await LeadAsync(raft, blocks: 9);
        IAuditTrail trail = raft;
        MemberProgress quick = Follow(raft, 1), slow = Follow(raft, 2);
        quick.Confirmed(9, 0);
        await trail.CommitAsync(9);
        Assert.That(log.CommittedBlock, Is.Zero, "two of five");
        slow.Confirmed(4, 0);
        await trail.CommitAsync(9);
        Assert.That(log.CommittedBlock, Is.EqualTo(4));
        slow.Confirmed(9, 0);
        await trail.CommitAsync(4);
        Assert.That(log.CommittedBlock, Is.EqualTo(9));
    }

    [Test]
    public async Task Answers_of_an_earlier_term_and_blocks_of_an_earlier_term_make_no_majority()
    {
        using ReplicaLog log = Open(Member("a"));
        using MembersFile members = List(3);
        await using var raft = new RaftLog(log, members, Path.Combine(Place, "raft"), Voters[0]);
        await LeadAsync(raft, blocks: 3);
        IAuditTrail trail = raft;
        MemberProgress before = Follow(raft, 1);
        before.Confirmed(3, 0);
        await LeadAsync(raft, blocks: 1);
        await trail.CommitAsync(4);
        Assert.That(log.CommittedBlock, Is.Zero, "it said so in term 1");
        MemberProgress now = Follow(raft, 1);
        now.Confirmed(3, 0);
        await trail.CommitAsync(4);
        Assert.That(log.CommittedBlock, Is.Zero, "block 3 is of term 1");
        now.Confirmed(4, 0);
        await trail.CommitAsync(4);
        Assert.That(log.CommittedBlock, Is.EqualTo(4));
    }

    [Test]
    public async Task A_new_leaders_blocks_wait_until_the_old_ones_stages_are_stopped()
    {
        using ReplicaLog log = Open(Member("a")), other = Open(Member("b"));
        using MembersFile members = List(3);
        await using var raft = new RaftLog(log, members, Path.Combine(Place, "raft"), Voters[0]);
        await LeadAsync(raft, blocks: 1);
        Assert.That(raft.TryBeginLeading(2, NoAppender), Is.False, "it leads in term 1");
        Assert.That(raft.TryBeginLeading(1, NoAppender), Is.True);
        log.BeginLeading(1);
        Lead(log, 3);
        other.AppendMark(BlockKind.Term, 2, default);
        IAuditTrail<IRaftLogEntry> trail = raft;
        Task taken = trail.AppendAsync(new RaftLog.Entry(2, Read(other, 1), false), 1).AsTask();
        Lead(log, 3);
        await Task.Delay(20);
        Assert.That((taken.IsCompleted, log.LastBlock, log.TermOf(1)), Is.EqualTo((false, 3UL, 1UL)));
        log.EndLeading();
        raft.EndLeading();
        await taken;
        Assert.That((log.LastBlock, log.TermOf(1)), Is.EqualTo((1UL, 2UL)));
    }

    [Test]
    public async Task What_is_committed_is_never_replaced_and_a_damaged_block_changes_nothing()
    {
        using ReplicaLog log = Open(Member("a")), other = Open(Member("b"));
        using MembersFile members = List(1);
        await using var raft = new RaftLog(log, members, Path.Combine(Place, "raft"), Voters[0]);
        await LeadAsync(raft, blocks: 2);
        await ((IAuditTrail)raft).CommitAsync(1);
        other.AppendMark(BlockKind.Term, 5, default);
        IAuditTrail<IRaftLogEntry> trail = raft;
        Assert.That(async () => await trail.AppendAsync(new RaftLog.Entry(5, Read(other, 1), false), 1), Throws.TypeOf<ClusterException>().With.Message.Contains("different histories"));
        ReplicatedBlockException? told = null;
        raft.BlockRefused += refused => told = refused;
        byte[] block = Read(other, 1)!;
        block[40] ^= 1;
        Assert.That(async () => await trail.AppendAsync(new RaftLog.Entry(5, block, false), 3), Throws.TypeOf<ReplicatedBlockException>());
        Assert.That((told?.Refusal, log.LastBlock), Is.EqualTo(((BlockRefusal?)BlockRefusal.Damaged, 2UL)));
    }

    [Test]
    public async Task Nothing_is_appended_in_a_term_that_another_node_may_win([Values] bool pipelineRuns)
    {
        using ReplicaLog log = Open(Member("a"));
        using MembersFile members = List(3);
        await using var raft = new RaftLog(log, members, Path.Combine(Place, "raft"), Voters[0]);
        await LeadAsync(raft, blocks: 1);
        if (pipelineRuns)
            Assert.That(raft.TryBeginLeading(1, NoAppender), Is.True);
        await ((IPersistentState)raft).UpdateTermAsync(2, resetLastVote: true);
        IAuditTrail<IRaftLogEntry> trail = raft;
        Task late = trail.AppendAsync(new RaftLog.Entry(2, members.Members.Bytes, isMembers: true)).AsTask();
        if (pipelineRuns)
            raft.EndLeading();
        Assert.That(async () => await late, Throws.TypeOf<NotLeaderException>(), "a list in a term that it only heard of");
        Assert.That(async () => await trail.AppendAsync(new EmptyLogEntry { Term = 1 }), Throws.TypeOf<NotLeaderException>(), "its own term is over");
        Assert.That((log.LastBlock, log.LastTerm, raft.OwnTerm), Is.EqualTo((1UL, 1UL, 1UL)));
    }

    [Test]
    public async Task A_term_that_is_newer_than_the_leaders_own_does_not_make_its_count_another_leaders_word()
    {
        using ReplicaLog log = Open(Member("a"));
        using MembersFile members = List(5);
        await using var raft = new RaftLog(log, members, Path.Combine(Place, "raft"), Voters[0]);
        await LeadAsync(raft, blocks: 9);
        Follow(raft, 1).Confirmed(9, 0);
        Follow(raft, 2).Confirmed(4, 0);
        await ((IPersistentState)raft).UpdateTermAsync(2, resetLastVote: true);
        IAuditTrail<IRaftLogEntry> trail = raft;
        await trail.CommitAsync(9); // the round that was under way: of the first three answers the median is 9
        Assert.That(log.CommittedBlock, Is.EqualTo(4), "two of five have block 9, three block 4");
        await trail.AppendAsync(ILogEntryProducer<RaftLog.Entry>.Empty, 10, skipCommitted: true);
        await trail.CommitAsync(7);
        Assert.That(log.CommittedBlock, Is.EqualTo(7), "the leader of term 2 says so");
    }

    [Test]
    public async Task A_log_that_a_leader_can_go_on_with_is_not_given_up_and_the_leader_is_told_to_go_on()
    {
        using ReplicaLog log = Open(Member("a"));
        using MembersFile members = List(1);
        await using var raft = new RaftLog(log, members, Path.Combine(Place, "raft"), Voters[0]);
        await LeadAsync(raft, blocks: 5);
        await ((IAuditTrail)raft).CommitAsync(5);
        ulong? asked = null;
        raft.SeedNeeded += first => asked = first;
        IAuditTrail<IRaftLogEntry> trail = raft;
        await trail.AppendAsync(Notice(6), 9);
        Assert.That((asked, log.LastBlock, log.CommittedBlock), Is.EqualTo(((ulong?)null, 5UL, 5UL)));
        Assert.That(async () => await trail.AppendAsync(Notice(7), 9), Throws.TypeOf<ClusterException>());
        Assert.That(asked, Is.EqualTo(7));

        static RaftLog.Entry Notice(ulong first) => new(1, BitConverter.GetBytes(first), isMembers: false, isSnapshot: true);
    }

    [Test]
    public async Task A_block_of_the_same_number_and_term_that_is_another_one_is_not_answered_for()
    {
        using ReplicaLog log = Open(Member("a")), other = Open(Member("b"));
        using MembersFile members = List(3);
        await using var raft = new RaftLog(log, members, Path.Combine(Place, "raft"), Voters[0]);
        foreach (ReplicaLog one in (ReplicaLog[])[log, other])
        {
            one.BeginLeading(1);
            Lead(one, one == log ? 3 : 5);
            one.EndLeading();
        }

        IAuditTrail<IRaftLogEntry> trail = raft;
        await trail.AppendAsync(new RaftLog.Entry(1, Read(log, 1), false), 1);
        ClusterException? told = null;
        raft.BlockDiffers += differs => told = differs;
        Assert.That(async () => await trail.AppendAsync(new RaftLog.Entry(1, Read(other, 1), false), 1), Throws.TypeOf<ClusterException>().With.Message.Contains("two leaders"));
        Assert.That((told is null, log.LastBlock), Is.EqualTo((false, 1UL)));
    }

    [Test]
    public async Task A_member_that_lost_what_it_had_answered_for_counts_for_it_no_longer()
    {
        using ReplicaLog log = Open(Member("a"));
        using MembersFile members = List(3);
        await using var raft = new RaftLog(log, members, Path.Combine(Place, "raft"), Voters[0]);
        await LeadAsync(raft, blocks: 9);
        MemberProgress put = Follow(raft, 1);
        put.Confirmed(9, 0);
        Assert.That((put.Forgot(9), put.Forgot(4), put.Forgot(4)), Is.EqualTo(((ulong?)null, (ulong?)9, (ulong?)null)));
        await ((IAuditTrail)raft).CommitAsync(9);
        Assert.That(log.CommittedBlock, Is.EqualTo(4));
    }

    private static ValueTask<ulong> NoAppender(BlockKind kind, byte[] body, CancellationToken token) => throw new InvalidOperationException("nobody asks for a block here");

    private MembersFile List(int voters)
    {
        string place = Path.Combine(Place, "cluster");
        MembersFile.Create(place, Voters[..voters].Aggregate(MemberList.Empty, static (all, member) => all.With(member)), 0);
        return MembersFile.Open(place);
    }

    /// <summary>A term of its own, and so many barriers in it.</summary>
    private static async Task LeadAsync(RaftLog raft, int blocks)
    {
        long term = await ((IPersistentState)raft).IncrementTermAsync(ClusterMemberId.FromEndPoint(Voters[0]));
        for (int i = 0; i < blocks; i++)
            await ((IAuditTrail<IRaftLogEntry>)raft).AppendAsync(new EmptyLogEntry { Term = term });
    }

    private static MemberProgress Follow(RaftLog raft, int voter)
    {
        var progress = new MemberProgress(Voters[voter], raft.OwnTerm);
        raft.Watch(progress);
        return progress;
    }
}
