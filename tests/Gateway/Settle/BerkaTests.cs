using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Gateway.Input;
using Settlement.Tests.Gateway.Input;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Gateway.Settle;

/// <summary>
/// A bank's real transactions, and its own balances as the oracle: a credit comes from the partner bank's wallet or from the reserve, a
/// debit goes there, credits first within a day. Amounts in hellers.
/// </summary>
/// <remarks>
/// The extract's order within a day is not the bank's, so which of a day's balances was the last is not known: the day agrees if its sum is
/// one of them, else the nearest is taken as the bank's figure, and a correction carries on from there. Accounts that go below zero
/// have an overdraft, stated here as an opening balance that is taken off again.
/// </remarks>
public sealed class BerkaTests
{
    private const ushort Koruna = 203;
    private const ushort Czechia = 203;
    private const ulong FirstPartner = 1_000_000;
    private const long OverdraftHellers = 100_000_000;
    private const long PartnerHellers = 100_000_000_000;

    /// <summary>What one account's day came to.</summary>
    private readonly record struct AccountDay(ulong Account, long BankHellers, long SumHellers);

    /// <summary>A day's payments as lines of CSV, the balances that they lead to, and the corrections behind them.</summary>
    private sealed record Day(DateTime Date, List<string> Lines, List<AccountDay> Ends, List<string> Corrections);

    private readonly record struct Row(ulong Account, DateTime Date, bool IsCredit, long Hellers, long BalanceHellers, string Bank);

    private List<Day> _days = null!;
    private SortedSet<ulong> _accounts = null!;
    private SortedSet<ulong> _overdrawn = null!;
    private List<string> _partners = null!;

    [OneTimeSetUp]
    public void Convert()
    {
        Row[] rows = [.. File.ReadLines(SharedData.Path("berka/trans.asc")).Skip(1).Select(RowOf)];
        Assert.That(rows, Has.Length.EqualTo(49_102));
        _accounts = [.. rows.Select(row => row.Account)];
        _partners = [.. rows.Select(row => row.Bank).Where(bank => bank.Length > 0).Distinct().Order(StringComparer.Ordinal)];
        Dictionary<ulong, long> balances = [];
        long id = 0;
        _days = [.. rows.GroupBy(row => row.Date).OrderBy(day => day.Key).Select(day => DayOf(day.Key, [.. day], balances, ref id))];
        _overdrawn = [.. _days.SelectMany(day => day.Ends).Where(end => end.BankHellers < 0).Select(end => end.Account)];
    }

    [Test]
    public void The_engines_balance_at_the_end_of_every_accounts_day_is_the_banks_own()
    {
        Assert.That(_overdrawn, Has.Count.EqualTo(26));
        Assert.That(_days.SelectMany(day => day.Ends).Count(end => end.BankHellers < 0), Is.EqualTo(52));
        using var engine = new EngineLedger(Genesis.Default(default) with { AccountsMax = 1 << 13, TargetsMax = 64, SumsMax = 64, StreamsMax = 4 });
        var ledger = new DailyLedger(engine);
        ledger.Apply(BlockKind.Genesis, []);
        ledger.Command(Cast());
        ledger.Pay(Openings());
        int exact = 0, tenHellers = 0, others = 0;
        foreach (Day day in _days)
        {
            ledger.GoTo(day.Date);
            ledger.Pay(Payments(day.Lines));
            foreach (AccountDay end in day.Ends)
            {
                long hellers = BalanceOf(engine, end.Account);
                Assert.That(hellers, Is.EqualTo(end.SumHellers), $"account {end.Account}, {day.Date:yyyy-MM-dd}");
                long difference = Math.Abs(hellers - end.BankHellers);
                (exact, tenHellers, others) = difference switch { 0 => (exact + 1, tenHellers, others), 10 => (exact, tenHellers + 1, others), _ => (exact, tenHellers, others + 1) };
            }

            ledger.Pay(Payments(day.Corrections));
        }

        TestContext.Out.WriteLine($"{exact} account-days agree exactly, {tenHellers} but for 0.10, {others} do not");
        Assert.That((exact, tenHellers, others), Is.EqualTo((37_703, 2_227, 30)));
        foreach ((ulong account, long hellers) in LastBalances())
            Assert.That(BalanceOf(engine, account), Is.EqualTo(hellers), $"account {account}");
    }

