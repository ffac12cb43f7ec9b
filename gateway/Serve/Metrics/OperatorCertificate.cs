using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Settlement.Engine.Domain;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Serve.Metrics;

/// <summary>Whether somebody shows the key of an operator's session: the one of the TLS client certificate, which the handshake has proven.</summary>
internal static class OperatorCertificate
{
    public static async ValueTask<bool> IsShownAsync(HttpContext context, ISessionKeys keys)
    {
        if (await context.Connection.GetClientCertificateAsync(context.RequestAborted).ConfigureAwait(false) is not { } certificate)
            return false;
        KeyId id = PublicKeyForm.IdOf(certificate.PublicKey.ExportSubjectPublicKeyInfo());
        return await keys.FindAsync(id, context.RequestAborted).ConfigureAwait(false) is { Record.IsOperator: true };
    }
}
