using Settlement.Engine.Domain;

namespace Settlement.Tests.Simulation;

/// <summary>The part that elects: asks for votes, gives one a term, and remembers it as a file that is flushed before every answer would.</summary>
internal sealed partial class ClusterReplica
{
    private readonly bool[] _votes = new bool[count];
    private int _votedFor = -1;

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
}