    [Test]
    public void One_run_of_settle_over_the_whole_file_ends_with_the_banks_balances()
    {
        using var folder = new SettleFolder();
        var wallets = new StringBuilder(SettleFolder.WalletsHeader);
        foreach (ulong account in _accounts)
            wallets.Append(CultureInfo.InvariantCulture, $"{account},CZ,berka,CZK,{Text(_overdrawn.Contains(account) ? OverdraftHellers : 0)}\n");
        for (int partner = 0; partner < _partners.Count; partner++)
            wallets.Append(CultureInfo.InvariantCulture, $"{FirstPartner + (ulong)partner},CZ,bank {_partners[partner]},CZK,{Text(PartnerHellers)}\n");
        string[] lines = [.. _days.SelectMany(day => day.Lines.Concat(day.Corrections))];
        string payments = folder.Write("payments.csv", Header + string.Concat(lines));
        string[] words =
            ["settle", "--journal", folder.Journal, "--report", folder.Report, "--json", "--wallets", folder.Write("wallets.csv", wallets.ToString()), "--batch-count", "1000", payments];
        SettleResult result = SettleFolder.Run(words).Exits(0);
        Assert.That((result.Count("accepted"), result.Number("payments")), Is.EqualTo(((long)lines.Length, (long)lines.Length)));
        Assert.That(result.Number("batches"), Is.EqualTo(_days.SelectMany(day => day.Lines).Count(line => line.Contains("immediate", StringComparison.Ordinal)) / 1_000));

        Dictionary<ulong, long> found = folder.ReportLines("balances.csv").Skip(1).Select(line => line.Split(',')).ToDictionary(
            fields => ulong.Parse(fields[0], CultureInfo.InvariantCulture), fields => Hellers(fields[2]));
        foreach ((ulong account, long hellers) in LastBalances())
            Assert.That(found[account] - (_overdrawn.Contains(account) ? OverdraftHellers : 0), Is.EqualTo(hellers), $"account {account}");
        string balances = folder.Balances;
        Assert.That(SettleFolder.Run(words).Exits(0).Count("accepted"), Is.Zero);
        Assert.That(folder.Balances, Is.EqualTo(balances));
    }

    private const string Header = "id,payer,payee,amount,currency,instruction\n";

    private Day DayOf(DateTime date, Row[] rows, Dictionary<ulong, long> balances, ref long id)
    {
        Day day = new(date, [], [], []);
        foreach (Row row in rows.OrderBy(row => row.IsCredit ? 0 : 1))
            day.Lines.Add(Line(++id, row.Account, row.IsCredit, row.Hellers, row.Bank));
        foreach (IGrouping<ulong, Row> account in rows.GroupBy(row => row.Account))
        {
            long sum = balances.GetValueOrDefault(account.Key) + account.Sum(row => row.IsCredit ? row.Hellers : -row.Hellers);
            long bank = account.Select(row => row.BalanceHellers).MinBy(balance => Math.Abs(balance - sum));
            day.Ends.Add(new AccountDay(account.Key, bank, sum));
            balances[account.Key] = bank;
            if (sum != bank)
                day.Corrections.Add(Line(++id, account.Key, bank > sum, Math.Abs(bank - sum), ""));
        }

        return day;
    }

    /// <summary>A partner's money moves at once between two wallets; cash and interest come from the reserve and go there.</summary>
    private string Line(long id, ulong account, bool isCredit, long hellers, string bank)
    {
        string other = bank.Length == 0 ? "reserve:CZK" : (FirstPartner + (ulong)_partners.IndexOf(bank)).ToString(CultureInfo.InvariantCulture);
        string instruction = bank.Length > 0 ? "immediate" : isCredit ? "issue" : "redeem";
        return string.Create(CultureInfo.InvariantCulture,
            $"berka:{id},{(isCredit ? other : account)},{(isCredit ? account : other)},{Text(hellers)},CZK,{instruction}\n");
    }

