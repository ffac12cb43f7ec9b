using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Engine.Consent;

/// <summary>
/// Purpose: what commands 156..161 need, and what they do. SEMANTICS, section Keys, mandates and consent, has the order of their refusals.
/// Invariant: a command that is not accepted changes nothing, but that a first operator's word is remembered where two stand in for the owner.
/// Failure assumed: payloads and signatures may be anything. A signature costs 70 us (P-256) or 0.3 ms (ML-DSA-65) on the settle thread; the first that is
/// wrong ends the check, so what a session can waste of its time is one a command.
/// All written by: settle thread.
/// </summary>
internal sealed class ConsentApply(LedgerState state, QuorumBook quorums)
{
    private readonly ConsentBook _book = state.Consent;

    /// <param name="command">Its session is open.</param>
    /// <param name="payload">Its continuation.</param>
    /// <param name="authority">Of its row in the table of authorities.</param>
    /// <param name="sequence">Of its last slot.</param>
    public Verdict Judge(in ControlCommand command, ReadOnlySpan<byte> payload, CommandAuthority authority, ulong sequence)
    {
        if (!command.IsPlain)
            return Verdict.InvalidValue;
        var sent = new Sent(in command, state.Sessions.At(command.Session), payload, authority.OverridingQuorum, sequence);
        return command.Instruction switch
        {
            Instruction.RegisterKey => KeyRegistration.TryDecode(payload, out KeyRegistration? registration) ? Register(registration, in sent) : Verdict.InvalidValue,
            Instruction.RevokeKey => KeyRevocation.TryDecode(payload, out KeyRevocation? revocation) ? Revoke(revocation, in sent) : Verdict.InvalidValue,
            Instruction.CloseSession => SessionClosing.TryDecode(payload, out SessionClosing? closing) ? Close(closing.Session) : Verdict.InvalidValue,
            Instruction.SetMandate => MandateSetting.TryDecode(payload, out MandateSetting? mandate) ? Set(mandate, in sent) : Verdict.InvalidValue,
            Instruction.SetConsent => ConsentSetting.TryDecode(payload, out ConsentSetting? consent) ? Set(consent, in sent) : Verdict.InvalidValue,
            _ => ChainOpening.TryDecode(payload, out ChainOpening? opening) ? Open(opening, in sent) : Verdict.InvalidValue,
        };
    }

    private Verdict Register(KeyRegistration registration, in Sent sent)
    {
        KeyId id = PublicKeyForm.IdOf(registration.Spki);
        if (registration.Role == KeyRole.Session)
        {
            if (!sent.Session.IsOperator)
                return Verdict.NotAuthorised;
            if (!IsOpenSession(registration.Owner))
                return Verdict.InvalidValue;
            if (_book.FindSessionKey(id) is { } known)
                return known.Owner == registration.Owner && !known.IsRevoked ? Verdict.Duplicate : Verdict.AlreadyExists;
            if (NewKeyRefusal(registration) is var unfit and not Verdict.Undecided)
                return unfit;
            _book.AddSessionKey(registration, id, sent.Sequence);
            return Verdict.Accepted;
        }

        if (WalletRefusal(registration.Owner, in sent, out _) is var refusal and not Verdict.Undecided)
            return refusal;
        WalletConsent? wallet = _book.FindWallet(registration.Owner);
        if (wallet is not null)
        {
            foreach (RegisteredKey key in wallet.Keys)
                if (key.Id == id)
                    return key.IsRevoked ? Verdict.AlreadyExists : Verdict.Duplicate;
            if (wallet.Keys.Count == ConsentBounds.WalletKeyNumberMax || wallet.KeysInForce() == ConsentBounds.WalletKeysMax)
                return Verdict.CapacityExceeded;
        }

        if (NewKeyRefusal(registration) is var fault and not Verdict.Undecided)
            return fault;
        if (OwnerRefusal(wallet, registration.Owner, registration.Body(), registration.Signatures, in sent) is var missing and not Verdict.Undecided)
            return missing;
        _book.AddWalletKey(registration, id, sent.Sequence);
        _book.FindWallet(registration.Owner)!.Counter++;
        return Verdict.Accepted;
    }

