using System.Diagnostics;
using Settlement.Client;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Perf.Wire;
using Settlement.Replay;

namespace Settlement.Tests.Gateway.Cluster;

/// <summary>A node was away while the others cut away what it lacks: started again, it begins anew by itself and catches up.</summary>
[Category(LongRun.Category)]
[Platform(Exclude = "Win", Reason = "a process is told to stop by a signal")]
internal sealed class LeftBehindTests
{
    private const int StartMsMax = 120_000;

    /// <summary>More than one file of a journal of small files.</summary>
    private const int Payments = 600_000;

    private readonly List<string> _said = [];

    [Test, CancelAfter(900_000)]
    public async Task It_is_seeded_from_another_and_goes_on([Values] bool isLearner)
    {
        _said.Clear();
        using var cluster = new HostedCluster(2, first: JournalOptions.Small);
        cluster.Join(3, isLearner);
        cluster.Start(3);
        HostedCluster.Wait(() => cluster.Status(3)!.Members.Count == 3 && cluster.Of(3).Services.Engine.IsCaughtUp, "it is a member");
        cluster.Stop(3);
        if (cluster.Leader() != 1)
            cluster.Do("transfer", "--data", cluster.FolderOf(2), "--to", cluster.RaftOf(1));
        ulong had = await PayAsync(cluster);
        string journal = cluster.Folder(1).JournalPath;
        Assert.That(Replay("snapshot", journal), Is.Zero);
        await cluster.Of(1).Cluster!.TransferAsync(null, CancellationToken.None); // a block more
        HostedCluster.Wait(() => cluster.Leader() == 2, "the other leads");
        cluster.Do("transfer", "--data", cluster.FolderOf(2), "--to", cluster.RaftOf(1));
        Assert.That(Replay("snapshot", journal, "--cut"), Is.Zero);
        // Started again it has in memory only what lies behind its newest snapshot.
        cluster.Stop(1);
        cluster.Start(1);
        if (cluster.Leader() != 1)
            cluster.Do("transfer", "--data", cluster.FolderOf(2), "--to", cluster.RaftOf(1));
        HostedCluster.Wait(() => cluster.Leader() == 1, "it leads again");
        Assert.That(cluster.Status(1)!.FirstBlock, Is.GreaterThan(had), "the leader has nothing any more from which it could go on");

        using Process node = Start(cluster.FolderOf(3));
        try
        {
            HostedCluster.Wait(() => Said.Contains("goes on.", StringComparison.Ordinal) || node.HasExited, "it is seeded", () => Said, StartMsMax);
            HostedCluster.Wait(
                () => cluster.StatusOf(3) is { IsReady: true } there && there.AppliedBlock >= cluster.Status(1)!.CommittedBlock && there.Sequence == cluster.Status(1)!.Sequence, "it has caught up", () => Said, StartMsMax);
            Assert.That(Said, Does.Contain("is set aside").And.Contain("Fetches the snapshot"));
            Assert.That(cluster.StatusOf(3)!.FirstBlock, Is.GreaterThan(had));
        }
        finally
        {
            using Process kill = Process.Start("kill", ["-TERM", $"{node.Id}"]);
            kill.WaitForExit();
            if (!node.WaitForExit(60_000))
                node.Kill(entireProcessTree: true);
        }

        Assert.That(Directory.Exists(cluster.Folder(3).JournalPath + ".replaced"), Is.False);
        Assert.That(Replay("verify", cluster.Folder(3).JournalPath), Is.Zero);
    }

    private string Said
    {
        get
        {
            lock (_said)
                return string.Join('\n', _said);
        }
    }

    /// <returns>The last block before it.</returns>
    private static async Task<ulong> PayAsync(HostedCluster cluster)
    {
        var ledger = new WireLedger(wallets: 1_000);
        await using SettlementClient client = await SettlementClient.ConnectAsync(new ClientOptions
        {
            Host = "127.0.0.1", Port = cluster.PortOf(1), OtherNodes = [$"127.0.0.1:{cluster.PortOf(2)}"], Plain = true, KeyFile = Path.Combine(cluster.FolderOf(1), "keys", "operator.pem"), Deadline = TimeSpan.FromSeconds(60),
        });
        await ledger.SetUpAsync(client);
        ulong before = cluster.Status(1)!.LastBlock;
        Payment[] payments = ledger.NewPayments(20_000);
        await using PaymentWriter writer = await client.OpenWriterAsync(77, new WriterOptions { OnVerdicts = static (_, _) => { } });
        for (int written = 0; written < Payments; written += payments.Length)
            await writer.WriteAsync(payments);
        await writer.CompleteAsync();
        return before;
    }

    private Process Start(string folder)
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
        Process process = Process.Start(new ProcessStartInfo(dotnet, [Path.Combine(AppContext.BaseDirectory, BuiltProgram.Gateway), "serve", "--data", folder])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        process.StandardInput.Close();
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Note(string? line)
    {
        lock (_said)
            _said.Add(line ?? "");
    }

    private static int Replay(params string[] words)
    {
        using var said = new StringWriter();
        int code = ReplayCommand.Run(words, said, said);
        TestContext.Out.WriteLine(said);
        return code;
    }
}
