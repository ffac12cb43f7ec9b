using System.Collections.Concurrent;
using System.Net;
using System.Reflection;
using DotNext.Net.Cluster.Consensus.Raft;

namespace Settlement.Engine.Replication;

/// <summary>
/// What a leader knows of one member from its answers, and the memory in which its next request is put together. One for each member and term; made when the library first reads for it.
/// </summary>
/// <remarks>Written by: the library's replication of that member, one request at a time. Read by any thread.</remarks>
internal sealed class MemberProgress(EndPoint member, ulong term)
{
    /// <summary>After a failed request the next one waits this long: a member that is down is not called as often as blocks come.</summary>
    private const int RetryPauseMs = 50;

    public byte[] Scratch = new byte[4096];
    public byte[] Arena = [];

    private long _contactMs = Environment.TickCount64;
    private long _failedMs = long.MinValue / 2;
    private ulong _known;
    private ulong _knownCommitted;
    private ulong _rejectedBehind = ulong.MaxValue;
    private bool _toldUnreadable;

    public EndPoint Member { get; } = member;

    /// <summary>The term in which this node leads.</summary>
    public ulong Term { get; } = term;

    public List<RaftLog.Entry> Entries { get; } = [];

    /// <summary>Highest block that the member has said it has on its disk, as it stands here.</summary>
    public ulong Known => Volatile.Read(ref _known);

    /// <summary>When it last answered, on the clock of <see cref="Environment.TickCount64"/>.</summary>
    public long ContactMs => Volatile.Read(ref _contactMs);

    /// <summary>Its last request failed.</summary>
    public bool IsFailing => Volatile.Read(ref _failedMs) > ContactMs;

    public int PauseMs() => (int)Math.Clamp(Volatile.Read(ref _failedMs) + RetryPauseMs - Environment.TickCount64, 0, RetryPauseMs);

    /// <summary>Highest block that it was told is committed.</summary>
    public ulong KnownCommitted => Volatile.Read(ref _knownCommitted);

    /// <param name="block">The last of what it was sent.</param>
    /// <param name="committed">The committed block when that was sent.</param>
    public void Confirmed(ulong block, ulong committed)
    {
        if (block > _known)
            Volatile.Write(ref _known, block);
        if (Math.Min(block, committed) is var both && both > _knownCommitted)
            Volatile.Write(ref _knownCommitted, both);
        _rejectedBehind = ulong.MaxValue;
        Volatile.Write(ref _contactMs, Environment.TickCount64);
    }

    /// <summary>The member does not have the block before what was sent.</summary>
    /// <returns>True: that was further back than the last time, so trying again at once leads somewhere.</returns>
    public bool RejectedBehind(ulong block)
    {
        bool isCloser = block < _rejectedBehind;
        _rejectedBehind = block;
        Volatile.Write(ref _contactMs, Environment.TickCount64);
        return isCloser;
    }

    /// <summary>The member's log ends before what it had said it has: it counts no further than that.</summary>
    /// <returns>What it had said; null: it lacks nothing that it had said it has.</returns>
    public ulong? Forgot(ulong last)
    {
        ulong known = _known;
        if (last >= known)
            return null;
        Volatile.Write(ref _known, last);
        return known;
    }

    /// <returns>True the first time.</returns>
    public bool MayTellUnreadable() => !_toldUnreadable && (_toldUnreadable = true);

    public void Failed() => Volatile.Write(ref _failedMs, Environment.TickCount64);
}

/// <summary>The one thing of the consensus library that is not public and is needed: for which member it reads. The version is pinned; a test fails where this no longer holds.</summary>
internal static class LibraryInside
{
    private static readonly ConcurrentDictionary<Type, FieldInfo> Fields = new();

    private static readonly PropertyInfo Patience = typeof(RaftClusterMember).GetProperty("RequestTimeout", BindingFlags.Instance | BindingFlags.NonPublic)
        ?? throw new MissingMemberException($"{nameof(RaftClusterMember)} has no 'RequestTimeout': the consensus library is of another version than 6.12.0");

    /// <exception cref="MissingMemberException">The library is not the one that this was written for.</exception>
    public static void Check()
    {
        Type process = typeof(RaftCluster).Assembly.GetType("DotNext.Net.Cluster.Consensus.Raft.ReplicationUtils.ReplicationProcess`1")?.MakeGenericType(typeof(RaftClusterMember))
            ?? throw new MissingMemberException("there is no 'ReplicationProcess': the consensus library is of another version than 6.12.0");
        _ = MemberFieldOf(process);
        _ = Patience;
    }

    private static FieldInfo MemberFieldOf(Type replication) => Fields.GetOrAdd(
        replication,
        static type => type.GetField("member", BindingFlags.Instance | BindingFlags.NonPublic)
            ?? throw new MissingFieldException($"{type} has no field 'member': the consensus library is of another version than 6.12.0"));

    public static RaftClusterMember MemberOf(object replication) => (RaftClusterMember)MemberFieldOf(replication.GetType()).GetValue(replication)!;

    /// <summary>How long a member's answer is waited for; counts from its next request on.</summary>
    public static void SetPatience(RaftClusterMember member, TimeSpan patience) => Patience.SetValue(member, patience);
}
