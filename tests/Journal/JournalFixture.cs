using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Snapshots;

namespace Settlement.Tests.Journal;

/// <summary>A directory of its own for each test, and small journals in it.</summary>
public abstract class JournalFixture
{
    internal static readonly UInt128 Ledger = new(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210);

    /// <summary>Pages of 64 KiB, so that a few hundred blocks cross many pages and some segments.</summary>
    internal static readonly JournalOptions Tiny = new() { PageBytes = 64 << 10, MemoryBytes = 256 << 10, SegmentBytes = 128 << 10, PrimeAheadBytesMax = 0 };

    protected string Place { get; private set; } = "";

    /// <summary>Whether the test is about bytes and not about a disk: then memory serves, and thousands of openings take seconds.</summary>
    protected virtual bool InMemory => false;

    [SetUp]
    public void MakePlace()
    {
        const string memory = "/dev/shm";
        Place = InMemory && Directory.Exists(memory)
            ? Directory.CreateDirectory(Path.Combine(memory, "journal-" + Path.GetRandomFileName())).FullName
            : Directory.CreateTempSubdirectory("journal-").FullName;
    }

    [TearDown]
    public void RemovePlace() => Directory.Delete(Place, recursive: true);

    internal string LogFile(int segment) => Path.Combine(Place, $"journal.log.{segment}");

    internal FasterJournal Create(JournalOptions? options = null, string? place = null) =>
        FasterJournal.Create(place ?? Place, Ledger, timeNs: 1, "genesis"u8, options ?? Tiny);

    internal FasterJournal Reopen(out List<Block> blocks, out RecoveryReport report, JournalOptions? options = null)
    {
        var found = new List<Block>();
        FasterJournal journal = FasterJournal.Open(Place, options ?? Tiny, new Collecting(found), out report);
        blocks = found;
        return journal;
    }

    private sealed class Collecting(List<Block> blocks) : IJournalRecovery
    {
        public SnapshotHead? Begin(UInt128 ledgerId) => null;

        public void Read(JournalReader reader)
        {
            while (reader.Next())
                blocks.Add(new Block(reader.Header, reader.Body.ToArray()));
        }
    }

    internal List<Block> ReadAll(out JournalEnd end)
    {
        using JournalReader reader = JournalReader.Open(Place);
        var blocks = new List<Block>();
        while (reader.Next())
            blocks.Add(new Block(reader.Header, reader.Body.ToArray()));
        end = reader.End!;
        return blocks;
    }

    /// <summary>Appends one block of payments whose bytes follow from the block's number.</summary>
    internal static Block Append(FasterJournal journal, int payments)
    {
        var header = new BlockHeader
        {
            Kind = BlockKind.Payments,
            FirstSequence = journal.NextSequence,
            Count = (uint)payments,
            TimeNs = journal.LastTimeNs + 1,
        };
        byte[] body = BodyOf(journal.LastBlock + 1, payments);
        int wrap = body.Length / 3;
        journal.Append(ref header, body.AsSpan(0, wrap), body.AsSpan(wrap));
        return new Block(header, body);
    }

    internal static byte[] BodyOf(ulong number, int payments)
    {
        byte[] body = new byte[payments * Payment.Size];
        ulong value = (number * 0x9E37_79B9_7F4A_7C15) | 1;
        foreach (ref ulong word in MemoryMarshal.Cast<byte, ulong>(body.AsSpan()))
        {
            value ^= value << 13;
            value ^= value >> 7;
            value ^= value << 17;
            word = value;
        }
        return body;
    }

    internal sealed record Block(BlockHeader Header, byte[] Body)
    {
        public bool Same(Block other) =>
            BlockSeal.BytesOf(in _header).SequenceEqual(BlockSeal.BytesOf(in other._header)) && Body.AsSpan().SequenceEqual(other.Body);

        private readonly BlockHeader _header = Header;
    }

    internal static void AssertSame(IReadOnlyList<Block> found, IReadOnlyList<Block> written)
    {
        Assert.That(found, Has.Count.EqualTo(written.Count));
        for (int i = 0; i < written.Count; i++)
            Assert.That(found[i].Same(written[i]), Is.True, $"block {i}");
    }
}
