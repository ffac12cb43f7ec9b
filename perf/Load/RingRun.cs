using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Settlement.Engine.Domain;
using Settlement.Engine.Ring;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>What the consumer of a run gathers, the same for ring and channel: each payment is read and checked.</summary>
internal struct RunCheck(int producerCount)
{
    private readonly ulong[] _next = new ulong[producerCount];
    private ulong _differences;
    private ulong _sum;
    private long _count;

    /// <summary>One payment: it must be its producer's next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take(in Payment payment)
    {
        _differences |= payment.IdLow ^ _next[payment.IdHigh]++;
        _sum += payment.Amount;
        _count++;
    }

    /// <summary>As <see cref="Take"/>, for payments of one only producer, without a look-up for each.</summary>
    public void TakeAll(ReadOnlySpan<Payment> payments)
    {
        ulong next = _next[0];
        ulong differences = 0;
        ulong sum = 0;
        for (int i = 0; i < payments.Length; i++)
        {
            differences |= payments[i].IdLow ^ next++;
            sum += payments[i].Amount;
        }
        _next[0] = next;
        _differences |= differences;
        _sum += sum;
        _count += payments.Length;
    }

    /// <exception cref="CheckFailedException">A payment was lost, doubled, reordered or changed.</exception>
    public readonly void ThrowUnlessWhole(long count)
    {
        ulong each = (ulong)(count / _next.Length);
        ulong sum = (ulong)_next.Length * (each * (each - 1) / 2 + each);
        if (_count != count || _differences != 0 || _sum != sum)
            throw new CheckFailedException(
                $"took {_count} of {count} payments, sum {_sum} of {sum}, differences {_differences:x}");
    }

    /// <summary>A producer's payments are this one with another id and amount.</summary>
    public static Payment TemplateOf(ulong producer) => new()
    {
        IdHigh = producer,
        Payer = 1_000_001,
        Payee = 2_000_002,
        Reference = 3_000_003,
        ValidUntilNs = 4_000_004,
        Currency = 978,
        Instruction = Instruction.Micropayment,
        Flags = PaymentFlags.StreamId,
        Level = 1,
        Purpose = Purpose.Goods,
        Session = 7,
    };

    /// <summary>Writes all 64 bytes of a producer's ordinal-th payment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(out Payment payment, in Payment template, ulong ordinal)
    {
        payment = template;
        payment.IdLow = ordinal;
        payment.Amount = ordinal + 1;
    }
}

/// <summary>One run through the ring: from the first claim until the consumer has everything, all threads' allocations included.</summary>
internal static class RingRun
{
    public static Run Single(WaitStrategyKind strategy, long count, int claimCount) =>
        Through<SingleProducerSequencer, OneProducer>(strategy, count, claimCount, 1, new OneProducer(new RunCheck(1)));

    public static Run Multi(WaitStrategyKind strategy, long count, int claimCount, int producerCount) =>
        Through<MultiProducerSequencer, ManyProducers>(
            strategy, count, claimCount, producerCount, new ManyProducers(new RunCheck(producerCount)));

    private static Run Through<TSequencer, THandler>(
        WaitStrategyKind strategy, long count, int claimCount, int producerCount, THandler handler)
        where TSequencer : struct, ISequencer<TSequencer>
        where THandler : struct, IChecked
    {
        var stop = new StopSignal();
        using var ring = new RingBuffer<TSequencer>(RingLoad.Capacity, new WaitStrategy(strategy), stop);
        var consumer = new BatchEventProcessor<THandler>(ring, ring.NewBarrier(), handler);
        ring.SetGatingSequences(consumer.Sequence);
        var stage = new StageThread("consumer", stop, consumer.Run);
        stage.Start();

        // This thread is the last producer, so that one producer and one consumer are two threads, not three.
        var others = new Thread[producerCount - 1];
        AllocationMeter meter = AllocationMeter.Start();
        long begun = Stopwatch.GetTimestamp();
        for (int producer = 0; producer < others.Length; producer++)
        {
            ulong number = (ulong)producer;
            others[producer] = new Thread(() => Produce(ring, number, count / producerCount, claimCount));
            others[producer].Start();
        }
        Produce(ring, (ulong)others.Length, count / producerCount, claimCount);
        foreach (Thread other in others)
            other.Join();
        ring.Drain();
        long elapsedNs = Run.NsSince(begun);
        long allocatedBytes = meter.ProcessBytes;
        stop.Stop();
        stage.Join();
        stop.ThrowIfFailed();
        consumer.Handler.Check.ThrowUnlessWhole(count);
        return new Run(count, elapsedNs, allocatedBytes);
    }

