using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Gateway.Input;
using static Settlement.Tests.Gateway.Input.InputTexts;

namespace Settlement.Tests.Gateway.Input;

public sealed class PainReaderTests
{
    private const string Debtor = "CH0309000000250090342";
    private const string Creditor = "CH5109000000250092291";

    private readonly List<InputRefusal> _refusals = [];
    private readonly List<InputWarning> _warnings = [];

    [SetUp]
    public void Forget()
    {
        _refusals.Clear();
        _warnings.Clear();
    }

    [Test]
    public void A_transaction_becomes_a_micropayment_between_the_accounts_wallets()
    {
        PaymentRecord record = Read(Message(Block(Transaction("6.20"))), line: out long line).Single();
        UInt128 id = PainText.Id("M", "B", "E", "I");
        Assert.That(record.Payment, Is.EqualTo(new Payment
        {
            IdHigh = (ulong)(id >> 64),
            IdLow = (ulong)id,
            Payer = 1,
            Payee = 2,
            Amount = 620,
            Currency = 756,
            Instruction = Instruction.Micropayment,
        }));
        Assert.That(record.Line, Is.EqualTo(line));
        Assert.That((record.IdIsEmpty, _refusals.Count, _warnings.Count), Is.EqualTo((false, 0, 0)));
    }

    [TestCase("urn:iso:std:iso:20022:tech:xsd:pain.001.001.03")]
    [TestCase("urn:iso:std:iso:20022:tech:xsd:pain.001.001.09")]
    [TestCase("urn:iso:std:iso:20022:tech:xsd:pain.001.001.12")]
    [TestCase("http://www.six-interbank-clearing.com/de/pain.001.001.03.ch.02.xsd")]
    public void Versions_3_to_12_and_national_variants_are_read(string ns) =>
        Assert.That(Read(Message(Block(Transaction("1")), ns: ns)), Has.Count.EqualTo(1));

    [TestCase("urn:iso:std:iso:20022:tech:xsd:pain.001.001.02")]
    [TestCase("urn:iso:std:iso:20022:tech:xsd:pain.001.001.13")]
    [TestCase("urn:iso:std:iso:20022:tech:xsd:pain.001.001.032")]
    [TestCase("urn:iso:std:iso:20022:tech:xsd:pain.002.001.03")]
    [TestCase("")]
    public void Other_messages_and_versions_are_no_input(string ns) =>
        Assert.That(Thrown(() => Read(Message(Block(Transaction("1")), ns: ns))).Message,
            Does.StartWith("payments.csv, line 1: expected a pain.001 document of version 001.03 to 001.12, found <Document>"));

    [TestCase("<ReqdExctnDt>2026-11-22</ReqdExctnDt>")]
    [TestCase("<ReqdExctnDt><Dt>2026-11-22</Dt></ReqdExctnDt>")]
    [TestCase("<ReqdExctnDt><DtTm>2026-11-22T01:00:00+01:00</DtTm></ReqdExctnDt>")]
    [TestCase("")]
    public void A_date_that_has_come_is_settled(string date) =>
        Assert.That(Read(Message(Block(Transaction("1"), date: date))), Has.Count.EqualTo(1));

    [TestCase("<ReqdExctnDt>2026-11-23</ReqdExctnDt>", "the requested execution date 2026-11-23 is in the future")]
    [TestCase("<ReqdExctnDt> <Dt>2027-01-01</Dt> </ReqdExctnDt>", "the requested execution date 2027-01-01 is in the future")]
    [TestCase("<ReqdExctnDt><DtTm>2026-11-22T00:00:01Z</DtTm></ReqdExctnDt>", "is in the future")]
    [TestCase("<ReqdExctnDt>tomorrow</ReqdExctnDt>", "the requested execution date \"tomorrow\" is not a date")]
    public void A_future_date_is_refused(string date, string reason) => Refused(Message(Block(Transaction("1"), date: date)), reason);

