using Settlement.Engine.Domain;
using Settlement.Engine.Rules;

namespace Settlement.Perf.Load;

/// <summary>
/// A table as a ledger of 20 countries might have it, in 8 currencies: thresholds and tiers, no sums. The shape is that of
/// real laws; every number in it is INVENTED and says nothing about any country.
/// </summary>
public static class TwentyCountries
{
    /// <summary>ISO 3166: US DE FR IT ES NL BE AT PT IE GB CH SE JP CN IN BR MX CA AU.</summary>
    public static ReadOnlySpan<ushort> Countries =>
        [840, 276, 250, 380, 724, 528, 56, 40, 620, 372, 826, 756, 752, 392, 156, 356, 76, 484, 124, 36];

    /// <summary>ISO 4217: USD EUR GBP JPY CHF CNY INR BRL.</summary>
    public static ReadOnlySpan<ushort> Currencies => [840, 978, 826, 392, 756, 156, 356, 986];

    /// <summary>How many smallest whole units (yen, not sen) of each currency make about what one dollar buys: roughly,
    /// invented.</summary>
    private static ReadOnlySpan<ulong> PerDollar => [1, 1, 1, 150, 1, 7, 85, 5];

    private const ulong TravelRuleFrom = 3_000;
    private const ulong IdentityFrom = 10_000;
    private const ulong AnonymousMax = 250;

    /// <summary>The countries that the others send nothing to; here: KP and IR.</summary>
    private static readonly ushort[] s_listed = [408, 364];

    /// <summary>At ISO's scales: two digits, yen none.</summary>
    public static RuleTable Table() => Table(static currency => currency == 392 ? 0 : 2);

    /// <param name="scaleOf">The ledger's scale of a currency: digits behind the point.</param>
    public static RuleTable Table(Func<ushort, int> scaleOf)
    {
        RuleTableBuilder builder = new();
        ReadOnlySpan<ushort> countries = Countries;
        for (int i = 0; i < countries.Length; i++)
            AddCountry(builder, (ushort)(i * 100 + 1), countries[i], i, scaleOf);
        return builder.Build();
    }

    /// <summary>2 rules about corridors and 4 a currency: 34 a country, 680 in all.</summary>
    private static void AddCountry(RuleTableBuilder builder, ushort firstId, ushort country, int index, Func<ushort, int> scaleOf)
    {
        ushort id = firstId;
        string name = $"c{country:000}";
        builder.Deny(id++, $"{name}.listed", When.Source(country).And(When.Destination(s_listed))
            .Or(When.Destination(country).And(When.Source(s_listed))));
        builder.Require(id++, $"{name}.foreign", When.Tier(RuleOperator.AtLeast, 1),
            When.Source(country).And(When.Destination(country).Not()).And(When.Destination(Countries).Not()));
        for (int i = 0; i < Currencies.Length; i++)
        {
            ushort currency = Currencies[i];
            ulong dollar = PerDollar[i] * Power(scaleOf(currency));
            // No two countries agree, as in life; so rows differ.
            ulong Of(ulong dollars) => dollar * (dollars + dollars / 50 * (ulong)index);
            Condition From(ulong dollars) => When.Amount(RuleOperator.AtLeast, currency, Of(dollars));
            builder.Require(id++, $"{name}.anonymous", When.Tier(RuleOperator.AtLeast, 1),
                When.Source(country).And(When.Amount(RuleOperator.More, currency, Of(AnonymousMax))));
            builder.Require(id++, $"{name}.travel", When.Tier(RuleOperator.AtLeast, 2),
                When.Source(country).And(From(TravelRuleFrom)));
            builder.Require(id++, $"{name}.identity", When.Tier(RuleOperator.AtLeast, 3),
                When.Destination(country).And(From(IdentityFrom)));
            builder.Deny(id++, $"{name}.ceiling",
                When.Source(country).And(When.Tier(RuleOperator.AtMost, 2)).And(From(100 * IdentityFrom)));
        }
    }

    private static ulong Power(int scale)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(scale, 9);
        ulong power = 1;
        for (; scale > 0; scale--)
            power *= 10;
        return power;
    }
}