    private Dictionary<ulong, long> LastBalances()
    {
        Dictionary<ulong, long> last = [];
        foreach (AccountDay end in _days.SelectMany(day => day.Ends))
            last[end.Account] = end.BankHellers;
        return last;
    }

    private long BalanceOf(EngineLedger engine, ulong account) =>
        (long)engine.Account(account, Koruna)!.Value.Available - (_overdrawn.Contains(account) ? OverdraftHellers : 0);

    private ControlCommand[] Cast() =>
    [
        Scenario.Participant(1, "berka"), Scenario.Participant(2, "partners"), Scenario.Currency(Koruna),
        .. _accounts.Select(account => Wallet(account, 1)), .. _partners.Select((_, place) => Wallet(FirstPartner + (ulong)place, 2)),
    ];

    private static ControlCommand Wallet(ulong wallet, ushort participant) =>
        Scenario.Command(Instruction.OpenWallet) with { Subject = wallet, Participant = participant, Country = Czechia, Currency = Koruna };

    private IEnumerable<Payment> Openings() =>
        _overdrawn.Select(account => (Wallet: account, Hellers: OverdraftHellers)).Concat(_partners.Select((_, place) => (Wallet: FirstPartner + (ulong)place, Hellers: PartnerHellers)))
            .Select(opening => new Payment
            {
                IdHigh = Limits.OpeningIdHigh | Koruna,
                IdLow = opening.Wallet,
                Payee = opening.Wallet,
                Amount = (ulong)opening.Hellers,
                Currency = Koruna,
                Instruction = Instruction.Issue,
                Flags = PaymentFlags.Opening,
            });

    private static IEnumerable<Payment> Payments(List<string> lines) => InputTexts.Payments(Header + string.Concat(lines)).Select(record => record.Payment);

    private static Row RowOf(string line)
    {
        string[] fields = [.. line.Split(';').Select(field => field.Trim('"'))];
        return new Row(
            ulong.Parse(fields[1], CultureInfo.InvariantCulture), DateTime.ParseExact("19" + fields[2], "yyyyMMdd", CultureInfo.InvariantCulture),
            fields[3] == "PRIJEM", Hellers(fields[5]), Hellers(fields[6]), fields[8]);
    }

    private static long Hellers(string amount) => (long)(decimal.Parse(amount, CultureInfo.InvariantCulture) * 100);

    private static string Text(long hellers) => (hellers / 100m).ToString("F2", CultureInfo.InvariantCulture);

    /// <summary>Blocks around payments, one time a day; every payment must be accepted.</summary>
    private sealed class DailyLedger(EngineLedger engine)
    {
        private ulong _blockNumber;
        private ulong _sequence = 1;
        private ulong _timeNs = (ulong)(new DateTime(1992, 12, 31, 0, 0, 0, DateTimeKind.Utc) - DateTime.UnixEpoch).Ticks * 100;

        public void GoTo(DateTime date)
        {
            _timeNs = (ulong)(date - DateTime.UnixEpoch).Ticks * 100;
            Command([Scenario.Command(Instruction.AcceptTime)]);
        }

        public void Command(ControlCommand[] commands) => Apply(BlockKind.Control, MemoryMarshal.Cast<ControlCommand, Payment>(commands.AsSpan()).ToArray());

        public void Pay(IEnumerable<Payment> payments)
        {
            foreach (Payment[] block in payments.Select(payment => payment with { Session = Limits.OperatorSession }).Chunk(Limits.BlockSlotsMax))
                Apply(BlockKind.Payments, block);
        }

        public void Apply(BlockKind kind, Payment[] slots)
        {
            var header = new BlockHeader { Kind = kind, Number = _blockNumber++, FirstSequence = _sequence, Count = (uint)slots.Length, TimeNs = _timeNs };
            Outcome[] outcomes = engine.Apply(header, slots);
            _sequence += (ulong)slots.Length;
            Assert.That(outcomes.Where(outcome => outcome.Verdict != Verdict.Accepted).Select(outcome => outcome.Verdict), Is.Empty);
        }
    }
}
