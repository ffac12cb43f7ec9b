namespace Settlement.Engine.Replication;

/// <summary>
/// Who waits for blocks to be on disk, and for which. Told by the disk's thread, which never runs what waits: it only says that it may go on.
/// </summary>
internal sealed class FlushWaiters
{
    private readonly record struct Waiter(ulong Block, TaskCompletionSource Done);

    private readonly Lock _gate = new();
    private readonly List<Waiter> _waiters = [];
    private Exception? _failure;

    /// <summary>Ends when the block is on disk, or when that will not be.</summary>
    /// <param name="block">Appended already.</param>
    /// <param name="flushed">Asked once more when whoever comes next is sure to be told.</param>
    /// <param name="token">Ends the waiting alone.</param>
    public ValueTask Wait(ulong block, Func<ulong> flushed, CancellationToken token)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_failure is not null)
                return ValueTask.FromException(_failure);
            if (flushed() >= block)
                return default;
            _waiters.Add(new Waiter(block, done));
        }

        return new ValueTask(token.CanBeCanceled ? done.Task.WaitAsync(token) : done.Task);
    }

    public void Flushed(ulong block)
    {
        lock (_gate)
        {
            for (int i = _waiters.Count - 1; i >= 0; i--)
            {
                if (_waiters[i].Block > block)
                    continue;
                _waiters[i].Done.SetResult();
                _waiters.RemoveAt(i);
            }
        }
    }

    /// <summary>Blocks behind this one were cut away: nobody will see them on disk.</summary>
    public void CutBehind(ulong block)
    {
        lock (_gate)
        {
            for (int i = _waiters.Count - 1; i >= 0; i--)
            {
                if (_waiters[i].Block <= block)
                    continue;
                _waiters[i].Done.SetException(new InvalidOperationException($"block {_waiters[i].Block} was cut away before it was waited for to the end"));
                _waiters.RemoveAt(i);
            }
        }
    }

    public void Fail(Exception failure)
    {
        lock (_gate)
        {
            _failure ??= failure;
            foreach (Waiter waiter in _waiters)
                waiter.Done.SetException(failure);
            _waiters.Clear();
        }
    }
}
