using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Reply;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf journal`: the whole pipeline on one node, from the ring to the reply: journaled and fsynced before the verdict. The producer is on the same
/// cores. Beside it, in turns, the raw bandwidth of synchronous sequential writes to the same disk.
/// </summary>
internal sealed class JournalLoad : IReplyPublisher, IBatchPublisher, IDisposable
{
    private const int ClaimSlots = 1_024;
    private const int WarmUps = 2;

    private readonly LoadLedger _ledger;
    private readonly string _folder = Directory.CreateTempSubdirectory("settlement-journal-").FullName;
    private readonly Node _node;
    private readonly DiskBandwidth _disk;
    private readonly Payment[] _payments;
    private readonly List<double> _ratios = [];
    private readonly List<double> _disks = [];
    private ulong _numbered = 1;
    private long _refused; // written by: reply thread

    private JournalLoad(int wallets, int payments, int rawBytes)
    {
        _ledger = new LoadLedger(wallets, Seed: 1);
        _payments = new Payment[payments];
        _disk = new DiskBandwidth(_folder, rawBytes);
        _node = Node.Open(Path.Combine(_folder, "journal"), new NodeOptions
        {
            Pipeline = new PipelineOptions { Clock = BlockClock.Fixed(LoadLedger.TimeNs), RingSlots = 1 << 17 },
            Create = (1, _ledger.Genesis),
        }, this, this);
        SetUp();
        _ledger.Fill(_payments);
    }

    public static int Run(LoadOptions options)
    {
        int wallets = options.Small ? 4_000 : 1_000_000;
        int payments = options.Small ? 20_000 : 4 << 20;
        using var load = new JournalLoad(wallets, payments, options.Small ? 8 << 20 : 256 << 20);
        Runs runs = Runs.Of(options.Runs, load.RunOnce, WarmUps);
        load.Verify();
        FigurePrinter.Print(new Figure("journal", "payments through the whole pipeline on one node, fsynced before the verdict: ring, FASTER log, all of Settle "
                + $"({wallets:N0} wallets in 8 currencies, stream ids, labels, 20 countries' rows), trees, seals, replies; the producer on the same cores; no network", runs)
            .With("ratio_to_disk", Spread.Of(load._ratios.TakeLast(options.Runs)).Median, "bytes of payments a second to raw synchronous sequential writes of the same disk, in turns")
            .With("disk_mb_per_second", Spread.Of(load._disks.TakeLast(options.Runs)).Median, "raw: 1 MiB writes, O_DIRECT and O_DSYNC"),
            options.Json, options.Output);
        return 0;
    }

    public void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ulong> tags, ulong firstSequence)
    {
        long refused = 0;
        foreach (ref readonly Outcome outcome in outcomes)
            refused += outcome.Verdict == Verdict.Accepted ? 0 : 1;
        _refused += refused;
    }

    public void OnClosed(ClosedBatch batch)
    {
        // Sealed in the journal; nobody listens here.
    }

    public void Dispose()
    {
        _node.Dispose();
        _disk.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void SetUp()
    {
        SubmitWhole(LoadLedger.Rules());
        foreach (ControlCommand[] commands in _ledger.Commands().Chunk(ClaimSlots))
            SubmitWhole(System.Runtime.InteropServices.MemoryMarshal.Cast<ControlCommand, Payment>(commands));
        foreach (Payment[] openings in _ledger.Openings().Chunk(ClaimSlots))
            SubmitWhole(openings);
        _node.Pipeline.Drain();
    }

    private Run RunOnce()
    {
        LoadLedger.Number(_payments, _numbered, uuidV7: false);
        _numbered += (ulong)_payments.Length;
        double before = _disk.MegabytesPerSecond();
        Run run = Common.Run.Time(_payments.Length, () =>
        {
            for (int start = 0; start < _payments.Length; start += ClaimSlots)
                SubmitWhole(_payments.AsSpan(start, Math.Min(ClaimSlots, _payments.Length - start)));
            _node.Pipeline.Drain();
        });
        double disk = (before + _disk.MegabytesPerSecond()) / 2;
        _disks.Add(disk);
        _ratios.Add(run.PerSecond * Payment.Size / 1e6 / disk);
        return run;
    }

    private void SubmitWhole(ReadOnlySpan<Payment> slots)
    {
        long first = _node.Pipeline.Claim(slots.Length);
        for (int done = 0; done < slots.Length;)
        {
            Span<Payment> ring = _node.Pipeline.Slots(first + done, slots.Length - done, out _);
            slots.Slice(done, ring.Length).CopyTo(ring);
            done += ring.Length;
        }

        _node.Pipeline.Publish(first, slots.Length);
    }

    private void Verify()
    {
        if (_refused != 0)
            throw new CheckFailedException($"{_refused} payments or commands that should pass were refused");
        _node.State.VerifyConservation();
    }
}
