using Settlement.Engine.Domain;
using Settlement.Engine.Ring;

namespace Settlement.Tests.Ring;

public class BatchEventProcessorTests
{
    [Test]
    public void All_that_is_there_comes_in_spans_cut_at_the_wrap_and_at_the_maximum()
    {
        var stop = new StopSignal();
        using var ring = new RingBuffer<SingleProducerSequencer>(16, new WaitStrategy(), stop);
        var gate = new Sequence();
        ring.SetGatingSequences(gate);
        var recorder = new Recorder(stop);
        var processor = new BatchEventProcessor<Recorder>(ring, ring.NewBarrier(), recorder, slotCountMax: 5);
        recorder.Of = processor;

        Publish(ring, 9);
        recorder.StopAfter = 8;
        Assert.That(processor.Run, Throws.InstanceOf<AlertException>());
        Assert.That(recorder.Calls, Is.EqualTo(new[] { (0L, 5, false), (5L, 4, true) }));

        gate.Set(8);
        Assert.That(() => Publish(ring, 1), Throws.InstanceOf<EngineStoppedException>(), "a stopped ring takes no more");
    }

    [Test]
    public void The_wrap_makes_two_calls_of_one_batch()
    {
        var stop = new StopSignal();
        using var ring = new RingBuffer<SingleProducerSequencer>(8, new WaitStrategy(), stop);
        var recorder = new Recorder(stop);
        var processor = new BatchEventProcessor<Recorder>(ring, ring.NewBarrier(), recorder);
        recorder.Of = processor;
        ring.SetGatingSequences(processor.Sequence);
        Publish(ring, 6);
        recorder.StopAfter = 12;
        recorder.AfterSix = () => Publish(ring, 7);
        Assert.That(processor.Run, Throws.InstanceOf<AlertException>());
        Assert.That(recorder.Calls, Is.EqualTo(new[] { (0L, 6, true), (6L, 2, false), (8L, 5, true) }));
        Assert.That(processor.Sequence.Value, Is.EqualTo(12));
    }

    [Test]
    public void A_call_that_throws_does_not_pass_its_slots()
    {
        var stop = new StopSignal();
        using var ring = new RingBuffer<SingleProducerSequencer>(8, new WaitStrategy(), stop);
        var processor = new BatchEventProcessor<ThrowsAtThree>(ring, ring.NewBarrier(), default, slotCountMax: 1);
        ring.SetGatingSequences(processor.Sequence);
        Publish(ring, 6);
        Assert.That(processor.Run, Throws.InstanceOf<FormatException>());
        Assert.That(processor.Sequence.Value, Is.EqualTo(2));
    }

    private static void Publish(RingBuffer<SingleProducerSequencer> ring, int count)
    {
        long first = ring.Claim(count);
        for (int i = 0; i < count; i++)
            ring[first + i].IdLow = (ulong)(first + i);
        ring.Publish(first, first + count - 1);
    }

    private sealed class Recorder(StopSignal stop) : IBatchEventHandler
    {
        private Action? _afterSix;
        private long _passed = -1;

        public List<(long First, int Count, bool EndOfBatch)> Calls { get; } = [];

        public BatchEventProcessor<Recorder>? Of { get; set; }

        public long StopAfter { get; set; }

        public Action? AfterSix
        {
            set => _afterSix = value;
        }

        public void OnBatch(ReadOnlySpan<Payment> slots, long firstSequence, bool endOfBatch)
        {
            Assert.That(Of!.Sequence.Value, Is.EqualTo(_passed), "the sequence moves after each call, not within it");
            for (int i = 0; i < slots.Length; i++)
                Assert.That(slots[i].IdLow, Is.EqualTo((ulong)(firstSequence + i)));
            Calls.Add((firstSequence, slots.Length, endOfBatch));
            _passed = firstSequence + slots.Length - 1;
            if (_passed == 5 && _afterSix is not null)
            {
                // The six slots are not passed yet, so the ring of eight has room for two: the rest from a thread that waits.
                new Thread(_afterSix.Invoke) { IsBackground = true }.Start();
            }
            if (_passed == StopAfter)
                stop.Stop();
        }
    }

    private struct ThrowsAtThree : IBatchEventHandler
    {
        public readonly void OnBatch(ReadOnlySpan<Payment> slots, long firstSequence, bool endOfBatch)
        {
            if (firstSequence == 3)
                throw new FormatException("three");
        }
    }
}
