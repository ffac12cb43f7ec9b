using Settlement.Engine.Journal;

namespace Settlement.Tests.Journal;

/// <summary>The marks of who reads a journal.</summary>
public sealed class JournalReadersTests
{
    private readonly TemporaryFolder _folder = new();

    [OneTimeTearDown]
    public void Remove() => _folder.Dispose();

    [SetUp]
    public void Empty()
    {
        string readers = _folder.PathOf(JournalReaders.FolderName);
        if (Directory.Exists(readers))
            Directory.Delete(readers, recursive: true);
    }

    [Test]
    public void A_journal_without_marks_has_no_readers()
    {
        Assert.That(JournalReaders.ReadAll(_folder.Path), Is.Empty);
        Assert.That(JournalReaders.Find(_folder.Path, "a"), Is.Null);
        Assert.That(JournalReaders.Remove(_folder.Path, "a"), Is.False);
    }

    [Test]
    public void What_is_written_is_read_until_it_is_removed()
    {
        JournalReaderMark a = Mark("a", 500), b = Mark("b.2", 70), c = Mark("c_3", ulong.MaxValue);
        foreach (JournalReaderMark mark in new[] { c, a, Mark("b.2", 1), b })
            JournalReaders.Write(_folder.Path, mark);
        Assert.That(JournalReaders.ReadAll(_folder.Path), Is.EqualTo(new[] { a, b, c }));
        Assert.That(JournalReaders.Find(_folder.Path, "a"), Is.EqualTo(a));
        Assert.That(JournalReaders.Remove(_folder.Path, "b.2"));
        Assert.That(JournalReaders.ReadAll(_folder.Path), Is.EqualTo(new[] { a, c }));
    }

    [Test]
    public void A_mark_that_was_cut_short_while_it_was_written_changes_nothing()
    {
        JournalReaders.Write(_folder.Path, Mark("a", 5));
        File.WriteAllText(JournalReaders.PathOf(_folder.Path, "a") + ".new", "{\"name\":");
        Assert.That(JournalReaders.ReadAll(_folder.Path), Is.EqualTo(new[] { Mark("a", 5) }));
        JournalReaders.Write(_folder.Path, Mark("a", 6));
        Assert.That(Directory.GetFiles(_folder.PathOf(JournalReaders.FolderName)), Has.Length.EqualTo(1));
    }

    [TestCase("")]
    [TestCase("{}")]
    [TestCase("[]")]
    [TestCase("null")]
    [TestCase("FILE:\"sequence\": \"5\"=\"sequence\": \"-5\"")]
    [TestCase("FILE:\"sequence\": \"5\"=\"sequence\": 5")]
    [TestCase("FILE:\"address\": \"50\"=\"address\": \"50x\"")]
    [TestCase("FILE:\"version\": 1=\"version\": 2")]
    [TestCase("FILE:\"name\": \"a\"=\"name\": \"b\"")]
    [TestCase("FILE:\"ledger\": \"0=\"ledger\": \"x")]
    public void A_malformed_mark_is_named(string text)
    {
        JournalReaders.Write(_folder.Path, Mark("a", 5));
        string path = JournalReaders.PathOf(_folder.Path, "a");
        if (text.StartsWith("FILE:", StringComparison.Ordinal))
        {
            string[] change = text["FILE:".Length..].Split('=');
            string whole = File.ReadAllText(path);
            Assert.That(whole, Does.Contain(change[0]));
            text = whole.Replace(change[0], change[1], StringComparison.Ordinal);
        }

        File.WriteAllText(path, text);
        Assert.That(
            () => JournalReaders.ReadAll(_folder.Path),
            Throws.TypeOf<JournalException>().With.Message.Contains(path).And.Message.Contains("--forget a"));
        Assert.That(JournalReaders.Remove(_folder.Path, "a"), "what cannot be read can be removed");
    }

    [TestCase("history", true)]
    [TestCase("a-b_c.1", true)]
    [TestCase("", false)]
    [TestCase(".hidden", false)]
    [TestCase("../a", false)]
    [TestCase("a b", false)]
    [TestCase("ä", false)]
    public void Names_are_plain(string name, bool expected)
    {
        Assert.That(JournalReaders.IsName(name), Is.EqualTo(expected));
        if (!expected)
            Assert.That(() => JournalReaders.Write(_folder.Path, Mark(name, 1)), Throws.ArgumentException);
    }

    private static JournalReaderMark Mark(string name, ulong sequence) =>
        new(name, "sqlite /somewhere", 7, sequence, sequence / 2, (long)(sequence & 0xFFFF) * 10, "2026-01-31T12:00:00Z");
}
