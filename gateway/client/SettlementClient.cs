using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using Settlement.Client.Flow;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Client;

/// <summary>
/// A session with a ledger. Payments handed over at the same time share frames; verdicts that come back are durable. Safe to use from many threads.
/// </summary>
/// <remarks>
/// When the connection breaks it is made again, a bounded number of times; then every caller is told, and the client is of no more use. Payments
/// that were sent and not answered are never sent again by <see cref="SubmitAsync(ReadOnlyMemory{Payment}, CancellationToken)"/>: the caller gets an
/// <see cref="OutcomeUnknownException"/> with their ids. A <see cref="PaymentWriter"/> asks where its stream is, and goes on from there.
/// </remarks>
public sealed class SettlementClient : IAsyncDisposable
{
    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_electionPauseMax = TimeSpan.FromMilliseconds(250);

    private readonly ClientOptions _options;
    private readonly Dialing _dialing;
    private readonly FrameFeed _feed = new();
    private readonly SubmitQueue _payments;
    private readonly SubmitQueue _commands;
    private readonly CancellationTokenSource _disposing = new();
    private readonly Lock _gate = new();
    private readonly List<PaymentWriter> _writers = [];
    private TaskCompletionSource<Connection> _connected = NewPromise(); // written by: the caring task, under the lock
    private Connection? _current;
    private Task _caring = Task.CompletedTask;

    private SettlementClient(ClientOptions options, Dialing dialing)
    {
        _options = options;
        _dialing = dialing;
        _payments = new SubmitQueue(FrameKind.Payments, PaymentFlagsOf(options), options.QueuedPaymentsMax, Wake);
        _commands = new SubmitQueue(FrameKind.Commands, FrameFlags.None, options.QueuedPaymentsMax, Wake);
        _feed.Add(_commands);
        _feed.Add(_payments);
    }

    /// <summary>As of the connection at hand; the credit may differ from one to the next.</summary>
    public SessionInfo Session { get; private set; }

    /// <summary>Times that the connection broke and was made again.</summary>
    public int Reconnects { get; private set; }

    /// <summary>Connects once; a server that cannot be reached is told at once. Where there are several nodes, they are asked until one leads or the deadline is over.</summary>
    /// <exception cref="RefusedException">The server does not want this client.</exception>
    /// <exception cref="SettlementException">The options cannot be used, the server cannot be reached, or is not the one expected.</exception>
    public static async Task<SettlementClient> ConnectAsync(ClientOptions options, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.FramePaymentsMax, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.QueuedPaymentsMax, 1);
        KeySigner? signer = options.Signer ?? (options.KeyFile is { } file ? KeySigner.FromFile(file) : null);
        if (signer is null && options.Certificate is null)
            throw new SettlementException($"who connects? Give {nameof(options.KeyFile)}, {nameof(options.Signer)} or {nameof(options.Certificate)}");
        var client = new SettlementClient(options, new Dialing(options, signer, new ServerTrust(options)));
        Connection first;
        try
        {
            first = await client.FirstAsync(cancel).ConfigureAwait(false);
        }
        catch (Exception failed) when (IsOfConnecting(failed) && !cancel.IsCancellationRequested)
        {
            throw failed as SettlementException ?? new SettlementException(SentenceOf(failed, options), failed);
        }

