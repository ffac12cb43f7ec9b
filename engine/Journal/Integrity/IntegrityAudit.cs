using System.Diagnostics;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Journal.Integrity;

/// <summary>
/// Reads the journal of a running node from its first byte to what is on disk, and its snapshots, over and over, at a bounded rate and on a thread of the lowest priority; what is damaged is told, and repaired from
/// whoever has a copy.
/// </summary>
/// <remarks>
/// Purpose: what a disk forgets is found while others still remember it, and not on the day on which this node is the last one, or is started again.
/// Invariant: it writes nothing but repairs (<see cref="LogMending"/>), and the node never waits for it; but who has just met damage in reading may (<see cref="TryMend"/>).
/// Failure assumed: the log grows, its end is replaced, its beginning is cut away, all while it is read. Damage is believed only once it was read twice.
/// </remarks>
public sealed class IntegrityAudit : IDisposable
{
    private const int WaitedMsMax = 3_000;
    private const int AskedAgainMsMin = 60_000;

    /// <summary>A pass that found damage, and members who did not answer, is followed by the next so soon.</summary>
    private static readonly TimeSpan s_soon = TimeSpan.FromMinutes(1);

    private readonly IAuditedLog _log;
    private readonly AuditOptions _options;
    private readonly Func<IReadOnlyList<BlockCopy>> _copies;
    private readonly Action<string> _tell;
    private readonly Thread? _thread;
    private readonly object _gate = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Dictionary<ulong, long> _notMended = []; // block, and when that was seen; written by: holders of _gate
    private TimeSpan _due; // when the next piece may be read; written by: the audit's thread
    private Wanted? _wanted; // written by: holders of _gate
    private bool _stopping; // written by: holders of _gate

    private sealed record Wanted(ulong Block, long Address)
    {
        public bool IsDone { get; set; }

        public bool IsMended { get; set; }
    }

    /// <param name="log">In use; stays the caller's, who disposes it after this.</param>
    /// <param name="options">When and how fast.</param>
    /// <param name="copies">Who may have good copies of blocks; asked when damage was found, on the audit's thread.</param>
    /// <param name="tell">Told in sentences what was found and done.</param>
    internal IntegrityAudit(IAuditedLog log, AuditOptions options, Func<IReadOnlyList<BlockCopy>> copies, Action<string> tell)
    {
        (_log, _options, _copies, _tell) = (log, options, copies, tell);
        if (options.BytesPerSecond == 0)
            return;
        _thread = new Thread(Run) { Name = "audit", IsBackground = true };
        _thread.Start();
    }

    public AuditFigures Figures { get; } = new();

    private bool IsStopping
    {
        get
        {
            lock (_gate)
                return _stopping;
        }
    }

    /// <summary>Has damage that a reader met repaired, now. Any thread but the audit's; waits some seconds at most.</summary>
    /// <param name="found">What it met.</param>
    /// <returns>Whether reading it again is worth it.</returns>
    public bool TryMend(BlockDamage found)
    {
        if (_thread is null || Thread.CurrentThread == _thread)
            return false;
        lock (_gate)
        {
            long now = Environment.TickCount64;
            if (_stopping || (_notMended.TryGetValue(found.Block, out long at) && now - at < AskedAgainMsMin))
                return false;
            if (_wanted is null || _wanted.IsDone)
                _wanted = new Wanted(found.Block, found.Address);
            Wanted wanted = _wanted;
            Monitor.PulseAll(_gate);
            while (!wanted.IsDone && !_stopping && Environment.TickCount64 - now is var waited && waited < WaitedMsMax)
                Monitor.Wait(_gate, (int)(WaitedMsMax - waited));
            if (!wanted.IsMended)
                _notMended[found.Block] = Environment.TickCount64;
            return wanted.IsMended;
        }
    }

    /// <summary>Reads everything once, now, on the calling thread, as fast as it goes. Only where no thread does it.</summary>
    internal void RunOnce()
    {
        using var disk = new LogDisk(_log.Files, _log.FileCalls);
        Pass(disk, Count);
    }

