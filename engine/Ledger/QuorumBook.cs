using System.IO.Hashing;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Ledger;

/// <summary>
/// Commands that one session has sent and that wait for another to send the same.
/// All written by: settle thread.
/// </summary>
internal sealed class QuorumBook(LedgerState state)
{
    private readonly Dictionary<UInt128, ushort> _awaited = []; // command to its first session; looked up, never walked

    /// <summary>Lets the command through when another session has sent the same before; if none has, takes note of this one.</summary>
    /// <param name="command">Its 64 bytes count, but for the session.</param>
    /// <param name="continuation">Its other bytes; they count, too.</param>
    /// <param name="quorum">1: it goes through; 2: two sessions. There is no other.</param>
    public Verdict Refusal(in ControlCommand command, ReadOnlySpan<byte> continuation, int quorum)
    {
        if (quorum <= 1)
            return Verdict.Undecided;
        ControlCommand anonymous = command;
        anonymous.Session = 0;
        var hash = new XxHash128();
        hash.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<ControlCommand>(in anonymous)));
        hash.Append(continuation);
        UInt128 key = hash.GetCurrentHashAsUInt128();
        if (_awaited.TryGetValue(key, out ushort first))
            return first != command.Session && _awaited.Remove(key) ? Verdict.Undecided : Verdict.AwaitingQuorum;
        if (_awaited.Count == Limits.ApprovalsMax)
            return Verdict.CapacityExceeded;
        _awaited.Add(key, command.Session);
        state.Fold(in command, continuation);
        return Verdict.AwaitingQuorum;
    }

    public void Save(SnapshotWriter writer)
    {
        writer.Write((ulong)_awaited.Count);
        foreach (UInt128 key in _awaited.Keys.Order())
        {
            writer.Write(in key);
            writer.Write(_awaited[key]);
        }
    }

    public void Load(SnapshotReader reader)
    {
        for (int count = reader.ReadCount(Limits.ApprovalsMax, "commands that await their quorum"); count > 0; count--)
        {
            UInt128 key = reader.Read<UInt128>();
            reader.Expect(_awaited.TryAdd(key, reader.Read<ushort>()), "a command awaits its quorum twice");
        }
    }
}
