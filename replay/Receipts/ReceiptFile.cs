using Settlement.Replay.Common;

namespace Settlement.Replay.Receipts;

/// <summary>Receipts and keys as files, which may hold anything and be of any length.</summary>
internal static class ReceiptFile
{
    /// <exception cref="UsageException">It is no receipt; line and field are named.</exception>
    public static Receipt Read(string path) =>
        ReceiptReader.TryRead(ReadBytes(path, ReceiptReader.BytesMax), out Receipt? read, out string? fault)
            ? read
            : throw new UsageException($"'{path}' is no receipt that can be checked: {fault}.");

    /// <summary>A file up to a bound, and one byte more where it is longer: who reads it says so.</summary>
    public static byte[] ReadBytes(string path, int most)
    {
        if (Directory.Exists(path))
            throw new UsageException($"'{path}' is a folder; a file is expected.");
        if (!File.Exists(path))
            throw new UsageException($"There is no file '{path}'.");
        using FileStream file = File.OpenRead(path);
        byte[] bytes = new byte[most + 1];
        return bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
    }
}
