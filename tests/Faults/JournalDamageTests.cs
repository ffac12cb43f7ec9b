using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Simd;
using Settlement.Tests.Journal;

namespace Settlement.Tests.Faults;

/// <summary>Files of a closed journal that are not what was written. Each is refused, or repaired to what was acknowledged.</summary>
public sealed class JournalDamageTests : JournalFixture
{
    protected override bool InMemory => true;

    private readonly List<Block> _written = [];
    private readonly List<(long Address, int Bytes)> _entries = [];

    private void Write(int blocks, Func<int, int> payments)
    {
        _written.Clear();
        _entries.Clear();
        using (FasterJournal journal = Create())
        {
            for (int i = 0; i < blocks; i++)
            {
                _written.Add(Append(journal, payments(i)));
                journal.Commit();
                journal.WaitDurable(journal.LastBlock);
            }
        }
        using JournalReader reader = JournalReader.Open(Place);
        while (reader.Next())
            _entries.Add((reader.Address, 4 + BlockHeader.Size + reader.Body.Length));
    }

    private string AssertRefused()
    {
        JournalException? refused = Assert.Throws<JournalException>(() => Reopen(out _, out _).Dispose());
        Assert.That(refused!.Message, Does.Contain("damaged at block"));
        return refused.Message;
    }

