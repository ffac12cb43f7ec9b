using Settlement.Client;
using Settlement.Engine.Domain;
using Settlement.Perf.Common;

namespace Settlement.Perf.Wire;

/// <summary>A frame of payments with what their payers gave for them, made before the clock starts.</summary>
internal readonly record struct EvidenceFrame(Payment[] Payments, PaymentEvidence[] Evidence);

/// <summary>One connection that sends frames with evidence, as many at a time as its credit allows, and holds every verdict to be acceptance.</summary>
internal sealed class EvidenceLane : IAsyncDisposable
{
    /// <summary>Four full frames are the credit; the others wait in the client, so that the next is always there.</summary>
    private const int FramesUnderWay = 6;

    private readonly SettlementClient _client;

    private EvidenceLane(SettlementClient client) => _client = client;

    public UInt128 LedgerId => _client.Session.LedgerId;

    public static async Task<EvidenceLane> OpenAsync(ServerProcess server) => new(await SettlementClient.ConnectAsync(server.ClientOptions).ConfigureAwait(false));

    /// <summary>Sends frames and awaits all their verdicts.</summary>
    /// <exception cref="CheckFailedException">A payment was not accepted, or the connection broke.</exception>
    public async Task SendAsync(IReadOnlyList<EvidenceFrame> frames)
    {
        await Task.Yield();
        var underWay = new Queue<Task<PaymentVerdict[]>>();
        foreach (EvidenceFrame frame in frames)
        {
            if (underWay.Count == FramesUnderWay)
                Require(await underWay.Dequeue().ConfigureAwait(false));
            underWay.Enqueue(_client.SubmitAsync(frame.Payments, frame.Evidence));
        }

        while (underWay.TryDequeue(out Task<PaymentVerdict[]>? answer))
            Require(await answer.ConfigureAwait(false));
        if (_client.Reconnects > 0)
            throw new CheckFailedException("the connection broke");
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static void Require(PaymentVerdict[] verdicts)
    {
        foreach (ref readonly PaymentVerdict verdict in verdicts.AsSpan())
        {
            if (verdict.Verdict != Verdict.Accepted)
                throw new CheckFailedException($"a payment that should pass was {verdict.Verdict}");
        }
    }
}
