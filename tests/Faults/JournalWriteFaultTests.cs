using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Tests.Journal;

namespace Settlement.Tests.Faults;

/// <summary>
/// Faults of the disk under a running journal. Whatever happens: nothing is acknowledged after it, nothing is written after it,
/// and opening again gives at least what was acknowledged and nothing that was not appended, or refuses with a sentence.
/// </summary>
public sealed class JournalWriteFaultTests : JournalFixture
{
    protected override bool InMemory => true;

    [Test]
    public void After_a_failed_write_the_journal_stops_and_keeps_what_it_acknowledged(
        [Values(Fault.Fails, Fault.HalfWritten, Fault.DiskFull)] Fault fault, [Values] bool inNotes, [Values(1, 2, 3, 9, 17)] int atWrite)
    {
        var files = new FaultyFiles { Fault = fault, AtWrite = atWrite, InNotes = inNotes };
        Run run = WriteUntilFailed(files);
        Assert.That(run.Failure, Is.Not.Null);
        Assert.That(run.Failure!.Message, Does.Contain("Nothing after block").And.Contain(Place));
        Assert.That(run.Told, Is.EqualTo(1), "the failure is told once");
        Assert.That(files.WritesAfterFailure, Is.Zero);
        AssertRecovers(run);
    }

    [Test]
    public void Power_lost_in_a_write_at_any_sector_or_byte_loses_nothing_acknowledged(
        [Values(Fault.Torn, Fault.TornBackwards)] Fault fault, [Values(2, 3, 8, 10, 11, 12, 13, 25)] int atWrite,
        [Values(0, 1, 63, 64, 65, 511, 512, 513, 1000, 2048, 4000, 4095, 4096, 4097, 8192, 10_000)] int bytes)
    {
        var files = new FaultyFiles { Fault = fault, AtWrite = atWrite, TearBytes = bytes };
        Run run = WriteUntilFailed(files);
        Assert.That(files.Happened, Is.True);
        AssertRecovers(run);
    }

    [Test]
    public void Power_lost_while_a_note_is_written_loses_nothing_acknowledged(
        [Values(1, 2, 7)] int atWrite, [Values(0, 1, 512, 4096, 5000)] int bytes)
    {
        Run run = WriteUntilFailed(new FaultyFiles { Fault = Fault.Torn, AtWrite = atWrite, TearBytes = bytes, InNotes = true });
        AssertRecovers(run);
    }

    [Test]
    public void A_lost_or_altered_write_is_found_and_refused_and_nothing_is_cut(
        [Values(Fault.Lost, Fault.FlippedBit)] Fault fault, [Values(1, 2, 5, 12)] int atWrite, [Values(70, 200, 300)] int bit)
    {
        var files = new FaultyFiles { Fault = fault, AtWrite = atWrite, TearBytes = bit };
        var written = new List<Block>();
        Create().Dispose();
        using (FasterJournal journal = Reopen(out _, out _, Tiny with { FileCalls = files }))
        {
            for (int i = 0; i < 40; i++)
            {
                written.Add(Append(journal, 3 + (i * 7 % 50)));
                journal.Commit();
                journal.WaitDurable(journal.LastBlock);
            }
        }
        Assert.That(files.Happened, Is.True);
        byte[] before = File.ReadAllBytes(LogFile(0));
        try
        {
            using FasterJournal journal = Reopen(out List<Block> found, out RecoveryReport report);
            // Bytes of a sector that the next write wrote again, rightly, or that the note's copy put back.
            AssertSame(found[1..], written);
        }
        catch (JournalException refused)
        {
            Assert.That(refused.Message, Does.Contain("damaged at block").And.Contain("journal.log.0, offset").And.Contain("Nothing was changed"));
            Assert.That(File.ReadAllBytes(LogFile(0)), Is.EqualTo(before));
        }
    }

    private sealed record Run(List<Block> Written, ulong Acknowledged, JournalFailedException? Failure, int Told);

    private Run WriteUntilFailed(FaultyFiles files)
    {
        var written = new List<Block>();
        ulong acknowledged = 0;
        bool failed = false;
        int told = 0;
        bool late = false;
        JournalFailedException? failure = null;
        Create().Dispose();
        FasterJournal journal = Reopen(out _, out _, Tiny with
        {
            FileCalls = files,
            Durable = block =>
            {
                late |= failed;
                Volatile.Write(ref acknowledged, block);
            },
            Failed = _ =>
            {
                failed = true;
                told++;
            },
        });
        try
        {
            for (int i = 0; i < 200; i++)
            {
                written.Add(Append(journal, 3 + (i * 31 % 200)));
                journal.Commit();
                if (i % 3 != 0)
                    journal.WaitDurable(journal.LastBlock);
            }
        }
        catch (JournalFailedException thrown)
        {
            failure = thrown;
            Assert.That(() => Append(journal, 1), Throws.TypeOf<JournalFailedException>());
            Assert.That(journal.Commit, Throws.TypeOf<JournalFailedException>());
            Assert.That(() => journal.WaitDurable(journal.LastBlock), Throws.TypeOf<JournalFailedException>());
        }
        ulong durable = journal.DurableBlock;
        journal.Dispose();
        Assert.That(late, Is.False, "nothing is acknowledged after the failure");
        Assert.That(journal.DurableBlock, Is.EqualTo(durable));
        Assert.That(durable, Is.EqualTo(Volatile.Read(ref acknowledged)));
        return new Run(written, durable, failure, told);
    }

    private void AssertRecovers(Run run)
    {
        List<Block> after;
        using (FasterJournal journal = Reopen(out List<Block> found, out _))
        {
            AssertIsPrefix(found, run);
            after = found;
            for (int i = 0; i < 20; i++)
                after.Add(Append(journal, i));
        }
        using (Reopen(out List<Block> found, out RecoveryReport report))
        {
            AssertSame(found, after);
            Assert.That(report.Cut, Is.Null, "what was cut stays cut");
            Assert.That(report.Repaired, Is.Null);
        }
    }

    private static void AssertIsPrefix(List<Block> found, Run run)
    {
        Assert.That((ulong)found.Count - 1, Is.GreaterThanOrEqualTo(run.Acknowledged));
        // A block whose Append threw may be on disk all the same: it was appended, and never acknowledged.
        Assert.That(found.Count - 1, Is.LessThanOrEqualTo(run.Written.Count + 1));
        int known = Math.Min(found.Count - 1, run.Written.Count);
        AssertSame(found[1..(known + 1)], run.Written[..known]);
    }
}
