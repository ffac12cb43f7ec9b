using System.Text.Json;
using Settlement.Perf.Load;

namespace Settlement.Tests.Dedup;

[TestFixture]
public sealed class DedupLoadTests
{
    [Test]
    public void The_load_runs_small_and_prints_one_object_a_figure()
    {
        using StringWriter output = new();
        Assert.That(DedupLoad.Run(json: true, output, small: true), Is.Zero, "nothing may be allocated in memory paths");
        string[] lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Has.Length.EqualTo(8));
        foreach (string line in lines)
        {
            using JsonDocument figure = JsonDocument.Parse(line);
            Assert.That(figure.RootElement.GetProperty("payments_per_second").GetDouble(), Is.Positive);
            Assert.That(figure.RootElement.GetProperty("runs").GetArrayLength(), Is.GreaterThanOrEqualTo(5));
        }
    }
}
