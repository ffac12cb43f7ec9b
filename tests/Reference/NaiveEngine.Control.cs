using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>
/// Control commands, row by row of the table: first its refusals in their order, then "already so", then the change.
/// </summary>
public sealed partial class NaiveEngine
{
    /// <summary>A lowered level that one session asked for.</summary>
    private readonly Dictionary<(ulong Wallet, byte Level), ushort> _approvals = [];

    private byte[]? _activePlan;
    private ulong _idWindowNs = 24 * Limits.NsPerHour;
    private ulong _idRetentionNs = 30 * Limits.NsPerDay;
    private ulong _refundLifetimeNs = 30 * Limits.NsPerDay;

    /// <summary>Rows of 64 bytes in use: one an account, and one a wallet that has none yet.</summary>
    private int _accountRows;

    public int AccountRows => _accountRows;

    private void ApplyControl(ReadOnlySpan<Payment> slots, Outcome[] outcomes)
    {
        ReadOnlySpan<ControlCommand> commands = MemoryMarshal.Cast<Payment, ControlCommand>(slots);
        int next;
        for (int i = 0; i < slots.Length; i = next)
        {
            ref readonly ControlCommand command = ref commands[i];
            bool fits = command.ContinuationSlots <= slots.Length - i - 1;
            next = fits ? i + 1 + command.ContinuationSlots : slots.Length;
            ReadOnlySpan<byte> continuation =
                fits ? MemoryMarshal.AsBytes(slots[(i + 1)..next])[..(int)command.ContinuationBytes] : default;

            Outcome outcome = new() { Batch = Outcome.NoBatch };
            _sequenceNext += (ulong)(next - i);
            outcome.Verdict = DecideCommand(command, continuation, fits, isFirst: i == 0);
            Array.Fill(outcomes, outcome, i, next - i);
        }
    }

    private Verdict DecideCommand(in ControlCommand command, ReadOnlySpan<byte> continuation, bool fits, bool isFirst)
    {
        // Refusals of kind A.
        if (!_sessions.TryGetValue(command.Session, out NaiveSession? session) || _closedSessions.Contains(command.Session))
            return Verdict.UnknownSession;
        bool hasMeaning = command.Instruction is >= Instruction.DeclareCurrency and <= Instruction.OpenChain;
        bool continuationExpected = command.Instruction is Instruction.ActivateRules or >= Instruction.DecideReview;
        if (!hasMeaning || !fits || (command.ContinuationBytes != 0 && !continuationExpected))
            return Verdict.Malformed;

        bool maySend = command.Instruction switch
        {
            Instruction.SetParameter => true,
            Instruction.AttestPlan => command.Session == Limits.OperatorSession,
            Instruction.RegisterKey or Instruction.RevokeKey or Instruction.SetMandate or Instruction.SetConsent or Instruction.OpenChain => true,
            _ => session.IsOperator,
        };
        bool levelIsAsked = session.IsOperator || command.Instruction < Instruction.RegisterKey;
        if (!maySend || (levelIsAsked && session.Clearance < _instructionLevels[(byte)command.Instruction]))
            return Verdict.NotAuthorised;

        return command.Instruction switch
        {
            Instruction.DeclareParticipant => DeclareParticipant(command),
            Instruction.DeclareCurrency => DeclareCurrency(command),
            Instruction.OpenSession => OpenSession(command),
            Instruction.OpenWallet => OpenWallet(command),
            Instruction.OpenAccount => OpenAccount(command),
            Instruction.CloseWallet => CloseWallet(command),
            Instruction.SetWalletStatus or Instruction.SetWalletTier or Instruction.SetWalletLevel or Instruction.SetWalletCountry
                or Instruction.SetWalletKind => SetWallet(command),
            Instruction.SetCap => SetCap(command),
            Instruction.SetFee => SetFee(command),
            Instruction.SetSetting => SetSetting(command),
            Instruction.ActivateRules => ActivateRules(continuation),
            Instruction.CloseBatch => CloseBatchByCommand(),
            Instruction.SettledBatch => Settle(command.Subject),
            >= Instruction.RegisterKey => ApplyConsentCommand(command, continuation, session),
            >= Instruction.DecideReview => Verdict.InvalidValue, // histories hold none that can be read; tests/Governance has those
            _ => isFirst ? Verdict.Accepted : Verdict.InvalidValue, // AcceptTime
        };
    }

    private Verdict DeclareParticipant(in ControlCommand command)
    {
        string name = command.GetName();
        int index = command.Participant, next = _participants.Count;
        if (name.Length == 0 || index > next)
            return Verdict.InvalidValue;
        int indexOfName = _participants.IndexOf(name);
        if (indexOfName >= 0 ? indexOfName != index : index < next)
            return Verdict.AlreadyExists;
        if (indexOfName == index)
            return Verdict.Duplicate;
        if (next >= _genesis.ParticipantsMax)
            return Verdict.CapacityExceeded;
        _participants.Add(name);
        return Verdict.Accepted;
    }

