using Settlement.Gateway.Input;
using static Settlement.Tests.Gateway.Input.InputTexts;

namespace Settlement.Tests.Gateway.Input;

/// <summary>Every fault names file, line, column, value and what was expected.</summary>
public sealed class PaymentCsvFaultTests
{
    private const string Header = "id,payer,payee,amount,currency,instruction,reference,purpose,level,valid_until,refundable\n";
    private const string Uuid = "0190163d-8694-739b-aea5-966c26f8ad91";

    [TestCase("id", "x", "x,7,8,1,EUR,,,,,,", "a UUID or stream:sequence")]
    [TestCase("id", "shop:0", "shop:0,7,8,1,EUR,,,,,,", "a UUID or stream:sequence")]
    [TestCase("payer", "", ",,8,1,EUR,,,,,,", "a wallet's number from 1")]
    [TestCase("payer", "0", ",0,8,1,EUR,,,,,,", "a wallet's number from 1")]
    [TestCase("payer", "reserve:EUR", ",reserve:EUR,8,1,EUR,,,,,,", "a wallet's number from 1")]
    [TestCase("payee", "-8", ",7,-8,1,EUR,,,,,,", "a wallet's number from 1")]
    [TestCase("payee", "18446744073709551616", ",7,18446744073709551616,1,EUR,,,,,,", "a wallet's number from 1")]
    [TestCase("payer", "reserve:USD", ",reserve:USD,8,1,EUR,issue,,,,,", "nothing, 0 or reserve:EUR")]
    [TestCase("payer", "7", ",7,8,1,EUR,issue,,,,,", "nothing, 0 or reserve:EUR")]
    [TestCase("payee", "8", ",7,8,1,EUR,redeem,,,,,", "nothing, 0 or reserve:EUR")]
    [TestCase("payee", "", ",,,1,EUR,issue,,,,,", "a wallet's number from 1")]
    [TestCase("payer", "7", ",7,,1,EUR,capture,a:1,,,,", "nothing or 0")]
    [TestCase("payee", "8", ",,8,1,EUR,refund,a:1,,,,", "nothing or 0")]
    [TestCase("amount", "", ",7,8,,EUR,,,,,,", "a decimal amount")]
    [TestCase("amount", "-1", ",7,8,-1,EUR,,,,,,", "a decimal amount")]
    [TestCase("amount", "1,000.00", ",7,8,\"1,000.00\",EUR,,,,,,", "without sign, exponent or grouping")]
    [TestCase("amount", "1.234", ",7,8,1.234,EUR,,,,,,", "at most 2 digits behind the point, the scale of EUR here")]
    [TestCase("amount", "0.5", ",7,8,0.5,JPY,,,,,,", "no fraction, because JPY has scale 0 here")]
    [TestCase("amount", "184467440737095516.16", ",7,8,184467440737095516.16,EUR,,,,,,", "less than 2^64 smallest units of EUR")]
    [TestCase("amount", "", ",,,,EUR,capture,a:1,,,,", "a decimal amount")]
    [TestCase("amount", "1", ",,,1,EUR,void,a:1,,,,", "nothing or 0")]
    [TestCase("currency", "", ",7,8,1,,,,,,,", "an ISO 4217 currency")]
    [TestCase("currency", "XAU", ",7,8,1,XAU,,,,,,", "that has a minor unit")]
    [TestCase("currency", "1000", ",7,8,1,1000,,,,,,", "an ISO 4217 currency")]
    [TestCase("instruction", "pay", ",7,8,1,EUR,pay,,,,,", "one of micropayment, immediate, hold, capture, void, refund, issue, redeem")]
    [TestCase("instruction", "open_wallet", ",7,8,1,EUR,open_wallet,,,,,", "one of micropayment")]
    [TestCase("reference", "abc", ",7,8,1,EUR,,abc,,,,", "a number below 2^64")]
    [TestCase("reference", "", ",,,1,EUR,capture,,,,,", "the id of the payment that this is about")]
    [TestCase("reference", "5", ",,,1,EUR,refund,5,,,,", "the id of the payment that this is about")]
    [TestCase("purpose", "fun", ",7,8,1,EUR,,,fun,,,", "one of unstated, goods, services, family_support, medical, education, salary, investment, donation, tax, or its number from 0 to 9")]
    [TestCase("purpose", "10", ",7,8,1,EUR,,,10,,,", "from 0 to 9")]
    [TestCase("level", "256", ",7,8,1,EUR,,,,256,,", "a level from 0 to 255")]
    [TestCase("valid_until", "2026-02-30T00:00:00Z", ",7,8,1,EUR,,,,,2026-02-30T00:00:00Z,", "an RFC 3339 time")]
    [TestCase("valid_until", "2026-01-01T00:00:00", ",7,8,1,EUR,,,,,2026-01-01T00:00:00,", "with Z or an offset")]
    [TestCase("refundable", "maybe", ",7,8,1,EUR,,,,,,maybe", "yes, no, true or false")]
    [TestCase("refundable", "yes", ",7,8,1,EUR,hold,,,,,yes", "only a micropayment, immediate or capture")]
    public void A_bad_value_is_said(string column, string value, string record, string expected)
    {
        string good = $"{Uuid},7,8,1,EUR,,,,,,\n";
        InputException fault = Fault(Header + good + "\n" + record + "\n" + good);
        Assert.That((fault.File, fault.Line, fault.Column, fault.Value), Is.EqualTo(("payments.csv", 4L, column, value)));
        Assert.That(fault.Expected, Does.Contain(expected));
        string found = value.Length == 0 ? "nothing" : $"\"{value}\"";
        Assert.That(fault.Message, Is.EqualTo($"payments.csv, line 4, column {column}: expected {fault.Expected}, found {found}"));
    }

