using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>A key that was registered, for a session or for a wallet.</summary>
public sealed record NaiveKey(KeyRole Role, ulong Owner, int Number, SignatureScheme Scheme, byte[] Spki)
{
    public KeyId Id { get; } = KeyId.From(SHA256.HashData(Spki));

    public bool IsRevoked { get; set; }
}

/// <summary>How a wallet's owner consents; every wallet has one from its first key on.</summary>
public sealed class NaiveConsent
{
    public ConsentPolicy Policy { get; set; }
    public int SignaturesAbove { get; set; }
    public ulong Threshold { get; set; }
    public ulong Counter { get; set; }
}

public sealed class NaiveChain(ChainCommitment commitment, ushort[] signers, ulong opened)
{
    /// <summary>Sequence of the last slot of the command that opened it.</summary>
    public ulong Opened { get; } = opened;

    public ChainCommitment Commitment { get; } = commitment;
    public ushort[] Signers { get; } = signers;
    public bool IsEnded { get; set; }
    public ulong Last { get; set; }
    public UInt128 Spent { get; set; }
}

/// <summary>"Keys, mandates and consent": the commands, and steps 9, 11a and 12a of a payment. Signatures are checked by other code than the engine's.</summary>
public sealed partial class NaiveEngine
{
    private readonly List<NaiveKey> _keys = [];
    private readonly Dictionary<ulong, NaiveConsent> _consents = [];
    private readonly Dictionary<(ulong Wallet, ushort Participant), ulong> _mandates = [];
    private readonly Dictionary<(ushort Participant, ulong Stream, ulong Wallet), NaiveChain> _chains = [];
    private readonly HashSet<ushort> _closedSessions = [];
    private readonly Dictionary<string, ushort> _operatorsWords = [];

    /// <summary>Of the block that is applied: which payment was signed by which key, in which scheme.</summary>
    private readonly HashSet<(ulong Sequence, ulong Key, SignatureScheme Scheme)> _signed = [];

    public IReadOnlyList<NaiveKey> Keys => _keys;

    public IReadOnlyDictionary<ulong, NaiveConsent> Consents => _consents;

    public IReadOnlyDictionary<(ulong Wallet, ushort Participant), ulong> Mandates => _mandates;

    public IReadOnlyDictionary<(ushort Participant, ulong Stream, ulong Wallet), NaiveChain> Chains => _chains;

    public IReadOnlySet<ushort> ClosedSessions => _closedSessions;

    public IEnumerable<NaiveKey> KeysInForce(ulong wallet) => _keys.Where(key => key.Role == KeyRole.Wallet && key.Owner == wallet && !key.IsRevoked);

    /// <summary>How far a chain is, as a text: what lockstep compares.</summary>
    public string ChainText(ushort participant, ulong stream, ulong wallet) =>
        _chains.GetValueOrDefault((participant, stream, wallet)) is { } chain ? $"{chain.Last} links, {chain.Spent} spent" : "none";

    public string ConsentText(ulong wallet) => _consents.GetValueOrDefault(wallet) is { } consent
        ? $"{consent.Policy} {consent.SignaturesAbove} above {consent.Threshold}, counter {consent.Counter}, keys {string.Join(' ', KeysInForce(wallet).Select(key => key.Number))}"
        : "none";

