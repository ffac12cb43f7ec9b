using Settlement.Engine.Domain;
using Settlement.Engine.Rules;

namespace Settlement.Perf.Load;

/// <summary>Tables and columns for the rule loads, by seed: payments among 20 countries in 8 currencies, 1 in 1,000 refused by
/// thresholds.</summary>
internal sealed class RuleLoadData
{
    private const int AmountMax = 1_000;
    private readonly ushort[] _source;
    private readonly ushort[] _destination;
    private readonly ushort[] _currency;
    private readonly ulong[] _amount;
    private readonly byte[] _tier;
    private readonly byte[] _purpose;
    private readonly byte[] _level;
    private readonly byte[] _instruction;
    private readonly byte[] _payerKind;
    private readonly byte[] _payeeKind;

    /// <param name="chunkCount">Chunks of <see cref="Limits.ChunkPayments"/>.</param>
    /// <param name="seed">Of all values.</param>
    /// <param name="spreadAmounts">Amounts of up to nine digits, each number of digits as likely, to meet thresholds from both sides; else below all of them, but 1 in 1,000.</param>
    public RuleLoadData(int chunkCount, int seed, bool spreadAmounts = false)
    {
        Count = chunkCount * Limits.ChunkPayments;
        (_source, _destination, _currency, _amount) = (new ushort[Count], new ushort[Count], new ushort[Count], new ulong[Count]);
        (_tier, _purpose, _level, _instruction) = (new byte[Count], new byte[Count], new byte[Count], new byte[Count]);
        (_payerKind, _payeeKind) = (new byte[Count], new byte[Count]);
        Random random = new(seed);
        for (int i = 0; i < Count; i++)
        {
            _source[i] = TwentyCountries.Countries[random.Next(TwentyCountries.Countries.Length)];
            _destination[i] = TwentyCountries.Countries[random.Next(TwentyCountries.Countries.Length)];
            _currency[i] = TwentyCountries.Currencies[random.Next(TwentyCountries.Currencies.Length)];
            _amount[i] = spreadAmounts
                ? (ulong)random.NextInt64(1, DigitsOf(random.Next(1, 10)))
                : (ulong)(random.Next(1_000) == 0 ? AmountMax + 1 : random.Next(1, AmountMax));
            _tier[i] = (byte)random.Next(4);
            _purpose[i] = (byte)random.Next((int)Purpose.Last + 1);
            _level[i] = (byte)random.Next(256);
            _instruction[i] = (byte)random.Next((int)Instruction.Micropayment, (int)Instruction.Capture);
            _payerKind[i] = (byte)random.Next((int)PartyKind.Last + 1);
            _payeeKind[i] = (byte)random.Next((int)PartyKind.Last + 1);
        }
    }

    public int Count { get; }

    public RuleColumns Chunk(int number)
    {
        int first = number * Limits.ChunkPayments;
        return new RuleColumns
        {
            Source = _source.AsSpan(first, Limits.ChunkPayments),
            Destination = _destination.AsSpan(first, Limits.ChunkPayments),
            Currency = _currency.AsSpan(first, Limits.ChunkPayments),
            Amount = _amount.AsSpan(first, Limits.ChunkPayments),
            Tier = _tier.AsSpan(first, Limits.ChunkPayments),
            Purpose = _purpose.AsSpan(first, Limits.ChunkPayments),
            Level = _level.AsSpan(first, Limits.ChunkPayments),
            Instruction = _instruction.AsSpan(first, Limits.ChunkPayments),
            PayerKind = _payerKind.AsSpan(first, Limits.ChunkPayments),
            PayeeKind = _payeeKind.AsSpan(first, Limits.ChunkPayments),
        };
    }

    private static long DigitsOf(int digits) => (long)AmountText.UnitsPerWhole(digits);

    public RuleFacts Facts(int i) =>
        new(_source[i], _destination[i], _currency[i], _amount[i], _tier[i], _purpose[i], _level[i], _instruction[i], _payerKind[i], _payeeKind[i]);

    /// <summary>Thresholds only: each in one country and currency, for one tier and below, so that rows hold them all.</summary>
    public static RuleTable Thresholds(int ruleCount)
    {
        RuleTableBuilder builder = new();
        for (int i = 0; i < ruleCount; i++)
        {
            ushort country = TwentyCountries.Countries[i % 20];
            ushort currency = TwentyCountries.Currencies[i / 20 % 8];
            Condition where = i % 3 == 0 ? When.Destination(country) : When.Source(country);
            builder.Deny((ushort)(i + 1), "threshold", where.And(When.Tier(RuleOperator.AtMost, (byte)(i % 4)))
                .And(When.Amount(RuleOperator.More, currency, (ulong)(AmountMax + i % 7 * 1_000))));
        }
        return builder.Build();
    }

    /// <summary>Rules that no row can hold: each asks for a country, a purpose or level, and an amount of its own.</summary>
    public static RuleTable Residuals(int ruleCount)
    {
        RuleTableBuilder builder = new();
        for (int i = 0; i < ruleCount; i++)
        {
            Condition about = i % 2 == 0
                ? When.Purpose((Purpose)(i % ((int)Purpose.Last + 1)))
                : When.Level(RuleOperator.AtLeast, (byte)(100 + i % 100));
            builder.Deny((ushort)(i + 1), "residual", When.Source(TwentyCountries.Countries[i % 20]).And(about)
                .And(When.Amount(RuleOperator.More, TwentyCountries.Currencies[i / 20 % 8], (ulong)(AmountMax + i * 1_000))));
        }
        return builder.Build();
    }
}
