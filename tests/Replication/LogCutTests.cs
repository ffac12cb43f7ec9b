using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;

namespace Settlement.Tests.Replication;

/// <summary>A log's end is taken away: wherever a crash falls, what is found is the log before it or the log after it.</summary>
public sealed class LogCutTests : ReplicaLogFixture
{
    private List<byte[]> _whole = [];

    [Test]
    public void A_crash_between_any_two_writes_of_a_cut_leaves_the_log_as_it_was_or_as_it_will_be([Values(0, 1, 7, 33, 78, 79)] int last)
    {
        string place = Write(80);
        var copies = new List<(string Step, string Place)>();
        using (ReplicaLog log = Open(place))
        {
            log.CutStep = step => copies.Add((step, Copy(place, $"{copies.Count}")));
            log.CutBehind((ulong)last);
            Assert.That((log.LastBlock, log.FlushedBlock), Is.EqualTo(((ulong)last, (ulong)last)));
        }

        Assert.That(copies, Has.Count.GreaterThanOrEqualTo(7));
        bool isIntended = false;
        foreach ((string step, string copy) in copies)
        {
            isIntended |= step == "intention named";
            List<byte[]> expected = isIntended ? _whole[..(last + 1)] : _whole;
            Assert.That(ReadAll(copy, out JournalEnd end), Is.EqualTo(expected), $"read beside: {step}");
            Assert.That(end.Kind, Is.EqualTo(JournalEndKind.End), $"read beside: {step}: {end.What}");
            AssertOpens(copy, expected, step, repairs: isIntended && step != "intention removed");
        }

        AssertOpens(place, _whole[..(last + 1)], "at rest", repairs: false);
    }

    [Test]
    public void The_sector_in_which_a_log_will_end_may_tear_while_it_is_written([Values(1, 7, 33)] int last)
    {
        string place = Write(60);
        string copy = "";
        using (ReplicaLog log = Open(place))
        {
            log.CutStep = step => copy = step == "segment shortened" ? Copy(place, "torn") : copy;
            log.CutBehind((ulong)last);
        }

        TailCut cut = TailCut.Read(JournalFiles.ReadLayout(copy, Ledger))!;
        long sector = cut.EndAddress & -JournalFiles.SectorBytes;
        for (int torn = 0; torn <= JournalFiles.SectorBytes; torn += 512)
        {
            string tried = Copy(copy, $"{last}-{torn}");
            using (FileStream file = File.OpenWrite(Path.Combine(tried, "journal.log.0")))
            {
                file.Position = sector + torn;
                file.Write(Enumerable.Repeat((byte)0xA5, JournalFiles.SectorBytes - torn).ToArray());
            }

            Assert.That(ReadAll(tried, out JournalEnd end), Is.EqualTo(_whole[..(last + 1)]), $"torn at {torn}: {end.What}");
            AssertOpens(tried, _whole[..(last + 1)], $"torn at {torn}", repairs: true);
        }
    }

