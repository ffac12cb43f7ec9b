using System.Runtime.InteropServices;
using Settlement.Engine.Consent;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Rules;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Ledger;

// Purpose: control commands: who may send which (one table), what each checks, what it changes.
// Invariant: a command that is not Accepted changes nothing (but a quorum's count); every Accepted one enters the control fold.
// All written by: settle thread.

/// <summary>
/// Who may send a command: an operator's session whose clearance is at least the instruction's level (<see cref="SettingKey.InstructionLevel"/>,
/// 255 unless lowered), and so many different sessions.
/// </summary>
/// <param name="Command">The command.</param>
/// <param name="Quorum">Different sessions that must send the same command before it takes effect.</param>
/// <param name="LoweringQuorum">The quorum when a level is lowered: a disclosure.</param>
/// <param name="OverridingQuorum">Different operators' sessions whose word stands in for the signatures of a wallet's owner, whose keys may be lost; 1: none are asked for.</param>
/// <param name="Sender">Whose session it must be. Devices and owners that sign a command are asked behind it (Governance/GovernanceApply, Consent/ConsentApply).</param>
public readonly record struct CommandAuthority(
    Instruction Command, int Quorum = 1, int LoweringQuorum = 1, int OverridingQuorum = 1, CommandSender Sender = CommandSender.Operator);

/// <summary>Whose session may send a command.</summary>
public enum CommandSender : byte
{
    Operator = 0,

    /// <summary>Any that is of the currency's authority.</summary>
    Authority = 1,

    /// <summary>The session that genesis made: the node itself.</summary>
    Node = 2,

    /// <summary>
    /// An operator's, or one of the participant that the command's wallet or chain is of. The level of the command is asked of operators alone: it says how
    /// far one who may act for anybody must be trusted, and a participant acts for its own, where what it may see bounds it.
    /// </summary>
    Participant = 3,
}

internal sealed class ControlApply
{
    private readonly LedgerState _state;
    private readonly GovernanceApply _governance;
    private readonly QuorumBook _quorums;
    private readonly ConsentApply _consent;

    /// <summary>The table of authorities.</summary>
    public static IReadOnlyList<CommandAuthority> Authorities { get; } =
    [
        new(Instruction.DeclareCurrency),
        new(Instruction.DeclareParticipant),
        new(Instruction.OpenSession),
        new(Instruction.OpenWallet),
        new(Instruction.OpenAccount),
        new(Instruction.CloseWallet),
        new(Instruction.SetWalletStatus),
        new(Instruction.SetWalletTier),
        new(Instruction.SetWalletLevel, LoweringQuorum: 2),
        new(Instruction.SetWalletCountry),
        new(Instruction.SetCap),
        new(Instruction.SetFee),
        new(Instruction.SetSetting),
        new(Instruction.ActivateRules),
        new(Instruction.CloseBatch),
        new(Instruction.SettledBatch),
        new(Instruction.AcceptTime),
        new(Instruction.SetWalletKind),
        new(Instruction.DecideReview),
        new(Instruction.FoundModule),
        new(Instruction.RegisterDevice),
        new(Instruction.RevokeDevice),
        new(Instruction.Propose),
        new(Instruction.RecordSandbox),
        new(Instruction.Vote),
        new(Instruction.Schedule),
        new(Instruction.SetParameter, Sender: CommandSender.Authority),
        new(Instruction.AttestPlan, Sender: CommandSender.Node),
        new(Instruction.RegisterKey, OverridingQuorum: 2, Sender: CommandSender.Participant),
        new(Instruction.RevokeKey, OverridingQuorum: 2, Sender: CommandSender.Participant),
        new(Instruction.CloseSession),
        new(Instruction.SetMandate, OverridingQuorum: 2, Sender: CommandSender.Participant),
        new(Instruction.SetConsent, OverridingQuorum: 2, Sender: CommandSender.Participant),
        new(Instruction.OpenChain, Sender: CommandSender.Participant),
    ];

