using System.Security.Cryptography;
using Settlement.Engine.Domain;
using Settlement.Perf.Generate;

namespace Settlement.Tests.Perf;

public sealed class PaymentGeneratorTests
{
    private static readonly GenerateOptions s_small = new() { Payments = 20_000, Wallets = 1_000 };

    [TestCase(IdKind.Stream)]
    [TestCase(IdKind.UuidV7)]
    [TestCase(IdKind.UuidV4)]
    [TestCase(IdKind.None)]
    public void The_same_options_give_the_same_bytes_and_another_seed_gives_others(IdKind ids)
    {
        GenerateOptions options = s_small with { Ids = ids };
        string first = HashOf(options);
        Assert.That(HashOf(options with { }), Is.EqualTo(first));
        Assert.That(HashOf(options with { Seed = 2 }), Is.Not.EqualTo(first));
    }

    [Test]
    public void Bytes_do_not_change_from_one_version_or_machine_to_the_next() =>
        Assert.That(HashOf(s_small), Is.EqualTo("4fd39c55ae64bf6b940db071a48a1e74107e17030bb11bbaf6a14edbaefca90e"), "files are named by their seed: change the generator only on purpose");

    [Test]
    public void A_longer_file_begins_with_the_payments_of_the_shorter_one()
    {
        Payment[] all = Payments(s_small, 5_000);
        var generator = new PaymentGenerator(s_small);
        var parts = new Payment[5_000];
        generator.Fill(parts.AsSpan(0, 1));
        generator.Fill(parts.AsSpan(1, 1_023));
        generator.Fill(parts.AsSpan(1_024));
        Assert.That(parts, Is.EqualTo(all));
    }

    [Test]
    public void Gzip_holds_the_same_text()
    {
        using var folder = new TemporaryFolder();
        CsvFiles.Write(s_small, folder.Path);
        CsvFiles.Write(s_small, folder.Path, gzip: true);
        using var zipped = new System.IO.Compression.GZipStream(File.OpenRead(folder.PathOf("payments.csv.gz")), System.IO.Compression.CompressionMode.Decompress);
        using var text = new MemoryStream();
        zipped.CopyTo(text);
        Assert.That(text.ToArray(), Is.EqualTo(File.ReadAllBytes(folder.PathOf("payments.csv"))));
    }

