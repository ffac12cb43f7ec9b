using Microsoft.Win32.SafeHandles;
using Settlement.Engine.Dedup;
using Settlement.Engine.Dedup.Spill;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Dedup;

[TestFixture]
public sealed class FasterIdStoreTests
{
    /// <summary>Pages and files so small that a few thousand ids fill many.</summary>
    internal static FasterIdStoreOptions Tiny { get; } = new()
    {
        IndexBytes = 64 << 10,
        LogMemoryBytes = 16 << 10,
        PageBytes = 4 << 10,
        SegmentBytes = 64 << 10,
    };

    private static IdKey Key(Random random, int keyCount)
    {
        ulong id = (ulong)random.Next(keyCount);
        return new IdKey(id, id * 3, (ushort)(id % 5), id * 0x9E37_79B9_7F4A_7C15);
    }

    [Test]
    public void What_is_put_is_found_until_it_is_dropped_as_in_memory()
    {
        Random random = PrintedSeed.Create();
        using TempFolder folder = new();
        using FasterIdStore disk = new(folder.Path, Tiny);
        using MemoryIdStore memory = new();
        Queue<(long Disk, long Memory)>[] marks = [new(), new()];
        int found = 0;
        for (int step = 0; step < 120_000; step++)
        {
            IdKind kind = (IdKind)random.Next(2);
            IdKey key = Key(random, 1 + (step / 4));
            if (random.Next(2) == 0)
            {
                Decision decision = new() { Sequence = (ulong)step, Fingerprint = (uint)random.Next() };
                disk.Put(kind, in key, in decision);
                memory.Put(kind, in key, in decision);
            }
            else
            {
                bool known = disk.TryGet(kind, in key, out Decision onDisk);
                bool expected = memory.TryGet(kind, in key, out Decision inMemory);
                Assert.That(
                    (known, onDisk.Sequence, onDisk.Fingerprint),
                    Is.EqualTo((expected, inMemory.Sequence, inMemory.Fingerprint)));
                if (known) found++;
            }

            if (step % 1_000 == 0) marks[(int)kind].Enqueue((disk.Position(kind), memory.Position(kind)));
            if (step % 1_500 == 0 && marks[(int)kind].Count > 12 && marks[(int)kind].TryDequeue(out var mark))
            {
                disk.DropBefore(kind, mark.Disk);
                memory.DropBefore(kind, mark.Memory);
            }

            if (step % 20_000 == 19_999) AssertKeptAlike(disk, memory);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(found, Is.GreaterThan(10_000));
            Assert.That(memory.Drops, Is.GreaterThan(5_000));
        }
    }

    [Test]
    public void Dropping_deletes_whole_files_and_closing_all_of_them()
    {
        using TempFolder folder = new();
        using (FasterIdStore store = new(folder.Path, Tiny))
        {
            Random random = new(1);
            for (int i = 0; i < 20_000; i++) store.Put(IdKind.Other, Key(random, 1_000_000), default);
            long before = store.DiskBytes;
            Assert.That(Directory.GetFiles(folder.Path), Has.Length.GreaterThan(10));
            store.DropBefore(IdKind.Other, store.Position(IdKind.Other));
            Assert.That(store.DiskBytes, Is.LessThan(before / 5));
        }

        Assert.That(Directory.GetFiles(folder.Path), Is.Empty);
    }

    [Test]
    public void Nothing_of_an_earlier_run_is_found()
    {
        using TempFolder folder = new();
        File.WriteAllText(Path.Combine(folder.Path, "other.ids.0"), "left behind");
        File.WriteAllText(Path.Combine(folder.Path, "notes.txt"), "not ours");
        using FasterIdStore store = new(folder.Path, Tiny);
        Assert.That(Directory.GetFiles(folder.Path).Select(Path.GetFileName), Is.EqualTo((string[])["notes.txt"]));
    }

    [Test]
    public void Many_more_ids_than_index_entries_are_all_found()
    {
        using TempFolder folder = new();
        using FasterIdStore store = new(folder.Path, Tiny with { IndexBytes = 5_120 });
        for (int i = 0; i < 30_000; i++)
        {
            IdKey key = new((ulong)i, 1, 1, (ulong)i * 0x9E37_79B9_7F4A_7C15);
            store.Put(IdKind.UuidV7, in key, new Decision { Sequence = (ulong)i });
        }

        for (int i = 0; i < 30_000; i += 997)
        {
            IdKey key = new((ulong)i, 1, 1, (ulong)i * 0x9E37_79B9_7F4A_7C15);
            Assert.That(store.TryGet(IdKind.UuidV7, in key, out Decision decision), Is.True);
            Assert.That(decision.Sequence, Is.EqualTo((ulong)i));
            key.IdHigh = 2;
            Assert.That(store.TryGet(IdKind.UuidV7, in key, out _), Is.False);
        }
    }