    private Verdict ApplyConsentCommand(in ControlCommand command, ReadOnlySpan<byte> payload, NaiveSession session)
    {
        ControlCommand plain = new() { Instruction = command.Instruction, Session = command.Session, ContinuationBytes = command.ContinuationBytes };
        if (!MemoryMarshal.AsBytes(new ReadOnlySpan<ControlCommand>(in plain)).SequenceEqual(MemoryMarshal.AsBytes(new ReadOnlySpan<ControlCommand>(in command))))
            return Verdict.InvalidValue;
        Sending sending = new(command.Instruction, command.Session, session, Convert.ToHexString(payload));
        return command.Instruction switch
        {
            Instruction.RegisterKey => KeyRegistration.TryDecode(payload, out KeyRegistration? key) ? RegisterKey(key, sending) : Verdict.InvalidValue,
            Instruction.RevokeKey => KeyRevocation.TryDecode(payload, out KeyRevocation? key) ? RevokeKey(key, sending) : Verdict.InvalidValue,
            Instruction.CloseSession => SessionClosing.TryDecode(payload, out SessionClosing? closing) ? CloseSession(closing.Session) : Verdict.InvalidValue,
            Instruction.SetMandate => MandateSetting.TryDecode(payload, out MandateSetting? mandate) ? SetMandate(mandate, sending) : Verdict.InvalidValue,
            Instruction.SetConsent => ConsentSetting.TryDecode(payload, out ConsentSetting? consent) ? SetConsent(consent, sending) : Verdict.InvalidValue,
            _ => ChainOpening.TryDecode(payload, out ChainOpening? opening) ? OpenChain(opening, sending) : Verdict.InvalidValue,
        };
    }

    private Verdict RegisterKey(KeyRegistration command, Sending sending)
    {
        if (command.Role == KeyRole.Session)
        {
            if (!sending.Session.IsOperator)
                return Verdict.NotAuthorised;
            if (command.Owner > ushort.MaxValue || !_sessions.ContainsKey((ushort)command.Owner) || _closedSessions.Contains((ushort)command.Owner))
                return Verdict.InvalidValue;
            if (_keys.Find(key => key.Role == KeyRole.Session && key.Spki.SequenceEqual(command.Spki)) is { } known)
                return known.Owner == command.Owner && !known.IsRevoked ? Verdict.Duplicate : Verdict.AlreadyExists;
            if (!NaiveSignatures.IsKey(command.Scheme, command.Spki))
                return Verdict.InvalidValue;
            _keys.Add(new NaiveKey(KeyRole.Session, command.Owner, 0, command.Scheme, command.Spki));
            return Verdict.Accepted;
        }

        if (JudgeWalletCommand(command.Owner, sending) is var refusal and not Verdict.Undecided)
            return refusal;
        NaiveKey[] keys = [.. _keys.Where(key => key.Role == KeyRole.Wallet && key.Owner == command.Owner)];
        if (keys.FirstOrDefault(key => key.Spki.SequenceEqual(command.Spki)) is { } same)
            return same.IsRevoked ? Verdict.AlreadyExists : Verdict.Duplicate;
        if (keys.Count(key => !key.IsRevoked) >= 16)
            return Verdict.CapacityExceeded;
        if (!NaiveSignatures.IsKey(command.Scheme, command.Spki))
            return Verdict.InvalidValue;
        if (JudgeOwner(command.Owner, command.Body(), command.Signatures, sending) is var missing and not Verdict.Undecided)
            return missing;
        _keys.Add(new NaiveKey(KeyRole.Wallet, command.Owner, keys.Length + 1, command.Scheme, command.Spki));
        _consents.TryAdd(command.Owner, new NaiveConsent());
        _consents[command.Owner].Counter++;
        return Verdict.Accepted;
    }

    private Verdict RevokeKey(KeyRevocation command, Sending sending)
    {
        if (command.Role == KeyRole.Session && !sending.Session.IsOperator)
            return Verdict.NotAuthorised;
        if (command.Role == KeyRole.Wallet && JudgeWalletCommand(command.Owner, sending) is var refusal and not Verdict.Undecided)
            return refusal;
        if (_keys.Find(key => key.Role == command.Role && key.Owner == command.Owner && key.Id == command.Key) is not { } found)
            return Verdict.UnknownKey;
        if (found.IsRevoked)
            return Verdict.Duplicate;
        if (command.Role == KeyRole.Wallet)
        {
            if (JudgeOwner(command.Owner, command.Body(), command.Signatures, sending) is var missing and not Verdict.Undecided)
                return missing;
            _consents[command.Owner].Counter++;
            foreach (NaiveChain chain in _chains.Values)
                if (chain.Commitment.Wallet == command.Owner && chain.Signers.Contains((ushort)found.Number))
                    chain.IsEnded = true;
        }

        found.IsRevoked = true;
        return Verdict.Accepted;
    }

