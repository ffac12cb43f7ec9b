using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;

namespace Settlement.Tests.Replication;

/// <summary>
/// Three members' logs, driven at random by a consensus that fits on a page: leaders come and go, followers lag, ends are cut, nodes close, die and open again. Each is held against a list of what it must have.
/// </summary>
[TestFixture, Parallelizable]
public sealed class LogPropertyTests : ReplicaLogFixture
{
    private const int Members = 3;

    private sealed class Model(string place)
    {
        public string Place { get; } = place;

        public List<byte[]> Blocks { get; set; } = [];

        public ReplicaLog Log { get; set; } = null!;

        public ulong Last => (ulong)Blocks.Count - 1;

        public ulong LastTerm => HeaderOf(Blocks[^1]).Term;
    }

    [Test]
    [Repeat(4)]
    public void Logs_are_what_a_list_would_be_whatever_happens_to_them()
    {
        Random random = PrintedSeed.Create();
        Model[] members = [.. Enumerable.Range(0, Members).Select(i => new Model(Member($"{random.Next()}-{i}")))];
        ulong term = 0;
        ulong committed = 0;
        Model? leader = null;
        try
        {
            foreach (Model member in members)
            {
                member.Blocks = ReadAll(member.Place, out _);
                member.Log = Open(member.Place);
            }

            for (int step = 0; step < 400; step++)
            {
                Model member = members[random.Next(Members)];
                switch (random.Next(10))
                {
                    case 0:
                        leader = Elect(members, random, ref term) ?? leader;
                        break;
                    case 1 or 2 or 3 when leader is not null:
                        for (int i = random.Next(1, 12); i > 0; i--)
                        {
                            Lead(leader.Log, random.Next(8) == 0 ? random.Next(1, 900) : random.Next(1, 40));
                            leader.Blocks.Add(Read(leader.Log, leader.Log.LastBlock)!);
                        }

                        leader.Log.Commit();
                        break;
                    case 4 or 5 or 6 when leader is not null && member != leader:
                        Replicate(leader, member, random.Next(1, 20), flush: random.Next(3) > 0);
                        break;
                    case 7 when leader is not null:
                        committed = Math.Max(committed, Agreed(leader, members, term));
                        foreach (Model each in members)
                            each.Log.MarkCommitted(Math.Min(Math.Min(committed, each.Log.FlushedBlock), Common(each, leader)));
                        break;
                    case 8:
                        leader = member == leader ? null : leader;
                        Reopen(member);
                        break;
                    default:
                        break;
                }

                Check(member, random);
                Assert.That(members.All(each => each.Log.CommittedBlock <= committed));
            }

            foreach (Model member in members)
            {
                member.Log.Dispose();
                Assert.That(ReadAll(member.Place, out JournalEnd end), Is.EqualTo(member.Blocks));
                Assert.That(end.Kind, Is.EqualTo(JournalEndKind.End), end.What);
            }

            Assert.That(committed, Is.Positive, "else nothing came to pass");
        }
        finally
        {
            foreach (Model member in members)
                member.Log?.Dispose();
        }
    }

    /// <summary>Some member whose log is no shorter than a majority's, as votes go.</summary>
    private static Model? Elect(Model[] members, Random random, ref ulong term)
    {
        Model candidate = members[random.Next(Members)];
        int votes = members.Count(other => (other.LastTerm, other.Last).CompareTo((candidate.LastTerm, candidate.Last)) <= 0);
        if (votes <= Members / 2)
            return null;
        term++;
        foreach (Model member in members)
            member.Log.EndLeading();
        candidate.Log.AppendMark(BlockKind.Term, term, default);
        candidate.Blocks.Add(Read(candidate.Log, candidate.Log.LastBlock)!);
        candidate.Log.BeginLeading(term);
        return candidate;
    }

    private static void Replicate(Model leader, Model follower, int blocks, bool flush)
    {
        ulong common = Common(follower, leader);
        if (common < follower.Last && common < leader.Last)
        {
            follower.Log.CutBehind(common);
            follower.Blocks.RemoveRange((int)common + 1, follower.Blocks.Count - (int)common - 1);
        }

        for (; blocks > 0 && follower.Last < leader.Last; blocks--)
        {
            byte[] next = Read(leader.Log, follower.Last + 1)!;
            Assert.That(next, Is.EqualTo(leader.Blocks[follower.Blocks.Count]));
            follower.Log.AppendReplicated(next);
            follower.Blocks.Add(next);
        }

        if (flush)
            follower.Log.FlushAsync(follower.Last).AsTask().Wait();
    }

    /// <summary>The highest block of the leader's own term that is on most disks.</summary>
    private static ulong Agreed(Model leader, Model[] members, ulong term)
    {
        ulong[] flushed = [.. members.Select(member => Math.Min(member.Log.FlushedBlock, Common(member, leader))).Order()];
        ulong agreed = flushed[Members / 2];
        return HeaderOf(leader.Blocks[(int)agreed]).Term == term ? agreed : 0;
    }

    private static ulong Common(Model one, Model other)
    {
        int common = Math.Min(one.Blocks.Count, other.Blocks.Count) - 1;
        while (!one.Blocks[common].AsSpan().SequenceEqual(other.Blocks[common]))
            common--;
        return (ulong)common;
    }

    private static void Reopen(Model member)
    {
        ulong committed = member.Log.CommittedBlock;
        member.Log.Dispose();
        member.Log = Open(member.Place, out RecoveryReport report);
        Assert.That(report.LastBlock, Is.EqualTo(member.Last), "a log that is closed keeps all that was appended");
        Assert.That(member.Log.CommittedBlock, Is.EqualTo(committed), "and what it knew");
    }

    private static void Check(Model member, Random random)
    {
        ReplicaLog log = member.Log;
        Assert.That((log.LastBlock, log.LastTerm, log.NextSequence), Is.EqualTo((member.Last, member.LastTerm, HeaderOf(member.Blocks[^1]).FirstSequence + HeaderOf(member.Blocks[^1]).Count)));
        Assert.That(log.FlushedBlock, Is.LessThanOrEqualTo(log.LastBlock).And.GreaterThanOrEqualTo(log.CommittedBlock));
        for (int i = 0; i < 6; i++)
        {
            ulong block = (ulong)random.Next(member.Blocks.Count);
            Assert.That(Read(log, block), Is.EqualTo(member.Blocks[(int)block]), $"block {block}");
            Assert.That(log.TermOf(block), Is.EqualTo(HeaderOf(member.Blocks[(int)block]).Term));
        }

        Assert.That(Read(log, member.Last + 1), Is.Null);
    }
}
