using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Gateway.Wire;

namespace Settlement.Tests.Gateway.Wire;

/// <summary>A frame as it came.</summary>
internal sealed record RawFrame(FrameHeader Header, byte[] Body)
{
    public T Read<T>(int offset = 0)
        where T : unmanaged => MemoryMarshal.Read<T>(Body.AsSpan(offset));

    public T[] ReadAll<T>(int offset)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(Body.AsSpan(offset)).ToArray();

    public RefusalBody Refusal => Read<RefusalBody>();

    public string Sentence => Encoding.UTF8.GetString(Body.AsSpan(RefusalBody.Size));
}

/// <summary>A client that sends whatever bytes a test wants it to, and knows nothing that the protocol's page does not say.</summary>
internal sealed class RawClient : IDisposable
{
    private const int TimeoutMs = 30_000;

    private readonly Stream _stream;

    public RawClient(Stream stream)
    {
        _stream = stream;
        if (stream.CanTimeout)
            (stream.ReadTimeout, stream.WriteTimeout) = (TimeoutMs, TimeoutMs);
    }

    public ulong Number { get; private set; }

    public Nonce ClientNonce { get; private set; }

    public ChallengeBody Challenge { get; private set; }

    public static RawClient Connect(IPEndPoint address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(address);
        return new RawClient(new NetworkStream(socket, ownsSocket: true));
    }

    /// <summary>Connects, and opens the session of a key.</summary>
    public static RawClient Open(IPEndPoint address, ECDsa key, out SessionBody session)
    {
        RawClient client = Connect(address);
        session = client.Authenticate(key);
        return client;
    }

    public SessionBody Authenticate(ECDsa key, Digest certificate = default)
    {
        SayHello();
        SendAuthentication(key, certificate);
        RawFrame answer = Receive();
        Assert.That(answer.Header.Kind, Is.EqualTo(FrameKind.Session), answer.Header.Kind == FrameKind.Refusal ? answer.Sentence : "");
        return answer.Read<SessionBody>();
    }

    public void SayHello()
    {
        Nonce nonce = default;
        RandomNumberGenerator.Fill(nonce);
        ClientNonce = nonce;
        Send(FrameKind.Hello, new HelloBody { Magic = WireLimits.Magic, VersionFirst = 1, VersionLast = 1, Nonce = nonce });
        RawFrame answer = Receive();
        Assert.That(answer.Header.Kind, Is.EqualTo(FrameKind.Challenge), answer.Header.Kind == FrameKind.Refusal ? answer.Sentence : "");
        Challenge = answer.Read<ChallengeBody>();
    }

    public void SendAuthentication(ECDsa key, Digest certificate = default) =>
        SendAuthentication(NodeKey.Of(key).Id, Sign(key, certificate));

    public void SendAuthentication(KeyId id, byte[] signature) =>
        Send(FrameKind.Authenticate, new AuthenticateBody { Kind = AuthenticationKind.Signature, SignatureBytes = (uint)signature.Length, KeyId = id }, signature);

    public byte[] Sign(ECDsa key, Digest certificate = default)
    {
        var message = new byte[SessionMessage.Size];
        Nonce client = ClientNonce;
        Nonce server = Challenge.Nonce;
        SessionMessage.Write(Challenge.LedgerId, in client, in server, in certificate, message);
        return key.SignData(message, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    /// <returns>The frame's number.</returns>
    public ulong Send<TBody>(FrameKind kind, TBody body, ReadOnlySpan<byte> more = default, FrameFlags flags = FrameFlags.None)
        where TBody : unmanaged
    {
        Write(Frame(kind, ++Number, body, more, flags));
        return Number;
    }

    public ulong Send(FrameKind kind)
    {
        Write(Frame(kind, ++Number, flags: FrameFlags.None, body: []));
        return Number;
    }

    public ulong SendPayments(ReadOnlySpan<Payment> payments, FrameFlags flags = FrameFlags.None, FrameKind kind = FrameKind.Payments) =>
        Send(kind, new PaymentsBody { Count = (uint)payments.Length }, MemoryMarshal.AsBytes(payments), flags);

    public ulong SendCommands(params ReadOnlySpan<ControlCommand> commands) =>
        SendPayments(MemoryMarshal.Cast<ControlCommand, Payment>(commands), FrameFlags.ListAll, FrameKind.Commands);

    public ulong SendCommand(Instruction instruction, ReadOnlySpan<byte> continuation) =>
        SendPayments(IngressAdapter.SlotsOf(new ControlCommand { Instruction = instruction }, continuation), FrameFlags.ListAll, FrameKind.Commands);

    public static byte[] Frame<TBody>(FrameKind kind, ulong number, TBody body, ReadOnlySpan<byte> more = default, FrameFlags flags = FrameFlags.None)
        where TBody : unmanaged
    {
        var bytes = new byte[Unsafe.SizeOf<TBody>() + more.Length];
        MemoryMarshal.Write(bytes, in body);
        more.CopyTo(bytes.AsSpan(Unsafe.SizeOf<TBody>()));
        return Frame(kind, number, flags, bytes);
    }

    public static byte[] Frame(FrameKind kind, ulong number, FrameFlags flags, ReadOnlySpan<byte> body)
    {
        var frame = new byte[FrameHeader.Size + body.Length];
        MemoryMarshal.Write(frame, new FrameHeader { Bytes = (uint)body.Length, Kind = kind, Flags = flags, Number = number });
        body.CopyTo(frame.AsSpan(FrameHeader.Size));
        return frame;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        _stream.Write(bytes);
        _stream.Flush();
    }

    public RawFrame Receive() => TryReceive() ?? throw new AssertionException("the server closed the connection");

    /// <returns>Null: the connection has ended.</returns>
    public RawFrame? TryReceive()
    {
        var head = new byte[FrameHeader.Size];
        int got = 0;
        try
        {
            got = _stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        }
        catch (IOException reset) when (reset.InnerException is SocketException { SocketErrorCode: not SocketError.TimedOut })
        {
            return null;
        }

        if (got == 0)
            return null;
        Assert.That(got, Is.EqualTo(head.Length), "a frame was cut off");
        FrameHeader header = MemoryMarshal.Read<FrameHeader>(head);
        var body = new byte[header.Bytes];
        _stream.ReadExactly(body);
        return new RawFrame(header, body);
    }

    public RawFrame Receive(FrameKind kind)
    {
        RawFrame frame = Receive();
        Assert.That(frame.Header.Kind, Is.EqualTo(kind), frame.Header.Kind == FrameKind.Refusal ? $"{frame.Refusal.Code}: {frame.Sentence}" : "");
        return frame;
    }

    /// <summary>The server refuses, and closes.</summary>
    public RawFrame ExpectEnd(RefusalCode code)
    {
        RawFrame frame = Receive(FrameKind.Refusal);
        Assert.That(frame.Refusal.Code, Is.EqualTo(code), frame.Sentence);
        Assert.That(frame.Refusal.Closes, Is.EqualTo(1));
        Assert.That(TryReceive(), Is.Null);
        return frame;
    }

    /// <summary>Verdicts of a frame sent with <see cref="FrameFlags.ListAll"/>.</summary>
    public Verdict[] ReceiveVerdicts() => [.. Receive(FrameKind.Verdicts).ReadAll<VerdictEntry>(VerdictsBody.Size).Select(entry => entry.Verdict)];

    public void Dispose() => _stream.Dispose();
}
