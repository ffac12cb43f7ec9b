using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Tests.Live;

/// <summary>Questions to a live node's state: each answered once, between blocks, by a state that never goes back.</summary>
public sealed class StateQueryTests
{
    private TemporaryFolder _place = null!;
    private LiveLedger _ledger = null!;

    [SetUp]
    public void Open()
    {
        _place = new TemporaryFolder();
        _ledger = new LiveLedger(_place.PathOf("journal"), new HandClock(LiveLedger.StartNs));
        _ledger.SetUp(wallets: 4);
    }

    [TearDown]
    public void Close()
    {
        _ledger.Dispose();
        _place.Dispose();
    }

    [Test]
    public void An_idle_node_answers_at_once()
    {
        ulong sequence = _ledger.Node.State.Sequence;
        for (int i = 0; i < 200; i++)
        {
            var query = new BalanceOf(1);
            Assert.That(_ledger.Node.Pipeline.TryAsk(query));
            Assert.That(query.Wait(), "an idle node is woken by a question");
            Assert.That((query.Sequence, query.Available), Is.EqualTo((sequence, 100_000_000UL)));
        }
    }

    [Test]
    public void Answers_given_between_blocks_show_whole_payments_and_never_go_back()
    {
        var asked = new List<BalanceOf>();
        for (ulong number = 1; number <= 400; number++)
        {
            // Both wallets pay each other's sum in one claim: a state half way through a claim's block would show another total.
            _ledger.Submit([LiveLedger.Pay(1, 2, number, stream: 9, (2 * number) - 1), LiveLedger.Pay(2, 1, number, stream: 9, 2 * number)]);
            var query = new BalanceOf(1);
            Assert.That(_ledger.Node.Pipeline.TryAsk(query));
            asked.Add(query);
        }

        _ledger.Node.Pipeline.Drain();
        Assert.That(asked, Has.All.Matches<BalanceOf>(query => query!.Wait()));
        Assert.That(asked.Select(query => query.Sequence), Is.Ordered);
        Assert.That(asked, Has.All.Matches<BalanceOf>(query => query!.Available + query.Pending <= 100_000_000UL + 400 && query.Calls == 1));
        var last = new BalanceOf(1);
        Assert.That(_ledger.Node.Pipeline.TryAsk(last) && last.Wait());
        Assert.That(last.Available + last.Pending, Is.EqualTo(100_000_000UL));
    }

    [Test]
    public void Many_askers_at_once_are_all_answered()
    {
        const int Askers = 8, Questions = 2_000;
        var answered = new int[Askers];
        var threads = Enumerable.Range(0, Askers).Select(asker => new Thread(() =>
        {
            for (int i = 0; i < Questions; i++)
            {
                var query = new BalanceOf((ulong)(1 + (asker % 4)));
                while (!_ledger.Node.Pipeline.TryAsk(query))
                    Thread.Yield();
                answered[asker] += query.Wait() ? 1 : 0;
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.That(answered, Is.All.EqualTo(Questions));
    }

    [Test]
    public void A_node_that_ends_abandons_what_it_did_not_answer_and_takes_no_more()
    {
        var queries = new List<BalanceOf>();
        var asker = new Thread(() =>
        {
            for (var query = new BalanceOf(1); _ledger.Node.Pipeline.TryAsk(query); query = new BalanceOf(1))
                queries.Add(query);
        });
        Settlement.Engine.Pipeline pipeline = _ledger.Node.Pipeline;
        asker.Start();
        while (pipeline.Progress.SettledBlock == 0)
            Thread.Yield();
        pipeline.Dispose();
        asker.Join();
        Assert.That(queries, Has.All.Matches<BalanceOf>(query => query!.Wait() || query.IsAbandoned));
        Assert.That(pipeline.TryAsk(new BalanceOf(1)), Is.False);
    }

    [Test]
    public void Progress_and_disk_count_what_was_done()
    {
        long writes = _ledger.Node.Disk.Writes;
        long slots = _ledger.Node.Pipeline.Progress.SlotsSettled;
        _ledger.Submit([LiveLedger.Pay(1, 2, 5, stream: 3, 1), LiveLedger.Pay(1, 2, 5, stream: 3, 2)]);
        _ledger.Node.Pipeline.Drain();
        var progress = _ledger.Node.Pipeline.Progress;
        Assert.That(progress.SlotsSettled, Is.EqualTo(slots + 2));
        Assert.That((progress.LastBlock, progress.DurableBlock), Is.EqualTo((progress.SettledBlock, progress.SettledBlock)));
        Assert.That((progress.RingUsed, progress.RingSlots), Is.EqualTo((0L, LiveLedger.RingSlots)));
        Assert.That(_ledger.Node.Disk.Writes, Is.GreaterThan(writes));
        Assert.That(Enumerable.Range(0, Settlement.Engine.Journal.DiskFigures.BucketCount).Sum(_ledger.Node.Disk.InBucket), Is.EqualTo(_ledger.Node.Disk.Writes));
    }

    private sealed class BalanceOf(ulong wallet) : IStateQuery
    {
        private readonly ManualResetEventSlim _done = new();

        public ulong Sequence { get; private set; }

        public ulong Available { get; private set; }

        public ulong Pending { get; private set; }

        public int Calls { get; private set; }

        public bool IsAbandoned { get; private set; }

        public bool Wait() => _done.Wait(TimeSpan.FromSeconds(30)) && !IsAbandoned;

        public void Read(LedgerState state)
        {
            ref readonly AccountRow row = ref state.Accounts[state.Accounts.Find(wallet)];
            (Sequence, Available, Pending) = (state.Sequence, row.Available, row.Pending);
            Calls++;
            _done.Set();
        }

        public void Abandon()
        {
            IsAbandoned = true;
            _done.Set();
        }
    }
}
