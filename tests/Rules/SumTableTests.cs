using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Rules;

[TestFixture]
public sealed class SumTableTests
{
    private const ushort USD = 840;

    private static ulong At(string time) =>
        (ulong)(DateTime.Parse(time, null, System.Globalization.DateTimeStyles.RoundtripKind) - DateTime.UnixEpoch).Ticks * 100;

    private static RulePlan Plan(params LimitWindow[] windows)
    {
        RuleTableBuilder builder = new();
        for (int i = 0; i < windows.Length; i++)
            builder.Limit((ushort)(i + 1), "limit", windows[i], USD, TierCeilings.Same(1_000), When.Always);
        return RulePlan.Build(builder.Build(), RandomRules.OwnerOf);
    }

    [Test]
    public void Sums_equal_the_twins_over_years_of_payments_and_changing_plans()
    {
        Random random = PrintedSeed.Create();
        LimitWindow[] years = [LimitWindow.YearFrom(1, 1), LimitWindow.YearFrom(4, 6), LimitWindow.YearFrom(2, 28),
            LimitWindow.YearFrom(3, 1),
            LimitWindow.YearFrom(12, 31), LimitWindow.YearFrom(7, 1)];
        for (int round = 0; round < 20; round++)
        {
            using SumTable sums = new(8);
            NaiveRules naive = new(RandomRules.OwnerOf);
            NaiveSums[] paid = [.. Enumerable.Range(0, 6).Select(_ => new NaiveSums())];
            int[] rows = [.. paid.Select(_ => sums.Take())];
            LimitWindow[] windows = [];
            ulong time = At("2023-11-20T00:00:00Z") + (ulong)random.NextInt64((long)(90 * Limits.NsPerDay));
            for (int step = 0; step < 600; step++)
            {
                if (step == 0 || random.Next(100) == 0)
                {
                    windows = [LimitWindow.Day, LimitWindow.Rolling30Days, LimitWindow.Month,
                        .. years.OrderBy(_ => random.Next()).Take(random.Next(5))];
                    RulePlan plan = Plan(windows);
                    sums.Activate(plan);
                    naive.Activate(plan.Table);
                }
                time = Later(random, time);
                int payer = random.Next(paid.Length);
                for (int window = 0; window < windows.Length; window++)
                    Assert.That(sums.Sum(rows[payer], window, time),
                        Is.EqualTo((ulong)naive.Sum(paid[payer], windows[window], time)),
                        $"round {round} step {step}: {windows[window]} at {DateTime.UnixEpoch.AddTicks((long)(time / 100)):O}");
                if (random.Next(3) == 0)
                    continue;
                ulong amount = (ulong)random.Next(1, 1_000);
                sums.Add(rows[payer], amount, time);
                naive.Add(paid[payer], amount, time);
            }
        }
    }

    /// <summary>The same moment, the last or first nanosecond of a day, some hours, days, months.</summary>
    private static ulong Later(Random random, ulong time)
    {
        ulong midnight = (time / Limits.NsPerDay + 1) * Limits.NsPerDay;
        return random.Next(10) switch
        {
            < 4 => time,
            4 => midnight - 1,
            5 => midnight,
            6 => time + (ulong)random.Next(1, 48) * Limits.NsPerHour,
            7 => midnight + (ulong)random.Next(27, 33) * Limits.NsPerDay,
            8 => time + (ulong)random.Next(1, 12) * Limits.NsPerDay,
            _ => random.Next(6) == 0 ? time + (ulong)random.Next(300, 800) * Limits.NsPerDay : time + 1,
        };
    }

