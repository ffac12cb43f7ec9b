using Settlement.Engine.Batch;

namespace Settlement.Gateway.Http.Batches;

/// <summary>
/// The closed batches that the server shows, the newest <see cref="KeptMax"/> of them, and who waits for the next: event streams and webhooks.
/// </summary>
/// <remarks>
/// Told by the tree thread, in order; it takes a lock for the time of an append, and wakes waiters elsewhere. A batch stays below 1 KiB but for its positions.
/// Invariant: numbers have no gap.
/// </remarks>
internal sealed class BatchBoard : IBatchPublisher
{
    public const int KeptMax = 16_384;

    private readonly Lock _lock = new();
    private readonly Queue<ClosedBatch> _kept = new(); // written by: tree thread, under the lock
    private ClosedBatch[] _view = []; // of _kept, made when asked for; under the lock
    private bool _isStale;
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong _last; // under the lock

    /// <summary>Number of the newest; 0: there is none.</summary>
    public ulong Last
    {
        get
        {
            lock (_lock)
                return _last;
        }
    }

    /// <summary>Also told what the journal had before the server started, before anyone else. One that is known already is passed over.</summary>
    public void OnClosed(ClosedBatch batch)
    {
        TaskCompletionSource told;
        lock (_lock)
        {
            if (batch.Number <= _last)
                return;
            if (batch.Number != _last + 1)
                _kept.Clear(); // the journal was cut: older ones are not to be had here
            _kept.Enqueue(batch);
            if (_kept.Count > KeptMax)
                _kept.Dequeue();
            _last = batch.Number;
            _isStale = true;
            told = _next;
            _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        told.TrySetResult();
    }

    /// <summary>The batches kept, the oldest first. The array is never written again.</summary>
    public ReadOnlyMemory<ClosedBatch> All()
    {
        lock (_lock)
        {
            if (_isStale)
                (_view, _isStale) = ([.. _kept], false);
            return _view;
        }
    }

    /// <summary>Null: not closed yet, or too old to be kept.</summary>
    public ClosedBatch? Find(ulong number)
    {
        ReadOnlySpan<ClosedBatch> all = All().Span;
        return all.Length > 0 && number >= all[0].Number && number - all[0].Number < (ulong)all.Length ? all[(int)(number - all[0].Number)] : null;
    }

    /// <summary>The oldest batch kept behind a number; waits until there is one.</summary>
    public async Task<ClosedBatch> NextBehindAsync(ulong number, CancellationToken cancel)
    {
        for (;;)
        {
            Task next;
            lock (_lock)
                next = _next.Task;
            ReadOnlySpan<ClosedBatch> all = All().Span;
            if (all.Length > 0 && all[^1].Number > number)
                return all[(int)(number < all[0].Number ? 0 : number - all[0].Number + 1)];
            await next.WaitAsync(cancel);
        }
    }
}
