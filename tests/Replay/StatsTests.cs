using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using Settlement.Engine.Domain;
using Settlement.Replay.Stats;
using Settlement.Replay.Stats.Charts;
using Settlement.Tests.Live;
using static Settlement.Tests.Replay.ReplayRuns;

namespace Settlement.Tests.Replay;

/// <summary>`replay stats` against what `show` lists and settle counted, and its pictures against what they are drawn from.</summary>
public sealed class StatsTests
{
    private static TemporaryFolder s_folder = null!;
    private static JsonElement s_summary;

    private static string Journal => s_folder.PathOf("journal");

    [OneTimeSetUp]
    public void SettleTheSample()
    {
        s_folder = new TemporaryFolder();
        s_summary = SettleSample(Journal);
    }

    [OneTimeTearDown]
    public void DeleteTheSample() => s_folder.Dispose();

    [Test]
    public void Counts_and_sums_are_those_of_the_payments_shown()
    {
        JsonElement stats = Json(Exits(0, "stats", Journal, "--json", "--top", "1000"));
        JsonElement[] payments = [.. JsonLines(Exits(0, "show", Journal, "--json", "--kind", "payments")).Where(line => line.GetProperty("record").GetString() == "payment")];
        Assert.That(stats.GetProperty("payments").GetInt32(), Is.EqualTo(payments.Length));
        foreach (JsonElement listed in stats.GetProperty("verdicts").EnumerateArray())
        {
            JsonElement[] same = [.. payments.Where(payment => payment.GetProperty("verdict").GetString() == listed.GetProperty("verdict").GetString())];
            Assert.That(listed.GetProperty("count").GetInt32(), Is.EqualTo(same.Length));
            foreach (JsonProperty value in listed.GetProperty("value").EnumerateObject())
                Assert.That(Amount(value.Value), Is.EqualTo(same.Where(payment => payment.GetProperty("currency").GetString() == value.Name).Sum(payment => Amount(payment.GetProperty("amount")))));
        }

        decimal gross = stats.GetProperty("currencies").EnumerateArray().Sum(currency => Amount(currency.GetProperty("gross")));
        string[] moving = ["micropayment", "immediate", "capture", "refund"];
        Assert.That(gross, Is.EqualTo(payments.Where(payment => payment.GetProperty("verdict").GetString() == "accepted" && moving.Contains(payment.GetProperty("instruction").GetString()))
            .Sum(payment => Amount(payment.GetProperty("amount")))).And.Positive);
        Assert.That(stats.GetProperty("corridors").EnumerateArray().Sum(corridor => Amount(corridor.GetProperty("amount"))), Is.EqualTo(gross));
        Assert.That(stats.GetProperty("flows_of_unknown_parties").GetInt32(), Is.Zero);
        Assert.That(stats.GetProperty("batches").GetProperty("closed").GetInt64(), Is.EqualTo(s_summary.GetProperty("batches").GetInt64()));
        Assert.That(stats.GetProperty("distributions").GetProperty("batch_payments").GetProperty("p50").GetInt32(), Is.EqualTo(500));
    }

    [Test]
    public void Participants_net_is_what_the_closed_batches_state_and_the_open_one_adds()
    {
        // Up to the last batch's close: the statements of all batches hold every flow.
        string last = "batch:" + s_summary.GetProperty("batches").GetInt64().ToString(CultureInfo.InvariantCulture);
        JsonElement stats = Json(Exits(0, "stats", Journal, "--json", "--top", "1000", "--to", last));
        var stated = new Dictionary<string, decimal>();
        foreach (JsonElement seal in JsonLines(Exits(0, "show", Journal, "--json", "--kind", "seal")).Where(line => line.GetProperty("record").GetString() == "seal"))
        {
            foreach (JsonElement net in seal.GetProperty("net").EnumerateArray())
            {
                string key = net.GetProperty("participant").GetString() + net.GetProperty("currency").GetString();
                stated[key] = stated.GetValueOrDefault(key) + Amount(net.GetProperty("net"));
            }
        }

        Assert.That(stated, Is.Not.Empty);
        foreach (JsonElement side in stats.GetProperty("participants").EnumerateArray())
        {
            string key = side.GetProperty("participant").GetString() + side.GetProperty("currency").GetString();
            Assert.That(Amount(side.GetProperty("net")), Is.EqualTo(stated.GetValueOrDefault(key)), key);
        }
    }

