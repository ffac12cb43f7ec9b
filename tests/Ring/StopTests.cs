using Settlement.Engine.Domain;
using Settlement.Engine.Ring;

namespace Settlement.Tests.Ring;

[NonParallelizable]
public class StopTests
{
    private const int DeadlineMs = 60_000;

    [Test]
    public void A_stage_that_throws_stops_all_others_and_the_blocked_producer(
        [Values] WaitStrategyKind kind, [Values] bool manyProducers)
    {
        if (manyProducers)
            Check<MultiProducerSequencer>(kind);
        else
            Check<SingleProducerSequencer>(kind);

        static void Check<T>(WaitStrategyKind kind)
            where T : struct, ISequencer<T>
        {
            var stop = new StopSignal();
            using var ring = new RingBuffer<T>(8, new WaitStrategy(kind), stop);
            var journal = new BatchEventProcessor<Nothing>(ring, ring.NewBarrier(), default);
            var settle = new BatchEventProcessor<ThrowsAt>(
                ring, ring.NewBarrier(journal.Sequence), new ThrowsAt(5), slotCountMax: 1);
            var reply = new BatchEventProcessor<Nothing>(ring, ring.NewBarrier(settle.Sequence), default);
            ring.SetGatingSequences(reply.Sequence);
            StageThread[] stages =
            [
                new("journal", stop, journal.Run), new("settle", stop, settle.Run), new("reply", stop, reply.Run),
            ];
            foreach (StageThread stage in stages)
                stage.Start();

            EngineStoppedException? told = null;
            var producer = new Thread(() =>
            {
                try
                {
                    while (true)
                    {
                        long first = ring.Claim(3);
                        ring.Publish(first, first + 2);
                    }
                }
                catch (EngineStoppedException exception)
                {
                    told = exception;
                }
            })
            { IsBackground = true };
            producer.Start();
            Assert.That(producer.Join(DeadlineMs), Is.True, "the producer is blocked for ever");
            foreach (StageThread stage in stages)
                Assert.That(stage.Join(DeadlineMs), Is.True, $"{stage.Name} does not end");
            Assert.That(told!.InnerException, Is.InstanceOf<FormatException>());
            Assert.That(told.Stage, Is.EqualTo("settle"));
            Assert.That(told.Message, Does.Contain("settle").And.Contain("slot 5"));
            Assert.That(settle.Sequence.Value, Is.EqualTo(4), "the slot was not passed");
            Assert.That(reply.Sequence.Value, Is.LessThanOrEqualTo(4));
            Assert.That(() => ring.Claim(1), Throws.InstanceOf<EngineStoppedException>());
            Assert.That(() => ring.TryClaim(1, out _), Throws.InstanceOf<EngineStoppedException>());
            Assert.That(() => ring.Drain(), Throws.InstanceOf<EngineStoppedException>());
            Assert.That(
                stop.ThrowIfFailed,
                Throws.InstanceOf<EngineStoppedException>().With.InnerException.SameAs(told.InnerException));
        }
    }

    [Test]
    public void The_first_failure_is_the_one_that_is_told()
    {
        var stop = new StopSignal();
        var first = new FormatException("first");
        stop.Fail("a", first);
        stop.Fail("b", new FormatException("second"));
        stop.Stop();
        Assert.That(stop.Failure!.InnerException, Is.SameAs(first));
        Assert.That(stop.Failure.Stage, Is.EqualTo("a"));
        Assert.That(stop.IsRaised, Is.True);
    }

    [Test]
    public void A_failure_while_stopping_in_order_is_still_told()
    {
        var stop = new StopSignal();
        stop.Stop();
        Assert.That(stop.ThrowIfFailed, Throws.Nothing);
        stop.Fail("late", new FormatException("late"));
        Assert.That(stop.ThrowIfFailed, Throws.InstanceOf<EngineStoppedException>());
    }

    [Test]
    public void A_loop_that_returns_by_itself_is_a_failure()
    {
        var stop = new StopSignal();
        var stage = new StageThread("short", stop, () => { });
        stage.Start();
        Assert.That(stage.Join(DeadlineMs), Is.True);
        Assert.That(stop.Failure!.InnerException, Is.InstanceOf<InvalidOperationException>());
        Assert.That(stop.Failure.Stage, Is.EqualTo("short"));
    }

