using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Client.Flow;

/// <summary>
/// Opens connections: TCP, TLS, hello, challenge, authentication. Invariant: nothing is signed for a server that was not recognised, and no
/// signature serves anywhere else (<see cref="SessionMessage"/>).
/// </summary>
internal sealed class Dialing(ClientOptions options, KeySigner? signer, ServerTrust trust)
{
    private const int AnswerBytesMax = 4_096;

    /// <summary>What a node gets at least to answer, where others can be asked instead.</summary>
    private static readonly TimeSpan s_patienceMin = TimeSpan.FromSeconds(1);

    /// <summary>How long a node may say nothing, where another may have been elected meanwhile: a process that stands still keeps its connections.</summary>
    private static readonly TimeSpan s_silenceOfOneMax = TimeSpan.FromSeconds(3);

    private readonly Route _route = new(options);

    /// <summary>Whether another node may know more than one that refused.</summary>
    public bool HasSeveral => _route.HasSeveral;

    /// <summary>The node of the last session said that it leads no longer.</summary>
    public void Left(NodeAddresses leader) => _route.Left(leader);

    /// <summary>Asks the nodes that are known, each once, and who they say leads, until one opens a session.</summary>
    /// <exception cref="RefusedException">The leader does not want this client, or none is known now.</exception>
    /// <exception cref="IOException">It cannot be reached, or broke off.</exception>
    /// <exception cref="AuthenticationException">It is not the server that was to be recognised.</exception>
    /// <exception cref="OperationCanceledException">It took too long.</exception>
    public async Task<Connection> OpenAsync(IFrameSource feed, CancellationToken cancel)
    {
        TimeSpan each = options.ConnectTimeout;
        if (_route.NodeCount > 1)
            each = TimeSpan.FromTicks(Math.Min(each.Ticks, Math.Max(s_patienceMin.Ticks, each.Ticks / _route.NodeCount)));
        Exception? why = null;
        Route.Round round = _route.Begin();
        while (round.TryNext(out NodePort node))
        {
            try
            {
                Connection connection = await OpenAsync(node, each, feed, cancel).ConfigureAwait(false);
                _route.Arrived(node);
                return connection;
            }
            catch (RefusedException refused) when (refused.Code == RefusalCode.NotLeader)
            {
                why = refused;
                round.Name(refused.Leader);
            }
            catch (Exception other) when (_route.HasSeveral && IsOfOneNode(other) && !cancel.IsCancellationRequested)
            {
                // A node that follows knows more of the cluster than one that cannot be asked.
                if (why is not RefusedException)
                    why = other;
            }
        }

        ExceptionDispatchInfo.Throw(why!);
        throw why!;
    }

    /// <summary>What says nothing of the other nodes.</summary>
    private static bool IsOfOneNode(Exception failed) =>
        failed is IOException or SocketException or AuthenticationException or OperationCanceledException || failed is RefusedException { IsTransient: true };

    /// <exception cref="RefusedException">The server does not want this client.</exception>
    /// <exception cref="IOException">It cannot be reached, or broke off.</exception>
    /// <exception cref="AuthenticationException">It is not the server that was to be recognised.</exception>
    /// <exception cref="OperationCanceledException">It took too long.</exception>
    private async Task<Connection> OpenAsync(NodePort node, TimeSpan within, IFrameSource feed, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(within);
        Stream stream = await ReachAsync(node, patience.Token).ConfigureAwait(false);
        try
        {
            Digest certificate = default;
            if (!options.Plain)
                (stream, certificate) = await SecureAsync(stream, node.Host, patience.Token).ConfigureAwait(false);
            return await AuthenticateAsync(stream, certificate, feed, patience.Token).ConfigureAwait(false);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<Stream> ReachAsync(NodePort node, CancellationToken cancel)
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(node.Host, cancel).ConfigureAwait(false);
        if (options.Plain && !options.PlainAnywhere)
            addresses = [.. addresses.Where(IPAddress.IsLoopback)];
        if (addresses.Length == 0)
        {
            throw new SettlementException(
                $"'{node.Host}' is no loopback address, and payments are not sent in the clear to another machine: use TLS, or say {nameof(ClientOptions.PlainAnywhere)}");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, node.Port, cancel).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException unreachable)
        {
            socket.Dispose();
            throw new IOException($"{node} cannot be reached: {unreachable.Message}", unreachable);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<(Stream Secure, Digest Certificate)> SecureAsync(Stream plain, string host, CancellationToken cancel)
    {
        var secure = new SslStream(plain, leaveInnerStreamOpen: false);
        await secure.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = host,
                EnabledSslProtocols = SslProtocols.Tls13,
                ClientCertificates = options.Certificate is null ? null : [options.Certificate],
                RemoteCertificateValidationCallback = (_, certificate, chain, errors) => trust.Recognises(certificate, chain, errors),
            },
            cancel).ConfigureAwait(false);
        return (secure, Digest.From(SHA256.HashData(secure.RemoteCertificate!.GetRawCertData())));
    }

