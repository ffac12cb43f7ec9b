using System.Text.Json;
using Settlement.Perf.Common;

namespace Settlement.Tests.Perf;

public sealed class FigureTests
{
    private static readonly Machine s_machine = new("A \"processor\"", 2, 8L << 30, 256, "An OS", ".NET 10", 0.5, "Release");

    [Test]
    public void The_median_of_an_odd_number_is_the_one_in_the_middle_whatever_the_order() =>
        Assert.That(Spread.Of([9, 1, 5]), Is.EqualTo(new Spread(5, 1, 9)));

    [Test]
    public void The_median_of_an_even_number_is_the_mean_of_the_two_in_the_middle() =>
        Assert.That(Spread.Of([8, 1, 4, 5]), Is.EqualTo(new Spread(4.5, 1, 8)));

    [Test]
    public void A_spread_of_nothing_is_refused() => Assert.That(() => Spread.Of([]), Throws.ArgumentException);

    [Test]
    public void The_warm_up_is_run_and_not_counted()
    {
        int calls = 0;
        var runs = Runs.Of(5, () => new Run(++calls, 1_000_000_000, 0));
        Assert.That(calls, Is.EqualTo(6));
        Assert.That(runs.All.Select(run => run.Payments), Is.EqualTo(new long[] { 2, 3, 4, 5, 6 }));
        Assert.That(runs.PerSecond, Is.EqualTo(new Spread(4, 2, 6)));
    }

    [Test]
    public void A_run_knows_its_rate_its_nanoseconds_and_its_bytes()
    {
        var run = new Run(1_000, 500_000, 250);
        Assert.That(run.PerSecond, Is.EqualTo(2_000_000));
        Assert.That(run.NsPerPayment, Is.EqualTo(500));
        Assert.That(run.BytesPerPayment, Is.EqualTo(0.25));
    }

    [Test]
    public void Two_loads_take_turns_and_are_compared_round_by_round()
    {
        List<char> order = [];
        Queue<long> ones = new([0, 1_000, 9_000, 3_000]);
        Queue<long> others = new([0, 100, 100, 1_000]);
        var measured = SideBySide.Of(
            3,
            () => Note(order, 'a', new Run(ones.Dequeue(), 1_000_000_000, 0)),
            () => Note(order, 'b', new Run(others.Dequeue(), 1_000_000_000, 0)));
        Assert.That(new string([.. order]), Is.EqualTo("ab" + "ab" + "ba" + "ab"));
        Assert.That(measured.Ratio, Is.EqualTo(new Spread(10, 3, 90)));
    }

    [Test]
    public void Many_loads_take_turns_and_each_goes_first_once()
    {
        var order = new List<char>();
        Runs[] runs = Runs.InTurn(3, [.. "abc".Select(who => (Func<Run>)(() => Note(order, who, new Run(who, 1_000_000_000, 0))))]);
        Assert.That(new string([.. order]), Is.EqualTo("abc" + "abc" + "bca" + "cab"));
        Assert.That(runs.Select(each => each.PerSecond.Median), Is.EqualTo(new double[] { 'a', 'b', 'c' }));
    }

    [Test]
    public void Allocated_bytes_are_counted_and_a_loop_without_any_counts_none()
    {
        AllocationMeter idle = AllocationMeter.Start();
        long none = idle.ThreadBytes;
        AllocationMeter meter = AllocationMeter.Start();
        GC.KeepAlive(new byte[100_000]);
        Assert.That(none, Is.Zero);
        Assert.That(meter.ThreadBytes, Is.InRange(100_000, 101_000));
        Assert.That(Run.Time(1_000, () => GC.KeepAlive(new byte[100_000])).BytesPerPayment, Is.GreaterThanOrEqualTo(100));
        Assert.That(Run.TimeThread(1_000, () => GC.KeepAlive(new byte[100_000])).BytesPerPayment, Is.InRange(100, 101));
        Assert.That(Run.TimeThread(1_000, static () => Thread.SpinWait(100)).AllocatedBytes, Is.Zero);
    }