        client._caring = client.CareAsync(first);
        return client;
    }

    /// <summary>Submits payments and awaits their verdicts, one each, in order. The payments must not be changed before.</summary>
    /// <exception cref="OutcomeUnknownException">Some were sent, and the answer did not come in time or before the connection broke.</exception>
    /// <exception cref="NotSentException">None was sent.</exception>
    /// <exception cref="RefusedException">The server did not take them.</exception>
    public Task<PaymentVerdict[]> SubmitAsync(ReadOnlyMemory<Payment> payments, CancellationToken cancel = default) => SubmitAsync(payments, default, cancel);

    /// <summary>As <see cref="SubmitAsync(ReadOnlyMemory{Payment}, CancellationToken)"/>, with what their payers gave for them. They travel in one frame.</summary>
    /// <param name="payments">At most what one frame may carry.</param>
    /// <param name="evidence">By rising index.</param>
    /// <param name="cancel">Gives up waiting; what was sent stays sent.</param>
    public Task<PaymentVerdict[]> SubmitAsync(ReadOnlyMemory<Payment> payments, ReadOnlyMemory<PaymentEvidence> evidence, CancellationToken cancel = default)
    {
        if (payments.IsEmpty)
            return Task.FromResult<PaymentVerdict[]>([]);
        if (!evidence.IsEmpty)
            ArgumentOutOfRangeException.ThrowIfGreaterThan(payments.Length, Session.FramePaymentsMax, nameof(payments));
        return _payments.SubmitAsync(new Submission(payments, evidence, isWhole: !evidence.IsEmpty), _options.Deadline, cancel);
    }

    /// <summary>Sends a control command, with what stands behind it; for sessions that may.</summary>
    /// <exception cref="OutcomeUnknownException">It was sent, and the answer did not come.</exception>
    public async Task<PaymentVerdict> SendAsync(ControlCommand command, ReadOnlyMemory<byte> continuation = default, CancellationToken cancel = default)
    {
        command.ContinuationBytes = (uint)continuation.Length;
        var slots = new Payment[1 + command.ContinuationSlots];
        ArgumentOutOfRangeException.ThrowIfGreaterThan(slots.Length, Session.FramePaymentsMax, nameof(continuation));
        Span<byte> bytes = MemoryMarshal.AsBytes(slots.AsSpan());
        MemoryMarshal.Write(bytes, in command);
        continuation.Span.CopyTo(bytes[Payment.Size..]);
        PaymentVerdict[] verdicts = await _commands.SubmitAsync(new Submission(slots, default, isWhole: true), _options.Deadline, cancel).ConfigureAwait(false);
        return verdicts[0];
    }

    /// <summary>Sends many control commands, none of which has a continuation.</summary>
    public Task<PaymentVerdict[]> SendAsync(ReadOnlyMemory<ControlCommand> commands, CancellationToken cancel = default)
    {
        if (commands.IsEmpty)
            return Task.FromResult<PaymentVerdict[]>([]);
        Payment[] slots = [.. MemoryMarshal.Cast<ControlCommand, Payment>(commands.Span)];
        return _commands.SubmitAsync(new Submission(slots, default, isWhole: false), _options.Deadline, cancel);
    }

    /// <summary>Opens a stream of this session's participant for writing: payments get its numbers, from behind the highest that is decided.</summary>
    /// <param name="stream">The stream's name. One writer at a time, of all clients: two would give the same numbers to different payments.</param>
    /// <param name="options">Where verdicts go.</param>
    /// <param name="cancel">Gives up opening.</param>
    /// <exception cref="InvalidOperationException">This client has a writer of that stream already.</exception>
    public async Task<PaymentWriter> OpenWriterAsync(ulong stream, WriterOptions options, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        StreamProgress progress = await StreamAsync(stream, cancel).ConfigureAwait(false);
        var writer = new PaymentWriter(this, stream, progress, options, PaymentFlagsOf(_options));
        writer.Free(await HolesAsync(progress, cancel).ConfigureAwait(false));
        lock (_gate)
        {
            if (_connected.Task.IsFaulted)
                throw new NotSentException(_connected.Task.Exception!.InnerException!.Message, _connected.Task.Exception.InnerException);
            if (_writers.Exists(other => other.Stream == stream))
                throw new InvalidOperationException($"stream {stream} has a writer of this client already: write to that one, or dispose of it first");
            _writers.Add(writer);
        }

        _feed.Add(writer);
        return writer;
    }

    /// <summary>What became of payments, in the order asked.</summary>
    public async Task<FoundPayment[]> FindAsync(IReadOnlyList<PaymentId> ids, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var found = new FoundPayment[ids.Count];
        for (int start = 0; start < ids.Count; start += WireLimits.AskedMax)
        {
            PaymentId[] some = [.. ids.Skip(start).Take(WireLimits.AskedMax)];
            byte[] answer = await AskAsync(FrameKind.AskIds, FrameKind.Ids, Questions.Ids(some), cancel).ConfigureAwait(false);
            Questions.ReadIds(answer, found.AsSpan(start, some.Length));
        }

        return found;
    }

    /// <summary>How far a stream of this session's participant is. One that was never used: 1 and 0.</summary>
    public async Task<StreamProgress> StreamAsync(ulong stream, CancellationToken cancel = default)
    {
        byte[] answer = await AskAsync(FrameKind.AskStreams, FrameKind.Streams, Questions.Stream(stream), cancel).ConfigureAwait(false);
        return Questions.ReadStream(answer, stream);
    }

    /// <summary>Balances, in the order asked; all answers of up to 1,024 accounts are of one moment.</summary>
    public async Task<AccountBalance[]> BalancesAsync(IReadOnlyList<(ulong Wallet, ushort Currency)> accounts, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(accounts);
        var balances = new AccountBalance[accounts.Count];
        for (int start = 0; start < accounts.Count; start += WireLimits.AskedMax)
        {
            (ulong, ushort)[] some = [.. accounts.Skip(start).Take(WireLimits.AskedMax)];
            byte[] answer = await AskAsync(FrameKind.AskAccounts, FrameKind.Accounts, Questions.Accounts(some), cancel).ConfigureAwait(false);
            Questions.ReadAccounts(answer, balances.AsSpan(start, some.Length));
        }

        return balances;
    }

    /// <summary>Waits a moment for what is under way, says goodbye, and ends. Who still waits then is told.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposing.IsCancellationRequested)
            return;
        await _disposing.CancelAsync().ConfigureAwait(false);
        Connection? current;
        lock (_gate)
            current = _current;
        if (current is not null)
            await current.CloseAsync(s_farewell).ConfigureAwait(false);
        await _caring.ConfigureAwait(false);
        _disposing.Dispose();
    }

    internal TimeSpan Deadline => _options.Deadline;

    internal void Wake() => Volatile.Read(ref _current)?.Wake();

    internal void Leave(PaymentWriter writer)
    {
        _feed.Remove(writer);
        lock (_gate)
            _writers.Remove(writer);
    }

    private static FrameFlags PaymentFlagsOf(ClientOptions options) =>
        (options.TellsBalances ? FrameFlags.Balances | FrameFlags.ListAll : FrameFlags.None) | (options.ListsAll ? FrameFlags.ListAll : FrameFlags.None);

    private static TaskCompletionSource<Connection> NewPromise()
    {
        var promise = new TaskCompletionSource<Connection>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = promise.Task.ContinueWith(static failed => _ = failed.Exception, TaskContinuationOptions.OnlyOnFaulted); // nobody may be waiting
        return promise;
    }

    private static bool IsOfConnecting(Exception failed) =>
        failed is IOException or OperationCanceledException or AuthenticationException or SettlementException or System.Net.Sockets.SocketException;

    private static string SentenceOf(Exception failed, ClientOptions options) => failed switch
    {
        OperationCanceledException => $"no session with {options.Host}:{options.Port} within {options.ConnectTimeout.TotalSeconds:0.###} s",
        AuthenticationException => $"{options.Host}:{options.Port} is not the server that was expected: {failed.Message}",
        _ => failed.Message,
    };

    /// <summary>Whether another try without a change is of use.</summary>
    private static bool MayHelp(Exception why) => why switch
    {
        RefusedException refused => refused.IsTransient,
        SettlementException or AuthenticationException => false,
        _ => true,
    };

    /// <summary>Numbers below the highest decided that were never used up: a stream with such goes on only when they are.</summary>
    private async Task<IReadOnlyList<ulong>> HolesAsync(StreamProgress progress, CancellationToken cancel)
    {
        if (progress.LowestMissing > progress.HighestDecided)
            return [];
        int count = (int)Math.Min(progress.HighestDecided - progress.LowestMissing, Limits.StreamWindow);
        PaymentId[] ids = [.. Enumerable.Range(0, count).Select(i => PaymentId.OfStream(progress.Stream, progress.LowestMissing + (ulong)i))];
        FoundPayment[] found = await FindAsync(ids, cancel).ConfigureAwait(false);
        return [.. ids.Where((_, i) => found[i].Knowledge == IdKnowledge.NotDecided).Select(id => (ulong)id.Value)];
    }

    private async Task<byte[]> AskAsync(FrameKind kind, FrameKind answer, ReadOnlyMemory<byte> body, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(_options.Deadline);
        while (true)
        {
            try
            {
                Task<Connection> connected;
                lock (_gate)
                    connected = _connected.Task;
                Connection connection = await connected.WaitAsync(patience.Token).ConfigureAwait(false);
                return await connection.AskAsync(kind, answer, body, patience.Token).ConfigureAwait(false);
            }
            catch (IOException)
            {
                // The connection broke; a question changes nothing, so the next one is asked again.
                await Task.Delay(1, CancellationToken.None).ConfigureAwait(false);
            }
            catch (RefusedException refused) when (refused.IsTransient && !patience.IsCancellationRequested)
            {
                // By a node that leads no longer, or ends.
                await Task.Delay(_options.ReconnectPause, CancellationToken.None).ConfigureAwait(false);
            }
            catch (OperationCanceledException late) when (!cancel.IsCancellationRequested)
            {
                throw new NotSentException($"no answer to a question within {_options.Deadline.TotalSeconds:0.###} s", late);
            }
        }
    }

    /// <summary>Stays with one connection after the other until there is none any more.</summary>
    private async Task CareAsync(Connection connection)
    {
        Exception? end = null;
        while (end is null)
        {
            Session = connection.Session;
            lock (_gate)
            {
                Volatile.Write(ref _current, connection);
                _connected.TrySetResult(connection);
            }

            foreach (PaymentWriter writer in Writers())
                writer.Resume(connection);
            connection.Wake();
            await connection.WhenEnded.ConfigureAwait(false);
            lock (_gate)
            {
                Volatile.Write(ref _current, null);
                _connected = NewPromise();
            }

            foreach (PaymentWriter writer in Writers())
                writer.Suspend();
            foreach (OutFrame frame in connection.Unanswered())
                frame.Source.Broken(frame);
            (connection, end) = await NextAsync(connection).ConfigureAwait(false);
        }

        lock (_gate)
            _connected.TrySetException(end);
        _payments.Fail(end);
        _commands.Fail(end);
        foreach (PaymentWriter writer in Writers())
            writer.Fail(end);
    }

    private PaymentWriter[] Writers()
    {
        lock (_gate)
            return [.. _writers];
    }

    /// <summary>The first connection. A cluster that elects its leader right now is worth some patience; a single server that is not there is not.</summary>
    private async Task<Connection> FirstAsync(CancellationToken cancel)
    {
        long begun = Stopwatch.GetTimestamp();
        TimeSpan pause = _options.ReconnectPause;
        while (true)
        {
            try
            {
                return await _dialing.OpenAsync(_feed, cancel).ConfigureAwait(false);
            }
            catch (Exception failed) when (_dialing.HasSeveral && IsOfConnecting(failed) && MayHelp(failed) && !cancel.IsCancellationRequested
                && Stopwatch.GetElapsedTime(begun) + pause < _options.Deadline)
            {
                await Task.Delay(pause, cancel).ConfigureAwait(false);
                pause = Longer(pause);
            }
        }
    }

    /// <summary>Where there are several nodes the pause stays short: an election is over in less than a second, and payments wait for it.</summary>
    private TimeSpan Longer(TimeSpan pause)
    {
        TimeSpan most = _dialing.HasSeveral && _options.ReconnectPauseMax > s_electionPauseMax ? s_electionPauseMax : _options.ReconnectPauseMax;
        return TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, most.Ticks));
    }

    /// <summary>The next connection, or why there is none.</summary>
    private async Task<(Connection Connection, Exception? End)> NextAsync(Connection ended)
    {
        Exception why = ended.Reason;
        bool isNamed = false;
        if (why is RefusedException { Code: RefusalCode.NotLeader } left)
        {
            _dialing.Left(left.Leader);
            isNamed = !left.Leader.IsEmpty;
        }

        TimeSpan pause = _options.ReconnectPause;
        long begun = Stopwatch.GetTimestamp();
        bool GoesOn(int tries) => tries < _options.ReconnectTries
            || (_options.ReconnectTries > 0 && _dialing.HasSeveral && Stopwatch.GetElapsedTime(begun) < _options.Deadline);
        for (int tries = 0; GoesOn(tries) && MayHelp(why) && !_disposing.IsCancellationRequested; tries++)
        {
            try
            {
                // Half of the pause by chance, so that a server that comes back does not meet all its clients at once.
                // A leader that is named leads already.
                if (!isNamed || tries > 0)
                    await Task.Delay(pause * (1 - (Random.Shared.NextDouble() / 2)), _disposing.Token).ConfigureAwait(false);
                pause = Longer(pause);
                Connection next = await _dialing.OpenAsync(_feed, _disposing.Token).ConfigureAwait(false);
                Reconnects++;
                return (next, null);
            }
            catch (Exception failed) when (IsOfConnecting(failed))
            {
                why = failed;
            }
        }

        return (ended, _disposing.IsCancellationRequested
            ? new SettlementException("the client was disposed of")
            : why as SettlementException ?? new SettlementException($"the connection to {_options.Host}:{_options.Port} is lost: {SentenceOf(why, _options)}", why));
    }
}
