namespace Settlement.Gateway.Wire;

/// <summary>What the server has counted since its start. Plain fields, for metrics to read; each says who writes it.</summary>
internal sealed class ServerCounters
{
    // written by: reply thread
    public long SlotsAnswered;
    public long FramesAnswered;

    // written by: connections, interlocked
    public long ConnectionsAccepted;
    public long ConnectionsRefused;
    public long ConnectionsOpen;
    public long SessionsOpen;
    public long SessionsOpened;
    public long FramesTaken;
    public long SlotsTaken;
    public long ClaimsThatWaited;
    public long CreditExceeded;
    public long NotAuthenticated;
    public long Asked;

    /// <summary>Pieces of evidence that did not hold.</summary>
    public long EvidenceDropped;

    /// <summary>By <see cref="Settlement.Client.Wire.RefusalCode"/>.</summary>
    public readonly long[] Refusals = new long[32];
}
