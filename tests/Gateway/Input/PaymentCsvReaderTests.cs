using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Gateway.Input;
using static Settlement.Tests.Gateway.Input.InputTexts;

namespace Settlement.Tests.Gateway.Input;

public sealed class PaymentCsvReaderTests
{
    private const string FullHeader = "id,payer,payee,amount,currency,instruction,reference,purpose,level,valid_until,refundable\n";
    private const string Uuid = "0190163d-8694-739b-aea5-966c26f8ad91";

    [Test]
    public void A_short_record_is_a_micropayment_with_nothing_else()
    {
        PaymentRecord record = Payment(PaymentHeader + Uuid + ",7,8,12.34,EUR\n");
        Assert.That(record.Payment, Is.EqualTo(new Payment
        {
            IdHigh = 0x0190163d8694739b,
            IdLow = 0xaea5966c26f8ad91,
            Payer = 7,
            Payee = 8,
            Amount = 1234,
            Currency = 978,
            Instruction = Instruction.Micropayment,
        }));
        Assert.That(record.Line, Is.EqualTo(2));
        Assert.That(record.IdIsEmpty, Is.False);
    }

    [Test]
    public void A_full_record_fills_every_field()
    {
        PaymentRecord record = Payment(FullHeader + "0000000000000abc:9,7,8,5,392,IMMEDIATE,77,family_support,200,1970-01-01T00:00:01.5Z,Yes\n");
        Assert.That(record.Payment, Is.EqualTo(new Payment
        {
            IdHigh = 0xabc,
            IdLow = 9,
            Payer = 7,
            Payee = 8,
            Amount = 5,
            Reference = 77,
            ValidUntilNs = 1_500_000_000,
            Currency = 392,
            Instruction = Instruction.Immediate,
            Flags = PaymentFlags.StreamId | PaymentFlags.Refundable,
            Level = 200,
            Purpose = Purpose.FamilySupport,
        }));
    }

    [Test]
    public void Columns_may_stand_in_any_order_and_case()
    {
        PaymentRecord record = Payment("Currency,AMOUNT,payee,id,Payer\nusd,1,8,,7\n");
        Assert.That((record.Payment.Payer, record.Payment.Payee, record.Payment.Amount, record.Payment.Currency), Is.EqualTo((7ul, 8ul, 100ul, (ushort)840)));
    }

    [TestCase("hold", Instruction.Hold)]
    [TestCase("Micropayment", Instruction.Micropayment)]
    [TestCase("", Instruction.Micropayment)]
    public void An_instruction_is_a_name_in_either_case(string text, Instruction expected) =>
        Assert.That(Payment($"id,payer,payee,amount,currency,instruction\n,7,8,1,EUR,{text}\n").Payment.Instruction, Is.EqualTo(expected));

    [TestCase("unstated", Purpose.Unstated)]
    [TestCase("goods", Purpose.Goods)]
    [TestCase("Family_Support", Purpose.FamilySupport)]
    [TestCase("tax", Purpose.Tax)]
    [TestCase("9", Purpose.Tax)]
    [TestCase("4", Purpose.Medical)]
    [TestCase("", Purpose.Unstated)]
    public void A_purpose_is_a_name_or_its_number(string text, Purpose expected) =>
        Assert.That(Payment($"id,payer,payee,amount,currency,purpose\n,7,8,1,EUR,{text}\n").Payment.Purpose, Is.EqualTo(expected));

    [TestCase("")]
    [TestCase("0")]
    [TestCase("reserve:EUR")]
    [TestCase("Reserve:978")]
    public void Issue_and_redeem_have_the_reserve_on_one_side(string reserve)
    {
        const string header = "id,payer,payee,amount,currency,instruction,reference\n";
        Payment issue = Payment($"{header},{reserve},8,1,EUR,issue,5\n").Payment;
        Assert.That((issue.Payer, issue.Payee, issue.Reference), Is.EqualTo((0ul, 8ul, 5ul)));
        Payment redeem = Payment($"{header},7,{reserve},1,EUR,redeem,5\n").Payment;
        Assert.That((redeem.Payer, redeem.Payee, redeem.Reference), Is.EqualTo((7ul, 0ul, 5ul)));
    }

