using FASTER.core;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.Tests.Journal;

public sealed class FasterJournalTests : JournalFixture
{
    [TestCase(JournalDevice.Direct)]
    [TestCase(JournalDevice.Stock)]
    public void Blocks_come_back_as_they_were_appended_over_pages_segments_and_reopenings(JournalDevice device)
    {
        JournalOptions options = Tiny with { Device = device };
        var written = new List<Block>();
        var random = new Random(1);
        Create(options).Dispose();
        for (int round = 0; round < 6; round++)
        {
            using FasterJournal journal = Reopen(out List<Block> found, out RecoveryReport report, options);
            AssertSame(found[1..], written);
            Assert.That(report.Cut, Is.Null);
            Assert.That(report.Repaired, Is.Null);
            Assert.That(report.Sequences, Is.EqualTo((ulong)written.Sum(block => block.Header.Count)));
            for (int i = 0; i < 60; i++)
            {
                written.Add(Append(journal, random.Next(0, 120)));
                if (random.Next(3) == 0)
                    journal.Commit();
                if (random.Next(10) == 0)
                {
                    journal.Commit();
                    journal.WaitDurable(journal.LastBlock);
                }
            }
        }
        AssertSame(ReadAll(out JournalEnd end)[1..], written);
        Assert.That(end.Kind, Is.EqualTo(JournalEndKind.End));
        Assert.That(File.Exists(LogFile(5)), Is.True, "the test is about several segments");
    }

    [Test]
    public void A_journal_written_by_one_device_goes_on_with_the_other()
    {
        var written = new List<Block>();
        Create(Tiny with { Device = JournalDevice.Stock }).Dispose();
        for (int round = 0; round < 4; round++)
        {
            JournalOptions options = Tiny with { Device = round % 2 == 0 ? JournalDevice.Direct : JournalDevice.Stock };
            using FasterJournal journal = Reopen(out List<Block> found, out _, options);
            AssertSame(found[1..], written);
            for (int i = 0; i < 30; i++)
                written.Add(Append(journal, i));
        }
        AssertSame(ReadAll(out _)[1..], written);
    }

    [Test]
    public void The_raw_reader_sees_what_FASTERs_own_scan_sees()
    {
        using (FasterJournal journal = Create())
        {
            for (int i = 0; i < 200; i++)
            {
                Append(journal, i % 97);
                if (i % 5 == 0)
                    journal.Commit();
            }
        }
        var ours = new List<(long, byte[])>();
        using (JournalReader reader = JournalReader.Open(Place))
        {
            while (reader.Next())
                ours.Add((reader.Address, [.. BlockSeal.BytesOf(in reader.Header), .. reader.Body]));
            Assert.That(reader.End!.Kind, Is.EqualTo(JournalEndKind.End));
        }
        var theirs = new List<(long, byte[])>();
        using var device = new ManagedLocalStorageDevice(Path.Combine(Place, "journal.log"), osReadBuffering: true);
        using var log = new FasterLog(new FasterLogSettings
        {
            LogDevice = device,
            LogCommitDir = Path.Combine(Place, "none"),
            PageSize = Tiny.PageBytes,
            MemorySize = Tiny.MemoryBytes,
            SegmentSize = Tiny.SegmentBytes,
            FastCommitMode = true,
        });
        using (FasterLogScanIterator scan = log.Scan(0, long.MaxValue))
        {
            while (scan.GetNext(out byte[] entry, out int length, out long address, out _))
                theirs.Add((address, entry[..length]));
        }
        Assert.That(ours, Is.EqualTo(theirs));
        Assert.That(ours, Has.Count.EqualTo(201));
    }

    [Test]
    public void A_commit_record_of_FASTERs_has_the_size_that_the_journal_reckons_with()
    {
        var record = new FasterLogRecoveryInfo { BeginAddress = 64, UntilAddress = 128, CommitNum = 1, Iterators = [] };
        Assert.That(4 + record.SerializedSize(), Is.EqualTo(FasterJournal.CommitRecordBytes));
    }

    [Test]
    public void Durable_blocks_are_told_in_order_and_only_once_appended()
    {
        var told = new List<ulong>();
        using (FasterJournal journal = Create(Tiny with { Durable = told.Add }))
        {
            for (int i = 0; i < 500; i++)
            {
                Append(journal, i % 50);
                journal.Commit();
                if (i % 50 == 0)
                {
                    journal.WaitDurable(journal.LastBlock);
                    Assert.That(journal.DurableBlock, Is.EqualTo(journal.LastBlock));
                }
            }
        }
        Assert.That(told, Is.Ordered.Ascending);
        Assert.That(told, Is.Unique);
        Assert.That(told[^1], Is.EqualTo(500UL));
    }

