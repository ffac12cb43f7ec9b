using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using Settlement.Engine.Domain;
using Settlement.Gateway.Settle;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replay.Export;

/// <summary>`replay export` to ISO 20022, told by small stories whose every figure is known, and by the shipped sample.</summary>
public sealed class IsoExportTests : IsoFixture
{
    private static readonly ulong[] s_whole = [1_000_000];

    [Test]
    public void A_statement_shows_each_kind_of_movement_with_its_references_and_dates()
    {
        using (var journal = Raised())
        {
            Payment hold = journal.New(Instruction.Hold, 1, 2, 300_000);
            Payment capture = journal.New(Instruction.Capture, 0, 0, 200_000, flags: PaymentFlags.Refundable);
            Payment refund = journal.New(Instruction.Refund, 0, 0, 50_000);
            Accept(journal.Pay(
                journal.New(Instruction.Micropayment, 1, 2, 100_000) with { Reference = 4711, Purpose = Purpose.Salary },
                journal.New(Instruction.Immediate, 1, 3, 150_000),
                hold, IsoJournal.On(hold, capture), IsoJournal.On(capture, refund),
                journal.New(Instruction.Redeem, 1, 0, 10_000)));
            journal.Wait(3 * Limits.NsPerHour / 4);
            journal.Do(Scenario.CloseBatch());
        }

        IsoAccountRead read = Statement("one", "--format", "camt.053", "--wallet", "1");
        Assert.That(read.Entries.Select(entry => (entry.Kind, entry.Amount)), Is.EqualTo(new[]
        {
            ("issue", 10.00m), ("micropayment", -1.00m), ("immediate", -1.50m), ("capture", -2.00m), ("refund", 0.50m), ("redeem", -0.10m),
        }));
        Assert.That(read.Balances, Is.EqualTo(new[] { ("OPBD", 0m), ("CLBD", 5.90m) }), "nothing pends, and the hold is captured or released");
        string micropayment = read.Entries[1].Element.ToString();
        Assert.That(micropayment, Does.Contain(">000000000000004d:5<").And.Contain(">000000000000004d0000000000000005<"), "its id, in both forms");
        Assert.That(micropayment, Does.Contain("<Ref>4711</Ref>").And.Contain("<Cd>SALA</Cd>").And.Contain("<CdtrAcct>").And.Contain("<Id>2</Id>"));
        Assert.That(read.Entries[4].Element.ToString(), Does.Contain("<Tp>TARGET</Tp>").And.Contain("<DbtrAcct>"));
        Assert.That(read.Entries[5].Element.ToString(), Does.Contain("reserve:EUR"));
        Assert.That(TargetOf(read.Entries[3]), Is.EqualTo("000000000000004d0000000000000002"), "the hold, the second number of its stream behind the issue");
        Assert.That(TargetOf(read.Entries[4]), Is.EqualTo("000000000000004d0000000000000003"));

        IsoAccountRead payee = Statement("two", "--format", "camt.053", "--wallet", "2");
        Assert.That(payee.Entries.Select(entry => entry.Amount), Is.EqualTo(new[] { 1.00m, 2.00m, -0.50m }));
        Assert.That(payee.Entries[0].Booked, Is.EqualTo(new DateTimeOffset(2026, 1, 15, 10, 30, 0, TimeSpan.Zero)));
    }

    [Test]
    public void What_pends_and_what_is_held_is_booked_and_not_available_and_has_the_value_date_of_the_close()
    {
        using (var journal = Raised())
        {
            journal.Wait(Limits.NsPerHour);
            journal.Do(Scenario.Command(Instruction.AcceptTime));
            Accept(journal.Pay(journal.New(Instruction.Micropayment, 1, 2, 700_000), journal.New(Instruction.Hold, 1, 2, 100_000)));
            journal.NowNs += 14 * Limits.NsPerHour;
            journal.Do(Scenario.Command(Instruction.AcceptTime));
        }

        Assert.That(Statement("payer", "--format", "camt.053", "--wallet", "1").Balances, Is.EqualTo(new[] { ("OPBD", 0m), ("CLBD", 3m), ("CLAV", 2m) }));
        IsoAccountRead open = Statement("payee", "--format", "camt.053", "--wallet", "2");
        Assert.That(open.Balances, Is.EqualTo(new[] { ("OPBD", 0m), ("CLBD", 7m), ("CLAV", 0m) }));
        Assert.That(open.Entries[0].Value, Is.EqualTo(new DateOnly(2026, 1, 16)), "the earliest day on which the batch can close");
        Assert.That(open.Entries[0].Booked.Day, Is.EqualTo(15));
    }

