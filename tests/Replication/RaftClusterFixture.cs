using System.Diagnostics;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;

namespace Settlement.Tests.Replication;

/// <summary>Clusters of members in this process, over loopback with TLS, each with its own folder. All is deleted afterwards.</summary>
internal abstract class RaftClusterFixture
{
    internal static readonly UInt128 Ledger = new(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210);

    internal static readonly JournalOptions Small = new() { PageBytes = 2 << 20, MemoryBytes = 8 << 20, SegmentBytes = 32 << 20, PrimeAheadBytesMax = 0 };

    private readonly List<RaftMember> _members = [];

    protected string Place { get; private set; } = "";

    [SetUp]
    public void MakePlace() => Place = Directory.CreateTempSubdirectory("raft-").FullName;

    [TearDown]
    public async Task StopAndRemove()
    {
        foreach (RaftMember member in _members)
            await member.DisposeAsync();
        _members.Clear();
        Directory.Delete(Place, recursive: true);
    }

    /// <summary>A node's folder: genesis and an identity.</summary>
    internal RaftMember Make(string name, UInt128? ledger = null, JournalOptions? options = null)
    {
        string place = Path.Combine(Place, name);
        FasterJournal.Create(Path.Combine(place, "journal"), ledger ?? Ledger, timeNs: 1, "genesis"u8, Small).Dispose();
        NodeIdentity.Create(Path.Combine(place, "cluster"), ledger ?? Ledger).Dispose();
        var member = new RaftMember(place, RaftMember.FreePort(), options ?? Small);
        _members.Add(member);
        return member;
    }

    /// <summary>Members that know each other from the beginning, and run.</summary>
    internal async Task<RaftMember[]> StartClusterAsync(int count, JournalOptions? options = null)
    {
        RaftMember[] members = [.. Enumerable.Range(0, count).Select(i => Make($"n{_members.Count}-{i}", options: options))];
        MemberList list = members.Aggregate(MemberList.Empty, static (all, member) => all.With(member.Address));
        foreach (RaftMember member in members)
            MembersFile.Create(member.ClusterPlace, list, 0);
        foreach (RaftMember member in members)
            await member.StartAsync();
        return members;
    }

    internal static async Task<RaftMember> LeaderAsync(IEnumerable<RaftMember> members)
    {
        RaftMember? leader = null;
        await UntilAsync(() => (leader = members.FirstOrDefault(static member => member is { IsUp: true, Leads: true })) is not null, "a leader", () => Stories(members));
        return leader!;
    }

    /// <summary>Until every member that is up has the block committed.</summary>
    internal static Task CommittedAsync(IEnumerable<RaftMember> members, ulong block) =>
        UntilAsync(() => members.Where(static member => member.IsUp).All(member => member.Log.CommittedBlock >= block), $"block {block} committed on all", () => Stories(members));

    internal static async Task UntilAsync(Func<bool> condition, string what, Func<string>? story = null, int seconds = 30)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (watch.Elapsed.TotalSeconds > seconds)
                Assert.Fail($"{what}: not within {seconds} s\n{story?.Invoke()}");
            await Task.Delay(5);
        }
    }

    internal static string Stories(IEnumerable<RaftMember> members) => string.Join(
        "\n",
        members.Select(static member => $"{member.Port} up {member.IsUp}, leads {member.Leads}, last {(member.IsUp ? member.Log.LastBlock : 0)} of term {(member.IsUp ? member.Log.LastTerm : 0)}, "
            + $"committed {(member.IsUp ? member.Log.CommittedBlock : 0)}, term {(member.IsUp ? member.Node.Term : 0)}\n    {string.Join("\n    ", member.Told.TakeLast(12))}"));

    /// <summary>Appends where the leader is, again where it ceased to be one, until the block is committed there.</summary>
    internal static async Task<ulong> AppendAsync(IEnumerable<RaftMember> members, int payments = 1)
    {
        while (true)
        {
            RaftMember leader = await LeaderAsync(members);
            if (leader.TryAppend(payments) is not { } block)
                continue;
            while (leader is { IsUp: true, Leads: true })
            {
                if (leader.Log.WaitCommitted(block, 1))
                    return block;
                await Task.Yield();
            }
        }
    }

    /// <summary>Does something on the leader; again where it ceased to be one before that began.</summary>
    /// <returns>Who led.</returns>
    internal static async Task<RaftMember> OnLeaderAsync(IEnumerable<RaftMember> members, Func<RaftNode, Task> action)
    {
        while (true)
        {
            RaftMember leader = await LeaderAsync(members);
            try
            {
                await action(leader.Node);
                return leader;
            }
            catch (ClusterException refused) when (refused.Message.StartsWith("This node does not lead", StringComparison.Ordinal))
            {
                await Task.Delay(20);
            }
        }
    }

    internal static List<string> BlocksOf(RaftMember member)
    {
        using JournalReader reader = JournalReader.Open(Path.Combine(member.Place, "journal"));
        var blocks = new List<string>();
        while (reader.Next())
            blocks.Add($"{reader.Header.Number} {reader.Header.Kind} term {reader.Header.Term} crc {reader.Header.Crc:x8}");
        Assert.That(reader.End!.Kind, Is.EqualTo(JournalEndKind.End));
        return blocks;
    }
}
