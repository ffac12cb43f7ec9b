using System.Diagnostics;
using Settlement.Client;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Gateway.Cluster;
using Settlement.Perf.Chaos;
using Settlement.Perf.Cluster;

namespace Settlement.Tests.Chaos;

/// <summary>
/// What a replicated journal must survive, with real processes: each scenario breaks three nodes under load in one way, and ends with the outside checker. SETTLEMENT_SCENARIO_ROUNDS says how
/// often each goes round: 1, on nodes that most of them share, or as often as wanted (./run.ps1 scenarios -Rounds 10), each on its own. Nothing is asserted of how long anything takes.
/// </summary>
[Category(LongRun.Category), NonParallelizable]
internal sealed class ScenarioTests
{
    private const int MemoryMegabytesMax = 1_500;

    [Test, CancelAfter(600_000)]
    public async Task Acknowledged_means_flushed_by_a_quorum()
    {
        SkipUnless(CallFault.WhyNot());
        await using ClusterScenario scenario = await ClusterScenario.StartAsync(perSecond: 0);
        for (int round = 0; round < ClusterScenario.Rounds; round++)
        {
            ClusterMember leader = scenario.Cluster.WaitLeader();
            ClusterMember[] followers = [.. scenario.Cluster.Followers()];
            followers[1].Kill();
            PaymentId id = await PayOnceAsync(scenario, followers[0]);
            // Both nodes that had it are gone at once; the one of them with the slow disk must have had it on that disk.
            leader.Kill();
            followers[0].Kill();
            followers[0].Start();
            followers[1].Start();
            scenario.Cluster.WaitLeader();
            await using SettlementClient client = await ConnectAsync(scenario);
            FoundPayment[] found = await client.FindAsync([id]);
            Assert.That(found[0].Knowledge, Is.EqualTo(IdKnowledge.Decided));
            leader.Start();
            scenario.Cluster.WaitAllReady();
        }

        await scenario.EndAsync();
    }

    [Test, CancelAfter(1_800_000)]
    public async Task Leader_and_follower_die_under_the_load_of_a_dozen_writers_while_the_third_is_down()
    {
        await using ClusterScenario scenario = await ClusterScenario.StartAsync(streams: 4);
        for (int round = 0; round < ClusterScenario.Rounds; round++)
        {
            ClusterMember leader = scenario.Cluster.WaitLeader();
            ClusterMember[] followers = [.. scenario.Cluster.Followers()];
            followers[1].Kill();
            await scenario.AnswersAsync(500);
            await Task.Delay(scenario.Random.Next(300));
            leader.Kill();
            followers[0].Kill();
            followers[0].Start();
            followers[1].Start();
            await scenario.AnswersAsync(500);
            leader.Start();
            scenario.Cluster.WaitAllReady();
        }

        await scenario.EndAsync();
    }

    [Test, CancelAfter(1_800_000)]
    public async Task The_leader_dies_under_load_and_another_takes_over()
    {
        await using ClusterScenario scenario = await ClusterScenario.StartAsync();
        ulong before = Terms(scenario);
        for (int round = 0; round < ClusterScenario.Rounds; round++)
        {
            await scenario.AnswersAsync(500);
            ClusterMember leader = scenario.Cluster.WaitLeader();
            await Task.Delay(scenario.Random.Next(300));
            leader.Kill();
            await scenario.AnswersAsync(500);
            leader.Start();
            scenario.Cluster.WaitAllReady();
        }

        CheckReport report = await scenario.EndAsync();
        Assert.That(report.TermLast, Is.GreaterThanOrEqualTo(before + (ulong)ClusterScenario.Rounds), "each kill cost a term at least");
    }

    [Test, CancelAfter(1_800_000)]
    public async Task A_leader_that_stood_still_acknowledges_nothing_when_it_wakes_up()
    {
        await using ClusterScenario scenario = await ClusterScenario.StartAsync();
        for (int round = 0; round < ClusterScenario.Rounds; round++)
        {
            await scenario.AnswersAsync(500);
            ClusterMember leader = scenario.Cluster.WaitLeader();
            leader.Pause();
            scenario.Cluster.WaitLeader(butNot: leader);
            await scenario.AnswersAsync(500);
            leader.Resume();
            await scenario.AnswersAsync(200);
            scenario.Cluster.WaitAllReady();
        }

        await scenario.EndAsync();
    }

    [Test, CancelAfter(1_800_000)]
    public async Task The_leadership_is_handed_over_and_no_payment_is_refused()
    {
        await using ClusterScenario scenario = await ClusterScenario.StartAsync();
        for (int round = 0; round < 2 * ClusterScenario.Rounds; round++)
        {
            await scenario.AnswersAsync(500);
            ClusterMember leader = scenario.Cluster.WaitLeader();
            LocalCluster.Verb("cluster", "transfer", "--data", leader.Data);
            scenario.Cluster.WaitLeader(butNot: leader);
        }

        await scenario.EndAsync();
    }

    [Test, CancelAfter(1_800_000)]
    public async Task A_node_that_missed_much_catches_up_with_bounded_memory()
    {
        int megabytes = ClusterScenario.Rounds == 1 ? 8 : 1_024;
        await using ClusterScenario scenario = await ClusterScenario.StartAsync(perSecond: 20_000, isAlone: true);
        ClusterMember follower = scenario.Cluster.Followers().First();
        follower.Kill();
        await scenario.AnswersAsync((megabytes << 20) / Payment.Size);
        long told = scenario.History.AnswerCount;
        follower.Start();
        LocalCluster.WaitUntil(() => follower.Status() is { IsReady: true }, 600_000, scenario.Cluster.Describe);
        Assert.That(scenario.History.AnswerCount, Is.GreaterThan(told), "the others go on meanwhile");
        long most = scenario.Cluster.Members.Max(member => member.ResidentBytesMax) >> 20;
        TestContext.Out.WriteLine($"{megabytes} MB missed; the largest node held {most} MB");
        Assert.That(most, Is.LessThan(MemoryMegabytesMax));
        await scenario.EndAsync();
    }