    private Verdict DeclareCurrency(in ControlCommand command)
    {
        if (IsoNumbers.CurrencyScale(command.Currency) is not { } isoScale
            || command.Scale < isoScale || command.Scale > Limits.ScaleMax)
            return Verdict.InvalidValue;
        if (command.Participant >= _participants.Count)
            return Verdict.UnknownParticipant;
        if (Currency(command.Currency) is { } known)
            return known.Scale == command.Scale && known.Authority == command.Participant
                ? Verdict.Duplicate
                : Verdict.AlreadyExists;
        if (_currencies.Count >= _genesis.CurrenciesMax)
            return Verdict.CapacityExceeded;
        _currencies.Add(new NaiveCurrency(command.Currency, command.Scale, command.Participant));
        return Verdict.Accepted;
    }

    private Verdict OpenSession(in ControlCommand command)
    {
        int next = _sessions.Count + 1; // session 0 is never valid
        if (command.Subject == 0 || command.Subject > (ulong)next)
            return Verdict.InvalidValue;
        if (command.Participant >= _participants.Count)
            return Verdict.UnknownParticipant;
        NaiveSession wanted = new(command.Participant, command.Level, command.SessionFlags);
        if (_sessions.TryGetValue((ushort)command.Subject, out NaiveSession? known))
            return known == wanted && !_closedSessions.Contains((ushort)command.Subject) ? Verdict.Duplicate : Verdict.AlreadyExists;
        if (next >= _genesis.SessionsMax)
            return Verdict.CapacityExceeded;
        _sessions.Add((ushort)command.Subject, wanted);
        return Verdict.Accepted;
    }

    private Verdict OpenWallet(in ControlCommand command)
    {
        if (command.Subject == 0 || !IsoNumbers.IsCountry(command.Country) || command.Tier > Limits.TierMax || command.Kind > PartyKind.Last
            || command.Status > WalletStatus.Frozen)
            return Verdict.InvalidValue;
        if (command.Participant >= _participants.Count)
            return Verdict.UnknownParticipant;
        if (command.Currency != 0 && Currency(command.Currency) is null)
            return Verdict.UnknownCurrency;

        if (_wallets.TryGetValue(command.Subject, out NaiveWallet? known))
        {
            WalletView wanted = new(
                command.Participant, command.Country, command.Tier, command.Kind, command.Level, command.Status, command.Holder);
            if (Wallet(command.Subject) != wanted)
                return Verdict.AlreadyExists;
            return command.Currency == 0 ? Verdict.Duplicate : AddAccount(known, command.Currency);
        }

        if (_accountRows >= _genesis.AccountsMax)
            return Verdict.CapacityExceeded;
        NaiveWallet wallet = new(command.Subject, command.Participant, command.Holder)
        {
            Country = command.Country,
            Tier = command.Tier,
            Kind = command.Kind,
            Level = command.Level,
            Status = command.Status,
        };
        _wallets.Add(wallet.Id, wallet);
        _accountRows++;
        if (command.Currency != 0)
            AddAccount(wallet, command.Currency);
        return Verdict.Accepted;
    }

    private Verdict OpenAccount(in ControlCommand command)
    {
        if (OpenWalletOf(command) is not { } wallet)
            return Verdict.UnknownWallet;
        return Currency(command.Currency) is null ? Verdict.UnknownCurrency : AddAccount(wallet, command.Currency);
    }

    /// <summary>The first account takes the row that its wallet has; each further one takes a row more.</summary>
    private Verdict AddAccount(NaiveWallet wallet, ushort currency)
    {
        if (wallet.Accounts.ContainsKey(currency))
            return Verdict.Duplicate;
        if (wallet.Accounts.Count > 0)
        {
            if (_accountRows >= _genesis.AccountsMax)
                return Verdict.CapacityExceeded;
            _accountRows++;
        }

        wallet.Accounts.Add(currency, new NaiveAccount(currency));
        return Verdict.Accepted;
    }

    private Verdict CloseWallet(in ControlCommand command)
    {
        if (!_wallets.TryGetValue(command.Subject, out NaiveWallet? wallet))
            return Verdict.UnknownWallet;
        foreach (NaiveAccount account in wallet.Accounts.Values)
            if (account.Total != 0)
                return Verdict.NotEmpty;
        if (wallet.Status == WalletStatus.Closed)
            return Verdict.Duplicate;
        wallet.Status = WalletStatus.Closed;
        return Verdict.Accepted;
    }

    private Verdict SetWallet(in ControlCommand command)
    {
        if (OpenWalletOf(command) is not { } wallet)
            return Verdict.UnknownWallet;
        switch (command.Instruction)
        {
            case Instruction.SetWalletStatus:
                if (command.Status > WalletStatus.Frozen)
                    return Verdict.InvalidValue;
                if (wallet.Status == command.Status)
                    return Verdict.Duplicate;
                wallet.Status = command.Status;
                return Verdict.Accepted;

            case Instruction.SetWalletTier:
                if (command.Tier > Limits.TierMax)
                    return Verdict.InvalidValue;
                if (wallet.Tier == command.Tier)
                    return Verdict.Duplicate;
                wallet.Tier = command.Tier;
                return Verdict.Accepted;

            case Instruction.SetWalletKind:
                if (command.Kind > PartyKind.Last)
                    return Verdict.InvalidValue;
                if (wallet.Kind == command.Kind)
                    return Verdict.Duplicate;
                wallet.Kind = command.Kind;
                return Verdict.Accepted;

            case Instruction.SetWalletCountry:
                if (!IsoNumbers.IsCountry(command.Country))
                    return Verdict.InvalidValue;
                if (wallet.Country == command.Country)
                    return Verdict.Duplicate;
                wallet.Country = command.Country;
                return Verdict.Accepted;

            default:
                return SetWalletLevel(wallet, command.Level, command.Session);
        }
    }

