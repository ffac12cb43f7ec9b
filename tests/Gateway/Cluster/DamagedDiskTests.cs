using Settlement.Client;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Gateway.Cluster;
using Settlement.Perf.Wire;
using Settlement.Replay;

namespace Settlement.Tests.Gateway.Cluster;

/// <summary>Three nodes as processes, whose disks forget: what is damaged while they run, or while they are down, is as it was before, byte for byte.</summary>
[Category(LongRun.Category)]
[Platform(Exclude = "Win", Reason = "processes are told to stop by a signal")]
internal sealed class DamagedDiskTests
{
    private const int RepairMsMax = 120_000;

    [Test, CancelAfter(600_000)]
    public async Task A_bit_that_flips_at_a_leader_at_a_follower_and_at_a_node_that_is_down_is_put_back()
    {
        using var cluster = new TrialCluster(("SETTLEMENT__AUDIT__PAUSESECONDS", "1"), ("SETTLEMENT__AUDIT__BYTESPERSECOND", "67108864"));
        var ledger = new WireLedger(wallets: 1_000);
        await using (SettlementClient client = await SettlementClient.ConnectAsync(cluster.ClientOptions))
        {
            await ledger.SetUpAsync(client);
            await using PaymentWriter writer = await client.OpenWriterAsync(9_002, new WriterOptions { UnderWayMax = 2_000, OnVerdicts = (_, _) => { } });
            await writer.WriteAsync(ledger.NewPayments(4_000));
            await writer.CompleteAsync();
        }

        cluster.AwaitEqual();
        int leader = cluster.Leader();
        int follower = 1 + (leader % TrialCluster.Nodes);
        int down = 1 + (follower % TrialCluster.Nodes);
        foreach (int node in (int[])[follower, leader])
        {
            byte[] whole = Flip(cluster, node, out string path);
            TrialCluster.Wait(() => cluster.Status(node) is { RepairedBlocks: > 0, Damage: null }, RepairMsMax, $"node {node} finds and repairs it");
            Assert.That(File.ReadAllBytes(path).AsSpan(0, whole.Length).SequenceEqual(whole), $"node {node}: byte for byte");
            Assert.That(cluster.Status(node), Has.Property(nameof(StatusReport.DamagedBlocks)).EqualTo(1));
        }

        cluster.Kill(down);
        byte[] before = Flip(cluster, down, out string file);
        cluster.Restart(down);
        Assert.That(cluster.Said, Does.Contain("is damaged at block").And.Contain("The other members are asked").And.Contain("It was repaired from the node at"));
        Assert.That(File.ReadAllBytes(file).AsSpan(0, before.Length).SequenceEqual(before), "byte for byte");
        cluster.AwaitEqual();
        cluster.Stop();
        for (int node = 1; node <= TrialCluster.Nodes; node++)
        {
            using var output = new StringWriter();
            Assert.That(ReplayCommand.Run(["verify", Path.Combine(cluster.FolderOf(node), "journal")], output, output), Is.Zero, $"node {node}: {output}");
        }
    }

    /// <summary>Flips a bit in the middle of a block that is neither the first nor among the last.</summary>
    /// <returns>The file as it was, up to where the log writes no more.</returns>
    private static byte[] Flip(TrialCluster cluster, int node, out string path)
    {
        string journal = Path.Combine(cluster.FolderOf(node), "journal");
        var places = new List<(long Offset, int Bytes)>();
        using (JournalReader reader = JournalReader.Open(journal))
        {
            while (reader.Next())
                places.Add((reader.FileOffset, BlockHeader.Size + reader.Body.Length));
            path = reader.File;
        }

        (long offset, int bytes) = places[..^3].Skip(2).MaxBy(static place => place.Bytes);
        byte[] whole = File.ReadAllBytes(path)[..(int)(places[^1].Offset & -4096)];
        Assert.That(offset + bytes, Is.LessThan(whole.Length));
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.Write(file, [(byte)(whole[offset + 4 + (bytes / 2)] ^ 0x10)], offset + 4 + (bytes / 2));
        return whole;
    }
}