    [Test]
    public void A_range_counts_what_stands_in_it()
    {
        JsonElement stats = Json(Exits(0, "stats", Journal, "--json", "--from", "500", "--to", "1499"));
        Assert.That(stats.GetProperty("payments").GetInt32(), Is.EqualTo(1000));
        Assert.That(stats.GetProperty("flows_of_unknown_parties").GetInt32(), Is.Zero, "captures of holds before the range have their parties");
    }

    [Test]
    public void Times_are_measured_by_block_times_and_clients_clocks()
    {
        using var folder = new TemporaryFolder();
        var clock = new HandClock(LiveLedger.StartNs);
        using (var ledger = new LiveLedger(folder.Path, clock))
        {
            ledger.SetUp(wallets: 2);
            ledger.Submit([LiveLedger.Setting(SettingKey.BatchCount, 3)]);
            ulong number = 0;
            foreach (ulong secondsLater in (ulong[])[10, 0, 20, 5])
            {
                ledger.Node.Pipeline.Drain();
                clock.Add(secondsLater * Limits.NsPerSecond);
                ulong nowMs = clock.NowNs / 1_000_000;
                Payment first = Uuid(nowMs - 250, ++number), second = Uuid(nowMs + 40, ++number);
                first.ValidUntilNs = clock.NowNs + 7_000_000;
                second.ValidUntilNs = clock.NowNs - 1;
                ledger.Submit([first, second]);
            }

            ledger.Node.Pipeline.Drain();
            ledger.Close();
        }

        JsonElement stats = Json(Exits(0, "stats", folder.Path, "--json"));
        JsonElement times = stats.GetProperty("distributions");
        Assert.That(times.GetProperty("uuid_to_block_us").GetProperty("max").GetInt64(), Is.EqualTo(250_000));
        Assert.That(times.GetProperty("uuid_to_block_us").GetProperty("count").GetInt64(), Is.EqualTo(4));
        Assert.That(times.GetProperty("uuid_ahead_us").GetProperty("max").GetInt64(), Is.EqualTo(40_000));
        Assert.That(times.GetProperty("valid_time_left_us").GetProperty("min").GetInt64(), Is.EqualTo(7_000));
        Assert.That(stats.GetProperty("late_for_valid_until").GetInt64(), Is.EqualTo(4));
        JsonElement quiet = stats.GetProperty("rate").GetProperty("quiet");
        Assert.That(quiet.EnumerateArray().Select(gap => gap.GetProperty("seconds").GetDouble()), Is.EqualTo((double[])[20, 10, 5]));
        Assert.That(stats.GetProperty("rate").GetProperty("mean_per_second").GetDouble(), Is.EqualTo(10 / 35.0).Within(1e-9), "two openings and eight payments");
        Assert.That(stats.GetProperty("rate").GetProperty("peak_count").GetInt64(), Is.EqualTo(4));
        string lines = Exits(0, "stats", folder.Path);
        Assert.That(lines, Does.Contain("clock skew").And.Contain("quiet       20 s").And.Contain("4 payments came behind their `valid until`"));
        Assert.That(lines.Split('\n').Select(line => line.TrimEnd('\r').Length), Has.Some.LessThanOrEqualTo(80));
    }

