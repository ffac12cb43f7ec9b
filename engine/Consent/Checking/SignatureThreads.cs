using Settlement.Engine.Domain;

namespace Settlement.Engine.Consent.Checking;

/// <summary>Signatures that are checked together, by whichever threads have time: each takes a few, until none is left.</summary>
internal sealed class SignatureBatch(byte[] messageHead, int contentBytesMax)
{
    /// <summary>A third of a millisecond.</summary>
    private const int AtOnce = 4;

    private readonly record struct Job(KeyView Key, Payment Payment, ushort Participant, int Offset, int Length);

    private readonly List<Job> _jobs = [];
    private readonly byte[] _content = new byte[contentBytesMax];
    private bool[] _holds = [];
    private int _contentBytes;
    private int _taken; // interlocked
    private int _done; // interlocked

    public int Count => _jobs.Count;

    /// <param name="key">Whose signature it is said to be.</param>
    /// <param name="payment">What was signed.</param>
    /// <param name="participant">Of the session that sends it.</param>
    /// <param name="signature">Of the length of the key's scheme.</param>
    public void Add(KeyView key, in Payment payment, ushort participant, ReadOnlySpan<byte> signature)
    {
        signature.CopyTo(_content.AsSpan(_contentBytes));
        _jobs.Add(new Job(key, payment, participant, _contentBytes, signature.Length));
        _contentBytes += signature.Length;
    }

    /// <summary>Nothing is added any more.</summary>
    public void Close() => _holds = new bool[_jobs.Count];

    /// <summary>Whether the signature that was added as this one holds; when all are done.</summary>
    public bool Holds(int index) => _holds[index];

    /// <summary>Takes what is not taken yet. Any thread.</summary>
    /// <returns>Whether this thread finished the last.</returns>
    public bool Work()
    {
        Span<byte> message = stackalloc byte[ConsentMessage.PaymentBytes];
        messageHead.CopyTo(message);
        int done = 0;
        for (int from; (from = Interlocked.Add(ref _taken, AtOnce) - AtOnce) < _jobs.Count;)
        {
            for (int i = from; i < Math.Min(from + AtOnce, _jobs.Count); i++, done++)
            {
                Job job = _jobs[i];
                ConsentMessage.WritePayment(job.Payment, job.Participant, message);
                _holds[i] = job.Key.Verifies(message, _content.AsSpan(job.Offset, job.Length));
            }
        }

        return done > 0 && Interlocked.Add(ref _done, done) == _jobs.Count;
    }

    public bool IsDone => Volatile.Read(ref _done) == _jobs.Count;
}

/// <summary>Threads that help whoever has signatures to check. A batch is worked on by its owner, too, so none waits for a thread that has no core.</summary>
internal sealed class SignatureThreads : IDisposable
{
    /// <summary>With fewer, waking another thread costs more than it takes off.</summary>
    private const int SharedMin = 8;

    private readonly Thread[] _threads;
    private readonly object _gate = new();
    private readonly List<SignatureBatch> _batches = []; // written by: holders of the gate
    private bool _stopping; // written by: holders of the gate

    public SignatureThreads(int count)
    {
        _threads = [.. Enumerable.Range(0, count).Select(_ => new Thread(Run) { IsBackground = true, Name = "signatures" })];
        foreach (Thread thread in _threads)
            thread.Start();
    }

    /// <summary>Checks all; returns when all are checked.</summary>
    public void Check(SignatureBatch batch)
    {
        batch.Close();
        if (batch.Count < SharedMin || _threads.Length == 0)
        {
            _ = batch.Work();
            return;
        }

        lock (_gate)
        {
            _batches.Add(batch);
            Monitor.PulseAll(_gate);
        }

        _ = batch.Work();
        lock (_gate)
        {
            _batches.Remove(batch);
            while (!batch.IsDone)
                Monitor.Wait(_gate);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }

        foreach (Thread thread in _threads)
            thread.Join();
    }

    private void Run()
    {
        while (true)
        {
            SignatureBatch batch;
            lock (_gate)
            {
                while (_batches.Count == 0 && !_stopping)
                    Monitor.Wait(_gate);
                if (_stopping)
                    return;
                batch = _batches[0];
            }

            bool finished = batch.Work();
            lock (_gate)
            {
                _batches.Remove(batch);
                if (finished)
                    Monitor.PulseAll(_gate);
            }
        }
    }
}