    private Verdict Revoke(KeyRevocation revocation, in Sent sent)
    {
        if (revocation.Role == KeyRole.Session)
        {
            if (!sent.Session.IsOperator)
                return Verdict.NotAuthorised;
            if (_book.FindSessionKey(revocation.Key) is not { } key || key.Owner != revocation.Owner)
                return Verdict.UnknownKey;
            if (key.IsRevoked)
                return Verdict.Duplicate;
            _book.Revoke(key, sent.Sequence);
            return Verdict.Accepted;
        }

        if (WalletRefusal(revocation.Owner, in sent, out _) is var refusal and not Verdict.Undecided)
            return refusal;
        WalletConsent? wallet = _book.FindWallet(revocation.Owner);
        RegisteredKey? owned = wallet?.Keys.FirstOrDefault(key => key.Id == revocation.Key);
        if (wallet is null || owned is null)
            return Verdict.UnknownKey;
        if (owned.IsRevoked)
            return Verdict.Duplicate;
        if (OwnerRefusal(wallet, revocation.Owner, revocation.Body(), revocation.Signatures, in sent) is var missing and not Verdict.Undecided)
            return missing;
        _book.Revoke(owned, sent.Sequence);
        wallet.Counter++;
        return Verdict.Accepted;
    }

    /// <summary>The node's own session stays: there is always somebody to open others.</summary>
    private Verdict Close(ushort session)
    {
        if (session is 0 or Limits.OperatorSession || session >= state.Sessions.Next)
            return Verdict.InvalidValue;
        if (!state.Sessions.At(session).IsOpen)
            return Verdict.Duplicate;
        state.Sessions.Close(session);
        return Verdict.Accepted;
    }

    private Verdict Set(MandateSetting mandate, in Sent sent)
    {
        if (WalletRefusal(mandate.Wallet, in sent, out int row) is var refusal and not Verdict.Undecided)
            return refusal;
        if (!state.Participants.Knows(mandate.Participant))
            return Verdict.UnknownParticipant;
        if (mandate.Participant == state.Accounts[row].Participant || (mandate.UntilNs != 0 && mandate.UntilNs < state.TimeNs))
            return Verdict.InvalidValue;
        ulong? now = _book.MandateUntil(mandate.Wallet, mandate.Participant);
        if (mandate.IsGiven ? now == mandate.UntilNs : now is null)
            return Verdict.Duplicate;
        if (mandate.IsGiven && now is null && !_book.HasRoomForMandate(state.TimeNs))
            return Verdict.CapacityExceeded;
        WalletConsent? wallet = _book.FindWallet(mandate.Wallet);
        if (OwnerRefusal(wallet, mandate.Wallet, mandate.Body(), mandate.Signatures, in sent) is var missing and not Verdict.Undecided)
            return missing;
        _book.SetMandate(mandate.Wallet, mandate.Participant, mandate.IsGiven ? mandate.UntilNs : null);
        Count(wallet);
        return Verdict.Accepted;
    }

    private Verdict Set(ConsentSetting setting, in Sent sent)
    {
        if (WalletRefusal(setting.Wallet, in sent, out int head) is var refusal and not Verdict.Undecided)
            return refusal;
        WalletConsent? wallet = _book.FindWallet(setting.Wallet);
        if ((wallet?.Policy ?? ConsentPolicy.Custodial, wallet?.SignaturesAbove ?? 0, wallet?.Threshold ?? 0)
            == (setting.Policy, setting.SignaturesAbove, setting.Threshold))
            return Verdict.Duplicate;
        if (wallet is null || wallet.KeysInForce() < setting.SignaturesAbove)
            return Verdict.QuorumMissing;
        if (OwnerRefusal(wallet, setting.Wallet, setting.Body(), setting.Signatures, in sent) is var missing and not Verdict.Undecided)
            return missing;
        (wallet.Policy, wallet.SignaturesAbove, wallet.Threshold) = (setting.Policy, setting.SignaturesAbove, setting.Threshold);
        for (int row = head; row != 0; row = state.Accounts[row].Next)
            state.Accounts[row].Policy = setting.Policy;
        wallet.Counter++;
        return Verdict.Accepted;
    }

