using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Settlement.Engine.Batch;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Ledger;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Http.Batches;

/// <summary>Closed batches as server-sent events (the HTML standard's): the id is the batch's number, so that who comes back says where it was.</summary>
/// <remarks>A reader that does not read holds up itself alone: it waits on its own socket, and takes the batches from the board when it is ready. A token's end does not cut the stream; that of its key or session does, before anything more is told.</remarks>
internal sealed class EventStream(HttpApiContext context, BatchWords words)
{
    private const int StreamsMax = 4_096;
    private const int StreamsOfOneMax = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<ushort, int> _open = []; // streams that are open, by participant; under the lock
    private int _openOfAll;

    public async Task RunAsync(HttpContext http, Caller caller, ulong cursor)
    {
        Enter(caller.Participant);
        try
        {
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, context.Stopping);
            CancellationToken gone = ends.Token;
            http.Response.ContentType = "text/event-stream";
            http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            await WriteAsync(http, "retry: 2000\n\n"u8.ToArray(), gone);
            while (!gone.IsCancellationRequested && await context.Port.AskAsync(state => LedgerSessionKeys.Find(state, caller.Key) is not null))
                cursor = await TellNextAsync(http, caller, cursor, gone);
        }
        catch (Exception over) when (over is OperationCanceledException or IOException or LedgerUnavailableException)
        {
            // The reader is gone, or the ledger.
        }
        finally
        {
            Leave(caller.Participant);
        }
    }

    /// <exception cref="ProblemException">There are too many: of the participant, so that none takes the others' places, or of all.</exception>
    private void Enter(ushort participant)
    {
        lock (_lock)
        {
            int ofOne = _open.GetValueOrDefault(participant);
            if (ofOne >= StreamsOfOneMax || _openOfAll >= StreamsMax)
                throw Problem.Missing($"Too many event streams are open: {StreamsOfOneMax} a participant, {StreamsMax} in all. Close one, or try again later.");
            _open[participant] = ofOne + 1;
            _openOfAll++;
        }
    }

    private void Leave(ushort participant)
    {
        lock (_lock)
        {
            if (--_open[participant] == 0)
                _open.Remove(participant);
            _openOfAll--;
        }
    }

    private async Task<ulong> TellNextAsync(HttpContext http, Caller caller, ulong cursor, CancellationToken gone)
    {
        Task<ClosedBatch> next = context.Batches.NextBehindAsync(cursor, gone);
        while (await Task.WhenAny(next, Task.Delay(context.Options.EventsHeartbeat, gone)) != next)
            await WriteAsync(http, ": still here\n\n"u8.ToArray(), gone);
        ClosedBatch batch = await next;
        if (!await context.Port.AskAsync(state => LedgerSessionKeys.Find(state, caller.Key) is not null))
            return cursor;
        var frame = new ArrayBufferWriter<byte>(512);
        frame.Write(Encoding.ASCII.GetBytes($"id: {Exact.Of(batch.Number)}\nevent: batch\ndata: "));
        frame.Write(JsonSerializer.SerializeToUtf8Bytes(await words.DescribeAsync(batch, caller), HttpJson.Default.BatchAnswer));
        frame.Write("\n\n"u8);
        await WriteAsync(http, frame.WrittenMemory, gone);
        return batch.Number;
    }

    private static async Task WriteAsync(HttpContext http, ReadOnlyMemory<byte> bytes, CancellationToken gone)
    {
        await http.Response.Body.WriteAsync(bytes, gone);
        await http.Response.Body.FlushAsync(gone);
    }
}
