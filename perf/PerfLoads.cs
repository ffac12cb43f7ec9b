using Settlement.Perf.Cluster;
using Settlement.Perf.Common;
using Settlement.Perf.Load;
using Settlement.Perf.Wire;

namespace Settlement.Perf;

/// <summary>How a load is asked to run.</summary>
/// <param name="Output">Where its figure goes, and nothing else.</param>
/// <param name="Json">One JSON object instead of lines.</param>
/// <param name="Runs">Timed runs, at least 5; the warm-up comes on top.</param>
/// <param name="Small">
/// So little work that it takes a fraction of a second: tests run every load so, that none rots. Its figure means nothing.
/// </param>
public sealed record LoadOptions(TextWriter Output, bool Json = false, int Runs = Runs.CountDefault, bool Small = false)
{
    /// <summary>The load's own numbers, as they were given.</summary>
    public IReadOnlyDictionary<string, int> Numbers { get; init; } = new Dictionary<string, int>();

    /// <summary>A number of the load's own, or its default.</summary>
    public int Of(LoadNumber number)
    {
        ArgumentNullException.ThrowIfNull(number);
        return Numbers.TryGetValue(number.Name, out int given) ? given : number.Default;
    }
}

/// <summary>A number that one load takes beside what all take.</summary>
/// <param name="Name">As it is written: --rate.</param>
public sealed record LoadNumber(string Name, string HelpName, int Default, int Min, int Max, string Says);

/// <summary>One thing that can be measured from the command line.</summary>
/// <param name="Verb">What stands behind `perf`.</param>
/// <param name="Summary">One line for the help: what is counted.</param>
/// <param name="Run">
/// Measures, checks what it measured, prints; the exit code. A failed check is a <see cref="CheckFailedException"/>, or the
/// engine's own LedgerBrokenException: the command then says why and ends with 1.
/// </param>
public sealed record PerfLoad(string Verb, string Summary, Func<LoadOptions, int> Run)
{
    /// <summary>What it takes beside what all take.</summary>
    public IReadOnlyList<LoadNumber> Numbers { get; init; } = [];
}

/// <summary>The map: every load, a line each, in the order of a payment's way.</summary>
public static class PerfLoads
{
    public static IReadOnlyList<PerfLoad> All { get; } =
    [
        new("ring", "64-byte payments through the ring, one to two producers, against a Channel", RingLoad.Run),
        new("journal", "the whole pipeline on one node, fsynced before the verdict", JournalLoad.Run),
        new("tcp", "a server in its own process, over TCP and back: frames of 8,190, of 100 and of 1", TcpLoad.Run),
        new("streams", "the same with the payers' own consent: links of their hash chains, and a signature a payment", StreamsLoad.Run) { Numbers = StreamsLoad.Numbers },
        new("latency", "a server in its own process: payments offered in an open loop, from when each was due to its verdict", LatencyLoad.Run) { Numbers = LatencyLoad.Numbers },
        new("recovery", "a node back from its journal, and from a snapshot", RecoveryLoad.Run),
        new("roles", "a member of a cluster: applying what is committed, beginning to lead, stepping down", RolesLoad.Run),
        new("snapshot", "latency at 100,000 payments/s without and with a snapshot being taken", SnapshotLoad.Run),
        new("apply", "all of Settle, over blocks in memory", ApplyLoad.Run),
        new("dedup", "telling new ids from repeated ones, each kind of id, in memory and spilled", DedupLoad.Run),
        new("labels", "the level check of a payment, at each width of vectors", LabelsLoad.Run),
        new("payword", "links of payers' hash chains, many streams at once, against the framework's hash", PaywordLoad.Run),
        new("signatures", "payers' signatures, P-256 and ML-DSA-65", SignaturesLoad.Run),
        new("rules", "judging a payment by corridor rows and by the residual program", RulesLoad.Run),
    ];

    /// <summary>Loads of three nodes: each starts many processes, and takes minutes.</summary>
    public static IReadOnlyList<PerfLoad> OfClusters { get; } =
    [
        new("cluster", "three nodes on this machine beside one: rate, latency, idling, and how a node comes back", ClusterLoad.Run) { Numbers = ClusterLoad.Numbers },
        new("takeover", "the leader of three is killed under load: how long until a client has a verdict of the next", TakeoverLoad.Run) { Numbers = TakeoverLoad.Numbers },
    ];
}