    [Test]
    public void An_equivalent_amount_is_refused() =>
        Refused(Message(Block("<CdtTrfTxInf><PmtId><EndToEndId>E</EndToEndId></PmtId><Amt><EqvtAmt><Amt Ccy=\"CHF\">1</Amt><CcyOfTrf>EUR</CcyOfTrf></EqvtAmt></Amt></CdtTrfTxInf>")),
            "the amount is to be converted: the equivalent of 1 CHF in EUR, and no rate is agreed");

    [TestCase("12.345", "CHF", "expected at most 2 digits behind the point, the scale of CHF here as the amount, found \"12.345\"")]
    [TestCase("-1", "CHF", "expected a decimal amount such as 12.34, without sign, exponent or grouping as the amount, found \"-1\"")]
    [TestCase("999999999999999999.99", "CHF", "expected less than 2^64 smallest units of CHF at scale 2 as the amount")]
    [TestCase("1", "XAU", "the currency \"XAU\" is not an ISO 4217 currency that has a minor unit")]
    [TestCase("1", "", "the currency \"\" is not an ISO 4217 currency")]
    [TestCase("", "CHF", "expected a decimal amount")]
    public void An_amount_that_does_not_fit_is_refused(string amount, string currency, string reason) =>
        Refused(Message(Block(Transaction(amount, currency: currency))), reason);

    [TestCase("+5", 500ul)]
    [TestCase(".5", 50ul)]
    [TestCase("5.", 500ul)]
    [TestCase(" 5.1 ", 510ul)]
    [TestCase("5.10000", 510ul)]
    public void Every_form_of_an_XML_decimal_is_read(string amount, ulong expected) =>
        Assert.That(Read(Message(Block(Transaction(amount)))).Single().Payment.Amount, Is.EqualTo(expected));

    [Test]
    public void Amounts_are_ISO_units_brought_to_the_ledgers_scale()
    {
        var scales = new CurrencyScales();
        scales.Declare(756, 6);
        Assert.That(Read(Message(Block(Transaction("1.25"))), scales: scales).Single().Payment.Amount, Is.EqualTo(1_250_000));
        Refused(Message(Block(Transaction("1.234"))), "at most 2 digits", scales);
        scales.Declare(756, 18);
        Refused(Message(Block(Transaction("19"))), "less than 2^64 smallest units of CHF at scale 18", scales);
    }

    [TestCase("CH9300762011623852957", "the creditor's account CH9300762011623852957 is not in accounts.csv")]
    [TestCase("CH9400762011623852957", "the creditor's account CH9400762011623852957 is not in accounts.csv, and its check digits are wrong")]
    [TestCase("", "no account of the creditor is given")]
    public void An_account_without_wallet_is_refused(string creditor, string reason)
    {
        Refused(Message(Block(Transaction("1", creditor: creditor))), reason);
        Assert.That(_refusals[0].Reason, Is.EqualTo(reason));
    }

    [Test]
    public void A_debtor_without_wallet_is_refused() =>
        Refused(Message(Block(Transaction("1"), debtor: "<Id><Othr><Id>77</Id></Othr></Id>")), "the debtor's account 77 is not in accounts.csv");

    [TestCase("CHK", "payment method CHK is not a transfer (TRF or TRA)")]
    public void A_cheque_is_refused(string method, string reason) => Refused(Message(Block(Transaction("1"), method: method)), reason);

    [Test]
    public void What_has_no_identification_is_refused() =>
        Refused(Message(Block(Transaction("1", endToEnd: ""))), "it has no EndToEndId");

    [Test]
    public void The_rest_goes_on_after_a_refusal()
    {
        string block = Block(Transaction("1", instruction: "1") + Transaction("1.111", instruction: "2") + Transaction("2", instruction: "3"));
        Assert.That(Read(Message(block)).Select(r => r.Payment.Amount), Is.EqualTo(new[] { 100ul, 200ul }));
        Assert.That(_refusals, Has.Count.EqualTo(1));
        Assert.That(_refusals[0].Id, Is.EqualTo(PaymentIdText.Format((ulong)(PainText.Id("M", "B", "E", "2") >> 64), (ulong)PainText.Id("M", "B", "E", "2"), false)));
    }

