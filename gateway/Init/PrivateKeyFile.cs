using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Init;

/// <summary>
/// A file of a private key of P-256 (PKCS#8 PEM), which only its owner may read, and files of public halves beside such: of nodes and of voting devices.
/// </summary>
/// <remarks>
/// Invariant: under its name a key file is whole and durable, or not there; it never was readable by others, not for a moment and not while it was
/// empty; and one that is there is never written over, because a ledger may depend on it.
/// Failure assumed: any file may stand in its place. It is refused with a sentence.
/// </remarks>
/// <param name="path">The file.</param>
/// <param name="whose">Whose key it is, as a sentence says it: "a node's".</param>
/// <param name="option">With which another file is named: "--key FILE".</param>
internal sealed class PrivateKeyFile(string path, string whose, string option)
{
    private const string PrivateLabel = "PRIVATE KEY";
    private const int FileBytesMax = 16 << 10;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode EverybodyReads = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode Others = (UnixFileMode)0x3F; // rwxrwx of group and others

    public bool Exists => File.Exists(path) || Directory.Exists(path);

    /// <summary>Draws a key and writes it.</summary>
    /// <returns>False: another process was faster, and its key stands there.</returns>
    public bool TryMake()
    {
        using ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] der = pair.ExportPkcs8PrivateKey();
        char[] pem = PemEncoding.Write(PrivateLabel, der);
        byte[] bytes = new byte[pem.Length + 1];
        try
        {
            bytes[Encoding.ASCII.GetBytes(pem, bytes)] = (byte)'\n';
            string unfinished = WriteUnfinished(path, bytes, OwnerOnly);
            try
            {
                File.Move(unfinished, path);
            }
            catch (IOException) when (File.Exists(path))
            {
                File.Delete(unfinished);
                return false;
            }

            SyncDirectoryOf(path);
            return true;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
            CryptographicOperations.ZeroMemory(bytes);
            pem.AsSpan().Clear();
        }
    }

    /// <summary>Reads the key, and makes what signs with it.</summary>
    /// <param name="use">Owns the pair from then on; throws <see cref="CryptographicException"/> where it cannot sign.</param>
    /// <exception cref="UsageException">It cannot be used; says what to do.</exception>
    public T Open<T>(Func<ECDsa, T> use)
    {
        byte[] bytes = ReadBytes();
        char[] text = Encoding.Latin1.GetChars(bytes);
        var pair = ECDsa.Create();
        try
        {
            if (PemEncoding.TryFind(text, out PemFields fields) && text.AsSpan()[fields.Label] is PrivateLabel)
            {
                byte[] der = new byte[fields.DecodedDataLength];
                bool decoded = Convert.TryFromBase64Chars(text.AsSpan()[fields.Base64Data], der, out int length);
                try
                {
                    if (decoded)
                    {
                        pair.ImportPkcs8PrivateKey(der.AsSpan(0, length), out _);
                        return use(pair);
                    }
                }
                finally
                {
                    CryptographicOperations.ZeroMemory(der);
                }
            }
        }
        catch (CryptographicException unusable)
        {
            pair.Dispose();
            throw NoKey($" ({unusable.Message.TrimEnd('.')})");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
            text.AsSpan().Clear();
        }

        pair.Dispose();
        throw NoKey("");
    }

    /// <summary>Writes a file that is for everybody, and takes the place of one that is there.</summary>
    public static void WritePublic(string path, string text)
    {
        string unfinished = WriteUnfinished(path, Encoding.UTF8.GetBytes(text), EverybodyReads);
        File.Move(unfinished, path, overwrite: true);
        SyncDirectoryOf(path);
    }

    /// <summary>A new, durable file beside the one that is meant, under a name that nobody else has.</summary>
    private static string WriteUnfinished(string path, ReadOnlySpan<byte> bytes, UnixFileMode mode)
    {
        string unfinished = $"{path}.{Path.GetRandomFileName()}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = mode; // at the creation itself: there is no moment at which the file has another
        using var file = new FileStream(unfinished, options);
        file.Write(bytes);
        file.Flush(flushToDisk: true);
        return unfinished;
    }

    private static void SyncDirectoryOf(string path)
    {
        if (OperatingSystem.IsLinux() && new LinuxFileCalls().SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!) is < 0 and int failed)
            throw new IOException($"The directory of '{path}' cannot be made durable: error {-failed}.");
    }

    private byte[] ReadBytes()
    {
        if (Directory.Exists(path))
            throw new UsageException($"'{path}' is a folder; the file of {whose} private key is expected.");
        try
        {
            using FileStream file = File.OpenRead(path);
            // Of the open file, not of the name: nobody can exchange it in between.
            if (!OperatingSystem.IsWindows() && File.GetUnixFileMode(file.SafeFileHandle) is var mode && (mode & Others) != 0)
            {
                string octal = Convert.ToString((int)mode, 8);
                throw new UsageException(
                    $"The private key in '{path}' is open to others (mode {octal}): chmod 600 '{path}', and make sure that nobody has read it.");
            }

            if (file.Length > FileBytesMax)
                throw NoKey(string.Create(CultureInfo.InvariantCulture, $" ({file.Length} bytes)"));
            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new UsageException($"The private key cannot be read: {unreadable.Message} Run as the user whose file it is, or name another: {option}.");
        }
    }

    private UsageException NoKey(string why) => new(
        $"'{path}' holds no private key that could sign{why}: an unencrypted PKCS#8 PEM (-----BEGIN {PrivateLabel}-----) of a P-256 key is expected.");
}
