using System.Net;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;

namespace Settlement.Tests.Replication;

/// <summary>Three nodes over loopback with the real consensus library, real TLS and real files: who leads, what counts, who belongs to it, who is refused.</summary>
internal sealed class RaftNodeTests : RaftClusterFixture
{
    [Test]
    public async Task A_node_alone_leads_and_begins_each_start_with_a_term_of_its_own()
    {
        RaftMember node = Make("alone");
        MembersFile.Create(node.ClusterPlace, MemberList.Empty.With(node.Address), 0);
        await node.StartAsync();
        await LeaderAsync([node]);
        ulong block = await AppendAsync([node], 5);
        Assert.That((block, node.Log.TermOf(1), node.Log.TermOf(2)), Is.EqualTo((2UL, 1UL, 1UL)));
        await node.StopAsync();
        await node.StartAsync();
        await LeaderAsync([node]);
        await AppendAsync([node]);
        await node.StopAsync();
        Assert.That(BlocksOf(node).Select(static text => string.Join(' ', text.Split(' ')[..4])), Is.EqualTo((string[])
            ["0 Genesis term 0", "1 Term term 1", "2 Payments term 1", "3 Term term 2", "4 Payments term 2"]));
    }

    [Test]
    public async Task Three_nodes_elect_one_and_hold_the_same_blocks()
    {
        RaftMember[] members = await StartClusterAsync(3);
        ulong block = 0;
        for (int i = 0; i < 50; i++)
            block = await AppendAsync(members, 1 + i);
        await CommittedAsync(members, block);
        RaftMember leader = await LeaderAsync(members);
        Assert.That(members.Count(static member => member.Node.IsLeader), Is.EqualTo(1));
        await UntilAsync(() => members.All(member => leader.Address.Equals(member.Node.Leader)), "all know the leader");
        MemberStatus[] known = [.. leader.Node.Members];
        Assert.That(known.Select(static member => (member.IsAvailable, member.LagBlocks, member.LagBytes)), Is.All.EqualTo((true, 0UL, 0L)));
        foreach (RaftMember member in members)
            await member.StopAsync();
        long idle = Directory.EnumerateFiles(Path.Combine(leader.ClusterPlace, "raft"), "*", SearchOption.AllDirectories).Sum(static path => new FileInfo(path).Length);
        Assert.That(idle, Is.LessThan(16 << 10), "the library's own log stays empty");
        Assert.That(BlocksOf(members[1]), Is.EqualTo(BlocksOf(members[0])));
        Assert.That(BlocksOf(members[2]), Is.EqualTo(BlocksOf(members[0])));
    }

    [Test]
    public async Task When_the_leader_is_gone_another_leads_and_what_was_committed_is_there()
    {
        RaftMember[] members = await StartClusterAsync(3);
        for (int round = 0; round < 3; round++)
        {
            ulong block = await AppendAsync(members, 3);
            RaftMember leader = await LeaderAsync(members);
            byte[] bytes = Read(leader, block);
            await leader.StopAsync();
            ulong next = await AppendAsync(members, 2);
            RaftMember other = await LeaderAsync(members);
            Assert.That((next > block, other == leader, Read(other, block).AsSpan().SequenceEqual(bytes)), Is.EqualTo((true, false, true)));
            await leader.StartAsync();
            await CommittedAsync(members, next);
        }
    }

    [Test]
    public async Task What_only_the_old_leader_had_is_replaced_and_was_never_acknowledged()
    {
        RaftMember[] members = await StartClusterAsync(3);
        ulong before = await AppendAsync(members, 3);
        await CommittedAsync(members, before);
        RaftMember old = await LeaderAsync(members);
        ulong term = old.Log.LastTerm;
        RaftMember[] others = [.. members.Where(member => member != old)];
        foreach (RaftMember other in others)
            await other.StopAsync();
        await UntilAsync(() => !old.Leads, "a leader without a majority steps down");
        Assert.That(old.Log.CommittedBlock, Is.EqualTo(before));
        await old.StopAsync();
        await old.AppendUnsentAsync(20);
        foreach (RaftMember other in others)
            await other.StartAsync();
        ulong after = await AppendAsync(others, 1);
        await old.StartAsync();
        after = await AppendAsync(members, 1);
        await CommittedAsync(members, after);
        foreach (RaftMember member in members)
            await member.StopAsync();
        Assert.That(BlocksOf(old), Is.EqualTo(BlocksOf(others[0])));
        Assert.That(BlocksOf(old).Count(text => text.Contains($"Payments term {term} ", StringComparison.Ordinal)), Is.AtMost(3), "none of those that nobody else had");
    }

