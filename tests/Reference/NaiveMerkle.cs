using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>
/// A batch's tree the slow, obvious way: whole levels as lists, each message put together byte by byte, the framework's
/// SHA-256 and AES. Shares no code with the engine's.
/// </summary>
internal static class NaiveMerkle
{
    private const int FanOut = 16;

    public static byte[] Root(byte[] saltKey, IReadOnlyList<(ulong Sequence, Payment Payment)> leaves)
    {
        byte[] top = leaves.Count == 0
            ? SHA256.HashData(Encoding.ASCII.GetBytes("settlement: batch without payment"))
            : Top([.. leaves.Select(leaf => Leaf(saltKey, leaf.Sequence, leaf.Payment))]);
        return SHA256.HashData([0x02, .. LittleEndian((ulong)leaves.Count), .. top]);
    }

    public static byte[] Salt(byte[] saltKey, ulong sequence)
    {
        using Aes aes = Aes.Create();
        aes.Key = saltKey;
        return aes.EncryptEcb([.. LittleEndian(sequence), 0, 0, 0, 0, 0, 0, 0, 0], PaddingMode.None);
    }

    public static byte[] Leaf(byte[] saltKey, ulong sequence, Payment payment)
    {
        byte[] bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<Payment>(in payment)).ToArray();
        return SHA256.HashData([0x00, .. Salt(saltKey, sequence), .. LittleEndian(sequence), .. bytes]);
    }

    private static byte[] Top(List<byte[]> level) =>
        level.Count == 1 ? level[0] : Top([.. level.Chunk(FanOut).Select(Node)]);

    private static byte[] Node(byte[][] children) =>
        SHA256.HashData([.. children.SelectMany(child => child), 0x01, (byte)children.Length]);

    private static byte[] LittleEndian(ulong number) =>
        [.. Enumerable.Range(0, 8).Select(at => (byte)(number >> (8 * at)))];
}
