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
            foreach (Payment[] claim in ClaimsOf(block, random))
            {
                client.Submit(claim, claim == block.Slots ? block.Evidence : []);
                if (++claims < 20 || random.Next(12) != 0)
                    continue;
                Change(cluster, client, random);
                changes++;
                if (random.Next(3) == 0)
                {
                    Assert.That(client.TryAwaitAll(TimeSpan.FromSeconds(30)), "a claim is not answered");
                    ClusterHistory.ExpectSameStates(cluster, client);
                }

                client.SendAgain(random, random.Next(3));
            }
        }

        for (; changes < 6; changes++)
        {
            client.SendAgain(random, 4);
            Change(cluster, client, random);
        }

        foreach (SmallMember member in cluster.Members)
            cluster.SetReachable(member, true);
        client.Resend();
        Assert.That(client.TryAwaitAll(TimeSpan.FromSeconds(30)), "a claim is not answered");
        using Engine.BlockReplay replay = ClusterHistory.ExpectOneHistory(cluster, client, generator.Genesis, rules.Fresh());
        int duplicates = client.Told.Values.Count(told => told.Outcome.Verdict == Verdict.Duplicate);
        TestContext.Out.WriteLine($"{changes} changes of leaders, {client.SentAgain} claims sent again, {cluster.BlocksReplaced} blocks replaced, {duplicates} duplicates, {client.Told.Count} outcomes told, block {cluster.Members[0].Log.LastBlock}");
        Assert.That(duplicates, Is.GreaterThan(0));
    }

    /// <summary>As the generator cut them, or smaller, and then without evidence, which is about a whole block.</summary>
    private static List<Payment[]> ClaimsOf(GeneratedBlock block, Random random)
    {
        if (block.Header.Kind != BlockKind.Payments || (block.Evidence.Length > 0 && random.Next(3) == 0))
            return block.Slots.Length > 0 ? [block.Slots] : [];
        var claims = new List<Payment[]>();
        for (int done = 0; done < block.Slots.Length; done += claims[^1].Length)
            claims.Add(block.Slots[done..Math.Min(block.Slots.Length, done + random.Next(1, 120))]);
        return claims;
    }

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
