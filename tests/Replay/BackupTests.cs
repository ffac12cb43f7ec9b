using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Snapshots;
using Settlement.Replay.Backup;
using Settlement.Replay.Common;
using Settlement.Tests.Journal;
using Settlement.Tests.Live;
using static Settlement.Tests.Replay.ReplayRuns;

namespace Settlement.Tests.Replay;

/// <summary>`replay backup` and `restore`: what comes back is what was, or nothing comes back.</summary>
[TestFixture, Parallelizable]
public sealed class BackupTests : JournalFixture
{
    /// <summary>Participants, the euro, wallets and their openings.</summary>
    private const ulong SetUpSequences = 2 + 1 + 4 + 4;

    private TemporaryFolder _folder = null!;

    private string Target => _folder.PathOf("backup");

    private string Restored => _folder.PathOf("restored");

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void A_restored_journal_has_the_originals_blocks_and_state_hash()
    {
        JsonElement summary = SettleSample(Place);
        Exits(0, "backup", Place, Target, "--full");
        string output = Exits(0, "restore", Target, Restored);
        Assert.That(output, Does.Contain("Clients may hold acknowledgements"));
        JsonElement report = Json(Exits(0, "verify", Restored, "--json"));
        Assert.That(report.GetProperty("state_hash").GetString(), Is.EqualTo(summary.GetProperty("state_hash").GetString()));
        Assert.That(report.GetProperty("end").GetProperty("kind").GetString(), Is.EqualTo("clean"));
        AssertSame(BlocksOf(Restored), BlocksOf(Place));
        Assert.That(Json(Exits(0, "verify", Target, "--json")).GetProperty("end").GetProperty("kind").GetString(), Is.EqualTo("clean"), "a backup can be read as a journal");
        Assert.That(File.Exists(_folder.PathOf("restored.part")), Is.False);
    }

    [Test]
    public void A_later_backup_copies_what_is_new_and_nothing_else()
    {
        using FasterJournal journal = Create();
        long copied = 0;
        for (int round = 0; round < 8; round++)
        {
            for (int i = 0; i < 12; i++)
                Append(journal, payments: 1 + ((i * 37) % 500));
            journal.Commit();
            journal.WaitDurable(journal.LastBlock);
            BackupResult result = Backup();
            copied += result.CopiedBytes;
            // A block is durable before the note says so: what the note does not cover is the next backup's.
            Assert.That(result.Manifest.Blocks - 1, Is.InRange(journal.LastBlock - 12, journal.LastBlock));
            Assert.That(copied, Is.EqualTo(result.Manifest.EndAddress), "every byte of the log was copied once");
        }

        Assert.That(Directory.GetFiles(Target, "journal.log.*"), Has.Length.GreaterThan(4), "else no segment was whole");
        Assert.That(Backup().CopiedFiles, Is.LessThanOrEqualTo(1));
        Assert.That(new BackupRun(Place, Target, check: true).Run(full: false).KeptFiles, Is.GreaterThan(4));
        Restore(JournalPoint.End);
        Assert.That(BlocksOf(Restored), Has.Count.EqualTo(BlocksOf(Target).Count).And.Count.GreaterThan(80));
    }

    [Test]
    public void Beside_a_running_node_every_backup_is_a_sound_prefix()
    {
        var counts = new List<int>();
        using (var ledger = new LiveLedger(Place, new HandClock(LiveLedger.StartNs)))
        {
            ledger.SetUp(wallets: 50);
            ledger.Submit([LiveLedger.Setting(SettingKey.BatchCount, 300)]);
            using var stop = new CancellationTokenSource();
            Task writer = Task.Run(() =>
            {
                // Bounded in pace and in sum: a backup takes as long as the journal is, and the journal must not grow faster than it is copied.
                for (ulong number = 1; !stop.IsCancellationRequested && number < 1_000_000; number += 20)
                {
                    if (number % 1_000 == 1)
                        Thread.Sleep(5);
                    ledger.Submit([.. Enumerable.Range(0, 20).Select(i => LiveLedger.Pay(1 + ((number + (ulong)i) % 50), 1 + ((number + (ulong)i + 7) % 50), 3, 9, number + (ulong)i))]);
                    ledger.Clock.Add(1_000_000);
                }
            });
            try
            {
                for (int round = 0; round < 6; round++)
                {
                    Backup();
                    Restore(JournalPoint.End);
                    Exits(0, "verify", Restored);
                    counts.Add(BlocksOf(Restored).Count);
                    Directory.Delete(Restored, recursive: true);
                }
            }
            finally
            {
                stop.Cancel();
                writer.Wait();
            }
        }

        Assert.That(counts, Is.Ordered);
        Assert.That(counts[^1], Is.GreaterThan(counts[0]), "else nothing was written meanwhile");
        Backup();
        Restore(JournalPoint.End);
        AssertSame(BlocksOf(Restored), BlocksOf(Place));
    }

