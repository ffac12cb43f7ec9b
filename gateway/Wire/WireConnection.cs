using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Engine.Ring;
using Settlement.Gateway.Serve.Roles;

namespace Settlement.Gateway.Wire;

/// <summary>One client's connection: reads its frames in order, one at a time, and sends what comes back.</summary>
/// <remarks>
/// States: <c>hello → authenticate → open → ending</c>. In the last one nothing is read any more but to be thrown away; what the engine has taken is still
/// answered, in a bounded time.
/// <para>Threads: frames are read by one asynchronous loop; answers come from the reply thread; who ends the connection may be any.</para>
/// Failure assumed: any bytes at any pace, and a client that is gone at any moment.
/// </remarks>
internal sealed partial class WireConnection : SlotOwner
{
    /// <summary>How long, and how much, is read from a client that was refused, so that the refusal reaches it before the connection is torn.</summary>
    private const int LingerMs = 1_000;

    private readonly WireServer _server;
    private readonly ConnectionContext _context;
    private readonly PipeReader _input;
    private readonly Outbox _outbox;
    private readonly CancellationToken _aborted;
    private readonly TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Phase _phase = Phase.Hello; // written by: the reading loop
    private ulong _number; // of the last frame read; written by: the reading loop
    private SessionKey? _session; // written by: the reading loop, once
    private int _outstanding; // slots under way, as the client counts them; interlocked
    private int _owed; // slots whose answer is not in the outbox yet; interlocked
    private int _isWaitingForAnswers; // 1: no more slots are taken, and the end waits for the last answer; interlocked
    private int _isRefused; // 1: the client is told, or about to be told, why it ends; interlocked
    private int _isEnding; // 1: nothing more is taken
    private int _isClaiming; // 1: a frame waits for room in the ring; written by: the reading loop
    private int _isGoingAway; // 1: the client was told that the server ends
    private long _deadlineMs; // of Environment.TickCount64; long.MaxValue: none; written by: the reading loop
    private Waiting _waitingFor; // what is late then; written by: the reading loop, before the deadline

    public WireConnection(WireServer server, ConnectionContext context)
    {
        _server = server;
        _context = context;
        _input = context.Transport.Input;
        _outbox = new Outbox(context.Transport.Output, server.Options.OutboxBytesMax);
        _aborted = context.ConnectionClosed;
        Expect(Waiting.Authentication, server.Options.AuthenticationMsMax);
    }

    private enum Phase
    {
        Hello,
        Authenticate,
        Open,
    }

    private enum Waiting
    {
        Nothing,
        Authentication,
        Frame,
        RestOfFrame,
    }

    /// <summary>Its session is open, and is counted as such.</summary>
    public bool IsAuthenticated => _phase == Phase.Open;

    /// <summary>The session that it acts as; null: none yet.</summary>
    public SessionKey? Session => Volatile.Read(ref _session);

    /// <summary>From the first byte to the last.</summary>
    public async Task RunAsync()
    {
        try
        {
            await ReadFramesAsync().ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The client is gone, or was cut: nobody is there to be told.
        }
        catch (NotLeadingException)
        {
            RefuseNotLeading(_number);
        }
        catch (EngineStoppedException)
        {
            TellEngineStopped();
        }

        await EndAsync().ConfigureAwait(false);
    }

    /// <summary>Looks at the clock; called twice a second or so.</summary>
    public void CheckDeadline(long nowMs)
    {
        if (nowMs < Volatile.Read(ref _deadlineMs))
            return;
        string late = _waitingFor switch
        {
            Waiting.Authentication => $"No session within {_server.Options.AuthenticationMsMax} ms.",
            Waiting.RestOfFrame => $"A frame began and was not whole within {_server.Options.FrameMsMax} ms.",
            _ => $"Nothing came for {_server.Options.SilenceMsMax} ms: a client that has nothing to say sends a ping.",
        };
        Refuse(RefusalCode.TooSlow, 0, FrameFate.None, late);
    }

    /// <summary>The server ends: the client is told, and what it sends from now on is not taken.</summary>
    public void GoAway()
    {
        Volatile.Write(ref _isGoingAway, 1);
        if (_phase == Phase.Open)
            _outbox.TryAdd(FrameKind.GoingAway, 0);
        else
            Refuse(RefusalCode.ServerEnding, 0, FrameFate.None, "The server ends.");
    }

