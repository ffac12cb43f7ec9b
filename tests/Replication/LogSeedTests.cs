using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;
using Settlement.Engine.Snapshots;
using Settlement.Replay;
using Settlement.Tests.Live;

namespace Settlement.Tests.Replication;

/// <summary>A real ledger's journal as a cluster's: a member that begins with another's snapshot, and the operator's tools over terms and members.</summary>
public sealed class LogSeedTests
{
    private static readonly JournalOptions s_journal = new() { PageBytes = 2 << 20, MemoryBytes = 4 << 20, SegmentBytes = 2 << 20 };

    private TemporaryFolder _folder = null!;
    private ulong _number;

    private string First => _folder.PathOf("first");

    private string Second => _folder.PathOf("second");

    [SetUp]
    public void SettleALittle()
    {
        _folder = new TemporaryFolder();
        _number = 1;
        using var ledger = new LiveLedger(First, new HandClock(LiveLedger.StartNs), s_journal);
        ledger.SetUp(40);
        ledger.Submit([LiveLedger.Setting(SettingKey.BatchCount, 1_000)]);
        Pay(ledger, 5_000);
    }

    [TearDown]
    public void Clean() => _folder.Dispose();

    [Test]
    public void A_wiped_member_goes_on_from_anothers_snapshot_and_is_verified_like_any_other([Values] bool snapshotIsClusters)
    {
        SnapshotTaken taken = default!;
        if (!snapshotIsClusters)
        {
            taken = Snapshot(First)!;
            using var ledger = new LiveLedger(First, new HandClock(LiveLedger.StartNs + Limits.NsPerSecond), s_journal);
            Pay(ledger, 4_000);
        }

        using (ReplicaLog log = Open(First))
            Mark(log, 1);
        if (snapshotIsClusters)
            taken = Snapshot(First)!;
        using (ReplicaLog log = Open(First))
            Mark(log, 5);
        using (ReplicaLog first = Open(First))
        {
            byte[] block = [];
            int bytes = first.Read(taken.Head.Block, ref block);
            using (FileStream snapshot = File.OpenRead(taken.Path))
                ReplicaLog.Seed(Second, snapshot, block.AsSpan(0, bytes), s_journal with { LedgerId = first.LedgerId });
            using (ReplicaLog second = Open(Second))
            {
                Assert.That((second.FirstBlock, second.LastBlock, second.CommittedBlock, second.LastTerm), Is.EqualTo((taken.Head.Block, taken.Head.Block, taken.Head.Block, snapshotIsClusters ? 1UL : 0UL)));
                Assert.That(ReplicaLogFixture.Read(second, taken.Head.Block - 1), Is.Null);
                Assert.That(ReplicaLogFixture.Read(second, taken.Head.Block), Is.EqualTo(block[..bytes]));
                ReplicaLogFixture.Follow(second, first);
                second.FlushAsync(first.LastBlock).AsTask().Wait();
                second.MarkCommitted(first.LastBlock);
            }
        }

        using (ReplicaLog again = Open(Second))
            Assert.That(again.FirstBlock, Is.EqualTo(taken.Head.Block));
        JsonElement whole = Run(0, "verify", First, "--json"), seeded = Run(0, "verify", Second, "--json");
        Assert.That(seeded.GetProperty("sound").GetBoolean());
        Assert.That(seeded.GetProperty("sequence").GetUInt64(), Is.EqualTo(whole.GetProperty("sequence").GetUInt64()));
        SnapshotTaken ours = Snapshot(First)!, theirs = Snapshot(Second)!;
        SnapshotStore.Check(ours.Path, out Digest stateHash);
        SnapshotStore.Check(theirs.Path, out Digest seededHash);
        Assert.That((theirs.Head.Block, theirs.Head.Previous, seededHash), Is.EqualTo((ours.Head.Block, ours.Head.Previous, stateHash)), "and its state is the same");
    }