    [Test]
    public void Every_flipped_byte_of_a_backup_is_refused_and_leaves_nothing()
    {
        MakeSmallLedger();
        Backup();
        Random random = PrintedSeed.Create();
        int flips = 0;
        foreach (string name in (string[])["journal.log.0", BackupManifest.FileName])
        {
            string path = Path.Combine(Target, name);
            byte[] bytes = File.ReadAllBytes(path);
            for (int at = 0; at < bytes.Length; at++, flips++)
            {
                byte before = bytes[at];
                bytes[at] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(path, bytes);
                bytes[at] = before;
                Assert.That(() => Restore(JournalPoint.End), Throws.InstanceOf<BackupException>().Or.InstanceOf<UsageException>(), $"{name}, byte {at}");
                Assert.That(Directory.EnumerateFileSystemEntries(_folder.Path).Count(), Is.EqualTo(1), $"{name}, byte {at}");
            }

            File.WriteAllBytes(path, bytes);
        }

        Assert.That(flips, Is.GreaterThan(1_000));
        Flip(Path.Combine(Target, "journal.log.0"), 1_000);
        (int code, _, string error) = Run("restore", Target, Restored);
        Assert.That(code, Is.EqualTo(1));
        Assert.That(error, Does.Contain("journal.log.0").And.Contain("has other bytes"));
        Assert.That(() => new BackupRun(Place, Target, check: true).Run(full: false), Throws.InstanceOf<BackupException>());
    }

    [Test]
    public void At_every_block_boundary_the_state_is_a_replays_to_there_and_a_node_goes_on()
    {
        MakeSmallLedger();
        Backup();
        var ends = new SortedSet<ulong>();
        using (JournalReader reader = JournalReader.Open(Place))
        {
            while (reader.Next())
                ends.Add(reader.Position.NextSequence - 1);
        }

        ends.Remove(0);
        Assert.That(ends, Has.Count.GreaterThan(5));
        foreach (ulong sequence in ends)
        {
            RestoreResult result = Restore(JournalPoint.AtSequence(sequence));
            Assert.That(result.IsExact);
            Assert.That(result.End.Sequence, Is.EqualTo(sequence));
            using (JournalWalk expected = JournalWalk.Open(Place, new WalkOptions { Until = JournalPoint.AtSequence(sequence) }))
            using (JournalWalk found = JournalWalk.Open(Restored, new WalkOptions()))
            {
                expected.ToPoint();
                found.ToPoint();
                Assert.That(found.End!.Kind, Is.EqualTo(JournalEndKind.End), found.End.What);
                Assert.That(FoldsOf(found), Is.EqualTo(FoldsOf(expected)), $"behind sequence {sequence}");
            }

            using (var ledger = new LiveLedger(Restored, new HandClock(result.End.TimeNs + 1_000)))
            {
                Assert.That(ledger.Node.Recovery!.Cut, Is.Null);
                Assert.That(ledger.FirstSequence, Is.EqualTo(sequence + 1));
                ledger.Submit([LiveLedger.Pay(1, 2, 1, 77, 1)]);
                ledger.Node.Pipeline.Drain();
                if (sequence >= SetUpSequences)
                    Assert.That(ledger.Outcomes[^1].Verdict, Is.EqualTo(Verdict.Accepted));
                Assert.That(ledger.Node.State.Sequence, Is.EqualTo(sequence + 1));
            }

            Exits(0, "verify", Restored);
            Directory.Delete(Restored, recursive: true);
        }
    }

