using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Simd;

namespace Settlement.Tests.Journal;

public sealed class JournalStartTests : JournalFixture
{
    [Test]
    public void A_new_journal_holds_its_genesis_block()
    {
        Assert.That(FasterJournal.Exists(Place), Is.False);
        using (FasterJournal journal = Create())
            Assert.That((journal.LastBlock, journal.DurableBlock, journal.NextSequence), Is.EqualTo((0UL, 0UL, 1UL)));
        Assert.That(FasterJournal.Exists(Place), Is.True);
        Block genesis = ReadAll(out _).Single();
        Assert.That(genesis.Header.Kind, Is.EqualTo(BlockKind.Genesis));
        Assert.That(genesis.Body, Is.EqualTo("genesis"u8.ToArray()));
        Assert.That(() => Create(), Throws.TypeOf<JournalException>().With.Message.Contains("already"));
    }

    [Test]
    public void A_creation_that_was_cut_short_can_be_done_again([Values(0, 1, 64, 100, 150)] int bytesOfGenesis)
    {
        Create().Dispose();
        byte[] log = File.ReadAllBytes(LogFile(0));
        File.WriteAllBytes(LogFile(0), log[..bytesOfGenesis]);
        foreach (ulong serial in new[] { 10UL, 11UL })
            new TailNote(serial, 64, 0, true, new byte[4096]).WriteAtRest(Path.Combine(Place, "journal.note"));
        Assert.That(FasterJournal.Exists(Place), Is.False);
        Assert.That(() => Reopen(out _, out _), Throws.TypeOf<JournalException>().With.Message.Contains("Create it again"));
        Create().Dispose();
        using (Reopen(out List<Block> found, out _))
            Assert.That(found, Has.Count.EqualTo(1));
    }

    [Test]
    public void A_directory_without_a_journal_is_refused()
    {
        Assert.That(() => Reopen(out _, out _), Throws.TypeOf<JournalException>().With.Message.Contains(Place));
        Assert.That(() => FasterJournal.Open(Path.Combine(Place, "none"), Tiny, null, out _), Throws.TypeOf<JournalException>().With.Message.Contains("none"));
    }

    [Test]
    public void A_second_opening_is_refused_by_directory_and_process()
    {
        using FasterJournal journal = Create();
        string mine = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        Assert.That(() => Reopen(out _, out _), Throws.TypeOf<JournalException>().With.Message.Contains(Place).And.Message.Contains($"process {mine}"));
        Assert.That(() => Create(), Throws.TypeOf<JournalException>());
        Append(journal, 3);
        journal.Commit();
        journal.WaitDurable(1);
        Assert.That(ReadAll(out JournalEnd end), Has.Count.EqualTo(2), "reading needs no lock");
        Assert.That(end.Kind, Is.EqualTo(JournalEndKind.End));
    }

    [Test]
    [Platform("Linux")]
    public void Another_process_that_holds_the_lock_keeps_this_one_out_until_it_ends()
    {
        Create().Dispose();
        using Process other = Process.Start(new ProcessStartInfo("flock", [Path.Combine(Place, "journal.lock"), "sh", "-c", "echo held; read line"])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        })!;
        Assert.That(other.StandardOutput.ReadLine(), Is.EqualTo("held"));
        Assert.That(() => Reopen(out _, out _), Throws.TypeOf<JournalException>().With.Message.Contains("already open"));
        other.StandardInput.Close();
        other.WaitForExit();
        Reopen(out _, out _).Dispose();
    }

    [Test]
    public void Another_ledger_is_refused()
    {
        Create().Dispose();
        Assert.That(() => Reopen(out _, out _, Tiny with { LedgerId = Ledger + 1 }),
            Throws.TypeOf<JournalException>().With.Message.Contains("belongs to ledger").And.Message.Contains(Place));
        Assert.That(() => JournalReader.Open(Place, Ledger + 1), Throws.TypeOf<JournalException>());
        Reopen(out _, out _, Tiny with { LedgerId = Ledger }).Dispose();
    }

    [Test]
    public void A_newer_layout_is_refused()
    {
        Create().Dispose();
        string path = Path.Combine(Place, "journal.note");
        byte[] note = File.ReadAllBytes(path);
        BinaryPrimitives.WriteUInt16LittleEndian(note.AsSpan(4), 2);
        BinaryPrimitives.WriteUInt32LittleEndian(note.AsSpan(60), Crc32C.Append(0, note.AsSpan(0, 60)));
        File.WriteAllBytes(path, note);
        Assert.That(() => Reopen(out _, out _), Throws.TypeOf<JournalException>().With.Message.Contains("format 2").And.Message.Contains("Use the program version"));
    }

    [Test]
    public void Page_and_segment_sizes_are_the_journals_and_not_the_openers()
    {
        Block written;
        using (FasterJournal journal = Create())
            written = Append(journal, 100);
        using (FasterJournal journal = Reopen(out List<Block> found, out _, JournalOptions.Small))
        {
            AssertSame(found[1..], [written]);
            Assert.That(() => Append(journal, 1024), Throws.ArgumentException, "pages are still of 64 KiB");
        }
    }

    [Test]
    public void A_note_has_its_bytes_where_the_picture_shows_them()
    {
        byte[] slot = new byte[TailNote.SlotBytes];
        TailNote.Format(slot, serial: 7, endAddress: 0x1122_3344, block: 9, kept: true);
        Assert.Multiple(() =>
        {
            Assert.That(slot[..4], Is.EqualTo("STLN"u8.ToArray()));
            Assert.That(BinaryPrimitives.ReadUInt64LittleEndian(slot.AsSpan(8)), Is.EqualTo(7UL));
            Assert.That(BinaryPrimitives.ReadInt64LittleEndian(slot.AsSpan(16)), Is.EqualTo(0x1122_3344L));
            Assert.That(BinaryPrimitives.ReadUInt64LittleEndian(slot.AsSpan(24)), Is.EqualTo(9UL));
            Assert.That(slot[32], Is.EqualTo(1));
            Assert.That(TailNote.OffsetOf(7), Is.EqualTo(4096 + 8192));
        });
    }

    [Test]
    public void A_small_journal_takes_little_room_on_disk()
    {
        using (FasterJournal journal = Create(JournalOptions.Default))
        {
            for (int i = 0; i < 50; i++)
            {
                Append(journal, 10);
                journal.Commit();
                journal.WaitDurable(journal.LastBlock);
            }
        }
        Assert.That(new FileInfo(LogFile(0)).Length, Is.LessThan(4 << 20));
    }

    [Test]
    public void Primed_zeros_are_never_written_over_the_log()
    {
        JournalOptions options = Tiny with { SegmentBytes = 2 << 20, PrimeAheadBytesMax = 4 << 20 };
        var written = new List<Block>();
        Create(options).Dispose();
        for (int round = 0; round < 3; round++)
        {
            using FasterJournal journal = Reopen(out List<Block> found, out _, options);
            AssertSame(found[1..], written);
            for (int i = 0; i < 150; i++)
            {
                written.Add(Append(journal, i * 6));
                journal.Commit();
                if (i % 4 == 0)
                    journal.WaitDurable(journal.LastBlock);
            }
        }
        AssertSame(ReadAll(out JournalEnd end)[1..], written);
        Assert.That(end.Kind, Is.EqualTo(JournalEndKind.End));
    }
}
