using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Perf.Generate;

namespace Settlement.Perf.Load;

/// <summary>
/// The ledger that `apply` and `journal` measure: wallets with one account each in one of 8 currencies, in 20 countries with a participant each,
/// 20 countries' rules active, levels 0 to 3, and uniform payments between wallets of one currency that all pass.
/// </summary>
/// <param name="Wallets">At least 8.</param>
/// <param name="Seed">Of the payments.</param>
internal sealed record LoadLedger(int Wallets, ulong Seed)
{
    /// <summary>2026-11-02 00:00 UTC.</summary>
    public const ulong TimeNs = 1_793_577_600 * Limits.NsPerSecond;

    /// <summary>A settlement window of the size that `settle` has by default.</summary>
    public const ulong BatchCount = 100_000;

    private const ulong OpeningUnits = 1_000_000_000_000;
    private const int AmountMax = 20_000;
    private const byte Tier = 3;
    private const ulong WalletStep = 7_919; // wallets are not numbered without gaps
    private const ulong Stream = 0x5EED;

    public Genesis Genesis => Genesis.Default(default) with { AccountsMax = Wallets };

    /// <summary>Participants, currencies, rules and settings, then wallets: control slots, in order.</summary>
    public IEnumerable<ControlCommand> Commands()
    {
        for (int i = 0; i < TwentyCountries.Countries.Length; i++)
        {
            var declare = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = (ushort)(i + 1), Session = Limits.OperatorSession };
            declare.SetName($"country {TwentyCountries.Countries[i]}");
            yield return declare;
        }

        for (int i = 0; i < TwentyCountries.Currencies.Length; i++)
        {
            ushort currency = TwentyCountries.Currencies[i];
            yield return new ControlCommand
            {
                Instruction = Instruction.DeclareCurrency, Currency = currency, Scale = (byte)Iso4217.ScaleOf(currency), Session = Limits.OperatorSession,
            };
        }

        yield return new ControlCommand
        {
            Instruction = Instruction.SetSetting, Subject = (ulong)SettingKey.BatchCount, Value = BatchCount, Session = Limits.OperatorSession,
        };
        for (int i = 0; i < Wallets; i++)
        {
            yield return new ControlCommand
            {
                Instruction = Instruction.OpenWallet, Subject = WalletAt(i), Currency = CurrencyAt(i),
                Country = CountryAt(i / 8), Participant = (ushort)((i / 8 % 20) + 1),
                Tier = Tier, Level = (byte)(i / 160 % 4), Session = Limits.OperatorSession,
            };
        }
    }

    /// <summary>Every wallet's opening balance.</summary>
    public IEnumerable<Payment> Openings()
    {
        for (int i = 0; i < Wallets; i++)
        {
            yield return new Payment
            {
                IdHigh = Limits.OpeningIdHigh | CurrencyAt(i), IdLow = WalletAt(i), Payee = WalletAt(i), Amount = OpeningUnits,
                Currency = CurrencyAt(i), Instruction = Instruction.Issue, Flags = PaymentFlags.Opening, Session = Limits.OperatorSession,
            };
        }
    }

    /// <summary>The rules of 20 countries, as their command and its continuation slots.</summary>
    public static Payment[] Rules() => Rules(TwentyCountries.Table());

    public static Payment[] Rules(RuleTable rules)
    {
        ReadOnlySpan<byte> table = rules.Encode();
        var slots = new Payment[1 + ((table.Length + Payment.Size - 1) / Payment.Size)];
        var command = new ControlCommand { Instruction = Instruction.ActivateRules, ContinuationBytes = (uint)table.Length, Session = Limits.OperatorSession };
        Span<byte> bytes = MemoryMarshal.AsBytes(slots.AsSpan());
        MemoryMarshal.Write(bytes, in command);
        table.CopyTo(bytes[Payment.Size..]);
        return slots;
    }

    /// <summary>Uniform payers and payees of one currency; the ids are given by <see cref="Number"/>.</summary>
    /// <param name="payments">All written but for their ids.</param>
    /// <param name="passes">Told each payment's countries and currency, amount and purpose: what does not pass is drawn again; null: everything passes.</param>
    public void Fill(Span<Payment> payments, Func<RuleFacts, bool>? passes = null)
    {
        var random = new SeededRandom(Seed);
        foreach (ref Payment payment in payments)
        {
            RuleFacts facts;
            do
                payment = Draw(ref random, out facts);
            while (passes is not null && !passes(facts));
        }
    }

    private Payment Draw(ref SeededRandom random, out RuleFacts facts)
    {
        ulong each = (ulong)(Wallets / 8);
        int currency = (int)random.Below(8);
        ulong payer = random.Below(each);
        ulong payee = random.Below(each - 1);
        payee += payee >= payer ? 1UL : 0;
        // Whoever pays is of a level at most the payee's, so that labels let it flow.
        (payer, payee) = payer / 20 % 4 <= payee / 20 % 4 ? (payer, payee) : (payee, payer);
        var payment = new Payment
        {
            Payer = WalletAt(((int)payer * 8) + currency),
            Payee = WalletAt(((int)payee * 8) + currency),
            Amount = 1 + random.Below(AmountMax),
            Currency = TwentyCountries.Currencies[currency],
            Instruction = Instruction.Micropayment,
            Purpose = Purpose.Goods,
            Session = Limits.OperatorSession,
        };
        facts = new RuleFacts(
            CountryAt((int)payer), CountryAt((int)payee), payment.Currency, payment.Amount, Tier, (byte)payment.Purpose, payment.Level, (byte)payment.Instruction);
        return payment;
    }

    private static ushort CountryAt(int person) => TwentyCountries.Countries[person % 20];

    /// <summary>Gives payments fresh ids: the next numbers of one stream, or UUIDv7 of the load's time.</summary>
    public static void Number(Span<Payment> payments, ulong first, bool uuidV7)
    {
        for (int i = 0; i < payments.Length; i++)
        {
            ulong number = first + (ulong)i;
            ref Payment payment = ref payments[i];
            if (uuidV7)
            {
                payment.Flags = PaymentFlags.None;
                payment.IdHigh = (TimeNs / 1_000_000 << 16) | 0x7000 | (number >> 50 & 0xFFF);
                payment.IdLow = (1UL << 63) | (number * 0x9E37_79B9_7F4A_7C15 >> 2);
            }
            else
            {
                payment.Flags = PaymentFlags.StreamId;
                (payment.IdHigh, payment.IdLow) = (Stream, number);
            }
        }
    }

    private static ulong WalletAt(int index) => ((ulong)index * WalletStep) + 13;

    private static ushort CurrencyAt(int index) => TwentyCountries.Currencies[index % 8];
}