    [Test]
    public void A_failed_write_stops_and_stays_stopped()
    {
        using TempFolder folder = new();
        using FasterIdStore store = new(folder.Path, Tiny, name => new FaultyDevice(name) { WritesLeft = 5 });
        Random random = new(1);
        Assert.That(() => Fill(store, random), Throws.InstanceOf<IOException>());
        Assert.That(() => store.Put(IdKind.Other, Key(random, 9), default), Throws.InstanceOf<IOException>());
        Assert.That(() => store.TryGet(IdKind.Other, Key(random, 9), out _), Throws.InstanceOf<IOException>());
    }

    [Test]
    public void A_failed_read_stops_instead_of_saying_unknown()
    {
        using TempFolder folder = new();
        using FasterIdStore store = new(
            folder.Path, Tiny, name => new FaultyDevice(name) { WritesLeft = int.MaxValue, ReadsLeft = 0 });
        Fill(store, new Random(1));
        Assert.That(() => store.TryGet(IdKind.Other, Key(new Random(1), 1_000_000), out _), Throws.InstanceOf<IOException>());
        Assert.That(() => store.TryGet(IdKind.Other, Key(new Random(1), 1_000_000), out _), Throws.InstanceOf<IOException>());
    }

    [Test]
    public void A_file_cut_short_stops_instead_of_saying_unknown()
    {
        using TempFolder folder = new();
        using FasterIdStore store = new(folder.Path, Tiny);
        Fill(store, new Random(1));
        string path = Path.Combine(folder.Path, "other.ids.0");
        using (FileStream file = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) file.SetLength(0);
        Assert.That(() => store.TryGet(IdKind.Other, Key(new Random(1), 1_000_000), out _), Throws.InstanceOf<IOException>());
    }

    [TestCase(false)]
    [TestCase(true)]
    public void A_page_that_cannot_be_read_stops_the_enumeration(bool cutShort)
    {
        using TempFolder folder = new();
        using FasterIdStore store = new(
            folder.Path, Tiny, name => new FaultyDevice(name) { WritesLeft = int.MaxValue, ReadsLeft = cutShort ? int.MaxValue : 3 });
        Fill(store, new Random(1));
        if (cutShort)
        {
            using FileStream file = new(Path.Combine(folder.Path, "other.ids.1"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            file.SetLength(5_000);
        }

        int count = 0;
        Assert.That(() => count = store.Kept(IdKind.Other).TakeWhile(_ => ++count > 0).Count(), Throws.InstanceOf<IOException>());
        Assert.That(count, Is.Positive.And.LessThan(5_000));
        Assert.That(() => store.Kept(IdKind.Other).Any(), Throws.InstanceOf<IOException>(), "it stays stopped");
    }

    [Test]
    public void An_enumeration_may_be_left_and_ids_asked_for_meanwhile()
    {
        using TempFolder folder = new();
        using FasterIdStore store = new(folder.Path, Tiny);
        Assert.That(store.Kept(IdKind.Other), Is.Empty);
        Fill(store, new Random(1));
        IEnumerable<IdEntry> kept = store.Kept(IdKind.Other);
        foreach (IdEntry entry in kept.Take(300))
        {
            IdKey key = new(entry.IdLow, entry.IdHigh, (ushort)(entry.IdLow % 5), entry.IdLow * 0x9E37_79B9_7F4A_7C15);
            Assert.That(store.TryGet(IdKind.Other, in key, out Decision decision), Is.True);
            Assert.That(decision.Sequence, Is.GreaterThanOrEqualTo(entry.Decision.Sequence));
        }

        Assert.That(kept.Select(entry => entry.Decision.Sequence), Is.EqualTo(Enumerable.Range(0, 5_000)), "from the beginning again");
    }

    /// <summary>In the order of putting; the last of each key is what is kept, and what came before it was replaced.</summary>
    private static void AssertKeptAlike(FasterIdStore disk, MemoryIdStore memory)
    {
        foreach (IdKind kind in Enum.GetValues<IdKind>())
        {
            IdEntry[] onDisk = [.. disk.Kept(kind)];
            IdEntry[] inMemory = [.. memory.Kept(kind)];
            Assert.That(onDisk.Select(entry => entry.Decision.Sequence), Is.Ordered);
            Assert.That(
                onDisk.GroupBy(entry => (entry.IdLow, entry.IdHigh)).Select(puts => puts.Last().Decision.Sequence).Order(),
                Is.EqualTo(inMemory.Select(entry => entry.Decision.Sequence)));
            Assert.That(inMemory, Is.Not.Empty);
        }
    }

    private static void Fill(FasterIdStore store, Random random)
    {
        for (int i = 0; i < 5_000; i++) store.Put(IdKind.Other, Key(random, 1_000_000), new Decision { Sequence = (ulong)i });
    }

    private sealed class FaultyDevice(string name) : SpillDevice(name)
    {
        public int WritesLeft { get; set; }

        public int ReadsLeft { get; set; } = int.MaxValue;

        protected override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
        {
            if (WritesLeft-- <= 0) throw new IOException("no space left on device");
            base.Write(file, bytes, offset);
        }

        protected override void Read(SafeFileHandle file, Span<byte> bytes, long offset)
        {
            if (ReadsLeft-- <= 0) throw new IOException("input/output error");
            base.Read(file, bytes, offset);
        }
    }
}

/// <summary>A folder of its own, deleted after.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("settlement-dedup-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
