using Movement = Settlement.Replay.Export.Iso.Movement;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Replay.Export.Iso;

namespace Settlement.Tests.Replay.Export;

/// <summary>The parts that an export stands on, each for itself.</summary>
public sealed class IsoPartsTests
{
    [TestCase("Müller & Söhne", "Mueller . Soehne")]
    [TestCase("Łódź", "Lodz")]
    [TestCase("Ærø ÷ Œuvre", "AEro . OEuvre")]
    [TestCase("銀行", "..")]
    [TestCase("😀x", ".x")]
    [TestCase("\u0001\uFFFD", "..")]
    [TestCase("  ", "nobody")]
    [TestCase("a.b/c-d?(e):f,g'h+i", "a.b/c-d?(e):f,g'h+i")]
    public void A_name_is_written_in_the_characters_that_every_bank_takes(string name, string expected) =>
        Assert.That(IsoText.Name(name, IsoText.Max140, "nobody"), Is.EqualTo(expected));

    [Test]
    public void A_name_that_is_too_long_is_cut_and_does_not_end_in_a_space()
    {
        Assert.That(IsoText.Name(new string('ß', 100), IsoText.Max140, ""), Is.EqualTo(new string('s', 140)));
        Assert.That(IsoText.Name(new string('a', 34) + " b", IsoText.Max35, ""), Is.EqualTo(new string('a', 34)));
    }

    [Test]
    public void A_payments_id_fits_35_characters_whatever_it_is()
    {
        Assert.That(IsoText.PaymentId(ulong.MaxValue, ulong.MaxValue), Is.EqualTo(new string('f', 32)));
        Assert.That(IsoText.StreamId(1, 2), Is.EqualTo("0000000000000001:2"));
        Assert.That(IsoText.StreamId(1, ulong.MaxValue), Is.Null);
    }

    [Test]
    public void A_uetr_has_the_form_that_the_schema_asks_for() =>
        Assert.That(IsoIds.Uetr(7, "a"), Does.Match("^[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}$").And.Not.EqualTo(IsoIds.Uetr(8, "a")));

    [TestCase(0, 0)]
    [TestCase(999, 0)]
    [TestCase(1_000, 1)]
    [TestCase(-1, -1)]
    [TestCase(-1_000, -1)]
    [TestCase(-1_001, -2)]
    public void A_balance_is_rounded_down(long amount, long units) => Assert.That(Euro().Floor(amount), Is.EqualTo((Int128)units));

    [Test]
    public void Whatever_the_movements_entries_come_to_the_change_of_the_rounded_balance_at_every_batch()
    {
        Random random = PrintedSeed.Create();
        for (int round = 0; round < 300; round++)
        {
            IsoCurrency euro = Euro();
            Int128 exact = random.Next(0, 5_000);
            Int128 units = euro.Floor(exact);
            var fold = new AccountFold(euro, exact, _ => null, endNs: 9);
            for (uint batch = 1; batch < 12; batch++)
            {
                var entries = new List<IsoEntry>();
                Int128 credits = 0, debits = 0;
                for (int i = random.Next(0, 8); i > 0; i--)
                {
                    bool isCredit = random.Next(2) == 0;
                    ulong amount = (ulong)random.Next(1, random.Next(2) == 0 ? 900 : 9_000) * (random.Next(4) == 0 ? 1_000UL : 1);
                    fold.Take(new Movement { Amount = amount, Batch = batch, Marks = isCredit ? MovementMarks.Credit : 0, TimeNs = 5 }, entries);
                    exact += isCredit ? (Int128)amount : -(Int128)amount;
                    (credits, debits) = isCredit ? (credits + amount, debits) : (credits, debits + amount);
                }

                fold.Flush(entries);
                foreach (IsoEntry entry in entries)
                    units += entry.IsCredit ? entry.Units : -entry.Units;
                Assert.That(units, Is.EqualTo(euro.Floor(exact)), $"round {round}, batch {batch}");
                Assert.That(fold.Exact, Is.EqualTo(exact));
                Assert.That(fold.Remainder, Is.EqualTo(exact - (units * 1_000)));
                Assert.That(entries.Select(entry => entry.Units), Is.All.GreaterThan((Int128)0));
                AssertNear(entries.Where(entry => entry.IsCredit), credits);
                AssertNear(entries.Where(entry => !entry.IsCredit), debits);
            }
        }
    }

