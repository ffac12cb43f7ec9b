using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Tests.Dedup;

[TestFixture]
public sealed class LayoutTests
{
    [Test]
    public void A_decision_is_16_bytes_as_pictured()
    {
        Decision decision = new()
        {
            Sequence = 0x0807_0605_0403_0201,
            Fingerprint = 0x0C0B_0A09,
            Participant = 0x0E0D,
            Verdict = (Verdict)0x0F,
        };
        Assert.That(Bytes(decision), Is.EqualTo((byte[])[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0]));
    }

    [Test]
    public void An_entry_is_32_bytes_as_pictured()
    {
        IdEntry entry = new() { IdLow = 1, IdHigh = 2, Decision = new Decision { Sequence = 3, Verdict = (Verdict)4 } };
        byte[] expected = new byte[32];
        (expected[0], expected[8], expected[16], expected[30]) = (1, 2, 3, 4);
        Assert.That(Bytes(entry), Is.EqualTo(expected));
    }

    [Test]
    public void A_stored_key_is_24_bytes_as_pictured()
    {
        IdKey key = new(1, 2, 0x0403, 0x0A09_0807_0605_FFFF);
        byte[] expected = new byte[24];
        (expected[0], expected[8]) = (1, 2);
        ((byte[])[3, 4, 5, 6, 7, 8, 9, 10]).CopyTo(expected, 16);
        Assert.That(Bytes(key), Is.EqualTo(expected));
    }

    [Test]
    public void A_filter_row_is_one_cache_line_of_eight_words()
    {
        FilterRow row = default;
        for (int lane = 0; lane < FilterRow.Lanes; lane++) row[lane] = (ulong)lane + 1;
        Assert.That(MemoryMarshal.Cast<byte, ulong>(Bytes(row)).ToArray(), Is.EqualTo((ulong[])[1, 2, 3, 4, 5, 6, 7, 8]));
    }

    [Test]
    public void Lanes_that_hold_a_mask_are_those_that_have_all_its_bits()
    {
        Random random = new(3);
        for (int round = 0; round < 1_000; round++)
        {
            FilterRow row = default;
            ulong mask = (ulong)random.NextInt64() & (ulong)random.NextInt64() & (ulong)random.NextInt64();
            uint expected = 0;
            for (int lane = 0; lane < FilterRow.Lanes; lane++)
            {
                row[lane] = random.Next(2) == 0 ? mask | (ulong)random.NextInt64() : (ulong)random.NextInt64();
                if ((row[lane] & mask) == mask) expected |= 1u << lane;
            }

            Assert.That(row.LanesHolding(mask), Is.EqualTo(expected));
        }
    }

    [Test]
    public void A_native_table_is_zeroed_aligned_and_as_long_as_asked()
    {
        foreach (bool hugePages in (bool[])[false, true])
        {
            using NativeTable<FilterRow> table = new(100_000, hugePages);
            table.Prefetch(99_999);
            table[99_999][7] = 5;
            Assert.That(table[99_998][7], Is.Zero);
            Assert.That(table.Rows(99_999, 1)[0][7], Is.EqualTo(5));
            Assert.That((long)(AddressOf(ref table[0]) % 64), Is.Zero);
            Assert.That(() => table.Rows(99_999, 2).Length, Throws.InstanceOf<ArgumentOutOfRangeException>());
        }
    }

    [Test]
    public void A_checked_row_is_one_of_the_table_and_after_its_end_there_is_none()
    {
        using NativeTable<long> table = new(10);
        table.Row(9) = 7;
        Assert.That(table[9], Is.EqualTo(7));
        Assert.That(() => table.Row(10), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => table.Row(-1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        table.Dispose();
        Assert.That(() => table.Row(0), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    private static unsafe nuint AddressOf(ref FilterRow row) => (nuint)Unsafe.AsPointer(ref row);

    private static byte[] Bytes<T>(T value)
        where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();
}
