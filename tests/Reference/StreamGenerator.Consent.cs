using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>
/// Owners: keys, policies, mandates and chains of wallets; commands that are signed by enough, too few, the wrong, revoked or of an earlier counter; evidence in payments blocks.
/// </summary>
public sealed partial class StreamGenerator
{
    private const int OwnerPairs = 6;
    private const uint ChainLength = 1_500;
    private const ulong ChainStream = 0x7000;

    /// <summary>Made once: P-256 but for the last.</summary>
    private static readonly Lazy<NaiveSignatures.Pair[]> s_pairs = new(() =>
        [.. Enumerable.Range(1, OwnerPairs).Select(i => new NaiveSignatures.Pair((ulong)i, i == OwnerPairs ? SignatureScheme.MlDsa65 : SignatureScheme.P256))]);

    private readonly List<byte> _evidence = [];
    private readonly List<(Instruction Instruction, ushort Session, byte[] Payload)> _sentPayloads = [];
    private readonly Dictionary<Digest, PayWordChain> _chainsByEnd = [];
    private ulong _chainSeed = seed;

    /// <summary>A wallet that commands about consent come back to, so that its keys, policy and payments meet.</summary>
    private ulong OwnedWallet() => _random.OneIn(12) ? AnyWallet() : _wallets[(_random.Below(24) * 5) % _wallets.Count];

    private void AddConsentCommands(List<Payment> slots)
    {
        for (int i = _random.Between(1, 6); i > 0; i--)
        {
            (Instruction instruction, ushort session, byte[] payload) = _sentPayloads.Count > 0 && _random.OneIn(9)
                ? _random.Pick(_sentPayloads)
                : NextConsentCommand();
            if (_random.Percent(3))
                session = _random.OneIn(3) ? StrangeSession : (ushort)_random.Between(1, s_sessions.Length);
            if (_random.OneIn(150))
                payload = payload[..^1];
            AddPayload(slots, instruction, session, payload);
            // The same word of another operator: a wallet whose owner signs nothing any more.
            if (s_sessions.Length >= session && session > 0 && (s_sessions[session - 1].Flags & SessionFlags.Operator) != 0 && _random.OneIn(3))
                AddPayload(slots, instruction, _random.OneIn(4) ? session : SecondOperator, payload);
            if (_sentPayloads.Count < 60)
                _sentPayloads.Add((instruction, session, payload));
            else
                _sentPayloads[_random.Below(60)] = (instruction, session, payload);
        }
    }

    private static void AddPayload(List<Payment> slots, Instruction instruction, ushort session, byte[] payload) =>
        slots.AddRange(PayloadCommand.ToSlots(instruction, session, payload));

    private (Instruction Instruction, ushort Session, byte[] Payload) NextConsentCommand()
    {
        ulong wallet = OwnedWallet();
        ushort session = WalletSession(wallet);
        switch (_random.Below(100))
        {
            case < 6:
                return (Instruction.RegisterKey, _random.OneIn(6) ? session : HouseOperator, new KeyRegistration(
                    KeyRole.Session, (ulong)_random.Below(_random.OneIn(4) ? 70_000 : 20), SignatureScheme.P256, NextSpki(SignatureScheme.P256), []).Encode());
            case < 9 when Model.Keys.FirstOrDefault(key => key.Role == KeyRole.Session && _random.OneIn(2)) is { } known:
                return (Instruction.RevokeKey, _random.OneIn(6) ? session : HouseOperator,
                    new KeyRevocation(KeyRole.Session, _random.OneIn(8) ? 3 : known.Owner, known.Id, []).Encode());
            case < 12:
                return (Instruction.CloseSession, HouseOperator, new SessionClosing(NextSessionToClose()).Encode());
            case < 36:
                return NextWalletKey(wallet, session);
            case < 44:
                NaiveKey[] keys = [.. Model.Keys.Where(key => key.Role == KeyRole.Wallet && key.Owner == wallet)];
                KeyId id = keys.Length == 0 || _random.OneIn(12) ? default : _random.Pick(keys).Id;
                var revocation = new KeyRevocation(KeyRole.Wallet, wallet, id, []);
                return (Instruction.RevokeKey, session, (revocation with { Signatures = Sign(Instruction.RevokeKey, wallet, revocation.Body(), ref session) }).Encode());
            case < 60:
                return NextMandate(wallet, session);
            case < 80:
                return NextPolicy(wallet, session);
            default:
                return NextChain(wallet, session);
        }
    }

