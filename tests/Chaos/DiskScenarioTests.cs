using Settlement.Engine.Journal;
using Settlement.Gateway.Settle;
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
    public async Task A_write_error_stops_the_node_that_met_it_and_another_leads([Values] bool atLeader)
    {
        SkipUnless(CallFault.WhyNot());
        await using ClusterScenario scenario = await ClusterScenario.StartAsync();
        for (int round = 0; round < ClusterScenario.Rounds; round++)
        {
            ClusterMember failing = await SomeAsync(scenario, atLeader);
            using (CallFault.Fail(failing.ProcessId, "EIO"))
                AssertStops(scenario, failing, "errno 5");
            await GoOnWithoutAsync(scenario, failing);
        }

        await scenario.EndAsync();
    }

    [Test, CancelAfter(900_000)]
    public async Task A_full_disk_stops_the_node_that_has_it_and_the_node_goes_on_when_there_is_room([Values] bool atLeader)
    {
        SkipUnless(DiskImage.WhyNot());
        await using ClusterScenario scenario = await ClusterScenario.StartAsync(hasDisks: true);
        for (int round = 0; round < ClusterScenario.Rounds; round++)
        {
            ClusterMember full = await SomeAsync(scenario, atLeader);
            scenario.Cluster.Disks[full.Number].Fill();
            AssertStops(scenario, full, "errno 28|no space left|disk full");
            scenario.Cluster.Disks[full.Number].Empty();
            await GoOnWithoutAsync(scenario, full);
        }

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
        ClusterMember flipped = scenario.Cluster.Followers().First(member => member != scenario.Cluster.Members[^1]); // it may be made anew, and the last one's journal is there from the beginning
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
        LocalCluster.WaitUntil(() => flipped.WaitForExit(0) is not null || (isBack = flipped.Status() is { IsReady: true }), 240_000, () => $"{flipped.Name} neither stops nor is back: {flipped.LastWords}");
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

    /// <summary>The leader, or one that follows, while payments come.</summary>
    private static async Task<ClusterMember> SomeAsync(ClusterScenario scenario, bool isLeader)
    {
        await scenario.AnswersAsync(300);
        scenario.Cluster.WaitAllReady();
        ClusterMember leader = scenario.Cluster.WaitLeader();
        return isLeader ? leader : scenario.Cluster.Followers().First();
    }

    /// <summary>In order, with its own exit code, and its last words say what its disk said.</summary>
    private static void AssertStops(ClusterScenario scenario, ClusterMember failing, string words)
    {
        Assert.That(failing.WaitForExit(240_000), Is.EqualTo(SettleCommand.ExitEngineStopped), () => $"{failing.Name}: {failing.LastWords}; {scenario.Cluster.Describe()}");
        Assert.That(failing.LastWords, Does.Match($"(?i){words}"));
    }

    /// <summary>Another leads, payments go on, and the node comes back.</summary>
    private static async Task GoOnWithoutAsync(ClusterScenario scenario, ClusterMember stopped)
    {
        scenario.Cluster.WaitLeader(butNot: stopped);
        await scenario.AnswersAsync(300);
        stopped.Start();
        scenario.Cluster.WaitAllReady();
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
