using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Gateway.Input;
using static Settlement.Tests.Gateway.Input.InputTexts;

namespace Settlement.Tests.Gateway.Input;

public sealed class WalletCsvReaderTests
{
    private const string Header = "wallet,country,participant,currency,opening\n";
    private const string FullHeader = "wallet,country,participant,currency,opening,tier,level,status,holder\n";
    private const string KindHeader = "kind,wallet,country,participant,currency,opening\n";

    [Test]
    public void A_short_line_is_an_active_wallet_of_tier_and_level_0()
    {
        WalletRecord wallet = Wallets(Header + "7,de,Bank Ä,EUR,12.34\n").Single();
        Assert.That((wallet.Wallet, wallet.Country, wallet.Participant, wallet.Currency, wallet.Opening, wallet.Line),
            Is.EqualTo((7ul, (ushort)276, "Bank Ä", (ushort)978, 1234ul, 2L)));
        Assert.That((wallet.Tier, wallet.Level, wallet.Status, wallet.Holder), Is.EqualTo(((byte)0, (byte)0, WalletStatus.Active, 0ul)));
    }

    [Test]
    public void A_full_line_fills_every_field()
    {
        WalletRecord wallet = Wallets(FullHeader + "18446744073709551615,840,B,392,,3,255,Frozen,99\n").Single();
        Assert.That((wallet.Wallet, wallet.Country, wallet.Currency, wallet.Opening), Is.EqualTo((ulong.MaxValue, (ushort)840, (ushort)392, 0ul)));
        Assert.That((wallet.Tier, wallet.Level, wallet.Status, wallet.Holder), Is.EqualTo(((byte)3, (byte)255, WalletStatus.Frozen, 99ul)));
    }

    [TestCase("person", PartyKind.Person)]
    [TestCase("Financial_Institution", PartyKind.FinancialInstitution)]
    [TestCase("non_profit", PartyKind.NonProfit)]
    [TestCase("", PartyKind.Unstated)]
    public void A_wallets_owner_has_a_kind(string kind, PartyKind expected) =>
        Assert.That(Wallets(KindHeader + kind + ",7,DE,B,EUR,1\n").Single().Kind, Is.EqualTo(expected));

    [Test]
    public void A_kind_without_meaning_and_one_that_differs_are_said()
    {
        InputException strange = Thrown(() => Wallets(KindHeader + "last,7,DE,B,EUR,1\n"));
        Assert.That((strange.Column, strange.Expected), Is.EqualTo(("kind", "one of unstated, person, business, government, financial_institution, non_profit")));
        InputException other = Thrown(() => Wallets(KindHeader + "person,7,DE,B,EUR,1\nbusiness,7,DE,B,USD,1\n"));
        Assert.That((other.Column, other.Line), Is.EqualTo(("kind", 3L)));
        Assert.That(other.Expected, Does.StartWith("the same as for wallet 7 in line 2"));
    }

    [Test]
    public void A_wallet_may_have_accounts_in_several_currencies_and_names_are_shared()
    {
        List<WalletRecord> wallets = Wallets(Header + "7,DE,B,EUR,1\n8,DE,B,EUR,1\n7,DE,B,USD,2\n7,DE,B,JPY,3\n");
        Assert.That(wallets.Select(w => (w.Wallet, w.Currency, w.Opening)),
            Is.EqualTo(new[] { (7ul, (ushort)978, 100ul), (8ul, (ushort)978, 100ul), (7ul, (ushort)840, 200ul), (7ul, (ushort)392, 3ul) }));
        Assert.That(wallets, Has.All.Matches<WalletRecord>(w => ReferenceEquals(w.Participant, wallets[0].Participant)));
    }

    [Test]
    public void Openings_are_read_at_the_ledgers_scale()
    {
        var scales = new CurrencyScales();
        scales.Declare(978, 4);
        Assert.That(Wallets(Header + "7,DE,B,EUR,0.0001", scales).Single().Opening, Is.EqualTo(1));
    }

    [TestCase("wallet", "0", "0,DE,B,EUR,1,,,,", "a wallet's number from 1")]
    [TestCase("wallet", "x", "x,DE,B,EUR,1,,,,", "a wallet's number from 1")]
    [TestCase("country", "XK", "7,XK,B,EUR,1,,,,", "an ISO 3166 country")]
    [TestCase("country", "", "7,,B,EUR,1,,,,", "an ISO 3166 country")]
    [TestCase("country", "999", "7,999,B,EUR,1,,,,", "an ISO 3166 country")]
    [TestCase("participant", "", "7,DE,,EUR,1,,,,", "a participant's name of 1 to 32 bytes")]
    [TestCase("participant", "ÄÖÜäöüßéèÄÖÜäöüß3", "7,DE,ÄÖÜäöüßéèÄÖÜäöüß3,EUR,1,,,,", "a participant's name of 1 to 32 bytes")]
    [TestCase("currency", "EURO", "7,DE,B,EURO,1,,,,", "an ISO 4217 currency")]
    [TestCase("opening", "1.234", "7,DE,B,EUR,1.234,,,,", "at most 2 digits behind the point")]
    [TestCase("opening", "-1", "7,DE,B,EUR,-1,,,,", "a decimal amount")]
    [TestCase("tier", "4", "7,DE,B,EUR,1,4,,,", "a tier from 0 to 3")]
    [TestCase("level", "256", "7,DE,B,EUR,1,,256,,", "a level from 0 to 255")]
    [TestCase("status", "gone", "7,DE,B,EUR,1,,,gone,", "one of active, frozen, closed")]
    [TestCase("holder", "me", "7,DE,B,EUR,1,,,,me", "a holder's number below 2^64")]
    public void A_bad_value_is_said(string column, string value, string line, string expected)
    {
        InputException fault = Thrown(() => Wallets(FullHeader + "1,DE,B,EUR,1,,,,\n" + line));
        Assert.That((fault.File, fault.Line, fault.Column, fault.Value), Is.EqualTo(("wallets.csv", 3L, column, value)));
        Assert.That(fault.Expected, Does.StartWith(expected));
    }