    /// <summary>Most sessions are needed for the payments of a history; those that a history opened by itself are not.</summary>
    private ushort NextSessionToClose() => _random.Below(12) switch
    {
        0 => _random.OneIn(2) ? (ushort)0 : Limits.OperatorSession,
        1 => (ushort)900,
        2 when _random.OneIn(8) => (ushort)_random.Pick((ushort[])[12, 13, 16]),
        _ => (ushort)_random.Between(s_sessions.Length + 1, Math.Max(s_sessions.Length + 2, Model.Sessions.Count)),
    };

    private (Instruction Instruction, ushort Session, byte[] Payload) NextWalletKey(ulong wallet, ushort session)
    {
        NaiveSignatures.Pair pair = _random.OneIn(15) ? s_pairs.Value[^1] : _random.Pick(s_pairs.Value[..^1]);
        byte[] spki = _random.OneIn(12) ? NextSpki(pair.Scheme) : pair.Spki;
        var registration = new KeyRegistration(KeyRole.Wallet, wallet, pair.Scheme, spki, []);
        return (Instruction.RegisterKey, session,
            (registration with { Signatures = Sign(Instruction.RegisterKey, wallet, registration.Body(), ref session) }).Encode());
    }

    /// <summary>Some are keys of nobody, some are no keys.</summary>
    private byte[] NextSpki(SignatureScheme scheme)
    {
        byte[] spki = scheme == SignatureScheme.P256 && _random.OneIn(2)
            ? new NaiveSignatures.Pair(_random.Between(1_000UL, 1_020), SignatureScheme.P256).Spki
            : [.. s_pairs.Value[scheme == SignatureScheme.MlDsa65 ? ^1 : 0].Spki];
        if (scheme == SignatureScheme.P256 && _random.OneIn(4))
            spki[^1] ^= 1; // off the curve
        return spki;
    }

    private (Instruction Instruction, ushort Session, byte[] Payload) NextMandate(ulong wallet, ushort session)
    {
        bool given = !_random.OneIn(4);
        ulong until = !given || _random.OneIn(2) ? 0
            : _random.OneIn(15) ? _now - 1
            : _now + _random.Below(_random.OneIn(2) ? 120 * Limits.NsPerSecond : 3 * Limits.NsPerDay);
        var mandate = new MandateSetting(wallet, (ushort)_random.Below(_random.OneIn(12) ? 70 : ParticipantsAtStart), given, until, []);
        return (Instruction.SetMandate, session, (mandate with { Signatures = Sign(Instruction.SetMandate, wallet, mandate.Body(), ref session) }).Encode());
    }

    private (Instruction Instruction, ushort Session, byte[] Payload) NextPolicy(ulong wallet, ushort session)
    {
        int keys = Model.KeysInForce(wallet).Count();
        byte k = (byte)Math.Clamp(_random.OneIn(8) ? keys + 1 : _random.Between(1, Math.Max(1, Math.Min(keys, 3))), 1, 16);
        ConsentSetting setting = _random.Below(10) switch
        {
            0 => new ConsentSetting(wallet, ConsentPolicy.Custodial, 0, 0, []),
            < 5 => new ConsentSetting(wallet, ConsentPolicy.Signed, k, k == 1 ? 0 : _random.Below(2_000UL), []),
            _ => new ConsentSetting(wallet, ConsentPolicy.Stream, k, k == 1 ? 0 : _random.Below(20_000UL), []),
        };
        return (Instruction.SetConsent, session, (setting with { Signatures = Sign(Instruction.SetConsent, wallet, setting.Body(), ref session) }).Encode());
    }

