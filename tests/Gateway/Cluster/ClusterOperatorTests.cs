using Settlement.Engine.Replication;
using Settlement.Gateway.Cluster;
using Settlement.Gateway.Settle;
using Settlement.Replay;
using UsageException = Settlement.Gateway.Settle.UsageException;

namespace Settlement.Tests.Gateway.Cluster;

/// <summary>What an operator does to a cluster that runs, by right or by mistake, and what its nodes make of it.</summary>
public sealed class ClusterOperatorTests
{
    [Test]
    public void A_removed_node_ends_by_itself_and_is_not_served_again([Values] bool wasAway)
    {
        using var cluster = new HostedCluster(3);
        if (wasAway)
            cluster.Stop(3);
        cluster.Do("remove", "--data", cluster.FolderOf(1), cluster.RaftOf(3));
        ulong term = cluster.Status(cluster.Leader())!.Term;
        if (wasAway)
            cluster.Start(3);
        using var error = new StringWriter();
        Assert.That(cluster.AwaitEnd(3, error), Is.EqualTo(SettleCommand.ExitUnusable));
        Assert.That(error.ToString(), Does.Contain("no member of the cluster any more").And.Contain("cluster add"));
        Assert.That(() => cluster.Start(3), Throws.InstanceOf<UsageException>().With.Message.Contains("is not served any more"));
        Assert.That(cluster.Status(cluster.Leader())!.Term, Is.EqualTo(term), "it disturbed nobody");
        (int code, _, string refused) = cluster.Verb("remove", "--data", cluster.FolderOf(1), cluster.RaftOf(3));
        Assert.That((code, refused), Is.EqualTo((2, $"'{cluster.RaftOf(3)}' is no member's address or pin: `cluster status` shows them.{Environment.NewLine}")));
    }

