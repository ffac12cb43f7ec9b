using Settlement.Engine.Domain;
using Settlement.Engine.Ring;

namespace Settlement.Tests.Ring;

/// <summary>Real threads over small rings, so that wraps, full rings and empty rings are the normal case.</summary>
[NonParallelizable]
public class RingConcurrencyTests
{
    private const int DeadlineMs = 60_000;

    [Test]
    public void A_diamond_of_stages_sees_every_payment_of_one_producer_once_and_in_order([Values] WaitStrategyKind kind) =>
        RunDiamond<SingleProducerSequencer>(kind, producerCount: 1, PrintedSeed.Next());

    [Test]
    public void A_diamond_of_stages_sees_every_payment_of_three_producers_once_and_in_order([Values] WaitStrategyKind kind) =>
        RunDiamond<MultiProducerSequencer>(kind, producerCount: 3, PrintedSeed.Next());

    /// <summary>
    /// Producers, then two stages side by side, then one behind both, then the last, which gates the producers.
    /// </summary>
    private static void RunDiamond<T>(WaitStrategyKind kind, int producerCount, int seed)
        where T : struct, ISequencer<T>
    {
        const int Capacity = 64;
        int countEach = (kind == WaitStrategyKind.BusySpin ? 1_500 : 60_000) / producerCount;
        var stop = new StopSignal();
        using var ring = new RingBuffer<T>(Capacity, new WaitStrategy(kind), stop);
        long[] journaled = new long[Capacity];
        long[] replicated = new long[Capacity];
        long[] settled = new long[Capacity];
        var journal = NewStage(ring.NewBarrier(), new Column(journaled, [], producerCount));
        var replicate = NewStage(ring.NewBarrier(), new Column(replicated, [], producerCount));
        var settle = NewStage(
            ring.NewBarrier(journal.Sequence, replicate.Sequence), new Column(settled, [journaled, replicated], producerCount));
        var reply = NewStage(ring.NewBarrier(settle.Sequence), new Column(new long[Capacity], [settled], producerCount));
        ring.SetGatingSequences(reply.Sequence);
        StageThread[] stages =
        [
            new("journal", stop, journal.Run), new("replicate", stop, replicate.Run),
            new("settle", stop, settle.Run), new("reply", stop, reply.Run),
        ];
        foreach (StageThread stage in stages)
            stage.Start();
        Thread[] producers = [.. Enumerable.Range(0, producerCount).Select(producer => new Thread(
            () => ProduceUntilStopped(ring, producer, countEach, new Random(seed + producer))) { IsBackground = true })];
        foreach (Thread producer in producers)
            producer.Start();
        foreach (Thread producer in producers)
            Assert.That(producer.Join(DeadlineMs), Is.True, "a producer hangs");
        Assert.That(ring.Drain(DeadlineMs), Is.True, "a stage hangs");
        stop.Stop();
        foreach (StageThread stage in stages)
            Assert.That(stage.Join(DeadlineMs), Is.True, $"{stage.Name} does not end");
        stop.ThrowIfFailed();
        foreach (BatchEventProcessor<Column> stage in new[] { journal, replicate, settle, reply })
        {
            Assert.That(stage.Handler.CountOf, Is.All.EqualTo((ulong)countEach));
            Assert.That(stage.Sequence.Value, Is.EqualTo((countEach * producerCount) - 1));
        }

        BatchEventProcessor<Column> NewStage(SequenceBarrier barrier, Column column) =>
            new(ring, barrier, column, slotCountMax: 37);
    }

    private static void ProduceUntilStopped<T>(RingBuffer<T> ring, int producer, int count, Random random)
        where T : struct, ISequencer<T>
    {
        try
        {
            Produce(ring, producer, count, random);
        }
        catch (EngineStoppedException)
        {
            // A stage failed: draining tells which and why.
        }
    }

    private static void Produce<T>(RingBuffer<T> ring, int producer, int count, Random random)
        where T : struct, ISequencer<T>
    {
        for (int done = 0; done < count;)
        {
            int claim = Math.Min(random.Next(1, 24), count - done);
            long first = 0;
            if (random.Next(4) != 0)
                first = ring.Claim(claim);
            else
                SpinWait.SpinUntil(() => ring.TryClaim(claim, out first));
            for (long sequence = first; sequence < first + claim; sequence++)
            {
                ring[sequence] = new Payment { IdHigh = (ulong)producer, IdLow = (ulong)done, Amount = (ulong)done * 3 };
                done++;
            }
            ring.Publish(first, first + claim - 1);
        }
    }