    [TestCase("<Purp><Cd>SALA</Cd></Purp>", Purpose.Salary)]
    [TestCase("<PmtTpInf><CtgyPurp><Cd>TAXS</Cd></CtgyPurp></PmtTpInf>", Purpose.Tax)]
    [TestCase("<PmtTpInf><CtgyPurp><Cd>TAXS</Cd></CtgyPurp></PmtTpInf><Purp><Cd>GDDS</Cd></Purp>", Purpose.Goods)]
    [TestCase("<Purp><Cd>OTHR</Cd></Purp>", Purpose.Unstated)]
    public void A_purpose_code_is_taken_over(string purpose, Purpose expected) =>
        Assert.That(Read(Message(Block(Transaction("1", more: purpose)))).Single().Payment.Purpose, Is.EqualTo(expected));

    [Test]
    public void A_blocks_purpose_holds_for_its_transactions() =>
        Assert.That(Read(Message(Block(Transaction("1"), date: "<PmtTpInf><CtgyPurp><Cd>STDY</Cd></CtgyPurp></PmtTpInf>"))).Single().Payment.Purpose, Is.EqualTo(Purpose.Education));

    [Test]
    public void Counts_and_sums_that_do_not_match_warn_with_both_values()
    {
        string block = Block(Transaction("1.5", instruction: "1") + Transaction("2", instruction: "2"), totals: "<NbOfTxs>3</NbOfTxs><CtrlSum>3.49</CtrlSum>");
        Read(Message(block, totals: "<NbOfTxs>1</NbOfTxs><CtrlSum>4</CtrlSum>"));
        Assert.That(_warnings.Select(w => w.Message), Is.EqualTo(new[]
        {
            "the payment information \"B\" states 3 transactions and has 2",
            "the payment information \"B\" states a control sum of 3.49 and its amounts come to 3.50",
            "the message states 1 transactions and has 2",
            "the message states a control sum of 4 and its amounts come to 3.50",
        }));
        _warnings.Clear();
        block = Block(Transaction("1.5", instruction: "1") + Transaction("2", instruction: "2"), totals: "<NbOfTxs>2</NbOfTxs><CtrlSum>3.5</CtrlSum>");
        Read(Message(block, totals: "<NbOfTxs>2</NbOfTxs><CtrlSum>3.500</CtrlSum>"));
        Assert.That(_warnings, Is.Empty);
        Read(Message(Block(Transaction("x"), totals: "<CtrlSum>1</CtrlSum>")));
        Assert.That(_warnings.Single().Message, Does.Contain("cannot be compared because an amount is not a number"));
    }

    [Test]
    public void Two_transactions_that_cannot_be_told_apart_warn()
    {
        Assert.That(Read(Message(Block(Transaction("1") + Transaction("1")))), Has.Count.EqualTo(2));
        Assert.That(_warnings.Single().Message, Does.Contain("same MsgId, PmtInfId, EndToEndId and InstrId"));
    }

    [Test]
    public void Ids_are_UUIDs_of_version_8_and_depend_on_where_one_part_ends()
    {
        UInt128 id = PainText.Id("M", "B", "E", "I");
        Assert.That((int)(id >> 76 & 15), Is.EqualTo(8), "version");
        Assert.That((int)(id >> 62 & 3), Is.EqualTo(2), "variant");
        Assert.That(PainText.Id("MB", "", "E", "I"), Is.Not.EqualTo(PainText.Id("M", "B", "E", "I")));
        string longest = new('\uFFFD', InputLimits.XmlTextCharsMax);
        Assert.That(PainText.Id(longest, longest, longest, longest), Is.Not.EqualTo(id));

        // By hand: SHA-256 of 01000000 4d 01000000 42 01000000 45 01000000 49.
        byte[] hash = System.Security.Cryptography.SHA256.HashData(Convert.FromHexString("010000004d010000004201000000450100000049"));
        Assert.That((byte)(id >> 120), Is.EqualTo(hash[0]));
        Assert.That((byte)id, Is.EqualTo(hash[15]));
    }

