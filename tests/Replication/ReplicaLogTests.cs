using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;

namespace Settlement.Tests.Replication;

/// <summary>One member's log: what leading, following, committing and reading promise.</summary>
public sealed class ReplicaLogTests : ReplicaLogFixture
{
    [Test]
    public void Members_of_a_cluster_hold_the_same_blocks_byte_for_byte_and_every_tool_reads_them()
    {
        string a = Member("a"), b = Member("b");
        using (ReplicaLog leader = Open(a), follower = Open(b))
        {
            leader.AppendMark(BlockKind.Term, 1, default);
            leader.BeginLeading(1);
            for (int i = 0; i < 300; i++)
            {
                Lead(leader, 1 + (i * 7 % 60));
                if (i % 5 == 0)
                    leader.Commit();
                if (i % 11 == 0)
                    Follow(follower, leader);
            }

            leader.EndLeading();
            leader.AppendMark(BlockKind.Members, 1, "members"u8);
            Follow(follower, leader);
            Assert.That((follower.LastBlock, follower.LastTerm), Is.EqualTo((leader.LastBlock, 1UL)));
        }

        List<byte[]> blocks = ReadAll(a, out JournalEnd end);
        Assert.That(end.Kind, Is.EqualTo(JournalEndKind.End));
        Assert.That(blocks, Has.Count.EqualTo(303));
        Assert.That(ReadAll(b, out end), Is.EqualTo(blocks));
        Assert.That(end.Kind, Is.EqualTo(JournalEndKind.End));
    }

    [Test]
    public async Task What_is_flushed_is_not_durable_to_the_stages_before_it_is_committed()
    {
        var disk = new DiskSignals(WaitStrategyKind.Blocking);
        using ReplicaLog log = Open(Member("a"), disk: disk);
        log.BeginLeading(3);
        ulong last = Lead(log, 5);
        await log.FlushAsync(last);
        Assert.That((log.FlushedBlock, log.DurableBlock, disk.DurableBlocks.Value), Is.EqualTo((last, 0UL, 0L)));
        Assert.That(log.WaitCommitted(last, 10), Is.False);
        ulong told = 0;
        log.Committed += block => told = block;
        log.MarkCommitted(last);
        Assert.That((log.DurableBlock, disk.DurableBlocks.Value, told), Is.EqualTo((last, (long)last, last)));
        Assert.That(log.WaitCommitted(last, 0), Is.True);
        Assert.That(() => log.MarkCommitted(last + 1), Throws.InvalidOperationException);
        log.MarkCommitted(0);
        Assert.That(log.CommittedBlock, Is.EqualTo(last), "it never goes back");
    }

    [Test]
    public async Task A_leader_counts_how_long_each_of_its_own_blocks_took_and_nobody_elses()
    {
        using ReplicaLog leader = Open(Member("a")), other = Open(Member("b")), follower = Open(Member("c"));
        leader.BeginLeading(3);
        for (int i = 0; i < 3; i++)
            Lead(leader, 5);
        await leader.FlushAsync(3);
        leader.MarkCommitted(2);
        Assert.That(leader.Commits.Blocks, Is.EqualTo(2));
        Follow(follower, leader);
        await follower.FlushAsync(3);
        follower.MarkCommitted(3);
        Assert.That(follower.Commits.Blocks, Is.Zero, "a follower does not know when a block was sealed");

        leader.EndLeading();
        other.AppendReplicated(Read(leader, 1));
        other.AppendReplicated(Read(leader, 2));
        other.AppendMark(BlockKind.Term, 4, default);
        leader.CutBehind(2);
        Follow(leader, other);
        await leader.FlushAsync(3);
        leader.MarkCommitted(3);
        Assert.That(leader.Commits.Blocks, Is.EqualTo(2), "what was replaced is another's");
        Assert.That(Enumerable.Range(0, CommitFigures.BucketCount).Sum(leader.Commits.InBucket), Is.EqualTo(2));
        Assert.That(leader.Commits.LatencyNs, Is.Positive);
    }

    [Test]
    public void Only_a_leader_appends_and_only_a_follower_follows()
    {
        using ReplicaLog a = Open(Member("a")), b = Open(Member("b"));
        Assert.That(() => Lead(a, 1), Throws.TypeOf<NotLeadingException>());
        a.BeginLeading(2);
        Lead(a, 1);
        a.Commit();
        b.BeginLeading(2);
        Assert.That(() => Follow(b, a), Throws.InvalidOperationException);
        b.EndLeading();
        Assert.That(() => Lead(b, 1), Throws.TypeOf<NotLeadingException>());
        Follow(b, a);
        Assert.That(() => b.BeginLeading(1), Throws.InstanceOf<ArgumentException>(), "a term never comes back");
        Assert.That(() => b.AppendMark(BlockKind.Term, 1, default), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => b.AppendMark(BlockKind.Seal, 2, default), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void A_cut_end_is_gone_and_others_blocks_take_its_place()
    {
        string a = Member("a"), b = Member("b");
        using (ReplicaLog old = Open(a), next = Open(b))
        {
            old.BeginLeading(1);
            for (int i = 0; i < 40; i++)
                Lead(old, 20);
            old.Commit();
            for (ulong block = 1; block <= 15; block++)
                next.AppendReplicated(Read(old, block));
            old.EndLeading();
            next.AppendMark(BlockKind.Term, 2, default);
            next.BeginLeading(2);
            for (int i = 0; i < 40; i++)
                Lead(next, 30);
            next.Commit();
            Assert.That(() => Follow(old, next), Throws.TypeOf<ReplicatedBlockException>().With.Property("Refusal").EqualTo(BlockRefusal.OtherChain));
            old.CutBehind(15);
            Assert.That((old.LastBlock, old.FlushedBlock, old.LastTerm), Is.EqualTo((15UL, 15UL, 1UL)));
            Assert.That(Read(old, 16), Is.Null);
            Assert.That(Read(old, 15), Is.EqualTo(Read(next, 15)));
            Follow(old, next);
            Assert.That(old.LastTerm, Is.EqualTo(2));
        }

        List<byte[]> blocks = ReadAll(a, out JournalEnd end);
        Assert.That((end.Kind, blocks.Count), Is.EqualTo((JournalEndKind.End, 57)));
        Assert.That(blocks, Is.EqualTo(ReadAll(b, out _)));
    }
}
