using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Consent;

/// <summary>
/// Purpose: which keys speak for which session or wallet, how wallets' owners consent, who may debit another's wallets, and which chains are open.
/// Invariant: what commands change is in the control fold; what payments change, how far chains are revealed and spent, is in <see cref="ChainFold"/>.
/// A wallet's policy stands in its account rows as well, so that payments of custodial wallets never look here.
/// All written by: settle thread. Others ask it between two blocks (<see cref="Ledger.IStateQuery"/>).
/// </summary>
public sealed partial class ConsentBook
{
    private readonly record struct MandateKey(ulong Wallet, ushort Participant);

    // Looked up; walked only in an order of their own (Save), or where the order does not matter (what is over is forgotten).
    private readonly Dictionary<KeyId, RegisteredKey> _sessionKeys = [];
    private readonly Dictionary<ulong, WalletConsent> _wallets = [];
    private readonly Dictionary<MandateKey, ulong> _mandates = [];
    private readonly Dictionary<ChainKey, PayChain> _chains = [];
    private StateSum _chainFold;
    private int _keyCount;
    private long _keyBytes;

    /// <summary>Keys of all time.</summary>
    public int KeyCount => _keyCount;

    public int MandateCount => _mandates.Count;

    public int ChainCount => _chains.Count;

    /// <summary>How far all chains are revealed and spent.</summary>
    public StateSum ChainFold => _chainFold;

    /// <summary>A session's key, revoked or not; null: it is none's.</summary>
    public RegisteredKey? FindSessionKey(KeyId id) => _sessionKeys.GetValueOrDefault(id);

    /// <summary>The keys and the policy of a wallet; null: it never had a key.</summary>
    public WalletConsent? FindWallet(ulong wallet) => _wallets.GetValueOrDefault(wallet);

    /// <summary>A wallet's key that is not revoked; null: there is none of that number.</summary>
    public RegisteredKey? FindWalletKey(ulong wallet, ulong number) => _wallets.GetValueOrDefault(wallet)?.Find(number);

    /// <summary>The chain, over or not; null: there is none, or it is forgotten.</summary>
    public PayChain? FindChain(ushort participant, ulong stream, ulong wallet) => _chains.GetValueOrDefault(new ChainKey(participant, stream, wallet));

    /// <summary>All that are remembered, oldest first: for who compares or shows states.</summary>
    public IEnumerable<PayChain> ChainsByOpening() => _chains.Values.OrderBy(chain => chain.OpenedSequence);

    /// <summary>Whether the participant's sessions may debit the wallet at this time.</summary>
    public bool HasMandate(ulong wallet, ushort participant, ulong timeNs) =>
        _mandates.TryGetValue(new MandateKey(wallet, participant), out ulong until) && (until == 0 || timeNs <= until);

    /// <summary>Until when; null: no mandate is remembered. 0: without an end.</summary>
    public ulong? MandateUntil(ulong wallet, ushort participant) =>
        _mandates.TryGetValue(new MandateKey(wallet, participant), out ulong until) ? until : null;

    internal bool HasRoomForKey(int bytes) => _keyCount < ConsentBounds.KeysMax && _keyBytes + bytes <= ConsentBounds.KeyBytesSumMax;

    internal void AddSessionKey(KeyRegistration registration, KeyId id, ulong sequence)
    {
        _sessionKeys.Add(id, NewKey(registration, id, 0, sequence));
    }

    /// <summary>The wallet's next key.</summary>
    internal void AddWalletKey(KeyRegistration registration, KeyId id, ulong sequence)
    {
        if (!_wallets.TryGetValue(registration.Owner, out WalletConsent? wallet))
            _wallets.Add(registration.Owner, wallet = new WalletConsent { Wallet = registration.Owner });
        wallet.Add(NewKey(registration, id, (ushort)(wallet.Keys.Count + 1), sequence));
    }

    /// <summary>
    /// A wallet's key takes the chains with it that it signed. They stay until their expiry, ended: else who kept a commitment with more signatures than it needs could open
    /// it anew by the others, and with its whole ceiling.
    /// </summary>
    internal void Revoke(RegisteredKey key, ulong sequence)
    {
        key.RevokedSequence = sequence;
        _keyBytes -= key.Spki.Length;
        key.Spki = [];
        if (key.Number != 0)
            foreach (PayChain chain in _chains.Values)
                chain.IsEnded |= chain.Commitment.Wallet == key.Owner && chain.Signers.Contains(key.Number);
    }

    /// <param name="wallet">Whose.</param>
    /// <param name="participant">Whose sessions.</param>
    /// <param name="untilNs">0: without an end; null: withdrawn.</param>
    internal void SetMandate(ulong wallet, ushort participant, ulong? untilNs)
    {
        if (untilNs is { } until)
            _mandates[new MandateKey(wallet, participant)] = until;
        else
            _mandates.Remove(new MandateKey(wallet, participant));
    }

    /// <summary>Whether one more mandate fits; those that are over make room.</summary>
    internal bool HasRoomForMandate(ulong timeNs)
    {
        if (_mandates.Count < ConsentBounds.MandatesMax)
            return true;
        foreach ((MandateKey key, ulong until) in _mandates)
            if (until != 0 && until < timeNs)
                _mandates.Remove(key);
        return _mandates.Count < ConsentBounds.MandatesMax;
    }

    /// <summary>Whether one more chain fits; those that are over make room.</summary>
    internal bool HasRoomForChain(ulong timeNs)
    {
        if (_chains.Count >= ConsentBounds.ChainsMax)
            ForgetChainsOver(timeNs);
        return _chains.Count < ConsentBounds.ChainsMax;
    }

    /// <summary>In the place of one that is over, if there is one.</summary>
    internal void OpenChain(PayChain chain)
    {
        if (_chains.TryGetValue(chain.Key, out PayChain? over))
            _chainFold.Subtract(over.Fold());
        _chains[chain.Key] = chain;
        _chainFold.Add(chain.Fold());
    }

    /// <summary>A link is revealed: the payments of all numbers up to its own have theirs.</summary>
    internal void Reveal(PayChain chain, uint number, in Digest link)
    {
        _chainFold.Subtract(chain.Fold());
        (chain.Last, chain.Link) = (number, link);
        _chainFold.Add(chain.Fold());
    }

    internal void Spend(PayChain chain, ulong amount)
    {
        _chainFold.Subtract(chain.Fold());
        chain.Spent += amount;
        _chainFold.Add(chain.Fold());
    }

    private RegisteredKey NewKey(KeyRegistration registration, KeyId id, ushort number, ulong sequence)
    {
        _keyCount++;
        _keyBytes += registration.Spki.Length;
        return new RegisteredKey
        {
            Id = id, Scheme = registration.Scheme, Owner = registration.Owner, Number = number, Spki = registration.Spki, RegisteredSequence = sequence,
        };
    }

    private void ForgetChainsOver(ulong timeNs)
    {
        foreach ((ChainKey key, PayChain chain) in _chains)
        {
            if (chain.Commitment.ExpiryNs >= timeNs)
                continue;
            _chainFold.Subtract(chain.Fold());
            _chains.Remove(key);
        }
    }
}
