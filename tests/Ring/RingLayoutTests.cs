using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Ring;

namespace Settlement.Tests.Ring;

public class RingLayoutTests
{
    private const int LinePair = 128;

    [Test]
    public void A_padded_number_stands_where_the_picture_says()
    {
        Assert.That(Unsafe.SizeOf<PaddedLong>(), Is.EqualTo(240));
        Assert.That((int)Marshal.OffsetOf<PaddedLong>(nameof(PaddedLong.Value)), Is.EqualTo(112));
        int before = PaddedLong.ValueOffset + (2 * sizeof(long));
        int behind = PaddedLong.Size - PaddedLong.ValueOffset - sizeof(long);
        Assert.That(before, Is.GreaterThanOrEqualTo(LinePair - sizeof(long)), "with the header and the table of the object");
        Assert.That(behind, Is.GreaterThanOrEqualTo(LinePair - sizeof(long)));
    }

    [Test]
    public void Sequences_made_one_after_another_never_share_a_pair_of_lines()
    {
        Sequence[] sequences = [.. Enumerable.Range(0, 64).Select(_ => new Sequence())];
        for (int i = 1; i < sequences.Length; i++)
        {
            long distance = Unsafe.ByteOffset(ref sequences[i - 1].Location, ref sequences[i].Location);
            Assert.That(Math.Abs(distance), Is.GreaterThanOrEqualTo(2 * LinePair));
        }
    }

    [Test]
    public void The_sequencers_keep_what_producers_write_away_from_what_consumers_read()
    {
        Assert.That(Unsafe.SizeOf<SingleProducerSequencer>(), Is.EqualTo(272));
        Assert.That(OffsetOf<SingleProducerSequencer>("_claimed"), Is.EqualTo(LinePair));
        Assert.That(OffsetOf<SingleProducerSequencer>("_gatingCached"), Is.EqualTo(LinePair + 8));
        Assert.That(Unsafe.SizeOf<MultiProducerSequencer>(), Is.EqualTo(256));
        Assert.That(OffsetOf<MultiProducerSequencer>("_gatingCached"), Is.EqualTo(LinePair));

        // The marshaller gives no offsets in a struct with a reference; the runtime keeps to the declared ones.
        static int OffsetOf<T>(string field) =>
            typeof(T).GetField(field, BindingFlags.Instance | BindingFlags.NonPublic)!
                .GetCustomAttribute<FieldOffsetAttribute>()!.Value;
    }

    [TestCase(1, 4096)]
    [TestCase(64, 4096)]
    [TestCase(1 << 15, 2 << 20)]
    [TestCase(1 << 17, 2 << 20)]
    public unsafe void Slots_are_64_bytes_apart_in_zeroed_memory_on_a_page_of_its_own(int capacity, int alignment)
    {
        using var ring = new RingBuffer<SingleProducerSequencer>(capacity, new WaitStrategy(), new StopSignal());
        Span<Payment> slots = ring.Slots(0, capacity);
        Assert.That(slots.Length, Is.EqualTo(capacity));
        Assert.That((nuint)Unsafe.AsPointer(ref slots[0]) % (nuint)alignment, Is.EqualTo((nuint)0));
        Assert.That(MemoryMarshal.AsBytes(slots).Length, Is.EqualTo(capacity * 64));
        Assert.That(MemoryMarshal.AsBytes(slots).IndexOfAnyExcept((byte)0), Is.EqualTo(-1));
    }
}