    public ControlApply(LedgerState state, ReviewApply reviews)
    {
        _state = state;
        _governance = new GovernanceApply(state, reviews);
        _quorums = new QuorumBook(state);
        _consent = new ConsentApply(state, _quorums);
    }

    /// <summary>Applies the commands of one control block in order; an outcome for every slot.</summary>
    public void Apply(ReadOnlySpan<ControlCommand> slots, ulong firstSequence, Span<Outcome> outcomes)
    {
        for (int i = 0; i < slots.Length;)
        {
            ref readonly ControlCommand command = ref slots[i];
            int length = 1 + command.ContinuationSlots;
            bool fits = length <= slots.Length - i
                && (command.ContinuationBytes == 0 || command.Instruction.HasContinuation());
            length = Math.Min(length, slots.Length - i);
            ReadOnlySpan<byte> continuation = fits
                ? MemoryMarshal.AsBytes(slots.Slice(i + 1, length - 1))[..(int)command.ContinuationBytes]
                : default;
            ulong sequence = firstSequence + (ulong)(i + length - 1);
            _state.Laws.AtSequence(firstSequence + (ulong)i);
            Verdict verdict = !_state.Sessions.At(command.Session).IsOpen ? Verdict.UnknownSession
                : fits ? Judge(in command, continuation, i == 0, sequence)
                : Verdict.Malformed;
            if (verdict == Verdict.Accepted)
                _state.Fold(in command, continuation);
            outcomes.Slice(i, length).Fill(new Outcome { Verdict = verdict, Batch = Outcome.NoBatch });
            i += length;
        }
    }

    private Verdict Judge(in ControlCommand command, ReadOnlySpan<byte> continuation, bool isFirst, ulong sequence)
    {
        ref readonly SessionRecord session = ref _state.Sessions.At(command.Session);
        int authority = command.Instruction - Instruction.DeclareCurrency;
        if (authority < 0 || authority >= Authorities.Count)
            return Verdict.Malformed;
        if (!MaySend(Authorities[authority].Sender, command.Session, in session) || (session.Clearance < _state.Settings.InstructionLevels[(byte)command.Instruction]
            && (session.IsOperator || Authorities[authority].Sender != CommandSender.Participant)))
            return Verdict.NotAuthorised;
        return command.Instruction switch
        {
            Instruction.DeclareParticipant => DeclareParticipant(in command),
            Instruction.DeclareCurrency => DeclareCurrency(in command),
            Instruction.OpenSession => OpenSession(in command),
            Instruction.OpenWallet => OpenWallet(in command),
            Instruction.OpenAccount => OpenAccount(in command),
            Instruction.CloseWallet => CloseWallet(in command),
            Instruction.SetCap => SetCap(in command),
            Instruction.SetFee => SetFee(in command),
            Instruction.SetSetting => SetSetting(in command),
            Instruction.ActivateRules => ActivateRules(continuation),
            Instruction.CloseBatch => CloseBatch(sequence),
            Instruction.SettledBatch => SettledBatch(command.Subject),
            Instruction.AcceptTime => isFirst ? Verdict.Accepted : Verdict.InvalidValue,
            >= Instruction.RegisterKey => _consent.Judge(in command, continuation, Authorities[authority], sequence),
            >= Instruction.DecideReview => _governance.Judge(in command, continuation, sequence),
            _ => SetWallet(in command, Authorities[authority]),
        };
    }

    private static bool MaySend(CommandSender sender, ushort session, in SessionRecord record) => sender switch
    {
        CommandSender.Operator => record.IsOperator,
        CommandSender.Authority or CommandSender.Participant => true, // whose currency or wallet it is, the command says
        _ => session == Limits.OperatorSession,
    };

    private Verdict DeclareParticipant(in ControlCommand command)
    {
        string name = command.GetName();
        if (name.Length == 0 || command.Participant > _state.Participants.Count)
            return Verdict.InvalidValue;
        bool named = _state.Participants.TryFind(name, out ushort index);
        if (named || command.Participant < _state.Participants.Count)
            return named && index == command.Participant ? Verdict.Duplicate : Verdict.AlreadyExists;
        if (_state.Participants.IsFull)
            return Verdict.CapacityExceeded;
        _state.Participants.Add(name);
        return Verdict.Accepted;
    }