    [Test]
    public void A_name_that_is_not_UTF_8_is_refused()
    {
        byte[] text = [.. Encoding.UTF8.GetBytes(Header + "7,DE,"), 0xC3, 0x28, .. ",EUR,1\n"u8];
        using var reader = new WalletCsvReader(Stream(text, "wallets.csv"), new CurrencyScales());
        Assert.That(Thrown(() => reader.Read(new WalletRecord[1])).Column, Is.EqualTo("participant"));
    }

    [TestCase("country", "7,FR,B,USD,1,1,5,active,9")]
    [TestCase("participant", "7,DE,C,USD,1,1,5,active,9")]
    [TestCase("tier", "7,DE,B,USD,1,2,5,active,9")]
    [TestCase("level", "7,DE,B,USD,1,1,6,active,9")]
    [TestCase("status", "7,DE,B,USD,1,1,5,frozen,9")]
    [TestCase("holder", "7,DE,B,USD,1,1,5,active,8")]
    public void Two_lines_that_disagree_about_a_wallet_are_named_both(string column, string line)
    {
        InputException fault = Thrown(() => Wallets(FullHeader + "1,DE,B,EUR,1,,,,\n7,DE,B,EUR,1,1,5,active,9\n" + line));
        Assert.That((fault.Line, fault.Column), Is.EqualTo((4L, column)));
        Assert.That(fault.Message, Does.Contain("the same as for wallet 7 in line 3"));
    }

    [TestCase("7,DE,B,EUR,1\n7,DE,B,USD,1\n7,DE,B,EUR,1", 2, "EUR")]
    [TestCase("7,DE,B,EUR,1\n7,DE,B,USD,1\n7,DE,B,840,1", 3, "840")]
    public void An_account_that_stands_twice_is_named_with_both_lines(string lines, int earlier, string value)
    {
        InputException fault = Thrown(() => Wallets(Header + lines));
        Assert.That(fault.Message, Is.EqualTo($"wallets.csv, line 4, column currency: expected another currency for wallet 7 than in line {earlier}, found \"{value}\""));
    }

    [Test]
    public void A_bad_header_is_said() =>
        Assert.That(Thrown(() => Wallets("wallet,country,bank,currency,opening\n")).Message, Does.StartWith("wallets.csv, line 1, column 3 of the header: "));
}

public sealed class AccountsFileTests
{
    [Test]
    public void Accounts_are_found_with_and_without_spaces_and_IBANs_in_either_case()
    {
        AccountsFile accounts = Accounts("CH03 0900 0000 2500 9034 2,1\n014295803,2\nAb-1,3\n");
        Assert.That(accounts.Count, Is.EqualTo(3));
        Assert.That(accounts.TryFind("ch0309000000250090342", out ulong wallet) && wallet == 1);
        Assert.That(accounts.TryFind("0142 95803", out wallet) && wallet == 2);
        Assert.That(accounts.TryFind("Ab-1", out wallet) && wallet == 3);
        Assert.That(accounts.TryFind("AB-1", out _), Is.False, "only an IBAN has no case");
    }

    [Test]
    public void Wrong_check_digits_warn_and_still_map()
    {
        List<InputWarning> warnings = [];
        AccountsFile accounts = Accounts("CH0309000000250090342,1\nCH0409000000250090342,2\n014295803,3\n", warnings.Add);
        Assert.That(warnings.Select(w => w.ToString()), Is.EqualTo(new[]
        {
            "accounts.csv, line 3: the check digits of the IBAN CH0409000000250090342 are wrong; it is taken as written",
        }));
        Assert.That(accounts.TryFind("CH0409000000250090342", out ulong wallet) && wallet == 2);
    }

    [TestCase("GB82WEST12345698765432", true)]
    [TestCase("DE89370400440532013000", true)]
    [TestCase("MT84MALT011000012345MTLCAST001S", true)]
    [TestCase("DE88370400440532013000", false)]
    [TestCase("GB82WEST12345698765423", false)]
    public void Check_digits_are_those_of_ISO_7064(string iban, bool hold)
    {
        Assert.That(Iban.LooksLikeOne(iban));
        Assert.That(Iban.CheckDigitsHold(iban), Is.EqualTo(hold));
        Assert.That(Iban.CheckDigitsHold(iban.ToLowerInvariant()), Is.EqualTo(hold));
    }

    [TestCase(" ,1", "accounts.csv, line 3, column account: expected an IBAN or another account number, found nothing")]
    [TestCase("B,0", "accounts.csv, line 3, column wallet: expected a wallet's number from 1, found \"0\"")]
    [TestCase("A,1", "accounts.csv, line 3: the account A stands in line 2 already")]
    [TestCase("A,1,2", "accounts.csv, line 3: expected 2 fields as in the header, found 3")]
    public void A_bad_line_is_said(string line, string message) =>
        Assert.That(Thrown(() => Accounts("A,1\n" + line)).Message, Is.EqualTo(message));
}
