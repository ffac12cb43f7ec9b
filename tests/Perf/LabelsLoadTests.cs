using System.Text.Json;
using Settlement.Engine.Simd;
using Settlement.Perf;
using Settlement.Perf.Load;
using Settlement.Perf.Micro;

namespace Settlement.Tests.Perf;

/// <summary>The benchmarks run small, so that none rots; no time is asserted.</summary>
public sealed class LabelsLoadTests
{
    [Test]
    public void The_label_load_has_a_number_for_each_width_and_allocates_nothing()
    {
        StringWriter output = new();
        Assert.That(LabelsLoad.Run(new LoadOptions(output, Json: true, Small: true)), Is.Zero);
        using JsonDocument figure = JsonDocument.Parse(output.ToString());
        Assert.That(figure.RootElement.GetProperty("bytes_per_payment").GetDouble(), Is.Zero);
        foreach (int bits in new[] { 128, 256, 512 }.Where(bits => bits <= LabelKernel.WidestBits))
            Assert.That(figure.RootElement.GetProperty($"ns_per_payment_{bits}_bits").GetDouble(), Is.Positive);
    }

    [Test]
    public void Every_label_benchmark_gives_the_same_answer()
    {
        LabelBenchmarks benchmarks = new();
        byte[] answers = [benchmarks.Scalar(), benchmarks.Bits128(), benchmarks.Bits256(), benchmarks.Bits512()];
        Assert.That(answers, Is.All.EqualTo(answers[0]));
    }
}
