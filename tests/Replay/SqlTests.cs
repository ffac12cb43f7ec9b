using System.Security.Cryptography;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Gateway.Settle;
using Settlement.Replay;
using Settlement.Replay.Sql;

namespace Settlement.Tests.Replay;

/// <summary>`replay sql` over exports of the shipped sample and over its journal: results, and everything that must not work.</summary>
public sealed class SqlTests
{
    private static readonly string[] s_formats = ["csv", "jsonl", "parquet"];

    private static TemporaryFolder s_folder = null!;

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
            Run(0, "export", Journal, "--format", format, "--out", Over(format));
    }

    [OneTimeTearDown]
    public void DeleteAll() => s_folder.Dispose();

    [Test]
    public void A_query_gives_the_same_over_every_format_and_over_the_journal()
    {
        const string query = "select verdict, count(*) n, sum(amount) total from payments where currency = 'EUR' group by verdict order by n desc, verdict";
        string csv = Run(0, "sql", query, "--over", Over("csv"), "--csv");
        Assert.That(csv, Does.StartWith("verdict,n,total\naccepted,"));
        Assert.That(Run(0, "sql", query, "--over", Over("jsonl"), "--csv"), Is.EqualTo(csv));
        Assert.That(Run(0, "sql", query, "--over", Over("parquet"), "--csv"), Is.EqualTo(csv));
        Assert.That(Run(0, "sql", query, "--journal", Journal, "--csv"), Is.EqualTo(csv));
    }

    [Test]
    public void A_journals_range_can_be_queried()
    {
        Assert.That(Run(0, "sql", "select min(sequence), max(sequence) from payments", "--journal", Journal, "--from", "900", "--to", "batch:2", "--csv"),
            Does.Contain("\n900,").And.Not.Contain(",900\n"));
        Assert.That(Run(0, "sql", "select * from batches", "--journal", Journal, "--to", "batch:2", "--json"), Does.Contain("\"batch\":2").And.Not.Contain("\"batch\":3"));
    }

    [Test]
    public void Every_table_is_a_view() =>
        Assert.That(Run(0, "sql", "show tables", "--journal", Journal, "--csv"), Is.EqualTo("name\nbalances\nbatches\ncommands\ncurrencies\ngross\npayments\npositions\n"));

    [Test]
    public void Json_keeps_what_a_reader_would_round_as_text()
    {
        string text = Run(0, "sql", "select 12345678901234567890.123456789012345678::DECIMAL(38,18) d, -1.50::DECIMAL(9,2) e, 7::DECIMAL(38,0) z, 18446744073709551615::UBIGINT u, 9007199254740993 b, 12 n, 1.5::DOUBLE f, null x, true t, "
            + "'a\"b' s, [1, 2] l, {'k': 0.10::DECIMAL(9,2)} m, TIMESTAMPTZ '2026-01-31 12:00:00.25+00' i, TIMESTAMP '1960-01-31 12:00:00' w, DATE '2026-01-31' a, INTERVAL 3 DAYS j, 'ab'::BLOB h, 'nan'::DOUBLE q, 0.000000000000000000000000000001::DECIMAL(38,30) y",
            "--over", Over("csv"), "--json");
        Assert.That(text.Split('\n')[1], Is.EqualTo(
            """{"d":"12345678901234567890.123456789012345678","e":"-1.5","z":"7","u":"18446744073709551615","b":"9007199254740993","n":12,"f":1.5,"x":null,"t":true,"s":"a\"b","l":[1,2],"m":{"k":"0.1"},"i":"2026-01-31T12:00:00.250000Z","w":"1960-01-31T12:00:00","a":"2026-01-31","j":"0 months 3 days 0 us","h":"6162","q":"NaN","y":"0.000000000000000000000000000001"}"""));
        using var json = JsonDocument.Parse(text);
        Assert.That(json.RootElement.GetArrayLength(), Is.EqualTo(1));
    }

    [Test]
    public void Csv_tells_null_from_an_empty_text() =>
        Assert.That(Run(0, "sql", "select null a, '' b, 'x,y' c, '\"' d", "--over", Over("csv"), "--csv"), Is.EqualTo("a,b,c,d\n,\"\",\"x,y\",\"\"\"\"\n"));

    [Test]
    public void A_table_shows_the_first_thousand_rows_and_the_other_forms_all()
    {
        string shown = Run(0, "sql", "select sequence from payments order by sequence desc", "--over", Over("parquet"));
        Assert.That(shown, Does.Contain("The first 1,000 rows; --csv or --json gives all."));
        Assert.That(shown.Split('\n').Count(line => line.Any(char.IsDigit) && line.Contains('│', StringComparison.Ordinal)), Is.EqualTo(SqlOutput.TableRowsMax));
        string[] all = Run(0, "sql", "select sequence from payments order by sequence desc", "--over", Over("parquet"), "--csv").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(all.Skip(1).Select(int.Parse), Is.Ordered.Descending.And.Count.GreaterThan(2_000));
        Assert.That(Run(0, "sql", "select 1 where 1 = 2", "--over", Over("csv")), Does.Contain("0 rows."));
        Assert.That(Run(0, "sql", "select '[red]x'", "--over", Over("csv")), Does.Contain("[red]x").And.Contain("1 row."));
    }

    [Test]
    public void Queries_of_all_kinds_are_understood(
        [Values("from batches;", "with a as (select 1 x) select * from a", "values (1), (2)", "describe payments", "summarize gross", "(select 1) -- yes", "select 1 /* ; */ ; ",
            "pivot payments on currency using count(*) group by verdict", "select * from payments p join payments t on p.target = t.id")] string query) =>
        Assert.That(Run(0, "sql", query, "--over", Over("parquet"), "--csv").Split('\n'), Has.Length.GreaterThan(2));

    [TestCase("COPY payments TO 'TARGET'")]
    [TestCase("COPY (select 1) TO 'EXPORT'")]
    [TestCase("COPY (select 1) TO 'EXPORT' (format csv, overwrite true)")]
    [TestCase("explain analyze copy (select 1) to 'EXPORT'")]
    [TestCase("ATTACH 'TARGET'")]
    [TestCase("EXPORT DATABASE 'TARGET'")]
    [TestCase("create table t as from payments")]
    [TestCase("drop view payments")]
    [TestCase("create or replace view payments as select 1")]
    [TestCase("set enable_external_access = true")]
    [TestCase("pragma enable_profiling")]
    [TestCase("install httpfs")]
    [TestCase("load 'TARGET'")]
    [TestCase("call enable_logging(storage = 'file', storage_config = {'path': 'TARGET'})")]
    [TestCase("select 1; COPY (select 1) TO 'TARGET'")]
    [TestCase("select 1) ; copy (select 1) to 'EXPORT'; select * from (select 1")]
    [TestCase("select 1 /*")]
    [TestCase("insert into payments values (1)")]
    [TestCase("prepare p as select 1")]
    [TestCase("begin")]
    public void What_is_no_query_is_refused_and_changes_nothing(string query) => AssertRefused(query);

    [TestCase("select * from read_text('/etc/passwd')")]
    [TestCase("select * from read_blob('/etc/passwd')")]
    [TestCase("select * from read_csv('/etc/passwd')")]
    [TestCase("select * from '/etc/passwd'")]
    [TestCase("select * from sniff_csv('/etc/passwd')")]
    [TestCase("select * from glob('/etc/*')")]
    [TestCase("select * from read_parquet('OTHER')")]
    [TestCase("select * from parquet_metadata('OTHER')")]
    [TestCase("select * from read_csv('http://127.0.0.1:1/x.csv')")]
    [TestCase("select * from query('copy (select 1) to ''EXPORT''')")]
    [TestCase("select * from query_table('/etc/passwd')")]
    [TestCase("import database '/etc'")]
    [TestCase("select getenv('HOME')")]
    public void Nothing_but_the_export_can_be_read(string query) => AssertRefused(query);

    [TestCase("There is no query", "", "--over", "CSV")]
    [TestCase("There is no query", " ; ", "--over", "CSV")]
    [TestCase("""Binder Error: Referenced column "nonsense" was not found""", "select nonsense", "--over", "CSV")]
    [TestCase("""Parser Error: syntax error at or near "selec""", "selec 1", "--over", "CSV")]
    [TestCase("Conversion Error: Could not convert string 'accepted' to INT32", "select verdict::INT from payments", "--over", "CSV")]
    [TestCase("is of type Union, which cannot be printed: cast it to VARCHAR", "select union_value(n := 2)", "--over", "CSV")]
    [TestCase("has a List with a null in it, which cannot be printed: cast it to VARCHAR", "select [1, null]", "--over", "CSV")]
    [TestCase("Name what to query: either --over DIR", "select 1")]
    [TestCase("Name what to query: either --over DIR", "select 1", "--over", "CSV", "--journal", "JOURNAL")]
    [TestCase("--csv and --json: one of them", "select 1", "--over", "CSV", "--csv", "--json")]
    [TestCase("--from and --to go with --journal", "select 1", "--over", "CSV", "--to", "12")]
    [TestCase("There is no folder '/nowhere'", "select 1", "--over", "/nowhere")]
    [TestCase("has no table of an export", "select 1", "--over", "JOURNAL")]
    [TestCase("There is no directory '/nowhere'", "select 1", "--journal", "/nowhere")]
    public void A_mistake_is_a_sentence(string sentence, params string[] words)
    {
        string told = Run(2, ["sql", .. words.Select(word => word.Replace("CSV", Over("csv"), StringComparison.Ordinal).Replace("JOURNAL", Journal, StringComparison.Ordinal))]);
        Assert.That(told.TrimEnd(), Does.Contain(sentence).And.Not.Contain("\n"));
    }

    [Test]
    public void A_table_that_is_there_twice_is_named()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Path.Combine(Over("csv"), "gross.csv"), folder.PathOf("gross.csv"));
        File.Copy(Path.Combine(Over("parquet"), "gross.parquet"), folder.PathOf("gross.parquet"));
        Assert.That(Run(2, "sql", "select 1", "--over", folder.Path), Does.Contain("has gross as parquet and as csv"));
    }

    [Test]
    public void A_table_in_pieces_is_one_view()
    {
        using var folder = new TemporaryFolder();
        Run(0, "export", Journal, "--format", "parquet", "--out", folder.PathOf("a"), "--tables", "payments", "--to", "900");
        Run(0, "export", Journal, "--format", "parquet", "--out", folder.PathOf("b"), "--tables", "payments", "--from", "901");
        File.Move(folder.PathOf("a/payments.parquet"), folder.PathOf("payments-0001-0900.parquet"));
        File.Move(folder.PathOf("b/payments.parquet"), folder.PathOf("payments-0901-it's more.parquet"));
        Assert.That(Run(0, "sql", "select * from payments order by sequence", "--over", folder.Path, "--csv"),
            Is.EqualTo(Run(0, "sql", "select * from payments order by sequence", "--over", Over("parquet"), "--csv")));
    }

    [Test]
    public void What_tail_keeps_can_be_queried()
    {
        using var folder = new TemporaryFolder();
        Run(0, "tail", Journal, "--to", "parquet", folder.Path, "--once", "--rows", "500");
        Assert.That(Directory.GetFiles(folder.Path), Has.Length.GreaterThan(1));
        Assert.That(Run(0, "sql", "select * from payments order by sequence", "--over", folder.Path, "--csv"),
            Is.EqualTo(Run(0, "sql", "select * from payments order by sequence", "--over", Over("parquet"), "--csv")));
    }

    private static string Over(string format) => s_folder.PathOf(format);

    private static void AssertRefused(string query)
    {
        using var folder = new TemporaryFolder();
        string export = Path.Combine(Over("csv"), "gross.csv");
        string before = Hash();
        string text = query.Replace("TARGET", folder.PathOf("target"), StringComparison.Ordinal).Replace("EXPORT", export, StringComparison.Ordinal)
            .Replace("OTHER", Path.Combine(Over("parquet"), "gross.parquet"), StringComparison.Ordinal);
        Assert.That(Run(2, "sql", text, "--over", Over("csv")).TrimEnd(), Is.Not.Empty.And.Not.Contain("\n"));
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Is.Empty);
        Assert.That(Hash(), Is.EqualTo(before));

        static string Hash() => string.Join(' ', Directory.GetFiles(Over("csv")).Order().Select(file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))));
    }

    private static string Run(int expected, params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = ReplayCommand.Run(words, output, error);
        Assert.That(code, Is.EqualTo(expected), output + error.ToString());
        Assert.That(expected == 0 ? error.ToString() : output.ToString(), Is.Empty);
        return expected == 0 ? output.ToString() : error.ToString();
    }
}
