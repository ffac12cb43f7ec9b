using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Journal.Integrity;

namespace Settlement.Tests.Journal.Integrity;

/// <summary>A journal at rest, damaged anywhere below what its note calls durable, is as it was before, byte for byte, once somebody has copies of the blocks; and is left alone where nobody has.</summary>
public sealed class JournalRepairTests : DamagedJournal
{
    [Test]
    public void Any_byte_of_blocks_lengths_and_what_stands_between_them_is_put_back()
    {
        Write(30, i => 1 + (i % 6));
        Assert.That(Tail, Is.GreaterThanOrEqualTo(2 * JournalFiles.SectorBytes));
        for (long at = JournalFiles.FirstAddress; at < Tail; at += 11)
        {
            Flip(at, (int)(at % 8));
            ExpectWhole(Repair(Whole()), $"byte {at}");
        }
    }

    [Test]
    public void Random_bits_sectors_and_runs_over_pages_and_segments_are_put_back()
    {
        Random random = PrintedSeed.Create();
        Write(400, i => random.Next(8) == 0 ? random.Next(1, 700) : random.Next(1, 12));
        Assert.That(Files.SegmentOf(Tail), Is.GreaterThanOrEqualTo(2), "the test is about several segments");
        for (int trial = 0; trial < 60; trial++)
        {
            long at = trial % 3 == 0 ? (Files.PageBytes * (1 + random.Next((int)(Tail / Files.PageBytes)))) - random.Next(1, 9000) : random.NextInt64(JournalFiles.FirstAddress, Tail - 9000);
            int count = random.Next(4) switch { 0 => 1, 1 => random.Next(1, 300), 2 => 512, _ => random.Next(512, 9000) };
            // A block stands behind: where none does, and what is left behind the last one's copy could be another block, nothing is written.
            at = Math.Clamp(at, JournalFiles.FirstAddress, Addresses[^1] - count);
            byte[] before = BytesAt(at, count);
            byte with = (byte)random.Next(256);
            Change(at, count, old => trial % 2 == 0 ? (byte)0 : (byte)(old ^ with ^ random.Next(256)));
            if (IsAsItWas)
                continue;
            AuditFigures figures = Repair(Whole());
            Assert.That(figures.Standing.Select(damage => $"{damage.Name} at {damage.Address}: {damage.What}: {damage.NotRepaired}"), Is.Empty, $"trial {trial}: {count} bytes at {at}");
            // Where nothing is left of a commit record, its number is anybody's guess; else every byte is back.
            if (!IsAsItWas)
            {
                List<byte[]> found = ReadAll(Damaged, out JournalEnd end);
                Assert.That(end.Kind, Is.EqualTo(JournalEndKind.End), $"trial {trial}: {end.What}");
                Assert.That(found, Is.EqualTo(Blocks), $"trial {trial}: {before.Length} bytes at {at}");
                PutBack();
            }
        }
    }

    [Test]
    public void Damage_in_several_places_at_once_is_put_back_from_several_members_none_of_which_has_all()
    {
        Write(200, i => 1 + (i % 40));
        int[] struck = [0, 1, 17, 18, 60, 120, 180];
        foreach (int block in struck)
            Flip(Addresses[block] + 5 + (block % 60), block % 8);
        var even = new BlockCopy("the even one", block => block % 2 == 0 ? Blocks[(int)block] : null);
        var odd = new BlockCopy("the odd one", block => block % 2 == 1 ? Blocks[(int)block] : throw new JournalException("it does not answer"));
        AuditFigures figures = Repair(odd, even);
        ExpectWhole(figures, "seven blocks");
        Assert.That(figures.Found, Is.EqualTo(struck.Length));
        Assert.That(Told, Has.Count.EqualTo(5), "neighbours are one place");
        Assert.That(Told, Has.Some.Contains("blocks 17 to 18").And.Contain("the even one").And.Contain("the odd one"));
        string[] kept = Directory.GetFiles(Path.Combine(Damaged, LogMending.FolderName));
        Assert.That(kept, Has.Length.EqualTo(5), "what stood there is evidence");
        Assert.That(() => Open(Damaged).Dispose(), Throws.Nothing);
    }

