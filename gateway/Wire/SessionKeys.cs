using Settlement.Engine.Consent;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Gateway.Serve.Roles;

namespace Settlement.Gateway.Wire;

/// <summary>A registered key, and whose it is.</summary>
/// <param name="Id">Names the key.</param>
/// <param name="Session">Index of the session's record.</param>
/// <param name="Record">The record as of the look-up.</param>
/// <param name="Scheme">How the key signs.</param>
/// <param name="Spki">DER of its SubjectPublicKeyInfo.</param>
internal sealed record SessionKey(KeyId Id, ushort Session, SessionRecord Record, SignatureScheme Scheme, byte[] Spki);

/// <summary>Finds whose a session key is.</summary>
internal interface ISessionKeys
{
    /// <returns>Null: no such key, or it is revoked, or its session is closed.</returns>
    ValueTask<SessionKey?> FindAsync(KeyId id, CancellationToken cancel);
}

/// <summary>The keys that the journal registered, as of the last block.</summary>
internal sealed class LedgerSessionKeys(LedgerEngine engine) : ISessionKeys
{
    public async ValueTask<SessionKey?> FindAsync(KeyId id, CancellationToken cancel) =>
        await engine.AskAsync(state => Find(state, id), cancel).ConfigureAwait(false);

    /// <summary>On the settle thread.</summary>
    public static SessionKey? Find(LedgerState state, KeyId id)
    {
        if (state.Consent.FindSessionKey(id) is not { IsRevoked: false } key)
            return null;
        SessionRecord record = state.Sessions.At((ushort)key.Owner);
        return record.IsOpen ? new SessionKey(id, (ushort)key.Owner, record, key.Scheme, key.Spki) : null;
    }

    /// <summary>Whether a session and its key still are what they were. On the settle thread.</summary>
    public static bool IsInForce(LedgerState state, SessionKey key) =>
        state.Sessions.At(key.Session).IsOpen && state.Consent.FindSessionKey(key.Id) is { IsRevoked: false };
}
