using Settlement.Engine.Journal;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Simulation;

/// <summary>The simulated disk does what is said of it: the simulation is worth no more than that.</summary>
[TestFixture]
internal sealed unsafe class SimulatedDiskTests
{
    private TemporaryFolder _folder = null!;
    private string _path = "";
    private SimulatedDisk _disk = null!;

    [SetUp]
    public void Open()
    {
        _folder = new TemporaryFolder();
        _path = _folder.PathOf("journal.log.0");
        File.WriteAllBytes(_path, new byte[4096]);
        _disk = new SimulatedDisk(_folder.Path);
    }

    [TearDown]
    public void Close() => _folder.Dispose();

    [Test]
    public void A_durable_write_outlives_a_power_cut_and_another_may_not()
    {
        int lost = 0;
        for (ulong seed = 1; seed <= 20; seed++)
        {
            Assert.That(Write(durable: true, value: 1), Is.EqualTo(512));
            Assert.That(Write(durable: false, value: 2), Is.EqualTo(512));
            _disk.CutPower();
            Assert.That(Write(durable: true, value: 3), Is.EqualTo(-1), "nothing reaches a disk without power");
            _disk.PowerUp(new SeededRandom(seed));
            byte[] found = File.ReadAllBytes(_path);
            Assert.That(found[0], Is.EqualTo(1).Or.EqualTo(2));
            lost += found[0] == 1 ? 1 : 0;
        }

        Assert.That(lost, Is.InRange(1, 19));
    }

    [Test]
    public void A_flush_makes_earlier_writes_durable()
    {
        int file = _disk.Open(_path, direct: false, durable: false);
        Assert.That(WriteTo(file, 7), Is.EqualTo(512));
        Assert.That(_disk.Sync(file), Is.Zero);
        _disk.Close(file);
        _disk.CutPower();
        _disk.PowerUp(new SeededRandom(1));
        Assert.That(File.ReadAllBytes(_path)[0], Is.EqualTo(7));
    }

    [Test]
    public void A_new_file_may_be_gone_until_its_folder_is_flushed()
    {
        int gone = 0;
        for (ulong seed = 1; seed <= 20; seed++)
        {
            string path = _folder.PathOf($"journal.log.{seed}");
            _disk.Close(_disk.Open(path, direct: false, durable: true));
            if (seed % 2 == 0)
                Assert.That(_disk.SyncDirectory(_folder.Path), Is.Zero);
            _disk.CutPower();
            _disk.PowerUp(new SeededRandom(seed));
            if (seed % 2 == 0)
                Assert.That(File.Exists(path), $"file {seed}");
            gone += File.Exists(path) ? 0 : 1;
        }

        Assert.That(gone, Is.InRange(1, 10));
    }

    [Test]
    public void A_fault_strikes_the_write_that_it_names()
    {
        _disk.Arm(new SimulatedFault(1, FaultKind.WriteFails, 0, 0, Writes: 2, Seed: 1));
        Assert.That(new[] { Write(true, 1), Write(true, 2), Write(true, 3), Write(true, 4) }, Is.EqualTo(new long[] { 512, 512, -1, 512 }));
        Assert.That(File.ReadAllBytes(_path)[0], Is.EqualTo(4));
    }

    [TestCase(FaultKind.LostWrite)]
    [TestCase(FaultKind.MisdirectedWrite)]
    public void A_lie_is_a_success_that_did_not_happen(FaultKind kind)
    {
        File.WriteAllBytes(_path, new byte[16 * 4096]);
        _disk.Arm(new SimulatedFault(1, kind, 0, 0, Writes: 0, Seed: 5));
        Assert.That(Write(true, 9), Is.EqualTo(512));
        byte[] found = File.ReadAllBytes(_path);
        Assert.That(found[0], Is.Zero);
        Assert.That(found.Count(one => one == 9), Is.EqualTo(kind == FaultKind.LostWrite ? 0 : 512));
        Assert.That(_disk.IsDamaged);
    }

    [Test]
    public void A_torn_write_leaves_a_part()
    {
        var kinds = new HashSet<string>();
        for (ulong seed = 1; seed <= 40; seed++)
        {
            File.WriteAllBytes(_path, new byte[4096]);
            _disk.Arm(new SimulatedFault(1, FaultKind.PowerCutInWrite, 0, 0, Writes: 0, seed));
            int file = _disk.Open(_path, direct: false, durable: true);
            byte[] bytes = new byte[4096];
            Array.Fill(bytes, (byte)1);
            fixed (byte* first = bytes)
                Assert.That(_disk.Write(file, first, bytes.Length, 0), Is.EqualTo(-LinuxFileCalls.InputOutputErrno));
            _disk.Close(file);
            Assert.That(_disk.IsDead);
            _disk.PowerUp(new SeededRandom(seed));
            byte[] found = File.ReadAllBytes(_path);
            kinds.Add(found.All(one => one == 0) ? "nothing" : found[0] == 1 && found[^1] == 1 ? "both ends" : found[0] == 1 ? "the beginning" : "later sectors");
        }

        Assert.That(kinds, Is.SupersetOf(new[] { "nothing", "the beginning", "later sectors" }));
    }

    private long Write(bool durable, byte value)
    {
        int file = _disk.Open(_path, direct: false, durable);
        if (file < 0)
            return -1;
        long written = WriteTo(file, value);
        _disk.Close(file);
        return written < 0 ? -1 : written;
    }

    private long WriteTo(int file, byte value)
    {
        byte[] bytes = new byte[512];
        Array.Fill(bytes, value);
        fixed (byte* first = bytes)
            return _disk.Write(file, first, bytes.Length, 0);
    }
}