    private async Task<Connection> AuthenticateAsync(Stream stream, Digest certificate, IFrameSource feed, CancellationToken cancel)
    {
        var hello = new HelloBody { Magic = WireLimits.Magic, VersionFirst = WireLimits.VersionFirst, VersionLast = WireLimits.Version };
        RandomNumberGenerator.Fill(hello.Nonce);
        await WriteAsync(stream, FrameKind.Hello, 1, MemoryMarshal.AsBytes(new ReadOnlySpan<HelloBody>(in hello)).ToArray(), cancel).ConfigureAwait(false);
        ChallengeBody challenge = MemoryMarshal.Read<ChallengeBody>(await ReadAsync(stream, FrameKind.Challenge, ChallengeBody.Size, cancel).ConfigureAwait(false));
        await WriteAsync(stream, FrameKind.Authenticate, 2, Authentication(in hello, in challenge, certificate), cancel).ConfigureAwait(false);
        SessionBody session = MemoryMarshal.Read<SessionBody>(await ReadAsync(stream, FrameKind.Session, SessionBody.Size, cancel).ConfigureAwait(false));
        int framePaymentsMax = (int)Math.Min(Math.Min((uint)options.FramePaymentsMax, challenge.FramePaymentsMax), session.Credit);
        if (framePaymentsMax < 1 || session.Credit > int.MaxValue || challenge.SilenceMsMax < 10)
            throw new SettlementException("the server opened a session in which nothing can be sent");
        var info = new SessionInfo(
            challenge.LedgerId, session.Session, session.Participant, session.Clearance, session.Flags, (int)session.Credit, framePaymentsMax);
        var silenceMax = TimeSpan.FromMilliseconds(challenge.SilenceMsMax);
        return Connection.Start(stream, feed, info, _route.HasSeveral && silenceMax > s_silenceOfOneMax ? s_silenceOfOneMax : silenceMax, number: 2);
    }

    private byte[] Authentication(in HelloBody hello, in ChallengeBody challenge, in Digest certificate)
    {
        if (signer is null)
        {
            KeyId shown = KeyId.From(SHA256.HashData(options.Certificate!.PublicKey.ExportSubjectPublicKeyInfo()));
            var byCertificate = new AuthenticateBody { Kind = AuthenticationKind.Certificate, KeyId = shown };
            return MemoryMarshal.AsBytes(new ReadOnlySpan<AuthenticateBody>(in byCertificate)).ToArray();
        }

        byte[] message = new byte[SessionMessage.Size];
        SessionMessage.Write(challenge.LedgerId, in hello.Nonce, in challenge.Nonce, in certificate, message);
        byte[] signature = signer.Sign(message);
        var bySignature = new AuthenticateBody { Kind = AuthenticationKind.Signature, SignatureBytes = (uint)signature.Length, KeyId = signer.KeyId };
        return [.. MemoryMarshal.AsBytes(new ReadOnlySpan<AuthenticateBody>(in bySignature)), .. signature];
    }

    private static async Task WriteAsync(Stream stream, FrameKind kind, ulong number, byte[] body, CancellationToken cancel)
    {
        byte[] frame = new byte[FrameHeader.Size + body.Length];
        var header = new FrameHeader { Bytes = (uint)body.Length, Kind = kind, Number = number };
        MemoryMarshal.Write(frame, in header);
        body.CopyTo(frame, FrameHeader.Size);
        await stream.WriteAsync(frame, cancel).ConfigureAwait(false);
        await stream.FlushAsync(cancel).ConfigureAwait(false);
    }

    private static async Task<byte[]> ReadAsync(Stream stream, FrameKind expected, int size, CancellationToken cancel)
    {
        byte[] head = new byte[FrameHeader.Size];
        await stream.ReadExactlyAsync(head, cancel).ConfigureAwait(false);
        FrameHeader header = MemoryMarshal.Read<FrameHeader>(head);
        if (header.Bytes > AnswerBytesMax)
            throw new SettlementException("what answers does not speak this protocol");
        byte[] body = new byte[header.Bytes];
        await stream.ReadExactlyAsync(body, cancel).ConfigureAwait(false);
        if (header.Kind == FrameKind.Refusal)
            throw VerdictReading.ReadRefusal(body, out _, out _);
        if (header.Kind != expected || body.Length < size)
            throw new SettlementException("what answers does not speak this protocol");
        return body;
    }
}
