using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>Who is there at the start: participants, currencies, sessions, wallets, openings, settings.</summary>
public sealed partial class StreamGenerator
{
    private const int WalletsAtStart = 160;
    private const int ParticipantsAtStart = 5;

    /// <summary>Never declared: for UnknownCurrency.</summary>
    private static readonly ushort[] s_strangeCurrencies = [826, 0, 9_999, 65_535];

    private static readonly (ushort Number, byte Scale, ushort Authority)[] s_currencies =
        [(978, 2, 0), (840, 4, BulkParticipant), (392, 0, 0), (414, 3, 2)];

    /// <summary>Germany, France, the United States, Cuba, North Korea, Norway, Japan.</summary>
    private static readonly ushort[] s_countries = [276, 250, 840, 192, 408, 578, 392];

    private static readonly byte[] s_levels = [0, 1, 50, 100, 101, 150, 200, 255];

    private static readonly (ushort Participant, byte Clearance, SessionFlags Flags)[] s_sessions =
    [
        (0, 255, SessionFlags.Operator), // 1, made by genesis
        (0, 255, SessionFlags.Operator),
        (BulkParticipant, 255, SessionFlags.None), // 3
        (BulkParticipant, 100, SessionFlags.None),
        (BulkParticipant, 255, SessionFlags.Declassify), // 5
        (BulkParticipant, 255, SessionFlags.Operator),
        (2, 255, SessionFlags.None), // 7
        (2, 100, SessionFlags.None),
        (2, 0, SessionFlags.None),
        (3, 255, SessionFlags.None), // 10
        (3, 120, SessionFlags.Declassify),
        (4, 255, SessionFlags.None), // 12
        (0, 255, SessionFlags.None),
        (0, 100, SessionFlags.Operator), // 14
        (2, 255, SessionFlags.Operator),
        (4, 200, SessionFlags.Operator | SessionFlags.Declassify), // 16
    ];

    private const ushort SecondOperator = 2, LowOperator = 14, StrangeSession = 60_000;

    private static readonly ushort[] s_bulkSessions = [3, 3, 3, 3, 3, 3, 6, 6, 6, 4, 5];

    private readonly List<ulong> _wallets = [];
    private readonly List<ulong>[] _walletsOf = [[], [], [], [], []];

    /// <summary>Wallets with balances near 2^64, into which little fits.</summary>
    private readonly List<ulong> _whales = [];

    private List<Payment>[] Cast()
    {
        List<Payment> declarations = [], wallets = [], settings = [];
        for (ushort index = 1; index < ParticipantsAtStart; index++)
            Add(declarations, Scenario.Participant(index, $"participant {index}"));
        foreach ((ushort number, byte scale, ushort authority) in s_currencies)
            Add(declarations, Scenario.Currency(number, scale, authority));
        for (ushort index = 2; index <= s_sessions.Length; index++)
        {
            (ushort participant, byte clearance, SessionFlags flags) = s_sessions[index - 1];
            Add(declarations, Scenario.Session(index, participant, clearance, flags));
        }

        for (int i = 0; i < WalletsAtStart; i++)
        {
            ControlCommand open = NewWallet(i % 2 == 0 ? BulkParticipant : (ushort)_random.Below(ParticipantsAtStart));
            Add(wallets, open);
            if (_random.Percent(40))
                Add(wallets, open with { Currency = _random.Pick(s_currencies).Number });
            if (_random.Percent(30))
                Add(wallets, Scenario.Account(open.Subject, _random.Pick(s_currencies).Number));
            if (open.Currency != s_currencies[0].Number && _random.Percent(85))
                Add(wallets, Scenario.Account(open.Subject, s_currencies[0].Number));
            if (i % 40 == 7)
                _whales.Add(open.Subject);
        }

        bool small = _temper == Temper.SmallBatches;
        Add(settings, Scenario.Setting(SettingKey.BatchCount, small ? 7UL : 2_000));
        Add(settings, Scenario.Setting(SettingKey.BatchAgeNs, 1_800 * Limits.NsPerSecond));
        Add(settings, Scenario.Setting(SettingKey.BatchValue, small ? 40_000UL : 2_500_000, currency: 978));
        if (_temper == Temper.ShortMemory)
        {
            Add(settings, Scenario.Setting(SettingKey.IdRetentionNs, 2 * Limits.NsPerHour));
            Add(settings, Scenario.Setting(SettingKey.IdWindowNs, Limits.NsPerHour));
            Add(settings, Scenario.Setting(SettingKey.RefundLifetimeNs, 600 * Limits.NsPerSecond));
        }

        AddPlan(settings, _encode(NextRules()));
        return [declarations, wallets, settings];
    }

