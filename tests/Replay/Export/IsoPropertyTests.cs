using System.Globalization;
using System.Security.Cryptography;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Replay.Common;

namespace Settlement.Tests.Replay.Export;

/// <summary>
/// What must hold of every journal, over histories by chance: everything is valid against the official schemas, every balance is the ledger's, ranges
/// chain, ids are unique, what is settled is what batches state. The seed is printed; SETTLEMENT_SEED repeats it.
/// </summary>
public sealed class IsoPropertyTests : IsoFixture
{
    private const int Blocks = 80;

    private List<ClosedBatch> _closed = [];
    private Random _random = null!;

    [SetUp]
    public void WriteHistory()
    {
        IsoReader.RequireSchemas();
        _random = PrintedSeed.Create();
        using var journal = new IsoJournal(Journal);
        IsoHistory.Write(journal, _random, Blocks);
        _closed = journal.Closed;
        Assert.That(_closed, Has.Count.GreaterThan(4), "else little is tested");
    }

    [Test]
    public void Statements_open_and_close_with_the_ledgers_balances_and_consecutive_ones_chain()
    {
        ulong last = LastSequence();
        ulong[] cuts = [.. Enumerable.Range(0, 3).Select(_ => (ulong)_random.NextInt64(1, (long)last)).Order().Distinct()];
        string[] points = [.. cuts.Select(cut => cut.ToString(CultureInfo.InvariantCulture)), "end"];
        Dictionary<(string, string, string), (decimal Booked, decimal Available)> before = [];
        var all = new List<IsoAccountRead>();
        int finer = 0;
        for (int i = 0; i < points.Length; i++)
        {
            string[] range = i == 0 ? ["--to", points[0]] : ["--from", (cuts[i - 1] + 1).ToString(CultureInfo.InvariantCulture), "--to", points[i]];
            List<IsoAccountRead> read = IsoReader.Accounts(Export($"range{i}", ["--format", "camt.053", "--page-entries", "7", .. range]));
            Dictionary<(string, string, string), (decimal Booked, decimal Available)> after = Balances(points[i]);
            foreach (IGrouping<(string, string, string), IsoAccountRead> statement in read.GroupBy(page => page.Key))
            {
                IsoAccountRead[] pages = [.. statement.OrderBy(page => page.Page)];
                CheckPages(pages);
                Assert.That(pages[0].Balances[0].Amount, Is.EqualTo(before.GetValueOrDefault(statement.Key).Booked), pages[0].File);
                Assert.That(pages[^1].Balances[1].Amount, Is.EqualTo(after[statement.Key].Booked), pages[^1].File);
                decimal available = pages[^1].Balances.Length > 2 ? pages[^1].Balances[2].Amount : pages[^1].Balances[1].Amount;
                Assert.That(available, Is.EqualTo(after[statement.Key].Available), pages[^1].File);
                finer += pages.Sum(page => page.Entries.Count(entry => entry.Kind == "below_unit_sum"));
            }

            // Who has no statement has the same balance as before.
            HashSet<(string, string, string)> stated = [.. read.Select(page => page.Key)];
            foreach ((var key, (decimal booked, _)) in after.Where(balance => !stated.Contains(balance.Key)))
                Assert.That(booked, Is.EqualTo(before.GetValueOrDefault(key).Booked), key.ToString());
            before = after;
            all.AddRange(read);
        }

        Assert.That(finer, Is.Positive, "else nothing was below a unit");
        Assert.That(all.Select(page => page.MessageId), Is.Unique);
        Assert.That(all.GroupBy(page => page.Id).Select(pages => pages.Select(page => (page.Key, page.Number)).Distinct().Count()), Is.All.EqualTo(1));
        Assert.That(all.Select(page => (page.Id, page.Page)), Is.Unique);
    }

