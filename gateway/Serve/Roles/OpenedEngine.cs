using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Journal.Integrity;
using Settlement.Engine.Snapshots;
using Settlement.Gateway.Cluster;
using Settlement.Gateway.Http;
using Settlement.Gateway.Init;
using Settlement.Gateway.Settle;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Serve.Roles;

/// <summary>The ledger that a server was started on, opened: of a single node, which leads at once; or, where its folder belongs to a cluster, of a member, which follows.</summary>
internal sealed class OpenedEngine : IDisposable
{
    private readonly Node? _node;

    private readonly IntegrityAudit? _audit; // a single node's; a member has its own

    private OpenedEngine(Node? node, ClusterNode? cluster, LedgerEngine engine, IntegrityAudit? audit) => (_node, Cluster, Engine, _audit) = (node, cluster, engine, audit);

    /// <summary>What reading the journal's files again has found.</summary>
    public AuditFigures Audit => (_audit ?? Cluster!.Audit).Figures;

    public LedgerEngine Engine { get; }

    /// <summary>Null: a single node.</summary>
    public ClusterNode? Cluster { get; }

    /// <exception cref="UsageException">The options or files cannot be used.</exception>
    /// <exception cref="JournalException">The journal cannot be opened.</exception>
    /// <exception cref="Engine.Replication.ClusterException">The cluster's files cannot be used.</exception>
    public static OpenedEngine Open(ServeOptions options, EgressPublisher egress, IBatchPublisher batches, HttpBoards boards, Action<string> tell, TextWriter error)
    {
        NodeOptions opening = OptionsOf(options, error) with { Recovered = boards.Batches.OnClosed };
        var folder = new ClusterFolder(options.Data!);
        if (folder.Exists)
        {
            // A learner never seals, and was not given the key.
            if (!folder.ReadNote().Learner)
                opening = LedgerFounding.Open(opening, options.JournalFolder, options.NodeKey, NodeKeyFile.Option);
            var cluster = ClusterNode.Open(options, opening, egress, batches, tell);
            LedgerOpening.Tell(cluster.Recovery, error);
            return new OpenedEngine(null, cluster, cluster.Engine, null);
        }

        opening = LedgerFounding.OpenOrFound(opening, options.JournalFolder, options.NodeKey, options.AccountsMax);
        PendingFrames frames = egress.Begin();
        Node node = LedgerOpening.Open(options.JournalFolder, opening, options.NodeKey, "NodeKey", egress, batches, error);
        try
        {
            boards.Reviews.Seed(node.State);
            FirstCommands.Send(FirstCommands.SetUpOf(node.State, node.Pipeline), node.Pipeline);
            return new OpenedEngine(node, null, new NodeEngine(node, frames), node.StartAudit(options.Audit.ToAudit(), tell));
        }
        catch
        {
            node.Dispose();
            throw;
        }
    }

    /// <summary>A single node's operator gets his key before ports open; a member's, when it first leads.</summary>
    /// <returns>Its name, where it was made now.</returns>
    public async Task<KeyId?> RegisterFirstKeyAsync(string folder, IngressAdapter ingress) =>
        _node is null ? null : await OperatorKey.RegisterFirstAsync(OperatorKey.WasRegistered(_node.State), folder, ingress).ConfigureAwait(false);

    public void Dispose()
    {
        _audit?.Dispose();
        _node?.Dispose();
        Cluster?.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private static NodeOptions OptionsOf(ServeOptions options, TextWriter error) => new()
    {
        Pipeline = new PipelineOptions { RingSlots = options.RingSlots },
        IdMemoryBytes = options.IdMemoryBytes,
        Snapshots = new SnapshotOptions { EveryJournalBytes = options.SnapshotEveryBytes, IdMemoryBytes = options.IdMemoryBytes },
        Warn = warning => error.WriteLine($"warning: {warning}"),
    };
}
