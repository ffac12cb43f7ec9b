using Microsoft.Extensions.Logging;

namespace Settlement.Gateway.Cluster;

/// <summary>Tells the operator what happens in the cluster: by the server's log once there is one, before on the error output.</summary>
internal sealed partial class ClusterVoice(TextWriter error)
{
    private volatile ILogger? _log;

    public void Begin(ILogger log) => _log = log;

    public void Tell(string sentence)
    {
        if (_log is { } log)
            Log(log, sentence);
        else
            error.WriteLine(sentence);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Sentence}")]
    private static partial void Log(ILogger log, string sentence);
}
