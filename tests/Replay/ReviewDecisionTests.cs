using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using Settlement.Engine;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Replay.Export.Iso;
using Settlement.Replay.State;
using Settlement.Replay.Statement;
using Settlement.Tests.Dedup;
using Settlement.Tests.Reference;
using static Settlement.Tests.Reference.Scenario;
using Movement = Settlement.Replay.Statement.Movement;

namespace Settlement.Tests.Replay;

/// <summary>What readers of a journal make of blocks of commands in which reviewers decide: small stories, told to the ledger as a walk applies it.</summary>
public sealed class ReviewDecisionTests
{
    private static readonly RuleTable s_rules = new RuleTableBuilder()
        .Review(20, "large", Limits.NsPerHour, When.Source(Germany).And(When.Amount(RuleOperator.More, Euro, 1_000))).Build();

    [Test]
    public void A_statement_tells_of_reviews_their_decisions_and_the_batches_that_close_between_them()
    {
        using var ledger = new WalkedLedger(Anna, Bert);
        var story = new Scenario(ledger.Open);
        story.Activate(s_rules.Encode());
        Payment first = story.Micro(Anna, Bert, 5_000), second = story.Immediate(Anna, Bert, 6_000), third = story.Micro(Anna, Bert, 7_000);
        Payment hold = story.Hold(Anna, Bert, 2_000), late = story.Micro(Anna, Bert, 3_000);
        story.PayAll(first, second, third, hold, late);
        story.Do(Setting(SettingKey.BatchValue, 6_000, currency: Euro));

        // One block: the second release fills the batch, the third finds the next one open.
        Verdict[] verdicts = ledger.DecideAll((first, true), (second, true), (third, false), (hold, true), (late, true));
        Assert.That(verdicts, Is.All.EqualTo(Verdict.Accepted));
        story.Wait(TimeSpan.FromMinutes(1));
        Payment expires = story.Micro(Anna, Bert, 4_000);
        story.PayAll(story.Capture(hold, 2_000), expires);
        story.Wait(TimeSpan.FromHours(1) + TimeSpan.FromTicks(1));
        story.Tick();

        Assert.That(ledger.Told(Anna), Is.EqualTo(new[]
        {
            "opening 100000: 100000 0 0", "review 5000: 95000 0 5000", "review 6000: 89000 0 11000", "review 7000: 82000 0 18000", "review 2000: 80000 0 20000",
            "review 3000: 77000 0 23000", "review_out 5000: 77000 0 18000", "review_out 6000: 77000 0 12000", "review_refused 7000: 84000 0 5000",
            "review_out 3000: 84000 0 2000", "capture_out 2000: 84000 0 0", "review 4000: 80000 0 4000", "hold_expired 4000: 84000 0 0",
        }));
        Assert.That(ledger.Told(Bert), Is.EqualTo(new[]
        {
            "opening 100000: 100000 0 0", "review_in 5000: 100000 5000 0", "review_in 6000: 106000 5000 0", "pending_available 5000: 111000 0 0",
            "review_in 3000: 111000 3000 0", "capture_in 2000: 111000 5000 0",
        }));
        Movement[] moved = [.. ledger.Movements(Bert)];
        Assert.That(moved[1].Payment.Id, Is.EqualTo(first.Id), "the payment that was reviewed");
        Assert.That((moved[1].Counterparty, moved[1].Batch, moved[4].Batch), Is.EqualTo((Anna, 1UL, 2UL)));
        Assert.That(moved[3].Sequence, Is.EqualTo(moved[2].Sequence), "the batch closes with the release that fills it");
    }

    [Test]
    public void A_batch_that_a_command_closes_between_two_decisions_is_told_between_them()
    {
        using var ledger = new WalkedLedger(Anna, Bert);
        var story = new Scenario(ledger.Open);
        story.Activate(s_rules.Encode());
        Payment first = story.Micro(Anna, Bert, 5_000), second = story.Micro(Anna, Bert, 6_000);
        story.PayAll(first, second);
        ledger.DecideAll((first, true), (default, true), (second, true));

        Assert.That(ledger.Told(Bert), Is.EqualTo(new[]
        {
            "opening 100000: 100000 0 0", "review_in 5000: 100000 5000 0", "pending_available 5000: 105000 0 0", "review_in 6000: 105000 6000 0",
        }));
        Movement[] moved = [.. ledger.Movements(Bert)];
        Assert.That(moved[2].Sequence, Is.EqualTo(moved[1].Sequence + 1), "the command's own");
    }

