using System.Globalization;
using Settlement.Client;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Perf.Chaos;
using Settlement.Tests.Live;

namespace Settlement.Tests.Chaos;

/// <summary>The outside checker, shown histories and journals that were doctored: each must be caught, and an honest one must pass.</summary>
/// <remarks>The journals are a live node's; what is doctored in them is doctored between the reader and the checker, for a real one that is wrong in these ways cannot be made.</remarks>
internal sealed class HistoryCheckerTests
{
    private const int Wallets = 8;
    private const ulong Stream = 77;
    private const int Payments = 40;
    private const int Doctored = 17; // the payment that is tampered with

    private readonly TemporaryFolder _folder = new();
    private string _journal = "";
    private string _shorter = ""; // the same ledger's, without one payment
    private List<HistoryEvent> _history = [];

    [OneTimeSetUp]
    public void Live()
    {
        _journal = _folder.PathOf("journal");
        _shorter = _folder.PathOf("shorter");
        _history = [.. Run(_journal, leaveOut: -1)];
        Run(_shorter, leaveOut: Doctored);
    }

    [OneTimeTearDown]
    public void Remove() => _folder.Dispose();

    [Test]
    public void An_honest_history_on_three_equal_journals_is_sound()
    {
        CheckReport report = HistoryChecker.Check(_history, [Journal("one"), Journal("two"), Journal("three")]);
        Assert.That(report.Faults, Is.Empty);
        Assert.That(report.Acknowledged, Is.EqualTo(Payments + Wallets));
        Assert.That((report.Reads, report.Sheets), Is.EqualTo((1, 1)));
    }

    [Test]
    public void A_run_in_which_nothing_was_acknowledged_has_checked_nothing() =>
        AssertCaught(HistoryChecker.Check(_history.Where(one => one is not Answered), [Journal("one")]), "no payment was acknowledged");

    [Test]
    public void A_run_in_which_nobody_read_all_balances_has_not_checked_money()
    {
        AssertCaught(HistoryChecker.Check(_history.Where(one => one is not ReadSeen), [Journal("one")]), "nobody read all balances");
        ReadSeen read = _history.OfType<ReadSeen>().Single();
        HistoryEvent some = read with { Accounts = [.. read.Accounts.Skip(1)] };
        AssertCaught(HistoryChecker.Check([.. _history.Where(one => one is not ReadSeen), some], [Journal("one")]), "nobody read all balances");
    }

    [Test]
    public void Money_that_was_made_or_lost_is_caught_by_what_clients_read_alone([Values(-1, 1)] int units)
    {
        ReadSeen read = _history.OfType<ReadSeen>().Single();
        AccountSeen[] accounts = [.. read.Accounts];
        accounts[3] = accounts[3] with { Total = accounts[3].Total + (ulong)units };
        AssertCaught(HistoryChecker.Check([.. _history.Where(one => one is not ReadSeen), read with { Accounts = accounts }], [Journal("one")]), "that all wallets hold .* was issued");
    }

    [Test]
    public void A_run_without_a_journal_is_caught() => AssertCaught(HistoryChecker.Check(_history, []), "no node's journal is there from the beginning");

    [Test]
    public void A_journal_that_is_not_there_is_caught() =>
        AssertCaught(HistoryChecker.Check(_history, [Journal("one"), JournalFacts.Of("two", _folder.PathOf("nothing"))]), "two: ");

    [Test]
    public void An_acknowledged_payment_that_no_journal_has_is_caught() =>
        AssertCaught(HistoryChecker.Check(_history, [JournalFacts.Of("one", _shorter)]), "is not in the journal");

    [Test]
    public void An_acknowledged_payment_that_one_of_three_journals_has_lost_is_caught() =>
        AssertCaught(HistoryChecker.Check(_history, [Journal("one"), Journal("two"), Changed("three", block => block with { Decided = [.. block.Decided.Where(one => !IsDoctored(one))] })]), "three: .* is not in the journal");

    [Test]
    public void A_payment_that_is_settled_twice_is_caught() => AssertCaught(
        HistoryChecker.Check(_history, [Changed("one", block => block with { Decided = [.. block.Decided, .. block.Decided.Where(IsDoctored).Select(one => one with { Sequence = one.Sequence + 1_000 })] })]),
        "is decided twice");

    [Test]
    public void A_verdict_that_is_another_in_the_journal_is_caught() => AssertCaught(
        HistoryChecker.Check(_history, [Changed("one", block => block with { Decided = [.. block.Decided.Select(one => IsDoctored(one) ? one with { Verdict = Verdict.InsufficientFunds } : one)] })]),
        "is InsufficientFunds, and .* was told Accepted");