    [Test]
    public void Notifications_are_the_statements_entries_batch_by_batch_and_the_same_in_any_range()
    {
        string whole = Export("whole", "--format", "camt.054");
        List<IsoAccountRead> notified = IsoReader.Accounts(whole);
        Assert.That(notified.Select(read => read.MessageId), Is.Unique);
        Assert.That(notified.Select(read => read.Id), Is.Unique);
        int middle = _closed.Count / 2;
        ulong inside = (_closed[middle].FirstSequence + _closed[middle].LastSequence) / 2;
        string parts = Export("parts", "--format", "camt.054", "--to", inside.ToString(CultureInfo.InvariantCulture));
        Export("parts", "--format", "camt.054", "--from", (inside + 1).ToString(CultureInfo.InvariantCulture));
        Assert.That(Contents(parts), Is.EqualTo(Contents(whole)), "consecutive ranges tell every batch once");

        foreach (ClosedBatch batch in _closed)
        {
            string number = batch.Number.ToString(CultureInfo.InvariantCulture);
            List<IsoAccountRead> stated = IsoReader.Accounts(Export("batch" + number, "--format", "camt.053", "--batch", number));
            Assert.That(Lines(notified.Where(read => read.Number == batch.Number)), Is.EqualTo(Lines(stated)), $"batch {number}");
        }
    }

    [Test]
    public void What_is_settled_is_what_batches_state_up_to_the_carry_which_sums_up()
    {
        var expected = new Dictionary<(string Batch, string Currency, string Participant), decimal>();
        var carry = new Dictionary<(ushort Participant, ushort Currency), decimal>();
        foreach (ClosedBatch batch in _closed)
        {
            foreach (NetPosition net in batch.Net.Where(net => net.Participant != 0))
            {
                decimal unit = UnitOf(net.Currency);
                decimal owed = ((decimal)net.Net / unit) + carry.GetValueOrDefault((net.Participant, net.Currency));
                decimal settled = decimal.Truncate(owed);
                carry[(net.Participant, net.Currency)] = owed - settled;
                if (settled != 0)
                    expected.Add((Text(batch.Number), Iso4217.LettersOf(net.Currency), Text(net.Participant)), settled / Scale(net.Currency));
            }
        }

        Assert.That(carry.Values, Has.Some.Not.Zero, "else nothing was carried");
        var instructions = new List<IsoInstructionRead>();
        foreach (ClosedBatch batch in _closed)
            instructions.AddRange(IsoReader.Instructions(Export("batch" + Text(batch.Number), "--format", "pacs.009", "--batch", Text(batch.Number), "--page-entries", "2")));
        Dictionary<(string, string, string), decimal> found = instructions.ToDictionary(
            read => (read.Batch, read.Currency, read.Debtor == "0" ? read.Creditor : read.Debtor), read => read.Debtor == "0" ? read.Amount : -read.Amount);
        Assert.That(found, Is.EquivalentTo(expected));
        Assert.That(instructions.Select(read => (read.Debtor == "0") ^ (read.Creditor == "0")), Is.All.True, "the agent is on one side of each");
        Assert.That(instructions.Select(read => read.EndToEndId), Is.Unique);
        Assert.That(instructions.Select(read => read.InstructionId), Is.Unique);
        Assert.That(instructions.Select(read => read.Uetr), Is.Unique);
        Assert.That(instructions.Select(read => (read.MessageId, read.File)).Distinct().Select(message => message.MessageId), Is.Unique);

        // Without --batch: those that wait, in the same files.
        string waiting = Export("waiting", "--format", "pacs.009", "--page-entries", "2");
        LedgerState state = EndState(out JournalWalk walk);
        using (walk)
        {
            string[] wanted = [.. _closed.Where(batch => state.Positions.IsUnsettled(batch.Number)).Select(batch => Text(batch.Number))];
            Dictionary<string, string> here = Contents(waiting);
            Assert.That(wanted, Has.Length.LessThan(_closed.Count), "else none was reported settled");
            Assert.That(IsoReader.Instructions(waiting).Select(read => read.Batch).Distinct(),
                Is.EquivalentTo(wanted.Where(batch => instructions.Exists(read => read.Batch == batch))));
            foreach (string batch in wanted)
            {
                foreach ((string name, string hash) in Contents(PathOf("batch" + batch)))
                    Assert.That(here[name], Is.EqualTo(hash), name);
            }
        }
    }

