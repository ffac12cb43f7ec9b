using System.Security.Cryptography;

namespace Settlement.Replay.Backup;

/// <summary>Copies of files of which a part may be there already, with the SHA-256 of the whole.</summary>
internal static class HashedCopy
{
    private const int PieceBytes = 1 << 20;

    /// <summary>Copies a file's first bytes; durable on return.</summary>
    /// <param name="source">May grow meanwhile.</param>
    /// <param name="target">Made, or gone on with.</param>
    /// <param name="bytes">How many it shall have.</param>
    /// <param name="kept">What of the target is there already: the bytes and their hash are checked. Null: nothing.</param>
    /// <returns>SHA-256 of the whole, in hexadecimal digits.</returns>
    /// <exception cref="BackupException">What is there already is not what was kept.</exception>
    public static string Extend(string source, string target, long bytes, BackupFile? kept)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var from = new FileStream(source, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        using var to = new FileStream(target, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        byte[] piece = new byte[PieceBytes];
        if (kept is not null)
        {
            Pass(to, null, kept.Bytes, piece, hash, target);
            if (Convert.ToHexStringLower(hash.GetCurrentHash()) != kept.Sha256)
                throw BackupException.Damaged(target, "has other bytes than its manifest's hash is of");
            from.Position = kept.Bytes;
        }

        Pass(from, to, bytes - from.Position, piece, hash, source);
        to.SetLength(bytes);
        to.Flush(flushToDisk: true);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>SHA-256 of a file's first bytes, in hexadecimal digits.</summary>
    /// <exception cref="BackupException">It is shorter.</exception>
    public static string HashOf(string path, long bytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        Pass(file, null, bytes, new byte[PieceBytes], hash, path);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Pass(FileStream from, FileStream? to, long bytes, byte[] piece, IncrementalHash hash, string name)
    {
        for (long left = bytes; left > 0;)
        {
            int read = from.Read(piece, 0, (int)Math.Min(piece.Length, left));
            if (read == 0)
                throw BackupException.Damaged(name, $"ends {left} bytes before it should");
            hash.AppendData(piece, 0, read);
            to?.Write(piece, 0, read);
            left -= read;
        }
    }
}
