using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>Control blocks: changes of the cast and of the settings, among them every wrong command.</summary>
public sealed partial class StreamGenerator
{
    private static readonly ushort[] s_moreCurrencies = [756, 752, 48, 484, 124];
    private static readonly string[] s_moreNames = ["north", "south", "east", "west", "participant 2"];

    private readonly List<ControlCommand> _sent = [];
    private int _yearStart;

    private List<Payment> NextCommands(bool jumps, ControlCommand[]? scripted)
    {
        List<Payment> slots = [];
        if (jumps)
            Add(slots, Scenario.Command(Instruction.AcceptTime));
        foreach (ControlCommand command in scripted ?? [])
            Add(slots, command);

        int count = _random.Between(1, 24);
        for (int i = 0; i < count; i++)
        {
            if (_random.OneIn(18))
            {
                AddRules(slots);
                continue;
            }

            ControlCommand command = _sent.Count > 0 && _random.OneIn(12) ? _random.Pick(_sent) : NextCommand();
            Send(slots, command);
            if (command.Instruction == Instruction.SetWalletLevel && _random.OneIn(2))
                Send(slots, command with { Session = SecondOperator });
        }

        SettleSome(slots);
        if (consents && !_random.OneIn(3))
            AddConsentCommands(slots);
        if (_random.OneIn(25)) // at the end: a plan that runs past the block
            Add(slots, Scenario.Command(Instruction.ActivateRules) with { ContinuationBytes = 65 });
        return slots;
    }

    private void Send(List<Payment> slots, ControlCommand command)
    {
        if (_random.Percent(8))
            command.Session = _random.Below(5) switch
            {
                0 => StrangeSession,
                1 => LowOperator,
                2 => SecondOperator,
                _ => (ushort)_random.Between(1, s_sessions.Length),
            };
        Add(slots, command);
        for (int i = 0; i < command.ContinuationSlots && i < 4; i++)
            Add(slots, Scenario.CloseBatch());
        if (_sent.Count < 200)
            _sent.Add(command);
        else
            _sent[_random.Below(200)] = command;
    }

    private ControlCommand NextCommand() => _random.Below(25) switch
    {
        0 => NextParticipant(),
        1 => NextCurrency(),
        2 => Scenario.Session(
            (ushort)(_random.OneIn(2) ? Model.Sessions.Count + 1 : _random.Below(Model.Sessions.Count + 4)),
            (ushort)_random.Below(8), _random.Pick(s_levels), (SessionFlags)_random.Below(4)),
        3 or 4 => NextOpenWallet(),
        5 => Scenario.Account(AnyWallet(), AnyCurrency()),
        6 => Scenario.Close(AnyWallet()),
        7 or 8 => Scenario.Status(
            AnyWallet(), (WalletStatus)(_random.OneIn(12) ? _random.Between(2, 4) : _random.Below(16) / 15)),
        9 => Scenario.Command(Instruction.SetWalletTier) with { Subject = AnyWallet(), Tier = (byte)_random.Below(5) },
        10 or 11 => Scenario.Level(AnyWallet(), _random.OneIn(2) ? (byte)0 : _random.Pick(s_levels)),
        12 => Scenario.Command(Instruction.SetWalletCountry) with
        {
            Subject = AnyWallet(),
            Country = _random.OneIn(8) ? (ushort)1_000 : _random.Pick(s_countries),
        },
        13 or 14 => NextCap(),
        15 or 16 => Scenario.Command(Instruction.SetFee) with
        {
            Participant = (ushort)_random.Below(7),
            Currency = AnyCurrency(),
            BasisPoints = _random.OneIn(10) ? 10_001 : (uint)_random.Below(300),
            Value = _random.Below(20UL),
        },
        17 or 18 or 19 => NextSetting(),
        20 => Scenario.CloseBatch(),
        21 => Scenario.Settled(_random.Below(Model.OpenBatch + 2)),
        22 => NextMalformedCommand(),
        23 => Scenario.Command(Instruction.SetWalletKind) with { Subject = AnyWallet(), Kind = (PartyKind)_random.Below((int)PartyKind.Last + 2) },
        _ => Scenario.Command(Instruction.AcceptTime), // mostly not the first
    };