    [Test]
    public void Captures_and_refunds_find_their_parties_in_front_of_the_range()
    {
        ulong cut;
        using (var journal = Raised())
        {
            Payment hold = journal.New(Instruction.Hold, 1, 2, 300_000), paid = journal.New(Instruction.Immediate, 1, 3, 200_000, flags: PaymentFlags.Refundable);
            Accept(journal.Pay(hold, paid));
            cut = journal.State.Sequence;
            Accept(journal.Pay(
                IsoJournal.On(hold, journal.New(Instruction.Capture, 0, 0, 100_000)), IsoJournal.On(paid, journal.New(Instruction.Refund, 0, 0, 200_000))));
        }

        IsoAccountRead read = Statement("late", "--format", "camt.053", "--wallet", "1", "--from", (cut + 1).ToString(CultureInfo.InvariantCulture));
        Assert.That(read.Entries.Select(entry => (entry.Kind, entry.Amount)), Is.EqualTo(new[] { ("capture", -1m), ("refund", 2m) }));
        Assert.That(read.Balances[0].Amount, Is.EqualTo(8m));
    }

    [Test]
    public void An_account_that_nothing_moved_is_stated_only_when_its_wallet_is_asked_for()
    {
        ulong cut;
        using (var journal = Raised())
        {
            cut = journal.State.Sequence;
            Accept(journal.Pay(journal.New(Instruction.Immediate, 1, 2, 1_000)));
        }

        string from = (cut + 1).ToString(CultureInfo.InvariantCulture);
        Assert.That(IsoReader.Accounts(Export("all", "--format", "camt.053", "--from", from)).Select(read => read.Account), Is.EquivalentTo(new[] { "1", "2" }));
        List<IsoAccountRead> still = IsoReader.Accounts(Export("three", "--format", "camt.053", "--from", from, "--wallet", "3"));
        Assert.That(still.Select(read => read.Currency), Is.EquivalentTo(new[] { "EUR", "KWD" }));
        Assert.That(still.SelectMany(read => read.Entries), Is.Empty);
    }

    [Test]
    public void Payments_below_a_unit_are_summed_by_batch_and_what_is_left_over_counts_with_the_next()
    {
        using (var journal = Raised())
        {
            Accept(journal.Pay([.. Enumerable.Range(0, 5).Select(_ => journal.New(Instruction.Micropayment, 1, 2, 350))])); // 0.0175
            journal.Do(Scenario.CloseBatch());
            Accept(journal.Pay(journal.New(Instruction.Micropayment, 1, 2, 250))); // 0.02 together
            journal.Do(Scenario.CloseBatch());
            Accept(journal.Pay(journal.New(Instruction.Micropayment, 1, 2, 999))); // not a unit
            journal.Do(Scenario.CloseBatch());
        }

        IsoAccountRead payee = Statement("payee", "--format", "camt.053", "--wallet", "2");
        Assert.That(payee.Entries.Select(entry => (entry.Amount, entry.Count, entry.Kind)), Is.EqualTo(new[] { (0.01m, 5, "below_unit_sum"), (0.01m, 1, "below_unit_sum") }));
        Assert.That(payee.Entries[0].Element.ToString(), Does.Contain("0.01750 EUR together"));
        Assert.That(payee.Balances[1], Is.EqualTo(("CLBD", 0.02m)));
        Assert.That(XDocument.Load(payee.File).ToString(), Does.Contain("opening 0.00000, closing 0.02999 EUR. 7 movements"));
        IsoAccountRead payer = Statement("payer", "--format", "camt.053", "--wallet", "1");
        Assert.That(payer.Entries.Select(entry => entry.Amount), Is.EqualTo(new[] { 10.00m, -0.02m, -0.01m }), "a debit takes a whole unit and what it leaves pays the next");
        Assert.That(payer.Balances[1], Is.EqualTo(("CLBD", 9.97m)), "9.97001, rounded down");
    }