    [Test]
    public void Damage_is_named_behind_the_figures_of_what_stands_before_it()
    {
        using var folder = new TemporaryFolder();
        CopyFolder(Journal, folder.Path);
        JsonElement last = JsonLines(Exits(0, "show", Journal, "--blocks", "--json"))[^2];
        Flip(folder.PathOf("journal.log.0"), last.GetProperty("offset").GetInt64() + 140);
        Assert.That(Exits(1, "stats", folder.Path), Does.Contain($"DAMAGE  block {last.GetProperty("block").GetUInt64()}").And.Contain("accepted"));
        Assert.That(Json(Exits(1, "stats", folder.Path, "--json")).GetProperty("damage").GetProperty("block").GetUInt64(), Is.EqualTo(last.GetProperty("block").GetUInt64()));
    }

    [TestCase(2)]
    [TestCase(13)]
    [TestCase(70)]
    public void Charts_are_XML_with_a_cell_for_each_pair_whatever_participants_are_called(int participants)
    {
        using var folder = new TemporaryFolder();
        using (var ledger = new LiveLedger(folder.PathOf("journal"), new HandClock(LiveLedger.StartNs), genesis: LiveLedger.SmallGenesis() with { ParticipantsMax = 128 }))
        {
            SetUp(ledger, participants);
            ledger.Close();
        }

        string svg = folder.PathOf("charts.svg");
        Exits(0, "stats", folder.PathOf("journal"), "--svg", svg);
        XElement picture = XDocument.Load(svg).Root!;
        XNamespace space = "http://www.w3.org/2000/svg";
        Assert.That(picture.Name, Is.EqualTo(space + "svg"));
        string[] texts = [.. picture.Descendants(space + "text").Select(text => text.Value)];
        Assert.That(texts, Has.Some.StartsWith("Rate over time").And.Some.StartsWith("Batch sizes").And.Some.EqualTo("Net flows between participants, EUR"));
        Assert.That(texts, Has.Some.EqualTo("payments/s").And.Some.StartsWith("time (UTC)").And.Some.EqualTo("batch number"));
        Assert.That(texts, Has.Some.Contain("<&\">"), "names are escaped, not lost");
        Assert.That(texts, Has.Some.Contain("\uFFFD"), "what XML does not have is replaced");
        int shown = Math.Min(participants, FlowChart.ParticipantsMax);
        int cells = picture.Descendants(space + "title").Count(title => title.Value.EndsWith(", net", StringComparison.Ordinal));
        Assert.That(cells, Is.EqualTo(shown * (shown - 1)));
        Assert.That(texts.Any(text => text.EndsWith(" others", StringComparison.Ordinal)), Is.EqualTo(participants > FlowChart.ParticipantsMax));
        Assert.That(Directory.GetFiles(folder.Path).Select(Path.GetFileName), Is.EqualTo((string[])["charts.svg"]), "nothing half done is left");
        double height = double.Parse(picture.Attribute("height")!.Value, CultureInfo.InvariantCulture);
        Assert.That(picture.Descendants(space + "rect").Max(rect => (double)rect.Attribute("y")! + (double)rect.Attribute("height")!), Is.LessThanOrEqualTo(height));
    }

