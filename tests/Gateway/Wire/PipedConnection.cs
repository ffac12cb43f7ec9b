using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Gateway.Wire;

namespace Settlement.Tests.Gateway.Wire;

/// <summary>A connection to a server without a socket: two pipes, so that a test can try millions of frames.</summary>
internal sealed class PipedConnection : IAsyncDisposable
{
    private readonly Pipe _toServer = new(new PipeOptions(pauseWriterThreshold: WireServer.InputBytesMax, useSynchronizationContext: false));
    private readonly Pipe _toClient = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
    private readonly DefaultConnectionContext _context;
    private readonly Task _served;

    /// <param name="server">Of which.</param>
    /// <param name="certificate">That TLS would have been given; null: none.</param>
    public PipedConnection(WireServer server, X509Certificate2? certificate)
    {
        _context = new DefaultConnectionContext(Guid.NewGuid().ToString(), new Duplex(_toServer.Reader, _toClient.Writer), new Duplex(_toClient.Reader, _toServer.Writer));
        if (certificate is not null)
            _context.Features.Set<ITlsConnectionFeature>(new GivenCertificate { ClientCertificate = certificate });
        _served = ServeAsync(server);
    }

    public PipeWriter Output => _toServer.Writer;

    public PipeReader Input => _toClient.Reader;

    /// <summary>Opens the session of the certificate's key.</summary>
    public async Task AuthenticateAsync(KeyId key)
    {
        await Output.WriteAsync(RawClient.Frame(FrameKind.Hello, 1, new HelloBody { Magic = WireLimits.Magic, VersionFirst = 1, VersionLast = 1 }));
        await Output.WriteAsync(RawClient.Frame(FrameKind.Authenticate, 2, new AuthenticateBody { Kind = AuthenticationKind.Certificate, KeyId = key }));
        RawFrame? challenge = await ReceiveAsync();
        RawFrame? session = await ReceiveAsync();
        Assert.That((challenge?.Header.Kind, session?.Header.Kind), Is.EqualTo((FrameKind.Challenge, FrameKind.Session)));
    }

    /// <returns>Null: the server has ended the connection.</returns>
    public async ValueTask<RawFrame?> ReceiveAsync()
    {
        FrameHeader? header = null;
        while (true)
        {
            ReadResult read = await Input.ReadAsync();
            if (header is null && read.Buffer.Length >= FrameHeader.Size)
            {
                var head = new byte[FrameHeader.Size];
                System.Buffers.BuffersExtensions.CopyTo(read.Buffer.Slice(0, FrameHeader.Size), head);
                header = System.Runtime.InteropServices.MemoryMarshal.Read<FrameHeader>(head);
            }

            if (header is { } known && read.Buffer.Length >= FrameHeader.Size + known.Bytes)
            {
                var body = new byte[known.Bytes];
                System.Buffers.BuffersExtensions.CopyTo(read.Buffer.Slice(FrameHeader.Size, known.Bytes), body);
                Input.AdvanceTo(read.Buffer.GetPosition(FrameHeader.Size + known.Bytes));
                return new RawFrame(known, body);
            }

            bool isOver = read.IsCompleted;
            Assert.That(isOver && !read.Buffer.IsEmpty, Is.False, "a frame was cut off");
            Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (isOver)
                return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Output.CompleteAsync();
        await _served;
        await Input.CompleteAsync();
        await _context.DisposeAsync();
    }

    private async Task ServeAsync(WireServer server)
    {
        await server.ServeAsync(_context);
        await _toClient.Writer.CompleteAsync();
        await _toServer.Reader.CompleteAsync();
    }

    private sealed class Duplex(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }

    private sealed class GivenCertificate : ITlsConnectionFeature
    {
        public X509Certificate2? ClientCertificate { get; set; }

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult(ClientCertificate);
    }
}
