using System.Buffers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http.Features;
using Settlement.Client.Wire;
using Settlement.Engine.Consent;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Gateway.Wire;

/// <summary>Who the client is.</summary>
internal sealed partial class WireConnection
{
    private const string NotYours = "The key is not registered for a session of this ledger, or it was not shown that it is yours.";

    private Nonce _clientNonce; // written by: the reading loop, once
    private ushort _version; // that both speak; written by: the reading loop, once
    private Nonce _serverNonce; // written by: the reading loop, once

    private bool TakeHello(in FrameHeader header, in ReadOnlySequence<byte> body)
    {
        HelloBody hello = Read<HelloBody>(body);
        if (hello.Magic != WireLimits.Magic)
            return RefuseFrame(RefusalCode.Malformed, in header, "A hello begins with the letters STLW.");
        if (hello.VersionFirst > WireLimits.Version || hello.VersionLast < WireLimits.VersionFirst)
            return RefuseFrame(RefusalCode.Version, in header, $"The server speaks versions {WireLimits.VersionFirst} to {WireLimits.Version} of the protocol, the client {hello.VersionFirst} to {hello.VersionLast}.");
        _version = Math.Min(hello.VersionLast, WireLimits.Version);
        if (_server.Ingress.Engine is { IsReady: false, Failure: null })
        {
            RefuseNotLeading(header.Number);
            return false;
        }

        if (Volatile.Read(ref _isGoingAway) != 0)
            return RefuseFrame(RefusalCode.ServerEnding, in header, "The server ends.");
        _clientNonce = hello.Nonce;
        RandomNumberGenerator.Fill(_serverNonce);
        _phase = Phase.Authenticate;
        return _outbox.TryAdd(FrameKind.Challenge, header.Number, new ChallengeBody
        {
            Version = _version,
            FramePaymentsMax = WireLimits.FramePaymentsMax,
            LedgerId = _server.LedgerId,
            Nonce = _serverNonce,
            SilenceMsMax = (uint)_server.Options.SilenceMsMax,
            AuthenticationMsMax = (uint)_server.Options.AuthenticationMsMax,
        });
    }

    private async ValueTask<bool> TakeAuthenticationAsync(FrameHeader header, ReadOnlySequence<byte> body)
    {
        AuthenticateBody claim = Read<AuthenticateBody>(body);
        byte[] signature = body.Slice(AuthenticateBody.Size).ToArray();
        if (claim.SignatureBytes != signature.Length || !ReservedIsZero(body))
            return RefuseFrame(RefusalCode.Malformed, in header, "An authentication's length is not that of the signature that it names, or reserved bytes are not zero.");
        SessionKey? key = await _server.Keys.FindAsync(claim.KeyId, _aborted).ConfigureAwait(false);
        bool isShown = claim.Kind switch
        {
            AuthenticationKind.Certificate => signature.Length == 0 && IsCertificateOf(key),
            AuthenticationKind.Signature => IsSigned(key, signature),
            _ => false,
        };
        if (!isShown)
        {
            Interlocked.Increment(ref _server.Counters.NotAuthenticated);
            return RefuseFrame(RefusalCode.NotAuthenticated, in header, NotYours);
        }

        // Known to those who end sessions first, asked for again then: a key that is revoked meanwhile is seen by one of the two.
        Volatile.Write(ref _session, key);
        (ulong sequence, ulong timeNs, bool isInForce) = await _server.Ingress.Engine.AskAsync(
            state => (state.Sequence, state.TimeNs, LedgerSessionKeys.IsInForce(state, key!)), _aborted).ConfigureAwait(false);
        if (!isInForce)
            return RefuseFrame(RefusalCode.NotAuthenticated, in header, NotYours);
        SessionRecord record = key!.Record;
        _phase = Phase.Open;
        _server.OnSession(this);
        return _outbox.TryAdd(FrameKind.Session, header.Number, new SessionBody
        {
            Session = key.Session,
            Participant = record.Participant,
            Clearance = record.Clearance,
            Flags = record.Flags,
            Credit = (uint)_server.Options.Credit,
            Sequence = sequence,
            TimeNs = timeNs,
        });
    }

    private static bool ReservedIsZero(in ReadOnlySequence<byte> body)
    {
        Span<byte> head = stackalloc byte[4];
        body.Slice(0, head.Length).CopyTo(head);
        return (head[1] | head[2] | head[3]) == 0;
    }

    /// <summary>TLS has shown that the client holds the certificate's key; nothing else in the certificate counts.</summary>
    private bool IsCertificateOf(SessionKey? key) =>
        key is not null
        && _context.Features.Get<ITlsConnectionFeature>()?.ClientCertificate is { } certificate
        && certificate.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.Spki);

    private bool IsSigned(SessionKey? key, byte[] signature)
    {
        Span<byte> message = stackalloc byte[SessionMessage.Size];
        Digest certificate = _context.Features.Get<ServerCertificateFeature>()?.Hash ?? default;
        SessionMessage.Write(_server.LedgerId, in _clientNonce, in _serverNonce, in certificate, message);
        return key is not null && SignatureVerifiers.Verifies(key.Scheme, key.Spki, message, signature);
    }
}

/// <summary>The certificate by which the server shows itself on the connection's port: what a client's signature is bound to.</summary>
internal sealed record ServerCertificateFeature(Digest Hash)
{
    public static ServerCertificateFeature Of(X509Certificate2 certificate) => new(Digest.From(SHA256.HashData(certificate.RawData)));
}