    [Test]
    public void What_was_appended_without_a_commit_is_durable_after_closing()
    {
        Block written;
        using (FasterJournal journal = Create())
            written = Append(journal, 5);
        AssertSame(ReadAll(out _)[1..], [written]);
    }

    [Test]
    public void Full_memory_waits_for_the_disk_and_loses_nothing()
    {
        JournalOptions options = Tiny with { MemoryBytes = 128 << 10 };
        var written = new List<Block>();
        using (FasterJournal journal = Create(options))
        {
            for (int i = 0; i < 300; i++)
            {
                written.Add(Append(journal, 1000));
                if (i % 7 == 0)
                    journal.Commit();
            }
        }
        AssertSame(ReadAll(out _)[1..], written);
    }

    [Test]
    public void A_block_that_fills_a_page_to_its_last_byte_is_followed_by_the_next()
    {
        var written = new List<Block>();
        using (FasterJournal journal = Create())
        {
            for (int payments = 1015; payments <= 1021; payments++)
            {
                written.Add(Append(journal, payments));
                journal.Commit();
                journal.WaitDurable(journal.LastBlock);
                written.Add(Append(journal, 1));
            }
            Assert.That(() => Append(journal, 1024), Throws.ArgumentException);
        }
        AssertSame(ReadAll(out _)[1..], written);
        using (Reopen(out List<Block> found, out _))
            AssertSame(found[1..], written);
    }

    [Test]
    public void Appending_does_not_allocate_per_block()
    {
        using FasterJournal journal = Create(Tiny with { MemoryBytes = 8 << 20 });
        byte[] body = new byte[64];
        var header = new BlockHeader { Kind = BlockKind.Payments, Count = 1 };
        for (int i = 0; i < 100; i++)
            AppendOne();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 200; i++)
            AppendOne();
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);

        void AppendOne()
        {
            header.FirstSequence = journal.NextSequence;
            header.TimeNs = journal.LastTimeNs;
            journal.Append(ref header, body, default);
        }
    }

    [Test]
    public void A_block_that_does_not_continue_the_journal_is_refused_and_leaves_no_trace()
    {
        using (FasterJournal journal = Create())
        {
            Append(journal, 2);
            var gap = new BlockHeader { Kind = BlockKind.Payments, FirstSequence = journal.NextSequence + 1, Count = 1, TimeNs = journal.LastTimeNs };
            var back = new BlockHeader { Kind = BlockKind.Tick, FirstSequence = journal.NextSequence, TimeNs = journal.LastTimeNs - 1 };
            Assert.That(() => journal.Append(ref gap, new byte[64], default), Throws.ArgumentException.With.Message.Contains("first sequence"));
            Assert.That(() => journal.Append(ref back, default, default), Throws.ArgumentException.With.Message.Contains("time"));
            Append(journal, 2);
        }
        Assert.That(ReadAll(out JournalEnd end), Has.Count.EqualTo(3));
        Assert.That(end.Kind, Is.EqualTo(JournalEndKind.End));
    }

    [Test]
    public void A_reader_beside_a_running_journal_never_sees_damage_and_sees_all_that_was_durable()
    {
        using FasterJournal journal = Create(Tiny with { SegmentBytes = 4 << 20 });
        bool done = false;
        JournalException? failed = null;
        var writer = new Thread(() =>
        {
            try
            {
                for (int i = 0; i < 1500; i++)
                {
                    Append(journal, i % 90);
                    journal.Commit();
                    if (i % 5 == 0)
                        journal.WaitDurable(journal.LastBlock);
                }
            }
            catch (JournalException thrown)
            {
                failed = thrown;
            }
            Volatile.Write(ref done, true);
        });
        writer.Start();
        int readings = 0;
        try
        {
            for (; !Volatile.Read(ref done); readings++)
            {
                ulong durable = journal.DurableBlock;
                using JournalReader reader = JournalReader.Open(Place);
                while (reader.Next())
                    continue;
                Assert.That(reader.End!.Kind, Is.Not.EqualTo(JournalEndKind.Damage), reader.End.ToString());
                Assert.That(reader.Blocks, Is.GreaterThan(durable), reader.End.ToString());
            }
        }
        finally
        {
            writer.Join();
        }
        Assert.That(failed, Is.Null);
        Assert.That(readings, Is.Positive);
    }

    [Test]
    public void The_journal_load_runs_small_and_gives_figures()
    {
        var load = new Settlement.Perf.Load.JournalRawLoad
        {
            PaymentsPerBlock = 200,
            Blocks = 20,
            RawFileBytes = 2 << 20,
            Options = Tiny,
        };
        Settlement.Perf.Load.JournalRawLoad.Run run = Settlement.Perf.Load.JournalRawLoad.Median(load.Measure(Place, runs: 1));
        Assert.That(run.PaymentsPerSecond, Is.Positive);
        Assert.That(run.RatioToRaw, Is.Positive);
    }
}
