using System.Text.Json;
using Settlement.Perf.Load;
using Settlement.Perf.Micro;

namespace Settlement.Tests.Perf;

/// <summary>The benchmarks run small, so that none rots; no time is asserted.</summary>
public sealed class LabelsLoadTests
{
    [Test]
    public void The_label_load_prints_one_object_with_a_figure_for_each_width_and_allocates_nothing()
    {
        StringWriter output = new();
        Assert.That(LabelsLoad.Run(json: true, output, runCount: 5, blockCount: 2), Is.Zero);
        using JsonDocument figures = JsonDocument.Parse(output.ToString());
        JsonElement root = figures.RootElement;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(root.GetProperty("figure").GetString(), Is.EqualTo("labels"));
            Assert.That(root.GetProperty("payments_per_second").GetDouble(), Is.Positive);
            Assert.That(root.GetProperty("bytes_per_payment").GetInt32(), Is.EqualTo(7));
            Assert.That(root.GetProperty("runs").GetInt32(), Is.EqualTo(5));
            Assert.That(root.GetProperty("allocated_bytes").GetInt64(), Is.Zero);
            Assert.That(root.GetProperty("widths").GetArrayLength(), Is.InRange(1, 3));
        }
    }

    [Test]
    public void The_label_load_prints_a_line_for_each_width()
    {
        StringWriter output = new();
        Assert.That(LabelsLoad.Run(json: false, output, runCount: 5, blockCount: 2), Is.Zero);
        Assert.That(output.ToString(), Does.Contain("128 bits").And.Contain("ns a payment").And.Contain("cores"));
    }

    [Test]
    public void Every_label_benchmark_gives_the_same_answer()
    {
        LabelBenchmarks benchmarks = new();
        byte[] answers = [benchmarks.Scalar(), benchmarks.Bits128(), benchmarks.Bits256(), benchmarks.Bits512()];
        Assert.That(answers, Is.All.EqualTo(answers[0]));
    }
}
