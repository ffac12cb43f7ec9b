using System.Text.Json;
using Microsoft.Data.Sqlite;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Replay;
using Settlement.Replay.Tail;

namespace Settlement.Tests.Replay;

/// <summary>`replay tail --to sqlite`: what the history holds, how it goes on, and what it refuses.</summary>
public sealed class TailSqliteTests
{
    private readonly TemporaryFolder _folder = new();

    private string Journal => _folder.PathOf("journal");

    private string Target => _folder.PathOf("history");

    [TearDown]
    public void Empty()
    {
        foreach (string directory in Directory.GetDirectories(_folder.Path))
            Directory.Delete(directory, recursive: true);
        foreach (string file in Directory.GetFiles(_folder.Path))
            File.Delete(file);
    }

    [OneTimeTearDown]
    public void Remove() => _folder.Dispose();

    [Test]
    public void A_history_holds_what_a_naive_ledger_makes_of_the_journal()
    {
        using var journal = new GeneratedJournal(Journal, 12_000, PrintedSeed.Create());
        journal.WriteAll();
        Tail();
        using HistoryReader history = HistoryReader.Open(Target);
        HistoryComparison.Expect(history, journal);
        Assert.That(history.Position()!.Sequence, Is.EqualTo(LastSequence()));
    }

    [Test]
    public void A_history_that_is_continued_piece_by_piece_is_the_same()
    {
        Random random = PrintedSeed.Create();
        using var journal = new GeneratedJournal(Journal, 6_000, random);
        int pieces = 0;
        for (bool more = true; more; pieces++)
        {
            more = journal.Write(random.Next(1, 500));
            Tail();
        }

        Assert.That(pieces, Is.GreaterThan(1));
        JsonElement last = Json(Tail());
        Assert.That(last.GetProperty("payments").GetInt64(), Is.Zero, "what is there already is not taken again");
        Assert.That(last.GetProperty("sequence").GetString(), Is.EqualTo($"{LastSequence()}"));
        using HistoryReader history = HistoryReader.Open(Target);
        HistoryComparison.Expect(history, journal);
    }

    [Test]
    public void Balances_are_the_ledgers_own()
    {
        using var journal = new GeneratedJournal(Journal, 4_000, PrintedSeed.Create());
        journal.WriteAll();
        Tail();
        using HistoryReader history = HistoryReader.Open(Target);
        using var walk = Settlement.History.JournalWalk.Open(Journal, new Settlement.History.WalkOptions());
        walk.ToPoint();
        for (int row = 1; row <= walk.State.Accounts.Count; row++)
        {
            Settlement.Engine.Ledger.AccountRow account = walk.State.Accounts[row];
            if (account.CurrencyIndex == 0)
                continue;
            StatementPage page = history.Statement(account.Wallet, walk.State.Currencies[account.CurrencyIndex].Number, 1);
            Assert.That(page.Lines.Count == 0 ? 0 : page.Lines[0].Total, Is.EqualTo((UInt128)account.Available + account.Pending + account.Held), $"wallet {account.Wallet}");
        }
    }

    [Test]
    public void It_can_be_asked_in_sql()
    {
        using var journal = new GeneratedJournal(Journal, 3_000, PrintedSeed.Create());
        journal.WriteAll();
        Tail();
        GeneratedPayment payment = journal.Payments.Last(one => one.Payment.Instruction == Instruction.Micropayment && one.Outcome.Verdict == Verdict.Accepted);
        Assert.That(
            Scalar($"select payer || ' ' || payee || ' ' || smallest_units || ' ' || id from payments_readable where sequence = {payment.Sequence}"),
            Is.EqualTo($"{payment.Payment.Payer} {payment.Payment.Payee} {payment.Payment.Amount} {Settlement.Engine.Text.PaymentIdText.Format(payment.Payment)}"));
        using HistoryReader history = HistoryReader.Open(Target);
        List<StatementLine> lines = HistoryComparison.Statement(history, payment.Payment.Payer, payment.Payment.Currency);
        string account = $"wallet = {unchecked((long)payment.Payment.Payer)} and currency = {payment.Payment.Currency}";
        Assert.That(Scalar($"select count(*) || ' ' || max(movement) from statements where {account}"), Is.EqualTo($"{lines.Count} {lines[^1].Movement}"));
        Assert.That(
            Scalar($"select counterparty from statements where {account} and sequence = {payment.Sequence}"), Is.EqualTo($"{unchecked((long)payment.Payment.Payee)}"));
    }

