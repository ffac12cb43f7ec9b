using System.Globalization;
using System.Numerics;
using System.Text;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Domain;

public sealed class AmountTextTests
{
    [TestCase("12", 2, 1200ul)]
    [TestCase("12.3", 2, 1230ul)]
    [TestCase("0012.30", 2, 1230ul)]
    [TestCase("1.230", 2, 123ul)]
    [TestCase("0", 0, 0ul)]
    [TestCase("7.000000000000000000000000", 0, 7ul)]
    [TestCase("00000000000000000000000000000000000000042.1", 1, 421ul)]
    [TestCase("18446744073709551615", 0, ulong.MaxValue)]
    [TestCase("184467440737095516.15", 2, ulong.MaxValue)]
    [TestCase("18.446744073709551615", 18, ulong.MaxValue)]
    [TestCase("0.000000000000000001", 18, 1ul)]
    public void A_decimal_text_is_read_exactly(string text, int scale, ulong expected)
    {
        Assert.That(AmountText.TryParse(text, scale, out ulong amount, out AmountError error), Is.True);
        Assert.That(amount, Is.EqualTo(expected));
        Assert.That(error, Is.EqualTo(AmountError.None));
    }

    [TestCase("", 2, AmountError.Empty)]
    [TestCase("-1", 2, AmountError.NotDecimal)]
    [TestCase("+1", 2, AmountError.NotDecimal)]
    [TestCase("1e3", 2, AmountError.NotDecimal)]
    [TestCase("1,000", 2, AmountError.NotDecimal)]
    [TestCase("1'000", 2, AmountError.NotDecimal)]
    [TestCase("1 000", 2, AmountError.NotDecimal)]
    [TestCase(" 1", 2, AmountError.NotDecimal)]
    [TestCase(".5", 2, AmountError.NotDecimal)]
    [TestCase("5.", 2, AmountError.NotDecimal)]
    [TestCase(".", 2, AmountError.NotDecimal)]
    [TestCase("1.2.3", 2, AmountError.NotDecimal)]
    [TestCase("0x10", 2, AmountError.NotDecimal)]
    [TestCase("NaN", 2, AmountError.NotDecimal)]
    [TestCase("\u0661\u0662", 2, AmountError.NotDecimal)]
    [TestCase("1.234", 2, AmountError.TooFine)]
    [TestCase("1.1", 0, AmountError.TooFine)]
    [TestCase("99999999999999999999.001", 2, AmountError.TooFine)]
    [TestCase("99999999999999999999x", 2, AmountError.NotDecimal)]
    [TestCase("18446744073709551616", 0, AmountError.TooLarge)]
    [TestCase("184467440737095516.16", 2, AmountError.TooLarge)]
    [TestCase("18446744073709551615", 1, AmountError.TooLarge)]
    [TestCase("19", 18, AmountError.TooLarge)]
    [TestCase("340282366920938463463374607431768211456", 0, AmountError.TooLarge)]
    public void What_is_no_amount_is_refused_with_its_reason(string text, int scale, AmountError expected)
    {
        Assert.That(AmountText.TryParse(text, scale, out ulong amount, out AmountError error), Is.False);
        Assert.That(error, Is.EqualTo(expected));
        Assert.That(amount, Is.Zero);
        Assert.That(AmountText.TryParse(Encoding.UTF8.GetBytes(text), scale, out _, out AmountError ofBytes), Is.False);
        Assert.That(ofBytes, Is.EqualTo(expected));
    }

    [TestCase(0ul, 0, "0")]
    [TestCase(0ul, 2, "0.00")]
    [TestCase(5ul, 2, "0.05")]
    [TestCase(1230ul, 2, "12.30")]
    [TestCase(ulong.MaxValue, 18, "18.446744073709551615")]
    [TestCase(ulong.MaxValue, 0, "18446744073709551615")]
    public void An_amount_is_written_with_all_digits_of_its_scale(ulong amount, int scale, string expected)
    {
        Span<byte> text = stackalloc byte[AmountText.BytesMax];
        Assert.That(AmountText.Format(amount, scale, text, out int written), Is.True);
        Assert.That(Encoding.ASCII.GetString(text[..written]), Is.EqualTo(expected));
        Assert.That(AmountText.ToText(amount, scale), Is.EqualTo(expected));
    }