    /// <summary>A lower level is a disclosure: it waits for a second session that asks for the same.</summary>
    private Verdict SetWalletLevel(NaiveWallet wallet, byte level, ushort session)
    {
        if (level == wallet.Level)
            return Verdict.Duplicate;
        if (level < wallet.Level)
        {
            bool asked = _approvals.TryGetValue((wallet.Id, level), out ushort firstSession);
            if (asked && firstSession == session)
                return Verdict.AwaitingQuorum;
            if (!asked)
            {
                if (_approvals.Count + _operatorsWords.Count >= Limits.ApprovalsMax)
                    return Verdict.CapacityExceeded;
                _approvals.Add((wallet.Id, level), session);
                return Verdict.AwaitingQuorum;
            }

            _approvals.Remove((wallet.Id, level));
        }

        wallet.Level = level;
        return Verdict.Accepted;
    }

    private NaiveWallet? OpenWalletOf(in ControlCommand command) =>
        _wallets.GetValueOrDefault(command.Subject) is { Status: not WalletStatus.Closed } wallet ? wallet : null;

    private Verdict SetCap(in ControlCommand command)
    {
        if (command.Participant >= _participants.Count)
            return Verdict.UnknownParticipant;
        if (Currency(command.Currency) is null)
            return Verdict.UnknownCurrency;
        if (command.Value2 > 1)
            return Verdict.InvalidValue;
        (ushort, ushort) key = (command.Participant, command.Currency);
        bool has = _caps.TryGetValue(key, out ulong cap);
        if (command.Value2 == 0)
            return _caps.Remove(key) ? Verdict.Accepted : Verdict.Duplicate;
        if (has && cap == command.Value)
            return Verdict.Duplicate;
        _caps[key] = command.Value;
        return Verdict.Accepted;
    }

    /// <summary>No fee and a fee of nothing are the same.</summary>
    private Verdict SetFee(in ControlCommand command)
    {
        if (command.Participant >= _participants.Count)
            return Verdict.UnknownParticipant;
        if (Currency(command.Currency) is null)
            return Verdict.UnknownCurrency;
        if (command.BasisPoints > Limits.BasisPointsMax)
            return Verdict.InvalidValue;
        (ushort, ushort) key = (command.Participant, command.Currency);
        FeeRate rate = new(command.BasisPoints, command.Value);
        if (_fees.GetValueOrDefault(key) == rate)
            return Verdict.Duplicate;
        _fees[key] = rate;
        return Verdict.Accepted;
    }

    private Verdict SetSetting(in ControlCommand command)
    {
        ulong value = command.Value;
        switch (command.Subject)
        {
            case (ulong)SettingKey.BatchCount:
                return Set(ref _batchCount, value);
            case (ulong)SettingKey.BatchAgeNs:
                return Set(ref _batchAgeNs, value);
            case (ulong)SettingKey.IdWindowNs:
                return Set(ref _idWindowNs, value);
            case (ulong)SettingKey.IdRetentionNs:
                return Set(ref _idRetentionNs, value);
            case (ulong)SettingKey.RefundLifetimeNs:
                return Set(ref _refundLifetimeNs, value);
            case (ulong)SettingKey.InstructionLevel:
                bool names = command.Value2 is (>= 1 and <= 8) or (>= 128 and <= 161);
                return names && value <= 255
                    ? Set(ref _instructionLevels[command.Value2], (byte)value)
                    : Verdict.InvalidValue;
            case (ulong)SettingKey.BatchValue:
                if (Currency(command.Currency) is not { } currency)
                    return Verdict.UnknownCurrency;
                if (currency.BatchValue == value)
                    return Verdict.Duplicate;
                currency.BatchValue = value;
                return Verdict.Accepted;
            default:
                return Verdict.InvalidValue;
        }
    }

    private static Verdict Set<T>(ref T setting, T value)
        where T : IEquatable<T>
    {
        if (setting.Equals(value))
            return Verdict.Duplicate;
        setting = value;
        return Verdict.Accepted;
    }

    private Verdict ActivateRules(ReadOnlySpan<byte> plan)
    {
        if (_activePlan is not null && plan.SequenceEqual(_activePlan))
            return Verdict.Duplicate;
        if (!_rules.TryDecode(plan))
            return Verdict.InvalidValue;
        _activePlan = plan.ToArray();
        return Verdict.Accepted;
    }

    private Verdict CloseBatchByCommand()
    {
        if (_open.Count == 0)
            return Verdict.Duplicate;
        Close(ClosedBy.Command);
        return Verdict.Accepted;
    }
}