    [Test]
    public void Settlement_instructions_carry_what_is_below_a_unit_to_the_participants_next_position()
    {
        using (var journal = Raised())
        {
            foreach (ulong amount in (ulong[])[1_600, 1_600, 800, 200])
            {
                Accept(journal.Pay(journal.New(Instruction.Micropayment, 1, 2, amount)));
                journal.Do(Scenario.CloseBatch());
            }
        }

        List<IsoInstructionRead> read = IsoReader.Instructions(Export("all", "--format", "pacs.009"));
        Assert.That(read.Select(instruction => (instruction.Batch, instruction.Debtor, instruction.Creditor, instruction.Amount)), Is.EqualTo(new[]
        {
            ("1", "1", "0", 0.01m), ("1", "0", "2", 0.01m), // 1.6 units: 1, 0.6 carried
            ("2", "1", "0", 0.02m), ("2", "0", "2", 0.02m), // 2.2 units
            ("3", "1", "0", 0.01m), ("3", "0", "2", 0.01m), // 1.0
        }), "0.2 units of batch 4 are no instruction");
        Assert.That(read[2].Remittance, Is.EqualTo("Batch 2: net -0.01600, of it fee 0.00000\nCarried: in -0.00600, out -0.00200"));
        JsonElement summary = Summary("again", "--format", "pacs.009");
        Assert.That(summary.GetProperty("batches").GetInt64(), Is.EqualTo(4));
        JsonElement euro = summary.GetProperty("currencies").EnumerateArray().Single();
        Assert.That((euro.GetProperty("credits").GetString(), euro.GetProperty("debits").GetString(), euro.GetProperty("entries").GetInt64()), Is.EqualTo(("0.04", "0.04", 6L)));
        Assert.That(IsoReader.Instructions(Export("two", "--format", "pacs.009", "--participant", IsoJournal.Names[1])).Select(instruction => instruction.Creditor), Is.All.EqualTo("2"));
    }

    [Test]
    public void A_batch_that_is_settled_is_left_out_unless_it_is_asked_for_and_leaves_the_settlement_account()
    {
        ulong closed;
        using (var journal = Raised())
        {
            Accept(journal.Pay(journal.New(Instruction.Micropayment, 1, 2, 500_000)));
            journal.Do(Scenario.CloseBatch());
            closed = journal.State.Sequence;
            journal.Do(Scenario.Settled(1));
        }

        Assert.That(IsoReader.Instructions(Export("then", "--format", "pacs.009", "--to", closed.ToString(CultureInfo.InvariantCulture))), Has.Count.EqualTo(2));
        Assert.That(Run(["export", Journal, "--out", PathOf("now"), "--format", "pacs.009"]).Output, Does.Contain("No closed batch waits"));
        Assert.That(Directory.GetFileSystemEntries(PathOf("now")), Is.Empty);
        Assert.That(IsoReader.Instructions(Export("one", "--format", "pacs.009", "--batch", "1")), Has.Count.EqualTo(2));
        IsoAccountRead account = Statement("account", "--format", "camt.053", "--participant", "1");
        Assert.That(account.Entries.Select(entry => (entry.Kind, entry.Amount)), Is.EqualTo(new[] { ("net_position", -5m), ("settled", 5m) }));
        IsoAccountRead before = Statement("before", "--format", "camt.053", "--participant", "1", "--to", closed.ToString(CultureInfo.InvariantCulture));
        Assert.That(before.Balances[1], Is.EqualTo(("CLBD", -5m)));
        IsoAccountRead after = Statement("after", "--format", "camt.053", "--participant", "1", "--from", (closed + 1).ToString(CultureInfo.InvariantCulture));
        Assert.That(after.Balances.Select(balance => balance.Amount), Is.EqualTo(new[] { -5m, 0m }));
        Assert.That(Statement("notified", "--format", "camt.054", "--participant", "2").Entries.Select(entry => entry.Amount), Is.EqualTo(new[] { 5m }));
    }

