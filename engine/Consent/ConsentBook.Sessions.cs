namespace Settlement.Engine.Consent;

/// <summary>What servers ask about the keys of sessions.</summary>
public sealed partial class ConsentBook
{
    /// <summary>Whether the session ever had a key, one that was revoked included. Walks the keys: for a server's start.</summary>
    public bool HadSessionKey(ushort session)
    {
        foreach (RegisteredKey key in _sessionKeys.Values) // whichever comes first
            if (key.Owner == session)
                return true;
        return false;
    }
}
