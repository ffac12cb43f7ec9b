namespace Settlement.Gateway.Serve.Metrics;

/// <summary>Who may read the scrape page.</summary>
internal enum MetricsReaders
{
    /// <summary>Who asks from this machine itself.</summary>
    Loopback = 0,

    /// <summary>Who shows the key of an operator's session.</summary>
    Operator = 1,

    /// <summary>Nobody.</summary>
    Nobody = 2,
}

/// <summary>Where metrics go.</summary>
internal sealed class MetricsOptions
{
    public MetricsReaders Readers { get; set; } = MetricsReaders.Loopback;

    /// <summary>Address of an OpenTelemetry collector (OTLP over gRPC), such as <c>http://127.0.0.1:4317</c>; null: nothing is sent.</summary>
    public string? OtlpEndpoint { get; set; }

    /// <summary>Milliseconds between two sendings.</summary>
    public int OtlpEveryMs { get; set; } = 10_000;

    /// <summary>Finds what is wrong with them.</summary>
    public void Check(List<string> mistakes)
    {
        if (OtlpEndpoint is not null && !(Uri.TryCreate(OtlpEndpoint, UriKind.Absolute, out Uri? address) && address.Scheme is ("http" or "https")))
            mistakes.Add($"Metrics:OtlpEndpoint '{OtlpEndpoint}': expected the address of a collector, such as http://127.0.0.1:4317.");
        if (OtlpEveryMs is < 1_000 or > 3_600_000)
            mistakes.Add($"Metrics:OtlpEveryMs '{OtlpEveryMs}': expected milliseconds from 1000 to 3600000.");
    }
}