    [Test]
    public void An_export_books_what_is_under_review_when_it_is_released()
    {
        using var folder = new TemporaryFolder();
        using var sort = new MovementSort(folder.PathOf("sort"));
        using var start = RangeStart.At(new IsoRequest { Journal = "", Format = IsoFormat.Camt053, Out = "" }, null);
        using var ledger = new WalkedLedger { Booked = new WalletMovements(start, null, sort) };
        var story = new Scenario(ledger.Open);
        story.Activate(s_rules.Encode());
        Payment first = story.Micro(Anna, Bert, 5_000) with { Purpose = Purpose.Salary, Reference = 9 };
        Payment kept = Refundable(story.Immediate(Anna, Bert, 6_000)), refused = story.Micro(Anna, Bert, 7_000), hold = story.Hold(Anna, Bert, 2_000);
        story.PayAll(first, kept, refused, hold);
        ledger.DecideAll((first, true), (kept, true), (refused, false), (hold, true));
        story.PayAll(story.Refund(kept, 1_000), story.Capture(hold, 1_500));

        sort.Begin();
        List<Settlement.Replay.Export.Iso.Movement> booked = [];
        while (sort.NextAccount is var account and not 0)
            while (sort.TryTake(account, out Settlement.Replay.Export.Iso.Movement movement))
                booked.Add(movement);
        foreach (ulong wallet in (ulong[])[Anna, Bert])
        {
            int row = ledger.State.Accounts.Find(wallet);
            Int128 sum = 0;
            foreach (Settlement.Replay.Export.Iso.Movement movement in booked.Where(movement => movement.Account == row))
                sum += movement.IsCredit ? (Int128)movement.Amount : -(Int128)movement.Amount;
            Assert.That(sum, Is.EqualTo((Int128)ledger.State.Accounts[row].Total), $"wallet {wallet}: what is booked is what it holds");
        }

        Settlement.Replay.Export.Iso.Movement credit = booked.Single(movement => movement.IsCredit && movement.Amount == 5_000);
        Assert.That((credit.Instruction, credit.Purpose, credit.Reference, credit.Counterparty), Is.EqualTo((Instruction.Micropayment, Purpose.Salary, 9UL, Anna)));
        Assert.That((credit.Has(MovementMarks.Pends), credit.Has(MovementMarks.StreamId), new UInt128(credit.IdHigh, credit.IdLow)), Is.EqualTo((true, true, first.Id)));
        Assert.That(booked.Count(movement => movement.Amount == 7_000), Is.Zero, "what was refused was never booked");
    }

    /// <summary>A ledger applied as a walk does it, with watches that make statements. A decision stands in a block of commands, as the command that makes it will.</summary>
    private sealed class WalkedLedger(params ulong[] wallets) : ILedgerUnderTest, IDisposable, IBlockWatch
    {
        private readonly MemoryIdStore _store = new();
        private readonly MovementLog _log = new();
        private readonly Dictionary<ulong, List<Movement>> _movements = [];
        private readonly List<StatementWatch> _watches = [];
        private BlockReplay? _replay;
        private BlockHeader _last;

        public WalletMovements? Booked { get; init; }

        public LedgerState State => _replay!.State;

        public ulong OpenBatch => State.Batch.Number;

        public WalkedLedger Open(Genesis genesis)
        {
            _replay = new BlockReplay(capacities => new Deduplicator(in capacities, Deduplicator.IdMemoryBytesMin, _store)) { Watch = this };
            _replay.Apply(new BlockHeader { Kind = BlockKind.Genesis, BodyBytes = Genesis.Size }, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis)));
            foreach (ulong wallet in wallets)
            {
                List<Movement> told = _movements[wallet] = [];
                _watches.Add(new StatementWatch(_replay, wallet, Settlement.Replay.Common.RangeStart.Beginning) { Opened = _ => { }, Moved = told.Add });
            }

