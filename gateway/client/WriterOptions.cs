using Settlement.Engine.Domain;

namespace Settlement.Client;

/// <summary>Told the verdicts of some payments of a writer, one each; both are valid during the call. Called by the task that receives: it must be quick, and not wait for the client.</summary>
public delegate void VerdictsHandler(ReadOnlySpan<Payment> payments, ReadOnlySpan<PaymentVerdict> verdicts);

/// <summary>How a <see cref="PaymentWriter"/> works.</summary>
public sealed record WriterOptions
{
    /// <summary>Seven full frames: enough to keep both directions busy, and less than the window of 65,536 numbers that a stream has.</summary>
    private const int UnderWayDefault = 7 * Wire.WireLimits.FramePaymentsMax;

    /// <summary>Told each payment's verdict once, roughly in the order of writing.</summary>
    public required VerdictsHandler OnVerdicts { get; init; }

    /// <summary>Payments written and not yet answered, at most: beyond them, writing waits. Their bytes are kept, 64 each, to be sent again where a connection broke before they were taken.</summary>
    public int UnderWayMax { get; init; } = UnderWayDefault;
}