    private (Instruction Instruction, ushort Session, byte[] Payload) NextChain(ulong wallet, ushort session)
    {
        // One that can be opened, where there is one.
        ulong[] streaming = [.. Model.Consents.Where(consent => consent.Value.Policy == ConsentPolicy.Stream).Select(consent => consent.Key).Order()];
        if (streaming.Length > 0 && !_random.OneIn(10))
            (wallet, session) = (_random.Pick(streaming), WalletSession(wallet));
        ushort participant = _random.OneIn(20) ? (ushort)60
            : !_random.OneIn(3) && Model.Wallets.GetValueOrDefault(wallet) is { } of ? of.Participant
            : (ushort)_random.Below(ParticipantsAtStart);
        session = _random.OneIn(3) ? SessionOf(participant) : WalletSession(wallet);
        var seedOfChain = Digest.From(SHA256.HashData(BitConverter.GetBytes(++_chainSeed)));
        var chain = new PayWordChain(in seedOfChain, ChainLength);
        _chainsByEnd[chain.End] = chain;
        ulong most = _random.Between(50UL, 3_000);
        var commitment = new ChainCommitment(
            wallet, participant, ChainStream + _random.Below(3UL), _random.OneIn(25) ? (ushort)9_999 : _random.OneIn(8) ? (ushort)840 : Euro,
            _random.OneIn(6) ? _random.Pick(_wallets) : 0, _random.OneIn(25) ? 0 : most, _random.OneIn(25) ? most - 1 : most * _random.Between(1UL, 12),
            _random.OneIn(20) ? _now - 1 : _now + _random.Below(_random.OneIn(3) ? 600 * Limits.NsPerSecond : 4 * Limits.NsPerDay),
            _random.OneIn(25) ? 0 : _random.OneIn(4) ? 20u : ChainLength, chain.End);
        int needed = Model.Consents.GetValueOrDefault(wallet) is { } consent ? commitment.Ceiling > consent.Threshold ? consent.SignaturesAbove : 1 : 1;
        return (Instruction.OpenChain, session,
            new ChainOpening(commitment, SignMessage(wallet, needed, NaiveSignatures.Message("settlement chain v1", commitment.Encode()))).Encode());
    }

    private ushort WalletSession(ulong wallet) => _random.Below(10) switch
    {
        0 => HouseOperator,
        1 => (ushort)_random.Between(1, s_sessions.Length),
        _ => Model.Wallets.GetValueOrDefault(wallet) is { } known ? SessionOf(known.Participant) : HouseOperator,
    };

    private OwnerSignature[] Sign(Instruction instruction, ulong wallet, byte[] body, ref ushort session)
    {
        NaiveConsent? consent = Model.Consents.GetValueOrDefault(wallet);
        if (consent is null || (consent.SignaturesAbove == 0 && !_random.OneIn(10)))
            return [];
        if (_random.OneIn(8)) // lost keys: operators stand in
        {
            session = _random.Pick((ushort[])[HouseOperator, SecondOperator, 6, 15]);
            return [];
        }

        ulong counter = consent.Counter - (consent.Counter > 0 && _random.OneIn(20) ? 1UL : 0);
        return SignMessage(wallet, consent.SignaturesAbove, NaiveSignatures.Message("settlement wallet command v1",
            [(byte)instruction, .. BitConverter.GetBytes(wallet), .. BitConverter.GetBytes(counter), .. SHA256.HashData(body)]));
    }

    private OwnerSignature[] SignMessage(ulong wallet, int needed, byte[] message)
    {
        int count = Math.Max(0, needed + (_random.OneIn(12) ? -1 : _random.OneIn(12) ? 1 : 0));
        List<OwnerSignature> signatures = [];
        foreach (NaiveKey key in Model.Keys.Where(key => key.Role == KeyRole.Wallet && key.Owner == wallet))
        {
            if (signatures.Count == count)
                break;
            if (key.IsRevoked && !_random.OneIn(20))
                continue;
            if (Array.Find(s_pairs.Value, pair => pair.Spki.AsSpan().SequenceEqual(key.Spki)) is not { } pair)
                continue;
            byte[] signature = pair.Sign(message);
            if (_random.OneIn(30))
                signature[_random.Below(signature.Length)] ^= 4;
            signatures.Add(new OwnerSignature((ushort)key.Number, signature));
        }

        return [.. signatures];
    }

