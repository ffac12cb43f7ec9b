using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Gateway.Wire;

/// <summary>A registered key, and whose it is.</summary>
/// <param name="Session">Index of the session's record.</param>
/// <param name="Record">The record as of the look-up.</param>
/// <param name="Scheme">How the key signs.</param>
/// <param name="Spki">DER of its SubjectPublicKeyInfo.</param>
internal sealed record SessionKey(ushort Session, SessionRecord Record, SignatureScheme Scheme, byte[] Spki);

/// <summary>Finds whose a session key is.</summary>
internal interface ISessionKeys
{
    /// <returns>Null: no such key, or it is revoked, or its session is closed.</returns>
    ValueTask<SessionKey?> FindAsync(KeyId id, CancellationToken cancel);
}
