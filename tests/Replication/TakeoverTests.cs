using Settlement.Engine.Domain;
using Settlement.Engine.Snapshots;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replication;

/// <summary>
/// Generated histories through a cluster whose leader changes at random: whatever was told is what one journal says, every member has the state of that journal, and the naive
/// twin decides as all of them did.
/// </summary>
[TestFixture]
public sealed class TakeoverTests
{
    private const long SkewNsMax = 2_000_000_000;

    [TestCase(3, false)]
    [TestCase(3, true)]
    [TestCase(2, false)]
    [CancelAfter(120_000)]
    public void Whatever_leaders_change_there_is_one_history(int members, bool withSnapshots) => Run(PrintedSeed.Next(), members, withSnapshots, payments: 6_000);

    [Test, Category(LongRun.Category)]
    public void Ever_new_clusters_have_one_history_each()
    {
        int seed = PrintedSeed.Next();
        var time = new LongRun();
        for (int round = 0; time.MayGoOn(round); round++)
            Run(seed + round, 2 + (round % 2), round % 3 == 0, payments: 10_000);
    }

    private static void Run(int seed, int members, bool withSnapshots, int payments)
    {
        TestContext.Out.WriteLine($"seed {seed}, {members} members, snapshots {withSnapshots}");
        var random = new Random(seed);
        var rules = new SharedRules();
        var generator = new StreamGenerator((ulong)seed, payments, rules, rules.Encode, consents: true);
        SnapshotOptions? snapshots = withSnapshots ? new SnapshotOptions { EveryJournalBytes = 200_000, WriteBytesPerSecondMax = 0, IdMemoryBytes = Engine.Dedup.Deduplicator.IdMemoryBytesMin } : null;
        using var cluster = new SmallCluster(members, generator.Genesis, random, SkewNsMax, snapshots: snapshots, ledgerId: 0);
        var client = new ClusterClient();
        client.Follow(cluster, cluster.Elect());
        int changes = 0, claims = 0;
        foreach (GeneratedBlock block in generator.Blocks())
        {
            if (block.Header.Kind == BlockKind.Genesis)
                continue;
            if (block.Header.TimeNs > cluster.Clock.NowNs)
                cluster.Clock.Add(block.Header.TimeNs - cluster.Clock.NowNs);
            if (block.Slots.Length > 0)
                client.Submit(block.Slots, block.Evidence);
            // Most of the cast must be there before accounts are of use to anybody.
            if (++claims < 12 || random.Next(5) != 0)
                continue;
            Change(cluster, client, random);
            changes++;
            if (random.Next(3) == 0)
            {
                Assert.That(client.TryAwaitAll(TimeSpan.FromSeconds(30)), "a claim is not answered");
                ExpectSameStatesSomewhen(cluster);
            }

            client.SendAgain(random, random.Next(3));
        }

        foreach (SmallMember member in cluster.Members)
            cluster.SetReachable(member, true);
        Assert.That(client.TryAwaitAll(TimeSpan.FromSeconds(30)), "a claim is not answered");
        using Engine.BlockReplay replay = ClusterHistory.ExpectOneHistory(cluster, client, generator.Genesis, rules.Fresh());
        int duplicates = client.Told.Values.Count(told => told.Outcome.Verdict == Verdict.Duplicate);
        TestContext.Out.WriteLine($"{changes} changes of leaders, {client.SentAgain} claims sent again, {cluster.BlocksReplaced} blocks replaced, {duplicates} duplicates, {client.Told.Count} outcomes told, block {cluster.Members[0].Log.LastBlock}");
        Assert.That(changes, Is.GreaterThan(5));
    }

    private static void ExpectSameStatesSomewhen(SmallCluster cluster) => ClusterHistory.ExpectSameStates(cluster);

    private static void Change(SmallCluster cluster, ClusterClient client, Random random)
    {
        foreach (SmallMember member in cluster.Members)
            cluster.SetReachable(member, true);
        SmallMember old = cluster.Leader ?? cluster.Members[0];
        switch (random.Next(4))
        {
            case 0 when cluster.Members.Length > 2:
                // Cut off: it goes on by itself, and what it appends then is replaced.
                cluster.SetReachable(old, false);
                client.SendAgain(random, random.Next(4));
                Thread.Sleep(random.Next(10));
                break;
            case 1:
                cluster.Restart(cluster.Members[random.Next(cluster.Members.Length)]);
                break;
            case 2:
                Thread.Sleep(random.Next(10));
                break;
            default:
                break;
        }

        client.Follow(cluster, cluster.Elect());
    }
}
