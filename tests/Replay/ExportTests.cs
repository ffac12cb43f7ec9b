using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Gateway.Settle;
using Settlement.Replay;
using Settlement.Replay.Common;
using Settlement.Replay.Export;

namespace Settlement.Tests.Replay;

/// <summary>`replay export` of the journal that settle made of the shipped sample, read by DuckDB: what it adds up to, ranges, files, bad use.</summary>
public sealed class ExportTests
{
    private static readonly string[] s_formats = ["csv", "jsonl", "parquet"];

    private static TemporaryFolder s_folder = null!;

    private TemporaryFolder _folder = null!;

    private static string Journal => s_folder.PathOf("journal");

    [OneTimeSetUp]
    public void SettleAndExport()
    {
        s_folder = new TemporaryFolder();
        string sample = Path.Combine(AppContext.BaseDirectory, "sample");
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = SettleCommand.Create(output, error).Parse(
            [
                "--wallets", Path.Combine(sample, "wallets.csv"), Path.Combine(sample, "payments.csv"), "--journal", Journal,
                "--batch-count", "500", "--batch-age", "none", "--capacity", "4096",
            ]).Invoke();
        Assert.That(code, Is.Zero, error.ToString());
        foreach (string format in s_formats)
            Export(0, "--format", format, "--out", s_folder.PathOf(format));
    }

    [OneTimeTearDown]
    public void DeleteAll() => s_folder.Dispose();

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Every_payment_of_the_journal_is_there_with_its_verdict([ValueSource(nameof(s_formats))] string format)
    {
        var expected = new List<string>();
        using (JournalWalk walk = JournalWalk.Open(Journal, new WalkOptions()))
        {
            while (walk.Next())
            {
                for (int slot = 0; walk.Header.Kind == BlockKind.Payments && slot < walk.Slots.Length; slot++)
                    expected.Add($"{walk.Header.FirstSequence + (ulong)slot}|{walk.Header.Number}|{walk.Header.TimeNs}|{walk.Slots[slot].Amount}|{(byte)walk.Outcomes[slot].Verdict}");
            }
        }

        using DuckReader duck = Duck(format);
        string numbers = string.Join(' ', Enum.GetValues<Verdict>().Select(verdict => $"when '{Settlement.Engine.Text.VerdictText.NameOf(verdict)}' then {(byte)verdict}"));
        Assert.That(duck.Rows($"select sequence, block, time_ns, amount_units, case verdict {numbers} end from payments"), Is.EqualTo(expected).And.Count.GreaterThan(2_000));
    }

    [Test]
    public void All_formats_hold_the_same()
    {
        using DuckReader duck = new DuckReader().Add(s_folder.PathOf("csv"), "csv_").Add(s_folder.PathOf("jsonl"), "jsonl_").Add(s_folder.PathOf("parquet"));
        foreach (TableSchema table in ExportTables.All)
        {
            List<string> rows = duck.Table(table);
            Assert.That(rows, Is.Not.Empty, table.Name);
            Assert.That(duck.Table(table, "csv_"), Is.EqualTo(rows), table.Name);
            Assert.That(duck.Table(table, "jsonl_"), Is.EqualTo(rows), table.Name);
        }
    }

    [Test]
    public void Balances_add_up_to_what_is_outstanding([ValueSource(nameof(s_formats))] string format)
    {
        using DuckReader duck = Duck(format);
        List<string> sums = duck.Rows("select currency, sum(available + pending + held) from balances group by currency order by currency");
        Assert.That(sums, Is.EqualTo(duck.Rows("select currency, outstanding from currencies order by currency")).And.Count.EqualTo(3));
        Assert.That(duck.Rows("select currency, sum(available_units::HUGEINT + pending_units + held_units) from balances group by currency order by currency"),
            Is.EqualTo(duck.Rows("select currency, outstanding_units::HUGEINT from currencies order by currency")));
    }

