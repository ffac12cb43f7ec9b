using Settlement.Engine.Domain;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf journal`: the whole pipeline on one node, from the ring to the reply: journaled and fsynced before the verdict. The producer is on the same
/// cores. Beside it, in turns, the raw bandwidth of synchronous sequential writes to the same disk.
/// </summary>
internal sealed class JournalLoad : IDisposable
{
    private const int WarmUps = 2;

    private readonly string _folder = Directory.CreateTempSubdirectory("settlement-journal-").FullName;
    private readonly LoadNode _node;
    private readonly DiskBandwidth _disk;
    private readonly Payment[] _payments;
    private readonly List<double> _ratios = [];
    private readonly List<double> _disks = [];

    private JournalLoad(int wallets, int payments, int rawBytes)
    {
        _disk = new DiskBandwidth(_folder, rawBytes);
        _node = new LoadNode(Path.Combine(_folder, "journal"), wallets);
        _payments = _node.NewPayments(payments);
    }

    public static int Run(LoadOptions options)
    {
        int wallets = options.Small ? 4_000 : 1_000_000;
        int payments = options.Small ? 20_000 : 4 << 20;
        using var load = new JournalLoad(wallets, payments, options.Small ? 8 << 20 : 256 << 20);
        Runs runs = Runs.Of(options.Runs, load.RunOnce, WarmUps);
        load._node.Verify();
        FigurePrinter.Print(new Figure("journal", "payments through the whole pipeline on one node, fsynced before the verdict: ring, FASTER log, all of Settle "
                + $"({wallets:N0} wallets in 8 currencies, stream ids, labels, 20 countries' rows), trees, seals, replies; the producer on the same cores; no network", runs)
            .With("ratio_to_disk", Spread.Of(load._ratios.TakeLast(options.Runs)).Median, "bytes of payments a second to raw synchronous sequential writes of the same disk, in turns")
            .With("disk_mb_per_second", Spread.Of(load._disks.TakeLast(options.Runs)).Median, "raw: 1 MiB writes, O_DIRECT and O_DSYNC"),
            options.Json, options.Output);
        return 0;
    }

    public void Dispose()
    {
        _node.Dispose();
        _disk.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private Run RunOnce()
    {
        _node.Number(_payments);
        double before = _disk.MegabytesPerSecond();
        Run run = Common.Run.Time(_payments.Length, () =>
        {
            _node.Submit(_payments);
            _node.Node.Pipeline.Drain();
        });
        double disk = (before + _disk.MegabytesPerSecond()) / 2;
        _disks.Add(disk);
        _ratios.Add(run.PerSecond * Payment.Size / 1e6 / disk);
        return run;
    }
}