    [Test]
    public async Task A_member_is_added_and_removed_while_payments_come()
    {
        RaftMember first = Make("first");
        MembersFile.Create(first.ClusterPlace, MemberList.Empty.With(first.Address), 0);
        await first.StartAsync();
        List<RaftMember> members = [first];
        await AppendAsync(members, 5);
        for (int i = 0; i < 3; i++)
        {
            RaftMember joining = Make($"joining{i}");
            MembersFile.Create(joining.ClusterPlace, first.Node.MemberList, 0);
            await joining.StartAsync();
            await OnLeaderAsync(members, node => node.AddMemberAsync(joining.Address));
            members.Add(joining);
            ulong block = await AppendAsync(members, 5);
            await CommittedAsync(members, block);
            await UntilAsync(() => members.All(member => member.Node.MemberList.Voters.Count == members.Count), "all know all");
        }

        RaftMember now = await LeaderAsync(members);
        RaftMember leaving = members.First(member => member != now);
        Assert.That(async () => await now.Node.RemoveMemberAsync(now.Address), Throws.TypeOf<ClusterException>().With.Message.Contains("Hand over first"));
        now = await OnLeaderAsync(members.Where(member => member != leaving), node => node.RemoveMemberAsync(leaving.Address));
        await leaving.StopAsync();
        members.Remove(leaving);
        ulong last = await AppendAsync(members, 5);
        await CommittedAsync(members, last);
        Assert.That(now.Node.MemberList.Voters, Has.Count.EqualTo(3));
        Assert.That(now.Node.MemberList.At(leaving.Address), Is.Null);
        await leaving.StartAsync();
        // It may have heard of its removal, and is silent; else it stands for elections, and is refused.
        await UntilAsync(
            () => leaving.Node.MemberList.At(leaving.Address) is null || now.Told.Any(static text => text.Contains("which is no member's", StringComparison.Ordinal)),
            "who was removed is silent or refused",
            () => Stories([now, leaving]));
    }

    [Test]
    public async Task A_node_that_has_every_block_already_is_added_too()
    {
        RaftMember first = Make("first"), second = Make("second");
        MembersFile.Create(first.ClusterPlace, MemberList.Empty.With(first.Address), 0);
        await first.StartAsync();
        await AppendAsync([first], 5);
        await first.StopAsync();
        Directory.Delete(Path.Combine(second.Place, "journal"), recursive: true);
        Directory.CreateDirectory(Path.Combine(second.Place, "journal"));
        foreach (string path in Directory.EnumerateFiles(Path.Combine(first.Place, "journal"), "journal.*").Where(static path => !path.EndsWith(".lock", StringComparison.Ordinal)))
            File.Copy(path, Path.Combine(second.Place, "journal", Path.GetFileName(path)));
        await first.StartAsync();
        MembersFile.Create(second.ClusterPlace, first.Node.MemberList, 0);
        await second.StartAsync();
        await OnLeaderAsync([first], node => node.AddMemberAsync(second.Address));
        await CommittedAsync([first, second], await AppendAsync([first, second], 1));
    }

    [Test]
    public async Task A_learner_is_known_to_all_and_counts_in_no_majority()
    {
        RaftMember[] members = await StartClusterAsync(3);
        var learner = new PinnedEndPoint(IPAddress.Loopback, 1, Digest.From(new byte[32]), ["learner:1"], isLearner: true);
        RaftMember leader = await OnLeaderAsync(members, node => node.AddMemberAsync(learner));
        await UntilAsync(() => members.All(static member => member.Node.MemberList.All.Count == 4), "all know it");
        Assert.That(leader.Node.MemberList.Voters, Has.Count.EqualTo(3));
        await members.First(member => member != leader).StopAsync();
        await AppendAsync(members, 1);
        leader = await OnLeaderAsync(members, node => node.RemoveMemberAsync(learner));
        Assert.That(leader.Node.MemberList.All, Has.Count.EqualTo(3));
    }

    [Test]
    public async Task The_leader_hands_over_to_the_node_that_is_named()
    {
        RaftMember[] members = await StartClusterAsync(3);
        for (int round = 0; round < 3; round++)
        {
            await AppendAsync(members, 3);
            RaftMember leader = await LeaderAsync(members);
            RaftMember target = members.Where(member => member != leader).ElementAt(round % 2);
            Assert.That(await leader.Node.TransferAsync(target.Address), Is.EqualTo(target.Address));
            await UntilAsync(() => target.Leads, "the target leads", () => Stories(members));
            await CommittedAsync(members, await AppendAsync(members, 1));
        }
    }

