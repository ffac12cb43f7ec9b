using System.Text;
using Settlement.Engine.Simd;

namespace Settlement.Tests.Simd;

public sealed class Crc32CTests
{
    [Test]
    public void The_vectors_of_RFC_3720_come_out()
    {
        byte[] ascending = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        Assert.Multiple(() =>
        {
            Assert.That(Crc32C.Append(0, new byte[32]), Is.EqualTo(0x8A9136AA));
            Assert.That(Crc32C.Append(0, Enumerable.Repeat((byte)0xFF, 32).ToArray()), Is.EqualTo(0x62A8AB43));
            Assert.That(Crc32C.Append(0, ascending), Is.EqualTo(0x46DD794E));
            Assert.That(Crc32C.Append(0, ascending.Reverse().ToArray()), Is.EqualTo(0x113FDB5C));
            Assert.That(Crc32C.Append(0, Encoding.ASCII.GetBytes("123456789")), Is.EqualTo(0xE3069283));
        });
    }

    [Test]
    public void The_lanes_agree_with_the_bitwise_definition_at_every_kind_of_length()
    {
        int seed = PrintedSeed.Next();
        var random = new Random(seed);
        byte[] bytes = new byte[20_000];
        random.NextBytes(bytes);
        foreach (int length in new[] { 0, 1, 7, 8, 9, 3071, 3072, 3073, 6143, 6144, 9999, 20_000 })
            Assert.That(Crc32C.Append(0, bytes.AsSpan(0, length)), Is.EqualTo(Bitwise(bytes.AsSpan(0, length))), $"length {length}");
    }

    [Test]
    public void Parts_give_the_CRC_of_the_whole_wherever_it_is_cut()
    {
        int seed = PrintedSeed.Next();
        var random = new Random(seed);
        byte[] bytes = new byte[7_000];
        random.NextBytes(bytes);
        uint whole = Crc32C.Append(0, bytes);
        for (int i = 0; i < 100; i++)
        {
            int cut = random.Next(bytes.Length + 1);
            Assert.That(Crc32C.Append(Crc32C.Append(0, bytes.AsSpan(0, cut)), bytes.AsSpan(cut)), Is.EqualTo(whole), $"cut at {cut}");
        }
    }

    private static uint Bitwise(ReadOnlySpan<byte> data)
    {
        uint register = uint.MaxValue;
        foreach (byte value in data)
        {
            register ^= value;
            for (int bit = 0; bit < 8; bit++)
                register = (register >> 1) ^ ((register & 1) * 0x82F63B78);
        }
        return ~register;
    }
}
