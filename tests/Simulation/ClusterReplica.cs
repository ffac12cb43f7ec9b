using System.Runtime.InteropServices;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;
using Settlement.Engine.Snapshots;
using Settlement.Tests.Dedup;

namespace Settlement.Tests.Simulation;

/// <summary>
/// One of several replicas, on the simulation's thread: the product's replicated log on FASTER's, recovery, snapshots, settling and trees, and a small consensus in the place of the
/// library's.
/// </summary>
/// <remarks>
/// Invariant: what is applied is committed; a follower answers for what is on its disk; a vote is remembered over restarts. The consensus' term and vote
/// are kept by the simulation, as a file that is flushed before every answer would keep them.
/// Failure assumed: its disk's faults, and messages that are lost, late, doubled and out of order. A replica whose journal is refused starts anew, counts for no quorum and
/// gives no vote until it has all that a confirmed leader has.
/// </remarks>
internal sealed class ClusterReplica(int index, int count, string folder, SimulatedDisk disk, Mutant mutant) : IDisposable
{
    private const int BlocksInMessageMax = 3;
    private const int RecentBytes = 16 << 10;

    private readonly record struct InFlight(ulong Block, Claim Claim, ulong FirstSequence);

    private readonly ulong[] _next = new ulong[count];
    private readonly ulong[] _match = new ulong[count];
    private readonly int[] _incarnations = new int[count];
    private readonly bool[] _isRecoveringThere = new bool[count];
    private readonly bool[] _votes = new bool[count];
    private readonly List<InFlight> _inFlight = [];
    private byte[] _buffer = new byte[4096];
    private ReplicaLog? _log;
    private BlockReplay? _replay;
    private MemoryIdStore? _store;
    private ulong _termBlock;
    private ulong _sealedBatch;

    public int Index => index;

    public SimulatedDisk Disk => disk;

    public bool IsUp => _log is not null;

    public bool IsLeading { get; private set; }

    /// <summary>It leads, and has applied all that was committed before: it takes claims.</summary>
    public bool TakesClaims => IsUp && IsLeading && Applied >= _termBlock;

    public ulong Term { get; private set; }

    private int _votedFor = -1;

    public bool IsRecovering { get; private set; }

    public int Incarnation { get; private set; }

    public ulong Applied { get; private set; }

    public ReplicaLog Log => _log ?? throw new InvalidOperationException("the replica is down");

    public BlockReplay Replay => _replay ?? throw new InvalidOperationException("the replica is down");

    public long ClockErrorNs { get; set; }

    /// <summary>Times that it was elected.</summary>
    public int Elections { get; private set; }

    /// <summary>Suffixes of the log that were replaced.</summary>
    public int Cuts { get; private set; }

    public required Action<ClusterMessage> Send { get; init; }

    /// <summary>Told what a leader's claim came to.</summary>
    public required Action<Claim, ulong, Outcome[]> Answered { get; init; }

    /// <summary>Told of claims whose fate nobody will tell.</summary>
    public required Action<Claim> NotAnswered { get; init; }

    public required Action<ClosedBatch> Published { get; init; }

    /// <summary>Told every block that is applied.</summary>
    public required Action<BlockHeader> OnApplied { get; init; }

    /// <summary>A cut is at a step; true: power goes there.</summary>
    public required Func<string, bool> CutStep { get; init; }