    [Test]
    public void A_member_is_not_seeded_with_what_does_not_belong_together()
    {
        SnapshotTaken taken = Snapshot(First)!;
        using ReplicaLog first = Open(First);
        byte[] block = [], other = [];
        int bytes = first.Read(taken.Head.Block, ref block), otherBytes = first.Read(taken.Head.Block - 1, ref other);
        byte[] snapshot = File.ReadAllBytes(taken.Path);
        Assert.That(() => Seed(snapshot, other.AsSpan(0, otherBytes).ToArray()), Throws.InstanceOf<JournalException>().With.Message.Contains("is not that one"));
        Assert.That(() => Seed(snapshot, block.AsSpan(0, bytes - 1).ToArray()), Throws.TypeOf<ReplicatedBlockException>());
        byte[] bad = (byte[])snapshot.Clone();
        bad[^300] ^= 4;
        Assert.That(() => Seed(bad, block.AsSpan(0, bytes).ToArray()), Throws.TypeOf<SnapshotException>());
        Assert.That(FasterJournal.Exists(Second), Is.False, "what was refused left no journal");
        Seed(snapshot, block.AsSpan(0, bytes).ToArray());
        Assert.That(() => Seed(snapshot, block.AsSpan(0, bytes).ToArray()), Throws.InstanceOf<JournalException>().With.Message.Contains("already"));

        void Seed(byte[] from, byte[] last) => ReplicaLog.Seed(Second, new MemoryStream(from), last, s_journal);
    }

    [Test]
    public void Terms_and_members_change_nothing_for_any_tool()
    {
        JsonElement before = Run(0, "verify", First, "--json");
        JsonElement statistics = Run(0, "stats", First, "--json");
        using (ReplicaLog log = Open(First))
        {
            Mark(log, 1);
            Mark(log, 4);
        }

        JsonElement after = Run(0, "verify", First, "--json");
        foreach (string same in new[] { "state_hash", "root", "sequence", "payments", "batches_sealed" })
            Assert.That(after.GetProperty(same).ToString(), Is.EqualTo(before.GetProperty(same).ToString()), same);
        Assert.That(after.GetProperty("blocks").GetInt64(), Is.EqualTo(before.GetProperty("blocks").GetInt64() + 4));
        Assert.That(Run(0, "stats", First, "--json").GetProperty("payments").ToString(), Is.EqualTo(statistics.GetProperty("payments").ToString()));
        Assert.That(Text(0, "show", First, "--kind", "term"), Does.Contain("  term  ").And.Contain("term 4").And.Not.Contain("  members  "));
        Assert.That(Text(0, "show", First, "--kind", "members"), Does.Contain("  members  ").And.Contain("7 bytes of members"));
        Text(0, "snapshot", First);
        Text(0, "verify", First);
        Assert.That(() => new LiveLedger(First, new HandClock(LiveLedger.StartNs), s_journal), Throws.TypeOf<JournalException>().With.Message.Contains("is a cluster's"), "alone it would begin another history");
    }

    private static SnapshotTaken? Snapshot(string place) => SnapshotTaking.Take(place, new SnapshotOptions(), warning => Assert.Fail(warning));

    private static ReplicaLog Open(string place) => ReplicaLog.Open(place, s_journal, new DiskSignals(WaitStrategyKind.Blocking), out _);

    private static void Mark(ReplicaLog log, ulong term)
    {
        log.AppendMark(BlockKind.Term, term, default);
        ulong last = log.AppendMark(BlockKind.Members, term, "members"u8);
        log.FlushAsync(last).AsTask().Wait();
        log.MarkCommitted(last);
    }

    private void Pay(LiveLedger ledger, int count)
    {
        var payments = new Payment[500];
        for (int done = 0; done < count; done += payments.Length)
        {
            for (int i = 0; i < payments.Length; i++, _number++)
                payments[i] = LiveLedger.Pay(1 + (_number % 40), 1 + ((_number + 7) % 40), 1 + (_number % 9), stream: 77, number: _number);
            ledger.Submit(payments);
        }

        ledger.Node.Pipeline.Drain();
    }

    private static JsonElement Run(int code, params string[] arguments)
    {
        using var document = JsonDocument.Parse(Text(code, arguments));
        return document.RootElement.Clone();
    }

    private static string Text(int code, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        Assert.That(ReplayCommand.Run(arguments, output, error), Is.EqualTo(code), error.ToString());
        return output.ToString();
    }
}