    [Test]
    public void Copies_that_are_not_the_block_are_refused_and_nothing_is_changed()
    {
        Write(60, i => 2 + (i % 9));
        const int Struck = 20;
        Flip(Addresses[Struck] + 140, 3);
        byte[] good = Blocks[Struck];
        (string What, byte[]? Block)[] offers =
        [
            ("another amount, with a CRC of its own", Sealed(good, copy => copy[BlockHeader.Size + 40] ^= 1)),
            ("another time", Sealed(good, copy => copy[48] ^= 1)),
            ("another history", Sealed(good, copy => copy[70] ^= 1)),
            ("the damaged bytes themselves", [.. good.Select((value, at) => at == 136 ? (byte)(value ^ 8) : value)]),
            ("another block", Blocks[Struck + 1]), ("a part of it", good[..^64]), ("more than it", [.. good, 0, 0, 0, 0]), ("next to nothing", [1, 2, 3]), ("nothing", []), ("none", null),
        ];
        byte[] before = File.ReadAllBytes(Files.SegmentPath(0));
        foreach ((string what, byte[]? offer) in offers)
        {
            AuditFigures figures = Repair(new BlockCopy("a liar", block => block == Struck ? offer : Blocks[(int)block]));
            Assert.That((figures.Found, figures.Repaired, figures.StandingBlocks), Is.EqualTo((1L, 0L, 1L)), what);
            Assert.That(figures.Standing[0].FirstBlock, Is.EqualTo((ulong)Struck), what);
            Assert.That(figures.Sentence, Does.Contain($"block {Struck}").And.Contain("a liar"), what);
            Assert.That(File.ReadAllBytes(Files.SegmentPath(0)), Is.EqualTo(before), what);
        }

        ExpectWhole(Repair([.. offers.Select(offer => new BlockCopy(offer.What, _ => offer.Block)), Whole()]), "an honest one among them");
    }

    [Test]
    public void The_first_block_of_a_journal_whose_beginning_was_cut_is_put_back([Values(0, 2, 30, 100, 200)] int at)
    {
        Write(300, i => 1 + (i % 40));
        File.Delete(Files.SegmentPath(0));
        int first = Addresses.FindIndex(address => Files.SegmentOf(address) == 1);
        byte[] before = File.ReadAllBytes(Files.SegmentPath(1));
        Flip(Addresses[first] + at, 2);
        AuditFigures figures = Repair(Whole());
        Assert.That(figures.Standing, Is.Empty);
        Assert.That(figures.Repaired, Is.EqualTo(1));
        Assert.That(File.ReadAllBytes(Files.SegmentPath(1)), Is.EqualTo(before));
        Assert.That(Told, Has.Some.Contains($"block {first} "));
    }

    [Test]
    public void The_last_block_is_put_back_though_no_block_behind_it_states_its_hash([Values(1, 60, 3000)] int at)
    {
        Write(30, i => i == 29 ? 200 : 3);
        Assert.That(Addresses[30] + at, Is.LessThan(Tail));
        Flip(Addresses[30] + at, 6);
        ExpectWhole(Repair(Whole()), "the last block");
        Flip(Addresses[30] + at, 6);
        AuditFigures figures = Repair(new BlockCopy("another leader's", block => block < 30 ? Blocks[(int)block] : Sealed(Blocks[30], copy => copy[64] ^= 1)));
        Assert.That(figures.StandingBlocks, Is.EqualTo(1), "a block that does not follow");
        Assert.That(IsAsItWas, Is.False);
    }

    [Test]
    public void Alone_a_node_names_what_is_damaged_and_repairs_only_what_no_copy_is_needed_for()
    {
        Write(60, i => 2);
        Flip(Addresses[25] + 150, 0);
        AuditFigures figures = Repair();
        Assert.That((figures.Found, figures.Repaired), Is.EqualTo((1L, 0L)));
        Assert.That(Told.Single(), Does.Contain("block 25 damaged at").And.Contain("NOT repaired").And.Contain("no other member").And.Contain("backup"));
        PutBack();
        Told.Clear();
        int before = Enumerable.Range(5, 30).First(block => Addresses[block + 1] - Addresses[block] > LogEntries.BytesOf(Blocks[block].Length));
        long record = Addresses[before] + LogEntries.BytesOf(Blocks[before].Length);
        for (int at = 0; at < FasterJournal.CommitRecordBytes; at++)
        {
            Flip(record + at, at % 8);
            ExpectWhole(Repair(), $"byte {at} of a commit record");
        }
    }

    [Test]
    public void A_file_that_is_gone_or_short_is_named_and_nothing_is_made_up([Values] bool isShort)
    {
        Write(400, i => 1 + (i % 40));
        string path = Files.SegmentPath(1);
        byte[] whole = File.ReadAllBytes(path);
        if (isShort)
            File.WriteAllBytes(path, whole[..8192]);
        else
            File.Delete(path);
        AuditFigures figures = Repair(Whole());
        Assert.That(figures.Standing.Count + figures.Repaired, Is.Positive);
        Assert.That(File.Exists(path), Is.EqualTo(isShort), "a file that is gone is not made");
        Assert.That(Told, Has.Some.Contains(path));
    }
}
