using System.Globalization;
using System.Numerics;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Replay;
using Settlement.Replay.Export;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replay;

/// <summary>
/// Exports of generated journals, held against the naive twin of the engine: every verdict there is, balances near 2^64, currencies and wallets that
/// nobody knows, ids of all kinds. And of a journal with whatever values the fields of a payment can have.
/// </summary>
public sealed class ExportPropertyTests
{
    private static readonly string[] s_formats = ["csv", "jsonl", "parquet"];

    private static readonly string[] s_oddNames =
        ["a, b", "say \"pay\"", "\"", "line\nbreak", "cr\r", "=1+1", " space ", "日本銀行", "😀", "null", "ü|ß", "''; --", "{\"a\":1}", "\t", "\u0001"];

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Every_table_is_what_the_naive_twin_says_in_every_format([Range(0, 3)] int temper)
    {
        ulong seed = ((ulong)(uint)PrintedSeed.Next() << 2) | (uint)temper;
        TestContext.Out.WriteLine($"history {seed}");
        var rules = new SharedRules();
        var generator = new StreamGenerator(seed, 3_000, rules, rules.Encode);
        ExpectedRows? expected = null;
        MadeJournal.Write(_folder.PathOf("journal"), generator, block => (expected ??= new ExpectedRows(generator.Model)).Add(block));
        foreach (string format in s_formats)
        {
            Export(format);
            using DuckReader duck = new DuckReader().Add(_folder.PathOf(format));
            AssertSame(duck.Table(PaymentRow.Schema), expected!.Payments, format);
            Assert.That(duck.Table(StateRows.Balances).Order(), Is.EqualTo(Balances(generator.Model).Order()), format);
            Assert.That(duck.Rows("select currency, outstanding_units from currencies"), Is.EqualTo(generator.Model.Currencies.Select(currency =>
                $"{Iso4217.LettersOf(currency.Number)}|{currency.Outstanding}")), format);
            Assert.That(duck.Rows("select batch, first_sequence, last_sequence, opened_ns, closed_ns, count, accepted from batches"),
                Is.EqualTo(generator.Model.ClosedBatches.Select(BatchText)), format);
            Assert.That(duck.Rows("select batch, participant, currency, net_units from positions where net_units <> 0").Order(),
                Is.EqualTo(Positions(generator.Model)), format);
            Assert.That(duck.Rows("select batch, currency, amount_units from gross").Order(), Is.EqualTo(Gross(generator.Model)), format);
        }
    }

    [Test]
    public void Payments_of_whatever_values_are_the_same_in_every_format()
    {
        Random random = PrintedSeed.Create();
        var names = new List<string> { "operator" };
        using (var journal = new MadeJournal(_folder.PathOf("journal"), Live.LiveLedger.SmallGenesis()))
        {
            for (int at = 0; at < s_oddNames.Length; at++)
            {
                names.Add(s_oddNames[at]);
                journal.Append(2, Scenario.Participant((ushort)(at + 1), s_oddNames[at]));
            }

            journal.Append(2, Scenario.Currency(978, 18), Scenario.Currency(392, 0));
            for (int at = 0; at < names.Count; at++)
            {
                journal.Append(2, Scenario.Wallet(ulong.MaxValue - (ulong)at, (ushort)at));
                journal.Append(2, Scenario.Account(ulong.MaxValue - (ulong)at, 392));
            }

            Payment[] payments = [.. Enumerable.Range(0, 2_000).Select(_ => Odd(random, names.Count))];
            journal.Append(BlockKind.Payments, 3, payments.AsSpan(0, 700));
            journal.Append(BlockKind.Payments, Limits.NsPerHour / 2, payments.AsSpan(700));
        }

        foreach (string format in s_formats)
            Export(format);
        using DuckReader duck = new DuckReader().Add(_folder.PathOf("csv"), "csv_").Add(_folder.PathOf("jsonl"), "jsonl_").Add(_folder.PathOf("parquet"));
        Assert.That(duck.Rows("select payments.count, accepted.count > 0, accepted.count < payments.count from (select count(*) count from payments) payments, (select count(*) count from payments where verdict = 'accepted') accepted"),
            Is.EqualTo(new[] { "2000|true|true" }));
        foreach (TableSchema table in ExportTables.All)
        {
            List<string> rows = duck.Table(table);
            AssertSame(duck.Table(table, "csv_"), rows, table.Name);
            AssertSame(duck.Table(table, "jsonl_"), rows, table.Name);
        }

        Assert.That(duck.Rows("select distinct participant from balances").Order(StringComparer.Ordinal), Is.EqualTo(names.Order(StringComparer.Ordinal)));
        Assert.That(duck.Rows("select name from commands where command = 'declare_participant'"), Is.EqualTo(s_oddNames));
    }

