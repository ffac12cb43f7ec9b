using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Client.Flow;

/// <summary>
/// One connection with a session: a task that sends and one that receives. Ends once, for one reason; what was sent and not answered is then
/// there to be told to its sources.
/// </summary>
/// <remarks>
/// Invariant: slots under way never exceed the credit. Numbers of frames rise by one. Failure assumed: the server may be silent, slow, or say
/// anything; what is no answer to what was asked ends the connection.
/// </remarks>
[SuppressMessage("Reliability", "CA1001", Justification = "Semaphores and a source without a wait handle hold nothing outside the heap, and wakers may come late.")]
internal sealed class Connection
{
    private const int SendBytes = 64 << 10;
    private const int QuestionsMax = 16;

    /// <summary>The longest answer: all slots of the largest frame with balances.</summary>
    private const int AnswerBytesMax = VerdictsBody.Size + (WireLimits.FramePaymentsMax * (VerdictEntry.Size + BalanceEntry.Size));

    private readonly Stream _stream;
    private readonly IFrameSource _feed;
    private readonly Lock _gate = new();
    private readonly SortedDictionary<ulong, OutFrame> _frames = [];
    private readonly Dictionary<ulong, Question> _questions = [];
    private readonly Queue<Question> _asked = new();
    private readonly SemaphoreSlim _work = new(0, 1);
    private readonly SemaphoreSlim _questionsFree = new(QuestionsMax, QuestionsMax);
    private readonly CancellationTokenSource _stop = new();
    private readonly byte[] _send = new byte[SendBytes];
    private readonly TimeSpan _silenceMax;
    private PaymentVerdict[] _verdicts = [];
    private Task _running = Task.CompletedTask;
    private Exception? _reason; // written by: whoever ends it first, under the lock
    private ulong _number;
    private int _underWay; // slots
    private bool _isLeaving; // no more payments are sent
    private bool _sendsBye;
    private volatile bool _pings;
    private long _sentLast;
    private long _receivedLast;

    private Connection(Stream stream, IFrameSource feed, SessionInfo session, TimeSpan silenceMax, ulong number)
    {
        _stream = stream;
        _feed = feed;
        _silenceMax = silenceMax;
        _number = number;
        _sentLast = _receivedLast = Stopwatch.GetTimestamp();
        Session = session;
    }

    public SessionInfo Session { get; }

    /// <summary>Why it ended; to be asked behind <see cref="WhenEnded"/>.</summary>
    public Exception Reason => _reason ?? new IOException("the connection ended");

    /// <summary>Completes, without an exception, when both tasks are over.</summary>
    public Task WhenEnded => _running;

    /// <param name="number">Of the last frame that was sent.</param>
    /// <param name="silenceMax">How long either side may be silent.</param>
    public static Connection Start(Stream stream, IFrameSource feed, SessionInfo session, TimeSpan silenceMax, ulong number)
    {
        var connection = new Connection(stream, feed, session, silenceMax, number);
        connection._running = connection.RunAsync();
        return connection;
    }

    /// <summary>There may be something to send.</summary>
    public void Wake()
    {
        if (_work.CurrentCount > 0)
            return;
        try
        {
            _work.Release();
        }
        catch (SemaphoreFullException)
        {
            // Another thread was faster: it is awake.
        }
    }

