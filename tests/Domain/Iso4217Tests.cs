using System.Text;
using System.Text.Json;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Domain;

public sealed class Iso4217Tests
{
    [TestCase("EUR", 978, 2)]
    [TestCase("USD", 840, 2)]
    [TestCase("JPY", 392, 0)]
    [TestCase("BHD", 48, 3)]
    [TestCase("TND", 788, 3)]
    [TestCase("CLF", 990, 4)]
    [TestCase("UYW", 927, 4)]
    [TestCase("ISK", 352, 0)]
    [TestCase("ALL", 8, 2)]
    [TestCase("XCG", 532, 2)]
    [TestCase("ZWG", 924, 2)]
    [TestCase("XAD", 396, 2)]
    public void A_well_known_currency_has_its_number_and_scale(string letters, int number, int scale)
    {
        Assert.That(Iso4217.NumberOf(letters), Is.EqualTo(number));
        Assert.That(Iso4217.NumberOf(Encoding.ASCII.GetBytes(letters)), Is.EqualTo(number));
        Assert.That(Iso4217.NumberOf(letters.ToLowerInvariant()), Is.EqualTo(number));
        Assert.That(Iso4217.ScaleOf((ushort)number), Is.EqualTo(scale));
        Assert.That(Iso4217.LettersOf((ushort)number), Is.EqualTo(letters));
        Assert.That(Iso4217.IsKnown((ushort)number));
    }

    // Counted from list one of 2026-01-01 by hand of the standard: 178 codes, 13 of them without a minor unit.
    [TestCase(0, 17)]
    [TestCase(2, 139)]
    [TestCase(3, 7)]
    [TestCase(4, 2)]
    public void As_many_currencies_have_a_scale_as_in_the_standard(int scale, int count) =>
        Assert.That(Iso4217.Numbers.ToArray().Count(number => Iso4217.ScaleOf(number) == scale), Is.EqualTo(count));

    [Test]
    public void Letters_are_sorted_and_numbers_unique()
    {
        string[] letters = [.. Iso4217.Numbers.ToArray().Select(Iso4217.LettersOf)];
        Assert.That(letters, Has.Length.EqualTo(165).And.Ordered.Using((IComparer<string>)StringComparer.Ordinal));
        Assert.That(letters, Is.Unique);
        Assert.That(Iso4217.Numbers.ToArray(), Is.Unique);
        Assert.That(letters, Has.All.Matches<string>(code => code is { Length: 3 } && code.All(char.IsAsciiLetterUpper)));
        Assert.That(Iso4217.Numbers.ToArray(), Has.All.InRange(1, 999));
    }

    [Test]
    public void Every_row_is_found_both_ways_and_nothing_else_is()
    {
        int found = 0;
        for (int number = 0; number <= ushort.MaxValue; number++)
        {
            if (!Iso4217.IsKnown((ushort)number))
            {
                Assert.That(Iso4217.ScaleOf((ushort)number), Is.EqualTo(-1));
                Assert.That(Iso4217.LettersOf((ushort)number), Is.Empty);
                continue;
            }
            found++;
            Assert.That(Iso4217.NumberOf(Iso4217.LettersOf((ushort)number)), Is.EqualTo(number));
        }
        Assert.That(found, Is.EqualTo(Iso4217.Count));

        int spelled = 0;
        Span<byte> text = stackalloc byte[3];
        for (int code = 0; code < 1 << 21; code++)
        {
            text[0] = (byte)(code >> 14);
            text[1] = (byte)(code >> 7 & 0x7F);
            text[2] = (byte)(code & 0x7F);
            if (Iso4217.NumberOf(text) != 0)
                spelled++;
        }
        Assert.That(spelled, Is.EqualTo(Iso4217.Count * 8), "each code in each of its eight spellings of case");
    }

    [TestCase("XXX")]
    [TestCase("XTS")]
    [TestCase("XAU")]
    [TestCase("XDR")]
    [TestCase("DEM")]
    [TestCase("HRK")]
    [TestCase("BGN")]
    [TestCase("ANG")]
    [TestCase("EU")]
    [TestCase("EURO")]
    [TestCase("")]
    [TestCase("\u0105UR")]
    public void A_code_without_a_minor_unit_a_withdrawn_one_and_no_code_at_all_are_unknown(string letters) =>
        Assert.That(Iso4217.NumberOf(letters), Is.Zero);

    [Test]
    public void A_currency_belongs_to_the_country_of_its_first_two_letters_and_a_shared_one_to_none()
    {
        Assert.That(Iso4217.OwnerCountry(840), Is.EqualTo(840));
        Assert.That(Iso4217.OwnerCountry(756), Is.EqualTo(756));
        Assert.That(Iso4217.OwnerCountry(392), Is.EqualTo(392));
        Assert.That(Iso4217.OwnerCountry(985), Is.EqualTo(616), "PLN is Poland's, whose number is another");
        Assert.That(Iso4217.OwnerCountry(997), Is.EqualTo(840), "USN is a funds code of the US");
        Assert.That(Iso4217.OwnerCountry(0), Is.Zero);

        string[] shared = [.. Iso4217.Numbers.ToArray().Where(n => Iso4217.OwnerCountry(n) == 0).Select(Iso4217.LettersOf)];
        Assert.That(shared, Is.EqualTo(new[] { "EUR", "XAD", "XAF", "XCD", "XCG", "XOF", "XPF" }));
    }

    /// <summary>The distribution's list knows no minor units and is of 2022 or later: what differs is known by name.</summary>
    [Test]
    public void The_distributions_list_agrees_but_for_known_amendments()
    {
        const string path = "/usr/share/iso-codes/json/iso_4217.json";
        if (!File.Exists(path))
            Assert.Ignore($"{path} is not here (package iso-codes)");
        using JsonDocument list = JsonDocument.Parse(File.ReadAllBytes(path));
        Dictionary<string, int> theirs = list.RootElement.GetProperty("4217").EnumerateArray().ToDictionary(
            row => row.GetProperty("alpha_3").GetString()!, row => int.Parse(row.GetProperty("numeric").GetString()!));
        Dictionary<string, int> ours = Iso4217.Numbers.ToArray().ToDictionary(Iso4217.LettersOf, number => (int)number);

        string[] withdrawnOrWithoutUnit =
        [
            "ANG", "BGN", "CUC", "HRK", "SLL", "ZWL",
            "XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX",
        ];
        string[] added = ["XAD", "XCG", "ZWG", "SLE", "VED"];
        Assert.That(theirs.Keys.Except(ours.Keys).Except(withdrawnOrWithoutUnit), Is.Empty);
        Assert.That(ours.Keys.Except(theirs.Keys).Except(added), Is.Empty);
        foreach (string code in ours.Keys.Intersect(theirs.Keys))
            Assert.That(ours[code], Is.EqualTo(theirs[code]), code);
    }
}