    /// <summary>An OpenWallet of a fresh wallet, counted among those that exist (if the ledger has room).</summary>
    private ControlCommand NewWallet(ushort participant)
    {
        ulong wallet = _random.OneIn(10) ? (ulong)_wallets.Count + 1 : _random.Next() | 1;
        _wallets.Add(wallet);
        _walletsOf[participant].Add(wallet);
        return Scenario.Command(Instruction.OpenWallet) with
        {
            Subject = wallet,
            Participant = participant,
            Country = _random.Pick(s_countries),
            Tier = (byte)_random.Below(4),
            Kind = NextKind(),
            Level = _random.Percent(92) ? (byte)0 : _random.Pick(s_levels),
            Status = _random.Percent(4) ? WalletStatus.Frozen : WalletStatus.Active,
            Holder = _random.Percent(20) ? (ulong)_random.Between(1, 6) : 0,
            Currency = _random.Percent(70) ? s_currencies[0].Number : _random.Pick(s_currencies).Number,
        };
    }

    /// <summary>A wallet that the ledger refused to open is no longer paid to: unknown ones come about on purpose.</summary>
    private void ForgetWalletsNotOpened()
    {
        if (Model.Wallets.Count == 0 || _wallets.TrueForAll(Model.Wallets.ContainsKey))
            return; // the cast's own wallets come in its second block
        _wallets.RemoveAll(wallet => !Model.Wallets.ContainsKey(wallet));
        foreach (List<ulong> wallets in _walletsOf)
            wallets.RemoveAll(wallet => !Model.Wallets.ContainsKey(wallet));
    }

    /// <summary>Most accounts get an opening balance; whales get all that fits but a little.</summary>
    private List<Payment> Openings()
    {
        List<Payment> openings = [];
        foreach (ulong id in _wallets)
            foreach (NaiveAccount account in Model.Wallets[id].Accounts.Values)
                if (_random.Percent(93) || _whales.Contains(id))
                    openings.Add(Opening(id, account.Currency) with
                    {
                        Amount = _whales.Contains(id) ? ulong.MaxValue - _random.Below(3_000UL)
                            : _random.Percent(8) ? _random.Between(1UL, 500)
                            : _random.Between(1_000_000UL, 4_000_000_000),
                    });
        if (consents && _temper != Temper.Tight)
            openings.AddRange(ChainStreams());
        return openings;
    }

    private static Payment Opening(ulong wallet, ushort currency) => new()
    {
        Instruction = Instruction.Issue,
        Flags = PaymentFlags.Opening,
        IdHigh = Limits.OpeningIdHigh | currency,
        IdLow = wallet,
        Payee = wallet,
        Currency = currency,
        Amount = 1_000,
        Session = AuthoritySession(currency),
    };

    /// <summary>A session of full clearance of the currency's authority.</summary>
    private static ushort AuthoritySession(ushort currency) => currency switch
    {
        840 => 3,
        414 => 7,
        _ => Limits.OperatorSession,
    };

    private static void Add(List<Payment> slots, ControlCommand command) =>
        slots.Add(MemoryMarshal.Cast<ControlCommand, Payment>(new Span<ControlCommand>(ref command))[0]);

    private static void AddPlan(List<Payment> slots, ReadOnlySpan<byte> plan, ushort session = Limits.OperatorSession)
    {
        ControlCommand command = Scenario.Command(Instruction.ActivateRules) with
        {
            ContinuationBytes = (uint)plan.Length,
            Session = session,
        };
        Add(slots, command);
        Payment[] continuation = new Payment[command.ContinuationSlots];
        plan.CopyTo(MemoryMarshal.AsBytes(continuation.AsSpan()));
        slots.AddRange(continuation);
    }
}