    [Test]
    public void Without_a_quorum_every_change_is_refused_in_bounded_time_and_the_way_out_is_said()
    {
        using var cluster = new HostedCluster(2);
        cluster.Stop(2);
        HostedCluster.Wait(() => cluster.Verb("remove", "--data", cluster.FolderOf(1), cluster.RaftOf(2)) is { Code: 2 } said && said.Error.Contains("cluster recover", StringComparison.Ordinal), "it says so");
        (int code, _, string error) = cluster.Verb("transfer", "--data", cluster.FolderOf(1));
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain("2 of the 2 voters").And.Contain("cluster recover"), error);
    }

    [Test]
    public void A_handover_to_nobody_who_could_lead_is_refused_and_the_leader_goes_on()
    {
        using var cluster = new HostedCluster(2);
        cluster.Join(3, isLearner: true);
        cluster.Start(3);
        HostedCluster.Wait(() => cluster.Status(1) is { Members.Count: 3 } && cluster.Status(3) is { Members.Count: 3 } && cluster.Of(3).Services.Engine.IsCaughtUp, "the learner is known, and fed");
        cluster.Do("transfer", "--data", cluster.FolderOf(2), "--to", cluster.RaftOf(1));
        Assert.That(cluster.Leader(), Is.EqualTo(1));
        ulong term = cluster.Status(1)!.Term;
        Assert.That(cluster.Verb("transfer", "--data", cluster.FolderOf(1), "--to", cluster.RaftOf(3)).Error, Does.Contain("is a learner"));
        Assert.That(cluster.Verb("transfer", "--data", cluster.FolderOf(1), "--to", "127.0.0.1:1").Error, Does.Contain("is no member's address or pin"));
        cluster.Do("transfer", "--data", cluster.FolderOf(3), "--to", cluster.RaftOf(1)); // it leads already, and a learner may ask
        Assert.That(cluster.Verb("remove", "--data", cluster.FolderOf(2), cluster.RaftOf(1)).Error, Does.Contain("Hand over first"));
        Assert.That((cluster.Leader(), cluster.Status(1)!.Term), Is.EqualTo((1, term)));
        StatusReport asked = cluster.StatusOf(2)!;
        Assert.That(asked.Members.Single(static member => member.IsSelf).Raft, Is.EqualTo(cluster.RaftOf(2)), "a follower's status is its own");
        Assert.That(asked.Members.Where(static member => !member.IsLearner).Select(static member => member.LagBlocks), Has.Exactly(2).Not.Null, "and says what only the leader knows");
        using var error = new StringWriter();
        cluster.Do("remove", "--data", cluster.FolderOf(2), cluster.RaftOf(3));
        Assert.That(cluster.AwaitEnd(3, error), Is.EqualTo(SettleCommand.ExitUnusable), "a removed learner ends, too");
        Assert.That(error.ToString(), Does.Contain("no member of the cluster any more"));
    }

    [Test]
    public void Those_whom_a_recovery_left_behind_end_when_they_reach_the_node_that_was_recovered()
    {
        using var cluster = new HostedCluster(3);
        for (int node = 1; node <= 3; node++)
            cluster.Stop(node);
        Assert.That(cluster.Verb("recover", "--data", cluster.FolderOf(1), "--confirm", cluster.Ledger).Code, Is.Zero);
        cluster.Start(1);
        HostedCluster.Wait(() => cluster.Of(1).Services.Engine.IsReady, "it leads alone");
        for (int node = 2; node <= 3; node++)
        {
            using var error = new StringWriter();
            cluster.Start(node);
            Assert.That(cluster.AwaitEnd(node, error), Is.EqualTo(SettleCommand.ExitUnusable));
            Assert.That(error.ToString(), Does.Contain("was made a cluster of its own"));
        }

        Assert.That(cluster.Status(1), Has.Property("Role").EqualTo("leader").And.Property("Members").Count.EqualTo(1));
    }

    [Test]
    public void A_recovery_of_one_that_was_only_cut_off_does_not_end_the_others()
    {
        using var cluster = new HostedCluster(3);
        cluster.Stop(1);
        Assert.That(cluster.Verb("recover", "--data", cluster.FolderOf(1), "--confirm", cluster.Ledger).Code, Is.Zero);
        cluster.Start(1);
        HostedCluster.Wait(() => cluster.Of(1).Services.Engine.IsReady, "it leads alone");
        cluster.Stop(2);
        cluster.Start(2);
        HostedCluster.Wait(() => cluster.Of(3).Services.Engine.IsReady || cluster.Of(2).Services.Engine.IsReady, "the two go on");
        Assert.That((cluster.Of(2).Cluster!.Removal, cluster.Of(3).Cluster!.Removal), Is.EqualTo(((string?)null, (string?)null)));
        Assert.That(cluster.Status(1)!.Members, Has.Count.EqualTo(1), "and take no part in its ledger");
    }

    [Test]
    public void An_older_copy_of_a_journal_is_found_out()
    {
        using var cluster = new HostedCluster(3);
        cluster.Stop(3);
        string journal = cluster.Folder(3).JournalPath, copy = cluster.PathOf("copy");
        Copy(journal, copy);
        cluster.Start(3);
        cluster.Do("transfer", "--data", cluster.FolderOf(1), "--to", cluster.RaftOf(2));
        ulong committed = cluster.Status(cluster.Leader())!.CommittedBlock;
        HostedCluster.Wait(() => cluster.Status(3)!.CommittedBlock >= committed, "it has what came since");
        cluster.Stop(3);
        Directory.Delete(journal, recursive: true);
        Copy(copy, journal);
        Assert.That(() => cluster.Start(3), Throws.InstanceOf<UsageException>().With.Message.Contains("an older copy was put in its place").And.Message.Contains("cluster remove"));
    }

    [Test]
    public void Tools_that_write_for_a_single_node_leave_a_members_journal_alone_and_those_that_read_read_it()
    {
        using var cluster = new HostedCluster(1);
        string journal = cluster.Folder(1).JournalPath;
        string Replay(params string[] words)
        {
            using var said = new StringWriter();
            return ReplayCommand.Run(words, said, said) == 0 ? "" : said.ToString();
        }

        for (int round = 0; round < 2; round++)
        {
            Assert.That(Replay("verify", journal), Is.Empty);
            Assert.That(Replay("snapshot", journal), Is.Empty);
            Assert.That(Replay("backup", journal, cluster.PathOf($"backup{round}")), Is.Empty);
            if (round == 0)
                cluster.Stop(1);
        }

        using var output = new StringWriter();
        using var error = new StringWriter();
        Assert.That(SettleCommand.Create(output, error).Parse(["--journal", journal, Path.Combine(Repository.PathOf("gateway"), "sample", "payments.csv")]).Invoke(), Is.EqualTo(SettleCommand.ExitUnusable));
        Assert.That(error.ToString(), Does.Contain("is a cluster's"));
        cluster.Start(1);
        HostedCluster.Wait(() => cluster.Of(1).Services.Engine.IsReady, "it leads as before");
    }

    [TestCase("0.0.0.0:7720")]
    [TestCase("[::]:7720")]
    [TestCase("[::ffff:10.0.0.1]:7720")]
    [TestCase("224.0.0.1:7720")]
    [TestCase("255.255.255.255:7720")]
    [TestCase("localhost:7720")]
    [TestCase("10.0.0.1")]
    [TestCase("10.0.0.1:0")]
    [TestCase("")]
    public void An_address_at_which_nobody_could_reach_the_node_is_refused(string address)
    {
        using var folder = new TemporaryFolder();
        using var output = new StringWriter();
        using var error = new StringWriter();
        Assert.That(ClusterVerbs.Create(output, error).Parse(["init", "--data", folder.PathOf("node"), "--address", address]).Invoke(), Is.EqualTo(2));
        Assert.That(error.ToString(), Does.Contain("an IP address and a port at which the other nodes reach this one are expected"));
        Assert.That(Directory.Exists(folder.PathOf("node")), Is.False);
    }

    [Test]
    public void An_address_of_version_6_is_one()
    {
        Assert.That(ClusterNode.EndPointOf("[fd00::1]:7720").ToString(), Is.EqualTo("[fd00::1]:7720"));
        Assert.That(() => ClusterNode.EndPointOf("fd00::1:7720"), Throws.InstanceOf<UsageException>());
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string path in Directory.EnumerateFiles(from))
            File.Copy(path, Path.Combine(to, Path.GetFileName(path)));
    }
}