    /// <summary>Reads the journal alone once, from a page's start on, as fast as it goes. Only where no thread does it.</summary>
    internal void RunFrom(long pageStart)
    {
        using var disk = new LogDisk(_log.Files, _log.FileCalls);
        Walk(disk, pageStart, ulong.MaxValue, Count);
    }

    private bool Count(int bytes)
    {
        Figures.Read(bytes);
        return true;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }

        _thread?.Join();
    }

    private void Run()
    {
        ThreadPriorities.YieldToAll();
        while (true)
        {
            try
            {
                using (var disk = new LogDisk(_log.Files, _log.FileCalls))
                    Pass(disk, Pace);
            }
            catch (Exception failed) when (failed is IOException or UnauthorizedAccessException or JournalException)
            {
                _tell($"The audit of the journal was broken off, and begins anew: {failed.Message}");
            }

            bool isSoon = Figures.Standing.Any(static damage => damage.IsWorthAskingAgain) && _options.Pause > s_soon;
            if (!Wait(isSoon ? s_soon : _options.Pause))
                return;
        }
    }

    private void Pass(LogDisk disk, Func<int, bool> pace)
    {
        if (!Walk(disk, Math.Max(0, _log.Files.FirstSegment()) * _log.Files.SegmentBytes, ulong.MaxValue, pace))
            return;
        var damaged = new List<string>();
        foreach (string path in new SnapshotStore(_log.Files.Directory).Paths())
        {
            if (CheckSnapshot(path, pace) is { } sentence)
                damaged.Add(sentence);
        }

        lock (_gate)
        {
            if (_stopping)
                return;
            _notMended.Clear();
        }

        foreach (string sentence in damaged.Except(Figures.DamagedSnapshots))
            _tell($"The audit found a damaged snapshot: {sentence}");
        Figures.Passed(damaged);
    }

    /// <summary>Reads on from a page's start to the end, or behind a block; repairs what it can on the way.</summary>
    /// <returns>False: it was told to stop.</returns>
    private bool Walk(LogDisk disk, long pageStart, ulong untilBlock, Func<int, bool> pace)
    {
        long cuts = _log.Cuts;
        var walk = new LogWalk(_log.Files, disk, pageStart, pace);
        try
        {
            while (true)
            {
                long from = walk.At.Address;
                long end = _log.DurableEnd;
                if (_log.Cuts != cuts || long.IsOddInteger(cuts))
                    return true; // the next pass begins with the log as it is now
                WalkEnd ended = walk.Run(end, untilBlock);
                Figures.Clear(from, walk.At.Address);
                switch (ended)
                {
                    case WalkEnd.Stopped:
                        return false;
                    case WalkEnd.End:
                        return true;
                    case WalkEnd.CutAway:
                        walk.Dispose();
                        walk = new LogWalk(_log.Files, disk, _log.Files.FirstSegment() * _log.Files.SegmentBytes, pace);
                        continue;
                }

                // Once more: a sector may have been read while the log wrote it, or its end may have been replaced meanwhile.
                disk.Forget();
                long again = _log.DurableEnd;
                if (_log.Cuts != cuts || (walk.Run(again, untilBlock) is var second && second == WalkEnd.CutAway))
                    continue;
                if (second == WalkEnd.Stopped)
                    return false;
                if (second == WalkEnd.End)
                    return true;
                if (!Meet(disk, walk, again, cuts))
                    return true;
            }
        }
        finally
        {
            walk.Dispose();
        }
    }

    /// <summary>What becomes of damage.</summary>
    /// <returns>False: nothing that could be read follows, or it does not count.</returns>
    private bool Meet(LogDisk disk, LogWalk walk, long end, long cuts)
    {
        JournalFiles files = _log.Files;
        long tail = end & -JournalFiles.SectorBytes;
        if (walk.At.Address >= tail)
            return false; // its own writer writes that sector again, and opening puts it back from the note
        using var mending = new LogMending(files, disk, action => _log.TryHold(cuts, action), _tell);
        JournalDamage damage = mending.Mend(walk, end, tail, _log.InMemory is { } memory ? [new BlockCopy("this node's memory", memory, IsOwn: true), .. _copies()] : _copies(), out LogPlace? next);
        if (_log.Cuts != cuts)
            return false;
        if (Figures.Note(damage) || damage.RepairedFrom is not null)
            Tell(damage);
        if (next is { } place)
        {
            walk.GoTo(place);
            return true;
        }

        long behind = files.PageStartOf(damage.Address) + ((long)LogMending.RunPagesMax * files.PageBytes);
        if (behind >= end)
            return false;
        walk.GoTo(new LogPlace(behind, null, 0));
        return true;
    }

    private void Tell(JournalDamage damage) => _tell(damage.RepairedFrom is { } from
        ? $"The audit found {damage.Name} damaged at {damage.Place}: {damage.What}. It was repaired from {from} and read back{(damage.KeptAt is { } kept ? $"; the bytes that stood there are kept in '{kept}'" : "")}. Look after the disk."
        : $"The audit found {damage.Name} damaged at {damage.Place}: {damage.What}. It is NOT repaired: {damage.NotRepaired}. This node goes on, for its state is in memory; but it could not be started again from this journal. Restore the file from a backup or an archive while the node is stopped, and look after the disk.");

    private string? CheckSnapshot(string path, Func<int, bool> pace)
    {
        try
        {
            using var file = new PacedReading(path, _log.FileCalls, pace);
            SnapshotReader.Check(file, path, out _);
            return null;
        }
        catch (SnapshotException damaged)
        {
            return $"{damaged.Message.TrimEnd('.')}. The node does not need it while it runs, and would start from an older one; the next one takes its place";
        }
        catch (Exception gone) when (gone is FileNotFoundException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Behind each piece: waits until the next may be read, and serves who cannot wait.</summary>
    private bool Pace(int bytes)
    {
        Figures.Read(bytes);
        TimeSpan now = _clock.Elapsed;
        _due = (_due > now ? _due : now) + TimeSpan.FromTicks((long)((Int128)bytes * TimeSpan.TicksPerSecond / _options.BytesPerSecond));
        return Wait(_due - now);
    }

    /// <returns>False: to stop.</returns>
    private bool Wait(TimeSpan time)
    {
        TimeSpan until = _clock.Elapsed + time;
        while (true)
        {
            Wanted? wanted;
            lock (_gate)
            {
                while (!_stopping && _wanted is not { IsDone: false } && until - _clock.Elapsed is var left && left > TimeSpan.Zero)
                    Monitor.Wait(_gate, left < TimeSpan.FromDays(1) ? left : TimeSpan.FromDays(1));
                if (_stopping)
                    return false;
                wanted = _wanted is { IsDone: false } ? _wanted : null;
            }

            if (wanted is null)
                return true;
            Serve(wanted);
        }
    }

    private void Serve(Wanted wanted)
    {
        bool isMended = false;
        try
        {
            // From the page before it on, so that there is something whole in front of it.
            JournalFiles files = _log.Files;
            long start = Math.Max(Math.Max(0, files.FirstSegment()) * files.SegmentBytes, files.PageStartOf(wanted.Address) - files.PageBytes);
            using var disk = new LogDisk(files, _log.FileCalls);
            Walk(disk, start, wanted.Block + 1, _ => !IsStopping);
            isMended = !Figures.Standing.Any(damage => damage.FirstBlock <= wanted.Block && wanted.Block - damage.FirstBlock < Math.Max(1, damage.Blocks));
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException or JournalException)
        {
            _tell($"Block {wanted.Block} is damaged, and was not repaired: {failed.Message}");
        }

        lock (_gate)
        {
            (wanted.IsMended, wanted.IsDone) = (isMended, true);
            Monitor.PulseAll(_gate);
        }
    }
}

/// <summary>Where somebody met a damaged block.</summary>
/// <param name="Block">Its number.</param>
/// <param name="Address">At or in front of it in the log.</param>
public readonly record struct BlockDamage(ulong Block, long Address);