    [Test]
    public void Every_flipped_byte_of_a_journal_is_refused_or_put_back()
    {
        Write(20, i => 1 + (i * 5 % 7));
        byte[] good = File.ReadAllBytes(LogFile(0));
        TailNote note = TailNote.ReadNewest(Path.Combine(Place, "journal.note"))!;
        Assert.That(note.EndAddress, Is.GreaterThan(8192), "the test is about several sectors");
        JournalFiles files = JournalFiles.ReadLayout(Place, Ledger);
        int refused = 0;
        for (int at = (int)JournalFiles.FirstAddress; at < note.EndAddress; at++)
        {
            byte[] bad = (byte[])good.Clone();
            bad[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(LogFile(0), bad);
            bool isLastSector = at >= note.SectorAddress;
            string? repaired = JournalStart.RepairTornSector(files);
            Assert.That(repaired is not null, Is.EqualTo(isLastSector), $"byte {at}");
            List<Block> whole = ReadAll(out JournalEnd end);
            Assert.That(end.Kind, Is.EqualTo(isLastSector ? JournalEndKind.End : JournalEndKind.Damage), $"byte {at}");
            AssertSame(whole[Math.Min(1, whole.Count)..], _written[..Math.Max(0, whole.Count - 1)]);
            if (isLastSector)
            {
                Assert.That(whole, Has.Count.EqualTo(21));
                continue;
            }
            refused++;
            if (at % 97 == 0)
                Assert.That(AssertRefused(), Does.Contain("journal.log.0, offset"));
            Assert.That(File.ReadAllBytes(LogFile(0)).AsSpan().SequenceEqual(bad), Is.True, "nothing was changed");
        }
        Assert.That(refused, Is.GreaterThan(8000));
    }

    [Test]
    public void The_last_sector_torn_at_every_byte_is_put_back()
    {
        Write(9, i => 3);
        byte[] good = File.ReadAllBytes(LogFile(0));
        TailNote note = TailNote.ReadNewest(Path.Combine(Place, "journal.note"))!;
        int sector = (int)note.SectorAddress;
        int acknowledged = (int)(note.EndAddress - note.SectorAddress);
        Assert.That(acknowledged, Is.GreaterThan(1000));
        JournalFiles files = JournalFiles.ReadLayout(Place, Ledger);
        byte[] garbage = new byte[JournalFiles.SectorBytes];
        new Random(5).NextBytes(garbage);
        for (int tear = 0; tear <= JournalFiles.SectorBytes; tear += tear < acknowledged + 9 ? 1 : 512)
        {
            // Old bytes up to the tear, then what no one wrote; and the other way round.
            foreach (bool headIsGood in new[] { true, false })
            {
                byte[] bad = (byte[])good.Clone();
                Span<byte> wrong = bad.AsSpan(sector, JournalFiles.SectorBytes);
                if (headIsGood)
                    garbage.AsSpan(tear).CopyTo(wrong[tear..]);
                else
                    garbage.AsSpan(0, tear).CopyTo(wrong);
                File.WriteAllBytes(LogFile(0), bad);
                bool isTorn = headIsGood ? tear < acknowledged : tear > 0;
                Assert.That(JournalStart.RepairTornSector(files) is not null, Is.EqualTo(isTorn), $"torn at {tear}");
                AssertSame(ReadAll(out JournalEnd end)[1..], _written);
                Assert.That(end.Kind, Is.Not.EqualTo(JournalEndKind.Damage));
                if (tear % 64 != 0)
                    continue;
                File.WriteAllBytes(LogFile(0), bad);
                using FasterJournal journal = Reopen(out List<Block> found, out RecoveryReport report);
                AssertSame(found[1..], _written);
                Assert.That(report.Repaired is not null, Is.EqualTo(isTorn), $"torn at {tear}");
            }
        }
    }

    [Test]
    public void A_tail_cut_off_below_what_was_durable_is_refused_wherever_it_is_cut()
    {
        Write(30, i => 10 + i);
        byte[] good = File.ReadAllBytes(LogFile(0));
        TailNote note = TailNote.ReadNewest(Path.Combine(Place, "journal.note"))!;
        int last = (int)note.SectorAddress;
        int[] cuts = [.. _entries.SelectMany(entry => new[] { 0, 1, 4, 5, 100, 131, 132, 133, entry.Bytes - 1, entry.Bytes }.Select(at => (int)entry.Address + at)),
            .. Enumerable.Range(0, last / 4096).Select(sector => sector * 4096), 0, 63, 64];
        foreach (int cut in cuts.Where(cut => cut < last))
        {
            File.WriteAllBytes(LogFile(0), good[..cut]);
            Assert.That(AssertRefused(), Does.Contain("was durable up to block 30"), $"cut at {cut}");
        }
    }

    [Test]
    public void A_file_cut_off_behind_what_was_durable_opens_as_it_was()
    {
        Write(5, i => 10);
        byte[] good = File.ReadAllBytes(LogFile(0));
        TailNote note = TailNote.ReadNewest(Path.Combine(Place, "journal.note"))!;
        File.WriteAllBytes(LogFile(0), good[..(int)note.EndAddress]);
        using (FasterJournal journal = Reopen(out List<Block> found, out RecoveryReport report))
        {
            AssertSame(found[1..], _written);
            Assert.That(report.Cut, Is.Null);
            _written.Add(Append(journal, 4));
        }
        AssertSame(ReadAll(out _)[1..], _written);
    }

    [Test]
    public void A_missing_segment_is_named_wherever_it_is_missing([Values(0, 1, 2, 3)] int segment)
    {
        Write(250, i => 30);
        Assert.That(File.Exists(LogFile(3)), Is.True);
        File.Delete(LogFile(segment));
        Assert.That(AssertRefused(), Does.Contain($"journal.log.{segment}' is missing"));
    }

    [Test]
    public void Swapped_repeated_and_replaced_blocks_are_refused_though_each_is_whole()
    {
        Write(40, i => 20);
        byte[] good = File.ReadAllBytes(LogFile(0));
        (long address, int bytes) = _entries[5];
        (long other, _) = _entries[9];
        byte[] swapped = (byte[])good.Clone();
        good.AsSpan((int)address, bytes).CopyTo(swapped.AsSpan((int)other));
        good.AsSpan((int)other, bytes).CopyTo(swapped.AsSpan((int)address));
        File.WriteAllBytes(LogFile(0), swapped);
        Assert.That(AssertRefused(), Does.Contain("block 9, block 5 is expected"));

        byte[] repeated = (byte[])good.Clone();
        good.AsSpan((int)address, bytes).CopyTo(repeated.AsSpan((int)other));
        File.WriteAllBytes(LogFile(0), repeated);
        Assert.That(AssertRefused(), Does.Contain("block 5, block 9 is expected"));

        byte[] forged = (byte[])good.Clone();
        Span<byte> block = forged.AsSpan((int)address + 4, bytes - 4);
        block[BlockHeader.Size + 32] ^= 1;
        Reseal(block);
        File.WriteAllBytes(LogFile(0), forged);
        Assert.That(AssertRefused(), Does.Contain("block 6").And.Contain("chain hash"));
    }

    [Test]
    public void Damage_is_told_by_what_follows_where_no_note_was_kept([Values(3, 28)] int block)
    {
        Write(30, i => 20);
        byte[] log = File.ReadAllBytes(LogFile(0));
        log[_entries[block].Address + 200] ^= 1;
        File.WriteAllBytes(LogFile(0), log);
        foreach (ulong serial in new[] { 1000UL, 1001UL })
            new TailNote(serial, 64, 0, false, new byte[4096]).WriteAtRest(Path.Combine(Place, "journal.note"));
        Assert.That(AssertRefused(), Does.Contain("which is whole, follows"));
    }

    [Test]
    public void A_whole_block_of_another_ledger_or_a_newer_format_is_refused_by_name()
    {
        Write(10, i => 5);
        byte[] good = File.ReadAllBytes(LogFile(0));
        (long address, int bytes) = _entries[4];

        byte[] foreign = (byte[])good.Clone();
        foreign[address + 4 + 8] ^= 1;
        Reseal(foreign.AsSpan((int)address + 4, bytes - 4));
        File.WriteAllBytes(LogFile(0), foreign);
        Assert.That(AssertRefused(), Does.Contain("belongs to ledger"));

        byte[] newer = (byte[])good.Clone();
        newer[address + 4 + 4] = BlockHeader.FormatVersion + 1;
        Reseal(newer.AsSpan((int)address + 4, bytes - 4));
        File.WriteAllBytes(LogFile(0), newer);
        Assert.That(() => Reopen(out _, out _), Throws.TypeOf<JournalException>().With.Message.Contains("Use the program version that wrote it"));
    }

    [Test]
    public void A_damaged_or_missing_note_file_is_refused_and_one_damaged_slot_is_not()
    {
        Write(10, i => 5);
        string path = Path.Combine(Place, "journal.note");
        byte[] good = File.ReadAllBytes(path);
        for (int at = 0; at < 4096; at += 5)
        {
            byte[] bad = (byte[])good.Clone();
            bad[at] ^= 4;
            File.WriteAllBytes(path, bad);
            Assert.That(() => Reopen(out _, out _), Throws.TypeOf<JournalException>().With.Message.Contains("journal.note"), $"byte {at}");
        }
        File.Delete(path);
        Assert.That(() => Reopen(out _, out _), Throws.TypeOf<JournalException>().With.Message.Contains("journal.note"));
        foreach (int slot in new[] { 0, 1 })
        {
            byte[] bad = (byte[])good.Clone();
            bad[4096 + (slot * 8192) + 5000] ^= 1;
            File.WriteAllBytes(path, bad);
            using (Reopen(out List<Block> found, out _))
                AssertSame(found[1..], _written);
        }
    }

    private static void Reseal(Span<byte> block)
    {
        ref BlockHeader header = ref MemoryMarshal.AsRef<BlockHeader>(block);
        header.Crc = BlockSeal.CrcOf(in header, block[BlockHeader.Size..], default);
    }
}