    [Test]
    public void The_accepted_payments_applied_again_give_every_balance([ValueSource(nameof(s_formats))] string format)
    {
        using DuckReader duck = Duck(format);
        const string moved =
            """
            select wallet, currency, sum(units) units from (
              select payee wallet, currency, amount_units::HUGEINT units from accepted where instruction in ('micropayment', 'immediate', 'capture', 'issue')
              union all select payer, currency, -amount_units::HUGEINT from accepted where instruction in ('micropayment', 'immediate', 'capture', 'redeem')
              union all select payer, currency, amount_units::HUGEINT from accepted where instruction = 'refund'
              union all select payee, currency, -amount_units::HUGEINT from accepted where instruction = 'refund')
            group by all
            """;
        duck.Rows("create view accepted as select * from payments where verdict = 'accepted'");
        duck.Rows($"create view moved as {moved}");
        Assert.That(duck.Rows("select sum((instruction = 'capture')::INT) > 0 and sum((instruction = 'refund')::INT) > 0 and sum((instruction = 'void')::INT) > 0 from accepted"), Is.EqualTo(new[] { "true" }));
        Assert.That(
            duck.Rows("select wallet, currency, available_units::HUGEINT + pending_units + held_units from balances order by all"),
            Is.EqualTo(duck.Rows("select wallet, currency, coalesce(units, 0) from (select wallet, currency from balances) left join moved using (wallet, currency) order by all")));
        duck.Rows(
            """
            create view held as select payer wallet, currency, sum(amount_units::HUGEINT) units from accepted hold
            where instruction = 'hold' and not exists (from accepted ending where ending.instruction in ('capture', 'void') and ending.target = hold.id)
            and (valid_until_ns is null or valid_until_ns >= (select max(time_ns) from payments)) group by all
            """);
        List<string> held = duck.Rows("select wallet, currency, held_units::HUGEINT from balances where held_units > 0 order by all");
        Assert.That(held, Is.EqualTo(duck.Rows("select wallet, currency, units from held order by all")).And.Not.Empty);
        Assert.That(
            duck.Rows("select available_after from accepted where instruction = 'redeem' or instruction = 'immediate' and available_after is null"), Has.None.EqualTo("null"));
    }

    [Test]
    public void Positions_and_gross_follow_from_the_accepted_payments_and_positions_sum_to_zero([ValueSource(nameof(s_formats))] string format)
    {
        using DuckReader duck = Duck(format);
        Assert.That(duck.Rows("select distinct total from (select sum(net) total from positions group by batch, currency)"), Is.EqualTo(new[] { "0.000000000000000000" }));
        duck.Rows(
            """
            create view transfers as select batch, currency, amount_units::HUGEINT units,
              case when instruction = 'refund' then payee_participant else payer_participant end giver,
              case when instruction = 'refund' then payer_participant else payee_participant end taker
            from payments where verdict = 'accepted' and instruction in ('micropayment', 'immediate', 'capture', 'refund') and batch in (select batch from batches)
            """);
        List<string> net = duck.Rows("select batch, participant, currency, (net_units + fee_units)::HUGEINT from positions order by all");
        Assert.That(net, Is.EqualTo(duck.Rows(
            """
            select batch, participant, currency, units from (
              select batch, participant, currency, sum(units) units from (
                select batch, taker participant, currency, units from transfers where giver <> taker
                union all select batch, giver, currency, -units from transfers where giver <> taker)
              group by all)
            where units <> 0 order by all
            """)).And.Count.GreaterThan(10));
        Assert.That(duck.Rows("select batch, currency, amount_units::HUGEINT from gross order by all"),
            Is.EqualTo(duck.Rows("select batch, currency, sum(units) from transfers group by all order by all")));
        Assert.That(duck.Rows("select batch, accepted, count from batches order by all"), Is.EqualTo(duck.Rows(
            """
            select batch, count(*), sum((instruction not in ('issue', 'redeem'))::INT) from payments
            where verdict = 'accepted' and batch in (select batch from batches) group by batch order by all
            """)));
        Assert.That(duck.Rows("select count(*) from batches where sealed"), Is.EqualTo(duck.Rows("select count(*) from batches")), "settle seals what it closes");
    }