    [Test]
    public void Settlement_accounts_move_by_what_is_settled_and_together_hold_nothing()
    {
        var sums = new Dictionary<string, decimal>();
        LedgerState state = EndState(out JournalWalk walk);
        using (walk)
        {
            for (int participant = 0; participant <= IsoJournal.Names.Length; participant++)
            {
                string folder = PathOf("participant" + participant);
                (int code, _, string error) = Run(["export", Journal, "--out", folder, "--format", "camt.053", "--participant", Text((ulong)participant)]);
                if (code != 0)
                {
                    Assert.That(error, Does.Contain("has no position"));
                    continue;
                }

                foreach (IsoAccountRead read in IsoReader.Accounts(folder))
                {
                    Assert.That(read.Scheme, Is.EqualTo("SETTLEMENT"));
                    sums[read.Currency] = sums.GetValueOrDefault(read.Currency) + read.Balances[1].Amount;
                    Assert.That(read.Entries.Where(entry => entry.Kind == "net_position").Select(entry => entry.Reference), Is.Unique);
                    foreach (IsoEntryRead entry in read.Entries.Where(entry => entry.Kind == "settled"))
                    {
                        IsoEntryRead position = read.Entries.Single(other => other.Reference == entry.Reference.Replace("SETTLED", "NET", StringComparison.Ordinal));
                        Assert.That(entry.Amount, Is.EqualTo(-position.Amount), read.File);
                    }
                }
            }

            Assert.That(sums, Is.Not.Empty);
            Assert.That(sums.Values, Is.All.Zero);
        }
    }

    [Test]
    public void The_same_export_twice_is_the_same_to_the_byte()
    {
        foreach (string format in (string[])["camt.053", "camt.054", "pacs.009"])
            Assert.That(Contents(Export("again-" + format, "--format", format)), Is.EqualTo(Contents(Export("once-" + format, "--format", format))));
    }

    private static void CheckPages(IsoAccountRead[] pages)
    {
        for (int i = 0; i < pages.Length; i++)
        {
            Assert.That(pages[i].Page, Is.EqualTo(i + 1), pages[i].File);
            Assert.That(pages[i].IsLast, Is.EqualTo(i == pages.Length - 1), pages[i].File);
            Assert.That(pages[i].Id, Is.EqualTo(pages[0].Id), pages[i].File);
            Assert.That(pages[i].Entries, Has.Length.LessThanOrEqualTo(7), pages[i].File);
            if (i > 0)
                Assert.That(pages[i].Balances[0].Amount, Is.EqualTo(pages[i - 1].Balances[1].Amount), pages[i].File);
        }

        Assert.That(pages.SelectMany(page => page.Entries).Select(entry => entry.Reference), Is.Unique);
    }

    /// <summary>Entries by account, without what is said of the message around them.</summary>
    private static string[] Lines(IEnumerable<IsoAccountRead> messages) =>
        [.. messages.SelectMany(read => read.Entries.Select(entry => $"{read.Key} {entry.Element}")).Order(StringComparer.Ordinal).Select(WithoutNamespace)];

    private static string WithoutNamespace(string text) => text.Replace("camt.053", "camt", StringComparison.Ordinal).Replace("camt.054", "camt", StringComparison.Ordinal);

    private static Dictionary<string, string> Contents(string folder) => Directory.GetFiles(folder)
        .ToDictionary(file => Path.GetFileName(file), file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))));

    private LedgerState EndState(out JournalWalk walk)
    {
        walk = JournalWalk.Open(Journal, new WalkOptions());
        walk.ToPoint();
        return walk.State;
    }

    private ulong LastSequence()
    {
        ulong last = EndState(out JournalWalk walk).Sequence;
        walk.Dispose();
        return last;
    }

    private static decimal UnitOf(ushort currency) => currency switch { IsoJournal.Euro => IsoJournal.EuroUnit, IsoJournal.Yen => IsoJournal.YenUnit, _ => 1 };

    private static decimal Scale(ushort currency) => currency switch { IsoJournal.Euro => 100, IsoJournal.Dinar => 1_000, _ => 1 };

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