    /// <summary>Asks the ledger; the answer's body.</summary>
    /// <exception cref="IOException">The connection ended before.</exception>
    public async Task<byte[]> AskAsync(FrameKind kind, FrameKind answer, ReadOnlyMemory<byte> body, CancellationToken cancel)
    {
        await _questionsFree.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            var question = new Question(kind, answer, body);
            lock (_gate)
            {
                if (_reason is not null)
                    throw new IOException(_reason.Message, _reason);
                _asked.Enqueue(question);
            }

            Wake();
            return await question.Answer.Task.WaitAsync(cancel).ConfigureAwait(false);
        }
        finally
        {
            _questionsFree.Release();
        }
    }

    /// <summary>Sends no more, waits for what is under way, and ends.</summary>
    public async Task CloseAsync(TimeSpan patience)
    {
        lock (_gate)
            _isLeaving = _sendsBye = true;
        Wake();
        await Task.WhenAny(_running, Task.Delay(patience)).ConfigureAwait(false);
        End(new IOException("the client closed the connection"));
        await _running.ConfigureAwait(false);
    }

    public void End(Exception why)
    {
        lock (_gate)
            _reason ??= why;
        _stop.Cancel();
    }

    /// <summary>What was sent and not answered, in the order of sending; to be asked behind <see cref="WhenEnded"/>.</summary>
    public IReadOnlyList<OutFrame> Unanswered()
    {
        lock (_gate)
        {
            OutFrame[] frames = [.. _frames.Values];
            _frames.Clear();
            return frames;
        }
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        await using (_stream.ConfigureAwait(false))
        {
            Task sending = GuardAsync(SendAsync);
            Task receiving = GuardAsync(ReceiveAsync);
            Task watching = GuardAsync(WatchAsync);
            await Task.WhenAll(sending, receiving, watching).ConfigureAwait(false);
        }

        lock (_gate)
        {
            foreach (Question question in _questions.Values.Concat(_asked))
                question.Answer.TrySetException(new IOException(Reason.Message, Reason));
            _questions.Clear();
            _asked.Clear();
        }
    }

    private async Task GuardAsync(Func<Task> part)
    {
        try
        {
            await part().ConfigureAwait(false);
        }
        catch (Exception broken) // whatever it is, the connection's end is where callers learn of it
        {
            End(broken);
        }
    }

    private async Task SendAsync()
    {
        while (true)
        {
            int used = 0;
            while (Next(out OutFrame? frame, out ReadOnlyMemory<byte> bytes))
            {
                // A large frame is written from where it is, behind what was gathered before it.
                bool isLarge = bytes.Length > SendBytes / 2;
                if (isLarge || bytes.Length > SendBytes - used)
                {
                    await WriteAsync(_send.AsMemory(0, used)).ConfigureAwait(false);
                    used = 0;
                }

                if (isLarge)
                {
                    await WriteAsync(bytes).ConfigureAwait(false);
                }
                else
                {
                    bytes.Span.CopyTo(_send.AsSpan(used));
                    used += bytes.Length;
                }

                frame?.Release();
            }

            await WriteAsync(_send.AsMemory(0, used)).ConfigureAwait(false);
            await _work.WaitAsync(_stop.Token).ConfigureAwait(false);
        }
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        await _stream.WriteAsync(bytes, _stop.Token).ConfigureAwait(false);
        Volatile.Write(ref _sentLast, Stopwatch.GetTimestamp());
    }

    /// <summary>What is sent next: a sign of life, a question, payments, a farewell.</summary>
    private bool Next(out OutFrame? frame, out ReadOnlyMemory<byte> bytes)
    {
        frame = null;
        bytes = default;
        int free;
        lock (_gate)
        {
            if (_asked.TryDequeue(out Question? question))
            {
                _questions.Add(++_number, question);
                bytes = Bare(question.Kind, _number, question.Body.Span);
                return true;
            }

            if (_pings)
            {
                _pings = false;
                bytes = Bare(FrameKind.Ping, ++_number, []);
                return true;
            }

            if (_isLeaving)
            {
                if (!_sendsBye || _frames.Count > 0)
                    return false;
                _sendsBye = false;
                bytes = Bare(FrameKind.Bye, ++_number, []);
                return true;
            }

            free = Session.Credit - _underWay;
        }

        frame = _feed.Next(free, Session.FramePaymentsMax);
        if (frame is null)
            return false;
        lock (_gate)
        {
            frame.Number = ++_number;
            _underWay += frame.Slots;
            bytes = frame.Seal();
            _frames.Add(frame.Number, frame);
            return true;
        }
    }

    private static byte[] Bare(FrameKind kind, ulong number, ReadOnlySpan<byte> body)
    {
        byte[] frame = new byte[FrameHeader.Size + body.Length];
        var header = new FrameHeader { Bytes = (uint)body.Length, Kind = kind, Number = number };
        MemoryMarshal.Write(frame, in header);
        body.CopyTo(frame.AsSpan(FrameHeader.Size));
        return frame;
    }

    private async Task ReceiveAsync()
    {
        byte[] buffer = new byte[SendBytes];
        int have = 0;
        while (true)
        {
            int got = await _stream.ReadAsync(buffer.AsMemory(have), _stop.Token).ConfigureAwait(false);
            if (got == 0)
                throw new IOException("the server closed the connection");
            Volatile.Write(ref _receivedLast, Stopwatch.GetTimestamp());
            have += got;
            int at = 0;
            int needed = 0;
            while (have - at >= FrameHeader.Size)
            {
                FrameHeader header = MemoryMarshal.Read<FrameHeader>(buffer.AsSpan(at));
                if (header.Bytes > AnswerBytesMax)
                    throw Nonsense($"a frame of {header.Bytes} bytes");
                needed = FrameHeader.Size + (int)header.Bytes;
                if (have - at < needed)
                    break;
                Receive(in header, buffer.AsSpan(at + FrameHeader.Size, (int)header.Bytes));
                at += needed;
                needed = 0;
            }

            buffer.AsSpan(at, have - at).CopyTo(buffer);
            have -= at;
            if (needed > buffer.Length)
                Array.Resize(ref buffer, Math.Max(needed, Math.Min(buffer.Length * 2, FrameHeader.Size + AnswerBytesMax)));
        }
    }

    private void Receive(in FrameHeader header, ReadOnlySpan<byte> body)
    {
        switch (header.Kind)
        {
            case FrameKind.Verdicts:
                ReceiveVerdicts(in header, body);
                break;
            case FrameKind.Ids or FrameKind.Streams or FrameKind.Accounts:
                ReceiveAnswer(in header, body);
                break;
            case FrameKind.Pong:
                break;
            case FrameKind.Refusal:
                ReceiveRefusal(in header, body);
                break;
            case FrameKind.GoingAway:
                Leave();
                break;
            default:
                throw Nonsense($"a frame of kind {header.Kind}");
        }
    }

    private void ReceiveVerdicts(in FrameHeader header, ReadOnlySpan<byte> body)
    {
        OutFrame frame = Take(header.Number);
        if (_verdicts.Length < frame.Slots)
            _verdicts = new PaymentVerdict[Math.Max(frame.Slots, Math.Min(_verdicts.Length * 2, WireLimits.FramePaymentsMax))];
        Span<PaymentVerdict> verdicts = _verdicts.AsSpan(0, frame.Slots);
        if (!VerdictReading.TryRead(header.Flags, body, verdicts))
            throw Nonsense("verdicts that do not fit what was sent");
        frame.Source.Answered(frame, verdicts);
        Wake();
        if (Volatile.Read(ref _isLeaving))
            EndIfIdle();
    }

    private void ReceiveAnswer(in FrameHeader header, ReadOnlySpan<byte> body)
    {
        Question? question;
        lock (_gate)
            _questions.Remove(header.Number, out question);
        if (question is null || question.AnswerKind != header.Kind || body.Length < AnswersBody.Size)
            throw Nonsense("an answer to what was not asked");
        question.Answer.TrySetResult(body.ToArray());
    }

    /// <summary>A server that refused takes nothing more, answers what it had taken, and closes: so reading goes on until it does.</summary>
    private void ReceiveRefusal(in FrameHeader header, ReadOnlySpan<byte> body)
    {
        RefusedException why = VerdictReading.ReadRefusal(body, out bool closes, out FrameFate fate);
        List<OutFrame> notTaken = [];
        Question? question;
        lock (_gate)
        {
            _questions.Remove(header.Number, out question);
            foreach ((ulong number, OutFrame frame) in _frames)
            {
                if (fate == FrameFate.NotTaken && (number == header.Number || (closes && number > header.Number)))
                    notTaken.Add(frame);
            }

            foreach (OutFrame frame in notTaken)
            {
                _frames.Remove(frame.Number);
                _underWay -= frame.Slots;
            }

            if (closes)
            {
                _reason ??= why;
                _isLeaving = true;
                _sendsBye = false;
            }
        }

        question?.Answer.TrySetException(why);
        foreach (OutFrame frame in notTaken)
            frame.Source.Refused(frame, why);
        Wake();
    }

    /// <summary>The server ends soon: what is under way is still answered.</summary>
    private void Leave()
    {
        lock (_gate)
            _isLeaving = true;
        EndIfIdle();
    }

    private void EndIfIdle()
    {
        lock (_gate)
        {
            if (_frames.Count > 0 || _questions.Count > 0 || _sendsBye)
                return;
        }

        End(new IOException("the server is going away"));
    }

    private OutFrame Take(ulong number)
    {
        lock (_gate)
        {
            if (!_frames.Remove(number, out OutFrame? frame))
                throw Nonsense("verdicts of a frame that was not sent");
            _underWay -= frame.Slots;
            return frame;
        }
    }

    /// <summary>Speaks up where nothing was said for a third of the time allowed, and ends a connection on which nothing is heard.</summary>
    private async Task WatchAsync()
    {
        TimeSpan third = _silenceMax / 3;
        while (true)
        {
            await Task.Delay(third / 2, _stop.Token).ConfigureAwait(false);
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref _receivedLast)) > _silenceMax)
                throw new IOException($"the server said nothing for {_silenceMax.TotalSeconds:0.###} s");
            TimeSpan silence = Stopwatch.GetElapsedTime(Volatile.Read(ref _sentLast));
            TimeSpan unheard = Stopwatch.GetElapsedTime(Volatile.Read(ref _receivedLast));
            if (silence < third && unheard < third)
                continue;
            _pings = true;
            Wake();
        }
    }

    private static SettlementException Nonsense(string what) => new($"the server sent {what}: it does not speak this protocol, or someone is between");

    private sealed record Question(FrameKind Kind, FrameKind AnswerKind, ReadOnlyMemory<byte> Body)
    {
        public TaskCompletionSource<byte[]> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