    private Verdict DeclareCurrency(in ControlCommand command)
    {
        if (!Iso4217.IsKnown(command.Currency) || command.Scale < Iso4217.ScaleOf(command.Currency) || command.Scale > Limits.ScaleMax)
            return Verdict.InvalidValue;
        if (!_state.Participants.Knows(command.Participant))
            return Verdict.UnknownParticipant;
        byte index = _state.Currencies.IndexOf(command.Currency);
        if (index != 0)
        {
            ref readonly CurrencyRecord known = ref _state.Currencies[index];
            return known.Scale == command.Scale && known.Authority == command.Participant ? Verdict.Duplicate : Verdict.AlreadyExists;
        }

        if (_state.Currencies.IsFull)
            return Verdict.CapacityExceeded;
        if (!_state.Laws.TryDeclare(command.Currency, command.Scale))
            return Verdict.RulesUnsound;
        _state.Currencies.Add(command.Currency, command.Scale, command.Participant);
        return Verdict.Accepted;
    }

    private Verdict OpenSession(in ControlCommand command)
    {
        const SessionFlags Known = SessionFlags.Operator | SessionFlags.Declassify;
        if (command.Subject == 0 || command.Subject > (ulong)_state.Sessions.Next || (command.SessionFlags & ~Known) != 0)
            return Verdict.InvalidValue;
        if (!_state.Participants.Knows(command.Participant))
            return Verdict.UnknownParticipant;
        if (command.Subject < (ulong)_state.Sessions.Next)
        {
            ref readonly SessionRecord known = ref _state.Sessions.At((ushort)command.Subject);
            bool same = known.IsOpen && known.Participant == command.Participant && known.Clearance == command.Level && known.Flags == command.SessionFlags;
            return same ? Verdict.Duplicate : Verdict.AlreadyExists;
        }

        if (_state.Sessions.IsFull)
            return Verdict.CapacityExceeded;
        _state.Sessions.Add(new SessionRecord
        {
            Participant = command.Participant,
            Clearance = command.Level,
            Flags = command.SessionFlags,
        });
        return Verdict.Accepted;
    }

    private Verdict OpenWallet(in ControlCommand command)
    {
        if (command.Subject == 0 || !Iso3166.IsKnown(command.Country) || command.Tier > Limits.TierMax || command.Kind > PartyKind.Last
            || command.Status is not (WalletStatus.Active or WalletStatus.Frozen))
            return Verdict.InvalidValue;
        if (!_state.Participants.Knows(command.Participant))
            return Verdict.UnknownParticipant;
        byte currency = _state.Currencies.IndexOf(command.Currency);
        if (command.Currency != 0 && currency == 0)
            return Verdict.UnknownCurrency;
        int head = _state.Accounts.Find(command.Subject);
        if (head != 0)
        {
            ref readonly AccountRow known = ref _state.Accounts[head];
            bool same = known.Participant == command.Participant && known.Country == command.Country && known.Tier == command.Tier
                && known.Kind == command.Kind && known.Level == command.Level && known.Status == command.Status && known.Holder == command.Holder;
            return !same ? Verdict.AlreadyExists : currency == 0 ? Verdict.Duplicate : AddAccount(head, currency);
        }

        if (_state.Accounts.IsFull)
            return Verdict.CapacityExceeded;
        var row = new AccountRow
        {
            Wallet = command.Subject,
            Participant = command.Participant,
            Country = command.Country,
            CurrencyIndex = currency,
            Tier = command.Tier,
            Kind = command.Kind,
            Level = command.Level,
            Status = command.Status,
            Holder = command.Holder,
        };
        _state.Accounts.AddWallet(in row);
        return Verdict.Accepted;
    }

    private Verdict OpenAccount(in ControlCommand command)
    {
        int head = _state.Accounts.Find(command.Subject);
        if (head == 0 || _state.Accounts[head].Status == WalletStatus.Closed)
            return Verdict.UnknownWallet;
        byte currency = _state.Currencies.IndexOf(command.Currency);
        return currency == 0 ? Verdict.UnknownCurrency : AddAccount(head, currency);
    }

