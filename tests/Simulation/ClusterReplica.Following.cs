using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.Tests.Simulation;

/// <summary>The part that follows: takes what a leader sends, replaces what is not the same, flushes, and answers for what is on its disk.</summary>
internal sealed partial class ClusterReplica
{
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
}
