using System.Runtime.CompilerServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Ring;

namespace Settlement.Tests.Ring;

public class RingBufferTests
{
    private static RingBuffer<T> NewRing<T>(int capacity, out Sequence consumed)
        where T : struct, ISequencer<T>
    {
        consumed = new Sequence();
        var ring = new RingBuffer<T>(capacity, new WaitStrategy(), new StopSignal());
        ring.SetGatingSequences(consumed);
        return ring;
    }

    [TestCase(0)]
    [TestCase(-8)]
    [TestCase(3)]
    [TestCase(RingBuffer.CapacityMax * 2)]
    public void A_capacity_that_is_no_power_of_two_in_range_is_refused(int capacity) =>
        Assert.That(
            () => new RingBuffer<SingleProducerSequencer>(capacity, new WaitStrategy(), new StopSignal()),
            Throws.InstanceOf<ArgumentException>());

    [TestCase(0)]
    [TestCase(-1)]
    [TestCase(int.MinValue)]
    [TestCase(9)]
    public void A_claim_of_none_or_of_more_than_the_ring_has_is_refused(int count)
    {
        using RingBuffer<SingleProducerSequencer> single = NewRing<SingleProducerSequencer>(8, out _);
        using RingBuffer<MultiProducerSequencer> multi = NewRing<MultiProducerSequencer>(8, out _);
        Assert.That(() => single.Claim(count), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => single.TryClaim(count, out _), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => multi.Claim(count), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => multi.TryClaim(count, out _), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Without_a_gating_sequence_nothing_can_be_claimed()
    {
        using var ring = new RingBuffer<SingleProducerSequencer>(8, new WaitStrategy(), new StopSignal());
        Assert.That(() => ring.Claim(1), Throws.InvalidOperationException);
        Assert.That(() => ring.TryClaim(1, out _), Throws.InvalidOperationException);
        Assert.That(() => ring.Drain(), Throws.InvalidOperationException);
        Assert.That(() => ring.SetGatingSequences(), Throws.ArgumentException);
    }

    [Test]
    public void Gating_sequences_are_set_once()
    {
        using RingBuffer<SingleProducerSequencer> ring = NewRing<SingleProducerSequencer>(8, out _);
        Assert.That(() => ring.SetGatingSequences(new Sequence()), Throws.InvalidOperationException);
    }

    [Test]
    public void Claims_are_contiguous_and_start_at_zero()
    {
        Check(NewRing<SingleProducerSequencer>(8, out _));
        Check(NewRing<MultiProducerSequencer>(8, out _));

        static void Check<T>(RingBuffer<T> ring)
            where T : struct, ISequencer<T>
        {
            using (ring)
            {
                Assert.That(ring.Claim(1), Is.Zero);
                Assert.That(ring.Claim(4), Is.EqualTo(1));
                Assert.That(ring.TryClaim(3, out long first), Is.True);
                Assert.That(first, Is.EqualTo(5));
            }
        }
    }

    [Test]
    public void A_full_ring_gives_nothing_until_the_slowest_gating_sequence_has_moved()
    {
        Check<SingleProducerSequencer>();
        Check<MultiProducerSequencer>();

        static void Check<T>()
            where T : struct, ISequencer<T>
        {
            var slow = new Sequence();
            var quick = new Sequence();
            using var ring = new RingBuffer<T>(8, new WaitStrategy(), new StopSignal());
            ring.SetGatingSequences(quick, slow);
            ring.Publish(ring.Claim(8), 7);
            quick.Set(7);
            Assert.That(ring.TryClaim(1, out _), Is.False);
            slow.Set(2);
            Assert.That(ring.TryClaim(4, out _), Is.False, "one more than there is");
            Assert.That(ring.TryClaim(3, out long first), Is.True, "the refused claim took nothing");
            Assert.That(first, Is.EqualTo(8));
            Assert.That(ring.TryClaim(1, out _), Is.False);
        }
    }

    [Test]
    public void Slots_across_the_wrap_are_two_spans()
    {
        using RingBuffer<SingleProducerSequencer> ring = NewRing<SingleProducerSequencer>(8, out Sequence consumed);
        ring.Publish(ring.Claim(6), 5);
        consumed.Set(5);
        long first = ring.Claim(5);
        Span<Payment> front = ring.Slots(first, 5);
        Span<Payment> back = ring.Slots(first + front.Length, 5 - front.Length);
        Assert.That((front.Length, back.Length), Is.EqualTo((2, 3)));
        Assert.That(Unsafe.AreSame(ref front[0], ref ring[6]), Is.True);
        Assert.That(Unsafe.AreSame(ref back[0], ref ring[0]), Is.True);
        Assert.That(Unsafe.AreSame(ref ring[first + 4], ref ring[2]), Is.True);
        Assert.That((ring.IndexOf(first), ring.IndexOf(first + 4), ring.Mask), Is.EqualTo((6, 2, 7)));
    }

    [Test]
    public void The_index_of_a_sequence_stays_right_beyond_32_bits()
    {
        using RingBuffer<SingleProducerSequencer> ring = NewRing<SingleProducerSequencer>(8, out _);
        Assert.That(ring.IndexOf((1L << 40) + 5), Is.EqualTo(5));
        Assert.That(ring.IndexOf((1L << 31) + 3), Is.EqualTo(3));
        Assert.That(ring.Slots((1L << 40) + 5, long.MaxValue).Length, Is.EqualTo(3));
    }

    [Test]
    public void One_producer_must_publish_in_order_and_only_what_it_claimed()
    {
        using RingBuffer<SingleProducerSequencer> ring = NewRing<SingleProducerSequencer>(8, out _);
        ring.Claim(2);
        ring.Claim(2);
        Assert.That(() => ring.Publish(2, 3), Throws.InvalidOperationException, "the first claim comes first");
        Assert.That(() => ring.Publish(0, 4), Throws.InvalidOperationException, "4 was not claimed");
        ring.Publish(0, 1);
        Assert.That(() => ring.Publish(0, 1), Throws.InvalidOperationException, "a second time");
        ring.Publish(2, 3);
        Assert.That(ring.NewBarrier().WaitFor(0), Is.EqualTo(3));
    }

    [Test]
    public void Of_many_producers_only_what_has_no_gap_is_shown()
    {
        using RingBuffer<MultiProducerSequencer> ring = NewRing<MultiProducerSequencer>(8, out _);
        SequenceBarrier barrier = ring.NewBarrier();
        long first = ring.Claim(2);
        long second = ring.Claim(3);
        long third = ring.Claim(1);
        ring.Publish(second, second + 2);
        Assert.That(barrier.TryGet(0, out long available), Is.False);
        Assert.That(available, Is.LessThan(0));
        ring.Publish(first, first + 1);
        Assert.That(barrier.TryGet(0, out available), Is.True);
        Assert.That(available, Is.EqualTo(second + 2));
        ring.Publish(third, third);
        Assert.That(barrier.WaitFor(0), Is.EqualTo(third));
    }

    [Test]
    public void A_barrier_gives_what_the_least_advanced_has_reached()
    {
        using RingBuffer<MultiProducerSequencer> ring = NewRing<MultiProducerSequencer>(8, out _);
        var durable = new Sequence();
        var replicated = new Sequence();
        SequenceBarrier both = ring.NewBarrier(durable, replicated);
        SequenceBarrier permitted = ring.NewBarrierOfCursorAnd(durable);
        durable.Set(6);
        Assert.That(both.TryGet(0, out long available), Is.False);
        Assert.That(available, Is.EqualTo(-1));
        replicated.Set(4);
        Assert.That(both.WaitFor(0), Is.EqualTo(4));
        Assert.That(permitted.TryGet(0, out _), Is.False, "nothing is published");
        ring.Publish(ring.Claim(3), 2);
        Assert.That(permitted.WaitFor(0), Is.EqualTo(2));
        durable.Set(1);
        Assert.That(permitted.WaitFor(0), Is.EqualTo(1));
        Assert.That(
            () => new SequenceBarrier(ring.WaitStrategy, new StopSignal()), Throws.ArgumentException, "a barrier over nothing");
    }

    [Test]
    public void Any_order_of_claims_publications_and_readings_does_as_a_plain_list_does([Values] bool manyProducers)
    {
        int seed = PrintedSeed.Next();
        if (manyProducers)
            RunAgainstTwin<MultiProducerSequencer>(seed, manyProducers);
        else
            RunAgainstTwin<SingleProducerSequencer>(seed, manyProducers);
    }

    private static void RunAgainstTwin<T>(int seed, bool anyOrder)
        where T : struct, ISequencer<T>
    {
        const int Capacity = 16;
        var random = new Random(seed);
        using RingBuffer<T> ring = NewRing<T>(Capacity, out Sequence consumed);
        SequenceBarrier barrier = ring.NewBarrier();
        var published = new List<bool>();
        var open = new List<(long First, int Count)>();
        long taken = 0;
        int refusedCount = 0;
        for (int step = 0; step < 50_000; step++)
        {
            int count = random.Next(1, Capacity + 1);
            bool fits = published.Count + count - taken <= Capacity;
            if (random.Next(3) == 0)
            {
                Assert.That(ring.TryClaim(count, out long first), Is.EqualTo(fits));
                refusedCount += fits ? 0 : 1;
                if (!fits)
                    continue;
                Assert.That(first, Is.EqualTo(published.Count));
                open.Add((first, count));
                for (int i = 0; i < count; i++)
                {
                    published.Add(false);
                    ring[first + i].IdLow = (ulong)(first + i);
                }
            }
            else if (open.Count > 0 && random.Next(2) == 0)
            {
                int index = anyOrder ? random.Next(open.Count) : 0;
                (long first, int slots) = open[index];
                open.RemoveAt(index);
                ring.Publish(first, first + slots - 1);
                for (int i = 0; i < slots; i++)
                    published[(int)first + i] = true;
            }

            long end = taken;
            while (end < published.Count && published[(int)end])
                end++;
            Assert.That(barrier.TryGet(taken, out long available), Is.EqualTo(end > taken));
            if (end == taken)
                continue;
            Assert.That(available, Is.EqualTo(end - 1));
            long last = random.NextInt64(taken, end);
            for (; taken <= last; taken++)
                Assert.That(ring[taken].IdLow, Is.EqualTo((ulong)taken));
            consumed.Set(last);
        }
        Assert.That(taken, Is.GreaterThan(20 * Capacity), "it went round");
        Assert.That(refusedCount, Is.GreaterThan(0), "it was full");
    }

    [Test]
    public void Nothing_is_allocated_on_the_way_of_a_payment()
    {
        using RingBuffer<SingleProducerSequencer> single = NewRing<SingleProducerSequencer>(64, out Sequence singleConsumed);
        using RingBuffer<MultiProducerSequencer> multi = NewRing<MultiProducerSequencer>(64, out Sequence multiConsumed);
        Move(single, single.NewBarrier(), singleConsumed);
        Move(multi, multi.NewBarrier(), multiConsumed);
        SequenceBarrier singleBarrier = single.NewBarrier();
        SequenceBarrier multiBarrier = multi.NewBarrier();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Move(single, singleBarrier, singleConsumed);
        Move(multi, multiBarrier, multiConsumed);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);

        static void Move<T>(RingBuffer<T> ring, SequenceBarrier barrier, Sequence consumed)
            where T : struct, ISequencer<T>
        {
            for (int i = 0; i < 1000; i++)
            {
                long first = ring.Claim(10);
                ring.Slots(first, 10).Clear();
                ring.Publish(first, first + 9);
                consumed.Set(barrier.WaitFor(first));
                ring.WaitStrategy.SignalAllWhenBlocking();
            }
        }
    }
}