    /// <summary>Values from the edges of each field, among them what no ledger accepts.</summary>
    private static Payment Odd(Random random, int wallets)
    {
        ulong Any() => random.Next(6) switch
        {
            0 => 0,
            1 => ulong.MaxValue,
            2 => 1,
            3 => 1UL << 63,
            4 => (ulong)random.Next(),
            _ => (ulong)random.NextInt64() << 1,
        };
        ulong Wallet() => random.Next(10) == 0 ? Any() : ulong.MaxValue - (ulong)random.Next(wallets + 1);
        var payment = new Payment
        {
            IdHigh = Any(), IdLow = Any(), Payer = Wallet(), Payee = Wallet(), Amount = Any(), Reference = Any(), ValidUntilNs = random.Next(2) == 0 ? 0 : Any(),
            Currency = random.Next(8) == 0 ? (ushort)random.Next(65_536) : random.Next(2) == 0 ? (ushort)978 : (ushort)392,
            Instruction = (Instruction)random.Next(random.Next(9) == 0 ? 256 : 9), Flags = (PaymentFlags)random.Next(random.Next(9) == 0 ? 256 : 2),
            Level = (byte)random.Next(random.Next(3) == 0 ? 256 : 1), Purpose = (Purpose)random.Next(random.Next(9) == 0 ? 256 : 10),
            Session = random.Next(9) == 0 ? (ushort)random.Next(65_536) : (ushort)1,
        };
        return random.Next(3) != 0 ? payment : payment with
        {
            Instruction = Instruction.Issue, Payer = 0, Flags = PaymentFlags.None, Session = 1, ValidUntilNs = 0, Purpose = Purpose.Unstated, Level = 0,
            Amount = (ulong)random.Next(1, 1_000_000), Payee = ulong.MaxValue - (ulong)random.Next(wallets), Currency = 978, IdHigh = (ulong)random.NextInt64() + 1,
        };
    }

    private void Export(string format)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = ReplayCommand.Run(["export", _folder.PathOf("journal"), "--format", format, "--out", _folder.PathOf(format)], output, error);
        Assert.That(code, Is.Zero, error.ToString());
    }

    /// <summary>Names the first difference: thousands of rows would hide it.</summary>
    private static void AssertSame(List<string> rows, List<string> expected, string what)
    {
        for (int at = 0; at < Math.Min(rows.Count, expected.Count); at++)
        {
            if (rows[at] != expected[at])
                Assert.Fail($"{what}, row {at}:\n{rows[at]}\nexpected:\n{expected[at]}");
        }

        Assert.That(rows, Has.Count.EqualTo(expected.Count), what);
    }

    private static IEnumerable<string> Balances(NaiveEngine model)
    {
        foreach (NaiveWallet wallet in model.Wallets.Values)
        {
            foreach (NaiveAccount account in wallet.Accounts.Values)
            {
                int scale = model.Currencies.Single(known => known.Number == account.Currency).Scale;
                yield return string.Create(CultureInfo.InvariantCulture,
                    $"{wallet.Id}|{model.Participants[wallet.Participant]}|{Iso3166.LettersOf(wallet.Country)}|{wallet.Tier}|{NameText<PartyKind>.Of(wallet.Kind)}|{wallet.Level}|{NameText<WalletStatus>.Of(wallet.Status)}|{Iso4217.LettersOf(account.Currency)}|"
                    + $"{ExpectedRows.Decimal(account.Available, scale)}|{account.Available}|{ExpectedRows.Decimal(account.Pending, scale)}|{account.Pending}|{ExpectedRows.Decimal(account.Held, scale)}|{account.Held}");
            }
        }
    }

    private static string BatchText(NaiveBatch batch) => string.Create(CultureInfo.InvariantCulture,
        $"{batch.Number}|{batch.SequenceBefore + 1}|{batch.SequenceAtClose}|{batch.OpenedNs}|{batch.ClosedNs}|{batch.Count}|{batch.Accepted.Count}");

    private static IEnumerable<string> Positions(NaiveEngine model) => model.ClosedBatches
        .SelectMany(batch => batch.Net.Where(net => net.Value != BigInteger.Zero).Select(net =>
            $"{batch.Number}|{model.Participants[net.Key.Participant]}|{Iso4217.LettersOf(net.Key.Currency)}|{net.Value}"))
        .Order();

    private static IEnumerable<string> Gross(NaiveEngine model) => model.ClosedBatches
        .SelectMany(batch => batch.Gross.Where(gross => gross.Value != BigInteger.Zero).Select(gross => $"{batch.Number}|{Iso4217.LettersOf(gross.Key)}|{gross.Value}"))
        .Order();
}
