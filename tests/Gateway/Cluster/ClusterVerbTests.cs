using System.Text.RegularExpressions;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;
using Settlement.Engine.Snapshots;
using Settlement.Gateway.Cluster;
using Settlement.Gateway.Init;
using Settlement.Replay;

namespace Settlement.Tests.Gateway.Cluster;

/// <summary>The verbs, and what each says of a user's mistake: one sentence, exit code 2, and nothing changed.</summary>
public sealed partial class ClusterVerbTests
{
    [GeneratedRegex("--secret ([0-9a-f]{40})")]
    private static partial Regex Secret { get; }

    [Test]
    public void A_folder_becomes_a_first_node_once()
    {
        using var member = new LoneMember();
        (int code, _, string error) = member.Cluster("init", "--data", member.Data);
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain("is a node's of a cluster already").And.Contain(member.Founded.Ledger));
    }

    [Test]
    public void Without_a_running_node_there_is_nobody_to_ask()
    {
        using var member = new LoneMember();
        Assert.That(member.Cluster("status", "--data", member.Data).Error, Does.Contain("cannot be reached"));
        Assert.That(member.Cluster("add", "--data", member.PathOf("none")).Error, Does.Contain("is no node's of a cluster"));
    }

    [Test]
    public void A_secret_is_good_once_and_a_copy_is_of_the_ledger()
    {
        using var member = new LoneMember();
        member.StartLeading();
        string secret = Secret.Match(member.Cluster("add", "--data", member.Data).Output).Groups[1].Value;
        Assert.That(secret, Is.Not.Empty);
        string copy = member.PathOf("copy");
        string[] Join(string data, string pin, string with) =>
            ["join", "--data", data, "--address", "127.0.0.1:20004", "--from", member.Founded.Bulk, "--pin", pin, "--secret", with];

        Assert.That(member.Cluster(Join(copy, new string('0', 64), secret)).Error, Does.Contain($"shows the key {member.Pin}").And.Contain("not the one expected"));
        Assert.That(member.Cluster(Join(copy, "abc", secret)).Error, Does.Contain("64 hexadecimal digits"));
        Assert.That(member.Cluster(Join(copy, member.Pin, new string('0', 40))).Error, Does.Contain("The secret is none that this node gave out"));
        (int code, string output, string error) = member.Cluster(Join(copy, member.Pin, secret));
        Assert.That(code, Is.Zero, error);
        Assert.That(output, Does.Contain($"a copy of ledger {member.Founded.Ledger}"));
        Assert.That(File.ReadAllText(Path.Combine(copy, "journal", NodeKeyFile.PrivateName)), Is.EqualTo(File.ReadAllText(Path.Combine(member.Data, "journal", NodeKeyFile.PrivateName))));
        Assert.That(member.Cluster(Join(member.PathOf("second"), member.Pin, secret)).Error, Does.Contain("The secret is none that this node gave out"));
        Assert.That(member.Cluster(Join(copy, member.Pin, secret)).Error, Does.Contain("is a node's of a cluster already"));
    }

    /// <summary>While it reads what it missed it meets lists of old. If one took the place of today's, and today's leader were not in it, the node would refuse the leader for ever.</summary>
    [Test]
    public async Task A_node_that_joins_keeps_the_members_that_it_was_told_while_it_reads_of_earlier_ones()
    {
        const long Stated = 40;
        using var member = new LoneMember();
        MemberList now;
        using (MembersFile file = MembersFile.Open(member.Folder.Path))
            now = file.Members;
        MembersFile.Create(member.Folder.Path, now, Stated);
        member.StartLeading();
        string secret = Secret.Match(member.Cluster("add", "--data", member.Data).Output).Groups[1].Value;
        string copy = member.PathOf("copy");
        (int code, _, string error) = member.Cluster("join", "--data", copy, "--address", "127.0.0.1:20004", "--from", member.Founded.Bulk, "--pin", member.Pin, "--secret", secret);
        Assert.That(code, Is.Zero, error);
        using MembersFile told = MembersFile.Open(new ClusterFolder(copy).Path);
        Assert.That(told.Version, Is.EqualTo(Stated));
        Assert.That(await told.SaveAsync(MemberList.Empty, Stated - 1, CancellationToken.None), Is.False);
        Assert.That(told.Members.All.Select(one => one.Pin.ToString()), Is.EqualTo(new[] { member.Pin }));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_node_that_was_left_behind_begins_anew_from_another_and_keeps_the_seal_key(bool hasSnapshot)
    {
        using var member = new LoneMember();
        member.StartLeading();
        string secret = Secret.Match(member.Cluster("add", "--data", member.Data).Output).Groups[1].Value;
        var copy = new ClusterFolder(member.PathOf("copy"));
        Assert.That(member.Cluster("join", "--data", copy.Data, "--address", "127.0.0.1:20004", "--from", member.Founded.Bulk, "--pin", member.Pin, "--secret", secret).Code, Is.Zero);
        ulong listed;
        using (NodeIdentity identity = NodeIdentity.Load(copy.Path))
        using (var client = new BulkClient(member.Founded.Bulk, member.Pin, identity.Certificate))
        {
            await client.AddMemberAsync(new MemberRequest { Pin = identity.Pin.ToString(), Raft = "127.0.0.1:20004", Clients = "", Learner = true }, CancellationToken.None);
            listed = (await client.StatusAsync(CancellationToken.None)).MembersBlock;
        }

        if (hasSnapshot)
        {
            using var said = new StringWriter();
            Assert.That(ReplayCommand.Run(["snapshot", member.Folder.JournalPath], said, said), Is.Zero, said.ToString());
        }

        var told = new List<string>();
        foreach (string path in new SnapshotStore(member.Folder.JournalPath).Paths())
            await File.WriteAllBytesAsync(Path.Combine(copy.Path, $"seed-{Path.GetFileName(path)}"), new byte[new FileInfo(path).Length]); // an attempt before brought nothing of use
        using var bounded = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await SeedFetch.ReplaceAsync(copy, 0, told.Add, bounded.Token);
        Assert.That(told[0], Does.Contain("is set aside"));
        Assert.That(told[^1], Does.Contain("goes on"));
        Assert.That(SeedFetch.IsUnfinished(copy), Is.False);
        Assert.That(File.Exists(Path.Combine(copy.JournalPath, NodeKeyFile.PrivateName)));
        Assert.That(new SnapshotStore(copy.JournalPath).Paths(), Has.Count.EqualTo(hasSnapshot ? 1 : 0));
        using ReplicaLog log = ReplicaLog.Open(copy.JournalPath, JournalOptions.Default, new DiskSignals(WaitStrategyKind.Phased), out _);
        Assert.That(ClusterFounding.Text(log.LedgerId), Is.EqualTo(member.Founded.Ledger));
        Assert.That(log.LastBlock, hasSnapshot ? Is.Positive : Is.Zero);
        using MembersFile members = MembersFile.Open(copy.Path);
        Assert.That((members.Version, members.Members.All.Count), Is.EqualTo(((long)listed, 2)), "the list that stands before the snapshot");
        Assert.That(listed, Is.Positive);
    }

    [Test]
    public async Task A_ledger_that_was_a_clusters_may_begin_another_whose_members_are_its_own()
    {
        using var member = new LoneMember();
        member.StartLeading();
        using (NodeIdentity identity = NodeIdentity.Load(member.Folder.Path))
        using (var client = new BulkClient(member.Founded.Bulk, member.Pin, identity.Certificate))
            await client.AddMemberAsync(new MemberRequest { Pin = new string('1', 64), Raft = "127.0.0.1:20004", Clients = "", Learner = true }, CancellationToken.None);
        member.Stop();
        Directory.Delete(member.Folder.Path, recursive: true); // as a restored backup is: a journal alone
        ClusterFounding.Found(member.NewOptions(), member.Founded.Raft, member.Founded.Bulk, out string pin);
        member.StartLeading();
        using MembersFile members = MembersFile.Open(member.Folder.Path);
        Assert.That(members.Members.All.Select(static one => one.Pin.ToString()), Is.EqualTo(new[] { pin }));
    }

    [Test]
    public void A_journal_that_is_being_replaced_is_no_ledger_to_recover_from_and_one_that_was_is_taken_away()
    {
        using var member = new LoneMember();
        Directory.CreateDirectory(SeedFetch.AsidePath(member.Folder));
        (int code, _, string error) = member.Cluster("recover", "--data", member.Data, "--confirm", member.Founded.Ledger);
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain(SeedFetch.AsidePath(member.Folder)));
        string discarded = member.Folder.JournalPath + ".discarded";
        Directory.Move(SeedFetch.AsidePath(member.Folder), discarded); // the last step but one; a crash comes before the last
        Assert.That(SeedFetch.IsUnfinished(member.Folder), Is.False);
        SeedFetch.Tidy(member.Folder);
        Assert.That((Directory.Exists(discarded), Directory.Exists(member.Folder.JournalPath)), Is.EqualTo((false, true)));
    }

    [Test]
    public void A_folder_with_another_ledger_is_left_alone()
    {
        using var member = new LoneMember();
        member.StartLeading();
        string other = member.PathOf("other");
        FoundedLedger ledger = LedgerFounding.Found(Path.Combine(other, "journal"), null, 4_096, BlockClock.System);
        (int code, _, string error) = member.Cluster(
            "join", "--data", other, "--address", "127.0.0.1:20004", "--from", member.Founded.Bulk, "--pin", member.Pin, "--secret", new string('0', 40));
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain($"holds ledger {ClusterFounding.Text(ledger.LedgerId)}").And.Contain(member.Founded.Ledger));
        Assert.That(new ClusterFolder(other).Exists, Is.False);
    }

    [Test]
    public void Two_ledgers_put_together_are_found_out()
    {
        using var member = new LoneMember();
        Directory.Delete(member.Folder.JournalPath, recursive: true);
        LedgerFounding.Found(member.Folder.JournalPath, null, 4_096, BlockClock.System);
        Assert.That(member.Start, Throws.Exception.With.Message.Contains("the folders of two ledgers are mixed up"));
    }

    [Test]
    public void A_lost_journal_is_not_made_up_for()
    {
        using var member = new LoneMember();
        Directory.Delete(member.Folder.JournalPath, recursive: true);
        Assert.That(member.Start, Throws.Exception.With.Message.Contains("its journal is gone").And.Message.Contains("join again"));
    }

    [Test]
    public void A_taken_port_is_said()
    {
        using var member = new LoneMember();
        using var taken = new System.Net.Sockets.TcpListener(ClusterNode.EndPointOf(member.Founded.Bulk));
        taken.Start();
        Assert.That(member.Start, Throws.InstanceOf<ClusterException>().With.Message.Contains($"The bulk port {member.Founded.Bulk} cannot be listened on"));
    }

    [Test]
    public void Recovery_says_what_may_be_lost_and_wants_the_ledgers_id()
    {
        using var member = new LoneMember();
        member.StartLeading();
        member.Stop();
        member.AddAbsentVoter();
        (int code, string output, string error) = member.Cluster("recover", "--data", member.Data);
        Assert.That(code, Is.EqualTo(2));
        Assert.That(output, Does.Contain("LOST").And.Contain("TWO ledgers"));
        Assert.That(error, Does.Contain($"--confirm {member.Founded.Ledger}"));
        Assert.That(member.Cluster("recover", "--data", member.Data, "--confirm", "yes").Code, Is.EqualTo(2));
        Assert.That(VotersOf(member), Is.EqualTo(2));
        Assert.That(member.Cluster("recover", "--data", member.Data, "--confirm", member.Founded.Ledger).Code, Is.Zero);
        Assert.That(VotersOf(member), Is.EqualTo(1));
        member.StartLeading();
        Assert.That(member.Cluster("recover", "--data", member.Data, "--confirm", member.Founded.Ledger).Code, Is.EqualTo(2), "while it runs");
    }

    private static int VotersOf(LoneMember member)
    {
        using MembersFile file = MembersFile.Open(member.Folder.Path);
        return file.Members.Voters.Count;
    }
}