    private Verdict CloseSession(ushort session)
    {
        if (session == Limits.OperatorSession || !_sessions.ContainsKey(session))
            return Verdict.InvalidValue;
        return _closedSessions.Add(session) ? Verdict.Accepted : Verdict.Duplicate;
    }

    private Verdict SetMandate(MandateSetting command, Sending sending)
    {
        if (JudgeWalletCommand(command.Wallet, sending) is var refusal and not Verdict.Undecided)
            return refusal;
        if (command.Participant >= _participants.Count)
            return Verdict.UnknownParticipant;
        if (_wallets[command.Wallet].Participant == command.Participant || (command.UntilNs != 0 && command.UntilNs < _now))
            return Verdict.InvalidValue;
        bool has = _mandates.TryGetValue((command.Wallet, command.Participant), out ulong until);
        if (command.IsGiven ? has && until == command.UntilNs : !has)
            return Verdict.Duplicate;
        if (JudgeOwner(command.Wallet, command.Body(), command.Signatures, sending) is var missing and not Verdict.Undecided)
            return missing;
        if (command.IsGiven)
            _mandates[(command.Wallet, command.Participant)] = command.UntilNs;
        else
            _mandates.Remove((command.Wallet, command.Participant));
        if (_consents.TryGetValue(command.Wallet, out NaiveConsent? consent))
            consent.Counter++;
        return Verdict.Accepted;
    }

    private Verdict SetConsent(ConsentSetting command, Sending sending)
    {
        if (JudgeWalletCommand(command.Wallet, sending) is var refusal and not Verdict.Undecided)
            return refusal;
        NaiveConsent now = _consents.GetValueOrDefault(command.Wallet) ?? new NaiveConsent();
        if (now.Policy == command.Policy && now.SignaturesAbove == command.SignaturesAbove && now.Threshold == command.Threshold)
            return Verdict.Duplicate;
        if (!_consents.ContainsKey(command.Wallet) || KeysInForce(command.Wallet).Count() < command.SignaturesAbove)
            return Verdict.QuorumMissing;
        if (JudgeOwner(command.Wallet, command.Body(), command.Signatures, sending) is var missing and not Verdict.Undecided)
            return missing;
        (now.Policy, now.SignaturesAbove, now.Threshold) = (command.Policy, command.SignaturesAbove, command.Threshold);
        now.Counter++;
        return Verdict.Accepted;
    }

    private Verdict OpenChain(ChainOpening command, Sending sending)
    {
        ChainCommitment c = command.Commitment;
        if (c.AmountMax == 0 || c.AmountMax > c.Ceiling || c.Length == 0 || c.Length > 1 << 30 || c.ExpiryNs < _now)
            return Verdict.InvalidValue;
        if (VisibleWallet(c.Wallet, sending) is not { } wallet)
            return Verdict.UnknownWallet;
        if (!sending.Session.IsOperator && sending.Session.Participant != wallet.Participant && sending.Session.Participant != c.Participant)
            return Verdict.NotAuthorised;
        if (c.Participant >= _participants.Count)
            return Verdict.UnknownParticipant;
        if (Currency(c.Currency) is null)
            return Verdict.UnknownCurrency;
        NaiveConsent? consent = _consents.GetValueOrDefault(c.Wallet);
        if (consent?.Policy != ConsentPolicy.Stream)
            return Verdict.InvalidValue;
        if (_chains.TryGetValue((c.Participant, c.Stream, c.Wallet), out NaiveChain? known))
        {
            if (known.Commitment == c && !known.IsEnded)
                return Verdict.Duplicate;
            if (known.Commitment.ExpiryNs >= _now)
                return Verdict.AlreadyExists;
        }

        if (command.Signatures.Count < (c.Ceiling > consent.Threshold ? consent.SignaturesAbove : 1))
            return Verdict.ConsentMissing;
        if (JudgeSignatures(c.Wallet, NaiveSignatures.Message("settlement chain v1", c.Encode()), command.Signatures) is var refusal and not Verdict.Undecided)
            return refusal;
        _chains[(c.Participant, c.Stream, c.Wallet)] = new NaiveChain(c, [.. command.Signatures.Select(signature => signature.Key)], _sequenceNext - 1);
        return Verdict.Accepted;
    }