    [TestCase("capture", "1.5", 150ul)]
    [TestCase("refund", "1.5", 150ul)]
    [TestCase("void", "", 0ul)]
    [TestCase("void", "0.00", 0ul)]
    public void Capture_void_and_refund_name_their_target(string instruction, string amount, ulong expected)
    {
        const string header = "id,payer,payee,amount,currency,instruction,reference\n";
        Payment byUuid = Payment($"{header},,0,{amount},EUR,{instruction},{Uuid}\n").Payment;
        Assert.That(byUuid.TargetId, Is.EqualTo(new UInt128(0x0190163d8694739b, 0xaea5966c26f8ad91)));
        Assert.That((byUuid.Payer, byUuid.Amount), Is.EqualTo((0ul, expected)));
        Payment byStream = Payment($"{header},,,{amount},EUR,{instruction},till 7:42\n").Payment;
        Assert.That(byStream.TargetId, Is.EqualTo(new UInt128(StreamName.OfName("till 7"), 42)));
    }

    [Test]
    public void Amounts_are_read_at_the_ledgers_scale()
    {
        var scales = new CurrencyScales();
        scales.Declare(978, 6);
        PaymentReaderOptions options = Options with { Scales = scales };
        Assert.That(Payment(PaymentHeader + ",7,8,0.000001,EUR", options).Payment.Amount, Is.EqualTo(1));
        Assert.That(Payment(PaymentHeader + ",7,8,1,BHD", options).Payment.Amount, Is.EqualTo(1_000), "others at ISO's");
        Assert.That(() => scales.Declare(978, 1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => scales.Declare(978, 19), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => scales.Declare(999, 2), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Records_without_id_are_numbered_among_themselves_in_the_files_stream()
    {
        const string text = PaymentHeader + ",7,8,1,EUR\nshop:3,7,8,1,EUR\n,7,8,2,EUR\n";
        List<PaymentRecord> unnamed = Payments(text), named = Payments(text, Options with { Stream = 99 });
        Assert.That(unnamed.Select(r => (r.IdIsEmpty, r.Payment.IdHigh, r.Payment.IdLow, r.Payment.HasStreamId)), Is.EqualTo(new[]
        {
            (true, 0ul, 1ul, true), (false, StreamName.OfName("shop"), 3ul, true), (true, 0ul, 2ul, true),
        }));
        Assert.That(named.Select(r => (r.IdIsEmpty, r.Payment.IdHigh, r.Payment.IdLow)), Is.EqualTo(new[]
        {
            (true, 99ul, 1ul), (false, StreamName.OfName("shop"), 3ul), (true, 99ul, 2ul),
        }));
    }

    [Test]
    public void From_a_pipe_a_record_without_id_needs_a_named_stream()
    {
        const string text = PaymentHeader + "shop:3,7,8,1,EUR\n,7,8,2,EUR\n";
        IPaymentReader reader = PaymentInput.Open(Stream(text, "standard input", canReread: false), Options);
        InputException fault = Thrown(() => All(reader));
        Assert.That(fault.Message, Does.StartWith("standard input, line 3, column id: ").And.Contain("--stream NAME"));
        Assert.That(All(PaymentInput.Open(Stream(text, "standard input", canReread: false), Options with { Stream = 5 })), Has.Count.EqualTo(2));
    }

    [Test]
    public void Good_records_before_a_bad_one_are_returned_first_and_the_fault_stays()
    {
        using IPaymentReader reader = PaymentInput.Open(Stream(PaymentHeader + ",7,8,1,EUR\n,7,8,2,EUR\n,7,8,x,EUR\n,7,8,4,EUR\n"), Options);
        var records = new PaymentRecord[10];
        Assert.That(reader.Read(records), Is.EqualTo(2));
        for (int again = 0; again < 2; again++)
            Assert.That(Thrown(() => reader.Read(records)).Line, Is.EqualTo(4));
    }

    [Test]
    public void Lines_are_counted_over_blank_lines_and_quoted_line_ends()
    {
        List<PaymentRecord> records = Payments("id,payer,payee,amount,currency\r\n\r\n\"\",7,8,1,\"EUR\"\r\n\n,7,8,\"2\",EUR");
        Assert.That(records.Select(r => (r.Line, r.Payment.Amount)), Is.EqualTo(new[] { (3L, 100ul), (5L, 200ul) }));
    }

    [Test]
    public void Reading_allocates_nothing_for_a_record()
    {
        var text = new StringBuilder(FullHeader);
        for (int row = 0; row < 4_000; row++)
        {
            text.Append(Uuid).Append(",7,8,12.34,EUR,micropayment,5,goods,1,2026-01-01T00:00:00Z,no\n");
            text.Append("shop:").Append(row + 1).Append(",\"7\",8,12.34,EUR,hold,5,goods,1,,\n,,8,1,JPY,issue,,,,,\n");
        }
        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
        var records = new PaymentRecord[256];
        long Allocated()
        {
            using IPaymentReader reader = PaymentInput.Open(Stream(bytes), Options);
            int count = reader.Read(records);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int read; (read = reader.Read(records)) > 0;)
                count += read;
            long after = GC.GetAllocatedBytesForCurrentThread();
            Assert.That(count, Is.EqualTo(12_000));
            return after - before;
        }

        // Until it is compiled for good, the runtime may allocate on this thread; what a record costs shows every time.
        Assert.That(Enumerable.Range(0, 6).Min(_ => Allocated()), Is.Zero);
    }
}

public sealed class StreamNameTests
{
    [Test]
    public void A_content_is_named_by_the_first_eight_bytes_of_its_hash_little_endian()
    {
        byte[] content = "id,payer\n"u8.ToArray();
        Assert.That(StreamName.OfContent(new MemoryStream(content)), Is.EqualTo(BitConverter.ToUInt64(SHA256.HashData(content))));
        Assert.That(StreamName.OfName("shop"), Is.EqualTo(BitConverter.ToUInt64(SHA256.HashData("shop"u8))));
        Assert.That(StreamName.OfHash(new byte[32]), Is.EqualTo(1), "never 0");
    }

    [Test]
    public void Sixteen_hexadecimal_digits_are_the_number_and_anything_else_a_name()
    {
        Assert.That(StreamName.TryParse("00000000000000Ff", out ulong number) && number == 255);
        Assert.That(StreamName.TryParse("0000000000000Ff", out ulong name) && name == StreamName.OfName("0000000000000Ff"));
        Assert.That(StreamName.TryParse("000000000000000g", out name) && name == StreamName.OfName("000000000000000g"));
        Assert.That(StreamName.TryParse("0000000000000000", out _), Is.False);
        Assert.That(StreamName.TryParse("", out _), Is.False);
        Assert.That(StreamName.TryParse(new string('n', 64), out _), Is.True);
        Assert.That(StreamName.TryParse(new string('n', 65), out _), Is.False);
    }
}

public sealed class PaymentIdTextTests
{
    [TestCase("0190163d-8694-739b-aea5-966c26f8ad91")]
    [TestCase("f47ac10b-58cc-4372-a567-0e02b2c3d479")]
    [TestCase("00000000-0000-0000-0000-000000000001")]
    [TestCase("00000000000000ab:1")]
    [TestCase("ffffffffffffffff:18446744073709551615")]
    public void An_id_is_written_as_it_was_read(string text)
    {
        Assert.That(new PaymentIdText().TryParse(Encoding.ASCII.GetBytes(text), out ulong high, out ulong low, out bool isStream));
        Assert.That(PaymentIdText.Format(high, low, isStream), Is.EqualTo(text));
        Assert.That(text, Has.Length.LessThanOrEqualTo(PaymentIdText.CharsMax));
    }

    [TestCase("00000000-0000-0000-0000-000000000000")]
    [TestCase("0190163d8694739baea5966c26f8ad91")]
    [TestCase("{0190163d-8694-739b-aea5-966c26f8ad91}")]
    [TestCase("0190163d-8694-739b-aea5-966c26f8ad9")]
    [TestCase("0190163d-8694-739b-aea5-966c26f8ad9x")]
    [TestCase("shop:0")]
    [TestCase("shop:-1")]
    [TestCase("shop:1.5")]
    [TestCase("shop:")]
    [TestCase("shop")]
    [TestCase(":1")]
    [TestCase("0000000000000000:1")]
    [TestCase("shop:18446744073709551616")]
    [TestCase("")]
    public void What_is_no_id_is_refused(string text) =>
        Assert.That(new PaymentIdText().TryParse(Encoding.ASCII.GetBytes(text), out _, out _, out _), Is.False);

    [Test]
    public void A_name_that_changes_from_record_to_record_is_never_mixed_up()
    {
        var ids = new PaymentIdText();
        foreach (string name in new[] { "a", "ab", "a", "a", "b", "a:b", "00000000000000aa", "a" })
        {
            Assert.That(ids.TryParse(Encoding.ASCII.GetBytes(name + ":7"), out ulong high, out ulong low, out bool isStream));
            ulong expected = name.Length == 16 ? 0xaa : StreamName.OfName(name);
            Assert.That((high, low, isStream), Is.EqualTo((expected, 7ul, true)), name);
        }
    }
}
