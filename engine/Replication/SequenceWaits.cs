namespace Settlement.Engine.Replication;

/// <summary>
/// Readers that want a state of at least some sequence: what they saw last, maybe at another node.
/// </summary>
/// <remarks>
/// Invariant: whoever waits is told once, that it is there, or that it is not and will not be waited for. The thread that writes the state pays one read a block
/// while nobody waits for what it has reached.
/// Bounds: <see cref="WaitingMax"/>.
/// </remarks>
internal sealed class SequenceWaits(ulong reached)
{
    public const int WaitingMax = 4_096;

    private readonly Lock _lock = new();

    // All below: under the lock.
    private readonly SortedDictionary<(ulong Sequence, ulong Ticket), TaskCompletionSource<bool>> _waiting = [];
    private ulong _tickets;
    private bool _isClosed;

    private ulong _reached = reached; // written by: the thread that writes the state
    private ulong _lowest = ulong.MaxValue; // that anybody waits for; written by: holders of the lock

    /// <summary>The state is this far.</summary>
    public void Reached(ulong sequence)
    {
        // Who comes to wait writes what he wants, then reads how far the state is, under the lock; this writes how far it is, then reads what is wanted. Both are full
        // fences, so one of the two sees the other.
        Interlocked.Exchange(ref _reached, sequence);
        if (Volatile.Read(ref _lowest) <= sequence)
            Tell(sequence);
    }

    /// <summary>Whether the state came to be at least so far before the time was over. False also where too many wait, and when the replica ends.</summary>
    public async Task<bool> WaitAsync(ulong sequence, TimeSpan atMost, CancellationToken token)
    {
        if (Volatile.Read(ref _reached) >= sequence)
            return true;
        (ulong, ulong) key;
        TaskCompletionSource<bool> told;
        lock (_lock)
        {
            if (_isClosed || _waiting.Count == WaitingMax)
                return false;
            key = (sequence, _tickets++);
            _waiting.Add(key, told = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
            NoteLowest();
        }

        if (Volatile.Read(ref _reached) >= sequence)
            told.TrySetResult(true);
        try
        {
            return await told.Task.WaitAsync(atMost, token).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return false;
        }
        finally
        {
            lock (_lock)
            {
                _waiting.Remove(key);
                NoteLowest();
            }
        }
    }

    /// <summary>The replica ends.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            foreach (TaskCompletionSource<bool> told in _waiting.Values)
                told.TrySetResult(false);
        }
    }

    private void Tell(ulong sequence)
    {
        lock (_lock)
        {
            while (_waiting.Count > 0)
            {
                ((ulong Sequence, ulong) key, TaskCompletionSource<bool> told) = _waiting.First();
                if (key.Sequence > sequence)
                    break;
                told.TrySetResult(true);
                _waiting.Remove(key);
            }

            NoteLowest();
        }
    }

    private void NoteLowest() => Interlocked.Exchange(ref _lowest, _waiting.Count == 0 ? ulong.MaxValue : _waiting.First().Key.Sequence);
}
