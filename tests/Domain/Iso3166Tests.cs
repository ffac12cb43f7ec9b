using System.Text;
using System.Text.Json;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Domain;

public sealed class Iso3166Tests
{
    [TestCase("US", 840)]
    [TestCase("DE", 276)]
    [TestCase("CH", 756)]
    [TestCase("GB", 826)]
    [TestCase("AF", 4)]
    [TestCase("ZW", 716)]
    [TestCase("SS", 728)]
    [TestCase("SX", 534)]
    public void A_well_known_country_has_its_number(string letters, int number)
    {
        Assert.That(Iso3166.NumberOf(letters), Is.EqualTo(number));
        Assert.That(Iso3166.NumberOf(letters.ToLowerInvariant()), Is.EqualTo(number));
        Assert.That(Iso3166.NumberOf(Encoding.ASCII.GetBytes(letters)), Is.EqualTo(number));
        Assert.That(Iso3166.LettersOf((ushort)number), Is.EqualTo(letters));
    }

    [Test]
    public void There_are_249_sorted_by_letters_with_unique_numbers()
    {
        ushort[] numbers = Iso3166.Numbers.ToArray();
        string[] letters = [.. numbers.Select(Iso3166.LettersOf)];
        Assert.That(letters, Has.Length.EqualTo(249).And.Ordered.Using((IComparer<string>)StringComparer.Ordinal));
        Assert.That(letters, Is.Unique);
        Assert.That(numbers, Is.Unique.And.All.InRange(1, 999));
    }

    [Test]
    public void Every_row_is_found_both_ways_and_nothing_else_is()
    {
        int known = 0;
        for (int number = 0; number <= ushort.MaxValue; number++)
        {
            if (!Iso3166.IsKnown((ushort)number))
                continue;
            known++;
            Assert.That(Iso3166.NumberOf(Iso3166.LettersOf((ushort)number)), Is.EqualTo(number));
        }
        Assert.That(known, Is.EqualTo(Iso3166.Count));

        int spelled = 0;
        for (int code = 0; code < 1 << 16; code++)
        {
            if (Iso3166.NumberOf([(byte)(code >> 8), (byte)code]) != 0)
                spelled++;
        }
        Assert.That(spelled, Is.EqualTo(Iso3166.Count * 4), "each code in each of its four spellings of case");
    }

    [TestCase("XK")]
    [TestCase("EU")]
    [TestCase("UK")]
    [TestCase("ZZ")]
    [TestCase("D")]
    [TestCase("DEU")]
    [TestCase("D\u00c9")]
    public void A_user_assigned_a_reserved_and_no_code_at_all_are_unknown(string letters) =>
        Assert.That(Iso3166.NumberOf(letters), Is.Zero);

    [Test]
    public void The_distributions_list_agrees()
    {
        const string path = "/usr/share/iso-codes/json/iso_3166-1.json";
        if (!File.Exists(path))
            Assert.Ignore($"{path} is not here (package iso-codes)");
        using JsonDocument list = JsonDocument.Parse(File.ReadAllBytes(path));
        Dictionary<string, int> theirs = list.RootElement.GetProperty("3166-1").EnumerateArray().ToDictionary(
            row => row.GetProperty("alpha_2").GetString()!, row => int.Parse(row.GetProperty("numeric").GetString()!));
        Assert.That(Iso3166.Numbers.ToArray().ToDictionary(Iso3166.LettersOf, number => (int)number), Is.EquivalentTo(theirs));
    }
}
