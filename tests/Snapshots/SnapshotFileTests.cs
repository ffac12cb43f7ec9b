using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Snapshots;

namespace Settlement.Tests.Snapshots;

/// <summary>The bytes of a snapshot: layout, and that no damage to them goes unseen.</summary>
public sealed class SnapshotFileTests
{
    [Test]
    public void The_head_is_laid_out_as_pictured()
    {
        Assert.That(Marshal.SizeOf<SnapshotHead>(), Is.EqualTo(SnapshotHead.Size));
        (string Field, int Offset)[] expected =
        [
            (nameof(SnapshotHead.Magic), 0), (nameof(SnapshotHead.Version), 4), (nameof(SnapshotHead.LedgerId), 8), (nameof(SnapshotHead.Block), 24),
            (nameof(SnapshotHead.Sequence), 32), (nameof(SnapshotHead.TimeNs), 40), (nameof(SnapshotHead.EndAddress), 48), (nameof(SnapshotHead.CommitNumber), 56),
            (nameof(SnapshotHead.Previous), 64), (nameof(SnapshotHead.Crc), 96), (nameof(SnapshotHead.BlockAddress), 104),
        ];
        foreach ((string field, int offset) in expected)
            Assert.That((int)Marshal.OffsetOf<SnapshotHead>(field), Is.EqualTo(offset), field);
        (string Field, int Offset)[] chunk =
        [
            (nameof(SnapshotChunkHead.Bytes), 0), (nameof(SnapshotChunkHead.Crc), 4), (nameof(SnapshotChunkHead.Section), 8), (nameof(SnapshotChunkHead.Index), 12),
        ];
        Assert.That(Marshal.SizeOf<SnapshotChunkHead>(), Is.EqualTo(SnapshotChunkHead.Size));
        foreach ((string field, int offset) in chunk)
            Assert.That((int)Marshal.OffsetOf<SnapshotChunkHead>(field), Is.EqualTo(offset), field);
    }

    [Test]
    public void What_is_written_reads_back_across_chunks()
    {
        byte[] large = new byte[(2 * SnapshotChunkHead.BytesMax) + 17];
        PrintedSeed.Create().NextBytes(large);
        byte[] file = Write(large);
        var reader = new SnapshotReader(new MemoryStream(file), "memory");
        byte[] read = new byte[large.Length];
        reader.Begin(SnapshotSection.Accounts);
        Assert.That(reader.Read<ulong>(), Is.EqualTo(7));
        reader.Read<byte>(read);
        reader.Begin(SnapshotSection.Sums);
        Assert.That(reader.Read<int>(), Is.EqualTo(-1));
        Assert.That(reader.Finish(), Is.EqualTo(Hash()));
        Assert.That(read, Is.EqualTo(large));
        Assert.That(SnapshotReader.Check(new MemoryStream(file), "memory", out _).Block, Is.EqualTo(5));
    }

    [Test]
    public void Every_bit_that_is_flipped_is_found()
    {
        byte[] file = Write(new byte[300]);
        for (int bit = 0; bit < file.Length * 8; bit++)
        {
            file[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertRefused(file, $"bit {bit % 8} of byte {bit / 8}");
            file[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.That(() => Check(file), Throws.Nothing);
    }

    [Test]
    public void Every_cut_is_found()
    {
        byte[] file = Write(new byte[300]);
        for (int length = 0; length < file.Length; length++)
            AssertRefused(file[..length], $"cut to {length} bytes");
        AssertRefused([.. file, 0], "a byte too many");
    }

    [Test]
    public void Chunks_that_change_places_are_left_out_doubled_or_come_from_another_snapshot_are_found()
    {
        byte[] file = Write(new byte[(2 * SnapshotChunkHead.BytesMax) + 17], block: 5);
        byte[] other = Write(new byte[(2 * SnapshotChunkHead.BytesMax) + 17], block: 6);
        List<Range> chunks = ChunksOf(file);
        Assert.That(chunks, Has.Count.EqualTo(5));
        for (int one = 0; one < chunks.Count; one++)
        {
            AssertRefused([.. file[..chunks[one].Start], .. file[chunks[one].End..]], $"chunk {one} left out");
            AssertRefused([.. file[..chunks[one].End], .. file[chunks[one]], .. file[chunks[one].End..]], $"chunk {one} twice");
            AssertRefused([.. file[..chunks[one].Start], .. other[chunks[one]], .. file[chunks[one].End..]], $"chunk {one} of another snapshot");
            for (int two = one + 1; two < chunks.Count; two++)
            {
                AssertRefused(
                    [.. file[..chunks[one].Start], .. file[chunks[two]], .. file[chunks[one].End..chunks[two].Start], .. file[chunks[one]], .. file[chunks[two].End..]],
                    $"chunks {one} and {two} in each other's place");
            }
        }
    }

    [Test]
    public void A_section_longer_or_shorter_than_what_is_read_is_refused()
    {
        byte[] file = Write(new byte[10]);
        var tooMuch = new SnapshotReader(new MemoryStream(file), "memory");
        tooMuch.Begin(SnapshotSection.Accounts);
        Assert.That(() => tooMuch.Read<byte>(new byte[19]), Throws.TypeOf<SnapshotException>().With.Message.Contains("shorter"));
        var tooLittle = new SnapshotReader(new MemoryStream(file), "memory");
        tooLittle.Begin(SnapshotSection.Accounts);
        tooLittle.Read<byte>();
        Assert.That(() => tooLittle.Begin(SnapshotSection.Sums), Throws.TypeOf<SnapshotException>().With.Message.Contains("longer"));
    }

    private static Digest Hash() => Digest.From([.. Enumerable.Range(1, 32).Select(number => (byte)number)]);

    private static byte[] Write(byte[] large, ulong block = 5)
    {
        var file = new MemoryStream();
        var writer = new SnapshotWriter(file, new SnapshotHead { Block = block });
        writer.Begin(SnapshotSection.Accounts);
        writer.Write(7UL);
        writer.Write<byte>(large);
        writer.Begin(SnapshotSection.Sums);
        writer.Write(-1);
        writer.Finish(Hash());
        Assert.That(writer.BytesWritten, Is.EqualTo(file.Length));
        return file.ToArray();
    }

    private static List<Range> ChunksOf(byte[] file)
    {
        var chunks = new List<Range>();
        for (int at = SnapshotHead.Size; at < file.Length;)
        {
            int end = at + SnapshotChunkHead.Size + BitConverter.ToInt32(file, at);
            chunks.Add(at..end);
            at = end;
        }

        return chunks;
    }

    private static void Check(byte[] file) => SnapshotReader.Check(new MemoryStream(file), "memory", out _);

    private static void AssertRefused(byte[] file, string what) =>
        Assert.That(() => Check(file), Throws.TypeOf<SnapshotException>().With.Message.StartsWith("The snapshot 'memory' cannot be used: "), what);
}
