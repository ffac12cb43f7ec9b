using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Rules;

namespace Settlement.Tests.Live;

/// <summary>The live engine, all stages on their threads, held against a replay of the journal that it wrote.</summary>
[TestFixture]
public sealed class PipelineTests
{
    private const ulong Minute = 60 * Limits.NsPerSecond;

    private TemporaryFolder _place = null!;
    private LiveLedger _ledger = null!;

    [SetUp]
    public void Open()
    {
        _place = new TemporaryFolder();
        _ledger = new LiveLedger(_place.PathOf("journal"), new HandClock(LiveLedger.StartNs));
    }

    [TearDown]
    public void Close()
    {
        _ledger.Dispose();
        _place.Dispose();
    }

    [Test]
    public void A_node_that_was_idle_for_hours_goes_on_and_its_journal_opens_again()
    {
        _ledger.SetUp(wallets: 2);
        for (int step = 0; step < 18; step++)
        {
            _ledger.Clock.Add(10 * Minute);
            Thread.Sleep(60); // some idle looks of the journal stage
        }

        _ledger.Submit([LiveLedger.Pay(1, 2, 5, stream: 1, number: 1)]);
        _ledger.Node.Pipeline.Drain();
        Assert.That(_ledger.Outcomes[^1].Verdict, Is.EqualTo(Verdict.Accepted));
        _ledger.Reopen();
        Assert.That(_ledger.Node.State.TimeNs, Is.EqualTo(_ledger.Clock.NowNs));
    }

    [Test]
    public void A_command_that_lies_about_its_continuation_takes_nothing_of_others_with_it()
    {
        _ledger.SetUp(wallets: 2);
        var lying = new ControlCommand { Instruction = Instruction.ActivateRules, ContinuationBytes = 1_000 };
        Assert.That(() => _ledger.Submit([LiveLedger.Slot(lying)]), Throws.ArgumentException);
        _ledger.Submit([LiveLedger.Pay(1, 2, 5, stream: 1, number: 1)]);
        _ledger.Node.Pipeline.Drain();
        Assert.That(_ledger.Outcomes[^2].Verdict, Is.EqualTo(Verdict.UnknownSession), "the slot that was emptied");
        Assert.That(_ledger.Outcomes[^1].Verdict, Is.EqualTo(Verdict.Accepted));
    }

    [Test]
    public void A_command_whose_continuation_wraps_in_the_ring_is_judged_as_in_the_journal()
    {
        _ledger.SetUp(wallets: 2);
        byte[] rules = Rules();
        Payment[] activate = LiveLedger.Slots(new ControlCommand { Instruction = Instruction.ActivateRules }, rules);
        Assert.That(activate, Has.Length.GreaterThan(2));

        ulong number = 1;
        for (int before = LiveLedger.RingSlots - _ledger.Outcomes.Count - 2; before > 0; before--)
            _ledger.Submit([LiveLedger.Pay(1, 2, 1, stream: 1, number++)]);
        _ledger.Submit(activate); // two slots before the end of the ring, the rest behind it
        _ledger.Submit([LiveLedger.Pay(1, 2, 1, stream: 1, number)]);
        _ledger.Node.Pipeline.Drain();
        Verdict last = _ledger.Outcomes[^2].Verdict;
        _ledger.Close();
        using BlockReplay replay = _ledger.ReplayAndCompare(out _, out _);
        Assert.That(last, Is.EqualTo(Verdict.Accepted));
        Assert.That(replay.State.Rules, Is.Not.Null);
    }

    [Test]
    public void Time_goes_on_where_only_genesis_was_journaled_the_day_before()
    {
        _ledger.Close();
        _ledger.Clock.Add(24 * Limits.NsPerHour);
        _ledger.Reopen();
        _ledger.SetUp(wallets: 2);
        Assert.That(_ledger.Node.State.TimeNs, Is.EqualTo(_ledger.Clock.NowNs));
    }

    [Test]
    public void A_batch_that_was_open_when_the_node_closed_is_closed_by_age_after_it_opens_again()
    {
        _ledger.SetUp(wallets: 2);
        _ledger.Submit([LiveLedger.Setting(SettingKey.BatchAgeNs, 5 * Minute)]);
        _ledger.Submit([LiveLedger.Pay(1, 2, 5, stream: 1, number: 1)]);
        _ledger.Node.Pipeline.Drain();
        _ledger.Reopen();
        _ledger.Clock.Add(6 * Minute);
        Assert.That(() => _ledger.Batches, Has.Count.EqualTo(1).After(2_000, 20));
    }