    private Verdict Open(ChainOpening opening, in Sent sent)
    {
        ChainCommitment commitment = opening.Commitment;
        if (commitment.AmountMax == 0 || commitment.AmountMax > commitment.Ceiling || commitment.Length is 0 or > ConsentBounds.ChainLengthMax
            || commitment.ExpiryNs < state.TimeNs)
            return Verdict.InvalidValue;
        int head = VisibleWallet(commitment.Wallet, in sent);
        if (head == 0)
            return Verdict.UnknownWallet;
        ref readonly AccountRow row = ref state.Accounts[head];
        if (!sent.Session.IsOperator && sent.Session.Participant != row.Participant && sent.Session.Participant != commitment.Participant)
            return Verdict.NotAuthorised;
        if (!state.Participants.Knows(commitment.Participant))
            return Verdict.UnknownParticipant;
        if (state.Currencies.IndexOf(commitment.Currency) == 0)
            return Verdict.UnknownCurrency;
        if (row.Policy != ConsentPolicy.Stream)
            return Verdict.InvalidValue;
        if (_book.FindChain(commitment.Participant, commitment.Stream, commitment.Wallet) is { } known)
        {
            if (known.Commitment == commitment && !known.IsEnded)
                return Verdict.Duplicate;
            if (known.Commitment.ExpiryNs >= state.TimeNs)
                return Verdict.AlreadyExists;
        }
        else if (!_book.HasRoomForChain(state.TimeNs))
        {
            return Verdict.CapacityExceeded;
        }

        // Its owner's word alone opens a chain: no operator's stands in for it.
        WalletConsent wallet = _book.FindWallet(commitment.Wallet)!;
        if (opening.Signatures.Count < wallet.SignaturesFor(commitment.Ceiling))
            return Verdict.ConsentMissing;
        if (SignatureRefusal(wallet, ConsentMessage.OfChain(state.LedgerId, commitment), opening.Signatures) is var refusal and not Verdict.Undecided)
            return refusal;
        _book.OpenChain(new PayChain
        {
            Commitment = commitment, Signers = [.. opening.Signatures.Select(signature => signature.Key)], OpenedSequence = sent.Sequence, Link = commitment.End,
        });
        return Verdict.Accepted;
    }

    private bool IsOpenSession(ulong session) => session < (ulong)state.Sessions.Next && state.Sessions.At((ushort)session).IsOpen;

    private Verdict NewKeyRefusal(KeyRegistration registration)
    {
        using ISignatureVerifier? verifier = SignatureVerifiers.TryOpen(registration.Scheme, registration.Spki);
        return verifier is null ? Verdict.InvalidValue
            : !_book.HasRoomForKey(registration.Spki.Length) ? Verdict.CapacityExceeded
            : Verdict.Undecided;
    }

    /// <summary>The wallet's first row, or 0: there is none, it is closed, or it is above a session that is no operator's.</summary>
    private int VisibleWallet(ulong wallet, in Sent sent)
    {
        int head = state.Accounts.Find(wallet);
        return head != 0 && state.Accounts[head].Status != WalletStatus.Closed
            && (sent.Session.IsOperator || state.Accounts[head].Level <= sent.Session.Clearance) ? head : 0;
    }

    private Verdict WalletRefusal(ulong wallet, in Sent sent, out int head)
    {
        head = VisibleWallet(wallet, in sent);
        return head == 0 ? Verdict.UnknownWallet
            : !sent.Session.IsOperator && state.Accounts[head].Participant != sent.Session.Participant ? Verdict.NotAuthorised
            : Verdict.Undecided;
    }

    /// <summary>Whether the wallet's owner agrees to a command: by signatures, or two operators' word in their place.</summary>
    private Verdict OwnerRefusal(WalletConsent? consent, ulong wallet, byte[] body, IReadOnlyList<OwnerSignature> signatures, in Sent sent)
    {
        int needed = consent?.SignaturesAbove ?? 0;
        if (signatures.Count == 0)
            return needed == 0 ? Verdict.Undecided
                : sent.Session.IsOperator ? quorums.Refusal(in sent.Command, sent.Payload, sent.OverridingQuorum)
                : Verdict.ConsentMissing;
        if (signatures.Count < needed)
            return Verdict.ConsentMissing;
        if (consent is null)
            return Verdict.UnknownKey;
        byte[] message = ConsentMessage.OfCommand(state.LedgerId, sent.Command.Instruction, wallet, consent.Counter, body);
        return SignatureRefusal(consent, message, signatures);
    }

    /// <summary>Every signature that is given must be of a key in force, and right.</summary>
    private static Verdict SignatureRefusal(WalletConsent wallet, byte[] message, IReadOnlyList<OwnerSignature> signatures)
    {
        foreach (OwnerSignature signature in signatures)
        {
            if (wallet.Find(signature.Key) is not { } key)
                return Verdict.UnknownKey;
            if (!SignatureVerifiers.Verifies(key.Scheme, key.Spki, message, signature.Signature))
                return Verdict.BadSignature;
        }

        return Verdict.Undecided;
    }

    private static void Count(WalletConsent? wallet)
    {
        if (wallet is not null)
            wallet.Counter++;
    }

    /// <summary>A command on its way through its checks.</summary>
    private readonly ref struct Sent(in ControlCommand command, in SessionRecord session, ReadOnlySpan<byte> payload, int overridingQuorum, ulong sequence)
    {
        public readonly ref readonly ControlCommand Command = ref command;
        public readonly ref readonly SessionRecord Session = ref session;
        public readonly ReadOnlySpan<byte> Payload = payload;
        public readonly int OverridingQuorum = overridingQuorum;
        public readonly ulong Sequence = sequence;
    }
}