    [Test, CancelAfter(1_800_000)]
    public async Task A_node_that_lost_its_disk_joins_again()
    {
        await using ClusterScenario scenario = await ClusterScenario.StartAsync();
        for (int round = 0; round < ClusterScenario.Rounds; round++)
        {
            await scenario.AnswersAsync(1_000);
            ClusterMember follower = scenario.Cluster.Followers().First(member => member != scenario.Cluster.Members[^1]); // its journal is there from the beginning, for the check
            follower.Wipe();
            scenario.Cluster.Rejoin(follower);
            await scenario.AnswersAsync(200);
            scenario.Cluster.WaitAllReady();
        }

        await scenario.EndAsync();
    }

    [Test, CancelAfter(1_800_000)]
    public async Task Lines_that_are_cut_flap_or_carry_one_way_cost_no_payment()
    {
        SkipUnless(NodeNetwork.WhyNot());
        await using ClusterScenario scenario = await ClusterScenario.StartAsync(hasNetwork: true);
        NodeNetwork network = scenario.Cluster.Network!;
        for (int round = 0; round < ClusterScenario.Rounds; round++)
        {
            ClusterMember leader = await LeaderUnderLoadAsync(scenario);
            network.Isolate(leader.Number); // clients still reach it: it must not answer them
            scenario.Cluster.WaitLeader(butNot: leader);
            await scenario.AnswersAsync(200);
            network.HealAll();
            scenario.Cluster.WaitAllReady();

            await LeaderUnderLoadAsync(scenario);
            network.Isolate(scenario.Cluster.Followers().First().Number);
            await scenario.AnswersAsync(300);
            network.HealAll();

            leader = await LeaderUnderLoadAsync(scenario);
            ClusterMember follower = scenario.Cluster.Followers().First();
            (int from, int to) = scenario.Random.Next(2) == 0 ? (leader.Number, follower.Number) : (follower.Number, leader.Number);
            network.Cut(from, to);
            await scenario.AnswersAsync(300);
            network.HealAll();

            for (int flap = 0; flap < 6; flap++)
            {
                network.Isolate(flap % 3);
                await Task.Delay(scenario.Random.Next(50, 400));
                network.HealAll();
                await Task.Delay(scenario.Random.Next(50, 400));
            }

            scenario.Cluster.WaitAllReady();
        }

        await scenario.EndAsync();
    }

    [Test, CancelAfter(1_800_000)]
    public async Task Four_burners_on_the_same_cores_cost_no_payment()
    {
        await using ClusterScenario scenario = await ClusterScenario.StartAsync();
        ulong before = Terms(scenario);
        Process[] burners = [.. Enumerable.Range(0, 4).Select(_ => Process.Start("/bin/sh", ["-c", "while :; do :; done"]))];
        var watch = Stopwatch.StartNew();
        try
        {
            await scenario.AnswersAsync(2_000 * ClusterScenario.Rounds);
            await Task.Delay(3_000 * ClusterScenario.Rounds);
        }
        finally
        {
            foreach (Process burner in burners)
            {
                burner.Kill();
                burner.WaitForExit();
                burner.Dispose();
            }
        }

        // Not asserted: whether an election is a false one is a matter of this machine's other work, too.
        ulong terms = Terms(scenario) - before;
        TestContext.Out.WriteLine($"{terms} terms within {watch.Elapsed.TotalSeconds:0} s");
        Warn.If(terms, Is.GreaterThan(watch.Elapsed.TotalSeconds / 5), "a storm of takeovers");
        await scenario.EndAsync();
    }

    private static async Task<ClusterMember> LeaderUnderLoadAsync(ClusterScenario scenario)
    {
        await scenario.AnswersAsync(200);
        return scenario.Cluster.WaitLeader();
    }

    private static ulong Terms(ClusterScenario scenario) => scenario.Cluster.Statuses().Max<(ClusterMember, StatusReport Status), ulong>(one => one.Status.Term);

    private static async Task<SettlementClient> ConnectAsync(ClusterScenario scenario) => await SettlementClient.ConnectAsync(
        scenario.Cluster.ClientOptions("") with { KeyFile = null, Signer = KeySigner.From(scenario.Ledger.KeyOf(1)) });

    /// <summary>One payment, while a follower's disk takes 300 ms a write.</summary>
    private static async Task<PaymentId> PayOnceAsync(ClusterScenario scenario, ClusterMember slow)
    {
        using CallFault fault = CallFault.Slow(slow.ProcessId, TimeSpan.FromMilliseconds(300));
        await using SettlementClient client = await ConnectAsync(scenario);
        PaymentId id = PaymentId.NewUuid();
        Payment[] payments =
        [
            new Payment { IdHigh = id.High, IdLow = id.Low, Payer = 3, Payee = 1, Amount = 7, Currency = ChaosLedger.Currencies[0], Instruction = Instruction.Immediate },
        ];
        scenario.History.Invoked("once", 1, payments);
        PaymentVerdict[] verdicts = await client.SubmitAsync(payments);
        scenario.History.Answered("once", 1, payments, verdicts);
        Assert.That(verdicts[0].Verdict, Is.EqualTo(Verdict.Accepted));
        return id;
    }

    private static void SkipUnless(string? whyNot)
    {
        if (whyNot is not null)
            Assert.Ignore(whyNot);
    }
}
