using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;
using Settlement.Tests.Journal;

namespace Settlement.Tests.Replication;

/// <summary>Small logs of a cluster's members, with blocks whose bytes follow from number and term.</summary>
public abstract class ReplicaLogFixture : JournalFixture
{
    protected override bool InMemory => true;

    /// <summary>Recent blocks in memory: one page, so that tests of a few hundred blocks read most of them from files.</summary>
    internal const int RecentBytes = 64 << 10;

    /// <summary>Makes a member's journal, which holds genesis alone: the same in all.</summary>
    internal string Member(string name)
    {
        string place = Path.Combine(Place, name);
        FasterJournal.Create(place, Ledger, timeNs: 1, "genesis"u8, Tiny).Dispose();
        return place;
    }

    internal static ReplicaLog Open(string place, out RecoveryReport report, JournalOptions? options = null, DiskSignals? disk = null) =>
        ReplicaLog.Open(place, options ?? Tiny, disk ?? new DiskSignals(WaitStrategyKind.Blocking), out report, RecentBytes);

    internal static ReplicaLog Open(string place, JournalOptions? options = null, DiskSignals? disk = null) => Open(place, out _, options, disk);

    /// <summary>Appends a block of payments as the leader's stage does.</summary>
    internal static ulong Lead(ReplicaLog log, int payments)
    {
        var header = new BlockHeader { Kind = BlockKind.Payments, FirstSequence = log.NextSequence, Count = (uint)payments, TimeNs = log.LastTimeNs + 1 };
        byte[] body = BodyOf(log.LastBlock + 1 + (log.LastTerm << 32), payments);
        int wrap = body.Length / 3;
        return log.Append(ref header, body.AsSpan(0, wrap), body.AsSpan(wrap));
    }

    /// <summary>A block as it is read; null: it is not there.</summary>
    internal static byte[]? Read(ReplicaLog log, ulong block)
    {
        byte[] buffer = [];
        int bytes = log.Read(block, ref buffer);
        return bytes < 0 ? null : buffer.AsSpan(0, bytes).ToArray();
    }

    internal static BlockHeader HeaderOf(ReadOnlySpan<byte> block) => MemoryMarshal.Read<BlockHeader>(block);

    /// <summary>Copies what a follower lacks, as the consensus would.</summary>
    internal static void Follow(ReplicaLog follower, ReplicaLog leader)
    {
        for (ulong block = follower.LastBlock + 1; block <= leader.LastBlock; block++)
            follower.AppendReplicated(Read(leader, block));
    }

    internal static List<byte[]> ReadAll(string place, out JournalEnd end)
    {
        using JournalReader reader = JournalReader.Open(place);
        var blocks = new List<byte[]>();
        while (reader.Next())
            blocks.Add([.. MemoryMarshal.AsBytes(new ReadOnlySpan<BlockHeader>(in reader.Header)), .. reader.Body]);
        end = reader.End!;
        return blocks;
    }

    internal static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string path in Directory.EnumerateFiles(from, "journal.*").Where(path => Path.GetFileName(path) is not ("journal.lock" or "journal.owner")))
            File.Copy(path, Path.Combine(to, Path.GetFileName(path)), overwrite: true);
    }
}