    /// <summary>The engine has stopped: nothing that is under way is answered any more.</summary>
    public void TellEngineStopped()
    {
        Refuse(RefusalCode.EngineStopped, 0, FrameFate.Unknown, "The engine has stopped. What was not answered has an unknown outcome: ask for it when the server is back.");
        _answered.TrySetResult();
    }

    /// <summary>This node does not lead any more: what was taken and is not answered never will be, and who sent it asks the next leader.</summary>
    public void TellNotLeading()
    {
        if (Volatile.Read(ref _isClaiming) == 0)
            RefuseNotLeading(Volatile.Read(ref _number) + 1);
        // Else the reading loop is refused the frame in its hands, and says which one it is.
    }

    public override void OnAbandoned() => _answered.TrySetResult();

    /// <summary>Says why, takes nothing more, and closes when what was taken is answered. Any thread; the first reason counts.</summary>
    public void Refuse(RefusalCode code, ulong number, FrameFate fate, string sentence) => Refuse(code, number, fate, NodeAddresses.None, sentence);

    private void Refuse(RefusalCode code, ulong number, FrameFate fate, NodeAddresses leader, string sentence)
    {
        if (Volatile.Read(ref _isEnding) != 0 || Interlocked.Exchange(ref _isRefused, 1) != 0)
            return;
        // Said before the reading loop can end: who ends the connection flushes what was said by then.
        Tell(code, number, fate, closes: true, leader, sentence);
        Volatile.Write(ref _isEnding, 1);
        _input.CancelPendingRead();
    }

    public void Abort() => _context.Abort();

    public override void OnDecided(
        in PendingFrame frame, int index, ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ulong sequence, VerdictsEncoder encoder)
    {
        ReadOnlySpan<byte> answer = encoder.Add(in frame, index, outcomes, sequence);
        if (answer.IsEmpty)
            return;
        _server.Counters.FramesAnswered++;
        // The credit is given back before the client can know of it.
        Interlocked.Add(ref _outstanding, -frame.Count);
        if (!_outbox.TryAdd(answer) && _outbox.IsOverfull)
            _server.Cut(this, RefusalCode.AnswersNotTaken);
        if (Interlocked.Add(ref _owed, -frame.Count) == 0 && Volatile.Read(ref _isWaitingForAnswers) != 0)
            _answered.TrySetResult();
    }