    [Test]
    public void A_verdict_that_changes_when_it_is_asked_for_again_is_caught()
    {
        HistoryEvent again = new Answered("other", KeyOf(Doctored), Verdict.Duplicate, Verdict.InsufficientFunds, 0);
        AssertCaught(HistoryChecker.Check([.. _history, again], [Journal("one")]), "was told to be Accepted, and then other was told InsufficientFunds");
    }

    [Test]
    public void A_payment_that_is_decided_anew_when_it_is_asked_for_again_is_caught()
    {
        HistoryEvent again = new Answered("other", KeyOf(Doctored), Verdict.Accepted, Verdict.Undecided, 900);
        AssertCaught(HistoryChecker.Check([.. _history, again], [Journal("one")]), "and then other was told 900");
    }

    [Test]
    public void A_read_that_goes_back_is_caught()
    {
        ReadSeen read = _history.OfType<ReadSeen>().Single();
        AssertCaught(HistoryChecker.Check([.. _history, read with { Client = "reader", Sequence = read.Sequence - 1, AtLeast = 0, Accounts = [] }], [Journal("one")]), "reads went back");
    }

    [Test]
    public void A_read_behind_what_the_client_said_that_it_knew_is_caught()
    {
        ReadSeen read = _history.OfType<ReadSeen>().Single();
        AssertCaught(HistoryChecker.Check([.. _history, read with { Client = "new", AtLeast = read.Sequence + 1 }], [Journal("one")]), "asked one for sequence");
    }

    [Test]
    public void A_balance_that_the_payments_do_not_leave_is_caught()
    {
        ReadSeen read = _history.OfType<ReadSeen>().Single();
        AccountSeen[] accounts = [.. read.Accounts];
        accounts[0] = accounts[0] with { Total = accounts[0].Total + 1 };
        AssertCaught(HistoryChecker.Check([.. _history, read with { Accounts = accounts }], [Journal("one")]), "the payments leave");
    }

    [Test]
    public void A_read_of_what_was_never_settled_is_caught()
    {
        ReadSeen read = _history.OfType<ReadSeen>().Single();
        AssertCaught(HistoryChecker.Check([.. _history, read with { Sequence = read.Sequence + 1_000 }], [Journal("one")]), "was never settled");
    }

    [Test]
    public void A_payment_that_nobody_sent_is_caught() =>
        AssertCaught(HistoryChecker.Check(_history.Where(one => one is not Invoked invoked || invoked.Key != KeyOf(Doctored)), [Journal("one")]), "was never sent");

    [Test]
    public void A_payment_that_was_changed_on_its_way_is_caught() => AssertCaught(
        HistoryChecker.Check(_history, [Changed("one", block => block with { Decided = [.. block.Decided.Select(one => IsDoctored(one) ? one with { Payment = one.Payment with { Payee = 1 } } : one)] })]),
        "is not the payment that was sent");

    [Test]
    public void Journals_that_part_are_caught() => AssertCaught(
        HistoryChecker.Check(_history, [Journal("one"), Changed("two", block => block.Number == 5 ? block with { Crc = block.Crc + 1 } : block)]), "two: block 5 is another one");

    [Test]
    public void A_state_hash_that_a_node_told_while_it_ran_and_no_journal_gives_is_caught()
    {
        ClosedBatch batch = Journal("one").Blocks.SelectMany(block => block.Closed).First();
        HistoryEvent told = new BatchSeen("watch", "one", batch.Number, batch.Root.ToString(), default(Digest).ToString());
        AssertCaught(HistoryChecker.Check([.. _history, told], [Journal("one")]), "while it ran");
    }

    [Test]
    public void A_term_that_falls_is_caught() => AssertCaught(
        HistoryChecker.Check(_history, [Changed("one", block => block.Number == 3 ? block with { Term = 9 } : block)]), "behind one of term 9");

    [Test]
    public void A_damaged_journal_is_caught()
    {
        string damaged = _folder.PathOf("damaged");
        Directory.CreateDirectory(damaged);
        foreach (string whole in Directory.EnumerateFiles(_journal))
            File.Copy(whole, Path.Combine(damaged, Path.GetFileName(whole)));
        string file;
        long offset;
        using (JournalReader reader = Journals.Open(damaged))
        {
            for (int block = 0; block < 5; block++)
                Assert.That(reader.Next());
            (file, offset) = (reader.File, reader.FileOffset + BlockHeader.Size);
        }

        byte[] bytes = File.ReadAllBytes(file);
        bytes[offset] ^= 1;
        File.WriteAllBytes(file, bytes);
        Assert.That(HistoryChecker.Check(_history, [JournalFacts.Of("one", damaged)]).IsSound, Is.False);
    }