    [Test]
    public void The_json_object_has_what_is_promised()
    {
        JsonElement json = Json(ASample());
        Assert.That(json.GetProperty("figure").GetString(), Is.EqualTo("ring"));
        Assert.That(json.GetProperty("counted").GetString(), Is.EqualTo("slots, one by one"));
        Assert.That(json.GetProperty("unit").GetString(), Is.EqualTo("slots"));
        Assert.That(json.GetProperty("payments_per_second").GetDouble(), Is.EqualTo(2_000));
        Assert.That(json.GetProperty("payments_per_second_min").GetDouble(), Is.EqualTo(1_000));
        Assert.That(json.GetProperty("payments_per_second_max").GetDouble(), Is.EqualTo(4_000));
        Assert.That(json.GetProperty("ns_per_payment").GetDouble(), Is.EqualTo(500_000));
        Assert.That(json.GetProperty("bytes_per_payment").GetDouble(), Is.EqualTo(2), "of the worst run");
        Assert.That(json.GetProperty("ratio_to_channels").GetDouble(), Is.EqualTo(12.5));
        Assert.That(json.GetProperty("notes").GetProperty("ratio_to_channels").GetString(), Is.EqualTo("a Channel moves one item at a time"));
        JsonElement runs = json.GetProperty("runs");
        Assert.That(runs.EnumerateArray().Select(run => run.GetProperty("payments_per_second").GetDouble()), Is.EqualTo(new double[] { 1_000, 2_000, 4_000 }));
        Assert.That(runs[0].GetProperty("payments").GetInt64(), Is.EqualTo(1_000));
        Assert.That(runs[0].GetProperty("seconds").GetDouble(), Is.EqualTo(1));
        Assert.That(runs[1].GetProperty("bytes_per_payment").GetDouble(), Is.EqualTo(2));
        JsonElement machine = json.GetProperty("machine");
        Assert.That(machine.GetProperty("processor").GetString(), Is.EqualTo("A \"processor\""));
        Assert.That(machine.GetProperty("cores").GetInt32(), Is.EqualTo(2));
        Assert.That(machine.GetProperty("memory_bytes").GetInt64(), Is.EqualTo(8L << 30));
        Assert.That(machine.GetProperty("build").GetString(), Is.EqualTo("Release"));
    }

    [Test]
    public void A_ratio_to_nothing_is_null_not_broken_json() =>
        Assert.That(Json(ASample().With("ratio_to_disk", double.PositiveInfinity)).GetProperty("ratio_to_disk").ValueKind, Is.EqualTo(JsonValueKind.Null));

    [Test]
    public void A_peer_measured_side_by_side_gives_its_ratio_and_its_rate()
    {
        var measured = SideBySide.Of(1, () => new Run(30, 1_000_000_000, 0), () => new Run(10, 1_000_000_000, 0));
        JsonElement json = Json(ASample().WithRatio("disk", measured, "raw writes"));
        Assert.That(json.GetProperty("ratio_to_disk").GetDouble(), Is.EqualTo(3));
        Assert.That(json.GetProperty("disk_per_second").GetDouble(), Is.EqualTo(10));
    }

    [Test]
    public void The_lines_say_what_was_counted_on_what_and_what_the_ratio_compares()
    {
        var output = new StringWriter();
        FigurePrinter.Print(ASample(), s_machine with { Build = "Debug" }, json: false, output);
        string text = output.ToString();
        Assert.That(text, Does.StartWith("ring: 2000 slots/s"));
        Assert.That(text, Does.Contain("median of 3 runs").And.Contain("slots, one by one").And.Contain("a Channel moves one item at a time"));
        Assert.That(text, Does.Contain("A \"processor\", 2 cores, 8 GiB").And.Contain("this is a Debug build"));
    }

    [TestCase(0.25, "0.25")]
    [TestCase(9_999, "9999")]
    [TestCase(12_345, "12.3 k")]
    [TestCase(5_127_000, "5.127 M")]
    [TestCase(-2_500_000_000d, "-2.500 G")]
    public void A_number_is_shown_with_its_magnitude(double value, string shown) => Assert.That(FigurePrinter.Short(value), Is.EqualTo(shown));

    private static Figure ASample() =>
        new Figure("ring", "slots, one by one", new Runs([new(1_000, 1_000_000_000, 0), new(1_000, 500_000_000, 2_000), new(1_000, 250_000_000, 0)])) { Unit = "slots" }
            .With("ratio_to_channels", 12.5, "a Channel moves one item at a time");

    private static JsonElement Json(Figure figure)
    {
        var output = new StringWriter();
        FigurePrinter.Print(figure, s_machine, json: true, output);
        string text = output.ToString();
        Assert.That(text.TrimEnd('\n'), Does.Not.Contain('\n'), "one object, one line");
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    private static Run Note(List<char> order, char who, Run run)
    {
        order.Add(who);
        return run;
    }
}
