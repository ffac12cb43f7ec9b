using Settlement.Engine.Journal.Integrity;

namespace Settlement.Gateway.Serve;

/// <summary>How the journal is read again in the background, to find what the disk has lost: the section <c>Settlement:Audit</c>.</summary>
internal sealed class AuditSettings
{
    /// <summary>Bytes a second; 0: it is not read again.</summary>
    public long BytesPerSecond { get; set; } = 4 << 20;

    /// <summary>Seconds between the end of one pass over all files and the next.</summary>
    public int PauseSeconds { get; set; } = 3_600;

    public AuditOptions ToAudit() => new() { BytesPerSecond = BytesPerSecond, Pause = TimeSpan.FromSeconds(PauseSeconds) };
}