    private static void Produce<TSequencer>(RingBuffer<TSequencer> ring, ulong producer, long count, int claimCount)
        where TSequencer : struct, ISequencer<TSequencer>
    {
        if (claimCount == 1)
            ProduceOneByOne(ring, producer, count);
        else
            ProduceClaims(ring, producer, count, claimCount);
    }

    private static void ProduceOneByOne<TSequencer>(RingBuffer<TSequencer> ring, ulong producer, long count)
        where TSequencer : struct, ISequencer<TSequencer>
    {
        Payment template = RunCheck.TemplateOf(producer);
        for (long ordinal = 0; ordinal < count; ordinal++)
        {
            long sequence = ring.Claim(1);
            RunCheck.Write(out ring[sequence], template, (ulong)ordinal);
            ring.Publish(sequence, sequence);
        }
    }

    private static void ProduceClaims<TSequencer>(RingBuffer<TSequencer> ring, ulong producer, long count, int claimCount)
        where TSequencer : struct, ISequencer<TSequencer>
    {
        Payment template = RunCheck.TemplateOf(producer);
        ulong ordinal = 0;
        while ((long)ordinal < count)
        {
            long first = ring.Claim(claimCount);
            long last = first + claimCount - 1;
            for (long next = first; next <= last;)
            {
                Span<Payment> slots = ring.Slots(next, last - next + 1);
                for (int i = 0; i < slots.Length; i++)
                    RunCheck.Write(out slots[i], template, ordinal++);
                next += slots.Length;
            }
            ring.Publish(first, last);
        }
    }

    private interface IChecked : IBatchEventHandler
    {
        RunCheck Check { get; }
    }

    private struct OneProducer(RunCheck check) : IChecked
    {
        private RunCheck _check = check;

        public readonly RunCheck Check => _check;

        public void OnBatch(ReadOnlySpan<Payment> slots, long firstSequence, bool endOfBatch) => _check.TakeAll(slots);
    }

    private struct ManyProducers(RunCheck check) : IChecked
    {
        private RunCheck _check = check;

        public readonly RunCheck Check => _check;

        public void OnBatch(ReadOnlySpan<Payment> slots, long firstSequence, bool endOfBatch)
        {
            foreach (ref readonly Payment payment in slots)
                _check.Take(payment);
        }
    }
}

/// <summary>
/// One run through a bounded channel, written and read in its own fastest way: try, and wait only when full or empty.
/// </summary>
internal static class ChannelRun
{
    public static Run Through(int capacity, long count, int producerCount)
    {
        var channel = Channel.CreateBounded<Payment>(new BoundedChannelOptions(capacity)
        {
            SingleReader = true,
            SingleWriter = producerCount == 1,
            FullMode = BoundedChannelFullMode.Wait,
        });
        AllocationMeter meter = AllocationMeter.Start();
        long begun = Stopwatch.GetTimestamp();
        Task<RunCheck> consumer = Task.Run(() => ConsumeAsync(channel.Reader, producerCount));
        Task[] producers = [.. Enumerable.Range(0, producerCount)
            .Select(producer => Task.Run(() => ProduceAsync(channel.Writer, (ulong)producer, count / producerCount)))];
        Task.WaitAll(producers);
        channel.Writer.Complete();
        RunCheck check = consumer.GetAwaiter().GetResult();
        long elapsedNs = Run.NsSince(begun);
        long allocatedBytes = meter.ProcessBytes;
        check.ThrowUnlessWhole(count);
        return new Run(count, elapsedNs, allocatedBytes);
    }

    private static async Task ProduceAsync(ChannelWriter<Payment> writer, ulong producer, long count)
    {
        Payment template = RunCheck.TemplateOf(producer);
        for (long ordinal = 0; ordinal < count; ordinal++)
        {
            RunCheck.Write(out Payment payment, template, (ulong)ordinal);
            if (!writer.TryWrite(payment))
                await writer.WriteAsync(payment).ConfigureAwait(false);
        }
    }

    private static async Task<RunCheck> ConsumeAsync(ChannelReader<Payment> reader, int producerCount)
    {
        var check = new RunCheck(producerCount);
        while (await reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (reader.TryRead(out Payment payment))
                check.Take(payment);
        }
        return check;
    }
}