    private Verdict AddAccount(int head, byte currency)
    {
        if (_state.Accounts.InCurrency(head, currency) != 0)
            return Verdict.Duplicate;
        ref AccountRow first = ref _state.Accounts[head];
        if (first.CurrencyIndex == 0)
        {
            first.CurrencyIndex = currency;
            return Verdict.Accepted;
        }

        if (_state.Accounts.IsFull)
            return Verdict.CapacityExceeded;
        _state.Accounts.AddAccount(head, currency);
        return Verdict.Accepted;
    }

    private Verdict CloseWallet(in ControlCommand command)
    {
        int head = _state.Accounts.Find(command.Subject);
        if (head == 0)
            return Verdict.UnknownWallet;
        if (_state.Accounts[head].Status == WalletStatus.Closed)
            return Verdict.Duplicate;
        for (int row = head; row != 0; row = _state.Accounts[row].Next)
        {
            if (!_state.Accounts[row].IsEmpty)
                return Verdict.NotEmpty;
        }

        for (int row = head; row != 0; row = _state.Accounts[row].Next)
            _state.Accounts[row].Status = WalletStatus.Closed;
        return Verdict.Accepted;
    }

    /// <summary>Status, tier, kind, level and country: one attribute, in every account of the wallet.</summary>
    private Verdict SetWallet(in ControlCommand command, CommandAuthority authority)
    {
        int head = _state.Accounts.Find(command.Subject);
        if (head == 0 || _state.Accounts[head].Status == WalletStatus.Closed)
            return Verdict.UnknownWallet;
        ref readonly AccountRow now = ref _state.Accounts[head];
        (bool valid, bool same) = command.Instruction switch
        {
            Instruction.SetWalletStatus => (command.Status is WalletStatus.Active or WalletStatus.Frozen, now.Status == command.Status),
            Instruction.SetWalletTier => (command.Tier <= Limits.TierMax, now.Tier == command.Tier),
            Instruction.SetWalletKind => (command.Kind <= PartyKind.Last, now.Kind == command.Kind),
            Instruction.SetWalletLevel => (true, now.Level == command.Level),
            _ => (Iso3166.IsKnown(command.Country), now.Country == command.Country),
        };
        if (!valid)
            return Verdict.InvalidValue;
        if (same)
            return Verdict.Duplicate;
        bool lowers = command.Instruction == Instruction.SetWalletLevel && command.Level < now.Level;
        if (_quorums.Refusal(in command, default, lowers ? authority.LoweringQuorum : authority.Quorum) is var refusal and not Verdict.Undecided)
            return refusal;
        for (int row = head; row != 0; row = _state.Accounts[row].Next)
        {
            ref AccountRow account = ref _state.Accounts[row];
            switch (command.Instruction)
            {
                case Instruction.SetWalletStatus: account.Status = command.Status; break;
                case Instruction.SetWalletTier: account.Tier = command.Tier; break;
                case Instruction.SetWalletKind: account.Kind = command.Kind; break;
                case Instruction.SetWalletLevel: account.Level = command.Level; break;
                default: account.Country = command.Country; break;
            }
        }

        return Verdict.Accepted;
    }

    public void Save(SnapshotWriter writer) => _quorums.Save(writer);

    public void Load(SnapshotReader reader) => _quorums.Load(reader);

    private Verdict SetCap(in ControlCommand command)
    {
        if (ParticipantOrCurrencyRefusal(in command) is var refusal and not Verdict.Undecided)
            return refusal;
        if (command.Value2 > 1)
            return Verdict.InvalidValue;
        ref PositionRow position = ref _state.Positions.At(command.Participant, _state.Currencies.IndexOf(command.Currency));
        bool set = command.Value2 == 1;
        ulong cap = set ? command.Value : 0;
        if (position.HasCap == set && position.Cap == cap)
            return Verdict.Duplicate;
        (position.HasCap, position.Cap) = (set, cap);
        return Verdict.Accepted;
    }