    [Test]
    public void What_is_read_in_one_snapshot_agrees_while_the_tail_goes_on()
    {
        using var journal = new GeneratedJournal(Journal, 3_000, PrintedSeed.Create());
        journal.Write(1_000);
        Tail();
        using HistoryReader history = HistoryReader.Open(Target);
        ulong first = journal.Payments[0].Sequence, next = journal.Payments[^1].Sequence + 1;
        using (history.Snapshot())
        {
            HistoryPosition before = history.Position()!;
            journal.WriteAll();
            Tail();
            Assert.That(history.Position(), Is.EqualTo(before));
            Assert.That(history.PaymentAt(first), Is.Not.Null);
            Assert.That(journal.Payments.Where(payment => payment.Sequence >= next).Select(payment => history.PaymentAt(payment.Sequence)), Is.All.Null);
        }

        HistoryComparison.Expect(history, journal);
    }

    [Test]
    public void The_journal_of_another_ledger_is_refused()
    {
        Make(ledger: 7);
        Tail();
        Directory.Delete(Journal, recursive: true);
        Make(ledger: 8);
        Refused("is of ledger 00000000000000000000000000000007, the journal of ledger 00000000000000000000000000000008");
    }

    [Test]
    public void Another_history_of_the_same_ledger_is_refused()
    {
        Make(seed: 1);
        Tail();
        Directory.Delete(Journal, recursive: true);
        Make(seed: 2, payments: 10_000);
        Refused("is of another history");
        Assert.That(JournalReaders.ReadAll(Journal), Is.Empty, "who was refused is no reader");
    }

    [Test]
    public void A_journal_that_ends_before_the_history_is_refused()
    {
        Make(seed: 1);
        Tail();
        Directory.Delete(Journal, recursive: true);
        using (var cut = new GeneratedJournal(Journal, 1_000, new Random(1)))
            cut.Write(200);
        Refused("is ahead of the journal");
        Assert.That(JournalReaders.ReadAll(Journal), Is.Empty);
        using HistoryReader history = HistoryReader.Open(Target);
        Assert.That(history.Position(), Is.Not.Null, "what is there stays");
    }

    [Test]
    public void A_newer_format_and_another_programs_database_are_refused()
    {
        Make();
        Tail();
        Scalar($"pragma user_version = {HistorySchema.Version + 1}");
        Refused($"is of format {HistorySchema.Version + 1}");
        Assert.That(() => HistoryReader.Open(Target), Throws.TypeOf<HistoryException>());
        Scalar("pragma application_id = 77");
        Refused("is a database of another program");
        File.WriteAllText(Path.Combine(Target, HistorySchema.FileName), new string('x', 10_000));
        Refused("is no database");
    }

    [Test]
    public void A_target_that_another_tail_keeps_is_refused()
    {
        Make();
        Tail();
        using var held = new TailLock(Target);
        Refused("Another process keeps the projection");
    }

    [Test]
    public void A_database_that_another_program_locks_is_a_sentence()
    {
        using var journal = new GeneratedJournal(Journal, 30_000, new Random(1));
        journal.Write(300);
        Tail();
        journal.WriteAll();
        using SqliteConnection other = Connect();
        using SqliteTransaction held = other.BeginTransaction(System.Data.IsolationLevel.Serializable);
        Refused("is locked by another program");
        held.Dispose();
        Tail();
    }

    [TestCase("is a file", "tail", "JOURNAL", "--to", "sqlite", "FILE", "--once")]
    [TestCase("There is no directory", "tail", "/nowhere/at/all", "--to", "sqlite", "TARGET", "--once")]
    [TestCase("--to sqlite DIR", "tail", "JOURNAL")]
    [TestCase("--to sqlite DIR", "tail", "JOURNAL", "TARGET")]
    [TestCase("--forget NAME stands alone", "tail", "JOURNAL", "--forget", "a", "--to", "sqlite", "TARGET")]
    [TestCase("is no name of a reader", "tail", "JOURNAL", "--to", "sqlite", "TARGET", "--name", "../x")]
    [TestCase("has no reader 'nobody'", "tail", "JOURNAL", "--forget", "nobody")]
    public void What_cannot_be_used_is_refused_in_a_sentence_with_exit_code_2(string sentence, params string[] words)
    {
        Make(payments: 10);
        string file = _folder.PathOf("file");
        File.WriteAllText(file, "");
        (int code, string output, string error) = Run([.. words.Select(word => word switch { "JOURNAL" => Journal, "TARGET" => Target, "FILE" => file, _ => word })]);
        Assert.That(code, Is.EqualTo(2), output);
        Assert.That(error, Does.Contain(sentence));
        Assert.That(output, Is.Empty);
        Assert.That(Directory.Exists(Target), Is.False, "nothing is left of a refused run");
    }

