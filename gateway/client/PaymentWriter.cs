using System.Diagnostics;
using Settlement.Client.Flow;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Client;

/// <summary>
/// Streams payments: gives them the stream's next numbers, fills frames, and tells each verdict once. When the connection breaks it asks how far the
/// stream is and what was decided, and sends what is missing, under the numbers that it has; so every payment is settled once.
/// </summary>
/// <remarks>
/// Invariant: a number is given to one payment, unless the verdict left it free (a malformed payment, a full table): then the next payment
/// written gets it, because a hole would stop the stream at the end of its window.
/// Writing is for one caller at a time.
/// </remarks>
public sealed class PaymentWriter : IFrameSource, IAsyncDisposable
{
    private readonly SettlementClient _client;
    private readonly WriterOptions _options;
    private readonly FrameFlags _flags;
    private readonly Lock _gate = new(); // guards all below
    private readonly Queue<ulong> _free = new();
    private readonly HashSet<OutFrame> _sent = [];
    private readonly List<OutFrame> _broken = [];
    private LinkedList<OutFrame> _ready = new();
    private OutFrame? _open;
    private TaskCompletionSource? _progress;
    private Exception? _failure;
    private ulong _next;
    private int _underWay; // written and not answered
    private bool _isSuspended;

    internal PaymentWriter(SettlementClient client, ulong stream, StreamProgress progress, WriterOptions options, FrameFlags flags)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.UnderWayMax, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.UnderWayMax, Limits.StreamWindow - 1);
        _client = client;
        _options = options;
        _flags = flags;
        Stream = stream;
        _next = Math.Max(progress.HighestDecided + 1, progress.LowestMissing);
    }

    public ulong Stream { get; }

    /// <summary>The number that the next payment gets, unless an earlier one was left free.</summary>
    public ulong NextNumber
    {
        get
        {
            lock (_gate)
                return _next;
        }
    }

    /// <summary>Written and not yet answered.</summary>
    public int UnderWay
    {
        get
        {
            lock (_gate)
                return _underWay;
        }
    }

    /// <summary>Writes payments; waits while too many are under way. They are copied, and the copies get the stream's numbers as ids.</summary>
    /// <exception cref="OutcomeUnknownException">Nothing was answered for as long as the client's deadline is, or the client has given up.</exception>
    public ValueTask WriteAsync(Memory<Payment> payments, CancellationToken cancel = default) => WriteAsync(payments, default, cancel);

    /// <summary>As <see cref="WriteAsync(Memory{Payment}, CancellationToken)"/>, with what their payers gave for them. They travel in one frame.</summary>
    /// <param name="payments">At most what a frame may carry, and what may be under way.</param>
    /// <param name="evidence">By rising index.</param>
    /// <param name="cancel">Gives up waiting; what is not yet written is not written.</param>
    public async ValueTask WriteAsync(Memory<Payment> payments, ReadOnlyMemory<PaymentEvidence> evidence, CancellationToken cancel = default)
    {
        int frameMax = _client.Session.FramePaymentsMax;
        int evidenceBytes = PaymentEvidence.Check(evidence.Span, payments.Length);
        if (!evidence.IsEmpty)
            ArgumentOutOfRangeException.ThrowIfGreaterThan(payments.Length, Math.Min(frameMax, _options.UnderWayMax), nameof(payments));
        while (!payments.IsEmpty)
        {
            int written;
            Task? progress = null;
            lock (_gate)
            {
                ThrowIfOver();
                written = evidence.IsEmpty ? Append(payments.Span, frameMax) : AppendWhole(payments.Span, evidence.Span, evidenceBytes, frameMax);
                if (written == 0)
                    progress = Progress();
            }

            payments = payments[written..];
            _client.Wake();
            if (progress is not null)
                await WaitAsync(progress, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until everything written is answered.</summary>
    /// <exception cref="OutcomeUnknownException">Nothing was answered for as long as the client's deadline is, or the client has given up.</exception>
    public async Task CompleteAsync(CancellationToken cancel = default)
    {
        while (true)
        {
            Task progress;
            lock (_gate)
            {
                if (_underWay == 0)
                    return;
                ThrowIfOver();
                progress = Progress();
            }

            _client.Wake();
            await WaitAsync(progress, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Leaves the stream, without waiting: <see cref="CompleteAsync"/> does. What was not yet sent is not sent.</summary>
    public ValueTask DisposeAsync()
    {
        _client.Leave(this);
        lock (_gate)
            _failure ??= new ObjectDisposedException(nameof(PaymentWriter));
        return ValueTask.CompletedTask;
    }

    /// <summary>Numbers of the stream that were passed over: they are used first.</summary>
    internal void Free(IEnumerable<ulong> numbers)
    {
        lock (_gate)
        {
            foreach (ulong number in numbers)
                _free.Enqueue(number);
        }
    }

    OutFrame? IFrameSource.Next(int slotsFree, int slotsMax)
    {
        lock (_gate)
        {
            if (_isSuspended || _failure is not null)
                return null;
            OutFrame? frame = _ready.First?.Value ?? _open;
            if (frame is null || frame.Slots > slotsFree)
                return null;
            if (_ready.First is not null)
                _ready.RemoveFirst();
            else
                _open = null;
            _sent.Add(frame);
            return frame;
        }
    }

    void IFrameSource.Answered(OutFrame frame, ReadOnlySpan<PaymentVerdict> verdicts)
    {
        Span<Payment> payments = frame.Payments;
        if (frame.IsRepeat)
            verdicts = Standing(verdicts);
        lock (_gate)
            _sent.Remove(frame);
        Tell(payments, verdicts);
        if (!frame.IsRepeat && IsWrittenByAnother(verdicts))
            Fail(new SettlementException($"stream {Stream} has another writer: numbers that were given to new payments here were taken before. Look at the verdicts told, give each writer a stream of its own, and pay what was not paid under fresh numbers"));
        frame.Release();
    }

    void IFrameSource.Refused(OutFrame frame, RefusedException why)
    {
        if (!why.IsTransient)
            Fail(why);
        ((IFrameSource)this).Broken(frame); // the server that said so closes: the next connection takes it
    }

    void IFrameSource.Broken(OutFrame frame)
    {
        lock (_gate)
        {
            _sent.Remove(frame);
            _broken.Add(frame);
        }
    }

    /// <summary>The connection broke: nothing is sent before <see cref="Resume"/> has found out what was taken.</summary>
    internal void Suspend()
    {
        lock (_gate)
            _isSuspended = true;
    }

    internal void Resume(Connection connection)
    {
        lock (_gate)
        {
            if (!_isSuspended)
                return;
        }

        _ = ResumeAsync(connection);
    }

    internal void Fail(Exception why)
    {
        lock (_gate)
        {
            _failure ??= why;
            GiveProgress();
        }
    }

    /// <summary>A number that was never sent from here was decided before: a duplicate of another's payment is not this one, however alike the two are.</summary>
    private static bool IsWrittenByAnother(ReadOnlySpan<PaymentVerdict> verdicts)
    {
        foreach (ref readonly PaymentVerdict verdict in verdicts)
        {
            if (verdict.Verdict is Verdict.Duplicate or Verdict.DuplicateLookUp or Verdict.IdConflict)
                return true;
        }

        return false;
    }

    private static PaymentVerdict[] Standing(ReadOnlySpan<PaymentVerdict> verdicts)
    {
        var standing = new PaymentVerdict[verdicts.Length];
        for (int i = 0; i < verdicts.Length; i++)
            standing[i] = verdicts[i] with { Verdict = verdicts[i].Standing };
        return standing;
    }

    private int Append(ReadOnlySpan<Payment> payments, int frameMax)
    {
        int room = _options.UnderWayMax - _underWay;
        int written = 0;
        while (written < payments.Length && written < room)
        {
            _open ??= NewFrame();
            int count = Math.Min(Math.Min(payments.Length, room) - written, frameMax - _open.Slots);
            if (count > 0)
            {
                Number(payments.Slice(written, count), _open.Add(count));
                written += count;
            }

            if (_open.Slots >= frameMax)
                CloseFrame();
        }

        _underWay += written;
        return written;
    }

    private int AppendWhole(ReadOnlySpan<Payment> payments, ReadOnlySpan<PaymentEvidence> evidence, int evidenceBytes, int frameMax)
    {
        if (payments.Length > _options.UnderWayMax - _underWay)
            return 0;
        if (_open is not null && (payments.Length > frameMax - _open.Slots || evidenceBytes > WireLimits.FrameEvidenceBytesMax - _open.EvidenceBytes))
            CloseFrame();
        _open ??= NewFrame();
        int start = _open.Slots;
        Number(payments, _open.Add(payments.Length));
        _open.AddEvidence(evidence, start);
        _underWay += payments.Length;
        return payments.Length;
    }

    private OutFrame NewFrame() => new(this, FrameKind.Payments, _flags);

    private void CloseFrame()
    {
        _ready.AddLast(_open!);
        _open = null;
    }

    private void Number(ReadOnlySpan<Payment> payments, Span<Payment> slots)
    {
        payments.CopyTo(slots);
        foreach (ref Payment payment in slots)
        {
            payment.IdHigh = Stream;
            payment.IdLow = _free.TryDequeue(out ulong free) ? free : _next++;
            payment.Flags |= PaymentFlags.StreamId;
        }
    }

    /// <summary>Tells verdicts, and takes their payments off what is under way.</summary>
    private void Tell(ReadOnlySpan<Payment> payments, ReadOnlySpan<PaymentVerdict> verdicts)
    {
        try
        {
            _options.OnVerdicts(payments, verdicts);
        }
        catch (Exception thrown) // it is the caller's: he is told where he waits, and the connection goes on for others
        {
            Fail(thrown);
        }

        lock (_gate)
        {
            for (int i = 0; i < verdicts.Length; i++)
            {
                if (verdicts[i].Verdict.LeavesIdFree())
                    _free.Enqueue(payments[i].IdLow);
            }

            _underWay -= payments.Length;
            GiveProgress();
        }
    }

    private Task Progress() => (_progress ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    private void GiveProgress()
    {
        _progress?.TrySetResult();
        _progress = null;
    }

    private async ValueTask WaitAsync(Task progress, CancellationToken cancel)
    {
        try
        {
            await progress.WaitAsync(_client.Deadline, cancel).ConfigureAwait(false);
        }
        catch (TimeoutException late)
        {
            lock (_gate)
                throw Unknown($"nothing was answered for {_client.Deadline.TotalSeconds:0.###} s", late);
        }
    }

    private void ThrowIfOver()
    {
        if (_failure is null)
            return;
        throw _failure is ObjectDisposedException ? _failure : Unknown(_failure.Message, _failure);
    }

    private OutcomeUnknownException Unknown(string what, Exception why)
    {
        PaymentId[] ids = [.. _sent.Concat(_broken).SelectMany(IdsOf).OrderBy(id => id.Value)];
        PaymentId[] notSent = [.. _ready.Concat(_open is null ? [] : [_open]).SelectMany(IdsOf)];
        return new OutcomeUnknownException($"{what}: the outcome of {ids.Length} payments is unknown, {notSent.Length} were not sent", ids, notSent, [], why);
    }

    private static IEnumerable<PaymentId> IdsOf(OutFrame frame)
    {
        for (int i = 0; i < frame.Slots; i++)
            yield return PaymentId.Of(in frame.Payments[i]);
    }

    private async Task ResumeAsync(Connection connection)
    {
        try
        {
            OutFrame[] broken;
            lock (_gate)
                broken = [.. _broken];
            IReadOnlyList<FoundPayment[]> found = await FindAsync(connection, broken).ConfigureAwait(false);
            var again = new LinkedList<OutFrame>();
            var told = new List<(Payment[] Payments, PaymentVerdict[] Verdicts)>();
            for (int i = 0; i < broken.Length; i++)
                Part(broken[i], found[i], connection.Session.FramePaymentsMax, again, told);
            lock (_gate)
            {
                foreach (OutFrame frame in _ready)
                    Repack(frame, connection.Session.FramePaymentsMax, again);
                _ready = again;
                _broken.Clear();
                _isSuspended = false;
            }

            foreach ((Payment[] payments, PaymentVerdict[] verdicts) in told)
                Tell(payments, verdicts);
            foreach (OutFrame frame in broken)
                frame.Release();
            connection.Wake();
        }
        catch (Exception lost) when (lost is IOException or OperationCanceledException)
        {
            // This connection broke, too: the next one asks again.
            Debug.Assert(_isSuspended);
        }
        catch (RefusedException refused) when (refused.IsTransient)
        {
            // Who was just connected to leads no longer, or ends: the next one is asked.
            connection.End(refused);
        }
        catch (Exception failed)
        {
            Fail(failed);
        }
    }

    /// <summary>What became of all payments of some frames, a list each.</summary>
    private async Task<IReadOnlyList<FoundPayment[]>> FindAsync(Connection connection, OutFrame[] frames)
    {
        if (frames.Length == 0)
            return [];
        using var patience = new CancellationTokenSource(_client.Deadline);
        byte[] answer = await connection.AskAsync(FrameKind.AskStreams, FrameKind.Streams, Questions.Stream(Stream), patience.Token).ConfigureAwait(false);
        StreamProgress progress = Questions.ReadStream(answer, Stream);
        var all = new List<FoundPayment[]>();
        foreach (OutFrame frame in frames)
        {
            PaymentId[] ids = [.. IdsOf(frame)];
            var found = new FoundPayment[ids.Length];
            Array.Fill(found, new FoundPayment(IdKnowledge.NotDecided, Verdict.Undecided));
            // Beyond the highest number that is decided there is nothing to ask for.
            int asked = ids.Any(id => (ulong)id.Value <= progress.HighestDecided) ? ids.Length : 0;
            for (int start = 0; start < asked; start += WireLimits.AskedMax)
            {
                int count = Math.Min(WireLimits.AskedMax, asked - start);
                byte[] told = await connection.AskAsync(FrameKind.AskIds, FrameKind.Ids, Questions.Ids(ids.AsSpan(start, count)), patience.Token).ConfigureAwait(false);
                Questions.ReadIds(told, found.AsSpan(start, count));
            }

            all.Add(found);
        }

        return all;
    }

    /// <summary>Parts a frame into what was decided and what is to be sent again.</summary>
    private void Part(OutFrame frame, FoundPayment[] found, int slotsMax, LinkedList<OutFrame> again, List<(Payment[], PaymentVerdict[])> told)
    {
        List<Payment> decided = [];
        List<PaymentVerdict> verdicts = [];
        var missing = new bool[found.Length];
        for (int i = 0; i < found.Length; i++)
        {
            missing[i] = found[i].Knowledge is not (IdKnowledge.Decided or IdKnowledge.DecidedLookUp);
            if (missing[i])
                continue;
            decided.Add(frame.Payments[i]);
            verdicts.Add(new PaymentVerdict { Verdict = found[i].Knowledge == IdKnowledge.Decided ? found[i].Verdict : Verdict.DuplicateLookUp });
        }

        if (decided.Count > 0)
            told.Add(([.. decided], [.. verdicts]));
        Repeat(frame, missing, slotsMax, again);
    }

    private void Repack(OutFrame frame, int slotsMax, LinkedList<OutFrame> into)
    {
        if (frame.Slots <= slotsMax)
        {
            into.AddLast(frame);
            return;
        }

        var all = new bool[frame.Slots];
        Array.Fill(all, true);
        Repeat(frame, all, slotsMax, into);
    }

    /// <summary>Copies the payments that are marked, with their evidence, into frames of at most so many.</summary>
    private void Repeat(OutFrame frame, bool[] marked, int slotsMax, LinkedList<OutFrame> into)
    {
        OutFrame? repeat = null;
        for (int i = 0; i < marked.Length; i++)
        {
            if (!marked[i])
                continue;
            if (repeat is null || repeat.Slots >= slotsMax)
                into.AddLast(repeat = new OutFrame(this, FrameKind.Payments, _flags) { IsRepeat = true });
            repeat.Add(1)[0] = frame.Payments[i];
            foreach (PaymentEvidence evidence in frame.Evidence.Where(one => one.Index == i))
                repeat.AddEvidence([evidence with { Index = 0 }], repeat.Slots - 1);
        }
    }
}