    [Test]
    public void An_intention_with_any_byte_changed_or_missing_is_refused_and_nothing_else_is_touched()
    {
        string place = Write(20);
        string copy = "";
        using (ReplicaLog log = Open(place))
        {
            log.CutStep = step => copy = step == "intention named" ? Copy(place, "copy") : copy;
            log.CutBehind(11);
        }

        string path = TailCut.PathIn(copy);
        byte[] good = File.ReadAllBytes(path);
        byte[] before = File.ReadAllBytes(Path.Combine(copy, "journal.log.0"));
        JournalFiles files = JournalFiles.ReadLayout(copy, Ledger);
        for (int at = 0; at < good.Length; at++)
        {
            byte[] bad = (byte[])good.Clone();
            bad[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(path, bad);
            Assert.That(() => TailCut.Read(files), Throws.TypeOf<JournalException>(), $"byte {at}");
            if (at % 401 != 0)
                continue;
            Assert.That(() => Open(copy), Throws.TypeOf<JournalException>().With.Message.Contains("journal.cut").And.Message.Contains("Nothing was changed"), $"byte {at}");
            Assert.That(() => ReadAll(copy, out _), Throws.TypeOf<JournalException>().With.Message.Contains("journal.cut"));
        }

        foreach (int length in new[] { 0, 1, 4096, good.Length - 1 })
        {
            File.WriteAllBytes(path, good[..length]);
            Assert.That(() => Open(copy), Throws.TypeOf<JournalException>().With.Message.Contains("journal.cut"));
        }

        Assert.That(File.ReadAllBytes(Path.Combine(copy, "journal.log.0")), Is.EqualTo(before));
        File.WriteAllBytes(path, good);
        AssertOpens(copy, _whole[..12], "the good one", repairs: true);
    }

    [Test]
    public void What_is_committed_is_never_cut_and_a_leader_cuts_nothing()
    {
        string place = Write(30);
        using ReplicaLog log = Open(place);
        log.MarkCommitted(20);
        Assert.That(() => log.CutBehind(19), Throws.InvalidOperationException.With.Message.Contains("block 20 is committed"));
        Assert.That(log.LastBlock, Is.EqualTo(30));
        log.CutBehind(30);
        log.CutBehind(31);
        Assert.That(log.LastBlock, Is.EqualTo(30), "there is nothing behind them");
        log.BeginLeading(9);
        Assert.That(() => log.CutBehind(25), Throws.InvalidOperationException);
        log.EndLeading();
        log.CutBehind(20);
        Assert.That((log.LastBlock, log.CommittedBlock), Is.EqualTo((20UL, 20UL)));
        Assert.That(Read(log, 20), Is.EqualTo(_whole[20]));
    }

    [Test]
    public async Task Who_waits_for_a_block_that_is_cut_is_told()
    {
        using ReplicaLog log = Open(Member("a"));
        log.BeginLeading(1);
        Lead(log, 3);
        await log.FlushAsync(1);
        log.EndLeading();
        Assert.That(async () => await log.FlushAsync(2), Throws.InstanceOf<ArgumentOutOfRangeException>());
        log.CutBehind(0);
        Assert.That(log.FlushedBlock, Is.Zero);
        Assert.That(async () => await log.FlushAsync(1), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    private string Write(int blocks)
    {
        string place = Member("cut");
        using (ReplicaLog log = Open(place))
        {
            log.BeginLeading(1);
            for (int i = 0; i < blocks; i++)
            {
                Lead(log, 1 + (i * 37 % 150));
                if (i % 3 == 0)
                    log.Commit();
            }
        }

        _whole = ReadAll(place, out _);
        Assert.That(_whole, Has.Count.EqualTo(blocks + 1));
        return place;
    }

    private string Copy(string from, string name)
    {
        string to = Path.Combine(Place, "copies", name);
        CopyFolder(from, to);
        return to;
    }

    private static void AssertOpens(string place, List<byte[]> expected, string what, bool repairs)
    {
        byte[] more;
        using (ReplicaLog log = Open(place, out RecoveryReport report))
        {
            Assert.That(log.LastBlock, Is.EqualTo((ulong)expected.Count - 1), what);
            Assert.That(report.Repaired is not null, Is.EqualTo(repairs), $"{what}: {report.Repaired}");
            Assert.That(File.Exists(TailCut.PathIn(place)), Is.False, what);
            for (int i = 0; i < expected.Count; i++)
                Assert.That(Read(log, (ulong)i), Is.EqualTo(expected[i]), what);
            log.BeginLeading(log.LastTerm + 1);
            Lead(log, 50);
            log.Commit();
            more = Read(log, log.LastBlock)!;
        }

        Assert.That(ReadAll(place, out JournalEnd end), Is.EqualTo(expected.Append(more)), what);
        Assert.That(end.Kind, Is.EqualTo(JournalEndKind.End), what);
    }
}