    [Test]
    public void A_stage_that_feeds_a_stopped_ring_ends_without_a_failure_of_its_own()
    {
        var stop = new StopSignal();
        var strategy = new WaitStrategy();
        using var next = new RingBuffer<SingleProducerSequencer>(8, strategy, stop);
        next.SetGatingSequences(new Sequence());
        var stage = new StageThread("feeder", stop, () =>
        {
            while (true)
            {
                long sequence = next.Claim(1);
                next.Publish(sequence, sequence);
            }
        });
        stage.Start();
        Wait.Until(() => strategy.ParkedCount == 1);
        stop.Stop();
        Assert.That(stage.Join(DeadlineMs), Is.True);
        Assert.That(stop.Failure, Is.Null);
    }

    [Test]
    public void Draining_waits_for_the_last_stage_and_then_stopping_ends_it_in_order()
    {
        var stop = new StopSignal();
        using var ring = new RingBuffer<SingleProducerSequencer>(1024, new WaitStrategy(), stop);
        var slow = new BatchEventProcessor<Slow>(ring, ring.NewBarrier(), default, slotCountMax: 10);
        ring.SetGatingSequences(slow.Sequence);
        var stage = new StageThread("slow", stop, slow.Run);
        ring.Publish(ring.Claim(500), 499);
        Assert.That(ring.Drain(timeoutMs: 1), Is.False, "nobody has begun");
        stage.Start();
        Assert.That(ring.Drain(DeadlineMs), Is.True);
        Assert.That(slow.Sequence.Value, Is.EqualTo(499));
        stop.Stop();
        Assert.That(stage.Join(DeadlineMs), Is.True);
        Assert.That(stop.Failure, Is.Null);
        Assert.That(
            () => ring.Claim(1), Throws.InstanceOf<EngineStoppedException>().With.Property("InnerException").Null);
    }

    [Test]
    public void Draining_an_untouched_ring_is_done_at_once()
    {
        using var ring = new RingBuffer<MultiProducerSequencer>(8, new WaitStrategy(), new StopSignal());
        ring.SetGatingSequences(new Sequence());
        Assert.That(ring.Drain(), Is.True);
    }

    [Test]
    public void Draining_ends_with_the_cause_when_a_stage_fails_meanwhile()
    {
        var strategy = new WaitStrategy();
        var stop = new StopSignal();
        using var ring = new RingBuffer<SingleProducerSequencer>(8, strategy, stop);
        ring.SetGatingSequences(new Sequence());
        ring.Publish(ring.Claim(1), 0);
        var failer = new Thread(() =>
        {
            Wait.Until(() => strategy.ParkedCount == 1);
            stop.Fail("settle", new FormatException("bad"));
        });
        failer.Start();
        Assert.That(
            () => ring.Drain(DeadlineMs),
            Throws.InstanceOf<EngineStoppedException>().With.InnerException.InstanceOf<FormatException>());
        failer.Join();
    }

    [Test]
    public void An_alert_ends_one_stage_alone([Values] WaitStrategyKind kind)
    {
        var stop = new StopSignal();
        var strategy = new WaitStrategy(kind);
        var sequence = new Sequence();
        var one = new SequenceBarrier(strategy, stop, sequence);
        var other = new SequenceBarrier(strategy, stop, sequence);
        var stage = new StageThread("one", stop, () => one.WaitFor(0));
        stage.Start();
        one.Alert();
        Assert.That(stage.Join(DeadlineMs), Is.True);
        Assert.That((stop.IsRaised, one.IsAlerted, other.IsAlerted), Is.EqualTo((false, true, false)));
        sequence.Set(0);
        Assert.That(() => one.TryGet(0, out _), Throws.InstanceOf<AlertException>(), "even what is there is not given out");
        Assert.That(other.WaitFor(0), Is.Zero);
    }

    [Test]
    public void A_barrier_made_after_the_stop_is_alerted()
    {
        var stop = new StopSignal();
        stop.Stop();
        Assert.That(new SequenceBarrier(new WaitStrategy(), stop, new Sequence()).IsAlerted, Is.True);
    }

    private struct Nothing : IBatchEventHandler
    {
        public readonly void OnBatch(ReadOnlySpan<Payment> slots, long firstSequence, bool endOfBatch)
        {
        }
    }

    private readonly struct ThrowsAt(long sequence) : IBatchEventHandler
    {
        public void OnBatch(ReadOnlySpan<Payment> slots, long firstSequence, bool endOfBatch)
        {
            if (firstSequence == sequence)
                throw new FormatException($"slot {sequence}");
        }
    }

    private struct Slow : IBatchEventHandler
    {
        public readonly void OnBatch(ReadOnlySpan<Payment> slots, long firstSequence, bool endOfBatch) => Thread.Sleep(1);
    }
}
