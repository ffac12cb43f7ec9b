using Settlement.Engine.Journal;
using Settlement.Engine.Snapshots;
using Settlement.Replay.Tail;

namespace Settlement.Tests.Replay;

/// <summary>A tail of a journal that is cut behind snapshots: it goes on from one, and the journal is not cut before it can.</summary>
public sealed class TailSnapshotTests
{
    /// <summary>More than a log file holds, so that there is one to be cut.</summary>
    private const int FilePayments = 34_000;

    /// <summary>A piece ends with the block that reaches its count, and a block may have 16,384 payments.</summary>
    private const int PaymentsMax = FilePayments + 30_000;

    private static readonly JournalOptions s_smallFiles = new() { PageBytes = 2 << 20, MemoryBytes = 8 << 20, SegmentBytes = 2 << 20, PrimeAheadBytesMax = 0 };

    private readonly TemporaryFolder _folder = new();
    private string _place = "";

    private string Journal => Path.Combine(_place, "journal");

    private string Target => Path.Combine(_place, "projection");

    private string FirstFile => Path.Combine(Journal, "journal.log.0");

    [SetUp]
    public void MakePlace() => _place = Directory.CreateDirectory(_folder.PathOf(TestContext.CurrentContext.Test.ID)).FullName;

    [OneTimeTearDown]
    public void Remove() => _folder.Dispose();

    [TestCase(TailFormat.Sqlite)]
    [TestCase(TailFormat.Parquet)]
    [CancelAfter(120_000)]
    public void It_goes_on_where_the_journals_beginning_was_cut_away(object format, CancellationToken cancel)
    {
        using var journal = new GeneratedJournal(Journal, PaymentsMax, PrintedSeed.Create(), options: s_smallFiles);
        journal.Write(FilePayments);
        ulong taken = Follow((TailFormat)format).Position!.Value.Block;
        Assert.That(Snapshot(cut: false, cancel)!.Head.Block, Is.EqualTo(taken), "behind the very block that the tail has taken last");
        journal.Write(1_000);
        Assert.That(Snapshot(cut: true, cancel)!.Cut!.Files, Is.Positive);
        Assert.That(File.Exists(FirstFile), Is.False);
        journal.Write(1_000);
        Follow((TailFormat)format);
        journal.WriteAll();
        Follow((TailFormat)format);
        if ((TailFormat)format == TailFormat.Parquet)
        {
            TailFollowTests.ExpectPayments(Target, journal);
            return;
        }

        using HistoryReader history = HistoryReader.Open(Target);
        HistoryComparison.Expect(history, journal);
    }

    [Test, CancelAfter(120_000)]
    public void The_journal_is_not_cut_before_a_tail_can_go_on_without(CancellationToken cancel)
    {
        using var journal = new GeneratedJournal(Journal, PaymentsMax, PrintedSeed.Create(), options: s_smallFiles);
        journal.Write(500);
        string name = Follow(TailFormat.Sqlite).Name;
        journal.Write(FilePayments);
        Snapshot(cut: false, cancel);
        journal.Write(500);
        FilesCut held = Snapshot(cut: true, cancel)!.Cut!;
        Assert.That((held.Files, held.Kept), Is.EqualTo((0, held.Kept)));
        Assert.That(held.Kept, Does.Contain(name));
        Assert.That(File.Exists(FirstFile));
        Follow(TailFormat.Sqlite);
        Assert.That(JournalCutting.Cut(Journal, Path.Combine(_place, "archive")).Files, Is.Positive);
        journal.WriteAll();
        Follow(TailFormat.Sqlite);
        using (HistoryReader history = HistoryReader.Open(Target))
            HistoryComparison.Expect(history, journal);
        string fresh = Path.Combine(_place, "fresh");
        Assert.That(
            () => TailRun.Follow(new TailOptions { Journal = Journal, Target = fresh, Format = TailFormat.Sqlite, Once = true }, null, cancel),
            Throws.TypeOf<JournalException>().With.Message.Contains("archive"), "a new one needs the beginning");
        Assert.That(JournalReaders.ReadAll(Journal), Has.Count.EqualTo(1));
        TailRun.Follow(new TailOptions { Journal = Journal, Target = fresh, Format = TailFormat.Sqlite, Once = true, Archive = Path.Combine(_place, "archive") }, null, cancel);
        using HistoryReader whole = HistoryReader.Open(fresh);
        HistoryComparison.Expect(whole, journal);
    }

    private TailReport Follow(TailFormat format) =>
        TailRun.Follow(new TailOptions { Journal = Journal, Target = Target, Format = format, Once = true }, null, default);

    /// <summary>Of all that is in the journal: the device's note says a moment after the write that it is durable.</summary>
    private SnapshotTaken? Snapshot(bool cut, CancellationToken cancel)
    {
        using (JournalReader reader = JournalReader.Open(Journal))
        {
            while (reader.Next() || !reader.IsNoted)
                cancel.ThrowIfCancellationRequested();
        }

        return SnapshotTaking.Take(Journal, new SnapshotOptions { Cut = cut }, warning => Assert.Fail(warning));
    }
}