    private NaiveWallet? VisibleWallet(ulong wallet, Sending sending) =>
        _wallets.GetValueOrDefault(wallet) is { Status: not WalletStatus.Closed } found && (sending.Session.IsOperator || found.Level <= sending.Session.Clearance)
            ? found
            : null;

    private Verdict JudgeWalletCommand(ulong wallet, Sending sending)
    {
        if (VisibleWallet(wallet, sending) is not { } found)
            return Verdict.UnknownWallet;
        return sending.Session.IsOperator || found.Participant == sending.Session.Participant ? Verdict.Undecided : Verdict.NotAuthorised;
    }

    /// <summary>The owner's signatures, or two operators.</summary>
    private Verdict JudgeOwner(ulong wallet, byte[] body, IReadOnlyList<OwnerSignature> signatures, Sending sending)
    {
        NaiveConsent? consent = _consents.GetValueOrDefault(wallet);
        int needed = consent?.SignaturesAbove ?? 0;
        if (signatures.Count == 0 && needed == 0)
            return Verdict.Undecided;
        if (signatures.Count == 0 && sending.Session.IsOperator)
            return JudgeOperatorsWord(sending);
        if (signatures.Count < needed)
            return Verdict.ConsentMissing;
        if (consent is null)
            return Verdict.UnknownKey;
        byte[] message = NaiveSignatures.Message("settlement wallet command v1",
            [(byte)sending.Instruction, .. BitConverter.GetBytes(wallet), .. BitConverter.GetBytes(consent.Counter), .. SHA256.HashData(body)]);
        return JudgeSignatures(wallet, message, signatures);
    }

    private Verdict JudgeOperatorsWord(Sending sending)
    {
        string said = $"{sending.Instruction} {sending.Payload}";
        if (_operatorsWords.TryGetValue(said, out ushort first))
        {
            if (first == sending.Index)
                return Verdict.AwaitingQuorum;
            _operatorsWords.Remove(said);
            return Verdict.Undecided;
        }

        if (_operatorsWords.Count + _approvals.Count >= Limits.ApprovalsMax)
            return Verdict.CapacityExceeded;
        _operatorsWords.Add(said, sending.Index);
        return Verdict.AwaitingQuorum;
    }

    private Verdict JudgeSignatures(ulong wallet, byte[] message, IReadOnlyList<OwnerSignature> signatures)
    {
        foreach (OwnerSignature signature in signatures)
        {
            if (KeysInForce(wallet).FirstOrDefault(key => key.Number == signature.Key) is not { } key)
                return Verdict.UnknownKey;
            if (!NaiveSignatures.Verifies(key.Scheme, key.Spki, message, signature.Signature))
                return Verdict.BadSignature;
        }

        return Verdict.Undecided;
    }

    /// <summary>Start of a payments block: its evidence.</summary>
    private void TakeEvidence(ReadOnlySpan<Payment> slots, ReadOnlySpan<byte> evidence)
    {
        _signed.Clear();
        for (int at = 0; at < evidence.Length;)
        {
            EvidenceEntry entry = MemoryMarshal.Read<EvidenceEntry>(evidence[at..]);
            Payment payment = slots[(int)entry.Index];
            if (entry.Kind == EvidenceKind.Signature)
                _signed.Add((_sequenceNext + entry.Index, entry.Key, entry.Scheme));
            else if (IsOpen(payment.Session) && FindChain(payment) is { } chain && entry.Key == chain.Opened && payment.IdLow > chain.Last && payment.IdLow <= chain.Commitment.Length
                && payment.IdLow - chain.Last <= Limits.StreamWindow)
                chain.Last = payment.IdLow;
            at += EvidenceEntry.Size + ((entry.Length + 7) / 8 * 8);
        }
    }