    [Test]
    public void A_file_without_accounts_is_no_input() =>
        Assert.That(Thrown(() => All(PaymentInput.Open(Stream(Message("")), Options))).Message, Does.Contain("--accounts FILE"));

    [TestCase("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><Document/>", "the XML is broken")]
    [TestCase("<Document", "the XML is broken")]
    [TestCase("<?xml version=\"1.0\" encoding=\"none-such\"?><Document/>", "the XML is broken")]
    [TestCase("<Document xmlns=\"pain.001.001.03\"><Other/></Document>", "expected a customer credit transfer initiation (CstmrCdtTrfInitn), found <Other>")]
    [TestCase("<Document xmlns=\"pain.001.001.03\"/>", "expected a customer credit transfer initiation")]
    [TestCase("<Document xmlns=\"pain.001.001.03\"><CstmrCdtTrfInitn><a></b></CstmrCdtTrfInitn></Document>", "the XML is broken")]
    public void Broken_XML_is_no_input(string text, string sentence) =>
        Assert.That(Thrown(() => Read(text)).Message, Does.Contain(sentence));

    [Test]
    public void XML_that_would_take_much_memory_is_refused()
    {
        const string start = "<Document xmlns=\"pain.001.001.03\"><CstmrCdtTrfInitn>";
        string deep = start + string.Concat(Enumerable.Repeat("<a>", 100_000));
        string longTag = start + "<a b='" + new string('>', 1 << 20) + "'/>";
        string longText = start + "<GrpHdr><MsgId>" + new string('x', 300) + "</MsgId>";
        var names = new StringBuilder(start);
        for (int name = 0; name < 10_000; name++)
            names.Append($"<n{name}/>");
        Assert.That(Thrown(() => Read(deep)).Message, Does.Contain("nested deeper than 64"));
        Assert.That(Thrown(() => Read(longTag)).Message, Does.Contain("longer than 65536 bytes"));
        Assert.That(Thrown(() => Read(longText)).Message, Does.Contain("the text of <MsgId> is longer than 256 characters"));
        Assert.That(Thrown(() => Read(names.ToString())).Message, Does.Contain("more than 4096 different names"));
    }

    [Test]
    public void UTF_16_is_read()
    {
        string text = "<?xml version=\"1.0\" encoding=\"utf-16\"?>" + Message(Block(Transaction("1")));
        byte[] bytes = [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(text)];
        Assert.That(All(PaymentInput.Open(Stream(bytes), Options with { Accounts = Accounts($"{Debtor},1\n{Creditor},2") })), Has.Count.EqualTo(1));
    }

    [Test]
    public void The_banks_own_example_gives_31_francs_in_6_payments_one_to_itself_and_one_refused()
    {
        string path = SharedData.Path("iso20022/sample-pain.001.xml");
        AccountsFile accounts = Accounts(
            "CH0309000000250090342,1\nCH5109000000250092291,2\n014295803,3\nCH2909000000250094239,4\n"
            + "CH010023512312312365L,5\nCH7730000001250094239,6\nIT1122334455667788991122334,7\n", _warnings.Add);
        Assert.That(_warnings.Select(w => w.Line), Is.EqualTo(new[] { 6L, 8L }), "two IBANs of the example have wrong check digits");
        _warnings.Clear();

        List<PaymentRecord> records = All(PaymentInput.OpenChecked(path, Reporting(accounts), out InputSummary? summary));
        Assert.That(summary, Is.Null);
        PaymentRecord toItself = records.Single(r => r.Payment.Payer == r.Payment.Payee);
        Assert.That((toItself.Payment.Amount, toItself.Payment.Payer), Is.EqualTo((600ul, 2ul)));
        PaymentRecord[] others = [.. records.Where(r => r.Payment.Payer != r.Payment.Payee)];
        Assert.That(others.Select(r => r.Payment.Amount), Is.EqualTo(new[] { 620ul, 180ul, 1200ul, 500ul, 200ul, 400ul }));
        Assert.That(others.Select(r => r.Payment.Payee), Is.EqualTo(new[] { 2ul, 3ul, 4ul, 2ul, 5ul, 6ul }));
        Assert.That(others.Sum(r => (long)r.Payment.Amount), Is.EqualTo(3100));
        Assert.That(records, Has.All.Matches<PaymentRecord>(r => r.Payment.Currency == 756));
        Assert.That(others.Count(r => r.Payment.Purpose == Purpose.Salary), Is.EqualTo(2));
        Assert.That(records.Select(r => r.Payment.Id), Is.Unique);
        Assert.That(records[0].Line, Is.EqualTo(38));

        Assert.That(_refusals.Single().Reason, Does.StartWith("the amount is to be converted: the equivalent of 1 CHF in EUR"));
        Assert.That(_warnings.Single().Message, Is.EqualTo("the message states 7 transactions and has 8"), "its sum of 38.00 is right");
    }

