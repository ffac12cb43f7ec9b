using System.Globalization;
using Settlement.Perf.Generate;

namespace Settlement.Tests.Perf;

/// <summary>The sample that a newcomer settles first: it is what the generator gives, and it shows something of everything.</summary>
public sealed class SampleTests
{
    private static readonly Dictionary<string, int> s_scales = new() { ["EUR"] = 2, ["JPY"] = 0, ["BHD"] = 3, ["SEK"] = 2 };

    [TestCase(CsvFiles.WalletsName)]
    [TestCase(CsvFiles.PaymentsName)]
    public void The_shipped_file_is_what_the_generator_gives_and_stands_beside_the_program(string name)
    {
        using var folder = new TemporaryFolder();
        CsvFiles.Write(GenerateOptions.Sample, folder.Path);
        byte[] generated = File.ReadAllBytes(folder.PathOf(name));
        Assert.That(File.ReadAllBytes(Repository.PathOf("gateway", "sample", name)), Is.EqualTo(generated), "perf generate --sample --out gateway/sample");
        Assert.That(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "sample", name)), Is.EqualTo(generated));
    }

    [Test]
    public void The_wallets_are_sixty_of_several_countries_with_three_currencies_and_four_participants()
    {
        string[][] lines = Lines(CsvFiles.WalletsName, CsvFiles.WalletsHeader);
        Assert.That(lines.Select(line => line[0]).Distinct().Count(), Is.EqualTo(60));
        Assert.That(lines.Select(line => line[1]).Distinct().Count(), Is.GreaterThanOrEqualTo(8), "countries");
        Assert.That(lines.Select(line => line[2]).Distinct(), Is.EquivalentTo(new[] { "bank-1", "bank-2", "bank-3", "bank-4" }));
        Assert.That(lines.Select(line => line[3]).Distinct(), Is.EquivalentTo(new[] { "EUR", "JPY", "BHD" }));
        Assert.That(lines.Select(line => line[5]).Distinct(), Is.EquivalentTo(new[] { "0", "1", "2", "3" }), "tiers");
        Assert.That(lines.Select(line => line[7]).Distinct(), Is.EquivalentTo(new[] { "active", "frozen" }));
        Assert.That(lines.All(line => HasScale(line[4], line[3])));
        Assert.That(lines.GroupBy(line => line[0]).Select(same => same.Select(line => (line[1], line[2], line[5], line[6], line[7])).Distinct().Count()), Has.All.EqualTo(1));
    }

    [Test]
    public void Every_line_keeps_to_the_columns_of_its_instruction()
    {
        var ids = new HashSet<string>();
        foreach (string[] line in Lines(CsvFiles.PaymentsName, CsvFiles.PaymentsHeader))
        {
            string all = string.Join(',', line);
            ids.Add(line[0]);
            string[] id = line[0].Split(':');
            Assert.That(id.Length == 2 && id.All(part => ulong.Parse(part, CultureInfo.InvariantCulture) > 0), all);
            bool hasTarget = line[5] is "capture" or "void" or "refund";
            Assert.That(line[1].Length == 0, Is.EqualTo(hasTarget), all);
            Assert.That(line[2].Length == 0, Is.EqualTo(hasTarget), all);
            Assert.That(line[5] == "void" ? line[3].Length == 0 : HasScale(line[3], line[4]), all);
            if (hasTarget)
                Assert.That(ids.Contains(line[6]) || line[6].Contains(":1000000", StringComparison.Ordinal), all);
            Assert.That(line[10], Is.AnyOf("", "true"), all);
        }
    }

    [Test]
    public void It_has_every_instruction_and_what_is_to_be_refused()
    {
        string[][] lines = Lines(CsvFiles.PaymentsName, CsvFiles.PaymentsHeader);
        Assert.That(lines, Has.Length.EqualTo(2_000));
        Assert.That(lines.Select(line => line[5]).Distinct(), Is.EquivalentTo(new[] { "micropayment", "immediate", "hold", "capture", "void", "refund" }));
        Assert.That(lines.Length - lines.Select(line => string.Join(',', line)).Distinct().Count(), Is.GreaterThan(10), "repeats");
        Assert.That(lines.Select(line => string.Join(',', line)).Distinct().Count(), Is.GreaterThan(lines.Select(line => line[0]).Distinct().Count()), "conflicts");

        HashSet<string> known = [.. Lines(CsvFiles.WalletsName, CsvFiles.WalletsHeader).Select(line => line[0])];
        HashSet<string> frozen = [.. Lines(CsvFiles.WalletsName, CsvFiles.WalletsHeader).Where(line => line[7] == "frozen").Select(line => line[0])];
        Assert.That(lines.Any(line => line[1].Length > 0 && !known.Contains(line[1])), "unknown payer");
        Assert.That(lines.Any(line => line[2].Length > 0 && !known.Contains(line[2])), "unknown payee");
        Assert.That(lines.Any(line => frozen.Contains(line[1])), "frozen payer");
        Assert.That(lines.Any(line => frozen.Contains(line[2])), "frozen payee");
        Assert.That(lines.Any(line => line[1].Length > 0 && line[1] == line[2]), "self");
        Assert.That(lines.Any(line => line[3] is "0" or "0.00" or "0.000"), "zero");
        Assert.That(lines.Any(line => line[4] == "SEK"), "undeclared currency");
        Assert.That(lines.Any(line => line[9].StartsWith("2001", StringComparison.Ordinal)), "expired");
    }

    private static bool HasScale(string amount, string currency)
    {
        int point = amount.IndexOf('.', StringComparison.Ordinal);
        return amount.Length > 0 && (point < 0 ? 0 : amount.Length - point - 1) == s_scales[currency];
    }

    private static string[][] Lines(string name, string header)
    {
        string[] lines = File.ReadAllLines(Repository.PathOf("gateway", "sample", name));
        Assert.That(lines[0], Is.EqualTo(header));
        string[][] fields = [.. lines.Skip(1).Select(line => line.Split(','))];
        Assert.That(fields, Has.All.Length.EqualTo(header.Split(',').Length));
        return fields;
    }
}
