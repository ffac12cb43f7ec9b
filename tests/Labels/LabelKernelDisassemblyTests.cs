using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Settlement.Engine.Simd;
using Settlement.Tests.Simd;

namespace Settlement.Tests.Labels;

/// <summary>
/// The compiled kernels have no data-dependent jump or address. A child process of this assembly compiles them with full
/// optimisation and lets the runtime print the result; <see cref="Disassembly"/> says what is looked for. A kernel that
/// does branch on data is compiled beside them and must be caught.
/// </summary>
public sealed class LabelKernelDisassemblyTests
{
    private List<Disassembly> _methods = [];

    [OneTimeSetUp]
    public void Compile_the_kernels_in_a_child_process() =>
        _methods = Disassembly.OfChild("label-kernels", "Judge512 Judge256 Judge128 JudgeBranching JudgeLookingUp");

    [TestCase(128)]
    [TestCase(256)]
    [TestCase(512)]
    public void The_kernels_only_jump_is_the_loops_back_edge_and_no_data_reaches_a_general_register(int widthBits)
    {
        if (widthBits > LabelKernel.WidestBits || !Vector128.IsHardwareAccelerated) Assert.Ignore($"no {widthBits}-bit vectors here");
        Disassembly kernel = Find($"Judge{widthBits}");
        TestContext.Out.WriteLine($"{kernel.Method}: {kernel.InstructionCount} instructions");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(kernel.Uses("pmaxub"), "it is the vector kernel that was listed");
            Assert.That(kernel.ConditionalJumps, Is.EqualTo(1));
            Assert.That(kernel.Leaks(), Is.Empty);
        }
    }

    [Test]
    public void The_same_analysis_catches_a_kernel_that_jumps_on_data()
    {
        Disassembly branching = Find(nameof(JudgeBranching));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(branching.ConditionalJumps, Is.GreaterThan(1));
            Assert.That(branching.Leaks(), Is.Not.Empty);
        }
    }

    [Test]
    public void The_same_analysis_catches_a_kernel_that_looks_data_up_in_a_table()
    {
        Assert.That(Find(nameof(JudgeLookingUp)).Leaks(), Is.Not.Empty);
    }

    /// <summary>In the child: makes the compiler compile each kernel.</summary>
    internal static int RunKernels()
    {
        byte[] levels = new byte[LabelKernel.UnitBytes];
        byte[] allowed = new byte[LabelKernel.UnitBytes];
        for (int bits = 128; bits <= LabelKernel.WidestBits; bits *= 2)
            LabelKernel.Judge(bits, levels, levels, levels, levels, levels, levels, allowed);
        JudgeBranching(ref levels[0], ref levels[0], ref allowed[0], LabelKernel.UnitBytes);
        JudgeLookingUp(ref levels[0], ref levels[0], ref allowed[0], LabelKernel.UnitBytes);
        return Array.TrueForAll(allowed, value => value == 0xFF) ? 0 : 1;
    }

    /// <summary>Leaves a vector out when it has nothing to refuse: right in its result, and its time tells.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void JudgeBranching(ref byte source, ref byte sink, ref byte allowed, nuint length)
    {
        nuint at = 0;
        do
        {
            Vector128<byte> left = Vector128.LoadUnsafe(ref source, at);
            Vector128<byte> right = Vector128.LoadUnsafe(ref sink, at);
            if (Vector128.LessThanOrEqualAll(left, right)) Vector128<byte>.AllBitsSet.StoreUnsafe(ref allowed, at);
            else Vector128.LessThanOrEqual(left, right).StoreUnsafe(ref allowed, at);
            at += (nuint)Vector128<byte>.Count;
        }
        while (at < length);
    }

    private static readonly byte[] s_table = CreateTable();

    private static byte[] CreateTable()
    {
        byte[] table = new byte[256];
        Array.Fill(table, (byte)0xFF);
        return table;
    }

    /// <summary>No jump on data, but an address from it: the cache tells.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void JudgeLookingUp(ref byte source, ref byte sink, ref byte allowed, nuint length)
    {
        ref byte table = ref s_table[0];
        nuint at = 0;
        do
        {
            Unsafe.Add(ref allowed, at) = Unsafe.Add(ref table, (nint)(Unsafe.Add(ref source, at) ^ Unsafe.Add(ref sink, at)));
            at++;
        }
        while (at < length);
    }

    private Disassembly Find(string name)
    {
        Disassembly? found = _methods.SingleOrDefault(method => method.Method.Contains($":{name}(", StringComparison.Ordinal));
        Assert.That(found, Is.Not.Null, $"{name} in the listing");
        return found!;
    }
}
