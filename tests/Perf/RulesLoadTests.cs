using System.Text.Json;
using Settlement.Engine.Rules;
using Settlement.Perf;
using Settlement.Perf.Load;
using Settlement.Perf.Micro;

namespace Settlement.Tests.Perf;

[TestFixture]
public sealed class RulesLoadTests
{
    [Test]
    public void The_load_has_a_number_for_each_count_of_rules_and_allocates_nothing()
    {
        using StringWriter output = new();
        Assert.That(RulesLoad.Run(new LoadOptions(output, Json: true, Small: true)), Is.Zero);
        using JsonDocument figure = JsonDocument.Parse(output.ToString());
        JsonElement root = figure.RootElement;
        Assert.That(root.GetProperty("bytes_per_payment_of_all_cases").GetDouble(), Is.Zero);
        foreach (string name in new[] { "twenty_countries", "rows_10", "rows_100", "rows_1000", "residual_16", "residual_100" })
        {
            Assert.That(root.GetProperty($"ns_per_payment_{name}").GetDouble(), Is.Positive, name);
            Assert.That(root.GetProperty($"build_ms_{name}").GetDouble(), Is.Positive, name);
        }

        Assert.That(root.GetProperty("notes").GetProperty("ns_per_payment_rows_1000").GetString(), Does.Contain("1,000 thresholds"));
    }

    [Test]
    public void The_benchmarks_run()
    {
        RuleBenchmarks benchmarks = new();
        ushort best = benchmarks.ResidualBest();
        Assert.Multiple(() =>
        {
            Assert.That(benchmarks.Residual256(), Is.EqualTo(best));
            Assert.That(benchmarks.Residual128(), Is.EqualTo(best));
            Assert.That(benchmarks.ResidualScalar(), Is.EqualTo(best));
            Assert.That(benchmarks.Rows(), Is.EqualTo(benchmarks.One()));
        });
    }

    [Test]
    public void Twenty_countries_need_rows_only_and_refuse_by_tier()
    {
        RulePlan plan = RulePlan.Build(TwentyCountries.Table(), static _ => 0);
        ushort Judge(ushort from, ushort to, ulong cents, byte tier) =>
            plan.JudgeOne(new RuleFacts(from, to, 840, cents, tier, 0, 0, 1), denyOnly: false);

        Assert.Multiple(() =>
        {
            Assert.That(plan.Program.IsEmpty);
            Assert.That(plan.HasSums, Is.False);
            Assert.That(plan.Table.Rules.Length, Is.EqualTo(680));
            Assert.That(Judge(840, 276, 1_000, 0), Is.Zero);
            Assert.That(Judge(840, 276, 25_001, 0), Is.EqualTo(3), "anonymous, USD");
            Assert.That(Judge(840, 276, 300_000, 1), Is.EqualTo(4), "travel rule");
            Assert.That(Judge(840, 276, 299_999, 1), Is.Zero);
            Assert.That(Judge(840, 276, 99_999_999, 3), Is.Zero);
            Assert.That(Judge(840, 408, 1, 3), Is.EqualTo(1), "listed");
            Assert.That(Judge(840, 710, 1, 0), Is.EqualTo(2), "foreign");
        });
    }
}