    private ControlCommand NextMalformedCommand() => _random.Below(4) switch
    {
        0 => Scenario.Command((Instruction)_random.Between(146, 255)),
        1 => Scenario.Command((Instruction)_random.Below(9)),
        2 => Scenario.CloseBatch() with { ContinuationBytes = (uint)_random.Between(1, 200) },
        _ => NextSetting() with { ContinuationBytes = 64 },
    };

    private ulong AnyWallet() => _random.OneIn(15) ? _random.Below(3UL) * 1_000_003 : _random.Pick(_wallets);

    private ushort AnyCurrency() => _random.OneIn(10) ? _random.Pick(s_strangeCurrencies) : _random.Pick(s_currencies).Number;

    private ControlCommand NextParticipant()
    {
        if (_random.OneIn(6))
            return Scenario.Participant(2, "participant 2");
        ushort index = (ushort)(_random.OneIn(2) ? Model.Participants.Count : _random.Below(9));
        return _random.OneIn(6)
            ? Scenario.Command(Instruction.DeclareParticipant) with { Participant = index }
            : Scenario.Participant(index, _random.Pick(s_moreNames));
    }

    private ControlCommand NextCurrency()
    {
        (ushort number, byte scale, ushort authority) = _random.Pick(s_currencies);
        return _random.Below(7) switch
        {
            0 => Scenario.Currency(number, scale, authority),
            1 => Scenario.Currency(number, (byte)(scale + 1), authority),
            2 => Scenario.Currency(_random.OneIn(2) ? (ushort)9_999 : (ushort)756, (byte)_random.Pick((byte[])[0, 2, 19])),
            3 => Scenario.Currency(_random.Pick(s_moreCurrencies), 4, 50),
            _ => Scenario.Currency(_random.Pick(s_moreCurrencies), 4, (ushort)_random.Below(3)),
        };
    }

    private ControlCommand NextOpenWallet()
    {
        ulong known = _random.Pick(_wallets);
        if (_random.OneIn(3) && Model.Wallets.GetValueOrDefault(known) is { } wallet)
        {
            ControlCommand same = Scenario.Command(Instruction.OpenWallet) with
            {
                Subject = known,
                Participant = wallet.Participant,
                Country = wallet.Country,
                Tier = wallet.Tier,
                Kind = wallet.Kind,
                Level = wallet.Level,
                Status = wallet.Status,
                Holder = wallet.Holder,
                Currency = _random.OneIn(5) ? (ushort)0 : AnyCurrency(),
            };
            return !_random.OneIn(3) ? same
                : _random.OneIn(2) ? same with { Tier = (byte)(same.Tier ^ 1) }
                : same with { Kind = same.Kind ^ PartyKind.Person };
        }

        ControlCommand command = NewWallet((ushort)_random.Below(ParticipantsAtStart));
        return _random.Below(15) switch
        {
            0 => command with { Country = 7 },
            1 => command with { Tier = 4 },
            2 => command with { Status = WalletStatus.Closed },
            3 => command with { Participant = 60 },
            4 => command with { Subject = 0 },
            5 => command with { Currency = _random.Pick(s_strangeCurrencies) },
            6 or 7 => command with { Currency = 0 },
            8 => command with { Kind = PartyKind.Last + 1 },
            _ => command,
        };
    }

    /// <summary>Tight for the small ones, wide for the bulk participant, and taken away as often as set.</summary>
    private ControlCommand NextCap()
    {
        ushort participant = (ushort)_random.Below(7);
        ulong cap = participant == BulkParticipant ? 40_000_000 : _random.Between(1_000UL, 400_000);
        return Scenario.Command(Instruction.SetCap) with
        {
            Participant = participant,
            Currency = AnyCurrency(),
            Value = cap,
            Value2 = _random.OneIn(12) ? 2UL : _random.Below(2UL),
        };
    }

