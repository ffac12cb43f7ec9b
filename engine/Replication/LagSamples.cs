namespace Settlement.Engine.Replication;

/// <summary>
/// Where in the log blocks ended lately, so that a lag in blocks can be told in bytes. The last <see cref="Count"/> group commits; a lag beyond them is told as at least what they span.
/// </summary>
/// <remarks>Written by: who appends. Read by any thread: a sample that is just being replaced is read as it was or as it will be.</remarks>
internal sealed class LagSamples
{
    private const int Count = 1024;

    private readonly (ulong Block, long End)[] _samples = new (ulong, long)[Count];
    private readonly Lock _gate = new();
    private ulong _put;

    public void Add(ulong block, long end)
    {
        lock (_gate)
            _samples[_put++ % Count] = (block, end);
    }

    /// <summary>Bytes of log behind a block.</summary>
    public long BytesBehind(ulong block)
    {
        lock (_gate)
        {
            if (_put == 0)
                return 0;
            (ulong last, long end) = _samples[(_put - 1) % Count];
            if (block >= last)
                return 0;
            ulong oldest = _put - Math.Min(_put, Count);
            ulong from = _put - 1;
            while (from > oldest && _samples[from % Count].Block > block)
                from--;
            return end - _samples[from % Count].End;
        }
    }
}