    private bool IsOpen(ushort session) => _sessions.ContainsKey(session) && !_closedSessions.Contains(session);

    private NaiveChain? FindChain(in Payment payment) => (payment.Flags & PaymentFlags.StreamId) == 0
        ? null
        : _chains.GetValueOrDefault((_sessions[payment.Session].Participant, payment.IdHigh, payment.Payer)) is { IsEnded: false } chain ? chain : null;

    /// <summary>9.: leave to debit a wallet of another participant.</summary>
    private bool HasMandate(ulong wallet, ushort participant) =>
        _mandates.TryGetValue((wallet, participant), out ulong until) && (until == 0 || until >= _now);

    /// <summary>11a.</summary>
    private Ruling JudgeConsent(in Payment payment)
    {
        NaiveConsent? consent = _consents.GetValueOrDefault(payment.Payer);
        ulong sequence = _sequenceNext - 1;
        switch (consent?.Policy ?? ConsentPolicy.Custodial)
        {
            case ConsentPolicy.Signed:
                bool isForgotten = (payment.Flags & PaymentFlags.StreamId) == 0 && !(((payment.IdHigh >> 12) & 15) == 7 && payment.IdLow >> 62 == 2) && _idRetentionNs != 0;
                if (isForgotten)
                    return Verdict.ConsentMissing;
                int signers = KeysInForce(payment.Payer).Count(key => _signed.Contains((sequence, (ulong)key.Number, key.Scheme)));
                return signers >= (payment.Amount > consent!.Threshold ? consent.SignaturesAbove : 1) ? default : Verdict.ConsentMissing;
            case ConsentPolicy.Stream:
                if (FindChain(payment) is not { } chain || payment.IdLow > chain.Last)
                    return Verdict.ConsentMissing;
                ChainCommitment c = chain.Commitment;
                bool covered = payment.Amount <= c.AmountMax && _now <= c.ExpiryNs && payment.Currency == c.Currency && (c.Payee == 0 || c.Payee == payment.Payee);
                return covered ? default(Ruling) : Verdict.ConsentExceeded;
            default:
                return default;
        }
    }

    /// <summary>12a.</summary>
    private bool IsAboveCeiling(in Payment payment) =>
        ChainOfPayer(payment) is { } chain && chain.Spent + payment.Amount > chain.Commitment.Ceiling;

    private void Spend(in Payment payment)
    {
        if (ChainOfPayer(payment) is { } chain)
            chain.Spent += payment.Amount;
    }

    private NaiveChain? ChainOfPayer(in Payment payment) =>
        _consents.GetValueOrDefault(payment.Payer)?.Policy == ConsentPolicy.Stream ? FindChain(payment) : null;

    /// <summary>The outcome's balance, where it is the session's to know.</summary>
    private static ulong BalanceFor(NaiveSession session, NaiveWallet wallet, ulong available) =>
        (session.IsOperator || session.Participant == wallet.Participant) && wallet.Level <= session.Clearance ? available : 0;

    /// <summary>Whose balance an accepted payment's outcome tells.</summary>
    private NaiveWallet WalletTold(in Payment payment, NaiveSession session) => payment.Instruction switch
    {
        Instruction.Capture or Instruction.Void => FindTarget(payment, session)!.Payer,
        Instruction.Refund => FindTarget(payment, session)!.Payee,
        Instruction.Issue => _wallets[payment.Payee],
        _ => _wallets[payment.Payer],
    };

    private sealed record Sending(Instruction Instruction, ushort Index, NaiveSession Session, string Payload);
}
