using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Snapshots;
using Settlement.Tests.Live;

namespace Settlement.Tests.Snapshots;

/// <summary>Snapshots beside a real journal: taken while it grows, used at the next start, damaged, lost, and cut behind.</summary>
public sealed class SnapshotJournalTests
{
    private const int Wallets = 40;

    // The smallest segments that blocks fit into, so that a short journal has several.
    private static readonly JournalOptions s_journal = new() { PageBytes = 2 << 20, MemoryBytes = 4 << 20, SegmentBytes = 2 << 20 };

    private TemporaryFolder _folder = null!;
    private LiveLedger _ledger = null!;
    private Random _random = null!;
    private ulong _number;
    private List<string> _warnings = null!;

    [SetUp]
    public void Open()
    {
        _folder = new TemporaryFolder();
        _random = PrintedSeed.Create();
        _number = 1;
        _warnings = [];
        _ledger = new LiveLedger(Journal, new HandClock(LiveLedger.StartNs), s_journal);
        _ledger.SetUp(Wallets);
        _ledger.Submit([LiveLedger.Setting(SettingKey.BatchCount, 1_000)]);
    }

    [TearDown]
    public void Close()
    {
        _ledger.Dispose();
        _folder.Dispose();
    }

    private string Journal => Path.Combine(_folder.Path, "journal");

    private string Archive => Path.Combine(_folder.Path, "archive");

    [Test]
    public void A_node_goes_on_from_a_snapshot_as_if_it_had_applied_the_whole_journal()
    {
        for (int round = 0; round < 4; round++)
        {
            Pay(5_000);
            SnapshotTaken taken = Take();
            Pay(_random.Next(3_000));
            _ledger.Reopen();
            Assert.That(_ledger.Node.Recovery!.Snapshot, Is.EqualTo($"block {taken.Head.Block}, sequence {taken.Head.Sequence}"));
            Assert.That(_ledger.Node.Recovery.Warnings, Is.Empty);
        }

        Pay(1_000);
        AssertSameAsFromGenesis();
        Assert.That(new SnapshotStore(Journal).Paths(), Has.Count.EqualTo(SnapshotStore.KeptMax));
    }

    [Test]
    public void A_snapshot_is_taken_behind_what_is_durable_and_a_second_one_has_nothing_to_take()
    {
        Pay(100);
        SnapshotTaken taken = Take();
        Assert.That(taken.Head.Sequence, Is.LessThanOrEqualTo(_ledger.Node.State.Sequence));
        Assert.That(SnapshotStore.Check(taken.Path).Previous, Is.EqualTo(taken.Head.Previous));
        Assert.That(SnapshotTaking.Take(Journal, new SnapshotOptions(), _warnings.Add), Is.Null);
    }

    [Test]
    public void A_node_takes_snapshots_by_itself_as_its_journal_grows()
    {
        _ledger.Dispose();
        _ledger = new LiveLedger(Path.Combine(_folder.Path, "other"), new HandClock(LiveLedger.StartNs), s_journal, new SnapshotOptions { EveryJournalBytes = 100_000 });
        _ledger.SetUp(Wallets);
        var snapshots = new SnapshotStore(Path.Combine(_folder.Path, "other"));
        for (int rounds = 0; snapshots.Paths().Count < SnapshotStore.KeptMax && rounds < 1_000; rounds++)
        {
            Pay(3_000);
            Thread.Sleep(20); // the timer looks ten times a second
        }

        Assert.That(snapshots.Paths(), Has.Count.EqualTo(SnapshotStore.KeptMax));
        _ledger.Reopen();
        Assert.That(_ledger.Node.Recovery!.Snapshot, Is.Not.Null);
        AssertSameAsFromGenesis();
    }

    [Test]
    public void A_damaged_snapshot_is_skipped_with_a_warning_and_the_older_one_used()
    {
        Pay(2_000);
        SnapshotTaken older = Take();
        Pay(2_000);
        SnapshotTaken newer = Take();
        Flip(newer.Path);
        _ledger.Reopen();
        Assert.That(_ledger.Node.Recovery!.Snapshot, Does.StartWith($"block {older.Head.Block},"));
        Assert.That(_ledger.Node.Recovery.Warnings, Has.Count.EqualTo(1));
        Assert.That(_ledger.Node.Recovery.Warnings[0], Does.Contain(newer.Path));
        Flip(older.Path);
        _ledger.Reopen();
        Assert.That(_ledger.Node.Recovery!.Snapshot, Is.Null);
        Assert.That(_ledger.Node.Recovery.Warnings, Has.Count.EqualTo(2));
        AssertSameAsFromGenesis();
    }

