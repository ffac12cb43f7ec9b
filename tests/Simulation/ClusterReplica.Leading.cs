using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.Tests.Simulation;

/// <summary>The part that leads: seals claims into blocks, sends them, counts the disks that have them, and commits.</summary>
internal sealed partial class ClusterReplica
{
    private const int BlocksInMessageMax = 3;

    private readonly record struct InFlight(ulong Block, Claim Claim, ulong FirstSequence);

    private readonly ulong[] _next = new ulong[count];
    private readonly ulong[] _match = new ulong[count];
    private readonly int[] _incarnations = new int[count];
    private readonly bool[] _isRecoveringThere = new bool[count];
    private readonly List<InFlight> _inFlight = [];
    private ulong _termBlock;
    private ulong _sealedBatch;

    /// <summary>Heartbeats, and what followers lack.</summary>
    public void SendAll()
    {
        if (!IsLeading || disk.IsDead)
            return;
        foreach (int other in Others())
            SendTo(other);
    }

    private void SendTo(int other)
    {
        ulong before = _next[other] - 1;
        var blocks = new List<byte[]>();
        for (ulong block = before + 1; block <= Log.LastBlock && blocks.Count < BlocksInMessageMax; block++)
        {
            int bytes = Log.Read(block, ref _buffer);
            if (bytes < 0)
                throw new BrokenPromiseException($"replica {index} has blocks up to {Log.LastBlock} and cannot read block {block}");
            blocks.Add(_buffer.AsSpan(0, bytes).ToArray());
        }

        Send(new ClusterMessage(MessageKind.Append, index, other, Term)
        {
            Block = before, BlockTerm = Log.TermOf(before), Blocks = blocks, Committed = Log.CommittedBlock, LeaderLast = Log.LastBlock,
            IsLeaderConfirmed = Log.CommittedBlock >= _termBlock, Incarnation = _incarnations[other],
        });
    }

    private void TakeAppended(ClusterMessage message)
    {
        if (!IsLeading || message.Term != Term || message.Incarnation < _incarnations[message.From])
            return;
        int from = message.From;
        if (message.Incarnation > _incarnations[from])
            (_incarnations[from], _match[from]) = (message.Incarnation, 0);
        _isRecoveringThere[from] = message.IsRecovering;
        if (message.IsYes)
        {
            _match[from] = Math.Max(_match[from], message.Block);
            _next[from] = Math.Max(_next[from], message.Block + 1);
            CountQuorum();
            if (_next[from] <= Log.LastBlock)
                SendTo(from);
            return;
        }

        // It lacks what the last message follows on; it says how far it may be the same.
        _next[from] = Math.Max(1, Math.Min(_next[from] - 1, message.Block + 1));
        SendTo(from);
    }

    private void OnFlushed()
    {
        if (disk.IsDead)
            return;
        _match[index] = Log.FlushedBlock;
        CountQuorum();
    }

    private void CountQuorum()
    {
        _match[index] = Log.FlushedBlock;
        for (ulong block = Log.LastBlock; block > Log.CommittedBlock; block--)
        {
            int copies = Enumerable.Range(0, count).Count(replica => _match[replica] >= block && !(replica != index && _isRecoveringThere[replica]));
            bool isEnough = IsQuorum(copies) || (mutant == Mutant.AcknowledgeBeforeQuorum && _match[index] >= block);
            if (!isEnough || Log.TermOf(block) != Term)
                continue;
            Log.MarkCommitted(block);
            ApplyCommitted();
            return;
        }
    }

    /// <summary>Seals a claim into a block and begins to replicate it.</summary>
    public void Submit(Claim claim, ulong nowNs)
    {
        ulong firstSequence = Log.NextSequence;
        ulong clock = (ulong)((long)nowNs + ClockErrorNs);
        var header = new BlockHeader
        {
            Kind = claim.IsControl ? BlockKind.Control : BlockKind.Payments,
            FirstSequence = firstSequence,
            Count = (uint)claim.Slots.Length,
            TimeNs = JournalStage.TimeAfter(isTimeSet: true, Log.LastTimeNs, clock, claim.AcceptsTime),
        };
        _inFlight.Add(new InFlight(Log.LastBlock + 1, claim, firstSequence));
        Append(ref header, MemoryMarshal.AsBytes(claim.Slots.AsSpan()));
    }

    public void TickIfDue(ulong nowNs)
    {
        ulong clock = (ulong)((long)nowNs + ClockErrorNs);
        ulong now = JournalStage.TimeAfter(isTimeSet: true, Log.LastTimeNs, clock, acceptsTime: false);
        bool isOver = Replay.State.Batch.DueNs is { } due && now >= due && Applied == Log.LastBlock;
        if (!isOver && now - Log.LastTimeNs < Limits.TimeStepMaxNs / 2)
            return;
        var header = new BlockHeader { Kind = BlockKind.Tick, FirstSequence = Log.NextSequence, TimeNs = now };
        Append(ref header, default);
    }

    /// <summary>Journals the statement of the oldest batch that has no seal.</summary>
    public void Seal()
    {
        if (Replay.Unsealed.FirstOrDefault(batch => batch.Number > _sealedBatch) is not { } unsealed)
            return;
        _sealedBatch = unsealed.Number;
        var header = new BlockHeader { Kind = BlockKind.Seal, FirstSequence = Log.NextSequence, TimeNs = Log.LastTimeNs };
        Append(ref header, unsealed.Encode());
    }

    public bool NeedsToAcceptTime(ulong nowNs) => (ulong)((long)nowNs + ClockErrorNs) > Log.LastTimeNs + Limits.TimeStepMaxNs;

    private void Append(ref BlockHeader header, ReadOnlySpan<byte> body)
    {
        Log.Append(ref header, body, default);
        Log.Commit();
        OnFlushed();
        SendAll();
    }
}
