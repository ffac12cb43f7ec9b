using Settlement.Engine.Domain;
using Settlement.Engine.Replication;

namespace Settlement.Tests.Replication;

/// <summary>What a member does when too few of the others are there, or when it is one of them no longer.</summary>
internal sealed class RaftQuorumTests : RaftClusterFixture
{
    [Test]
    public async Task A_change_that_nobody_commits_ends_with_a_sentence()
    {
        RaftMember[] members = await StartClusterAsync(3);
        await AppendAsync(members, 1);
        RaftMember leader = await LeaderAsync(members);
        RaftMember[] others = [.. members.Where(member => member != leader)];
        foreach (RaftMember other in others)
            await other.StopAsync();
        Func<Task>[] changes =
        [
            () => leader.Node.RemoveMemberAsync(others[0].Address),
            () => leader.Node.TransferAsync(others[1].Address),
            () => leader.Node.TransferAsync(),
            () => leader.Node.AddMemberAsync(new PinnedEndPoint(System.Net.IPAddress.Loopback, 1, Digest.From(new byte[32]), [], isLearner: true)),
        ];
        foreach (Func<Task> change in changes)
        {
            Task asked = change();
            await Task.WhenAny(asked, Task.Delay(30_000));
            Assert.That(asked.IsFaulted, "it has ended, and not well");
            Assert.That(asked.Exception!.InnerException, Is.TypeOf<ClusterException>());
            TestContext.Out.WriteLine(asked.Exception.InnerException!.Message);
        }

        Assert.That(leader.Node.WithoutQuorum, Does.Contain("2 of the 3 voters").And.Contain("cluster recover"));
        foreach (RaftMember other in others)
            await other.StartAsync();
        await CommittedAsync(members, await AppendAsync(members, 1));
    }

    [Test]
    public async Task A_handover_to_one_that_is_down_is_refused_at_once_and_nobody_stands_back()
    {
        RaftMember[] members = await StartClusterAsync(3);
        await AppendAsync(members, 1);
        RaftMember leader = await LeaderAsync(members);
        RaftMember down = members.First(member => member != leader);
        await down.StopAsync();
        await UntilAsync(() => !leader.Node.Members.Single(member => member.Member.Pin == down.Address.Pin).IsAvailable, "the leader sees it");
        await AppendAsync(members, 1);
        leader = await LeaderAsync(members);
        ulong last = leader.Log.LastBlock;
        Assert.That(async () => await leader.Node.TransferAsync(down.Address), Throws.TypeOf<ClusterException>().With.Message.Contains("does not answer this node").And.Message.Contains("goes on leading"));
        Assert.That((leader.Leads, leader.Log.LastBlock), Is.EqualTo((true, last)), "nothing was even written");
    }

    [Test]
    public async Task One_that_was_removed_and_has_not_heard_of_it_disturbs_nobody()
    {
        RaftMember[] members = await StartClusterAsync(3);
        await AppendAsync(members, 1);
        RaftMember leader = await LeaderAsync(members);
        RaftMember removed = members.First(member => member != leader);
        RaftMember[] rest = [.. members.Where(member => member != removed)];
        await removed.StopAsync();
        leader = await OnLeaderAsync(rest, node => node.RemoveMemberAsync(removed.Address));
        await CommittedAsync(rest, await AppendAsync(rest, 1));
        await removed.StartAsync();
        leader = await LeaderAsync(rest);
        ulong term = leader.Node.Term;
        await UntilAsync(() => rest.Any(static member => member.Told.Any(static text => text.Contains("which is no member's", StringComparison.Ordinal))), "it stands, and is refused", () => Stories(members));
        await Task.Delay(3_000);
        await CommittedAsync(rest, await AppendAsync(rest, 1));
        leader = await LeaderAsync(rest);
        Assert.That(leader.Node.Term, Is.EqualTo(term));
        Assert.That(rest.Sum(static member => member.Told.Count(static text => text.Contains("which is no member's", StringComparison.Ordinal))), Is.LessThanOrEqualTo(2), "each says it once in half a minute");
        Assert.That(removed.Leads, Is.False);
    }

    [Test]
    public async Task A_program_that_reads_earlier_formats_alone_is_told_so_by_a_newer_leader_and_the_others_go_on()
    {
        RaftMember[] members = await StartClusterAsync(3);
        await AppendAsync(members, 1);
        RaftMember older = members.First(static member => !member.Leads);
        RaftMember[] newer = [.. members.Where(member => member != older)];
        foreach (RaftMember member in newer)
        {
            await member.StopAsync();
            member.FormatVersion++;
            await member.StartAsync();
        }

        await UntilAsync(() => newer.Any(static member => member.Leads) || older.Leads, "a leader");
        if (older.Leads)
            await older.Node.TransferAsync(newer[0].Address);
        RaftMember leader = await LeaderAsync(newer);
        await AppendAsync(newer, 1);
        await UntilAsync(() => newer.Any(static member => member.Told.Any(static text => text.Contains("Upgrade it", StringComparison.Ordinal))), "the leader says so", () => Stories(members));
        ulong term = leader.Node.Term;
        await Task.Delay(3_000);
        await CommittedAsync(newer, await AppendAsync(newer, 1));
        TestContext.Out.WriteLine(Stories(members));
        Assert.That(leader.Node.Term, Is.EqualTo(term), "the older one does not stand up against it");
        await older.StopAsync();
        older.FormatVersion++;
        await older.StartAsync();
        await CommittedAsync(members, await AppendAsync(members, 1));
    }
}