    /// <summary>Gives a transfer what its payer's policy asks for, mostly.</summary>
    /// <returns>Whether it got an id, too: that of its stream.</returns>
    private bool TryConsent(ref Payment payment)
    {
        if (!consents || payment.Instruction is not (Instruction.Micropayment or Instruction.Immediate or Instruction.Hold))
            return false;
        if (_random.OneIn(150))
            AddEvidence(EvidenceKind.Signature, SignatureScheme.P256, _random.Between(1UL, 3), new byte[64]); // nobody asked for it
        if (Model.Consents.GetValueOrDefault(payment.Payer) is not { } consent)
            return false;
        if (consent.Policy == ConsentPolicy.Signed)
            AddSignatures(in payment, consent);
        return consent.Policy == ConsentPolicy.Stream && TryLink(ref payment);
    }

    private void AddSignatures(in Payment payment, NaiveConsent consent)
    {
        int needed = payment.Amount > consent.Threshold ? consent.SignaturesAbove : 1;
        if (_random.OneIn(8))
            needed--;
        foreach (NaiveKey key in Model.Keys)
        {
            if (key.Role != KeyRole.Wallet || key.Owner != payment.Payer || (key.IsRevoked && !_random.OneIn(4)) || needed-- <= 0)
                continue;
            bool isP256 = key.Scheme == SignatureScheme.P256 ^ _random.OneIn(40);
            // Whether it verifies was asked before the journal: here any bytes of the length will do.
            for (int times = _random.OneIn(20) ? 2 : 1; times > 0; times--)
                AddEvidence(EvidenceKind.Signature, isP256 ? SignatureScheme.P256 : SignatureScheme.MlDsa65, (ulong)key.Number, new byte[isP256 ? 64 : 3_309]);
        }
    }

    private bool TryLink(ref Payment payment)
    {
        ulong payer = payment.Payer;
        NaiveChain[] chains = [.. Model.Chains.Where(chain => chain.Key.Wallet == payer).OrderBy(chain => chain.Key.Participant).ThenBy(chain => chain.Key.Stream).Select(chain => chain.Value)];
        if (chains.Length == 0 || _random.OneIn(15))
            return false;
        ChainCommitment chain = _random.Pick(chains).Commitment;
        if (!_random.OneIn(12))
            payment.Session = SessionOf(chain.Participant);
        if (_random.Percent(80))
            payment.Currency = chain.Currency;
        if (chain.Payee != 0 && chain.Payee != payment.Payer && _random.Percent(80))
            payment.Payee = chain.Payee;
        if (_random.Percent(85))
            payment.Amount = Math.Min(payment.Amount, chain.AmountMax);
        ushort participant = payment.Session is > 0 && payment.Session <= s_sessions.Length ? s_sessions[payment.Session - 1].Participant : chain.Participant;
        ulong number = NextNumber(participant, chain.Stream);
        AssignStream(ref payment, chain.Stream, number);
        // A later link of the block may stand for this one.
        if (_random.Percent(60) && number <= ChainLength && _chainsByEnd.TryGetValue(chain.End, out PayWordChain? links))
        {
            Digest link = links.Link((uint)number);
            AddEvidence(EvidenceKind.Link, SignatureScheme.None, 0, ((ReadOnlySpan<byte>)link).ToArray());
        }

        return true;
    }

    private void AddEvidence(EvidenceKind kind, SignatureScheme scheme, ulong key, byte[] bytes)
    {
        if (_slot >= Limits.BlockSlotsMax || _evidence.Count > 1 << 19)
            return;
        var entry = new EvidenceEntry { Kind = kind, Scheme = scheme, Key = key, Index = (uint)_slot, Length = (ushort)bytes.Length };
        _evidence.AddRange(MemoryMarshal.AsBytes(new ReadOnlySpan<EvidenceEntry>(in entry)));
        _evidence.AddRange(bytes);
        _evidence.AddRange(new byte[entry.PaddedLength - entry.Length]);
    }
}
