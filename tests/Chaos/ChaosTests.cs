using System.Globalization;
using Settlement.Perf.Chaos;

namespace Settlement.Tests.Chaos;

/// <summary>`perf chaos`, short: everything happens to three nodes for a while, and what clients were told is what every journal says.</summary>
/// <remarks>
/// SETTLEMENT_CHAOS_SECONDS says how long: as long as it takes that everything happens once. SETTLEMENT_SEED repeats the faults.
/// </remarks>
[Category(LongRun.Category), NonParallelizable]
internal sealed class ChaosTests
{
    private const string Variable = "SETTLEMENT_CHAOS_SECONDS";
    private const int LastMsMaxShort = 1_500;

    [Test]
    public void Whatever_happens_to_three_nodes_no_client_was_told_what_is_not_so()
    {
        bool isLong = int.TryParse(Environment.GetEnvironmentVariable(Variable), NumberStyles.None, CultureInfo.InvariantCulture, out int seconds);
        string folder = Directory.CreateTempSubdirectory("settlement-chaos-").FullName;
        var plan = new ChaosPlan(folder, TimeSpan.FromSeconds(seconds), PrintedSeed.Next()) { PerSecond = 200 };
        TestContext.Out.WriteLine($"in {folder}, which is kept if something is wrong");
        ChaosResult result = ChaosRun.Run(isLong ? plan : plan with { LastMsMax = LastMsMaxShort }, TestContext.Out);
        ChaosRun.Print(plan, result, TestContext.Out);
        Assert.That(result.Faults, Is.Empty);
        Assert.That(result.Done.Values, Is.Not.Empty.And.All.Positive);
        Directory.Delete(folder, recursive: true);
    }

    [Test]
    public void A_deck_of_faults_shows_every_kind_once_before_any_twice_and_then_each_as_often_as_it_weighs()
    {
        (string, int)[] kinds = [("kill", 3), ("pause", 2), ("clock", 1)];
        for (int seed = 0; seed < 50; seed++)
        {
            var deck = new FaultDeck(new Random(seed), kinds);
            string[] drawn = [.. Enumerable.Range(0, 9).Select(_ => deck.Draw())];
            Assert.That(drawn[..3], Is.EquivalentTo(new[] { "kill", "pause", "clock" }));
            Assert.That(drawn[3..], Is.EquivalentTo(new[] { "kill", "kill", "kill", "pause", "pause", "clock" }));
            var again = new FaultDeck(new Random(seed), kinds);
            Assert.That(Enumerable.Range(0, 9).Select(_ => again.Draw()), Is.EqualTo(drawn));
        }

        Assert.That(Enumerable.Range(0, 50).Select(seed => new FaultDeck(new Random(seed), kinds).Draw()).Distinct().Count(), Is.EqualTo(3), "chance decides which is first");
    }

    [Test]
    public void A_fault_that_could_not_be_done_comes_again_before_any_comes_twice()
    {
        var deck = new FaultDeck(new Random(1), [("kill", 1), ("pause", 1), ("clock", 1)]);
        string first = deck.Draw();
        deck.PutBack(first);
        Assert.That(new[] { deck.Draw(), deck.Draw(), deck.Draw() }, Is.EquivalentTo(new[] { "kill", "pause", "clock" }));
    }
}