    [Test]
    public void A_cut_across_pages_and_segments_opens_cleanly_and_is_appended_to()
    {
        Random random = PrintedSeed.Create();
        using (FasterJournal journal = Create())
        {
            for (int i = 0; i < 120; i++)
            {
                Append(journal, payments: random.Next(1, 600));
                journal.Commit();
            }
        }

        List<Block> all = BlocksOf(Place);
        Backup();
        for (int round = 0; round < 25; round++)
        {
            int last = random.Next(1, all.Count);
            BlockHeader header = all[last].Header;
            ulong inside = header.FirstSequence + (ulong)random.Next((int)header.Count);
            bool isExact = inside == header.FirstSequence + header.Count - 1;
            RestoreResult result = Restore(JournalPoint.AtSequence(inside));
            int kept = isExact ? last + 1 : last;
            Assert.That(result.IsExact, Is.EqualTo(isExact || inside == header.FirstSequence - 1));
            AssertSame(BlocksOf(Restored), all[..kept]);
            using (FasterJournal journal = FasterJournal.Open(Restored, Tiny, null, out RecoveryReport report))
            {
                Assert.That(report.Cut, Is.Null);
                Assert.That(report.Repaired, Is.Null);
                Append(journal, payments: 3);
                journal.Commit();
                journal.WaitDurable(journal.LastBlock);
            }

            Assert.That(BlocksOf(Restored), Has.Count.EqualTo(kept + 1));
            Directory.Delete(Restored, recursive: true);
        }
    }

    [Test]
    public void An_interrupted_backup_leaves_the_one_before_and_is_gone_on_with()
    {
        using (FasterJournal journal = Create())
        {
            for (int i = 0; i < 40; i++)
                Append(journal, payments: 100);
        }

        ulong blocks = Backup().Manifest.Blocks;
        using (FasterJournal journal = FasterJournal.Open(Place, Tiny, null, out _))
        {
            for (int i = 0; i < 40; i++)
                Append(journal, payments: 100);
        }

        // As a run leaves it that was killed while it copied: longer files, new files, half a manifest under another name.
        string[] segments = [.. Directory.GetFiles(Target, "journal.log.*").OrderBy(path => path.Length).ThenBy(path => path, StringComparer.Ordinal)];
        File.AppendAllText(segments[^1], "half of what was to come");
        File.WriteAllText(Path.Combine(Target, $"journal.log.{segments.Length}"), "a new one");
        File.WriteAllText(Path.Combine(Target, BackupManifest.FileName + WholeFile.PartSuffix), "{");
        Restore(JournalPoint.End);
        Assert.That(BlocksOf(Restored), Has.Count.EqualTo((int)blocks));
        Directory.Delete(Restored, recursive: true);
        Assert.That(Backup().NewBlocks, Is.EqualTo(40));
        Restore(JournalPoint.End);
        AssertSame(BlocksOf(Restored), BlocksOf(Place));
    }

