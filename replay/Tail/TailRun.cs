using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.IO.Hashing;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Tail;

/// <summary>
/// Follows a journal and keeps a projection of it up to date: applies block after block, gives each to the projection, and commits rows and
/// position together. At the journal's end it waits for more, until it is asked to stop.
/// </summary>
/// <remarks>
/// Invariant: a block is taken when it is the projection's next one, and never when it could still be taken back.
/// Failure assumed: the process ends at any moment, a projection of another history, a journal that was replaced. What the mark in the
/// journal's folder says was committed before.
/// </remarks>
internal sealed class TailRun : IDisposable
{
    /// <summary>How long a block that no note covers is waited for. A node at work writes the note right behind the block; where none comes, nobody writes.</summary>
    private static readonly TimeSpan s_noteWaitMax = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_notePollPeriod = TimeSpan.FromMilliseconds(5);

    /// <summary>
    /// While there is more to be read, nobody expects the projection to be up to date, and few large commits cost less than many: each writes
    /// what it touched once. So then time counts only this many periods later, to bound what a crash makes it do again.
    /// </summary>
    private const int PeriodsBehindMax = 15;

    private readonly TailOptions _options;
    private readonly string _name;
    private readonly string _targetText;
    private readonly bool _wasMarked;
    private readonly CancellationToken _stop;
    private readonly TailLock _lock;
    private readonly IProjection _projection;
    private readonly JournalWalk _walk;
    private readonly MovementLog _movements = new();
    private readonly Stopwatch _sinceCommit = new();
    private readonly Stopwatch _busy = new();
    private readonly TailPosition _beginning;
    private TailPosition _taken;
    private bool _isBehindCommit;
    private ulong? _notesEndedAt;
    private long _payments;
    private long _commits;

    private TailRun(TailOptions options, WalkProgress? progress, CancellationToken stop)
    {
        (_options, _stop) = (options, stop);
        string target = Path.GetFullPath(options.Target);
        _targetText = $"{options.Format.ToString().ToLowerInvariant()} {target}";
        _name = options.Name ?? NameOf(target, _targetText);
        if (!Directory.Exists(options.Journal))
            throw Journals.NoDirectory(options.Journal);
        UInt128 ledgerId = Journals.LedgerIdOf(options.Journal);
        JournalReaderMark? before = JournalReaders.Find(options.Journal, _name);
        if (before is { } other && other.Target != _targetText)
            throw new UsageException($"--name {_name}: the journal has a reader of that name, which keeps '{other.Target}' up to date. Choose another name, or --forget that one.");
        _wasMarked = before is not null;
        _lock = new TailLock(target);
        try
        {
            _projection = Projections.Open(options, target, ledgerId);
            _beginning = new TailPosition(ledgerId, 0, 0, JournalFiles.FirstAddress, default, 0);
            Mark(); // before the journal is read: from here on it is not cut behind the position
            _walk = JournalWalk.Open(options.Journal, new WalkOptions { FromBlock = _projection.Position?.Block + 1, Archive = options.Archive, Progress = progress });
            _walk.Reader.EndsAtCommitted = true; // what another leader's blocks may replace is no history yet
            if (_walk.Reader.Position.NextNumber > 0)
                BeginBehind(_walk.Reader.Position.NextNumber - 1);
        }
        catch
        {
            LeaveNoMark();
            _walk?.Dispose();
            _projection?.Dispose();
            _lock.Dispose();
            throw;
        }
    }

    /// <summary>Follows until it is asked to stop, or, once, until the journal's end.</summary>
    /// <exception cref="UsageException">The target is no projection of this journal, or cannot be used.</exception>
    /// <exception cref="JournalException">There is no journal, or it is damaged; what stands before the damage is committed.</exception>
    public static TailReport Follow(TailOptions options, WalkProgress? progress, CancellationToken stop)
    {
        using (progress)
            return Projections.Guard(options, () =>
            {
                using var run = new TailRun(options, progress, stop);
                return run.Follow();
            });
    }