    [TestCase(",7,8,1", 4)]
    [TestCase(",7,8,1,EUR,,,,,,,", 12)]
    public void A_record_with_other_fields_than_the_header_is_said(string record, int found) =>
        Assert.That(Fault(Header + record).Message, Is.EqualTo($"payments.csv, line 2: expected 11 fields as in the header, found {found}"));

    [TestCase("id,payer,payee,amount", "line 1: the column currency is missing in the header; expected the columns id,payer,payee,amount,currency and, if wanted, instruction,reference,purpose,level,valid_until,refundable")]
    [TestCase("id,payer,payee,amount,currency,Payer", "line 1: the column payer stands twice in the header")]
    [TestCase("id,payer,payee,amount,currency,colour", "line 1, column 6 of the header: expected the columns id,payer,")]
    [TestCase("id,payer,payee,amount,currency,", "line 1, column 6 of the header: expected the columns id,payer,")]
    [TestCase("", "line 1: the file is empty; expected a header with the columns id,payer,")]
    [TestCase("\n\nid;payer;payee", "line 3, column 1 of the header: expected the columns id,payer,")]
    public void A_bad_header_is_said(string header, string sentence) =>
        Assert.That(Fault(header).Message, Does.StartWith("payments.csv, " + sentence));

    [Test]
    public void A_long_or_unprintable_value_is_shown_short_and_in_one_line()
    {
        Assert.That(Fault($"{Header}{new string('x', 41)},7,8,1,EUR,,,,,,").Value, Is.EqualTo(new string('x', 40) + "…"));
        Assert.That(Fault($"{Header}{new string('x', 40)},7,8,1,EUR,,,,,,").Value, Is.EqualTo(new string('x', 40)));
        Assert.That(Fault($"{Header}\"a\nb\u0007\",7,8,1,EUR,,,,,,").Value, Is.EqualTo("a\uFFFDb\uFFFD"));
        Assert.That(Fault($"{Header}{new string('é', 60)},7,8,1,EUR,,,,,,").Value, Is.EqualTo(new string('é', 40) + "…"));
    }
}
