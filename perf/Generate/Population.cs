using System.Numerics;
using Settlement.Engine.Domain;

namespace Settlement.Perf.Generate;

/// <summary>One account of a generated wallet: a line of wallets.csv.</summary>
/// <param name="Opening">In the smallest unit of the currency.</param>
public readonly record struct GeneratedAccount(
    ulong Wallet, string Country, int Participant, GeneratedCurrency Currency, ulong Opening, byte Tier, byte Level, WalletStatus Status);

/// <summary>
/// The wallets of a generated ledger, all computed from their index, none stored: so a file of any size takes no memory.
/// </summary>
/// <remarks>
/// Index i holds currency i mod C and lives in country slot (i / C) mod 8; its participant and tier are hashes of i.
/// <code>
///  0                                        Payers            Payers + Confidential      Count
///  | pay and are paid, level 0              | only paid, level 64 | frozen               |
/// </code>
/// Every eighth payer also has an empty account in the next currency. Which payer is how active is a permutation of the
/// indices (multiplication modulo their number), so that the busiest do not stand side by side.
/// </remarks>
public sealed class Population
{
    public const ulong WalletFirst = 100_000;
    public const byte ConfidentialLevel = 64;

    /// <summary>Amounts are 1 to 2^14 - 1 units, every octave as likely: 16,383 x 1.5 / 14.</summary>
    public const int AmountOctaves = 14;
    public const ulong AmountMean = 1_755;

    private readonly ulong _seed;
    private readonly ulong _participants;
    private readonly ulong _stride;
    private readonly ulong _strideInverse;
    private readonly ulong _offset;
    private readonly ulong _payments;
    private readonly PayerSkew _skew;

    public Population(GenerateOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Fault() is { } fault)
            throw new ArgumentException(fault, nameof(options));
        _seed = SeededRandom.Mix(options.Seed);
        _participants = (ulong)options.Participants;
        _payments = (ulong)options.Payments;
        _skew = options.Payers;
        Currencies = (ulong)options.Currencies;
        Count = (ulong)options.Wallets;
        Frozen = Math.Max(Currencies, Count / 64);
        Confidential = Math.Max(Currencies, Count / 32);
        Payers = Count - Frozen - Confidential;
        _stride = CoprimeNear(Payers * 5 / 8 + 1, Payers);
        _strideInverse = Inverse(_stride, Payers);
        _offset = _seed % Payers;
    }

    /// <summary>Two payers, one confidential and one frozen wallet in each currency.</summary>
    public static long WalletsMin(int currencies) => 4L * currencies;

    public ulong Count { get; }

    public ulong Currencies { get; }

    public ulong Payers { get; }

    public ulong Confidential { get; }

    public ulong Frozen { get; }

    public static ulong WalletAt(ulong index) => WalletFirst + index;

    public ulong CurrencyAt(ulong index) => index % Currencies;

    public ulong SlotAt(ulong index) => index / Currencies % Places.Slots;

    /// <summary>1 to the number of participants.</summary>
    public int ParticipantAt(ulong index) => 1 + (int)(SeededRandom.Mix(_seed + index) % _participants);

    /// <summary>Whether the wallet has an account in the currency of that place in the list.</summary>
    public bool HasAccount(ulong index, ulong currency) =>
        CurrencyAt(index) == currency || (HasSecondAccount(index) && (CurrencyAt(index) + 1) % Currencies == currency);

    public bool HasSecondAccount(ulong index) => Currencies > 1 && index < Payers && index % 8 == 0;

    /// <summary>The payer that pays n-th most; n from 1.</summary>
    public ulong PayerOfRank(ulong rank) => ((rank - 1) * _stride + _offset) % Payers;

    /// <summary>The inverse of <see cref="PayerOfRank"/>.</summary>
    public ulong RankOfPayer(ulong index) => (index + Payers - _offset) % Payers * _strideInverse % Payers + 1;

    /// <summary>How many payers have their home account in the currency.</summary>
    public ulong PayersIn(ulong currency) => (Payers - currency + Currencies - 1) / Currencies;

    public GeneratedAccount AccountAt(ulong index) => new(
        WalletAt(index),
        Places.Currencies[(int)CurrencyAt(index)].Countries[(int)SlotAt(index)],
        ParticipantAt(index),
        Places.Currencies[(int)CurrencyAt(index)],
        OpeningAt(index),
        TierAt(index),
        index >= Payers && index < Payers + Confidential ? ConfidentialLevel : (byte)0,
        index >= Payers + Confidential ? WalletStatus.Frozen : WalletStatus.Active);

    /// <summary>The empty account that every eighth payer has in the next currency; same wallet, same attributes.</summary>
    public GeneratedAccount SecondAccountAt(ulong index) =>
        AccountAt(index) with { Currency = Places.Currencies[(int)((CurrencyAt(index) + 1) % Currencies)], Opening = 0 };

    /// <summary>Half have tier 1, a quarter tier 2, an eighth each 0 and 3.</summary>
    private byte TierAt(ulong index) => (SeededRandom.Mix(_seed + index) >> 61) switch { 0 => 0, <= 4 => 1, <= 6 => 2, _ => 3 };

    /// <summary>Four times what the wallet is expected to pay, and 64 payments more: who is not meant to run dry does not.</summary>
    private ulong OpeningAt(ulong index)
    {
        if (index >= Payers)
            return AmountMean * 64;
        ulong expected = _skew == PayerSkew.Uniform
            ? _payments / Payers
            : _payments * 10 / (RankOfPayer(index) * (7 * (ulong)BitOperations.Log2(Payers) + 6)); // H(n) is about 0.7 log2 n + 0.6
        return AmountMean * (4 * expected + 64);
    }

    private static ulong CoprimeNear(ulong from, ulong modulus)
    {
        ulong candidate = from;
        while (BigInteger.GreatestCommonDivisor(candidate, modulus) != 1)
            candidate++;
        return candidate % modulus == 0 ? 1 : candidate % modulus;
    }

    /// <summary>x with value * x = 1 modulo the modulus, by Euclid's extended algorithm.</summary>
    private static ulong Inverse(ulong value, ulong modulus)
    {
        long r0 = (long)modulus, r1 = (long)(value % modulus), t0 = 0, t1 = 1;
        while (r1 != 0)
        {
            long quotient = r0 / r1;
            (r0, r1) = (r1, r0 - quotient * r1);
            (t0, t1) = (t1, t0 - quotient * t1);
        }

        return (ulong)(t0 < 0 ? t0 + (long)modulus : t0);
    }
}
