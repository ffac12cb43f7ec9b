using System.Text.Json;
using Settlement.Perf;
using Settlement.Perf.Peers;

namespace Settlement.Tests.Perf;

internal sealed class CompareTests
{
    [Test]
    public void The_same_payments_go_through_PostgreSQL_where_it_is_installed()
    {
        if (!PostgresServer.IsThere)
            Assert.Ignore("the distribution's PostgreSQL is not installed");
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = PerfCommand.Run(["compare", "postgres", "--small", "--json"], PerfLoads.All, output, error);
        Assert.That(code, Is.Zero, error.ToString());
        using var json = JsonDocument.Parse(output.ToString());
        Assert.That(json.RootElement.GetProperty("ratio_to_postgres_sets").GetDouble(), Is.Positive);
        Assert.That(json.RootElement.GetProperty("ratio_to_postgres_singles").GetDouble(), Is.Positive);
        Assert.That(Directory.GetDirectories(Path.GetTempPath(), "settlement-postgres-*"), Is.Empty, "left behind");
    }

    [Test]
    public void Another_peer_is_refused()
    {
        using var error = new StringWriter();
        Assert.That(PerfCommand.Run(["compare", "sqlite"], PerfLoads.All, TextWriter.Null, error), Is.EqualTo(2));
        Assert.That(error.ToString(), Does.Contain("sqlite").And.Contain("postgres"));
    }
}
