using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Journal.Integrity;
using Settlement.Engine.Replication;
using Settlement.Engine.Snapshots;

namespace Settlement.Tests.Journal.Integrity;

/// <summary>The journal of a node that runs is read again behind its back: what is damaged is found, repaired and told, and never given to anybody.</summary>
public sealed class IntegrityAuditTests : DamagedJournal
{
    private static readonly AuditOptions s_fast = new() { BytesPerSecond = 1L << 40, Pause = TimeSpan.Zero };
    private static readonly AuditOptions s_byHand = new() { BytesPerSecond = 0 };

    [Test]
    public void Damage_is_found_and_repaired_while_blocks_are_appended_and_replaced()
    {
        Random random = PrintedSeed.Create();
        Write(300, i => 1 + (i % 40));
        byte[] struckBefore = BytesAt(Addresses[40], 200);
        using (ReplicaLog log = Open(Damaged))
        {
            log.MarkCommitted(300);
            using var audit = new IntegrityAudit(log, s_fast, () => [Whole()], Tell);
            for (int round = 0; round < 40; round++)
            {
                log.BeginLeading(log.LastTerm + 1);
                for (int i = random.Next(1, 20); i > 0; i--)
                    Lead(log, random.Next(1, 60));
                log.Commit();
                log.FlushAsync(log.LastBlock).AsTask().Wait();
                log.EndLeading();
                if (round % 4 == 0)
                    log.CutBehind(300 + (ulong)random.Next((int)(log.LastBlock - 300)));
                if (round == 15)
                    Flip(Addresses[40] + 100, 4);
            }

            Wait(() => audit.Figures.Repaired == 1);
            long passes = audit.Figures.Passes;
            Wait(() => audit.Figures.Passes > passes + 1);
            Assert.That((audit.Figures.Found, audit.Figures.Repaired, audit.Figures.Sentence), Is.EqualTo((1L, 1L, (string?)null)), "what changed under it is not taken for damage");
            Assert.That(audit.Figures.LastPassUnixMs, Is.Positive);
            Assert.That(audit.Figures.Bytes, Is.GreaterThan(Tail));
        }

        Assert.That(Said, Has.Count.EqualTo(1));
        Assert.That(Said[0], Does.Contain("block 40 damaged").And.Contain("the whole one"));
        ReadAll(Damaged, out JournalEnd end);
        Assert.That(end.Kind, Is.EqualTo(JournalEndKind.End), end.What);
        Learn();
        Assert.That(BytesAt(Addresses[40], 200), Is.EqualTo(struckBefore));
    }

    [Test]
    public void Who_meets_damage_in_reading_has_it_repaired_and_nobody_is_given_damaged_bytes()
    {
        Write(300, i => 1 + (i % 40));
        using ReplicaLog log = Open(Damaged);
        bool isThere = false;
        Flip(Addresses[50] + 140, 1);
        using var audit = new IntegrityAudit(log, s_fast with { Pause = TimeSpan.FromDays(1) }, () => isThere ? [Whole()] : [], Tell);
        Wait(() => audit.Figures.Passes == 1);
        Assert.That(audit.Figures.StandingBlocks, Is.EqualTo(1));
        Assert.That(audit.Figures.Sentence, Does.Contain("block 50"));
        Assert.That(() => Read(log, 50), Throws.TypeOf<BlockDamagedException>());
        log.Mend = audit.TryMend;
        Assert.That(() => Read(log, 50), Throws.TypeOf<BlockDamagedException>(), "nobody has a copy");
        Assert.That(Read(log, 49), Is.EqualTo(Blocks[49]));
        Assert.That(Read(log, 51), Is.EqualTo(Blocks[51]));
        isThere = true;
        Flip(Addresses[120] + 1, 1);
        Assert.That(Read(log, 120), Is.EqualTo(Blocks[120]), "its reader waits for the repair");
        Assert.That(audit.Figures.Repaired, Is.EqualTo(1));
        byte[] buffer = [];
        Assert.That(() => log.ReadAsItIs(50, ref buffer), Throws.TypeOf<BlockDamagedException>(), "it was asked about a minute ago");
    }

    [Test]
    public void Recent_blocks_are_repaired_from_the_nodes_own_memory()
    {
        Write(300, i => 1 + (i % 40));
        using ReplicaLog log = Open(Damaged);
        int recent = Addresses.FindLastIndex(address => address < Tail - 9000);
        Flip(Addresses[recent] + 20, 1);
        using var audit = new IntegrityAudit(log, s_byHand, () => [], Told.Add);
        audit.RunOnce();
        ExpectWhole(audit.Figures, "a recent block");
        Assert.That(Told.Single(), Does.Contain("this node's memory"));
    }

    [Test]
    public void Damage_that_was_put_right_by_somebody_else_stands_no_longer()
    {
        Write(100, i => 5);
        using FasterJournal journal = FasterJournal.Open(Lone(), Tiny, null, out _);
        using var audit = new IntegrityAudit(journal, s_byHand, () => [], Told.Add);
        audit.RunOnce();
        Assert.That((audit.Figures.Found, audit.Figures.Passes), Is.EqualTo((0L, 1L)));
        Flip(Addresses[30] + 300, 1);
        audit.RunOnce();
        audit.RunOnce();
        Assert.That((audit.Figures.Found, audit.Figures.StandingBlocks, audit.Figures.Passes), Is.EqualTo((1L, 1L, 3L)));
        Assert.That(Told.Single(), Does.Contain("block 30").And.Contain("NOT repaired"), "it is told once");
        Flip(Addresses[30] + 300, 1);
        audit.RunOnce();
        Assert.That((audit.Figures.StandingBlocks, audit.Figures.Sentence), Is.EqualTo((0L, (string?)null)));
    }

    [Test]
    public void A_damaged_snapshot_is_told_and_counted()
    {
        Write(20, i => 5);
        string folder = Path.Combine(Damaged, "snapshots");
        Directory.CreateDirectory(folder);
        using ReplicaLog log = Open(Damaged);
        using var audit = new IntegrityAudit(log, s_byHand, () => [], Told.Add);
        string path = Path.Combine(new SnapshotStore(Damaged).Folder, "snapshot-00000000000000000007.stls");
        File.WriteAllBytes(path, new byte[5000]);
        bool isSnapshot = new SnapshotStore(Damaged).Paths().Contains(path);
        audit.RunOnce();
        Assert.That(audit.Figures.DamagedSnapshots, Has.Count.EqualTo(isSnapshot ? 1 : 0));
        Assert.That(isSnapshot, "the name is a snapshot's");
        Assert.That(Told.Single(), Does.Contain(path).And.Contain("an older one"));
        Assert.That(audit.Figures.Sentence, Does.Contain(path));
    }

    private List<string> Said
    {
        get
        {
            lock (Told)
                return [.. Told];
        }
    }

    private void Tell(string sentence)
    {
        lock (Told)
            Told.Add(sentence);
    }

    /// <summary>A journal of one node's own, in the place of the damaged one.</summary>
    private string Lone()
    {
        Directory.Delete(Damaged, recursive: true);
        using (FasterJournal journal = FasterJournal.Create(Damaged, Ledger, timeNs: 1, "genesis"u8, Tiny))
        {
            for (int i = 0; i < 100; i++)
            {
                Append(journal, 5);
                journal.Commit();
            }
        }

        Learn();
        return Damaged;
    }

    private static void Wait(Func<bool> until)
    {
        for (int i = 0; !until(); i++)
        {
            Assert.That(i, Is.LessThan(6_000), "it comes about");
            Thread.Sleep(10);
        }
    }
}
