using Settlement.Engine.Domain;

namespace Settlement.Engine.Consent;

/// <summary>A mandate that is remembered.</summary>
/// <param name="Wallet">Whose.</param>
/// <param name="Participant">Who may debit it.</param>
/// <param name="UntilNs">The last block time at which it holds; 0: without an end.</param>
public readonly record struct Mandate(ulong Wallet, ushort Participant, ulong UntilNs);

// Purpose: everything that the book holds, for an operator's eyes; for none that the settle thread waits on.
// Invariant: each list has an order of its own, that of what is listed: the dictionaries' order is nobody's.
public sealed partial class ConsentBook
{
    /// <summary>Keys of sessions, revoked ones included, as they were registered.</summary>
    public IReadOnlyList<RegisteredKey> ListSessionKeys() => [.. _sessionKeys.Values.OrderBy(key => key.RegisteredSequence)];

    /// <summary>Wallets that have, or had, a key.</summary>
    public IReadOnlyList<WalletConsent> ListWallets() => [.. _wallets.Values.OrderBy(wallet => wallet.Wallet)];

    public IReadOnlyList<Mandate> ListMandates() =>
        [.. _mandates.Select(one => new Mandate(one.Key.Wallet, one.Key.Participant, one.Value)).OrderBy(one => (one.Wallet, one.Participant))];

    /// <summary>Chains that no revoked key has ended, also such as are past their expiry and not forgotten, as they were opened.</summary>
    public IReadOnlyList<PayChain> ListChains() => [.. ChainsByOpening().Where(chain => !chain.IsEnded)];
}