    [Test]
    public async Task A_node_with_another_key_is_refused_and_both_sides_say_so()
    {
        RaftMember[] members = await StartClusterAsync(3);
        await AppendAsync(members, 1);
        RaftMember follower = members.First(member => !member.Leads);
        await follower.StopAsync();
        Directory.Delete(follower.ClusterPlace, recursive: true);
        NodeIdentity.Create(follower.ClusterPlace, Ledger).Dispose();
        RaftMember other = members.First(member => member != follower);
        MembersFile.Create(follower.ClusterPlace, MemberList.Empty.With(other.Address), 0);
        await follower.StartAsync();
        RaftMember leader = await LeaderAsync(members.Where(member => member != follower));
        await UntilAsync(() => leader.Told.Any(static text => text.Contains("the list of members says", StringComparison.Ordinal)), "the leader says so", () => Stories(members));
        ulong block = await AppendAsync(members.Where(member => member != follower), 1);
        Assert.That(follower.Log.LastBlock, Is.LessThan(block));
    }

    [Test]
    public async Task Two_clusters_that_are_mixed_up_exchange_nothing_and_say_why()
    {
        RaftMember[] members = await StartClusterAsync(3);
        RaftMember stranger = Make("stranger", ledger: 77);
        RaftMember mistaken = members[0];
        MembersFile.Create(stranger.ClusterPlace, MemberList.Empty.With(stranger.Address).With(mistaken.Address), 0);
        await stranger.StartAsync();
        await UntilAsync(
            () => stranger.Told.Any(static text => text.Contains("two clusters are mixed up", StringComparison.Ordinal)), "it says so", () => Stories([stranger, .. members]));
        Assert.That(stranger.Log.LastBlock, Is.Zero);
        await stranger.StopAsync();
        Directory.Delete(Path.Combine(stranger.Place, "journal"), recursive: true);
        FasterJournal.Create(Path.Combine(stranger.Place, "journal"), Ledger, timeNs: 1, "genesis"u8, Small).Dispose();
        Assert.That(async () => await stranger.StartAsync(), Throws.TypeOf<ClusterException>().With.Message.Contains("the folders of two ledgers are mixed up"));
        stranger.Log.Dispose();
    }

    [Test]
    public async Task A_node_that_lacks_what_the_leader_has_cut_away_asks_for_a_seed_and_takes_nothing()
    {
        RaftMember[] members = await StartClusterAsync(3);
        await AppendAsync(members, 1);
        RaftMember leader = await LeaderAsync(members);
        RaftMember follower = members.First(member => member != leader);
        await follower.StopAsync();
        ulong last = 0;
        for (int i = 0; i < 90; i++)
            last = await AppendAsync(members, 16_000);
        string first = Path.Combine(leader.Place, "journal", "journal.log.0");
        File.Delete(first);
        File.Delete(Path.Combine(members.First(member => member != leader && member != follower).Place, "journal", "journal.log.0"));
        Assert.That(leader.Log.FirstBlock, Is.GreaterThan(3UL));
        ulong had = 0;
        await follower.StartAsync();
        had = follower.Log.LastBlock;
        await UntilAsync(() => follower.SeedNeededFrom > 0, "it asks", () => Stories(members));
        Assert.That((follower.SeedNeededFrom, follower.Log.LastBlock), Is.EqualTo((leader.Log.FirstBlock, had)));
        Assert.That(last, Is.GreaterThan(had));
        await AppendAsync(members.Where(member => member != follower), 1);
    }

