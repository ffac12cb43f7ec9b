using System.Text.Json;
using Settlement.Perf;
using Settlement.Perf.Load;

namespace Settlement.Tests.Dedup;

[TestFixture]
public sealed class DedupLoadTests
{
    [Test]
    public void The_load_has_a_number_for_each_kind_of_id_and_allocates_nothing_in_memory()
    {
        using StringWriter output = new();
        Assert.That(DedupLoad.Run(new LoadOptions(output, Json: true, Small: true)), Is.Zero);
        using JsonDocument figure = JsonDocument.Parse(output.ToString());
        JsonElement root = figure.RootElement;
        Assert.That(root.GetProperty("bytes_per_payment").GetDouble(), Is.Zero);
        string[] kinds = ["stream", "streams_64", "uuidv7_in_memory", "other_in_memory", "other_spilled_absent", "other_spilled_present"];
        foreach (string kind in kinds)
            Assert.That(root.GetProperty($"ns_per_payment_{kind}").GetDouble(), Is.Positive, kind);
        Assert.That(root.GetProperty("spilled_puts_per_payment").GetDouble(), Is.Positive);
    }
}
