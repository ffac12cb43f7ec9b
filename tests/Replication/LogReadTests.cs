using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;
using Settlement.Tests.Faults;

namespace Settlement.Tests.Replication;

/// <summary>Blocks read by number, from memory and from files that may be damaged or gone.</summary>
public sealed class LogReadTests : ReplicaLogFixture
{
    [Test]
    public void Any_block_is_read_in_any_order_while_others_are_appended()
    {
        Random random = PrintedSeed.Create();
        using ReplicaLog log = Open(Member("a"));
        log.BeginLeading(4);
        var written = new List<byte[]> { Read(log, 0)! };
        for (int i = 0; i < 900; i++)
        {
            Lead(log, random.Next(4) == 0 ? random.Next(1, 900) : random.Next(1, 9));
            if (random.Next(3) == 0)
                log.Commit();
            written.Add(Read(log, log.LastBlock)!);
            int asked = random.Next(written.Count);
            for (int on = 0; on < 4 && asked + on < written.Count; on++)
                Assert.That(Read(log, (ulong)(asked + on)), Is.EqualTo(written[asked + on]), $"block {asked + on} of {written.Count}");
            Assert.That(log.TermOf((ulong)asked), Is.EqualTo(asked == 0 ? 0UL : 4UL));
        }

        Assert.That(log.EndAddress, Is.GreaterThan(10 * Tiny.PageBytes), "the test is about many pages");
        Assert.That(Read(log, log.LastBlock + 1), Is.Null);
        Assert.That(() => log.TermOf(log.LastBlock + 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(log.FirstBlock, Is.Zero);
    }

    [Test]
    public void A_damaged_block_is_told_and_never_given_and_blocks_of_other_pages_are_not_touched()
    {
        Random random = PrintedSeed.Create();
        string place = Member("a");
        using ReplicaLog log = Open(place);
        log.BeginLeading(1);
        for (int i = 0; i < 300; i++)
            Lead(log, random.Next(1, 60));
        log.Commit();
        log.FlushAsync(log.LastBlock).AsTask().Wait();
        List<byte[]> written = ReadAll(place, out _);
        var places = new List<(long Address, int Bytes)>();
        using (JournalReader reader = JournalReader.Open(place))
        {
            while (reader.Next())
                places.Add((reader.Address, 4 + BlockHeader.Size + reader.Body.Length));
        }

        int told = 0;
        for (int i = 0; i < 60; i++)
        {
            int block = random.Next(150);
            (long address, int bytes) = places[block];
            long at = address + random.Next(bytes);
            using var file = File.OpenHandle(Path.Combine(place, $"journal.log.{at / Tiny.SegmentBytes}"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            byte[] good = new byte[1];
            RandomAccess.Read(file, good, at % Tiny.SegmentBytes);
            RandomAccess.Write(file, [(byte)(good[0] ^ (1 << random.Next(8)))], at % Tiny.SegmentBytes);
            using (var fresh = new BlockFiles(JournalFiles.ReadLayout(place, Ledger)))
            {
                Assert.That(() => Get(fresh, block), Throws.TypeOf<BlockDamagedException>().With.Property("Block").EqualTo((ulong)block), $"byte {at - address} of block {block}");
                told++;
                for (int other = 0; other < written.Count; other++)
                {
                    if (places[other].Address / Tiny.PageBytes != address / Tiny.PageBytes)
                        Assert.That(Get(fresh, other), Is.EqualTo(written[other]), $"block {other}, damage in block {block}");
                }
            }

            RandomAccess.Write(file, good, at % Tiny.SegmentBytes);
        }

        Assert.That(told, Is.EqualTo(60));
        for (int block = 0; block < written.Count; block++)
            Assert.That(Read(log, (ulong)block), Is.EqualTo(written[block]));

        byte[] Get(BlockFiles files, int block)
        {
            byte[] buffer = [];
            int bytes = files.Read((ulong)block, log.EndAddress, ref buffer, out _);
            return buffer.AsSpan(0, bytes).ToArray();
        }
    }

    [Test]
    public void Blocks_whose_files_were_cut_away_are_not_there()
    {
        string place = Member("a");
        using ReplicaLog log = Open(place);
        log.BeginLeading(1);
        for (int i = 0; i < 400; i++)
            Lead(log, 20);
        log.Commit();
        log.FlushAsync(log.LastBlock).AsTask().Wait();
        Assert.That(Read(log, 3), Is.Not.Null);
        File.Delete(Path.Combine(place, "journal.log.0"));
        ulong first = log.FirstBlock;
        Assert.That(first, Is.InRange(60, 120));
        Assert.That(Read(log, first - 1), Is.Null);
        Assert.That(Read(log, 0), Is.Null);
        Assert.That(() => log.TermOf(3), Throws.InstanceOf<ArgumentOutOfRangeException>());
        for (ulong block = first; block <= log.LastBlock; block++)
            Assert.That(HeaderOf(Read(log, block)).Number, Is.EqualTo(block));
    }

    [Test]
    public void A_block_that_does_not_continue_the_log_is_refused_for_what_is_wrong_with_it()
    {
        using ReplicaLog leader = Open(Member("a")), follower = Open(Member("b"));
        leader.BeginLeading(5);
        Lead(leader, 4);
        Lead(leader, 4);
        leader.Commit();
        byte[] one = Read(leader, 1)!, two = Read(leader, 2)!;
        Assert.That(Refused(follower, two), Is.EqualTo(BlockRefusal.NotNext));
        Assert.That(Refused(follower, one[..100]), Is.EqualTo(BlockRefusal.Malformed));
        Assert.That(Refused(follower, one[..^1]), Is.EqualTo(BlockRefusal.Malformed));
        Assert.That(Refused(follower, Changed(one, (ref BlockHeader header) => header.Version = 9)), Is.EqualTo(BlockRefusal.NewerFormat));
        Assert.That(Refused(follower, Changed(one, (ref BlockHeader header) => header.Kind = (BlockKind)77)), Is.EqualTo(BlockRefusal.NewerFormat));
        Assert.That(Refused(follower, Changed(one, (ref BlockHeader header) => header.LedgerId = 1)), Is.EqualTo(BlockRefusal.OtherLedger));
        Assert.That(Refused(follower, Changed(one, (ref BlockHeader header) => header.FirstSequence++)), Is.EqualTo(BlockRefusal.OtherChain));
        Assert.That(Refused(follower, Changed(one, (ref BlockHeader header) => header.TimeNs = 0)), Is.EqualTo(BlockRefusal.OtherChain));
        for (int at = 0; at < one.Length; at++)
        {
            byte[] bad = (byte[])one.Clone();
            bad[at] ^= 1;
            Assert.That(Refused(follower, bad), Is.EqualTo(at is >= 44 and < 48 or < 4 ? BlockRefusal.Malformed : at is 4 or 5 && bad[4] + bad[5] > 1 ? BlockRefusal.NewerFormat : BlockRefusal.Damaged), $"byte {at}");
        }

        Assert.That(follower.LastBlock, Is.Zero);
        follower.AppendReplicated(one);
        Assert.That(Refused(follower, Changed(two, (ref BlockHeader header) => header.Term = 4)), Is.EqualTo(BlockRefusal.EarlierTerm));
        Assert.That(Refused(follower, one), Is.EqualTo(BlockRefusal.NotNext));
        follower.AppendReplicated(two);
        Assert.That(Read(follower, 2), Is.EqualTo(two));
    }

    [Test]
    public async Task After_a_failed_write_the_log_says_so_to_everyone_who_waits()
    {
        string place = Member("a");
        var disk = new DiskSignals(WaitStrategyKind.Blocking);
        var faults = new FaultyFiles { Fault = Fault.Fails, AtWrite = 2 };
        ReplicaLog log = Open(place, Tiny with { FileCalls = faults }, disk);
        log.BeginLeading(1);
        Lead(log, 1);
        await log.FlushAsync(1);
        Lead(log, 1);
        Assert.That(async () => await log.FlushAsync(2), Throws.TypeOf<JournalFailedException>());
        Assert.That(() => Lead(log, 1), Throws.TypeOf<JournalFailedException>());
        Assert.That(() => log.MarkCommitted(1), Throws.TypeOf<JournalFailedException>());
        Assert.That(() => log.WaitCommitted(1, 1_000), Throws.TypeOf<JournalFailedException>());
        Assert.That(() => log.CutBehind(0), Throws.TypeOf<JournalFailedException>());
        Assert.That(disk.Stop.Failure, Is.Not.Null);
        log.Dispose();
        Assert.That(faults.WritesAfterFailure, Is.Zero);
        using ReplicaLog again = Open(place);
        Assert.That(again.LastBlock, Is.EqualTo(1));
    }

    [Test]
    public void What_is_committed_is_noted_when_the_disk_is_idle_and_readers_who_ask_end_there()
    {
        string place = Member("a");
        using ReplicaLog log = Open(place);
        log.BeginLeading(1);
        for (int i = 0; i < 10; i++)
            Lead(log, 2);
        log.Commit();
        log.FlushAsync(10).AsTask().Wait();
        using JournalReader reader = JournalReader.Open(place);
        reader.EndsAtCommitted = true;
        Assert.That(CountOf(reader), Is.EqualTo(1), "genesis was the lone node's");
        log.MarkCommitted(6);
        int more = 0;
        while (more < 6)
            more += reader.TryContinue() ? CountOf(reader) : 0;
        Assert.That((more, reader.End!.Kind, reader.Position.NextNumber), Is.EqualTo((6, JournalEndKind.End, 7UL)));
        Assert.That(ReadAll(place, out _), Has.Count.EqualTo(11), "who does not ask reads all");
        log.Dispose();
        using ReplicaLog again = Open(place);
        Assert.That((again.LastBlock, again.CommittedBlock), Is.EqualTo((10UL, 6UL)));

        static int CountOf(JournalReader reader)
        {
            int count = 0;
            while (reader.Next())
                count++;
            return count;
        }
    }

    private delegate void Change(ref BlockHeader header);

    /// <summary>With the right CRC.</summary>
    private static byte[] Changed(byte[] block, Change change)
    {
        byte[] copy = (byte[])block.Clone();
        ref BlockHeader header = ref MemoryMarshal.AsRef<BlockHeader>(copy.AsSpan(0, BlockHeader.Size));
        change(ref header);
        header.Crc = BlockSeal.CrcOf(in header, copy.AsSpan(BlockHeader.Size), default);
        return copy;
    }

    private static BlockRefusal Refused(ReplicaLog log, byte[] block)
    {
        try
        {
            log.AppendReplicated(block);
            return BlockRefusal.None;
        }
        catch (ReplicatedBlockException refused)
        {
            Assert.That(refused.Message, Is.Not.Empty);
            return refused.Refusal;
        }
    }
}
