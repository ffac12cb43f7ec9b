using Settlement.Client.Wire;

namespace Settlement.Gateway.Wire;

/// <summary>Bounds of the binary port. Each costs only who runs into it.</summary>
/// <remarks>
/// Memory at the worst: of a session that has authenticated itself, a frame that is still coming (<see cref="WireServer.InputBytesMax"/>) and
/// <see cref="OutboxBytesMax"/>; of one that has not, what its socket brings at once. An idle connection holds neither.
/// </remarks>
internal sealed class WireOptions
{
    /// <summary>Connections at one time.</summary>
    public int ConnectionsMax { get; set; } = 16_384;

    /// <summary>Of them, such as have not authenticated themselves yet.</summary>
    public int UnauthenticatedMax { get; set; } = 1_024;

    /// <summary>Milliseconds from a connection's begin to its session.</summary>
    public int AuthenticationMsMax { get; set; } = 10_000;

    /// <summary>Milliseconds from the first byte of a frame that is known to come to its last.</summary>
    public int FrameMsMax { get; set; } = 30_000;

    /// <summary>Milliseconds without any frame.</summary>
    public int SilenceMsMax { get; set; } = 60_000;

    /// <summary>Slots that a connection may have under way.</summary>
    public int Credit { get; set; } = 32_768;

    /// <summary>Bytes of answers that wait for a client who does not take them.</summary>
    public int OutboxBytesMax { get; set; } = 4 << 20;

    /// <summary>Milliseconds in which a connection that ends gets its last answers, and takes them.</summary>
    public int EndingMsMax { get; set; } = 10_000;
}