    private async Task ReadFramesAsync()
    {
        while (Volatile.Read(ref _isEnding) == 0)
        {
            ReadResult read = await ReadAtLeastAsync(FrameHeader.Size).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (read.IsCanceled || buffer.Length < FrameHeader.Size)
            {
                _input.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted)
                    return;
                continue;
            }

            FrameHeader header = Read<FrameHeader>(buffer);
            if (Fault(in header) is { } fault)
            {
                _input.AdvanceTo(buffer.Start);
                Refuse(fault.Code, header.Number, FrameFate.NotTaken, fault.Sentence);
                return;
            }

            long length = FrameHeader.Size + header.Bytes;
            if (buffer.Length < length)
            {
                _input.AdvanceTo(buffer.Start, buffer.End);
                if (_phase == Phase.Open)
                    Expect(Waiting.RestOfFrame, _server.Options.FrameMsMax);
                read = await ReadAtLeastAsync(length).ConfigureAwait(false);
                buffer = read.Buffer;
                if (read.IsCanceled || buffer.Length < length)
                {
                    _input.AdvanceTo(buffer.Start, buffer.End);
                    if (read.IsCompleted)
                        return; // cut off in the midst of a frame: nothing of it was taken
                    continue;
                }
            }

            if (_phase == Phase.Open)
                Expect(Waiting.Nothing, 0);
            _number = header.Number;
            ReadOnlySequence<byte> body = buffer.Slice(FrameHeader.Size, header.Bytes);
            bool goesOn = await TakeAsync(header, body).ConfigureAwait(false);
            _input.AdvanceTo(body.End);
            if (!goesOn)
                return;
            if (_phase == Phase.Open)
                Expect(Waiting.Frame, _server.Options.SilenceMsMax);
        }
    }

    /// <summary>Until so much is there, or nothing more comes, or the connection is to end.</summary>
    private async ValueTask<ReadResult> ReadAtLeastAsync(long bytes)
    {
        while (true)
        {
            ReadResult read = await _input.ReadAsync(_aborted).ConfigureAwait(false);
            if (read.Buffer.Length >= bytes || read.IsCompleted || read.IsCanceled)
                return read;
            _input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>What is wrong with a frame as far as its head says; null: nothing.</summary>
    private (RefusalCode Code, string Sentence)? Fault(in FrameHeader header)
    {
        if (header.Reserved != 0 || (header.Flags & ~FrameFlags.Known) != 0)
            return (RefusalCode.Malformed, "A frame's reserved bytes and unknown flags are zero.");
        if (header.Flags != FrameFlags.None && header.Kind is not (FrameKind.Payments or FrameKind.Commands))
            return (RefusalCode.Malformed, "Only frames of payments and commands have flags.");
        if (header.Number <= _number)
            return (RefusalCode.Malformed, $"Frame numbers rise, from 1: {header.Number} cannot follow {_number}.");
        bool isTimely = header.Kind switch
        {
            FrameKind.Hello => _phase == Phase.Hello,
            FrameKind.Authenticate => _phase == Phase.Authenticate,
            >= FrameKind.Payments and <= FrameKind.Bye => _phase == Phase.Open,
            _ => true,
        };
        if (!isTimely)
            return (RefusalCode.OutOfOrder, $"A frame of kind {(byte)header.Kind} is not expected here: first comes a hello, then one authentication, then the rest.");
        (uint least, uint most) = BodyBytes(header.Kind);
        if (most == uint.MaxValue)
            return (RefusalCode.Malformed, $"No client sends frames of kind {(byte)header.Kind}.");
        if (header.Bytes > most)
            return (RefusalCode.TooLarge, $"A frame of kind {(byte)header.Kind} has at most {most} bytes of body.");
        return header.Bytes < least ? (RefusalCode.Malformed, $"A frame of kind {(byte)header.Kind} has at least {least} bytes of body.") : null;
    }

    private static (uint Least, uint Most) BodyBytes(FrameKind kind) => kind switch
    {
        FrameKind.Hello => (HelloBody.Size, HelloBody.Size),
        FrameKind.Authenticate => (AuthenticateBody.Size, AuthenticateBody.Size + WireLimits.SignatureBytesMax),
        FrameKind.Payments => (PaymentsBody.Size + Payment.Size, WireLimits.BodyBytesMax),
        FrameKind.Commands => (PaymentsBody.Size + Payment.Size, PaymentsBody.Size + (WireLimits.FramePaymentsMax * Payment.Size)),
        FrameKind.AskIds => (CountBody.Size + AskedId.Size, CountBody.Size + (WireLimits.AskedMax * AskedId.Size)),
        FrameKind.AskStreams => (CountBody.Size + sizeof(ulong), CountBody.Size + (WireLimits.AskedMax * sizeof(ulong))),
        FrameKind.AskAccounts => (CountBody.Size + AskedAccount.Size, CountBody.Size + (WireLimits.AskedMax * AskedAccount.Size)),
        FrameKind.Ping or FrameKind.Bye => (0, 0),
        _ => (0, uint.MaxValue),
    };

    /// <returns>False: the client is done, or was refused.</returns>
    private async ValueTask<bool> TakeAsync(FrameHeader header, ReadOnlySequence<byte> body)
    {
        switch (header.Kind)
        {
            case FrameKind.Payments:
                return await TakePaymentsAsync(header, body).ConfigureAwait(false);
            case FrameKind.Commands:
                return await TakeCommandsAsync(header, body).ConfigureAwait(false);
            case FrameKind.Hello:
                return TakeHello(header, body);
            case FrameKind.Authenticate:
                return await TakeAuthenticationAsync(header, body).ConfigureAwait(false);
            case FrameKind.Ping:
                return Add(FrameKind.Pong, header.Number);
            case FrameKind.Bye:
                return false;
            default:
                return await TakeQuestionAsync(header, body).ConfigureAwait(false);
        }
    }

    /// <summary>A frame that is out of bounds in itself: it and nothing behind it is taken.</summary>
    private bool RefuseFrame(RefusalCode code, in FrameHeader header, string sentence)
    {
        Refuse(code, header.Number, FrameFate.NotTaken, sentence);
        return false;
    }

    /// <summary>Names the leader. Who speaks version 1 only is told that the server ends, which has him do the same but that he must find the leader himself.</summary>
    /// <param name="number">The first frame that was not taken.</param>
    private void RefuseNotLeading(ulong number)
    {
        NodeAddresses leader = _server.Ingress.Engine.Leader;
        string sentence = leader.IsEmpty
            ? "This node does not lead, and no leader is known now: one is being elected, or too few nodes are up. Ask again in a moment, here or at another node."
            : "Another node leads: payments and questions are for it.";
        if (_version >= WireLimits.VersionOfNotLeader)
            Refuse(RefusalCode.NotLeader, number, FrameFate.NotTaken, leader, sentence);
        else
            Refuse(RefusalCode.ServerEnding, number, FrameFate.NotTaken, sentence);
    }

    private bool Add(FrameKind kind, ulong number)
    {
        _ = _outbox.TryAdd(kind, number) || IsTaken();
        return Volatile.Read(ref _isEnding) == 0;
    }

    /// <summary>An answer found no room: the client does not take its answers.</summary>
    private bool IsTaken()
    {
        if (_outbox.IsOverfull)
            _server.Cut(this, RefusalCode.AnswersNotTaken);
        return false;
    }

    private void Tell(RefusalCode code, ulong number, FrameFate fate, bool closes, NodeAddresses leader, string sentence)
    {
        Interlocked.Increment(ref _server.Counters.Refusals[(int)code]);
        Span<byte> text = stackalloc byte[WireLimits.RefusalTextBytesMax];
        int addressBytes = Encoding.ASCII.GetBytes(leader.ToString(), text);
        int length = addressBytes + Encoding.UTF8.GetBytes(sentence, text[addressBytes..]);
        var body = new RefusalBody { Code = code, Closes = closes ? (byte)1 : (byte)0, Fate = fate, AddressBytes = (ushort)addressBytes };
        _outbox.TryAdd(FrameKind.Refusal, number, in body, text[..length]);
    }

    /// <summary>What was taken is answered, what was said gets to the client, then the connection closes; all in a bounded time.</summary>
    private async Task EndAsync()
    {
        Volatile.Write(ref _isEnding, 1);
        bool wasRefused = Volatile.Read(ref _isRefused) != 0;
        Expect(Waiting.Nothing, 0);
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(_aborted);
        bounded.CancelAfter(_server.Options.EndingMsMax);
        try
        {
            // The reading loop is over, so nothing is added to what is owed: who brings it to zero sees that it is waited for, or it is zero here.
            Interlocked.Exchange(ref _isWaitingForAnswers, 1);
            if (Volatile.Read(ref _owed) != 0)
                await _answered.Task.WaitAsync(bounded.Token).ConfigureAwait(false);
            await _outbox.FlushedAsync().WaitAsync(bounded.Token).ConfigureAwait(false);
            if (wasRefused)
                await LingerAsync(bounded.Token).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or ObjectDisposedException)
        {
            _context.Abort();
        }

        _outbox.Close();
    }

    private async Task LingerAsync(CancellationToken cancel)
    {
        using var brief = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        brief.CancelAfter(LingerMs);
        await _context.Transport.Output.CompleteAsync().ConfigureAwait(false);
        try
        {
            for (long thrownAway = 0; thrownAway <= WireServer.InputBytesMax;)
            {
                ReadResult read = await _input.ReadAsync(brief.Token).ConfigureAwait(false);
                thrownAway += read.Buffer.Length;
                _input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    return;
            }
        }
        catch (OperationCanceledException)
        {
            // It had its time.
        }
    }

    private void Expect(Waiting what, int withinMs)
    {
        _waitingFor = what;
        Volatile.Write(ref _deadlineMs, what == Waiting.Nothing ? long.MaxValue : Environment.TickCount64 + withinMs);
    }

    private static T Read<T>(in ReadOnlySequence<byte> bytes)
        where T : unmanaged
    {
        if (bytes.FirstSpan.Length >= Marshal.SizeOf<T>())
            return MemoryMarshal.Read<T>(bytes.FirstSpan);
        Span<byte> copy = stackalloc byte[Marshal.SizeOf<T>()];
        bytes.Slice(0, copy.Length).CopyTo(copy);
        return MemoryMarshal.Read<T>(copy);
    }
}
