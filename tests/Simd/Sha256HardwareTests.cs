using System.Security.Cryptography;
using Settlement.Engine.Simd;

namespace Settlement.Tests.Simd;

/// <summary>
/// The lanes on lesser hardware than this machine's: a child process whose runtime is told not to see some of it, so that
/// other instructions are chosen for the same width, or a narrower width for the same call.
/// </summary>
public sealed class Sha256HardwareTests
{
    [TestCase("DOTNET_EnableAVX512", 8, TestName = "Without AVX-512 the digests are the framework's")]
    [TestCase("DOTNET_EnableAVX2", 4, TestName = "Without AVX2 the digests are the framework's")]
    [TestCase("DOTNET_EnableHWIntrinsic", 1, TestName = "Without any vectors the digests are the framework's")]
    public void Without(string setting, int laneCountMost)
    {
        string printed = ChildProcess.Run("sha256-check", (setting, "0"));
        Assert.That(int.Parse(printed, null), Is.InRange(1, laneCountMost), "the setting was heeded");
    }

    /// <summary>In the child: prints the number of lanes; 1 when a digest is not the framework's.</summary>
    internal static int CheckLanes()
    {
        Random random = new(20_260_101);
        byte[] messages = new byte[4 * 31 * 512];
        random.NextBytes(messages);
        byte[] digests = new byte[31 * Sha256Lanes.DigestBytes];
        byte[] endingBytes = [1, 16];
        Sha256Ending ending = new(512, endingBytes);
        foreach (int length in (int[])[32, 55, 56, 64, 89, 512])
        {
            Sha256Lanes.Hash(messages.AsSpan(0, 31 * length), length, digests);
            for (int at = 0; at < 31; at++)
                if (!SHA256.HashData(messages.AsSpan(at * length, length)).AsSpan().SequenceEqual(digests.AsSpan(at * 32, 32))) return 1;
        }
        Sha256Lanes.HashWithEnding(messages.AsSpan(0, 31 * 512), ending, digests);
        for (int at = 0; at < 31; at++)
        {
            byte[] whole = [.. messages.AsSpan(at * 512, 512), .. endingBytes];
            if (!SHA256.HashData(whole).AsSpan().SequenceEqual(digests.AsSpan(at * 32, 32))) return 1;
        }
        Console.WriteLine(Sha256Lanes.LaneCount);
        return 0;
    }
}