    public void Create(ulong timeNs)
    {
        Genesis genesis = LoneReplica.Genesis;
        FasterJournal.Create(folder, LoneReplica.LedgerId, timeNs, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis)), Options).Dispose();
    }

    private JournalOptions Options => LoneReplica.JournalOptions with { FileCalls = disk };

    public void Open()
    {
        try
        {
            _log = ReplicaLog.Open(folder, Options, new DiskSignals(WaitStrategyKind.Blocking), out _, RecentBytes);
            _log.CutStep = step =>
            {
                if (CutStep(step))
                    throw new SimulatedPowerCut();
            };
            _replay = new SnapshotStore(folder).LoadNewest(LoneReplica.LedgerId, NewReplay, head => head.Block <= _log.CommittedBlock, _ => { }, out SnapshotHead head);
            Applied = _replay is null ? 0 : head.Block;
            _replay ??= NewReplay();
            _replay.Closed = Published;
            if (!_replay.HasState)
                Apply(0);
            if (mutant == Mutant.ForgetVote)
                _votedFor = -1;
            ApplyCommitted();
        }
        catch
        {
            Close();
            throw;
        }
    }

    private BlockReplay NewReplay() => new(genesis =>
    {
        _store?.Dispose();
        _store = new MemoryIdStore();
        return new Deduplicator(in genesis, Deduplicator.IdMemoryBytesMin, _store);
    });

    /// <summary>Its journal is lost: it starts with nothing but its term and vote.</summary>
    public void StartAnew(ulong genesisTimeNs)
    {
        Close();
        Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        Incarnation++;
        IsRecovering = true;
        Create(genesisTimeNs);
        Open();
    }

    public void Close()
    {
        StepDown();
        _log?.Dispose();
        _replay?.Dispose();
        _store?.Dispose();
        (_log, _replay, _store) = (null, null, null);
        Applied = 0;
    }

    public void Dispose() => Close();

    // Elections.

    /// <summary>Nothing was heard of a leader for long.</summary>
    public void Elect()
    {
        if (IsLeading || IsRecovering)
            return;
        KeepVote(Term + 1, index);
        Array.Clear(_votes);
        _votes[index] = true;
        foreach (int other in Others())
            Send(new ClusterMessage(MessageKind.AskVote, index, other, Term) { Block = Log.LastBlock, BlockTerm = Log.LastTerm });
    }

    /// <summary>Flushed before anybody is told.</summary>
    private void KeepVote(ulong term, int votedFor)
    {
        bool isDone = disk.TryKeepRecord(out bool isKept);
        if (isKept)
            (Term, _votedFor) = (term, votedFor);
        if (isDone)
            return;
        if (disk.IsDead)
            throw new SimulatedPowerCut();
        throw new IOException("the term and vote could not be written");
    }

    private IEnumerable<int> Others() => Enumerable.Range(0, count).Where(other => other != index);

    private bool IsQuorum(int votes) => votes > count / 2;

    /// <returns>Whether it comes from a leader or went to a candidate, so that the time for an election begins anew.</returns>
    public bool Take(ClusterMessage message)
    {
        if (message.Term > Term)
        {
            StepDown();
            KeepVote(message.Term, -1);
        }

        switch (message.Kind)
        {
            case MessageKind.AskVote:
                return TakeAskVote(message);
            case MessageKind.Vote:
                TakeVote(message);
                return false;
            case MessageKind.Append:
                return TakeAppend(message);
            default:
                TakeAppended(message);
                return false;
        }
    }

    private bool TakeAskVote(ClusterMessage message)
    {
        bool isBehind = message.BlockTerm < Log.LastTerm || (message.BlockTerm == Log.LastTerm && message.Block < Log.LastBlock);
        bool isGiven = message.Term == Term && (_votedFor == -1 || _votedFor == message.From) && !isBehind && !IsRecovering && !IsLeading;
        if (isGiven && _votedFor != message.From)
            KeepVote(Term, message.From);
        Send(new ClusterMessage(MessageKind.Vote, index, message.From, Term) { IsYes = isGiven });
        return isGiven;
    }

    private void TakeVote(ClusterMessage message)
    {
        if (message.Term != Term || !message.IsYes || _votedFor != index || IsLeading)
            return;
        _votes[message.From] = true;
        if (IsQuorum(_votes.Count(vote => vote)))
            Lead();
    }

    private void Lead()
    {
        IsLeading = true;
        Elections++;
        Log.BeginLeading(Term);
        Array.Fill(_next, Log.LastBlock + 1);
        Array.Clear(_match);
        _sealedBatch = 0;
        _termBlock = Log.AppendMark(BlockKind.Term, Term, default);
        OnFlushed();
        SendAll();
    }

    private void StepDown()
    {
        if (IsLeading && _log is not null)
            _log.EndLeading();
        IsLeading = false;
        foreach (InFlight claim in _inFlight)
            NotAnswered(claim.Claim);
        _inFlight.Clear();
    }

    // Leading.

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

    // Following.

    private bool TakeAppend(ClusterMessage message)
    {
        if (message.Term < Term || message.Incarnation > Incarnation)
        {
            Answer(message, isYes: false, Log.LastBlock);
            return false;
        }

        if (IsLeading)
            throw new BrokenPromiseException($"replica {index} leads in term {Term}, and so does replica {message.From}");
        if (message.Block > Log.LastBlock)
        {
            Answer(message, isYes: false, Log.LastBlock);
            return true;
        }

        if (message.Block < Log.FirstBlock || Log.TermOf(message.Block) != message.BlockTerm)
        {
            Answer(message, isYes: false, message.Block - 1);
            return true;
        }

        ulong same = message.Block;
        foreach (byte[] block in message.Blocks)
        {
            ulong number = ++same;
            ulong term = MemoryMarshal.AsRef<BlockHeader>(block.AsSpan(0, BlockHeader.Size)).Term;
            if (number <= Log.LastBlock && Log.TermOf(number) == term)
                continue;
            if (number <= Log.LastBlock)
            {
                if (mutant == Mutant.SkipSuffixCut)
                    continue;
                Cuts++;
                Log.CutBehind(number - 1);
            }

            Log.AppendReplicated(block);
        }

        Flush(same);
        if (disk.IsDead)
            return true;
        ulong committed = mutant == Mutant.ApplyUncommitted ? same : Math.Min(message.Committed, same);
        if (committed > Log.CommittedBlock)
        {
            Flush(committed, isNeeded: true);
            Log.MarkCommitted(committed);
            ApplyCommitted();
        }

        if (IsRecovering && message.Incarnation == Incarnation && message.IsLeaderConfirmed && same >= message.LeaderLast)
            IsRecovering = false;
        Answer(message, isYes: true, same);
        return true;
    }

    private void Flush(ulong block, bool isNeeded = false)
    {
        if (mutant == Mutant.AnswerBeforeFlush && !isNeeded)
            return;
        Task flushed = Log.FlushAsync(block).AsTask();
        if (!disk.IsDead)
            flushed.GetAwaiter().GetResult(); // written inline: it is done, or it failed and throws
    }

    private void Answer(ClusterMessage message, bool isYes, ulong same) => Send(new ClusterMessage(MessageKind.Appended, index, message.From, Term)
    {
        IsYes = isYes, Block = same, Incarnation = Incarnation, IsRecovering = IsRecovering,
    });

    // Applying.

    private void ApplyCommitted()
    {
        while (Applied < Log.CommittedBlock)
            Apply(Applied + 1);
    }

    private void Apply(ulong block)
    {
        int bytes = Log.Read(block, ref _buffer);
        if (bytes < 0)
            throw new BrokenPromiseException($"replica {index} has committed block {block} and cannot read it");
        BlockHeader header = MemoryMarshal.Read<BlockHeader>(_buffer);
        Replay.Apply(in header, _buffer.AsSpan(BlockHeader.Size, bytes - BlockHeader.Size));
        Applied = block;
        OnApplied(header);
        int found = _inFlight.FindIndex(claim => claim.Block == block);
        if (found < 0)
            return;
        InFlight answered = _inFlight[found];
        _inFlight.RemoveAt(found);
        Answered(answered.Claim, answered.FirstSequence, Replay.Outcomes.ToArray());
    }

    /// <summary>A snapshot of what is committed, by a second engine.</summary>
    public SnapshotTaken? TakeSnapshot()
    {
        var options = new SnapshotOptions { IdMemoryBytes = Deduplicator.IdMemoryBytesMin, WriteBytesPerSecondMax = 0, NewIdStore = _ => new MemoryIdStore() };
        return SnapshotTaking.Take(folder, options, _ => { });
    }
}

/// <summary>Power went in the midst of what the engine does between two writes.</summary>
internal sealed class SimulatedPowerCut : Exception
{
    public SimulatedPowerCut()
        : base("power went")
    {
    }
}