    [Test]
    public void A_page_ends_where_it_is_full_or_its_sum_would_have_19_digits()
    {
        var pages = new List<(int Number, bool IsLast, int Entries, Int128 Opening, Int128 Closing)>();
        var writer = new MessagePages(3, page => pages.Add((page.Number, page.IsLast, page.Entries.Length, page.OpeningUnits, page.ClosingUnits)));
        writer.Begin(5);
        foreach (ulong units in (ulong[])[1, 2, 3, 4, IsoCurrency.UnitsMax, 1])
        {
            writer.Entries.Add(new IsoEntry { Units = units, IsCredit = units < 4 });
            writer.WriteFull();
        }

        writer.End();
        Int128 max = IsoCurrency.UnitsMax;
        Assert.That(pages, Is.EqualTo(new[]
        {
            (1, false, 3, (Int128)5, (Int128)11), (2, false, 1, 11, 7), (3, false, 1, 7, 7 - max), (4, true, 1, 7 - max, 8 - max),
        }));
    }

    [TestCase(3, 1)]
    [TestCase(4, 2)]
    [TestCase(6, 2)]
    public void A_page_that_is_just_full_is_the_last_if_nothing_follows(int entries, int expected)
    {
        var pages = new List<bool>();
        var writer = new MessagePages(3, page => pages.Add(page.IsLast));
        writer.Begin(0);
        for (int i = 0; i < entries; i++)
        {
            writer.Entries.Add(new IsoEntry { Units = 1, IsCredit = true });
            writer.WriteFull();
        }

        writer.End();
        Assert.That(pages, Has.Count.EqualTo(expected));
        Assert.That(pages.FindIndex(isLast => isLast), Is.EqualTo(expected - 1));
    }

    [Test]
    public void A_statement_without_entries_has_a_page()
    {
        int written = 0;
        var writer = new MessagePages(3, page => written += page is { IsFirst: true, IsLast: true, Entries.Length: 0 } ? 1 : 100);
        writer.Begin(7);
        writer.End();
        Assert.That(written, Is.EqualTo(1));
    }

    [Test]
    public void A_purpose_has_one_code_in_both_directions()
    {
        Purpose[] purposes = Enum.GetValues<Purpose>();
        Assert.That(purposes.Where(purpose => PurposeCode.Format(purpose) is null), Is.EqualTo(new[] { Purpose.Unstated }));
        foreach (Purpose purpose in purposes)
            Assert.That(PurposeCode.Parse(PurposeCode.Format(purpose) ?? "ANYT"), Is.EqualTo(purpose));
    }

    [Test]
    public void Movements_come_back_by_account_and_in_order_whatever_runs_they_were_in()
    {
        using var folder = new TemporaryFolder();
        Random random = PrintedSeed.Create();
        foreach (int count in (int[])[0, 1, 7, 8, 9, 4_000])
        {
            using var sort = new MovementSort(folder.PathOf("movements" + count), runMovements: 8);
            var expected = new List<(int Account, ulong Sequence)>();
            for (int i = 0; i < count; i++)
            {
                int account = random.Next(1, 20);
                expected.Add((account, (ulong)i));
                sort.Add(new Movement { Account = account, Sequence = (ulong)i, Amount = UInt128.MaxValue - (ulong)i });
            }

            sort.Begin();
            var found = new List<(int Account, ulong Sequence)>();
            while (sort.NextAccount is var account and not 0)
            {
                while (sort.TryTake(account, out Movement movement))
                {
                    Assert.That(movement.Amount, Is.EqualTo(UInt128.MaxValue - movement.Sequence));
                    found.Add((movement.Account, movement.Sequence));
                }
            }

            Assert.That(found, Is.EqualTo(expected.OrderBy(movement => movement.Account).ThenBy(movement => movement.Sequence)));
            Assert.That(sort.Count, Is.EqualTo(count));
        }
    }

