using System.Globalization;
using Microsoft.AspNetCore.Http;
using Settlement.Client.Wire;
using Settlement.Engine.Text;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Serve.Roles;

namespace Settlement.Gateway.Http;

/// <summary>
/// So that reads never go back, whichever node answers: every answer of <c>/v1</c> says how far its ledger is (<c>Settlement-Sequence</c>), and a request may say how far it must be at
/// least (<c>Settlement-At-Least</c>).
/// </summary>
/// <remarks>
/// The header is read when the answer begins, so it is never behind what the answer shows. A node that is behind what is asked waits for a bounded time, then sends the client to the
/// leader; where it leads itself, or none is known, it says that it cannot tell yet.
/// Failure assumed: any number in the request; one that no ledger has reached costs the bound and no more.
/// </remarks>
internal sealed class ReadFreshness(LedgerEngine engine, int waitMsMax, RequestDelegate next)
{
    public const string SequenceHeader = "Settlement-Sequence";
    public const string AtLeastHeader = "Settlement-At-Least";

    private const int LookMs = 5;

    public async Task InvokeAsync(HttpContext http)
    {
        if (!http.Request.Path.StartsWithSegments("/v1", StringComparison.Ordinal))
        {
            await next(http);
            return;
        }

        http.Response.OnStarting(() =>
        {
            http.Response.Headers[SequenceHeader] = Exact.Of(engine.Sequence);
            return Task.CompletedTask;
        });
        string asked = http.Request.Headers[AtLeastHeader].ToString();
        if (asked.Length == 0)
        {
            await next(http);
        }
        else if (!FieldText.TryReadNumber(System.Text.Encoding.UTF8.GetBytes(asked), out ulong sequence))
        {
            await Problem.WriteAsync(http, Problem.Invalid($"{AtLeastHeader} '{Shortened(asked)}': a sequence is expected, as a {SequenceHeader} header told it.").Answer);
        }
        else if (await IsReachedAsync(sequence, http.RequestAborted))
        {
            await next(http);
        }
        else
        {
            await SendAwayAsync(http, sequence);
        }
    }

    private async Task<bool> IsReachedAsync(ulong sequence, CancellationToken gone)
    {
        long until = Environment.TickCount64 + waitMsMax;
        while (engine.Sequence < sequence)
        {
            if (Environment.TickCount64 >= until)
                return false;
            await Task.Delay(LookMs, gone);
        }

        return true;
    }

    private async Task SendAwayAsync(HttpContext http, ulong sequence)
    {
        NodeAddresses leader = engine.Leader;
        bool isSecure = http.Request.IsHttps;
        if (leader.TryFind(isSecure ? NodeAddresses.Https : NodeAddresses.Http, out string host, out int port))
        {
            http.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
            http.Response.Headers.Location =
                $"{(isSecure ? "https" : "http")}://{NodeAddresses.Format(host, port)}{http.Request.PathBase}{http.Request.Path}{http.Request.QueryString}";
            return;
        }

        await Problem.WriteAsync(http, Problem.Missing(string.Create(
            CultureInfo.InvariantCulture, $"The ledger of this node is at sequence {engine.Sequence}, and {sequence} is asked for. Ask again in a moment, or another node.")).Answer);
    }

    private static string Shortened(string text) => text.Length <= 32 ? text : $"{text[..32]}…";
}