    [Test]
    public void A_snapshot_of_another_ledger_is_skipped()
    {
        SnapshotTaken taken = Take();
        using var other = new TemporaryFolder();
        using (FasterJournal journal = FasterJournal.Create(other.Path, 8, 1, Genesis(), s_journal))
        {
        }

        Directory.CreateDirectory(Path.Combine(other.Path, "snapshots"));
        File.Copy(taken.Path, Path.Combine(other.Path, "snapshots", Path.GetFileName(taken.Path)));
        SnapshotTaken own = SnapshotTaking.Take(other.Path, new SnapshotOptions(), _warnings.Add)!;
        Assert.That(own.Head.LedgerId, Is.EqualTo((UInt128)8));
        Assert.That(_warnings, Has.Count.EqualTo(1));
        Assert.That(_warnings[0], Does.Contain("of ledger"));
    }

    [Test]
    public void A_journal_that_lost_the_tail_behind_which_a_snapshot_was_taken_is_not_opened()
    {
        Pay(2_000);
        Take();
        _ledger.Close();
        // As an older copy of the journal put in its place, note and all: nothing in it could show what is missing.
        string copy = Path.Combine(_folder.Path, "copy");
        CopyJournal(Journal, copy);
        _ledger.Reopen();
        Pay(2_000);
        SnapshotTaken taken = Take();
        _ledger.Close();
        Directory.Move(Path.Combine(Journal, "snapshots"), Path.Combine(copy, "snapshots-new"));
        Directory.Delete(Path.Combine(copy, "snapshots"), recursive: true);
        Directory.Move(Path.Combine(copy, "snapshots-new"), Path.Combine(copy, "snapshots"));
        Assert.That(
            () => new LiveLedger(copy, _ledger.Clock, s_journal),
            Throws.TypeOf<JournalException>().With.Message.Contains($"does not hold block {taken.Head.Block}").And.Message.Contains("tail is lost"));
    }

    [Test]
    public void A_journal_is_cut_behind_the_older_of_two_snapshots_and_goes_on()
    {
        FillSegments(3);
        Take();
        Assert.That(Cut().Files, Is.Zero, "there is one snapshot only");
        Pay(100);
        Take();
        FilesCut cut = Cut();
        Assert.That(cut.Files, Is.GreaterThanOrEqualTo(2), cut.Kept);
        Assert.That(File.Exists(Path.Combine(Journal, "journal.log.0")), Is.False);
        Assert.That(File.Exists(Path.Combine(Archive, "journal.log.0")));
        _ledger.Reopen();
        Pay(3_000);
        FillSegments(2);
        Take();
        Take(10);
        Assert.That(Cut().Files, Is.Positive);
        _ledger.Reopen();
        Pay(500);
        AssertSameAsFromGenesis(Archive);
    }

    [Test]
    public void A_cut_journal_without_a_usable_snapshot_says_what_is_missing()
    {
        FillSegments(2);
        Take();
        Pay(10);
        Take();
        Assert.That(Cut().Files, Is.Positive);
        _ledger.Close();
        foreach (string path in new SnapshotStore(Journal).Paths())
            Flip(path);
        Assert.That(
            _ledger.Reopen,
            Throws.TypeOf<JournalException>().With.Message.Contains("journal.log.0' is missing").And.Message.Contains("backup or an archive"));
    }

    [Test]
    public void A_journal_is_not_cut_in_front_of_what_a_reader_needs_and_the_snapshot_it_begins_with_is_kept()
    {
        Pay(10);
        SnapshotTaken first = Take();
        FillSegments(2);
        SnapshotTaken second = Take();
        Pay(10);
        Take();
        Pay(10);
        WriteMark(second.Head.Sequence, second.Head.Block);
        FilesCut cut = Cut();
        Assert.That(cut.Files, Is.Positive, cut.Kept);
        FillSegments(2);
        Take();
        Take(2);
        Assert.That(new SnapshotStore(Journal).Paths(), Does.Contain(second.Path));
        Assert.That(File.Exists(first.Path), Is.False);
        WriteMark(first.Head.Sequence, first.Head.Block);
        FilesCut held = Cut();
        Assert.That(held.Files, Is.Zero);
        Assert.That(held.Kept, Does.Contain("'history'"));
    }