    [Test]
    public void A_chart_that_cannot_be_written_is_a_sentence()
    {
        (int code, _, string error) = Run("stats", Journal, "--svg", "/nowhere/at/all.svg");
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain("/nowhere/at/all.svg"));
    }

    [Test]
    public void Bins_keep_every_amount_however_long_the_axis_grows()
    {
        Random random = PrintedSeed.Create();
        var bins = new AdaptiveBins(1_000, 2);
        ulong place = 5_000_000;
        long[] sums = new long[2];
        for (int i = 0; i < 20_000; i++)
        {
            place += (ulong)random.NextInt64(0, 1L << random.Next(1, 36));
            int series = random.Next(2);
            long amount = random.Next(1_000);
            bins.Add(place, series, amount);
            sums[series] += amount;
        }

        for (int series = 0; series < 2; series++)
            Assert.That(Enumerable.Range(0, bins.Count).Sum(bin => bins[bin, series]), Is.EqualTo(sums[series]));
        Assert.That(bins.Count, Is.InRange(AdaptiveBins.BinsMax / 2, AdaptiveBins.BinsMax));
        Assert.That(bins.Origin + (bins.Width * (ulong)bins.Count), Is.GreaterThan(place));
    }

    [TestCase(0L, 0L)]
    [TestCase(0L, 3L)]
    [TestCase(17L, 18L)]
    [TestCase(1_000L, 1_090L)]
    [TestCase(3L, 900_000_000_000L)]
    [TestCase(0L, Distribution.ValueMax)]
    public void A_picture_has_every_value_in_one_class_and_fits_its_width(long low, long high)
    {
        Random random = PrintedSeed.Create();
        var distribution = new Distribution("name", "title", Quantity.Number);
        for (int i = 0; i < 3_000; i++)
            distribution.Record((ulong)random.NextInt64(low, high + 1));
        distribution.Record((ulong)low);
        distribution.Record((ulong)high);
        IReadOnlyList<HistogramPicture.Row> rows = HistogramPicture.RowsOf(distribution);
        Assert.That(rows.Sum(row => row.Count), Is.EqualTo(distribution.Count));
        Assert.That(rows.Count, Is.LessThanOrEqualTo(14));
        Assert.That(rows[0].Low, Is.LessThanOrEqualTo(low));
        Assert.That(rows[^1].End, Is.GreaterThan(high));
        for (int i = 1; i < rows.Count; i++)
            Assert.That(rows[i].Low, Is.EqualTo(rows[i - 1].End));
        using var output = new StringWriter();
        HistogramPicture.Draw(distribution, 80, output);
        Assert.That(output.ToString().Split('\n').Skip(2).Select(line => line.TrimEnd('\r').Length), Is.All.LessThanOrEqualTo(80));
    }

    private static void SetUp(LiveLedger ledger, int participants)
    {
        var slots = new List<Payment>();
        for (int i = 1; i <= participants; i++)
        {
            var declare = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = (ushort)i };
            declare.SetName(i == 1 ? "<&\">" : i == 2 ? "bell \u0007" : $"participant {i}");
            slots.Add(LiveLedger.Slot(declare));
        }

        slots.Add(LiveLedger.Slot(new ControlCommand { Instruction = Instruction.DeclareCurrency, Currency = LiveLedger.Euro, Scale = 2 }));
        for (int i = 1; i <= participants; i++)
        {
            slots.Add(LiveLedger.Slot(new ControlCommand
            {
                Instruction = Instruction.OpenWallet, Subject = (ulong)i, Participant = (ushort)i, Country = 276, Currency = LiveLedger.Euro,
            }));
        }

        for (int i = 1; i <= participants; i++)
        {
            slots.Add(new Payment
            {
                IdHigh = Limits.OpeningIdHigh | LiveLedger.Euro, IdLow = (ulong)i, Payee = (ulong)i, Amount = 100_000_000, Currency = LiveLedger.Euro,
                Instruction = Instruction.Issue, Flags = PaymentFlags.Opening, Session = Limits.OperatorSession,
            });
        }

        for (int i = 0; i < 6 * participants; i++)
            slots.Add(LiveLedger.Pay((ulong)(1 + (i % participants)), (ulong)(1 + ((i + 1 + (i / participants)) % participants)), (ulong)(100 + i), 5, (ulong)i + 1));
        ledger.Submit(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(slots));
        ledger.Node.Pipeline.Drain();
    }

    private static Payment Uuid(ulong milliseconds, ulong number) => LiveLedger.Pay(1, 2, 10, 0, 0) with
    {
        IdHigh = (milliseconds << 16) | 0x7000 | number, IdLow = 0x8000_0000_0000_0000 | number, Flags = PaymentFlags.None,
    };

    private static decimal Amount(JsonElement text) => decimal.Parse(text.GetString()!, CultureInfo.InvariantCulture);
}
