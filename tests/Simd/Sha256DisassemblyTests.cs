using Settlement.Engine.Simd;

namespace Settlement.Tests.Simd;

/// <summary>
/// The compression is one straight body at every width. The compiler inlines up to a budget of its own; past it the last rounds
/// would silently become calls, at twice the time.
/// </summary>
public sealed class Sha256DisassemblyTests
{
    [Test]
    public void The_compression_calls_nothing_at_any_width()
    {
        List<Disassembly> methods = Disassembly.OfChild("sha256-lanes", "CompressInRegisters CompressInMemory CompressShared");
        // Unless there is no width at all, both methods at least once.
        Assert.That(methods, Has.Count.GreaterThanOrEqualTo(Sha256Lanes.LaneCount > 1 ? 2 : 0));
        using (Assert.EnterMultipleScope())
        {
            foreach (Disassembly method in methods)
            {
                TestContext.Out.WriteLine($"{method.Method}: {method.InstructionCount} instructions, {method.ConditionalJumps} jump(s)");
                Assert.That(method.InstructionCount, Is.GreaterThan(100), method.Method);
                Assert.That(method.Calls(), Is.Empty, method.Method);
            }
        }
    }

    /// <summary>In the child: makes the compiler compile every width that the hardware has.</summary>
    internal static int RunLanes()
    {
        byte[] messages = new byte[16 * 64];
        byte[] digests = new byte[16 * Sha256Lanes.DigestBytes];
        foreach (int lanes in (int[])[16, 8, 4]) Sha256Lanes.Hash(messages, 64, digests, lanes);
        return 0;
    }
}
