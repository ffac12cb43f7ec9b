using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replay.Export;

/// <summary>What cannot be exported as it was asked for is refused in one sentence, and leaves nothing behind.</summary>
public sealed class IsoBadUseTests : IsoFixture
{
    private void Write(Action<IsoJournal>? more = null)
    {
        using var journal = new IsoJournal(Journal);
        journal.Raise(4);
        journal.Pay(journal.New(Instruction.Issue, 0, 1, 1_000_000), journal.New(Instruction.Micropayment, 1, 2, 500_000));
        journal.Do(Scenario.CloseBatch());
        more?.Invoke(journal);
    }

    [TestCase("There is no wallet 99 up to sequence", "--format", "camt.053", "--wallet", "99")]
    [TestCase("There is no participant 'nobody'", "--format", "camt.053", "--participant", "nobody")]
    [TestCase("There is no participant '9'", "--format", "pacs.009", "--participant", "9")]
    [TestCase("has no position in any batch", "--format", "camt.053", "--participant", "4")]
    [TestCase("lies behind the journal's end", "--format", "camt.053", "--to", "100000")]
    [TestCase("lies behind the journal's end", "--format", "camt.053", "--from", "100000")]
    [TestCase("batch:7 is not in the journal", "--format", "camt.054", "--batch", "7")]
    [TestCase("Batch 7 is not closed: the last closed batch is 1", "--format", "pacs.009", "--batch", "7")]
    [TestCase("The range is empty", "--format", "camt.053", "--from", "end")]
    [TestCase("The range is empty", "--format", "camt.053", "--from", "16", "--to", "15")]
    [TestCase("The range is empty", "--format", "camt.053", "--from", "15", "--to", "10")]
    [TestCase("The range is empty", "--format", "camt.054", "--from", "end")]
    [TestCase("The range is empty: no batch closes in it", "--format", "pacs.009", "--from", "batch:2")]
    [TestCase("lies before the journal's beginning", "--format", "camt.053", "--to", "2025-01-01T00:00:00Z")]
    [TestCase("is expected", "--format", "camt.053", "--to", "tomorrow")]
    [TestCase("camt.053, camt.054, pacs.009 is expected", "--format", "pain.001")]
    [TestCase("exclude each other", "--format", "camt.053", "--wallet", "1", "--participant", "1")]
    [TestCase("does not go with pacs.009", "--format", "pacs.009", "--wallet", "1")]
    [TestCase("leave out --from and --to", "--format", "camt.054", "--batch", "1", "--to", "5")]
    [TestCase("batches count from 1", "--format", "camt.054", "--batch", "0")]
    [TestCase("a number from 1 on", "--format", "camt.054", "--page-entries", "0")]
    [TestCase("The operator is the settlement agent", "--format", "pacs.009", "--participant", "operator")]
    public void What_cannot_be_exported_is_refused_in_a_sentence(string sentence, params string[] words)
    {
        Write();
        string error = Refused("out", words);
        Assert.That(error, Does.Contain(sentence));
        Assert.That(error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(Directory.Exists(PathOf("out")), Is.False);
    }

    [Test]
    public void A_file_that_is_there_stays_unless_it_is_to_be_replaced()
    {
        Write();
        string folder = Export("out", "--format", "camt.053");
        string file = Directory.GetFiles(folder).Order(StringComparer.Ordinal).Last();
        File.WriteAllText(file, "mine");
        int files = Directory.GetFileSystemEntries(folder).Length;
        Assert.That(Refused("out", "--format", "camt.053"), Does.Contain("exists already").And.Contain("--force"));
        Assert.That(File.ReadAllText(file), Is.EqualTo("mine"));
        Assert.That(Directory.GetFileSystemEntries(folder), Has.Length.EqualTo(files), "what was begun is taken away");
        Export("out", "--format", "camt.053", "--force");
        Assert.That(File.ReadAllText(file), Does.StartWith("<?xml"));
    }

    [Test]
    public void A_file_in_the_folders_place_is_named()
    {
        Write();
        File.WriteAllText(PathOf("out"), "");
        Assert.That(Refused("out", "--format", "camt.053"), Does.Contain("is a file"));
    }

    [Test]
    public void An_amount_of_more_than_18_digits_is_refused_by_name_and_others_can_still_be_exported()
    {
        Write(journal =>
        {
            journal.Pay(journal.New(Instruction.Issue, 0, 3, ulong.MaxValue, IsoJournal.Dinar));
            journal.Do(Scenario.CloseBatch());
        });
        string error = Refused("out", "--format", "camt.053");
        Assert.That(error, Does.Contain("wallet 3 in KWD, sequence").And.Contain("18446744073709551.615 KWD").And.Contain("18 digits"));
        Assert.That(Directory.Exists(PathOf("out")), Is.False);
        Export("out", "--format", "camt.053", "--wallet", "1");
    }

    [Test]
    public void Damage_is_told_and_nothing_is_written()
    {
        Write();
        string log = Directory.GetFiles(Journal, "journal.log.*").Single();
        byte[] bytes = File.ReadAllBytes(log);
        bytes[3_000] ^= 1;
        File.WriteAllBytes(log, bytes);
        foreach (string format in (string[])["camt.053", "camt.054", "pacs.009"])
            Assert.That(Refused("out", "--format", format), Does.Contain("damaged at block").Or.Contain("Damaged"));
        Assert.That(Directory.Exists(PathOf("out")), Is.False);
    }

    [Test]
    public void Beside_a_running_node_the_export_ends_where_the_journal_ended()
    {
        IsoReader.RequireSchemas();
        using var journal = new IsoJournal(Journal);
        journal.Raise(4);
        journal.Pay(journal.New(Instruction.Issue, 0, 1, 1_000_000));
        journal.Commit();
        IsoAccountRead first = IsoReader.Accounts(Export("first", "--format", "camt.053", "--wallet", "1")).Single(read => read.Currency == "EUR");
        journal.Pay(journal.New(Instruction.Issue, 0, 1, 1_000_000));
        journal.Commit();
        IsoAccountRead second = IsoReader.Accounts(Export("second", "--format", "camt.053", "--wallet", "1")).Single(read => read.Currency == "EUR");
        Assert.That((first.Balances[1].Amount, second.Balances[1].Amount), Is.EqualTo((10m, 20m)));
    }
}