    [Test]
    public void A_file_of_any_size_takes_no_memory_that_grows()
    {
        var generator = new PaymentGenerator(s_small with { Wallets = 1_000_000, Currencies = 8 });
        using var text = new CsvText(Stream.Null);
        CsvFiles.WritePayments(generator, 5_000, IdKind.Stream, text);
        long before = GC.GetAllocatedBytesForCurrentThread();
        CsvFiles.WritePayments(generator, 100_000, IdKind.Stream, text);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(100_000), "one chunk of 64 KiB and the header, not 64 bytes a line");
    }

    [TestCase(PayerSkew.Zipf, 3, 1_000)]
    [TestCase(PayerSkew.Uniform, 8, 1_000)]
    [TestCase(PayerSkew.Zipf, 1, 4)]
    [TestCase(PayerSkew.Uniform, 8, 32)]
    public void Without_bad_ones_every_payment_is_between_two_accounts_and_no_payer_runs_dry(PayerSkew skew, int currencies, int wallets)
    {
        var options = new GenerateOptions
        {
            Payments = 50_000, Wallets = wallets, Currencies = currencies, Payers = skew, DuplicatesPerMillion = 0, BadPerMillion = 0,
        };
        var generator = new PaymentGenerator(options);
        Population people = generator.Population;
        var left = new Dictionary<(ulong Wallet, ushort Currency), ulong>();
        var levels = new Dictionary<ulong, byte>();
        for (ulong index = 0; index < people.Count - people.Frozen; index++)
        {
            GeneratedAccount account = people.AccountAt(index);
            left.Add((account.Wallet, account.Currency.Number), account.Opening);
            levels.Add(account.Wallet, account.Level);
            if (people.HasSecondAccount(index))
                left.Add((account.Wallet, people.SecondAccountAt(index).Currency.Number), 0);
        }

        var payments = new Payment[options.Payments];
        generator.Fill(payments);
        foreach (Payment payment in payments.Where(one => one.Payer != 0))
        {
            Assert.That(payment.Amount, Is.Positive);
            Assert.That(payment.Payer, Is.Not.EqualTo(payment.Payee));
            Assert.That(left, Does.ContainKey((payment.Payee, payment.Currency)));
            Assert.That(levels[payment.Payer], Is.Zero);
            Assert.That(payment.Level, Is.LessThanOrEqualTo(levels[payment.Payee]));
            ulong before = left[(payment.Payer, payment.Currency)];
            Assert.That(before, Is.GreaterThanOrEqualTo(payment.Amount), $"wallet {payment.Payer} runs dry");
            left[(payment.Payer, payment.Currency)] = before - payment.Amount;
        }
    }

    [Test]
    public void Stream_numbers_have_no_gap_and_a_number_comes_again_only_as_a_repeat()
    {
        var next = new Dictionary<ulong, ulong>();
        var seen = new Dictionary<UInt128, Payment>();
        int repeats = 0, conflicts = 0;
        foreach (Payment payment in Payments(s_small, 20_000))
        {
            Assert.That(payment.HasStreamId);
            if (seen.TryGetValue(payment.Id, out Payment first))
            {
                if (first == payment)
                    repeats++;
                else
                    conflicts++;
                Assert.That(first with { Amount = 0 }, Is.EqualTo(payment with { Amount = 0 }), "a conflict differs in the amount alone");
                continue;
            }

            Assert.That(payment.IdLow, Is.EqualTo(next.GetValueOrDefault(payment.IdHigh) + 1));
            next[payment.IdHigh] = payment.IdLow;
            seen.Add(payment.Id, payment);
        }

        Assert.That(repeats, Is.InRange(100, 300));
        Assert.That(conflicts, Is.InRange(5, 60));
    }

    [Test]
    public void Uuids_carry_their_version_and_a_uuidv7_its_time()
    {
        Payment[] v7 = Payments(s_small with { Ids = IdKind.UuidV7, DuplicatesPerMillion = 0, PaymentsPerSecond = 100, StartSeconds = 1_800_000_000 }, 500);
        Payment[] v4 = Payments(s_small with { Ids = IdKind.UuidV4, DuplicatesPerMillion = 0 }, 500);
        for (int line = 0; line < v7.Length; line++)
            Assert.That(v7[line].IdHigh >> 16, Is.EqualTo(1_800_000_000_000UL + 10UL * (ulong)line));
        Assert.That(v7.Select(one => one.IdHigh >> 12 & 15), Has.All.EqualTo(7));
        Assert.That(v4.Select(one => one.IdHigh >> 12 & 15), Has.All.EqualTo(4));
        Assert.That(v7.Concat(v4).Select(one => one.IdLow >> 62), Has.All.EqualTo(2));
        Assert.That(v7.Concat(v4).Select(one => one.Id), Is.Unique);
    }

    [Test]
    public void Captures_voids_and_refunds_follow_what_they_are_about()
    {
        var targets = new Dictionary<UInt128, Payment>();
        var seen = new HashSet<UInt128>();
        int captures = 0, partial = 0, voids = 0, refunds = 0, over = 0, again = 0;
        foreach (Payment payment in Payments(s_small with { DuplicatesPerMillion = 0 }, 20_000))
        {
            targets.TryAdd(payment.Id, payment);
            if (payment.Payer != 0 || !targets.TryGetValue(payment.TargetId, out Payment target))
                continue;
            Assert.That(payment.Currency, Is.EqualTo(target.Currency));
            Assert.That(target.Instruction == Instruction.Hold, Is.EqualTo(payment.Instruction != Instruction.Refund));
            Assert.That(payment.Instruction == Instruction.Refund, Is.EqualTo((target.Flags & PaymentFlags.Refundable) != 0));
            captures += payment.Instruction == Instruction.Capture ? 1 : 0;
            voids += payment.Instruction == Instruction.Void ? 1 : 0;
            refunds += payment.Instruction == Instruction.Refund ? 1 : 0;
            partial += payment.Amount > 0 && payment.Amount < target.Amount ? 1 : 0;
            over += payment.Amount > target.Amount ? 1 : 0;
            again += seen.Add(payment.TargetId) ? 0 : 1;
            Assert.That(payment.Instruction == Instruction.Void, Is.EqualTo(payment.Amount == 0));
        }

        Assert.That(new[] { captures, partial, voids, refunds, over, again }, Has.All.GreaterThan(20));
    }

    [Test]
    public void Bad_ones_are_of_every_kind()
    {
        GenerateOptions options = s_small with { BadPerMillion = 500_000, HoldsPerMillion = 0, RefundablePerMillion = 0, DuplicatesPerMillion = 0 };
        Population people = new(options);
        Payment[] payments = Payments(options, 5_000);
        ulong end = Population.WalletAt(people.Count);
        ulong frozenFrom = end - people.Frozen;
        ulong confidentialFrom = frozenFrom - people.Confidential;
        bool IsHeld(Payment one) => one.Payee < end && people.HasAccount(one.Payee - Population.WalletFirst, PlaceOf(one.Currency));

        Assert.That(payments.Count(one => one.Payer >= end), Is.GreaterThan(100), "unknown payer");
        Assert.That(payments.Count(one => one.Payee >= end), Is.GreaterThan(100), "unknown payee");
        Assert.That(payments.Count(one => one.Amount >= 1_000_000_000_000), Is.GreaterThan(100), "insufficient funds");
        Assert.That(payments.Count(one => one.Amount == 0), Is.GreaterThan(100), "zero");
        Assert.That(payments.Count(one => one.Payer == one.Payee), Is.GreaterThan(100), "self");
        Assert.That(payments.Count(one => one.Payer >= frozenFrom && one.Payer < end), Is.GreaterThan(100), "payer frozen");
        Assert.That(payments.Count(one => one.Payee >= frozenFrom && one.Payee < end), Is.GreaterThan(100), "payee frozen");
        Assert.That(payments.Count(one => one.Payer != 0 && one.Payee < end && one.Currency != Places.Undeclared.Number && !IsHeld(one)), Is.GreaterThan(100), "wrong currency");
        Assert.That(payments.Count(one => one.Currency == Places.Undeclared.Number), Is.GreaterThan(100), "undeclared currency");
        Assert.That(payments.Count(one => one.ValidUntilNs != 0), Is.GreaterThan(100), "expired");
        Assert.That(payments.Count(one => one.Payer >= confidentialFrom && one.Payer < frozenFrom && one.Payee < confidentialFrom), Is.GreaterThan(100), "levels");
        Assert.That(payments.Count(one => one.Instruction == Instruction.Capture), Is.GreaterThan(100), "unknown target");
    }

    [Test]
    public void The_rank_of_a_payer_and_the_payer_of_a_rank_are_inverse()
    {
        Population people = new(s_small);
        ulong[] payers = [.. Enumerable.Range(1, (int)people.Payers).Select(rank => people.PayerOfRank((ulong)rank))];
        Assert.That(payers, Is.Unique.And.All.LessThan(people.Payers));
        for (int rank = 1; rank <= payers.Length; rank++)
            Assert.That(people.RankOfPayer(payers[rank - 1]), Is.EqualTo((ulong)rank));
    }

    [Test]
    public void Corridors_and_currencies_are_many()
    {
        GenerateOptions options = s_small with { Currencies = 8, BadPerMillion = 0 };
        Population people = new(options);
        string CountryOf(ulong wallet) => people.AccountAt(wallet - Population.WalletFirst).Country;
        Payment[] payments = [.. Payments(options, 20_000).Where(one => one.Payer != 0)];
        Assert.That(payments.Select(one => one.Currency).Distinct().Count(), Is.EqualTo(8));
        Assert.That(payments.Select(one => (CountryOf(one.Payer), CountryOf(one.Payee), one.Currency)).Distinct().Count(), Is.GreaterThan(80));
        Assert.That(payments.Count(one => CountryOf(one.Payer) == CountryOf(one.Payee)), Is.InRange(payments.Length / 2, payments.Length * 9 / 10));
    }

    [Test, Category(LongRun.Category)]
    public void Seeds_without_end_keep_numbers_without_gap_and_bytes_the_same()
    {
        var time = new LongRun();
        int seed = 0;
        for (; time.MayGoOn(seed); seed++)
        {
            GenerateOptions options = s_small with { Seed = (ulong)seed, Wallets = 12 + seed * 37 % 5_000, Payments = 10_000, BadPerMillion = 100_000 };
            var last = new Dictionary<ulong, ulong>();
            foreach (Payment payment in Payments(options, 10_000))
            {
                ulong before = last.GetValueOrDefault(payment.IdHigh);
                if (payment.IdLow > before)
                    Assert.That(payment.IdLow, Is.EqualTo(before + 1), $"seed {seed}");
                last[payment.IdHigh] = Math.Max(before, payment.IdLow);
            }

            string first = HashOf(options);
            Assert.That(HashOf(options with { }), Is.EqualTo(first), $"seed {seed}");
        }

        TestContext.Out.WriteLine($"{seed} seeds");
    }

    private static ulong PlaceOf(ushort currency) => (ulong)Places.Currencies.ToList().FindIndex(one => one.Number == currency);

    private static Payment[] Payments(GenerateOptions options, int count)
    {
        var payments = new Payment[count];
        new PaymentGenerator(options).Fill(payments);
        return payments;
    }

    private static string HashOf(GenerateOptions options)
    {
        using var folder = new TemporaryFolder();
        CsvFiles.Write(options, folder.Path);
        byte[] both = [.. File.ReadAllBytes(folder.PathOf(CsvFiles.WalletsName)), .. File.ReadAllBytes(folder.PathOf(CsvFiles.PaymentsName))];
        return Convert.ToHexStringLower(SHA256.HashData(both));
    }
}