    [TestCase("1", "900", "901", "end")]
    [TestCase("1", "batch:2", "batch:3", "end")]
    public void Ranges_that_meet_hold_together_what_the_whole_holds(string from, string to, string nextFrom, string nextTo)
    {
        Export(0, "--format", "parquet", "--out", _folder.PathOf("a"), "--from", from, "--to", to, "--tables", "payments,batches,gross,positions,commands");
        Export(0, "--format", "csv", "--out", _folder.PathOf("b"), "--from", nextFrom, "--to", nextTo, "--tables", "payments", "batches, gross", "positions", "commands");
        using DuckReader duck = Duck("parquet").Add(_folder.PathOf("a"), "a_").Add(_folder.PathOf("b"), "b_");
        foreach (TableSchema table in ExportTables.All.Where(table => table.Name is not ("balances" or "currencies" or "batches")))
            Assert.That(duck.Table(table, "a_").Concat(duck.Table(table, "b_")), Is.EqualTo(duck.Table(table)), table.Name);
        // Whether the seal was read depends on where the range ends.
        Assert.That(duck.Rows("select * exclude sealed from a_batches").Concat(duck.Rows("select * exclude sealed from b_batches")), Is.EqualTo(duck.Rows("select * exclude sealed from batches")));
    }

    [Test]
    public void A_range_of_times_has_the_blocks_of_both_times()
    {
        using DuckReader duck = Duck("parquet");
        string time = duck.Rows("select max(time_ns) from payments").Single();
        string point = Settlement.Engine.Text.TimeText.Format(ulong.Parse(time, System.Globalization.CultureInfo.InvariantCulture));
        Export(0, "--format", "parquet", "--out", _folder.PathOf("a"), "--from", point, "--to", point);
        duck.Add(_folder.PathOf("a"), "a_");
        Assert.That(duck.Rows("select * from a_payments"), Is.EqualTo(duck.Rows($"select * from payments where time_ns = {time}")).And.Not.Empty);
        Assert.That(duck.Rows("select batch from a_batches"), Is.EqualTo(duck.Rows($"select batch from batches where closed_ns = {time}")));
    }

    [Test]
    public void Balances_are_those_at_the_end_of_the_range()
    {
        Export(0, "--format", "jsonl", "--out", _folder.PathOf("a"), "--to", "700", "--tables", "balances,currencies");
        Assert.That(Directory.GetFileSystemEntries(_folder.PathOf("a")).Select(Path.GetFileName), Is.EquivalentTo(new[] { "balances.jsonl", "currencies.jsonl" }));
        using JournalWalk walk = JournalWalk.Open(Journal, new WalkOptions { Until = JournalPoint.AtSequence(700) });
        walk.ToPoint();
        using DuckReader duck = new DuckReader().Add(_folder.PathOf("a"));
        var expected = new List<string>();
        for (int row = 1; row <= walk.State.Accounts.Count; row++)
        {
            if (walk.State.Accounts[row] is { CurrencyIndex: not 0 } account)
                expected.Add($"{account.Wallet}|{Iso4217.LettersOf(walk.State.Currencies[account.CurrencyIndex].Number)}|{account.Total}");
        }

        Assert.That(duck.Rows("select wallet, currency, available_units + pending_units + held_units from balances"), Is.EqualTo(expected));
    }

    [Test]
    public void The_summary_counts_what_was_written()
    {
        using var json = JsonDocument.Parse(Export(0, "--format", "csv", "--out", _folder.PathOf("a"), "--json"));
        JsonElement summary = json.RootElement;
        Assert.That(summary.GetProperty("payments").GetInt64(), Is.EqualTo(summary.GetProperty("files")[0].GetProperty("rows").GetInt64()).And.GreaterThan(2_000));
        foreach (JsonElement file in summary.GetProperty("files").EnumerateArray())
            Assert.That(file.GetProperty("bytes").GetInt64(), Is.EqualTo(new FileInfo(file.GetProperty("path").GetString()!).Length));
        Assert.That(summary.GetProperty("files").GetArrayLength(), Is.EqualTo(ExportTables.All.Count));
        Assert.That(Export(0, "--format", "csv", "--out", _folder.PathOf("b")), Does.Contain("payments ").And.Contain("payments/s").And.Contain("payments.csv"));
    }