    [Test]
    public async Task A_change_that_nobody_waits_for_any_more_is_not_overtaken_by_another()
    {
        RaftMember[] members = [Make("a"), Make("b")];
        SlowFiles[] disks = [new(), new()];
        MemberList list = members.Aggregate(MemberList.Empty, static (all, member) => all.With(member.Address));
        foreach ((RaftMember member, SlowFiles disk) in members.Zip(disks))
        {
            member.JournalOptions = Small with { FileCalls = disk };
            MembersFile.Create(member.ClusterPlace, list, 0);
            await member.StartAsync();
        }

        await AppendAsync(members, 1);
        RaftMember leader = await LeaderAsync(members);
        SlowFiles slow = disks[1 - Array.IndexOf(members, leader)];
        PinnedEndPoint[] learners = [.. Enumerable.Range(1, 2).Select(static number => new PinnedEndPoint(IPAddress.Loopback, number, Digest.From(Enumerable.Repeat((byte)number, 32).ToArray()), [], isLearner: true))];
        using var gone = new CancellationTokenSource();
        slow.WriteDelayMs = 1_000;
        ulong before = leader.Log.LastBlock;
        Task first = leader.Node.AddMemberAsync(learners[0], gone.Token);
        await UntilAsync(() => leader.Log.LastBlock > before, "the list is appended");
        await gone.CancelAsync();
        Assert.That(async () => await first, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(leader.Log.CommittedBlock, Is.EqualTo(before), "the other's disk is slow");
        Assert.That(async () => await leader.Node.AddMemberAsync(learners[1]), Throws.TypeOf<ClusterException>().With.Message.Contains("is not committed yet"));
        slow.WriteDelayMs = 0;
        await UntilAsync(() => members.All(member => member.Node.MemberList.All.Count == 3), "the first change", () => Stories(members));
        await OnLeaderAsync(members, node => node.AddMemberAsync(learners[1]));
        await UntilAsync(() => members.All(member => member.Node.MemberList.All.Count == 4), "both", () => Stories(members));
    }

    [Test]
    public async Task A_voter_that_has_forgotten_its_vote_does_not_start()
    {
        RaftMember[] members = await StartClusterAsync(3);
        await AppendAsync(members, 1);
        RaftMember one = members[0];
        await one.StopAsync();
        Directory.Delete(Path.Combine(one.ClusterPlace, "raft"), recursive: true);
        Assert.That(async () => await one.StartAsync(), Throws.TypeOf<ClusterException>().With.Message.Contains("might vote twice"));
        one.Log.Dispose();
        await AppendAsync(members[1..], 1);
    }

    [Test]
    public async Task A_follower_acknowledges_nothing_before_it_is_on_its_disk()
    {
        RaftMember[] members = [Make("a"), Make("b"), Make("c")];
        SlowFiles[] disks = [new(), new(), new()];
        MemberList list = members.Aggregate(MemberList.Empty, static (all, member) => all.With(member.Address));
        foreach ((RaftMember member, SlowFiles disk) in members.Zip(disks))
        {
            member.JournalOptions = Small with { FileCalls = disk };
            MembersFile.Create(member.ClusterPlace, list, 0);
            await member.StartAsync();
        }

        await AppendAsync(members, 1);
        RaftMember leader = await LeaderAsync(members);
        RaftMember[] others = [.. members.Where(member => member != leader)];
        await others[1].StopAsync();
        SlowFiles slow = disks[Array.IndexOf(members, others[0])];
        int early = 0;
        leader.Log.Committed += block =>
        {
            if (others[0].Log.FlushedBlock < block)
                Interlocked.Increment(ref early);
        };
        slow.WriteDelayMs = 150;
        for (int i = 0; i < 4; i++)
            await AppendAsync([leader, others[0]], 10);
        Assert.That(early, Is.Zero);
        Assert.That(slow.Delayed, Is.GreaterThan(3));
        slow.WriteDelayMs = 0;
    }

    [Test]
    public async Task A_follower_that_was_away_catches_up_in_bounded_requests_while_the_leader_goes_on()
    {
        RaftMember[] members = await StartClusterAsync(3);
        await CommittedAsync(members, await AppendAsync(members, 1));
        RaftMember leader = await LeaderAsync(members);
        RaftMember away = members.First(member => member != leader);
        await away.StopAsync();
        for (int i = 0; i < 60; i++)
            await AppendAsync(members, 14_000);
        ulong missed = (await LeaderAsync(members)).Log.LastBlock;
        await away.StartAsync();
        ulong last = await AppendAsync(members, 1);
        await CommittedAsync(members, last);
        Assert.That(last, Is.GreaterThan(missed));
        leader = await LeaderAsync(members);
        if (leader.Node.ProgressOf(away.Address) is { } progress)
            Assert.That(progress.Arena, Has.Length.LessThanOrEqualTo(RaftLog.RequestBytesMax));
        await away.StopAsync();
        await leader.StopAsync();
        Assert.That(BlocksOf(away), Is.EqualTo(BlocksOf(leader)));
    }

    [Test]
    public async Task Five_nodes_go_on_without_two_and_commit_nothing_without_three()
    {
        RaftMember[] members = await StartClusterAsync(5);
        ulong block = await AppendAsync(members, 2);
        RaftMember leader = await LeaderAsync(members);
        RaftMember[] others = [.. members.Where(member => member != leader)];
        await others[0].StopAsync();
        await others[1].StopAsync();
        Assert.That(await AppendAsync(members, 2), Is.GreaterThan(block));
        leader = await LeaderAsync(members);
        await others.First(member => member.IsUp && member != leader).StopAsync();
        ulong committed = leader.Log.CommittedBlock;
        ulong? tried = leader.TryAppend(2);
        await UntilAsync(() => !leader.Leads, "it steps down", () => Stories(members));
        Assert.That((tried is null || tried > committed, leader.Log.CommittedBlock), Is.EqualTo((true, committed)));
        await others[0].StartAsync();
        await CommittedAsync(members, await AppendAsync(members, 2));
    }

    private static byte[] Read(RaftMember member, ulong block)
    {
        byte[] buffer = [];
        int bytes = member.Log.Read(block, ref buffer);
        return buffer[..bytes];
    }
}
