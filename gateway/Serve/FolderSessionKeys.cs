using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Serve;

/// <summary>Session keys from files: <c>session-N.pub</c> in the keys' folder is a key of session N.</summary>
internal sealed class FolderSessionKeys(string folder, Pipeline engine) : ISessionKeys
{
    private const string Prefix = "session-";
    private const string Ending = ".pub";

    public async ValueTask<SessionKey?> FindAsync(KeyId id, CancellationToken cancel)
    {
        foreach (string path in Directory.EnumerateFiles(folder, Prefix + "*" + Ending))
        {
            string name = Path.GetFileName(path);
            if (!ushort.TryParse(name.AsSpan(Prefix.Length, name.Length - Prefix.Length - Ending.Length), out ushort session)
                || !NodeKey.TryParsePem(File.ReadAllText(path), out NodeKey key) || key.Id != id)
                continue;
            var record = await engine.AskAsync(state => state.Sessions.At(session), cancel).ConfigureAwait(false);
            return record.IsOpen ? new SessionKey(session, record, SignatureScheme.P256, key.Spki()) : null;
        }

        return null;
    }
}
