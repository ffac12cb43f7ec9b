using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Settlement.Replay.Export.Iso;

/// <summary>
/// Movements in the journal's order in, by account and then in the journal's order out, in constant memory: runs are sorted in memory and written
/// behind each other into one file, then merged.
/// </summary>
/// <remarks>Bounds: a run of 2^18 movements takes 23 MB and its keys 2 MB; reading back takes 44 KB a run.</remarks>
internal sealed class MovementSort : IDisposable
{
    public const int RunMovementsDefault = 1 << 18;

    private const int ReadMovements = 512;

    private readonly string _path;
    private readonly Movement[] _run;
    private readonly ulong[] _keys;
    private readonly Movement[] _sorted;
    private readonly List<(long First, int Count)> _runs = [];
    private readonly PriorityQueue<RunReader, (int Account, int Run)> _queue = new();
    private SafeFileHandle? _file;
    private RunReader? _current;
    private long _written;
    private int _count;

    /// <param name="path">A file of its own, made when a run is full.</param>
    /// <param name="runMovements">Movements sorted at a time.</param>
    public MovementSort(string path, int runMovements = RunMovementsDefault)
    {
        _path = path;
        _run = new Movement[runMovements];
        _keys = new ulong[runMovements];
        _sorted = new Movement[Math.Min(runMovements, ReadMovements)];
    }

    /// <summary>Movements added.</summary>
    public long Count { get; private set; }

    public void Add(in Movement movement)
    {
        if (_count == _run.Length)
            WriteRun();
        // The place keeps the journal's order among an account's movements.
        _keys[_count] = ((ulong)(uint)movement.Account << 32) | (uint)_count;
        _run[_count++] = movement;
        Count++;
    }

    /// <summary>Ends the adding; reading begins with the first movement.</summary>
    public void Begin()
    {
        if (_count > 0)
            WriteRun();
        for (int run = 0; run < _runs.Count; run++)
            Enqueue(new RunReader(_file!, run, _runs[run]));
        Take();
    }

    /// <summary>The account of the next movement; 0: there is none.</summary>
    public int NextAccount => _current?.Head.Account ?? 0;

    /// <summary>The next movement, if it is this account's.</summary>
    public bool TryTake(int account, out Movement movement)
    {
        movement = default;
        if (NextAccount != account || _current is null)
            return false;
        movement = _current.Head;
        if (!_current.Advance())
            Take();
        else if (_current.Head.Account != account)
            Enqueue(_current, andTake: true);
        return true;
    }

    public void Dispose() => _file?.Dispose();

    /// <summary>Within an account a run is read to its end before the next: runs follow each other in the journal's order.</summary>
    private void Enqueue(RunReader reader, bool andTake = false)
    {
        _queue.Enqueue(reader, (reader.Head.Account, reader.Run));
        if (andTake)
            Take();
    }

    private void Take() => _queue.TryDequeue(out _current, out _);

    private void WriteRun()
    {
        _file ??= File.OpenHandle(_path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
        _keys.AsSpan(0, _count).Sort();
        for (int done = 0; done < _count;)
        {
            int part = Math.Min(_sorted.Length, _count - done);
            for (int i = 0; i < part; i++)
                _sorted[i] = _run[(int)(uint)_keys[done + i]];
            RandomAccess.Write(_file, MemoryMarshal.AsBytes(_sorted.AsSpan(0, part)), (_written + done) * Movement.Size);
            done += part;
        }

        _runs.Add((_written, _count));
        _written += _count;
        _count = 0;
    }

    private sealed class RunReader
    {
        private readonly SafeFileHandle _file;
        private readonly Movement[] _part;
        private long _next;
        private int _left;
        private int _at;
        private int _filled;

        public RunReader(SafeFileHandle file, int run, (long First, int Count) extent)
        {
            (_file, Run, _next, _left) = (file, run, extent.First, extent.Count);
            _part = new Movement[Math.Min(ReadMovements, extent.Count)];
            Fill();
        }

        public int Run { get; }

        public ref readonly Movement Head => ref _part[_at];

        /// <summary>False: that was the run's last.</summary>
        public bool Advance()
        {
            if (++_at < _filled)
                return true;
            if (_left == 0)
                return false;
            Fill();
            return true;
        }

        private void Fill()
        {
            _at = 0;
            _filled = Math.Min(_part.Length, _left);
            Span<byte> bytes = MemoryMarshal.AsBytes(_part.AsSpan(0, _filled));
            for (int read = 0; read < bytes.Length;)
            {
                int got = RandomAccess.Read(_file, bytes[read..], (_next * Movement.Size) + read);
                if (got == 0)
                    throw new EndOfStreamException("the sort's own file ends early");
                read += got;
            }

            _next += _filled;
            _left -= _filled;
        }
    }
}