    [Test]
    public void Names_are_written_in_characters_that_every_bank_takes_and_the_salt_key_is_nowhere()
    {
        using (var journal = Raised())
        {
            Accept(journal.Pay(journal.New(Instruction.Micropayment, 1, 2, 500_000), journal.New(Instruction.Micropayment, 1, 3, 500_000)));
            journal.Do(Scenario.CloseBatch());
        }

        string folder = Export("names", "--format", "pacs.009");
        string text = string.Concat(Directory.GetFiles(folder).Select(File.ReadAllText));
        Assert.That(text, Does.Contain("<Nm>.Alpha . Soehne.. .Zuerich.</Nm>").And.Contain("<Nm>..</Nm>").And.Contain("<Nm>Lodz-Oest</Nm>"));
        Assert.That(text, Does.Not.Contain(Convert.ToHexStringLower(new byte[32])), "the key is zero here");
    }

    [Test]
    public void The_shipped_samples_statements_close_with_the_balances_that_settle_reports()
    {
        string sample = Path.Combine(AppContext.BaseDirectory, "sample");
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = SettleCommand.Create(output, error).Parse(
            [
                "--wallets", Path.Combine(sample, "wallets.csv"), Path.Combine(sample, "payments.csv"), "--journal", Journal, "--report", PathOf("report"),
                "--batch-count", "500", "--batch-age", "none", "--capacity", "4096", "--json",
            ]).Invoke();
        Assert.That(code, Is.Zero, error.ToString());
        List<IsoAccountRead> statements = IsoReader.Accounts(Export("all", "--format", "camt.053"));
        Dictionary<(string, string), IsoAccountRead> byAccount = statements.ToDictionary(read => (read.Account, read.Currency));
        int compared = 0;
        foreach (string[] line in File.ReadLines(PathOf("report/balances.csv")).Skip(1).Select(line => line.Split(',')))
        {
            decimal[] amounts = [.. line[2..].Select(text => decimal.Parse(text, CultureInfo.InvariantCulture))];
            if (!byAccount.TryGetValue((line[0], line[1]), out IsoAccountRead? read))
            {
                Assert.That(amounts, Is.All.Zero, string.Join(',', line));
                continue;
            }

            Assert.That(read.Balances[1], Is.EqualTo(("CLBD", amounts.Sum())), read.File);
            Assert.That(read.Balances[^1].Amount, Is.EqualTo(amounts[0]), read.File);
            compared++;
        }

        Assert.That(compared, Is.EqualTo(statements.Count).And.GreaterThan(50));
        List<IsoInstructionRead> instructions = IsoReader.Instructions(Export("net", "--format", "pacs.009"));
        decimal[] reported = [.. File.ReadLines(PathOf("report/positions.csv")).Skip(1).Select(line => decimal.Parse(line.Split(',')[3], CultureInfo.InvariantCulture))];
        Assert.That(instructions.Select(read => read.Debtor == "0" ? read.Amount : -read.Amount), Is.EquivalentTo(reported));
    }

    /// <summary>Wallets 1 to 4 of participants 1 to 4; wallet 1 has 10.00.</summary>
    private IsoJournal Raised()
    {
        IsoReader.RequireSchemas();
        var journal = new IsoJournal(Journal);
        journal.Raise(4);
        Accept(journal.Pay([.. s_whole.Select(amount => journal.New(Instruction.Issue, 0, 1, amount))]));
        return journal;
    }

    private static string TargetOf(IsoEntryRead entry) =>
        entry.Element.Descendants().Single(element => element.Value == "TARGET").ElementsAfterSelf().First().Value;

    private static void Accept(Outcome[] outcomes) => Assert.That(outcomes.Select(outcome => outcome.Verdict), Is.All.EqualTo(Verdict.Accepted));

    private IsoAccountRead Statement(string folder, params string[] words) =>
        IsoReader.Accounts(Export(folder, words)).Single(read => read.Currency == "EUR");
}