    /// <summary>Producers of any claim size, commands and rules between them, a replier that is late: what was told is what the journal gives.</summary>
    [TestCase(0UL, 0)]
    [TestCase(1UL, 0)]
    [TestCase(37UL, 3)]
    [TestCase(1_000UL, 1)]
    public void What_many_producers_were_told_is_what_a_replay_gives(ulong batchCount, int replyDelayMs)
    {
        Random seeds = PrintedSeed.Create();
        const int Producers = 4;
        int each = batchCount == 1 ? 1_000 : 40_000;
        _ledger.SetUp(wallets: 200);
        _ledger.Submit([LiveLedger.Setting(SettingKey.BatchCount, batchCount)]);
        _ledger.ReplyDelayMs = replyDelayMs;
        byte[] rules = Rules();
        Thread[] threads = [.. Enumerable.Range(1, Producers).Select(producer =>
        {
            var random = new Random(seeds.Next());
            return new Thread(() => Produce(random, (ulong)producer, each, rules));
        })];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        _ledger.Node.Pipeline.Drain();
        Assert.That(_ledger.Outcomes.Count(outcome => outcome.Verdict == Verdict.Accepted), Is.GreaterThan(each));
        ulong batches = _ledger.Node.State.Batch.Number - 1;
        Assert.That(_ledger.Batches, Has.Count.EqualTo((int)batches));
        _ledger.Close();
        using BlockReplay replay = _ledger.ReplayAndCompare(out List<ClosedBatch> closed, out List<BlockHeader> headers);
        Assert.That(closed, Has.Count.EqualTo((int)batches));
        Assert.That(headers.Count(header => header.Kind == BlockKind.Seal), Is.EqualTo((int)batches), "each batch is sealed once");
        Assert.That(replay.Unsealed, Is.Empty);
    }

    /// <summary>The node is closed in the middle of the work, again and again, without being drained.</summary>
    [Test]
    public void What_is_closed_in_mid_flight_goes_on_where_its_journal_ends()
    {
        Random random = PrintedSeed.Create();
        _ledger.SetUp(wallets: 50);
        _ledger.Submit([LiveLedger.Setting(SettingKey.BatchCount, 13)]);
        _ledger.Node.Pipeline.Drain();
        ulong number = 1;
        for (int round = 0; round < 12; round++)
        {
            int claims = random.Next(1, 60);
            for (int claim = 0; claim < claims; claim++)
            {
                var payments = new Payment[random.Next(1, 200)];
                for (int i = 0; i < payments.Length; i++)
                    payments[i] = LiveLedger.Pay((ulong)random.Next(1, 51), (ulong)random.Next(1, 51), 1, stream: 9, number++);
                _ledger.Submit(payments);
            }

            if (random.Next(3) == 0)
                Thread.Sleep(random.Next(20));
            _ledger.Reopen();
            // Whatever was not journaled is sent again, with all before it: numbers decided are duplicates.
            number = Math.Max(1, number - (ulong)random.Next(20_000));
        }

        _ledger.Node.Pipeline.Drain();
        ulong batches = _ledger.Node.State.Batch.Number - 1;
        _ledger.Close();
        List<BlockHeader> headers = Headers();
        Assert.That(headers.Count(header => header.Kind == BlockKind.Seal), Is.EqualTo((int)batches), "each batch is sealed once");
    }

