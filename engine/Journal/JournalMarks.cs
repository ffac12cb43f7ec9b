using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Settlement.Engine.Domain;
using Settlement.Engine.Ring;

namespace Settlement.Engine.Journal;

/// <summary>
/// Blocks of the consensus library's own that come while the stages run, on their way to the journal stage: one thread appends.
/// </summary>
/// <remarks>
/// Invariant: every block that was taken in is appended and its number told, or its task fails and it never is appended.
/// Failure assumed: the stages end at any time, and so does the journal.
/// </remarks>
internal sealed class JournalMarks
{
    /// <summary>Membership changes one at a time: more than a few waiting is a fault of the caller.</summary>
    public const int WaitingMax = 64;

    /// <summary>A block to be appended.</summary>
    /// <param name="Kind">Of it.</param>
    /// <param name="Body">Must not change.</param>
    /// <param name="Number">Told once it is appended, or that it will not be.</param>
    public sealed record Mark(BlockKind Kind, ReadOnlyMemory<byte> Body, TaskCompletionSource<ulong> Number);

    private readonly ConcurrentQueue<Mark> _waiting = new();
    private int _count; // written by: askers and the journal stage, interlocked
    private volatile bool _closed; // written by: the journal stage, once

    public bool IsEmpty => _waiting.IsEmpty;

    /// <summary>Any thread.</summary>
    /// <returns>The block's number, once it is appended.</returns>
    /// <exception cref="InvalidOperationException">Too many wait.</exception>
    public Task<ulong> Add(BlockKind kind, ReadOnlyMemory<byte> body)
    {
        if (Interlocked.Increment(ref _count) > WaitingMax)
        {
            Interlocked.Decrement(ref _count);
            throw new InvalidOperationException($"{WaitingMax} blocks of the consensus library's wait to be appended already");
        }

        var mark = new Mark(kind, body, new TaskCompletionSource<ulong>(TaskCreationOptions.RunContinuationsAsynchronously));
        _waiting.Enqueue(mark);
        if (_closed)
            RefuseAll();
        return mark.Number.Task;
    }

    /// <summary>The journal stage.</summary>
    public bool TryTake([NotNullWhen(true)] out Mark? mark)
    {
        if (!_waiting.TryDequeue(out mark))
            return false;
        Interlocked.Decrement(ref _count);
        return true;
    }

    /// <summary>Nothing is appended any more.</summary>
    public void Close()
    {
        _closed = true;
        RefuseAll();
    }

    private void RefuseAll()
    {
        while (TryTake(out Mark? mark))
            mark.Number.TrySetException(new EngineStoppedException(isSteppedDown: true));
    }
}