    private ControlCommand NextSetting()
    {
        bool small = _temper == Temper.SmallBatches;
        switch (_random.Below(9))
        {
            case 0:
                return Scenario.Setting(SettingKey.BatchCount, _random.OneIn(5) ? 0 : _random.Between(1UL, small ? 40UL : 6_000));
            case 1:
                return Scenario.Setting(
                    SettingKey.BatchAgeNs, _random.OneIn(6) ? 0 : _random.Between(1UL, 3_600) * Limits.NsPerSecond);
            case 2 or 3:
                return Scenario.Setting(
                    SettingKey.BatchValue, _random.OneIn(5) ? 0 : _random.Between(1_000UL, small ? 90_000UL : 4_000_000),
                    currency: _random.OneIn(4) ? _random.Pick(s_strangeCurrencies) : AnyCurrency());
            case 4:
                ulong hours = _temper == Temper.ShortMemory ? _random.Below(4UL) : _random.Pick((ulong[])[0, 720, 720, 48]);
                return Scenario.Setting(SettingKey.IdRetentionNs, hours * Limits.NsPerHour + _random.Below(2UL));
            case 5:
                return Scenario.Setting(
                    SettingKey.IdWindowNs, (_temper == Temper.ShortMemory ? 1UL : _random.Between(12UL, 30)) * Limits.NsPerHour);
            case 6:
                return Scenario.Setting(SettingKey.RefundLifetimeNs, _random.Between(1UL, 90) * (Limits.NsPerHour / 6));
            case 7:
                ulong instruction = _random.OneIn(4) ? _random.Between(126UL, 157) : _random.Between(0UL, 9);
                ulong level = _random.Percent(80) ? 255UL : _random.Pick((ulong[])[100, 150, 200, 256]);
                return Scenario.Setting(SettingKey.InstructionLevel, level, instruction);
            default:
                return Scenario.Setting((SettingKey)_random.Pick((int[])[0, 8, 255]), 1);
        }
    }

    /// <summary>Reports most closed batches settled, some of them again.</summary>
    private void SettleSome(List<Payment> slots)
    {
        int budget = 300;
        for (int number = Model.ClosedBatches.Count; number > 0 && budget > 0; number--, budget--)
            if (!Model.ClosedBatches[number - 1].IsSettled && _random.Percent(70))
                Add(slots, Scenario.Settled((ulong)number));
    }

    private void AddRules(List<Payment> slots)
    {
        ushort session = _random.OneIn(10) ? (ushort)_random.Between(1, s_sessions.Length) : Limits.OperatorSession;
        byte[] plan = _random.OneIn(6) ? [1, 2, 3] : _encode(NextRules());
        AddPlan(slots, plan, session);
        if (_random.OneIn(3))
            AddPlan(slots, plan);
    }

    /// <summary>
    /// A few closed corridors, ceilings by tier, reviews, and limits over every window. All years of a history start on the same
    /// day.
    /// </summary>
    private List<TableRule> NextRules()
    {
        if (_yearStart == 0)
            _yearStart = _random.Between(1, 12);
        List<TableRule> rules = [.. WindowRules()];
        int count = _random.Between(2, 9);
        for (ushort number = 1; number <= count; number++)
        {
            ushort numbered = (ushort)(number * 10 + _random.Below(9));
            ushort currency = _random.Pick(s_currencies).Number;
            rules.Add(_random.Below(6) switch
            {
                0 => new TableRule(numbered, TableRuleKind.Deny, _random.Pick(s_countries), _random.Pick(s_countries), 0),
                1 => new TableRule(
                    numbered, TableRuleKind.Ceiling, _random.Pick(s_countries), 0, currency, (byte)_random.Below(4),
                    _random.Between(500UL, 20_000)),
                2 or 3 => NextReview(numbered, currency),
                _ => new TableRule(
                    numbered, TableRuleKind.Limit, _random.Pick(s_countries),
                    _random.OneIn(3) ? _random.Pick(s_countries) : (ushort)0, currency, (byte)_random.Below(4),
                    _random.Between(2_000UL, 700_000),
                    new NaiveWindow((NaiveWindowKind)_random.Below(4), (byte)_yearStart, 6)),
            });
        }

        return rules;
    }
}
