using System.Text;
using Settlement.Engine.Text;
using Settlement.Gateway.Input;
using static Settlement.Tests.Gateway.Input.InputTexts;

namespace Settlement.Tests.Gateway.Input;

/// <summary>Whatever bytes come, a reader ends with records or an <see cref="InputException"/>, and holds little.</summary>
public sealed class InputFuzzTests
{
    private const int RoundsEach = 400;

    private const string Pain =
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\"><CstmrCdtTrfInitn><GrpHdr><MsgId>M</MsgId><NbOfTxs>1</NbOfTxs><CtrlSum>1.5</CtrlSum></GrpHdr>"
        + "<PmtInf><PmtInfId>B</PmtInfId><ReqdExctnDt><Dt>2020-01-01</Dt></ReqdExctnDt><DbtrAcct><Id><IBAN>A</IBAN></Id></DbtrAcct>"
        + "<CdtTrfTxInf><PmtId><InstrId>I</InstrId><EndToEndId>E</EndToEndId></PmtId><Amt><InstdAmt Ccy=\"CHF\">1.5</InstdAmt></Amt>"
        + "<CdtrAcct><Id><Othr><Id>B</Id></Othr></Id></CdtrAcct></CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn></Document>";

    private const string PaymentRows =
        "id,payer,payee,amount,currency,instruction,reference,purpose,level,valid_until,refundable\n"
        + "0190163d-8694-739b-aea5-966c26f8ad91,7,8,12.34,EUR,immediate,5,goods,1,2026-01-01T00:00:00Z,yes\n"
        + "shop:5,,,\"1\",840,capture,till:7,,,,\n,reserve:EUR,8,1,EUR,issue,,,,,\n";

    private const string WalletRows = "wallet,country,participant,currency,opening,tier,level,status,holder\n7,DE,\"B\",EUR,1.5,1,2,active,9\n7,DE,B,USD,,1,2,,9\n";

    private readonly AccountsFile _accounts = Accounts("A,1\nB,2");

    [Test]
    public void Random_bytes_end_in_records_or_an_input_exception()
    {
        Random random = PrintedSeed.Create();
        for (int round = 0; round < RoundsEach; round++)
        {
            byte[] bytes = new byte[random.Next(0, 400)];
            random.NextBytes(bytes);
            ReadAll(bytes, random);
        }
    }

    [TestCase(PaymentRows, 3)]
    [TestCase(WalletRows, 2)]
    [TestCase(Pain, 1)]
    [TestCase("account,wallet\nCH0309000000250090342,1\n\"b\",2\n", 2)]
    public void Damaged_files_end_in_records_or_an_input_exception(string good, int records)
    {
        Random random = PrintedSeed.Create();
        byte[] source = Encoding.UTF8.GetBytes(good);
        Assert.That(ReadAll(source, random), Is.EqualTo(records), "the file is good before it is damaged");
        int read = 0, refused = 0;
        for (int round = 0; round < RoundsEach; round++)
        {
            byte[] bytes = Damage(source, random);
            if (ReadAll(bytes, random) >= 0)
                read++;
            else
                refused++;
        }
        Assert.That(read > 0 && refused > 0, "both outcomes were met");
    }

    [Test]
    public void A_long_file_of_rubbish_takes_no_more_memory_than_a_short_one()
    {
        string[] endless = ["x", "\"", ",", "<", "<a>", "<a b='", "<a>\n", "\n", ",7,8,1,EUR\n"];
        foreach (string piece in endless)
        {
            foreach (string start in new[] { "", PaymentHeader, "<Document xmlns=\"pain.001.001.03\"><CstmrCdtTrfInitn>" })
            {
                using var stream = new InputStream(new Repeated(start, piece, 4 << 20), "rubbish", canReread: true, hashed: false);
                long before = GC.GetAllocatedBytesForCurrentThread();
                Count(() => PaymentInput.Open(stream, Options with { Accounts = _accounts }));
                Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(2 << 20), $"{start} then {piece} for ever");
            }
        }
    }

    /// <returns>How many records whichever reader takes the bytes gave; -1: it refused them.</returns>
    private int ReadAll(byte[] bytes, Random random)
    {
        int most = random.Next(1, 500);
        InputStream Input() => new(new Trickle(bytes, () => random.Next(1, most + 1)), "file", canReread: true, hashed: random.Next(2) == 0);
        int payments = Count(() => PaymentInput.Open(Input(), Options with { Accounts = _accounts }));
        int wallets = Try(() =>
        {
            using InputStream input = Input();
            using var reader = new WalletCsvReader(input, new CurrencyScales());
            var records = new WalletRecord[4];
            int count = 0;
            for (int read; (read = reader.Read(records)) > 0;)
                count += read;
            return count;
        });
        int accounts = Try(() => AccountsFile.Load(Input()).Count);
        int scanned = Try(() =>
        {
            using var scanner = new CsvScanner(Input());
            int count = 0;
            while (scanner.Next(wait: true))
                count++;
            return count;
        });
        Assert.That(scanned, Is.GreaterThanOrEqualTo(-1));
        return Math.Max(payments, Math.Max(wallets, accounts));
    }

    private static int Count(Func<IPaymentReader> open) => Try(() =>
    {
        using IPaymentReader reader = open();
        var records = new PaymentRecord[64];
        int count = 0;
        for (int read; (read = reader.Read(records)) > 0;)
            count += read;
        return count;
    });

    private static int Try(Func<int> read)
    {
        try
        {
            return read();
        }
        catch (InputException fault)
        {
            Assert.That(fault.Message, Does.Not.Contain("\n").And.Length.LessThan(1_100), "one sentence on one line");
            return -1;
        }
    }

    private static byte[] Damage(byte[] source, Random random)
    {
        List<byte> bytes = [.. source];
        for (int edits = random.Next(1, 4); edits > 0; edits--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: bytes.RemoveRange(at, random.Next(bytes.Count - at)); break;
                case 3: bytes.InsertRange(at, bytes.GetRange(at, random.Next(bytes.Count - at))); break;
                default: bytes.Insert(at, "\"',\n\r<>:.-09\0é"u8[random.Next(14)]); break;
            }
            if (bytes.Count == 0)
                break;
        }
        return [.. bytes];
    }

    /// <summary>A start and then one piece again and again, made as it is read.</summary>
    private sealed class Repeated(string start, string piece, int length) : MemoryStream
    {
        private readonly byte[] _start = Encoding.UTF8.GetBytes(start);
        private readonly byte[] _piece = Encoding.UTF8.GetBytes(piece);
        private int _at;

        public override int Read(Span<byte> buffer)
        {
            int count = Math.Min(buffer.Length, length - _at);
            for (int i = 0; i < count; i++, _at++)
                buffer[i] = _at < _start.Length ? _start[_at] : _piece[(_at - _start.Length) % _piece.Length];
            return count;
        }
    }
}
