using System.Text.Json;
using Settlement.Engine.Rules;
using Settlement.Perf.Load;
using Settlement.Perf.Micro;

namespace Settlement.Tests.Perf;

[TestFixture]
public sealed class RulesLoadTests
{
    [Test]
    public void The_load_checks_itself_and_prints_one_JSON_object()
    {
        using StringWriter output = new();
        Assert.That(RulesLoad.Run(json: true, output, runCount: 5, roundCount: 1), Is.Zero, output.ToString());
        JsonElement figure = JsonDocument.Parse(output.ToString()).RootElement;
        Assert.Multiple(() =>
        {
            Assert.That(figure.GetProperty("figure").GetString(), Is.EqualTo("rules"));
            Assert.That(figure.GetProperty("payments_per_second").GetDouble(), Is.Positive);
            Assert.That(figure.GetProperty("bytes_per_payment").GetDouble(), Is.Zero);
            Assert.That(figure.GetProperty("runs").GetInt32(), Is.EqualTo(5));
            Assert.That(figure.GetProperty("cases").GetArrayLength(), Is.EqualTo(6));
        });
    }

    [Test]
    public void The_load_prints_lines_for_people()
    {
        using StringWriter output = new();
        Assert.That(RulesLoad.Run(json: false, output, runCount: 5, roundCount: 1), Is.Zero);
        Assert.That(output.ToString(), Does.Contain("1,000 thresholds").And.Contain("residual program, 100 rules"));
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
