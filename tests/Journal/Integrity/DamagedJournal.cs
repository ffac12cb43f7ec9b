using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Journal.Integrity;
using Settlement.Engine.Replication;
using Settlement.Tests.Replication;

namespace Settlement.Tests.Journal.Integrity;

/// <summary>Two members' journals with the same blocks in different places: one is damaged, the other has the copies.</summary>
public abstract class DamagedJournal : ReplicaLogFixture
{
    private protected List<byte[]> Blocks { get; private set; } = [];

    /// <summary>Log addresses of the damaged member's blocks.</summary>
    private protected List<long> Addresses { get; } = [];

    private protected List<string> Told { get; } = [];

    private protected string Damaged { get; private set; } = "";

    private protected JournalFiles Files { get; private set; } = null!;

    /// <summary>Where it was durable when it was closed.</summary>
    private protected long End { get; private set; }

    /// <summary>Its sector belongs to the note.</summary>
    private protected long Tail => End & -JournalFiles.SectorBytes;

    private Dictionary<string, byte[]> _whole = [];

    [SetUp]
    public void Forget() => Told.Clear();

    private protected void Write(int blocks, Func<int, int> payments)
    {
        string leading = Member("leading");
        Damaged = Member("damaged");
        using (ReplicaLog leader = Open(leading))
        using (ReplicaLog follower = Open(Damaged))
        {
            leader.BeginLeading(3);
            for (int i = 0; i < blocks; i++)
            {
                Lead(leader, payments(i));
                if (i % 3 == 0)
                    leader.Commit();
                Follow(follower, leader);
                if (i % 5 < 2)
                    follower.FlushAsync(follower.LastBlock).AsTask().Wait();
            }
        }

        Learn();
    }

    /// <summary>Reads the damaged member's journal while it is whole.</summary>
    private protected void Learn()
    {
        Files = JournalFiles.ReadLayout(Damaged, Ledger);
        Blocks = ReadAll(Member0("leading"), out _);
        Addresses.Clear();
        using (JournalReader reader = JournalReader.Open(Damaged))
        {
            while (reader.Next())
                Addresses.Add(reader.Address);
        }

        End = TailNote.ReadNewest(Files.NotePath)!.EndAddress;
        _whole = LogFiles().ToDictionary(path => path, File.ReadAllBytes);
    }

    private string Member0(string name) => Path.Combine(Place, name);

    private string[] LogFiles() => [.. Directory.EnumerateFiles(Damaged, "journal.log.*").Order(StringComparer.Ordinal)];

    /// <summary>All copies, as a member that is whole has them.</summary>
    private protected BlockCopy Whole(string name = "the whole one") => new(name, block => block < (ulong)Blocks.Count ? Blocks[(int)block] : null);

    private protected AuditFigures Repair(params BlockCopy[] copies) => JournalRepair.Run(Damaged, Ledger, null, () => copies, Told.Add);

    /// <summary>Changes bytes of the log.</summary>
    private protected void Change(long address, int count, Func<byte, byte> change)
    {
        for (long at = address; at < address + count; at++)
        {
            using var file = File.OpenHandle(Files.SegmentPath(Files.SegmentOf(at)), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            byte[] one = new byte[1];
            RandomAccess.Read(file, one, Files.OffsetOf(at));
            RandomAccess.Write(file, [change(one[0])], Files.OffsetOf(at));
        }
    }

    private protected void Flip(long address, int bit) => Change(address, 1, old => (byte)(old ^ (1 << bit)));

    private protected byte[] BytesAt(long address, int count) =>
        [.. Enumerable.Range(0, count).Select(i => _whole[Files.SegmentPath(Files.SegmentOf(address + i))][Files.OffsetOf(address + i)])];

    private protected void PutBack()
    {
        foreach ((string path, byte[] bytes) in _whole)
            File.WriteAllBytes(path, bytes);
    }

    private protected bool IsAsItWas => LogFiles().SequenceEqual(_whole.Keys.Order(StringComparer.Ordinal)) && _whole.All(file => File.ReadAllBytes(file.Key).AsSpan().SequenceEqual(file.Value));

    private protected void ExpectWhole(AuditFigures figures, string what)
    {
        Assert.That(figures.Standing.Select(damage => $"{damage.Name} at {damage.Address}: {damage.NotRepaired}"), Is.Empty, what);
        Assert.That(figures.Repaired, Is.Positive.And.EqualTo(figures.Found), what);
        Assert.That(IsAsItWas, what + ": byte for byte as before");
    }

    private protected static byte[] Sealed(byte[] block, Action<byte[]> change)
    {
        byte[] copy = (byte[])block.Clone();
        change(copy);
        BlockHeader header = HeaderOf(copy);
        header.Crc = BlockSeal.CrcOf(in header, copy.AsSpan(BlockHeader.Size), default);
        BlockSeal.BytesOf(in header).CopyTo(copy);
        return copy;
    }
}