    [Test]
    public void Damage_is_named_and_what_stands_before_it_is_kept()
    {
        ulong broken = 0;
        string file = "";
        Make(payments: 30_000);
        using (JournalReader reader = JournalReader.Open(Journal))
        {
            long offset = 0;
            while (reader.Next())
            {
                if (reader.Header.Kind == BlockKind.Payments && reader.Header.Number > 10)
                    (broken, file, offset) = (reader.Header.Number, reader.File, reader.FileOffset);
            }

            byte[] bytes = File.ReadAllBytes(file);
            bytes[offset + 4 + BlockHeader.Size + 8] ^= 1;
            File.WriteAllBytes(file, bytes);
        }

        Refused($"damaged at block {broken}");
        using HistoryReader history = HistoryReader.Open(Target);
        Assert.That(history.Position()!.Block, Is.EqualTo(broken - 1));
    }

    [Test]
    public void The_journal_is_told_how_far_the_history_is_until_it_is_forgotten()
    {
        Make();
        JsonElement report = Json(Tail("--name", "books"));
        Assert.That(report.GetProperty("name").GetString(), Is.EqualTo("books"));
        JournalReaderMark mark = JournalReaders.ReadAll(Journal).Single();
        using (HistoryReader history = HistoryReader.Open(Target))
        {
            HistoryPosition position = history.Position()!;
            Assert.That((mark.Name, mark.LedgerId, mark.Sequence, mark.Block), Is.EqualTo(("books", position.LedgerId, position.Sequence, position.Block)));
        }

        using (JournalReader reader = JournalReader.Open(Journal))
        {
            while (reader.Next() && reader.Header.Number < mark.Block)
            {
            }

            Assert.That(reader.Address, Is.EqualTo(mark.Address), "where the block begins");
        }

        (int code, _, string error) = Run("tail", Journal, "--to", "sqlite", _folder.PathOf("second"), "--once", "--name", "books");
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain("the journal has a reader of that name"));
        Assert.That(Run("tail", Journal, "--forget", "books").Code, Is.Zero);
        Assert.That(JournalReaders.ReadAll(Journal), Is.Empty);
    }

    [Test]
    public void Two_targets_are_two_readers_by_default()
    {
        Make(payments: 100);
        Tail();
        Assert.That(Run("tail", Journal, "--to", "sqlite", _folder.PathOf("second"), "--once").Code, Is.Zero);
        Assert.That(JournalReaders.ReadAll(Journal), Has.Count.EqualTo(2));
    }

    private void Make(int seed = 1, UInt128? ledger = null, int payments = 1_000)
    {
        using var journal = new GeneratedJournal(Journal, payments, new Random(seed), ledger);
        journal.WriteAll();
    }

    private string Tail(params string[] words)
    {
        (int code, string output, string error) = Run(["tail", Journal, "--to", "sqlite", Target, "--once", "--json", .. words]);
        Assert.That(code, Is.Zero, error);
        Assert.That(error, Is.Empty);
        return output;
    }

    private void Refused(string sentence)
    {
        (int code, _, string error) = Run("tail", Journal, "--to", "sqlite", Target, "--once");
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain(sentence));
        Assert.That(error.TrimEnd(), Does.Not.Contain("\n"), "one line");
    }

    private ulong LastSequence()
    {
        using JournalReader reader = JournalReader.Open(Journal);
        while (reader.Next())
        {
        }

        return reader.Position.NextSequence - 1;
    }

    private SqliteConnection Connect()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(Target, HistorySchema.FileName), Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    private string? Scalar(string sql)
    {
        using SqliteConnection connection = Connect();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToString(command.ExecuteScalar(), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static (int Code, string Output, string Error) Run(params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = ReplayCommand.Run(words, output, error);
        return (code, output.ToString(), error.ToString());
    }

    private static JsonElement Json(string output)
    {
        using var json = JsonDocument.Parse(output);
        return json.RootElement.Clone();
    }
}
