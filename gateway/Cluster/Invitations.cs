using System.Security.Cryptography;
using System.Text;

namespace Settlement.Gateway.Cluster;

/// <summary>The secrets by which new nodes may come in: each good once, and for an hour.</summary>
/// <remarks>
/// In memory alone, and only as hashes: a node that is started again has none, and `cluster add` makes another. The number of tries is bounded by that of the secrets: each has 160 bits.
/// Any thread.
/// </remarks>
internal sealed class Invitations(TimeProvider time)
{
    public const int Minutes = 60;

    private const int SecretBytes = 20;
    private const int OpenMax = 64;

    private readonly Lock _lock = new();
    private readonly List<(byte[] Hash, DateTimeOffset Until)> _open = []; // under the lock

    /// <returns>The secret; null: there are too many open ones.</returns>
    public string? Make()
    {
        string secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes));
        DateTimeOffset now = time.GetUtcNow();
        lock (_lock)
        {
            _open.RemoveAll(one => one.Until <= now);
            if (_open.Count >= OpenMax)
                return null;
            _open.Add((HashOf(secret), now.AddMinutes(Minutes)));
            return secret;
        }
    }

    /// <summary>Whether it is one, without using it up.</summary>
    public bool Holds(string secret) => Find(secret, takes: false);

    /// <summary>Uses it up.</summary>
    public bool Take(string secret) => Find(secret, takes: true);

    private bool Find(string secret, bool takes)
    {
        byte[] hash = HashOf(secret);
        DateTimeOffset now = time.GetUtcNow();
        lock (_lock)
        {
            int found = _open.FindIndex(one => one.Until > now && CryptographicOperations.FixedTimeEquals(one.Hash, hash));
            if (found >= 0 && takes)
                _open.RemoveAt(found);
            return found >= 0;
        }
    }

    private static byte[] HashOf(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));
}