    // window, payment, asked, counted
    [TestCase("day", "2024-02-28T23:59:59.9999999Z", "2024-02-28T23:59:59.9999999Z", true)]
    [TestCase("day", "2024-02-28T23:59:59.9999999Z", "2024-02-29T00:00:00Z", false)]
    [TestCase("month", "2024-02-01T00:00:00Z", "2024-02-29T23:59:59Z", true)]
    [TestCase("month", "2024-02-29T23:59:59Z", "2024-03-01T00:00:00Z", false)]
    [TestCase("month", "2023-03-31T12:00:00Z", "2024-03-31T12:00:00Z", false)]
    [TestCase("30 days", "2024-02-29T00:00:00Z", "2024-03-29T23:59:59Z", true)]
    [TestCase("30 days", "2024-02-29T23:59:59Z", "2024-03-30T00:00:00Z", false)]
    [TestCase("year 04-06", "2024-04-06T00:00:00Z", "2025-04-05T23:59:59Z", true)]
    [TestCase("year 04-06", "2024-04-05T23:59:59Z", "2024-04-06T00:00:00Z", false)]
    [TestCase("year 03-01", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z", false)]
    [TestCase("year 03-01", "2023-03-01T00:00:00Z", "2024-02-29T23:59:59Z", true)]
    [TestCase("year 01-01", "2023-12-31T23:59:59Z", "2024-01-01T00:00:00Z", false)]
    public void A_window_ends_at_midnight_UTC_of_its_last_day(string window, string paid, string asked, bool counted)
    {
        LimitWindow which = window switch
        {
            "day" => LimitWindow.Day,
            "month" => LimitWindow.Month,
            "30 days" => LimitWindow.Rolling30Days,
            _ => LimitWindow.YearFrom(byte.Parse(window.AsSpan(5, 2)), byte.Parse(window.AsSpan(8, 2))),
        };
        RulePlan plan = Plan(which);
        using SumTable sums = new(1);
        sums.Activate(plan);
        int row = sums.Take();
        sums.Add(row, 600, At(paid));
        RuleChunk chunk = new([new RuleFacts(1, 2, USD, 400, 0, 0, 0, 1)]);
        plan.Judge(chunk.Columns, 1, chunk.DeniedBy, chunk.ReviewedBy, chunk.Limits, chunk.LimitMask);

        Assert.Multiple(() =>
        {
            Assert.That(plan.FirstLimitExceeded(chunk.Limits[0], 0, USD, 0, 399, sums, row, At(asked)), Is.Zero, "ceiling - 1");
            Assert.That(plan.FirstLimitExceeded(chunk.Limits[0], 0, USD, 0, 400, sums, row, At(asked)), Is.Zero, "ceiling");
            Assert.That(plan.FirstLimitExceeded(chunk.Limits[0], 0, USD, 0, 401, sums, row, At(asked)), Is.EqualTo(counted ? 1 : 0),
                "ceiling + 1");
        });
    }

    [Test]
    public void Several_payments_of_one_payer_in_one_chunk_see_each_other_in_order()
    {
        RulePlan plan = RulePlan.Build(new RuleTableBuilder()
            .Limit(1, "day", LimitWindow.Day, USD, TierCeilings.Of(100, 250, TierCeilings.None, TierCeilings.None),
                When.Source(840))
            .Limit(2, "goods", LimitWindow.Month, USD, TierCeilings.Same(200), When.Source(840).And(When.Purpose(Purpose.Goods)))
            .Build(), RandomRules.OwnerOf);
        using SumTable sums = new(1);
        sums.Activate(plan);
        int row = 0;
        (ulong Amount, byte Tier, Purpose Purpose, ushort Source, int Rule)[] payments =
        [
            (60, 0, Purpose.Tax, 840, 0),
            (41, 0, Purpose.Tax, 840, 1),
            (40, 0, Purpose.Goods, 840, 0),
            (1, 0, Purpose.Tax, 840, 1),
            (101, 1, Purpose.Goods, 840, 2),
            (100, 1, Purpose.Goods, 840, 0),
            (51, 1, Purpose.Goods, 840, 1),
            (1_000, 2, Purpose.Tax, 840, 0),
            (1_000, 0, Purpose.Goods, 276, 0),
            (1, 2, Purpose.Goods, 840, 2),
        ];
        RuleChunk chunk = new([.. payments.Select(one =>
            new RuleFacts(one.Source, 276, USD, one.Amount, one.Tier, (byte)one.Purpose, 0, 1))]);
        plan.Judge(chunk.Columns, payments.Length, chunk.DeniedBy, chunk.ReviewedBy, chunk.Limits, chunk.LimitMask);
        ulong time = At("2024-05-05T12:00:00Z");
        List<int> rules = [];
        for (int i = 0; i < payments.Length; i++)
        {
            ushort rule = plan.FirstLimitExceeded(chunk.Limits[i], chunk.LimitMask[i], USD, payments[i].Tier, payments[i].Amount,
                sums, row, time);
            rules.Add(rule);
            if (rule != 0 || !plan.NeedsSums(payments[i].Source, USD))
                continue;
            row = row == 0 ? sums.Take() : row;
            sums.Add(row, payments[i].Amount, time);
        }

        Assert.That(rules, Is.EqualTo(payments.Select(one => one.Rule)));
    }

    [Test]
    public void A_sum_beyond_64_bits_saturates_and_stays_above_every_ceiling()
    {
        RulePlan plan = Plan(LimitWindow.Rolling30Days, LimitWindow.Month);
        using SumTable sums = new(1);
        sums.Activate(plan);
        int row = sums.Take();
        ulong start = At("2024-05-01T00:00:00Z");
        for (ulong day = 0; day < 3; day++)
            sums.Add(row, ulong.MaxValue / 2 + 1, start + day * Limits.NsPerDay);

        Assert.Multiple(() =>
        {
            Assert.That(sums.Sum(row, SumWindow.Rolling30Days, start + 2 * Limits.NsPerDay), Is.EqualTo(ulong.MaxValue));
            Assert.That(sums.Sum(row, SumWindow.Month, start + 2 * Limits.NsPerDay), Is.EqualTo(ulong.MaxValue));
            Assert.That(sums.Sum(row, SumWindow.Rolling30Days, start + 30 * Limits.NsPerDay), Is.EqualTo(ulong.MaxValue),
                "two days are left");
            Assert.That(sums.Sum(row, SumWindow.Rolling30Days, start + 31 * Limits.NsPerDay), Is.EqualTo(ulong.MaxValue / 2 + 1),
                "one is left, exact again");
        });
    }

    [Test]
    public void Holders_share_a_row_per_currency_and_a_full_table_says_so()
    {
        using SumTable sums = new(3);
        Assert.That(sums.RowOf(7, USD), Is.Zero);
        int first = sums.TakeFor(7, USD);
        int second = sums.TakeFor(7, 978);
        int third = sums.Take();

        Assert.Multiple(() =>
        {
            Assert.That((int[])[first, second, third], Is.EqualTo((int[])[1, 2, 3]));
            Assert.That(sums.TakeFor(7, USD), Is.EqualTo(1));
            Assert.That(sums.RowOf(7, 978), Is.EqualTo(2));
            Assert.That(sums.Take(), Is.Zero);
            Assert.That(sums.TakeFor(8, USD), Is.Zero);
            Assert.That(sums.RowOf(8, USD), Is.Zero);
            Assert.That(sums.RowsUsed, Is.EqualTo(3));
        });
    }

    [Test]
    public void Many_holders_are_found_again()
    {
        Random random = PrintedSeed.Create();
        using SumTable sums = new(20_000);
        Dictionary<(ulong, ushort), int> rows = [];
        for (int i = 0; i < 20_000; i++)
        {
            // Zero is a holder like any other here; high and low bits both vary.
            (ulong, ushort) key = ((ulong)random.Next(3_000) << random.Next(50), RandomRules.Currencies[random.Next(5)]);
            int row = sums.TakeFor(key.Item1, key.Item2);
            Assert.That(rows.TryGetValue(key, out int before) ? before : rows.Count + 1, Is.EqualTo(row));
            rows[key] = row;
        }
        foreach (((ulong holder, ushort currency), int row) in rows)
            Assert.That(sums.RowOf(holder, currency), Is.EqualTo(row));
    }

    [Test]
    public void The_fold_tells_amounts_days_rows_order_and_activations_apart()
    {
        static string Fold(params (int Row, ulong Amount, int Day)[] payments)
        {
            using SumTable sums = new(4);
            sums.Take();
            sums.Take();
            foreach ((int row, ulong amount, int day) in payments)
                if (row == 0)
                    sums.Activate(Plan(LimitWindow.YearFrom(1, 1)));
                else
                    sums.Add(row, amount, (ulong)day * Limits.NsPerDay);
            byte[] fold = new byte[SumTable.FoldBytes];
            sums.FoldInto(fold);
            return Convert.ToHexString(fold);
        }

        string[] folds =
        [
            Fold(), Fold((0, 0, 0)), Fold((1, 5, 3)), Fold((2, 5, 3)), Fold((1, 6, 3)), Fold((1, 5, 4)),
                Fold((1, 5, 3), (1, 5, 3)),
            Fold((1, 5, 3), (2, 6, 3)), Fold((2, 6, 3), (1, 5, 3)), Fold((0, 0, 0), (1, 5, 3)), Fold((1, 5, 3), (0, 0, 0)),
        ];
        Assert.Multiple(() =>
        {
            Assert.That(folds, Is.Unique);
            Assert.That(Fold((1, 5, 3), (0, 0, 0)), Is.EqualTo(folds[^1]), "a function of what happened");
        });
    }

    [Test]
    public void Time_that_runs_backwards_and_row_zero_are_broken_invariants()
    {
        using SumTable sums = new(1);
        int row = sums.Take();
        sums.Add(row, 1, 5 * Limits.NsPerDay);

        Assert.Multiple(() =>
        {
            Assert.That(() => sums.Add(row, 1, 4 * Limits.NsPerDay), Throws.InvalidOperationException);
            Assert.That(() => sums.Add(0, 1, 5 * Limits.NsPerDay), Throws.InvalidOperationException);
            Assert.That(() => sums.Sum(2, SumWindow.Day, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }

    [Test]
    public void The_calendar_agrees_with_the_frameworks_on_every_day_that_64_bits_can_name()
    {
        int last = Calendar.DayOf(ulong.MaxValue);
        for (int day = 0; day <= last; day++)
        {
            DateTime date = DateTime.UnixEpoch.AddDays(day);
            if (Calendar.Civil(day) != (date.Year, date.Month, date.Day)
                || Calendar.DayOf(date.Year, date.Month, date.Day) != day ||
                Calendar.DaysOfMonth(date.Year, date.Month) != DateTime.DaysInMonth(date.Year, date.Month))
                Assert.Fail($"day {day}: {date:O}");
        }
        Assert.That(last, Is.EqualTo(213_503));
    }
}