    /// <summary>A crash may leave the journal's end at any block: what is closed there and not sealed is sealed once, as it would have been.</summary>
    [Test]
    public void A_journal_that_ends_at_any_block_gets_each_missing_seal_once_and_the_same()
    {
        Random random = PrintedSeed.Create();
        _ledger.SetUp(wallets: 200);
        _ledger.Submit([LiveLedger.Setting(SettingKey.BatchCount, 61)]);
        Produce(new Random(random.Next()), stream: 3, payments: 12_000, Rules());
        _ledger.Node.Pipeline.Drain();
        _ledger.Close();
        var blocks = new List<(BlockHeader Header, byte[] Body)>();
        using (JournalReader reader = JournalReader.Open(_place.PathOf("journal")))
        {
            while (reader.Next())
                blocks.Add((reader.Header, reader.Body.ToArray()));
        }

        int resealed = 0;
        for (int round = 0; round < 12; round++)
        {
            string copy = _place.PathOf($"cut{round}");
            int end = random.Next(2, blocks.Count);
            using (FasterJournal journal = FasterJournal.Create(copy, 7, blocks[0].Header.TimeNs, blocks[0].Body, JournalOptions.Small))
            {
                foreach ((BlockHeader block, byte[] body) in blocks.Take(end).Skip(1))
                {
                    BlockHeader header = block;
                    journal.Append(ref header, body, default);
                }

                journal.Commit();
            }

            int before = blocks.Take(end).Count(block => block.Header.Kind == BlockKind.Seal);
            ulong batches;
            using (var again = new LiveLedger(copy, new HandClock(_ledger.Clock.NowNs)))
            {
                again.Node.Pipeline.Drain();
                batches = again.Node.State.Batch.Number - 1;
                again.Reopen();
                again.Node.Pipeline.Drain();
            }

            List<byte[]> seals = [];
            using (JournalReader reader = JournalReader.Open(copy))
            {
                while (reader.Next())
                {
                    if (reader.Header.Kind == BlockKind.Seal)
                        seals.Add(reader.Body.ToArray());
                }
            }

            Assert.That(seals, Has.Count.EqualTo((int)batches), $"cut before block {end}");
            for (int i = 0; i < seals.Count; i++)
                Assert.That(seals[i], Is.EqualTo(_ledger.Batches[i].Encode()), $"cut before block {end}, seal of batch {i + 1}");
            resealed += seals.Count - before;
        }

        Assert.That(resealed, Is.GreaterThan(0), "no cut fell between a close and its seal");
    }

    private List<BlockHeader> Headers()
    {
        using var reader = JournalReader.Open(_place.PathOf("journal"));
        var headers = new List<BlockHeader>();
        while (reader.Next())
            headers.Add(reader.Header);
        return headers;
    }

    private void Produce(Random random, ulong stream, int payments, byte[] rules)
    {
        ulong number = 1;
        while (number <= (ulong)payments)
        {
            switch (random.Next(40))
            {
                case 0:
                    _ledger.Submit(LiveLedger.Slots(new ControlCommand { Instruction = Instruction.ActivateRules }, random.Next(2) == 0 ? rules : RuleTable.Empty.Encode()));
                    continue;
                case 1:
                    _ledger.Submit([LiveLedger.Slot(new ControlCommand { Instruction = Instruction.CloseBatch })]);
                    continue;
                case 2:
                    _ledger.Submit([LiveLedger.Slot(new ControlCommand { Instruction = Instruction.SetWalletTier, Subject = (ulong)random.Next(1, 201), Tier = (byte)random.Next(4) })]);
                    continue;
                case 3:
                    _ledger.Submit([LiveLedger.Slot(new ControlCommand { Instruction = Instruction.AcceptTime })]);
                    continue;
                case 4:
                    _ledger.Clock.Add((ulong)random.Next(1_000_000));
                    continue;
            }

            int count = random.Next(4) switch { 0 => 1, 1 => random.Next(1, 16), 2 => random.Next(1, 300), _ => random.Next(1, 3_000) };
            var slots = new List<Payment>(count);
            for (int i = 0; i < count; i++)
            {
                if (random.Next(400) == 0)
                    slots.Add(LiveLedger.Slot(new ControlCommand { Instruction = Instruction.SetWalletLevel, Subject = (ulong)random.Next(1, 201), Level = (byte)random.Next(3) }));
                ulong id = random.Next(50) == 0 && number > 1 ? (ulong)random.NextInt64(1, (long)number) : number++;
                slots.Add(LiveLedger.Pay((ulong)random.Next(1, 201), (ulong)random.Next(1, 201), (ulong)random.Next(1, 5_000), stream, id));
            }

            _ledger.Submit(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(slots));
        }
    }

    private static byte[] Rules() => new RuleTableBuilder()
        .Deny(1, "a.deny", When.Source(276).And(When.Amount(RuleOperator.More, LiveLedger.Euro, 4_000)).And(When.Tier(RuleOperator.AtMost, 1)))
        .Limit(2, "a.limit", LimitWindow.Day, LiveLedger.Euro, TierCeilings.Same(2_000_000), When.Source(276))
        .Build().Encode().ToArray();
}