    [Test]
    public void A_history_reads_as_it_was_written()
    {
        string path = _folder.PathOf("history.txt");
        var payment = new Payment
        {
            IdHigh = 0x0192_7000_0000_0001, IdLow = 0x8000_0000_0000_0002, Payer = 3, Payee = 4, Amount = 5, Currency = 392, Instruction = Instruction.Hold, Reference = 6,
        };
        PaymentVerdict[] verdicts = [new PaymentVerdict { Verdict = Verdict.Duplicate, First = Verdict.Accepted, Sequence = 9 }];
        using (var writer = new HistoryWriter(path))
        {
            writer.Note("a note");
            writer.Invoked("client", 2, [payment]);
            writer.Answered("client", 2, [payment], verdicts);
            writer.Unknown("client", 2, [PaymentId.Of(in payment)]);
            writer.Read("reader", "node1", 7, 8, [new AccountSeen(3, 392, 100, 10), new AccountSeen(3, 410, 0, 0)]);
            writer.Batch("watch", "node2", 1, "aa", "bb");
        }

        HistoryEvent[] read = [.. ClientHistory.Read(path)];
        PaymentKey key = PaymentKey.Of(2, in payment);
        Assert.That(read, Has.Length.EqualTo(5));
        Assert.That(read[0], Is.EqualTo(new Invoked("client", key, payment)));
        Assert.That(read[1], Is.EqualTo(new Answered("client", key, Verdict.Duplicate, Verdict.Accepted, 9)));
        Assert.That(read[2], Is.EqualTo(new Unknown("client", key)));
        var told = (ReadSeen)read[3];
        Assert.That((told.Node, told.AtLeast, told.Sequence), Is.EqualTo(("node1", 7UL, 8UL)));
        Assert.That(told.Accounts, Is.EqualTo(new[] { new AccountSeen(3, 392, 100, 10), new AccountSeen(3, 410, 0, 0) }));
        Assert.That(read[4], Is.EqualTo(new BatchSeen("watch", "node2", 1, "aa", "bb")));
    }

    /// <summary>Settles the payments in a journal of its own, and tells what a client of it saw.</summary>
    private static List<HistoryEvent> Run(string journal, int leaveOut)
    {
        var history = new List<HistoryEvent>();
        using var live = new LiveLedger(journal, new HandClock(LiveLedger.StartNs));
        live.SetUp(Wallets);
        ulong sequence = (ulong)live.Outcomes.Count;
        for (ulong wallet = 1; wallet <= Wallets; wallet++)
        {
            var opening = new Payment { IdHigh = Limits.OpeningIdHigh | LiveLedger.Euro, IdLow = wallet, Payee = wallet, Amount = 100_000_000, Currency = LiveLedger.Euro, Instruction = Instruction.Issue };
            history.Add(new Invoked("setup", PaymentKey.Of(0, in opening), opening));
            history.Add(new Answered("setup", PaymentKey.Of(0, in opening), Verdict.Accepted, Verdict.Undecided, sequence - Wallets + wallet));
        }

        ulong[] balances = [.. Enumerable.Repeat(100_000_000UL, Wallets)];
        for (int i = 0; i < Payments; i++)
        {
            if (i == leaveOut)
                continue;
            Payment payment = LiveLedger.Pay((ulong)(i % Wallets) + 1, (ulong)((i + 3) % Wallets) + 1, (ulong)i + 10, Stream, (ulong)i + 1);
            live.Submit([payment]);
            live.Node.Pipeline.Drain();
            balances[payment.Payer - 1] -= payment.Amount;
            balances[payment.Payee - 1] += payment.Amount;
            history.Add(new Invoked("client", KeyOf(i), payment));
            history.Add(new Answered("client", KeyOf(i), Verdict.Accepted, Verdict.Undecided, ++sequence));
        }

        live.Submit([LiveLedger.Slot(new ControlCommand { Instruction = Instruction.CloseBatch })]);
        live.Node.Pipeline.Drain();
        history.Add(new ReadSeen("reader", "one", sequence, sequence, [.. balances.Select((balance, i) => new AccountSeen((ulong)i + 1, LiveLedger.Euro, balance, 0))]));
        return history;
    }

    private static PaymentKey KeyOf(int payment) => new(0, true, new UInt128(Stream, (ulong)payment + 1));

    private static bool IsDoctored(Decided one) => one.Key == KeyOf(Doctored);

    private JournalFacts Journal(string node) => JournalFacts.Of(node, _journal);

    private JournalFacts Changed(string node, Func<BlockFacts, BlockFacts> doctor)
    {
        JournalFacts whole = Journal(node);
        return whole with { Blocks = whole.Blocks.Select(doctor) };
    }

    private static void AssertCaught(CheckReport report, string pattern)
    {
        Assert.That(report.IsSound, Is.False);
        Assert.That(report.Faults, Has.Some.Match(pattern), () => string.Join('\n', report.Faults.Select(fault => fault.ToString(CultureInfo.InvariantCulture))));
    }
}
