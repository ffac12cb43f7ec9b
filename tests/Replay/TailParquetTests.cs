using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Replay;

namespace Settlement.Tests.Replay;

/// <summary>`replay tail --to parquet`: what the files hold, how they follow one another, and what is refused.</summary>
public sealed class TailParquetTests
{
    private readonly TemporaryFolder _folder = new();
    private string _place = "";

    private string Journal => Path.Combine(_place, "journal");

    private string Target => Path.Combine(_place, "files");

    [SetUp]
    public void MakePlace() => _place = Directory.CreateDirectory(_folder.PathOf(TestContext.CurrentContext.Test.ID)).FullName;

    [OneTimeTearDown]
    public void Remove() => _folder.Dispose();

    [Test]
    public void The_files_hold_every_payment_once_however_they_are_cut_and_continued()
    {
        Random random = PrintedSeed.Create();
        using var journal = new GeneratedJournal(Journal, 8_000, random);
        for (bool more = true; more;)
        {
            more = journal.Write(random.Next(1, 1_000));
            Tail("--rows", $"{random.Next(1, 600)}");
        }

        string whole = Path.Combine(_place, "whole");
        Assert.That(Run("tail", Journal, "--to", "parquet", whole, "--once").Code, Is.Zero);
        Assert.That(Directory.GetFiles(whole, "*.parquet"), Has.Length.EqualTo(1));
        Assert.That(Directory.GetFiles(Target, "*.parquet"), Has.Length.GreaterThan(2));
        TailFollowTests.ExpectPayments(whole, journal);
        string columns = "select * exclude (target) from ";
        Assert.That(ParquetFiles.Number($"select count(*) from {ParquetFiles.Of(Target)}"), Is.EqualTo(journal.Payments.Count));
        Assert.That(ParquetFiles.Number($"select count(*) from ({columns}{ParquetFiles.Of(Target)} except all {columns}{ParquetFiles.Of(whole)})"), Is.Zero);
        ExpectRanges();
    }

    [Test]
    public void What_a_killed_tail_left_half_written_is_removed()
    {
        Make();
        Directory.CreateDirectory(Target);
        File.WriteAllText(Path.Combine(Target, "payments.partial"), "PAR1 half");
        Tail();
        Assert.That(Directory.GetFiles(Target).Select(Path.GetFileName), Has.None.EqualTo("payments.partial"));
    }

    [Test]
    public void Without_payments_there_is_no_file_and_the_journal_is_kept_from_its_beginning()
    {
        using var journal = new GeneratedJournal(Journal, 10, new Random(4));
        Tail(); // genesis alone
        Assert.That(Directory.GetFiles(Target, "*.parquet"), Is.Empty);
        Assert.That(JournalReaders.ReadAll(Journal).Single().Sequence, Is.Zero);
    }

    [Test]
    public void A_missing_file_another_ledger_and_another_history_are_refused()
    {
        Make(payments: 30_000);
        Tail("--rows", "200");
        string[] files = [.. Directory.GetFiles(Target, "*.parquet").Order(StringComparer.Ordinal)];
        Assert.That(files, Has.Length.GreaterThan(2));
        File.Move(files[1], files[1] + ".away");
        Refused("a file is missing or there twice");
        File.Move(files[1] + ".away", files[1]);
        Tail();
        Directory.Delete(Journal, recursive: true);
        Make(ledger: 8);
        Refused("is of ledger 00000000000000000000000000000007");
        Directory.Delete(Journal, recursive: true);
        Make(seed: 2, payments: 100_000);
        Refused("is of another history");
        File.WriteAllText(files[^1], "no file");
        Refused("cannot be read as a Parquet file");
    }

    private void ExpectRanges()
    {
        ulong next = 1;
        foreach (string file in Directory.GetFiles(Target, "payments-*.parquet").Order(StringComparer.Ordinal))
        {
            string[] range = Path.GetFileNameWithoutExtension(file).Split('-');
            Assert.That(ulong.Parse(range[1], System.Globalization.CultureInfo.InvariantCulture), Is.EqualTo(next));
            next = ulong.Parse(range[2], System.Globalization.CultureInfo.InvariantCulture) + 1;
            List<object[]> held = ParquetFiles.Query($"select min(sequence), max(sequence) from '{file}'");
            Assert.That(held[0][0], Is.GreaterThanOrEqualTo(ulong.Parse(range[1], System.Globalization.CultureInfo.InvariantCulture)));
            Assert.That(held[0][1], Is.LessThan(next));
        }
    }

    private void Make(int seed = 1, UInt128? ledger = null, int payments = 1_000)
    {
        using var journal = new GeneratedJournal(Journal, payments, new Random(seed), ledger);
        journal.WriteAll();
    }

    private void Tail(params string[] words)
    {
        (int code, string error) = Run(["tail", Journal, "--to", "parquet", Target, "--once", .. words]);
        Assert.That((code, error), Is.EqualTo((0, "")));
    }

    private void Refused(string sentence)
    {
        (int code, string error) = Run("tail", Journal, "--to", "parquet", Target, "--once");
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain(sentence));
        Assert.That(error.TrimEnd(), Does.Not.Contain("\n"), "one line");
    }

    private static (int Code, string Error) Run(params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (ReplayCommand.Run(words, output, error), error.ToString());
    }
}
