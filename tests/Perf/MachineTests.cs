using Settlement.Perf.Common;

namespace Settlement.Tests.Perf;

public sealed class MachineTests
{
    [Test]
    public void The_kernel_s_files_are_read()
    {
        Assert.That(Machine.ProcessorIn("processor\t: 0\nmodel name\t: AMD EPYC 9V74\nflags\t: fpu\nmodel name\t: second"), Is.EqualTo("AMD EPYC 9V74"));
        Assert.That(Machine.ProcessorIn("processor : 0\nHardware : BCM2711"), Is.EqualTo("BCM2711"));
        Assert.That(Machine.ProcessorIn(""), Is.Null);
        Assert.That(Machine.MemoryBytesIn("MemTotal:       24689452 kB\nMemFree: 1 kB"), Is.EqualTo(24_689_452L * 1024));
        Assert.That(Machine.MemoryBytesIn("MemTotal: many"), Is.Null);
        Assert.That(Machine.SystemIn("NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\""), Is.EqualTo("Debian GNU/Linux 12 (bookworm)"));
        Assert.That(Machine.LoadAverageIn("3.07 1.00 0.50 2/345 678"), Is.EqualTo(3.07));
        Assert.That(Machine.LoadAverageIn(""), Is.Null);
    }

    [Test]
    public void This_machine_has_a_name_cores_and_memory()
    {
        var machine = Machine.Read();
        Assert.That(machine.Processor, Is.Not.Empty);
        Assert.That(machine.Cores, Is.EqualTo(Environment.ProcessorCount));
        Assert.That(machine.MemoryBytes, Is.GreaterThan(1L << 28));
        Assert.That(machine.Runtime, Does.StartWith(".NET 10"));
    }
}