    [Test]
    public void Units_and_carries_sum_to_zero_and_nobody_but_the_agent_carries_a_unit()
    {
        Random random = PrintedSeed.Create();
        var carry = new SettlementCarry();
        CurrencyList currencies = Currencies();
        var carried = new Dictionary<ushort, Int128>();
        var settled = new Dictionary<ushort, Int128>();
        var netted = new Dictionary<ushort, Int128>();
        for (ulong number = 1; number <= 200; number++)
        {
            ClosedBatch batch = Batch(number, [.. Enumerable.Range(1, 5).Where(_ => random.Next(3) > 0).Select(index => ((ushort)index, (Int128)random.Next(-9_000, 9_000)))]);
            List<SettlementPosition> positions = carry.Settle(batch, currencies);
            Assert.That(positions.Aggregate((Int128)0, (sum, position) => sum + position.Units), Is.EqualTo((Int128)0));
            foreach (SettlementPosition position in positions)
            {
                Assert.That(position.CarryIn, Is.EqualTo(carried.GetValueOrDefault(position.Participant)));
                if (position.Participant != 0)
                {
                    Assert.That(Int128.Abs(position.CarryOut), Is.LessThan((Int128)1_000));
                    Assert.That(Int128.Abs(position.Units * 1_000), Is.LessThanOrEqualTo(Int128.Abs(position.Net + position.CarryIn)), "never more than is owed");
                }

                carried[position.Participant] = position.CarryOut;
                settled[position.Participant] = settled.GetValueOrDefault(position.Participant) + (position.Units * 1_000);
                netted[position.Participant] = netted.GetValueOrDefault(position.Participant) + position.Net;
            }

            Assert.That(carried.Values.Aggregate((Int128)0, (sum, rest) => sum + rest), Is.EqualTo((Int128)0));
        }

        foreach ((ushort participant, Int128 rest) in carried)
            Assert.That(settled[participant] + rest, Is.EqualTo(netted[participant]));
    }

    [Test]
    public void Where_batches_are_missing_their_carries_are_not_made_up()
    {
        var carry = new SettlementCarry();
        Assert.That(() => carry.Settle(Batch(3, (1, 5), (2, -5)), Currencies()), Throws.TypeOf<JournalException>().With.Message.Contains("batches 1 to 2"));
        Assert.That(new SettlementCarry().Settle(Batch(3, [(1, 5), (2, -5)], IsoJournal.Dinar), Currencies()), Has.Count.EqualTo(3), "a currency in ISO's own digits carries nothing");
    }

    private static void AssertNear(IEnumerable<IsoEntry> entries, Int128 exact) =>
        Assert.That(Int128.Abs(entries.Aggregate((Int128)0, (sum, entry) => sum + (entry.Units * 1_000)) - exact), Is.LessThan((Int128)1_000));

    private static CurrencyList Currencies()
    {
        var currencies = new CurrencyList(4);
        currencies.Add(IsoJournal.Euro, 5, 0);
        currencies.Add(IsoJournal.Dinar, 3, 0);
        return currencies;
    }

    private static IsoCurrency Euro() => new(in Currencies()[1]);

    private static ClosedBatch Batch(ulong number, params (ushort Participant, Int128 Net)[] nets) => Batch(number, nets, IsoJournal.Euro);

    /// <summary>The operator stands for the rest, so that the positions sum to zero.</summary>
    private static ClosedBatch Batch(ulong number, (ushort Participant, Int128 Net)[] nets, ushort currency)
    {
        Int128 rest = -nets.Aggregate((Int128)0, (sum, net) => sum + net.Net);
        IEnumerable<(ushort, Int128)> all = rest == 0 ? nets : [(0, rest), .. nets];
        return new ClosedBatch
        {
            Number = number, FirstSequence = number, LastSequence = number, OpenedNs = number, ClosedNs = number, Count = 1, Accepted = 1, Gross = [],
            Net = [.. all.Select(net => new NetPosition(net.Item1, currency, net.Item2, 0))], RulesHash = default,
        };
    }
}
