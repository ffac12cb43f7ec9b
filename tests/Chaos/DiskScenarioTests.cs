using Settlement.Engine.Journal;
using Settlement.History;
using Settlement.Perf.Cluster;

namespace Settlement.Tests.Chaos;

/// <summary>
/// One node's disk fails under load: the node stops, or repairs itself from the others, and never serves or ships what it cannot verify; the others go on. A node that stops for good is made anew,
/// as an operator would.
/// </summary>
[Category(LongRun.Category), NonParallelizable]
internal sealed class DiskScenarioTests
{
    [Test, CancelAfter(900_000)]
    public async Task A_write_error_stops_the_node_that_met_it([Values] bool atLeader)
    {
        SkipUnless(CallFault.WhyNot());
        await using ClusterScenario scenario = await ClusterScenario.StartAsync();
        await scenario.AnswersAsync(300);
        ClusterMember leader = scenario.Cluster.WaitLeader();
        ClusterMember failing = atLeader ? leader : scenario.Cluster.Followers().First();
        using (CallFault.Fail(failing.ProcessId, "EIO"))
            Assert.That(failing.WaitForExit(60_000), Is.Not.Null.And.Not.Zero, $"{failing.Name} goes on: {failing.LastWords}");
        await scenario.AnswersAsync(300);
        failing.Start();
        scenario.Cluster.WaitAllReady();
        await scenario.EndAsync();
    }

    [Test, CancelAfter(900_000)]
    public async Task A_full_disk_stops_the_node_that_has_it_and_the_node_goes_on_when_there_is_room()
    {
        SkipUnless(DiskImage.WhyNot());
        await using ClusterScenario scenario = await ClusterScenario.StartAsync(hasDisk: true);
        await scenario.AnswersAsync(300);
        ClusterMember full = scenario.Cluster.Members[^1];
        scenario.Cluster.Disk!.Fill();
        int? code = null;
        for (int tries = 0; tries < 60 && code is null; tries++)
        {
            await scenario.AnswersAsync(200); // the others go on
            code = full.WaitForExit(1_000); // space that was set aside before may last a while
        }

        Assert.That(code, Is.Not.Null.And.Not.Zero, $"{full.Name} goes on: {full.LastWords}");
        scenario.Cluster.Disk.Empty();
        full.Start();
        scenario.Cluster.WaitAllReady();
        await scenario.EndAsync();
    }

    [Test, CancelAfter(900_000)]
    public async Task A_torn_last_sector_is_mended()
    {
        await using ClusterScenario scenario = await ClusterScenario.StartAsync();
        for (int round = 0; round < ClusterScenario.Rounds; round++)
        {
            await scenario.AnswersAsync(300);
            ClusterMember torn = scenario.Cluster.Followers().First();
            torn.Kill();
            (string file, long offset) = PlaceOf(torn.Journal, reader => reader.End!.DataEndAddress - 1);
            int bytes = (int)(offset % 512 / 2) + 1;
            Overwrite(file, offset - bytes + 1, new byte[bytes]);
            torn.Start();
            scenario.Cluster.WaitAllReady();
        }

        await scenario.EndAsync();
    }

    [Test, CancelAfter(900_000)]
    public async Task A_flipped_bit_is_repaired_or_stops_the_node()
    {
        await using ClusterScenario scenario = await ClusterScenario.StartAsync();
        await scenario.AnswersAsync(1_000);
        ClusterMember flipped = scenario.Cluster.Followers().First();
        flipped.Kill();
        (string file, long offset) = PlaceOf(flipped.Journal, reader => reader.Address / 2);
        byte[] one = new byte[1];
        using (FileStream journal = File.OpenRead(file))
        {
            journal.Seek(offset, SeekOrigin.Begin);
            journal.ReadExactly(one);
        }

        Overwrite(file, offset, [(byte)(one[0] ^ (1 << scenario.Random.Next(8)))]);
        flipped.Start();
        bool isBack = false;
        LocalCluster.WaitUntil(() => flipped.WaitForExit(0) is not null || (isBack = flipped.Status() is { IsReady: true }), 60_000, () => $"{flipped.Name} neither stops nor is back: {flipped.LastWords}");
        TestContext.Out.WriteLine(isBack ? "repaired" : $"stopped: {flipped.LastWords}");
        await scenario.AnswersAsync(300);
        if (!isBack)
        {
            Assert.That(flipped.WaitForExit(0), Is.Not.Zero);
            flipped.Wipe();
            scenario.Cluster.Rejoin(flipped);
        }

        scenario.Cluster.WaitAllReady();
        await scenario.EndAsync();
    }

    /// <summary>Where an address of a stopped node's journal is.</summary>
    private static (string File, long Offset) PlaceOf(string journal, Func<JournalReader, long> addressOf)
    {
        using JournalReader reader = Journals.Open(journal);
        long last = 0;
        while (reader.Next())
            last = reader.Address;
        Assert.That(last, Is.Positive);
        long address = addressOf(reader);
        return (reader.FileOf(address), reader.OffsetOf(address));
    }

    private static void Overwrite(string file, long offset, byte[] bytes)
    {
        using FileStream journal = File.OpenWrite(file);
        journal.Seek(offset, SeekOrigin.Begin);
        journal.Write(bytes);
        journal.Flush(flushToDisk: true);
    }

    private static void SkipUnless(string? whyNot)
    {
        if (whyNot is not null)
            Assert.Ignore(whyNot);
    }
}