            return this;
        }

        public Outcome[] Apply(in BlockHeader header, ReadOnlySpan<Payment> slots, ReadOnlySpan<byte> evidence = default)
        {
            if (header.Kind == BlockKind.Genesis)
                return [];
            BlockHeader next = header with { FirstSequence = State.Sequence + 1 };
            Listen(in next);
            _replay!.Apply(in next, MemoryMarshal.AsBytes(slots));
            _last = next;
            Outcome[] outcomes = _replay.Outcomes.ToArray();
            if (header.Kind == BlockKind.Payments)
                Booked?.TakePayments(State, in next, slots, outcomes);
            return outcomes;
        }

        /// <summary>One block: a slot a decision; one without a payment is the command that closes the batch.</summary>
        public Verdict[] DecideAll(params (Payment Payment, bool Releases)[] decisions)
        {
            BlockHeader header = _last with { Kind = BlockKind.Control, Number = _last.Number + 1, FirstSequence = State.Sequence + 1, Count = (uint)decisions.Length };
            Payment[] slots = new Payment[decisions.Length];
            Outcome[] outcomes = new Outcome[decisions.Length];
            Listen(in header);
            OnBegun(in header);
            for (int i = 0; i < decisions.Length; i++)
            {
                ulong sequence = header.FirstSequence + (ulong)i;
                if (decisions[i].Payment.Id == 0)
                {
                    slots[i].Instruction = Instruction.CloseBatch;
                    State.Batch.Close(sequence);
                    outcomes[i].Verdict = Verdict.Accepted;
                    continue;
                }

                slots[i].Instruction = (Instruction)146;
                ReviewApply reviews = _replay!.Settler.Reviews;
                outcomes[i].Verdict = reviews.Decide(reviews.Find(Beta, decisions[i].Payment.Id), decisions[i].Releases, sequence);
            }

            OnApplied(slots, outcomes, header.FirstSequence);
            Booked?.TakeReleases(State, _log.All);
            State.Sequence += (ulong)decisions.Length;
            State.VerifyConservation();
            return [.. outcomes.Select(outcome => outcome.Verdict)];
        }

        public List<Movement> Movements(ulong wallet) => _movements[wallet];

        public IEnumerable<string> Told(ulong wallet) => _movements[wallet].Select(movement => string.Create(CultureInfo.InvariantCulture,
            $"{StatementText.NameOf(movement.Kind)} {movement.Amount}: {movement.After.Available} {movement.After.Pending} {movement.After.Held}"));

        public void OnBegun(in BlockHeader header)
        {
            foreach (StatementWatch watch in _watches)
                watch.OnBegun(in header);
        }

        public int CountTogether(ReadOnlySpan<Payment> rest, ulong firstSequence)
        {
            foreach (StatementWatch watch in _watches)
                watch.CountTogether(rest, firstSequence);
            return 1;
        }

        public void OnApplied(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ulong firstSequence)
        {
            foreach (StatementWatch watch in _watches)
                watch.OnApplied(slots, outcomes, firstSequence);
        }

        public Verdict Decide(ushort participant, UInt128 id, bool releases) => throw new NotSupportedException();

        public AccountView? Account(ulong wallet, ushort currency) => throw new NotSupportedException();

        public WalletView? Wallet(ulong wallet) => throw new NotSupportedException();

        public BigInteger OpenPosition(ushort participant, ushort currency) => throw new NotSupportedException();

        public BigInteger UnsettledPosition(ushort participant, ushort currency) => throw new NotSupportedException();

        public BigInteger Outstanding(ushort currency) => throw new NotSupportedException();

        public BatchView Batch(ulong number) => throw new NotSupportedException();

        public void Dispose()
        {
            _replay?.Dispose();
            _store.Dispose();
        }

        private void Listen(in BlockHeader header)
        {
            _log.Clear();
            State.Movements = header.Kind == BlockKind.Control ? _log : null;
        }
    }
}
