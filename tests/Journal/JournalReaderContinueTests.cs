using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.Tests.Journal;

/// <summary>A reader that has come to the journal's end and goes on when more is there; and what it must not take for more.</summary>
[CancelAfter(60_000)]
public sealed class JournalReaderContinueTests : JournalFixture
{
    [TestCase(JournalDevice.Automatic)]
    [TestCase(JournalDevice.Stock)]
    public void A_reader_at_the_end_goes_on_with_every_block_that_comes(JournalDevice device, CancellationToken cancel)
    {
        Random random = PrintedSeed.Create();
        using FasterJournal journal = Create(Tiny with { Device = device });
        using JournalReader reader = JournalReader.Open(Place);
        var written = new List<Block>();
        var found = new List<Block>();
        for (int round = 0; round < 40; round++)
        {
            for (int blocks = random.Next(0, 4); blocks >= 0; blocks--)
                written.Add(Append(journal, random.Next(1, 400)));
            journal.Commit();
            journal.WaitDurable(journal.LastBlock);
            ReadOn(reader, found, written.Count + 1, cancel);
            while (!reader.IsNoted) // the device writes its note a moment after a block is durable
            {
                cancel.ThrowIfCancellationRequested();
                Thread.Sleep(1);
            }
        }

        Assert.That(reader.Position.NextNumber, Is.EqualTo(journal.LastBlock + 1));
        Assert.That(reader.FileOf(reader.Address), Is.Not.EqualTo(LogFile(0)), "segments were crossed");
        AssertSame(found[1..], written);
    }

    [Test]
    public void Where_nothing_came_it_does_not_go_on()
    {
        Create().Dispose();
        using JournalReader reader = JournalReader.Open(Place);
        Assert.That(reader.TryContinue(), "it has not ended yet");
        ReadToEnd(reader);
        // Once it looks, for something may have come between the end and the first question.
        for (int i = 0; reader.TryContinue(); i++)
        {
            Assert.That(i, Is.Zero);
            ReadToEnd(reader);
        }

        Assert.That(reader.TryContinue(), Is.False);
        Assert.That(reader.End!.Kind, Is.EqualTo(JournalEndKind.End));
    }

    [Test]
    public void A_torn_tail_that_an_opening_cut_away_is_followed_by_what_came_in_its_place(CancellationToken cancel)
    {
        using (FasterJournal journal = Create())
        {
            Append(journal, 10);
            journal.Commit();
            journal.WaitDurable(1);
        }

        using JournalReader reader = JournalReader.Open(Place);
        ReadToEnd(reader);
        using (var file = new FileStream(LogFile(0), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete))
        {
            file.Position = reader.End!.Address;
            file.Write([0xC0, 2, 0, 0, 1, 2, 3]);
        }

        using JournalReader late = JournalReader.Open(Place);
        ReadToEnd(late);
        Assert.That(late.End!.Kind, Is.EqualTo(JournalEndKind.TornTail));
        using FasterJournal opened = Reopen(out _, out RecoveryReport report);
        Assert.That(report.Cut, Is.Not.Null);
        Block written = Append(opened, 20);
        opened.Commit();
        opened.WaitDurable(2);
        foreach (JournalReader one in new[] { reader, late })
        {
            var found = new List<Block>();
            ReadOn(one, found, 1, cancel);
            AssertSame(found, [written]);
        }
    }

    [Test]
    public void Damage_behind_the_end_is_found_and_ends_it_for_good(CancellationToken cancel)
    {
        using FasterJournal journal = Create();
        using JournalReader reader = JournalReader.Open(Place);
        ReadToEnd(reader);
        long end = reader.End!.Address;
        Append(journal, 10);
        Append(journal, 10);
        journal.Commit();
        journal.WaitDurable(2);
        journal.Dispose();
        using (var file = new FileStream(LogFile(0), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete))
        {
            file.Position = end + 4 + BlockHeader.Size + 100;
            int was = file.ReadByte();
            file.Position--;
            file.WriteByte((byte)(was ^ 8));
        }

        Assert.That(reader.TryContinue());
        Assert.That(reader.Next(), Is.False);
        Assert.That(reader.End!.Kind, Is.EqualTo(JournalEndKind.Damage));
        Assert.That(reader.End.Block, Is.EqualTo(1));
        Assert.That(reader.TryContinue(), Is.False);
        cancel.ThrowIfCancellationRequested();
    }

    [Test]
    public void A_block_is_noted_only_when_a_note_covers_it()
    {
        TailNote before;
        using (FasterJournal journal = Create())
        {
            Append(journal, 10);
            journal.Commit();
            journal.WaitDurable(1);
        }

        string note = new JournalFiles(Place, Ledger, Tiny.PageBytes, Tiny.SegmentBytes).NotePath;
        before = TailNote.ReadNewest(note)!;
        using (FasterJournal journal = Reopen(out _, out _))
        {
            Append(journal, 10);
            journal.Commit();
            journal.WaitDurable(2);
        }

        if (!before.Kept)
            Assert.Ignore("this device keeps no notes");
        TailNote after = TailNote.ReadNewest(note)!;
        // As a reader sees it between the write of block 2 and its note.
        (before with { Serial = after.Serial + 1 }).WriteAtRest(note);
        using JournalReader reader = JournalReader.Open(Place);
        Assert.That(reader.Next() && reader.Next() && reader.IsNoted, "block 1");
        Assert.That(reader.Next(), "block 2");
        Assert.That(reader.IsNoted, Is.False);
        (after with { Serial = after.Serial + 2 }).WriteAtRest(note);
        Assert.That(reader.IsNoted);
    }

    /// <summary>Reads until there are so many blocks, and asks once more.</summary>
    private static void ReadOn(JournalReader reader, List<Block> found, int count, CancellationToken cancel)
    {
        while (found.Count < count)
        {
            cancel.ThrowIfCancellationRequested();
            while (reader.Next())
                found.Add(new Block(reader.Header, reader.Body.ToArray()));
            Assert.That(reader.End!.Kind, Is.Not.EqualTo(JournalEndKind.Damage), reader.End.What);
            if (found.Count < count && !reader.TryContinue())
                Thread.Sleep(1);
        }

        reader.TryContinue();
    }

    private static void ReadToEnd(JournalReader reader)
    {
        while (reader.Next())
        {
        }
    }
}
