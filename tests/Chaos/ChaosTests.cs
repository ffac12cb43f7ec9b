using System.Globalization;
using Settlement.Perf.Chaos;

namespace Settlement.Tests.Chaos;

/// <summary>`perf chaos`, short: everything happens to three nodes for a while, and what clients were told is what every journal says.</summary>
/// <remarks>SETTLEMENT_CHAOS_SECONDS says how long: 45. SETTLEMENT_SEED repeats the faults.</remarks>
[Category(LongRun.Category), NonParallelizable]
internal sealed class ChaosTests
{
    private const string Variable = "SETTLEMENT_CHAOS_SECONDS";
    private const int SecondsDefault = 45;

    [Test]
    public void Whatever_happens_to_three_nodes_no_client_was_told_what_is_not_so()
    {
        int seconds = int.TryParse(Environment.GetEnvironmentVariable(Variable), NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : SecondsDefault;
        string folder = Directory.CreateTempSubdirectory("settlement-chaos-").FullName;
        var plan = new ChaosPlan(folder, TimeSpan.FromSeconds(seconds), PrintedSeed.Next()) { PerSecond = 200 };
        TestContext.Out.WriteLine($"in {folder}, which is kept if something is wrong");
        ChaosResult result = ChaosRun.Run(plan, TestContext.Out);
        ChaosRun.Print(plan, result, TestContext.Out);
        Assert.That(result.Faults, Is.Empty);
        Directory.Delete(folder, recursive: true);
    }
}