    private Verdict SetFee(in ControlCommand command)
    {
        if (ParticipantOrCurrencyRefusal(in command) is var refusal and not Verdict.Undecided)
            return refusal;
        if (command.BasisPoints > Limits.BasisPointsMax)
            return Verdict.InvalidValue;
        ref PositionRow position = ref _state.Positions.At(command.Participant, _state.Currencies.IndexOf(command.Currency));
        if (position.FeeBasisPoints == command.BasisPoints && position.FeeFixed == command.Value)
            return Verdict.Duplicate;
        (position.FeeBasisPoints, position.FeeFixed) = (command.BasisPoints, command.Value);
        return Verdict.Accepted;
    }

    private Verdict ParticipantOrCurrencyRefusal(in ControlCommand command) =>
        !_state.Participants.Knows(command.Participant) ? Verdict.UnknownParticipant
        : _state.Currencies.IndexOf(command.Currency) == 0 ? Verdict.UnknownCurrency
        : Verdict.Undecided;

    private Verdict SetSetting(in ControlCommand command)
    {
        SettingTable settings = _state.Settings;
        ulong value = command.Value;
        switch ((SettingKey)command.Subject)
        {
            case SettingKey.BatchCount:
                return Set(settings.BatchCount, value, () => settings.BatchCount = value);
            case SettingKey.BatchAgeNs:
                return Set(settings.BatchAgeNs, value, () => settings.BatchAgeNs = value);
            case SettingKey.IdWindowNs:
                return Set(settings.IdWindowNs, value, () => _state.Ids.WindowNs = settings.IdWindowNs = value);
            case SettingKey.IdRetentionNs:
                return Set(settings.IdRetentionNs, value, () => _state.Ids.RetentionNs = settings.IdRetentionNs = value);
            case SettingKey.RefundLifetimeNs:
                return Set(settings.RefundLifetimeNs, value, () => settings.RefundLifetimeNs = value);
            case SettingKey.InstructionLevel when IsInstruction(command.Value2) && value <= byte.MaxValue:
                ulong instruction = command.Value2;
                return Set(settings.InstructionLevels[instruction], value, () => settings.InstructionLevels[instruction] = (byte)value);
            case SettingKey.BatchValue:
                byte index = _state.Currencies.IndexOf(command.Currency);
                return index == 0
                    ? Verdict.UnknownCurrency
                    : Set(_state.Currencies[index].BatchValue, value, () => _state.Currencies[index].BatchValue = value);
            default:
                return Verdict.InvalidValue;
        }
    }

    private static bool IsInstruction(ulong number) =>
        number is (>= (ulong)Instruction.Micropayment and <= (ulong)Instruction.Redeem)
            or (>= (ulong)Instructions.ControlFirst and <= (ulong)Instructions.ControlLast);

    private static Verdict Set(ulong now, ulong value, Action change)
    {
        if (now == value)
            return Verdict.Duplicate;
        change();
        return Verdict.Accepted;
    }

    private Verdict ActivateRules(ReadOnlySpan<byte> encoded)
    {
        if (_state.LawBook.IsFounded)
            return Verdict.NotAuthorised;
        if (!RuleTable.TryDecode(encoded, out RuleTable? table, out _) || table is null
            || !RulePlan.TryBuild(table, Iso4217.OwnerCountry, out RulePlan? plan, out _))
            return Verdict.InvalidValue;
        if (_state.RulesJournaled?.Table.Hash == table.Hash)
            return Verdict.Duplicate;
        _state.Activate(plan);
        return Verdict.Accepted;
    }

    private Verdict CloseBatch(ulong sequence)
    {
        if (_state.Batch.Count == 0)
            return Verdict.Duplicate;
        _state.Batch.Close(sequence);
        return Verdict.Accepted;
    }

    private Verdict SettledBatch(ulong batch) =>
        batch == 0 || batch >= _state.Batch.Number ? Verdict.UnknownBatch
        : _state.Positions.Settle(batch) ? Verdict.Accepted
        : Verdict.Duplicate;
}