    [Test]
    public void The_salt_key_is_in_no_file()
    {
        string hex;
        using (JournalReader reader = JournalReader.Open(Journal))
        {
            Assert.That(reader.Next());
            hex = Convert.ToHexString(reader.Body[..32]);
        }

        byte[] key = Convert.FromHexString(hex);
        foreach (string file in s_formats.SelectMany(format => Directory.GetFiles(s_folder.PathOf(format))))
        {
            byte[] bytes = File.ReadAllBytes(file);
            Assert.That(bytes.AsSpan().IndexOf(key), Is.Negative, file);
            Assert.That(System.Text.Encoding.Latin1.GetString(bytes), Does.Not.Contain(hex).IgnoreCase, file);
        }
    }

    [Test]
    public void Files_that_are_there_are_replaced_only_by_force()
    {
        string target = _folder.PathOf("balances.csv");
        File.WriteAllText(target, "mine");
        string[] words = ["--format", "csv", "--out", _folder.Path];
        Assert.That(Export(2, words), Does.Contain($"{target} is there already").And.Contain("--force"));
        Assert.That(File.ReadAllText(target), Is.EqualTo("mine"));
        Assert.That(Directory.GetFileSystemEntries(_folder.Path), Is.EqualTo(new[] { target }), "what was begun is gone");
        Export(0, [.. words, "--force"]);
        Assert.That(File.ReadAllText(target), Does.StartWith("wallet,"));
    }

    [Test]
    public void A_full_disk_is_a_sentence_and_leaves_nothing([ValueSource(nameof(s_formats))] string format, [Values(0, 1, 3_000)] int room)
    {
        ExportFormat chosen = ExportFormat.Tables.Single(known => known.Name == format);
        var request = new ExportRequest { Journal = Journal, Directory = _folder.PathOf("new"), CreateStream = path => new FullDisk(path, room) };
        using var error = new StringWriter();
        int code = Verb.Run(error, () =>
        {
            chosen.Export(request, null!);
            return 0;
        });
        Assert.That(code, Is.EqualTo(ReplayCommand.ExitUnusable));
        Assert.That(error.ToString(), Does.StartWith("The disk is full: ").And.Contain("make room"));
        Assert.That(Directory.Exists(request.Directory), Is.False, "the folder was made for the export");
    }