    [Test]
    public void Snapshots_of_another_ledger_or_damaged_ones_count_for_nothing_when_something_is_let_go_of()
    {
        using var other = new TemporaryFolder();
        using (FasterJournal journal = FasterJournal.Create(other.Path, 8, 1, Genesis(), s_journal))
        {
            for (ulong number = 1; number <= 400; number++)
            {
                var tick = new BlockHeader { Kind = BlockKind.Tick, FirstSequence = 1, TimeNs = number };
                journal.Append(ref tick, default, default);
                journal.Commit();
            }

            journal.WaitDurable(journal.LastBlock);
        }

        SnapshotTaken foreign = SnapshotTaking.Take(other.Path, new SnapshotOptions(), _warnings.Add)!;
        FillSegments(2);
        Take();
        SnapshotTaken good = Take(10);
        Assert.That(foreign.Head.Block, Is.GreaterThan(good.Head.Block), "else the foreign one is not taken for the newest");
        File.Copy(foreign.Path, Path.Combine(Journal, "snapshots", Path.GetFileName(foreign.Path)));
        File.Copy(foreign.Path, Path.Combine(Journal, "snapshots", Path.GetFileName(foreign.Path).Replace("00400", "00401", StringComparison.Ordinal)));
        SnapshotTaken newest = Take(10);
        Assert.That(new[] { good.Path, newest.Path }, Has.All.Exist, "two that a node can start from are left");
        Flip(good.Path);
        Assert.That(Cut().Files, Is.Zero, "one that can be used is not two");
        Take(10);
        Assert.That(Cut().Files, Is.Positive);
        _ledger.Reopen();
        Assert.That(_ledger.Node.Recovery!.Warnings, Has.Count.GreaterThanOrEqualTo(2));
        AssertSameAsFromGenesis(Archive);
    }

    [Test]
    public void The_journals_own_directory_is_no_archive_whatever_link_leads_there()
    {
        FillSegments(2);
        Take();
        Take(10);
        string link = Path.Combine(_folder.Path, "link");
        Directory.CreateSymbolicLink(link, Journal);
        foreach (string archive in (string[])[Journal, link])
            Assert.That(() => JournalCutting.Cut(Journal, archive), Throws.TypeOf<IOException>().With.Message.Contains("own directory"));
        Assert.That(File.Exists(Path.Combine(Journal, "journal.log.0")));
        Assert.That(Directory.EnumerateFiles(Journal, "probe-*"), Is.Empty);
    }

    [Test]
    public void Verify_tells_a_lost_tail_by_a_snapshot_and_a_snapshot_of_another_ledger()
    {
        Pay(2_000);
        _ledger.Close();
        string copy = Path.Combine(_folder.Path, "copy");
        CopyJournal(Journal, copy);
        _ledger.Reopen();
        Pay(2_000);
        SnapshotTaken taken = Take();
        _ledger.Close();
        Assert.That(Verify(Journal).Code, Is.Zero);
        File.Copy(taken.Path, Path.Combine(copy, "snapshots", Path.GetFileName(taken.Path)));
        (int code, string text) = Verify(copy);
        Assert.That(code, Is.EqualTo(1));
        Assert.That(text, Does.Contain($"taken behind block {taken.Head.Block}").And.Contain("lost its tail"));
    }

    [Test]
    public void What_is_told_of_a_journal_is_the_same_with_a_snapshot_at_the_very_point()
    {
        Pay(500);
        _ledger.Submit([LiveLedger.Setting(SettingKey.BatchAgeNs, 60 * Limits.NsPerSecond)]);
        Pay(10);
        _ledger.Clock.Add(61 * Limits.NsPerSecond);
        for (int rounds = 0; _ledger.Batches.Count == 0 && rounds < 1_000; rounds++)
            Thread.Sleep(10); // an idle node ticks by itself
        _ledger.Node.Pipeline.Drain();
        ulong last = _ledger.Node.State.Sequence;
        Take();
        Pay(1);
        _ledger.Close();
        string time = Settlement.Engine.Text.TimeText.Format(_ledger.Clock.NowNs);
        string[][] asked =
        [
            ["statement", Journal, "--wallet", "1", "--from", $"{last + 1}"], ["show", Journal, "--from", $"{last + 1}"], ["state", Journal, "--at", time],
            ["export", Journal, "--format", "csv", "--out", Path.Combine(_folder.Path, "tables"), "--force", "--tables", "batches,balances", "--from", $"{last + 1}"],
        ];
        string[] with = [.. asked.Select(Told)];
        Directory.Move(Path.Combine(Journal, "snapshots"), Path.Combine(_folder.Path, "away"));
        Assert.That(with, Is.EqualTo(asked.Select(Told)));
        Assert.That(with[^1], Does.Contain("batches                 1 rows"), "the batch that the tick closed is the range's");
    }

