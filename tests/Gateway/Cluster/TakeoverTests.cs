using System.Collections.Concurrent;
using System.Net;
using Settlement.Client;
using Settlement.Engine.Domain;
using Settlement.Gateway.Cluster;
using Settlement.Gateway.Http;
using Settlement.Perf.Wire;
using Settlement.Replay;

namespace Settlement.Tests.Gateway.Cluster;

/// <summary>Three nodes as processes: what clients were told holds, whoever leads.</summary>
[Category(LongRun.Category)]
[Platform(Exclude = "Win", Reason = "processes are told to stop by a signal")]
internal sealed class TakeoverTests
{
    private const ulong Stream = 9_001;

    private readonly ConcurrentDictionary<ulong, Verdict> _told = new();
    private long _toldTwice;

    [Test, CancelAfter(600_000)]
    public async Task A_stream_goes_on_over_a_killed_leader_and_a_handover_and_each_payment_is_settled_once()
    {
        using var cluster = new TrialCluster();
        var ledger = new WireLedger(wallets: 1_000);
        await using SettlementClient client = await SettlementClient.ConnectAsync(cluster.ClientOptions);
        await ledger.SetUpAsync(client);
        Payment[] payments = ledger.NewPayments(2_000);
        await using PaymentWriter writer = await client.OpenWriterAsync(Stream, new WriterOptions { UnderWayMax = 2_000, OnVerdicts = Note });

        int first = cluster.Leader();
        int written = await WriteAsync(writer, payments, 10_000);
        cluster.Kill(first);
        written += await WriteAsync(writer, payments, 10_000);
        await writer.CompleteAsync();
        Assert.That(client.Reconnects, Is.Positive);
        int second = cluster.Leader();
        Assert.That(second, Is.Not.EqualTo(first));
        cluster.Restart(first);

        Task<int> meanwhile = WriteAsync(writer, payments, 20_000);
        Assert.That(Cluster("transfer", "--data", cluster.FolderOf(first), "--to", cluster.Status(first)!.Members.Single(member => member.IsSelf).Raft).Code, Is.Zero);
        written += await meanwhile;
        await writer.CompleteAsync();
        Assert.That(cluster.Leader(), Is.EqualTo(first), "the leadership was handed to it");

        Assert.That(_told, Has.Count.EqualTo(written));
        Assert.That(_told.Values, Is.All.EqualTo(Verdict.Accepted));
        Assert.That(_toldTwice, Is.Zero);
        Assert.That((await client.StreamAsync(Stream)).LowestMissing, Is.EqualTo((ulong)written + 1));
        cluster.AwaitEqual();
        ExpectReads(cluster, leader: first, follower: second);
        await client.DisposeAsync();
        cluster.Stop();
        for (int node = 1; node <= TrialCluster.Nodes; node++)
        {
            using var output = new StringWriter();
            Assert.That(ReplayCommand.Run(["verify", Path.Combine(cluster.FolderOf(node), "journal")], output, output), Is.Zero, $"node {node}: {output}");
        }
    }

    /// <summary>A follower reads and does not write; what a client saw at one node it can ask for at any other.</summary>
    private static void ExpectReads(TrialCluster cluster, int leader, int follower)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using HttpResponseMessage read = http.GetAsync(new Uri(cluster.HttpOf(follower), "v1/ledger")).GetAwaiter().GetResult();
        Assert.That(read.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        ulong sequence = ulong.Parse(read.Headers.GetValues(ReadFreshness.SequenceHeader).Single(), System.Globalization.CultureInfo.InvariantCulture);
        Assert.That(sequence, Is.EqualTo(cluster.Status(leader)!.Sequence));
        using var ahead = new HttpRequestMessage(HttpMethod.Get, new Uri(cluster.HttpOf(follower), "v1/ledger"));
        ahead.Headers.Add(ReadFreshness.AtLeastHeader, $"{sequence + 1_000_000}");
        using HttpResponseMessage sent = http.Send(ahead);
        Assert.That(sent.StatusCode, Is.EqualTo(HttpStatusCode.TemporaryRedirect));
        Assert.That(sent.Headers.Location, Is.EqualTo(new Uri(cluster.HttpOf(leader), "v1/ledger")));
        string metrics = http.GetStringAsync(new Uri(cluster.HttpOf(leader), "metrics")).GetAwaiter().GetResult();
        Assert.That(metrics, Does.Contain("settlement_cluster_leading 1").And.Contain("settlement_cluster_members 3").And.Contain("settlement_cluster_member_lag_blocks{member=")
            .And.Match(@"settlement_cluster_commit_seconds_count [1-9]"));
    }

    private static async Task<int> WriteAsync(PaymentWriter writer, Payment[] payments, int count)
    {
        for (int done = 0; done < count; done += 500)
        {
            await writer.WriteAsync(payments.AsSpan(done % 1_500, 500).ToArray());
            await Task.Delay(5);
        }

        return count;
    }

    private static (int Code, string Error) Cluster(params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (ClusterVerbs.Create(output, error).Parse(words).Invoke(), error.ToString());
    }

    private void Note(ReadOnlySpan<Payment> payments, ReadOnlySpan<PaymentVerdict> verdicts)
    {
        for (int i = 0; i < payments.Length; i++)
        {
            if (!_told.TryAdd(payments[i].IdLow, verdicts[i].Verdict))
                Interlocked.Increment(ref _toldTwice);
        }
    }
}
