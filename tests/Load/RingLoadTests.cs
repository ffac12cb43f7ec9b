using System.Text.Json;
using Settlement.Engine.Ring;
using Settlement.Perf;
using Settlement.Perf.Common;
using Settlement.Perf.Load;

namespace Settlement.Tests.Load;

[NonParallelizable]
public class RingLoadTests
{
    [Test]
    public void The_ring_is_compared_with_a_channel_that_moves_one_item_at_a_time([Values(WaitStrategyKind.Phased, WaitStrategyKind.Blocking)] WaitStrategyKind kind)
    {
        using var output = new StringWriter();
        Assert.That(RingLoad.Run(new LoadOptions(output, Json: true, Small: true), kind), Is.Zero);
        using var figure = JsonDocument.Parse(output.ToString());
        JsonElement root = figure.RootElement;
        Assert.That(root.GetProperty("counted").GetString(), Does.Contain(kind.ToString()));
        foreach (string rate in new[] { "channels", "two_producers", "channels_two_producers", "one_by_one", "one_by_one_two_producers" })
            Assert.That(root.GetProperty($"{rate}_per_second").GetDouble(), Is.Positive, rate);
        Assert.That(root.GetProperty("ratio_to_channels").GetDouble(), Is.Positive);
        Assert.That(root.GetProperty("ratio_to_channels_two_producers").GetDouble(), Is.Positive);
        Assert.That(root.GetProperty("notes").GetProperty("ratio_to_channels").GetString(), Does.Contain("The Channel moves one item at a time"));
    }

    [Test]
    public void The_lines_say_beside_the_ratio_how_the_channel_moves()
    {
        using var output = new StringWriter();
        RingLoad.Run(new LoadOptions(output, Small: true));
        Assert.That(output.ToString(), Does.Match("ratio_to_channels: .*The Channel moves one item at a time"));
    }

    [Test]
    public void A_run_that_lost_doubled_or_swapped_a_payment_is_no_result()
    {
        Assert.That(() => Checked([0, 1, 2]), Throws.Nothing);
        Assert.That(() => Checked([0, 1]), Throws.TypeOf<CheckFailedException>(), "lost");
        Assert.That(() => Checked([0, 1, 1]), Throws.TypeOf<CheckFailedException>(), "doubled");
        Assert.That(() => Checked([0, 2, 1]), Throws.TypeOf<CheckFailedException>(), "swapped");

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
