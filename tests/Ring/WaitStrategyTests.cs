using System.Diagnostics;
using System.Globalization;
using Settlement.Engine.Ring;

namespace Settlement.Tests.Ring;

[NonParallelizable]
public class WaitStrategyTests
{
    private const int DeadlineMs = 60_000;

    [TestCase(WaitStrategyKind.Blocking, 20_000)]
    [TestCase(WaitStrategyKind.Phased, 20_000)]
    [TestCase(WaitStrategyKind.Yielding, 20_000)]
    [TestCase(WaitStrategyKind.BusySpin, 50)]
    public void No_wake_up_is_lost_in_many_short_rounds(WaitStrategyKind kind, int rounds)
    {
        int seed = PrintedSeed.Next();
        var strategy = new WaitStrategy(kind);
        var stop = new StopSignal();
        var ping = new Sequence();
        var pong = new Sequence();
        Thread[] threads =
        [
            NewPlayer(new SequenceBarrier(strategy, stop, pong), ping, ahead: 1, new Random(seed)),
            NewPlayer(new SequenceBarrier(strategy, stop, ping), pong, ahead: 0, new Random(seed + 1)),
        ];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            Assert.That(thread.Join(DeadlineMs), Is.True, $"a wake-up was lost at ping {ping.Value}, pong {pong.Value}");
        Assert.That((ping.Value, pong.Value), Is.EqualTo((rounds - 1L, rounds - 1L)));

        // A little work of random length before each move, so that it falls into every moment of the other's going to sleep.
        Thread NewPlayer(SequenceBarrier barrier, Sequence own, int ahead, Random random) => new(() =>
        {
            for (long round = 0; round < rounds; round++)
            {
                barrier.WaitFor(round - ahead);
                Thread.SpinWait(random.Next(kind == WaitStrategyKind.Phased ? 300 : 60));
                own.Set(round);
                strategy.SignalAllWhenBlocking();
            }
        })
        { IsBackground = true };
    }

    [Test]
    public void A_publication_at_any_moment_of_going_to_sleep_wakes()
    {
        const int Rounds = 30_000;
        const int ColdBytes = 64 << 20;
        var random = PrintedSeed.Create();
        var strategy = new WaitStrategy(WaitStrategyKind.Blocking);
        var stop = new StopSignal();
        var published = new Sequence();
        var taken = new Sequence();
        var barrier = new SequenceBarrier(strategy, stop, published);
        var waiter = new StageThread("waiter", stop, () =>
        {
            for (long round = 0; ; round++)
            {
                barrier.WaitFor(round);
                taken.Set(round);
            }
        });
        waiter.Start();

        // This side never sleeps, so its publications fall into every moment from the waiter's first look to its sleep. Stores to
        // cold lines before it keep the publication itself in the store buffer, while the look at the flag is done already:
        // without the waiter's fence on this core some of these wake-ups are lost.
        byte[] cold = new byte[ColdBytes];
        var deadline = new Stopwatch();
        for (long round = 0; round < Rounds; round++)
        {
            int spins = random.Next(200);
            int colds = random.Next(24);
            int line = random.Next(ColdBytes - (24 * 8192));
            for (int i = 0; i < spins; i++)
                _ = taken.Value;
            for (int i = 0; i < colds; i++)
                Volatile.Write(ref cold[line + (i * 8191)], 1);
            published.Set(round);
            strategy.SignalAllWhenBlocking();
            deadline.Restart();
            while (taken.Value < round)
            {
                if (deadline.ElapsedMilliseconds > DeadlineMs / 4)
                    Assert.Fail($"a wake-up was lost in round {round}");
                Thread.Yield();
            }
        }
        stop.Stop();
        Assert.That(waiter.Join(DeadlineMs), Is.True);
        Assert.That(stop.Failure, Is.Null);
    }

    [Test]
    public void Several_waiters_at_several_sequences_all_get_every_move()
    {
        const int Rounds = 5_000;
        var strategy = new WaitStrategy(WaitStrategyKind.Blocking);
        var stop = new StopSignal();
        Sequence[] line = [.. Enumerable.Range(0, 6).Select(_ => new Sequence())];
        var first = new SequenceBarrier(strategy, stop, line[0]);
        var whole = new SequenceBarrier(strategy, stop, line);
        Thread[] threads = [.. Enumerable.Range(1, line.Length - 1).Select(i => new Thread(() =>
        {
            for (long round = 0; round < Rounds; round++)
            {
                first.WaitFor(round);
                line[i].Set(round);
                strategy.SignalAllWhenBlocking();
            }
        }) { IsBackground = true })];
        foreach (Thread thread in threads)
            thread.Start();
        for (long round = 0; round < Rounds; round++)
        {
            line[0].Set(round);
            strategy.SignalAllWhenBlocking();
            Assert.That(whole.TryWaitFor(round, DeadlineMs, out _), Is.True, $"a wake-up was lost in round {round}");
        }
        foreach (Thread thread in threads)
            Assert.That(thread.Join(DeadlineMs), Is.True);
        Assert.That(strategy.ParkedCount, Is.Zero);
    }