    [Test]
    public void The_banks_own_example_is_refused_whole_before_its_dates()
    {
        string path = SharedData.Path("iso20022/sample-pain.001.xml");
        Assert.That(TimeText.TryParse("2020-06-16T00:00:00Z", out ulong clockNs));
        Assert.That(All(PaymentInput.OpenChecked(path, Reporting(Accounts("A,1")) with { ClockNs = clockNs }, out _)), Is.Empty);
        Assert.That(_refusals, Has.Count.EqualTo(8).And.All.Matches<InputRefusal>(r => r.Reason.EndsWith("is in the future", StringComparison.Ordinal)));
    }

    private PaymentReaderOptions Reporting(AccountsFile accounts) =>
        Options with { Accounts = accounts, Refused = _refusals.Add, Warned = _warnings.Add };

    private List<PaymentRecord> Read(string text, CurrencyScales? scales = null) =>
        Payments(text, Reporting(Accounts($"{Debtor},1\n{Creditor},2")) with { Scales = scales ?? new CurrencyScales() });

    private List<PaymentRecord> Read(string text, out long line)
    {
        line = 1 + text[..text.IndexOf("<CdtTrfTxInf>", StringComparison.Ordinal)].Count(c => c == '\n');
        return Read(text);
    }

    private void Refused(string text, string reason, CurrencyScales? scales = null)
    {
        _refusals.Clear();
        Assert.That(Read(text, scales), Is.Empty);
        Assert.That(_refusals.Single().Reason, Does.Contain(reason));
    }

    private static string Message(string blocks, string totals = "", string ns = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09") =>
        $"<Document xmlns=\"{ns}\">\n<CstmrCdtTrfInitn>\n<GrpHdr><MsgId>M</MsgId>{totals}</GrpHdr>\n{blocks}\n</CstmrCdtTrfInitn>\n</Document>\n";

    private static string Block(string transactions, string date = "", string totals = "", string method = "TRF",
        string debtor = $"<Id><IBAN>{Debtor}</IBAN></Id>") =>
        $"<PmtInf><PmtInfId>B</PmtInfId><PmtMtd>{method}</PmtMtd>{totals}{date}\n<DbtrAcct>{debtor}</DbtrAcct>\n{transactions}</PmtInf>";

    private static string Transaction(string amount, string currency = "CHF", string creditor = Creditor, string instruction = "I",
        string endToEnd = "E", string more = "") =>
        $"<CdtTrfTxInf><PmtId><InstrId>{instruction}</InstrId><EndToEndId>{endToEnd}</EndToEndId></PmtId><Amt><InstdAmt Ccy=\"{currency}\">{amount}</InstdAmt></Amt>"
        + $"<CdtrAcct><Id><IBAN>{creditor}</IBAN></Id></CdtrAcct>{more}</CdtTrfTxInf>\n";
}