    /// <summary>The name of the tail that keeps a target: its folder's, and what tells it from another folder of that name.</summary>
    public static string NameOf(string target, string targetText)
    {
        string folder = Path.GetFileName(Path.TrimEndingDirectorySeparator(target));
        var name = new StringBuilder();
        foreach (char letter in folder.Take(40))
            name.Append(char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' ? letter : '_');
        ulong hash = XxHash64.HashToUInt64(Encoding.UTF8.GetBytes(targetText));
        return string.Create(CultureInfo.InvariantCulture, $"{name}-{(uint)hash:x8}");
    }

    public void Dispose()
    {
        _walk.Dispose();
        _projection.Dispose();
        _lock.Dispose();
    }

    private TailReport Follow()
    {
        _sinceCommit.Start();
        _busy.Start();
        bool stopped = false;
        while (true)
        {
            TakeAll();
            CheckEnd();
            stopped = _stop.IsCancellationRequested;
            if (stopped || _options.Once)
                break;
            CommitIfDue();
            WaitForMore();
        }

        if (_isBehindCommit)
            Commit();
        return new TailReport
        {
            Options = _options, Name = _name, Position = _projection.Position, Payments = _payments, Commits = _commits, Busy = _busy.Elapsed, Stopped = stopped,
        };
    }

    /// <summary>Takes every block that is there.</summary>
    private void TakeAll()
    {
        while (!_stop.IsCancellationRequested && _walk.Next())
        {
            ulong block = _walk.Header.Number;
            if (_projection.Position is { } position && block <= position.Block)
                BeginBehind(block);
            else
                Take();
            // Only now, for a ledger has no state before its genesis block is applied, and that moves nothing.
            _movements.Clear();
            _walk.State.Movements = _movements;
            CommitIfDue(PeriodsBehindMax);
        }
    }

    /// <summary>The walk stands behind a block that the projection has; the one at its position must be the very one that was taken.</summary>
    private void BeginBehind(ulong block)
    {
        _walk.State.Movements = _movements;
        if (_projection.Position is not { } position || block != position.Block)
            return;
        if (_walk.Reader.Position.Previous != position.Chain)
            throw Refusal(
                $"The projection in '{_options.Target}' is of another history: its block {block} is not the journal's. Name the journal that it was made from, or delete the projection: it is made again from this one.");
        _projection.Resume(_walk);
    }

    private void Take()
    {
        WaitForNote();
        _projection.Take(_walk);
        ref readonly BlockHeader header = ref _walk.Header;
        if (header.Kind == BlockKind.Payments)
            _payments += header.Count;
        ChainPosition chain = _walk.Reader.Position;
        _taken = new TailPosition(_walk.LedgerId, chain.NextSequence - 1, header.Number, _walk.Reader.Address, chain.Previous, header.TimeNs);
        _isBehindCommit = true;
    }

    /// <summary>
    /// Beside a running node a block can be read before its write is acknowledged, and power that goes then takes it back. Where the note does
    /// not come, nobody writes; what stands there whole is what the next opening keeps.
    /// </summary>
    private void WaitForNote()
    {
        if (_walk.Reader.IsNoted || _notesEndedAt == _walk.Reader.NoteSerial)
            return;
        var watch = Stopwatch.StartNew();
        while (!_walk.Reader.IsNoted && watch.Elapsed < s_noteWaitMax && !_stop.IsCancellationRequested)
            _stop.WaitHandle.WaitOne(s_notePollPeriod);
        _notesEndedAt = _walk.Reader.IsNoted ? null : _walk.Reader.NoteSerial;
    }

    private void CheckEnd()
    {
        if (_walk.End is not { } end)
            return;
        if (end.Kind == JournalEndKind.Damage)
        {
            if (_isBehindCommit)
                Commit();
            throw Journals.Damaged(end);
        }

        if (_projection.Position is { } position && end.Block <= position.Block)
            throw Refusal(
                $"The projection in '{_options.Target}' is ahead of the journal: it holds block {position.Block}, the journal ends before block {end.Block}. The journal was replaced, or its tail cut. Name the journal that it was made from, or delete the projection: it is made again from this one.");
        if (_options.Once && end.Block == 0)
            throw new JournalException($"The journal in '{_options.Journal}' holds no whole genesis block: its creation was cut short, and it never accepted anything.");
    }

    private void CommitIfDue(int periods = 1)
    {
        if (_isBehindCommit && (_projection.RowsPending >= _projection.RowsMax || _sinceCommit.Elapsed >= _projection.Period * periods))
            Commit();
    }

    private void Commit()
    {
        TailPosition? before = _projection.Position;
        _projection.Commit(in _taken, _walk);
        _isBehindCommit = false;
        _sinceCommit.Restart();
        if (_projection.Position == before)
            return;
        _commits++;
        Mark();
    }

    private void Mark()
    {
        TailPosition position = _projection.Position ?? _beginning;
        JournalReaders.Write(_options.Journal, new JournalReaderMark(
            _name, _targetText, position.LedgerId, position.Sequence, position.Block, position.Address, TimeText.Format(NowNs())));
    }

    private UsageException Refusal(string sentence)
    {
        LeaveNoMark();
        return new UsageException(sentence);
    }

    /// <summary>A run that was refused is no reader: its mark would keep the journal whole for nothing.</summary>
    private void LeaveNoMark()
    {
        if (!_wasMarked)
            JournalReaders.Remove(_options.Journal, _name);
    }

    private static ulong NowNs() => (ulong)(DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;

    private void WaitForMore()
    {
        _busy.Stop();
        while (!_walk.TryContinue() && !_stop.WaitHandle.WaitOne(_options.PollPeriod))
            CommitIfDue();
        _busy.Start();
    }
}