    [Test]
    public void A_signal_wakes_only_who_has_what_it_waits_for()
    {
        var strategy = new WaitStrategy();
        var sequence = new Sequence();
        var barrier = new SequenceBarrier(strategy, new StopSignal(), sequence);
        Thread near = Start(() => barrier.WaitFor(0));
        Thread far = Start(() => barrier.WaitFor(5));
        Wait.Until(() => strategy.ParkedCount == 2);
        sequence.Set(4);
        strategy.SignalAllWhenBlocking();
        Assert.That(strategy.ParkedCount, Is.EqualTo(1));
        Assert.That(near.Join(DeadlineMs), Is.True);
        sequence.Set(5);
        strategy.SignalAllWhenBlocking();
        Assert.That(far.Join(DeadlineMs), Is.True);
        Assert.That(strategy.ParkedCount, Is.Zero);
    }

    [Test]
    public void A_wait_with_a_limit_returns_nothing_when_nothing_comes(
        [Values] WaitStrategyKind kind, [Values(0, 1, 20)] int timeoutMs)
    {
        var strategy = new WaitStrategy(kind);
        var sequence = new Sequence(3);
        var barrier = new SequenceBarrier(strategy, new StopSignal(), sequence);
        Assert.That(barrier.TryWaitFor(4, timeoutMs, out long available), Is.False);
        Assert.That(available, Is.EqualTo(3));
        Assert.That(strategy.ParkedCount, Is.Zero);
        Assert.That(barrier.TryWaitFor(3, timeoutMs, out available), Is.True);
        Assert.That(() => barrier.TryWaitFor(4, -2, out _), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void A_wait_with_a_limit_ends_when_it_has_what_it_waits_for([Values] WaitStrategyKind kind)
    {
        var strategy = new WaitStrategy(kind);
        var sequence = new Sequence();
        var barrier = new SequenceBarrier(strategy, new StopSignal(), sequence);
        bool came = false;
        Thread waiter = Start(() => came = barrier.TryWaitFor(0, DeadlineMs, out _));
        Wait.Until(() => strategy.ParkedCount == 1);
        sequence.Set(0);
        strategy.SignalAllWhenBlocking();
        Assert.That(waiter.Join(DeadlineMs / 2), Is.True);
        Assert.That(came, Is.True);
    }

    [Test]
    public void The_default_costs_next_to_nothing_when_idle()
    {
        const int StageCount = 5;
        const double CoreShareMax = 0.05;
        var strategy = new WaitStrategy();
        var stop = new StopSignal();
        var barrier = new SequenceBarrier(strategy, stop, new Sequence());
        StageThread[] stages = [.. Enumerable.Range(0, StageCount).Select(
            i => new StageThread($"idle-{i}", stop, () => barrier.WaitFor(0)))];
        foreach (StageThread stage in stages)
            stage.Start();
        Wait.Until(() => strategy.ParkedCount == StageCount);

        TimeSpan before = CpuTime();
        long started = Stopwatch.GetTimestamp();
        Thread.Sleep(1000);
        double share = (CpuTime() - before) / Stopwatch.GetElapsedTime(started);
        stop.Stop();
        foreach (StageThread stage in stages)
            Assert.That(stage.Join(DeadlineMs), Is.True);
        TestContext.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{StageCount} idle stages: {share:P3} of a core"));
        Assert.That(share, Is.LessThan(CoreShareMax));

        // Of the stages' own threads where the system tells; elsewhere of the process, whose other threads have little to do.
        static TimeSpan CpuTime()
        {
            if (!OperatingSystem.IsLinux())
                return Process.GetCurrentProcess().TotalProcessorTime;
            long ns = 0;
            int found = 0;
            foreach (string task in Directory.EnumerateDirectories("/proc/self/task"))
            {
                if (!File.ReadAllText($"{task}/comm").StartsWith("idle-", StringComparison.Ordinal))
                    continue;
                found++;
                ns += long.Parse(File.ReadAllText($"{task}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture);
            }
            Assert.That(found, Is.EqualTo(StageCount), "threads named as their stages");
            return TimeSpan.FromMicroseconds(ns / 1000.0);
        }
    }

    [Test]
    public void An_unknown_kind_is_refused() =>
        Assert.That(() => new WaitStrategy((WaitStrategyKind)9), Throws.InstanceOf<ArgumentOutOfRangeException>());

    private static Thread Start(Action action)
    {
        var thread = new Thread(action.Invoke) { IsBackground = true };
        thread.Start();
        return thread;
    }
}