    [Test]
    public void The_kernels_own_full_device_is_a_full_disk([ValueSource(nameof(s_formats))] string format)
    {
        if (!File.Exists("/dev/full"))
            Assert.Ignore("/dev/full is Linux's");
        ExportFormat chosen = ExportFormat.Tables.Single(known => known.Name == format);
        var request = new ExportRequest
        {
            Journal = Journal, Directory = _folder.Path, CreateStream = _ => new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0),
        };
        using var error = new StringWriter();
        Assert.That(Verb.Run(error, () => chosen.Export(request, null!) is null ? 1 : 0), Is.EqualTo(ReplayCommand.ExitUnusable));
        Assert.That(error.ToString(), Does.StartWith("The disk is full: "));
    }

    [Test]
    public void A_journal_that_is_damaged_gives_no_files()
    {
        string copy = _folder.PathOf("copy");
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(Journal))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        string log = Path.Combine(copy, "journal.log.0");
        byte[] bytes = File.ReadAllBytes(log);
        bytes[40_000] ^= 1;
        File.WriteAllBytes(log, bytes);
        Assert.That(Run(2, ["export", copy, "--format", "csv", "--out", _folder.PathOf("out")]), Does.StartWith("The journal is damaged at block"));
        Assert.That(Directory.Exists(_folder.PathOf("out")), Is.False);
    }

    [TestCase("one of csv, parquet, jsonl, camt.053", "JOURNAL", "--out", "OUT")]
    [TestCase("--format xml: one of", "JOURNAL", "--format", "xml", "--out", "OUT")]
    [TestCase("--out is missing", "JOURNAL", "--format", "csv")]
    [TestCase("Name the directory of a journal", "--format", "csv", "--out", "OUT")]
    [TestCase("There is no directory '/nowhere'", "/nowhere", "--format", "csv", "--out", "OUT")]
    [TestCase("--tables wallets: there is no such table; there are payments, batches", "JOURNAL", "--format", "csv", "--out", "OUT", "--tables", "payments,wallets")]
    [TestCase("--from end: nothing lies behind the end", "JOURNAL", "--format", "csv", "--out", "OUT", "--from", "end")]
    [TestCase("--from soon: a sequence such as", "JOURNAL", "--format", "csv", "--out", "OUT", "--from", "soon")]
    [TestCase("--from 900000 lies behind the last sequence that was read", "JOURNAL", "--format", "csv", "--out", "OUT", "--from", "900000")]
    [TestCase("--from 90 lies behind the last sequence that was read, 80", "JOURNAL", "--format", "csv", "--out", "OUT", "--from", "90", "--to", "80")]
    [TestCase("--from batch:90 lies behind the last sequence", "JOURNAL", "--format", "csv", "--out", "OUT", "--from", "batch:90")]
    [TestCase("batch:90 is not in the journal", "JOURNAL", "--format", "csv", "--out", "OUT", "--to", "batch:90")]
    [TestCase("900000 lies behind the journal's end", "JOURNAL", "--format", "csv", "--out", "OUT", "--to", "900000")]
    [TestCase("--out JOURNAL/x lies in the journal", "JOURNAL", "--format", "csv", "--out", "JOURNAL/x")]
    [TestCase("is a file. Name a folder", "JOURNAL", "--format", "csv", "--out", "FILE")]
    public void What_cannot_be_exported_is_refused_in_a_sentence_and_writes_nothing(string sentence, params string[] words)
    {
        string file = _folder.PathOf("file");
        File.WriteAllText(file, "");
        string Place(string word) => word.Replace("JOURNAL", Journal, StringComparison.Ordinal).Replace("OUT", _folder.PathOf("out"), StringComparison.Ordinal).Replace("FILE", file, StringComparison.Ordinal);
        Assert.That(Run(2, ["export", .. words.Select(Place)]).TrimEnd(), Does.Contain(Place(sentence)).And.Not.Contain("\n"));
        Assert.That(Directory.GetFileSystemEntries(_folder.Path), Is.EqualTo(new[] { file }));
    }

    [Test]
    public void The_columns_are_listed_for_every_table()
    {
        string list = Run(0, ["export", "--columns"]);
        using var json = JsonDocument.Parse(Run(0, ["export", "--columns", "--json"]));
        foreach (TableSchema table in ExportTables.All)
        {
            Assert.That(list, Does.Contain($"## {table.Name}\n"));
            JsonElement told = json.RootElement.EnumerateArray().Single(element => element.GetProperty("table").GetString() == table.Name);
            Assert.That(told.GetProperty("columns").EnumerateArray().Select(column => column.GetProperty("name").GetString()), Is.EqualTo(table.Columns.Select(column => column.Name)));
            foreach (Column column in table.Columns)
                Assert.That(list, Does.Contain($"| {column.Name} | {column.SqlType} | {(column.IsNullable ? "yes" : "")} |"));
        }
    }

    private static DuckReader Duck(string format) => new DuckReader().Add(s_folder.PathOf(format));

    private static string Export(int expected, params string[] words) => Run(expected, ["export", Journal, .. words]);

    /// <returns>What was printed, or, where it failed, the sentence.</returns>
    private static string Run(int expected, string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = ReplayCommand.Run(words, output, error);
        Assert.That(code, Is.EqualTo(expected), output + error.ToString());
        Assert.That(expected == 0 ? error.ToString() : output.ToString(), Is.Empty);
        return expected == 0 ? output.ToString() : error.ToString();
    }

    /// <summary>A file on a disk with room for so many bytes.</summary>
    private sealed class FullDisk(string path, int room) : FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0)
    {
        private const int NoSpaceErrno = 28;

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (Position + buffer.Length > room)
                throw new IOException($"No space left on device : '{Name}'", NoSpaceErrno);
            base.Write(buffer);
        }
    }
}
