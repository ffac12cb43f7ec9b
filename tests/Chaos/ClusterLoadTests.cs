using Settlement.Perf;

namespace Settlement.Tests.Chaos;

/// <summary>The loads of three nodes, as small as they go: that none rots.</summary>
[Category(LongRun.Category), NonParallelizable]
internal sealed class ClusterLoadTests
{
    [TestCase("cluster", "\"ratio_to_one_node\":", "\"catch_up_seconds\":", "\"wiped_node_back_seconds\":")]
    [TestCase("takeover", "\"takeover_ms\":", "\"back_ms\":", "\"lost\":0")]
    [CancelAfter(900_000)]
    public void A_load_of_three_nodes_still_runs(string verb, params string[] fields)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = PerfCommand.Run([verb, "--small", "--json"], PerfLoads.All, output, error);
        Assert.That(code, Is.Zero, () => error.ToString());
        foreach (string field in fields)
            Assert.That(output.ToString(), Does.Contain(field));
    }
}