    [Test]
    public void A_sum_is_written_with_its_sign_and_to_the_ends_of_128_bits()
    {
        Assert.That(AmountText.ToText((Int128)(-5), 2), Is.EqualTo("-0.05"));
        Assert.That(AmountText.ToText(Int128.MaxValue, 0), Is.EqualTo("170141183460469231731687303715884105727"));
        Assert.That(AmountText.ToText(Int128.MinValue, 2), Is.EqualTo("-1701411834604692317316873037158841057.28"));
    }

    [Test]
    public void A_destination_that_is_too_short_is_left_and_said()
    {
        Span<byte> text = stackalloc byte[4];
        Assert.That(AmountText.Format(12345, 2, text, out _), Is.False);
        Assert.That(AmountText.Format(123, 2, text, out int written), Is.True);
        Assert.That(written, Is.EqualTo(4));
    }

    [TestCase(-1)]
    [TestCase(19)]
    public void A_scale_outside_0_to_18_is_a_fault_of_the_caller(int scale)
    {
        Assert.That(() => AmountText.TryParse("1", scale, out _, out _), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => AmountText.ToText(1ul, scale), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void What_is_written_is_read_back_and_agrees_with_a_big_integer()
    {
        Random random = PrintedSeed.Create();
        byte[] text = new byte[AmountText.BytesMax];
        for (int round = 0; round < 50_000; round++)
        {
            ulong amount = (ulong)random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);
            int scale = random.Next(Limits.ScaleMax + 1);
            Assert.That(AmountText.Format(amount, scale, text, out int written), Is.True);
            string asText = Encoding.ASCII.GetString(text, 0, written);

            Assert.That(asText, Is.EqualTo(AmountText.ToText(amount, scale)));
            Assert.That(AmountText.TryParse(text.AsSpan(0, written), scale, out ulong again, out _), Is.True, asText);
            Assert.That(again, Is.EqualTo(amount), asText);
            Assert.That(BigInteger.Parse(asText.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture),
                Is.EqualTo((BigInteger)amount));
        }
    }

    /// <summary>The slow and obvious reader: decimal digits as one big integer, judged by division.</summary>
    [Test]
    public void Random_digit_texts_are_judged_as_by_big_integers()
    {
        Random random = PrintedSeed.Create();
        int[] seen = new int[5];
        for (int round = 0; round < 50_000; round++)
        {
            int scale = random.Next(Limits.ScaleMax + 1);
            string whole = Digits(random, random.Next(1, 24)), fraction = Digits(random, random.Next(0, 24));
            string text = fraction.Length == 0 ? whole : $"{whole}.{fraction}";

            BigInteger scaled = BigInteger.Parse(whole + fraction, CultureInfo.InvariantCulture) * BigInteger.Pow(10, scale);
            BigInteger units = BigInteger.DivRem(scaled, BigInteger.Pow(10, fraction.Length), out BigInteger rest);
            AmountError expected = !rest.IsZero ? AmountError.TooFine : units > ulong.MaxValue ? AmountError.TooLarge : AmountError.None;

            AmountText.TryParse(text, scale, out ulong amount, out AmountError error);
            Assert.That(error, Is.EqualTo(expected), $"{text} at scale {scale}");
            Assert.That((BigInteger)amount, Is.EqualTo(expected == AmountError.None ? units : 0), $"{text} at scale {scale}");
            seen[(int)error]++;
        }
        Assert.That(seen[(int)AmountError.None] > 1_000 && seen[(int)AmountError.TooFine] > 1_000 && seen[(int)AmountError.TooLarge] > 1_000);
    }

    [Test]
    public void Ordinary_money_agrees_with_the_frameworks_decimal()
    {
        Random random = PrintedSeed.Create();
        for (int round = 0; round < 20_000; round++)
        {
            decimal value = random.Next() / 100m;
            string text = value.ToString(CultureInfo.InvariantCulture);
            Assert.That(AmountText.TryParse(text, 4, out ulong amount, out _), Is.True, text);
            Assert.That(amount, Is.EqualTo((ulong)(value * 10_000m)), text);
        }
    }

    private static string Digits(Random random, int count) =>
        string.Create(count, random, static (span, random) =>
        {
            // Runs of zeros at both ends are the interesting texts.
            bool zeros = random.Next(3) == 0;
            for (int at = 0; at < span.Length; at++)
                span[at] = zeros && random.Next(8) != 0 ? '0' : (char)('0' + random.Next(10));
        });
}