    /// <summary>Checks order and contents, that the columns of the stages before are filled, and fills its own.</summary>
    private sealed class Column(long[] own, long[][] before, int producerCount) : IBatchEventHandler
    {
        public ulong[] CountOf { get; } = new ulong[producerCount];

        public void OnBatch(ReadOnlySpan<Payment> slots, long firstSequence, bool endOfBatch)
        {
            for (int i = 0; i < slots.Length; i++)
            {
                int index = (int)(firstSequence + i) & (own.Length - 1);
                foreach (long[] column in before)
                {
                    if (column[index] != firstSequence + i + 1)
                        throw new InvalidOperationException($"slot {firstSequence + i} came before the stage ahead had done it");
                }
                Payment payment = slots[i];
                if (payment.IdLow != CountOf[payment.IdHigh]++ || payment.Amount != payment.IdLow * 3)
                    throw new InvalidOperationException($"slot {firstSequence + i} is lost, doubled, out of order or torn");
                own[index] = firstSequence + i + 1;
            }
        }
    }

    [Test]
    public void No_batch_ends_inside_a_claim()
    {
        const int ClaimsEach = 60_000;
        var stop = new StopSignal();
        using var ring = new RingBuffer<MultiProducerSequencer>(128, new WaitStrategy(), stop);
        var consumed = new Sequence();
        ring.SetGatingSequences(consumed);
        SequenceBarrier barrier = ring.NewBarrier();
        int seed = PrintedSeed.Next();
        Thread[] producers = [.. Enumerable.Range(0, 3).Select(producer => new Thread(() =>
        {
            var random = new Random(seed + producer);
            for (int claim = 0; claim < ClaimsEach; claim++)
            {
                int count = random.Next(1, 40);
                long first = ring.Claim(count);
                for (int i = 0; i < count; i++)
                    ring[first + i] = new Payment { Amount = (ulong)(count - i) };
                ring.Publish(first, first + count - 1);
            }
        }) { IsBackground = true })];
        foreach (Thread producer in producers)
            producer.Start();

        long next = 0;
        for (int claims = 0; claims < 3 * ClaimsEach;)
        {
            Assert.That(barrier.TryWaitFor(next, DeadlineMs, out long available), Is.True, "a wake-up was lost");
            for (; next <= available; next++)
                claims += ring[next].Amount == 1 ? 1 : 0;
            Assert.That(ring[available].Amount, Is.EqualTo(1UL), "the last slot of a claim says so");
            consumed.Set(available);
            ring.WaitStrategy.SignalAllWhenBlocking();
        }
        foreach (Thread producer in producers)
            Assert.That(producer.Join(DeadlineMs), Is.True);
    }

    [Test]
    public void A_full_ring_holds_the_producer_back_until_there_is_room([Values] bool manyProducers)
    {
        if (manyProducers)
            Check<MultiProducerSequencer>();
        else
            Check<SingleProducerSequencer>();

        static void Check<T>()
            where T : struct, ISequencer<T>
        {
            var strategy = new WaitStrategy();
            using var ring = new RingBuffer<T>(8, strategy, new StopSignal());
            var consumed = new Sequence();
            ring.SetGatingSequences(consumed);
            ring.Publish(ring.Claim(8), 7);
            long claimed = -1;
            var producer = new Thread(() => Volatile.Write(ref claimed, ring.Claim(3))) { IsBackground = true };
            producer.Start();
            Wait.Until(() => strategy.ParkedCount == 1);
            consumed.Set(1);
            strategy.SignalAllWhenBlocking();
            Assert.That(strategy.ParkedCount, Is.EqualTo(1), "two slots are not three: it is not even woken");
            Assert.That(Volatile.Read(ref claimed), Is.EqualTo(-1));
            consumed.Set(2);
            strategy.SignalAllWhenBlocking();
            Assert.That(producer.Join(DeadlineMs), Is.True);
            Assert.That(claimed, Is.EqualTo(8));
        }
    }
}
