using System.Text.Json;
using Settlement.Engine.Ring;
using Settlement.Perf.Load;

namespace Settlement.Tests.Load;

[NonParallelizable]
public class RingLoadTests
{
    [Test]
    public void A_small_run_states_every_figure([Values(WaitStrategyKind.Phased, WaitStrategyKind.Blocking)] WaitStrategyKind kind)
    {
        using var output = new StringWriter();
        Assert.That(RingLoad.Run(json: true, output, payments: 2_000, RingLoad.RunCountMin, kind), Is.Zero);
        JsonElement result = JsonDocument.Parse(output.ToString()).RootElement;
        Assert.That(result.GetProperty("figure").GetString(), Is.EqualTo("ring"));
        Assert.That(result.GetProperty("payments_per_second").GetDouble(), Is.GreaterThan(0));
        Assert.That(result.GetProperty("bytes_per_payment").GetInt32(), Is.EqualTo(64));
        Assert.That(result.GetProperty("runs").GetInt32(), Is.EqualTo(5));
        Assert.That(result.GetProperty("ratio_to_channels").GetDouble(), Is.GreaterThan(0));
        Assert.That(result.GetProperty("note").GetString(), Does.Contain("one item at a time"));
        Assert.That(result.GetProperty("medians_per_second").EnumerateObject().Count(), Is.EqualTo(6));
    }

    [Test]
    public void The_table_says_beside_the_ratio_how_the_channel_moves()
    {
        using var output = new StringWriter();
        RingLoad.Run(json: false, output, payments: 1_000);
        Assert.That(output.ToString(), Does.Contain("ratio_to_channels").And.Contain("The Channel moves one item at a time"));
    }

    [Test]
    public void A_run_that_lost_doubled_or_swapped_a_payment_is_no_result()
    {
        Assert.That(() => Checked([0, 1, 2]), Throws.Nothing);
        Assert.That(() => Checked([0, 1]), Throws.InvalidOperationException, "lost");
        Assert.That(() => Checked([0, 1, 1]), Throws.InvalidOperationException, "doubled");
        Assert.That(() => Checked([0, 2, 1]), Throws.InvalidOperationException, "swapped");

        static void Checked(ulong[] ordinals)
        {
            var check = new RunCheck(producerCount: 1);
            foreach (ulong ordinal in ordinals)
            {
                RunCheck.Write(out Settlement.Engine.Domain.Payment payment, RunCheck.TemplateOf(0), ordinal);
                check.Take(payment);
            }
            check.ThrowUnlessWhole(3);
        }
    }
}