    [Test]
    public void An_unfinished_snapshot_is_not_one_and_is_taken_away()
    {
        SnapshotTaken taken = Take();
        string leftover = Path.Combine(Path.GetDirectoryName(taken.Path)!, "snapshot-00000000000000000099.stls.tmp");
        File.WriteAllBytes(leftover, new byte[10]);
        Assert.That(new SnapshotStore(Journal).Paths(), Is.EqualTo(new[] { taken.Path }));
        Pay(10);
        Take();
        Assert.That(File.Exists(leftover), Is.False);
    }

    [Test]
    public void Two_cannot_take_a_snapshot_at_once()
    {
        Take();
        using var held = new FileStream(Path.Combine(Journal, "snapshots", "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        Pay(10);
        Assert.That(() => Take(), Throws.TypeOf<SnapshotException>().With.Message.Contains("Another process"));
    }

    private static ReadOnlySpan<byte> Genesis()
    {
        Genesis genesis = LiveLedger.SmallGenesis();
        return System.Runtime.InteropServices.MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(ref genesis)).ToArray();
    }

    private static void CopyJournal(string from, string to)
    {
        Directory.CreateDirectory(Path.Combine(to, "snapshots"));
        foreach (string file in Directory.EnumerateFiles(from, "journal.*"))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    private SnapshotTaken Take(int payments = 0)
    {
        Pay(payments);
        return SnapshotTaking.Take(Journal, new SnapshotOptions(), _warnings.Add) ?? throw new AssertionException("no snapshot was taken");
    }

    private FilesCut Cut() => JournalCutting.Cut(Journal, Archive);

    private static (int Code, string Text) Verify(string journal)
    {
        using var output = new StringWriter();
        int code = Settlement.Replay.ReplayCommand.Run(["verify", journal], output, output);
        return (code, output.ToString());
    }

    private static string Told(string[] words)
    {
        using var output = new StringWriter();
        Assert.That(Settlement.Replay.ReplayCommand.Run(words, output, output), Is.Zero, output.ToString());
        return string.Join("|", output.ToString().Split((char)10).Where(line => !line.Contains("payments/s", StringComparison.Ordinal)));
    }

    private void WriteMark(ulong sequence, ulong block) =>
        JournalReaders.Write(Journal, new JournalReaderMark("history", "a test", 7, sequence, block, 64, "2026-01-01T00:00:00Z"));

    private void Pay(int count)
    {
        var payments = new Payment[count];
        for (int i = 0; i < count; i++)
        {
            ulong payer = 1 + (ulong)_random.Next(Wallets);
            payments[i] = LiveLedger.Pay(payer, 1 + (payer % Wallets), 1 + (ulong)_random.Next(500), stream: 9, _number++);
            if (_random.Next(20) == 0)
                payments[i].IdLow = _number > 5_000 ? _number - 5_000 : 1; // a repeat
        }

        foreach (Payment[] claim in payments.Chunk(4_096))
            _ledger.Submit(claim);
        _ledger.Node.Pipeline.Drain();
    }

    private void FillSegments(int segments) => Pay((int)(segments * s_journal.SegmentBytes / Payment.Size));

    private void Flip(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[_random.Next(bytes.Length)] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private void AssertSameAsFromGenesis(string? archive = null)
    {
        Digest live = _ledger.Node.State.Batch.StateHashNow();
        _ledger.Close();
        using Settlement.Engine.BlockReplay replay = _ledger.ReplayAndCompare(out _, out _, archive);
        Assert.That(replay.State.Batch.StateHashNow(), Is.EqualTo(live));
    }
}