    [Test]
    public void A_first_backup_that_was_interrupted_is_no_backup_and_is_begun_again()
    {
        MakeSmallLedger();
        Backup();
        File.Delete(Path.Combine(Target, BackupManifest.FileName));
        (int code, _, string error) = Run("restore", Target, Restored);
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain("no whole backup"));
        Flip(Path.Combine(Target, "journal.log.0"), 300);
        Backup();
        Restore(JournalPoint.End);
        Exits(0, "verify", Restored);
    }

    [Test]
    public void Snapshots_and_the_public_key_come_along_and_a_private_key_does_not()
    {
        MakeSmallLedger();
        File.WriteAllText(Path.Combine(Place, "node.pub"), "public");
        File.WriteAllText(Path.Combine(Place, "node.key"), "private");
        Assert.That(SnapshotTaking.Take(Place, new SnapshotOptions(), warning => Assert.Fail(warning)), Is.Not.Null);
        BackupManifest manifest = Backup().Manifest;
        Assert.That(manifest.Files.Select(file => file.Name), Has.Exactly(1).StartsWith("snapshots/snapshot-").And.Some.EqualTo("node.pub"));
        Assert.That(Directory.GetFiles(Target, "*", SearchOption.AllDirectories).Select(Path.GetFileName), Has.None.EqualTo("node.key"));
        Assert.That(Restore(JournalPoint.End).Snapshots, Is.EqualTo(1));
        Assert.That(File.ReadAllText(Path.Combine(Restored, "node.pub")), Is.EqualTo("public"));
        using (var ledger = new LiveLedger(Restored, new HandClock(manifest.End.TimeNs)))
            Assert.That(ledger.Node.State.Sequence, Is.EqualTo(manifest.LastSequence));
        Directory.Delete(Restored, recursive: true);
        Assert.That(Restore(JournalPoint.AtSequence(manifest.LastSequence - 1)).Snapshots, Is.Zero, "it is of a later state");
        Assert.That(Backup().CopiedFiles, Is.Zero, "nothing changed");
    }

    [Test]
    public void What_does_not_belong_together_is_refused()
    {
        MakeSmallLedger();
        Backup();
        string other = _folder.PathOf("other");
        SettleSample(other);
        string behind = _folder.PathOf("behind");
        new RestoreRun(Target, behind).Run(JournalPoint.AtSequence(5));
        string occupied = _folder.PathOf("occupied");
        Directory.CreateDirectory(occupied);
        File.WriteAllText(Path.Combine(occupied, "letter"), "dear");

        Refused(1, "holds a backup of ledger", "backup", other, Target);
        Refused(1, "ahead of it, or of another history", "backup", behind, Target);
        Refused(2, "neither empty nor a backup", "backup", Place, occupied);
        Refused(2, "the journal itself", "backup", Place, Place);
        Refused(2, "There is no directory", "backup", _folder.PathOf("nowhere"), Target);
        Refused(2, "exists and is not empty", "restore", Target, occupied);
        Refused(2, "exists and is not empty", "restore", Target, Path.Combine(occupied, "letter"));
        Refused(2, "no whole backup", "restore", Place, Restored);
        Refused(2, "behind the backup's end", "restore", Target, Restored, "--to", "99999999");
        Refused(2, "behind the backup's end", "restore", Target, Restored, "--to", "2500-01-01T00:00:00Z");
        Refused(2, "before the first block", "restore", Target, Restored, "--to", "1971-01-01T00:00:00Z");
        Refused(2, "is not in the backup", "restore", Target, Restored, "--to", "batch:999");
        Assert.That(Directory.Exists(Restored), Is.False);
        Assert.That(Directory.Exists(Restored + WholeFile.PartSuffix), Is.False);
        Restore(JournalPoint.End);
        AssertSame(BlocksOf(Restored), BlocksOf(Place));
    }

    [Test]
    public void A_batch_as_the_point_gives_the_boundary_before_its_cut_off()
    {
        SettleSample(Place);
        Backup();
        RestoreResult result = Restore(new JournalPoint(PointKind.Batch, 2));
        using (JournalReader reader = JournalReader.Open(Restored))
        {
            while (reader.Next())
            {
            }

            Assert.That(reader.Position.NextNumber - 1, Is.EqualTo(result.End.Block));
        }

        Exits(0, "verify", Restored);
        Assert.That(Exits(0, "restore", Target, _folder.PathOf("again"), "--to", "500"), Does.Contain("a journal ends behind a whole one").Or.Contain("sequence 500,"));
    }

    [Test]
    public void A_journal_that_was_cut_in_front_is_backed_up_and_what_an_earlier_backup_has_of_it_stays()
    {
        string fresh = _folder.PathOf("fresh");
        ulong last;
        using (var ledger = new LiveLedger(Place, new HandClock(LiveLedger.StartNs), journal: Tiny))
        {
            ledger.SetUp(wallets: 4);
            ledger.Submit([LiveLedger.Setting(SettingKey.BatchCount, 200)]);
            ulong number = 1;
            for (int part = 0; part < 3; part++)
            {
                for (int i = 0; i < 25; i++, number += 200)
                {
                    ledger.Submit([.. Enumerable.Range(0, 200).Select(at => LiveLedger.Pay(1, 2, 1, 3, number + (ulong)at))]);
                    ledger.Node.Pipeline.Drain();
                }

                if (part == 1)
                    Backup();
                Assert.That(SnapshotTaking.Take(Place, new SnapshotOptions { Cut = true }, warning => Assert.Fail(warning)), Is.Not.Null);
            }

            last = ledger.Node.State.Sequence;
        }

        Assert.That(File.Exists(LogFile(0)), Is.False, "else nothing was cut");
        Backup();
        Restore(JournalPoint.End);
        Assert.That(BlocksOf(Restored)[^1].Header.FirstSequence, Is.InRange(last - 199, last + 1), "from genesis on");
        Directory.Delete(Restored, recursive: true);

        new BackupRun(Place, fresh, check: false).Run(full: false);
        RestoreResult result = new RestoreRun(fresh, Restored).Run(JournalPoint.End);
        Assert.That(result.Snapshots, Is.EqualTo(2));
        using var again = new LiveLedger(Restored, new HandClock(result.End.TimeNs), journal: Tiny);
        Assert.That(again.Node.State.Sequence, Is.EqualTo(last));
    }

    [Test]
    public void A_full_disk_is_a_sentence_and_costs_nothing_that_was_there()
    {
        SettleSample(Place);
        using var disk = SmallDisk.Mount(_folder.PathOf("disk"), "100k");
        string target = Path.Combine(disk.Directory, "backup");
        Refused(2, "The disk is full", "backup", Place, target);
        Assert.That(File.Exists(Path.Combine(target, BackupManifest.FileName)), Is.False);
        disk.Resize("240k");
        Exits(0, "backup", Place, target);
        Refused(2, "The disk is full", "restore", target, Path.Combine(disk.Directory, "restored"));
        Assert.That(Directory.GetDirectories(disk.Directory), Has.Length.EqualTo(1), "only the backup");
        Exits(0, "restore", target, Restored);

        AssertSame(BlocksOf(Restored), BlocksOf(Place));
    }

    private static void Refused(int code, string sentence, params string[] words)
    {
        (int found, string output, string error) = Run(words);
        Assert.That(found, Is.EqualTo(code), error);
        Assert.That(error, Does.Contain(sentence));
        Assert.That(error.Trim().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(output, Is.Empty);
    }

    private BackupResult Backup() => new BackupRun(Place, Target, check: false).Run(full: false);

    private RestoreResult Restore(JournalPoint to) => new RestoreRun(Target, Restored).Run(to);

    /// <summary>Some blocks, batches and seals, in a few KiB.</summary>
    private void MakeSmallLedger()
    {
        using var ledger = new LiveLedger(Place, new HandClock(LiveLedger.StartNs));
        ledger.SetUp(wallets: 4);
        ledger.Submit([LiveLedger.Setting(SettingKey.BatchCount, 4)]);
        for (ulong number = 1; number <= 12; number += 2)
        {
            ledger.Submit([LiveLedger.Pay(1, 2, number, 3, number), LiveLedger.Pay(2, 3, number, 3, number + 1)]);
            ledger.Node.Pipeline.Drain();
            ledger.Clock.Add(1_000_000);
        }
    }

    private static List<Block> BlocksOf(string directory)
    {
        using JournalReader reader = JournalReader.Open(directory);
        var blocks = new List<Block>();
        while (reader.Next())
            blocks.Add(new Block(reader.Header, reader.Body.ToArray()));
        Assert.That(reader.End!.Kind, Is.EqualTo(JournalEndKind.End), reader.End.What);
        return blocks;
    }

    private static object FoldsOf(JournalWalk walk) => (
        walk.State.Sequence, walk.State.Balances.Value, walk.State.ControlFold, walk.State.Ids.State.High, walk.State.Ids.State.Low, walk.State.Targets.Fold,
        walk.State.Batch.Number, walk.State.Batch.Count);
}
