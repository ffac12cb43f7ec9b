using System.Diagnostics;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.Perf.Load;

/// <summary>
/// The journal alone: full blocks are sealed, appended, committed and durable; beside it, in turns, the raw bandwidth of the
/// same disk. Counted: payments made durable, from the first append to the acknowledgement of the last.
/// </summary>
public sealed class JournalRawLoad
{
    /// <summary>One pair of runs. Rates: payments/s and MB/s (10^6 bytes of payments, headers not counted).</summary>
    public readonly record struct Run(double PaymentsPerSecond, double JournalMegabytesPerSecond, double RawMegabytesPerSecond, double BytesAllocatedPerPayment)
    {
        public double RatioToRaw => JournalMegabytesPerSecond / RawMegabytesPerSecond;
    }

    public int PaymentsPerBlock { get; init; } = Limits.BlockSlotsMax;

    /// <summary>Blocks in a run.</summary>
    public int Blocks { get; init; } = 512;

    public int RawFileBytes { get; init; } = 256 << 20;

    public JournalOptions Options { get; init; } = JournalOptions.Default;

    /// <summary>Runs journal and raw disk in turns, in a directory of its own under the given one.</summary>
    public IReadOnlyList<Run> Measure(string directory, int runs)
    {
        string place = Path.Combine(directory, "journal-raw-load");
        Directory.CreateDirectory(place);
        try
        {
            var results = new List<Run>(runs);
            using var disk = new DiskBandwidth(place, RawFileBytes);
            for (int run = 0; run < runs; run++)
                results.Add(MeasureOnce(Path.Combine(place, $"run-{run}"), disk));
            return results;
        }
        finally
        {
            Directory.Delete(place, recursive: true);
        }
    }

    public static Run Median(IReadOnlyList<Run> runs) => new(
        Middle(runs, run => run.PaymentsPerSecond),
        Middle(runs, run => run.JournalMegabytesPerSecond),
        Middle(runs, run => run.RawMegabytesPerSecond),
        Middle(runs, run => run.BytesAllocatedPerPayment));

    private static double Middle(IReadOnlyList<Run> runs, Func<Run, double> of) => runs.Select(of).Order().ElementAt(runs.Count / 2);

    private Run MeasureOnce(string place, DiskBandwidth disk)
    {
        double rawBefore = disk.MegabytesPerSecond();
        byte[] body = new byte[PaymentsPerBlock * Payment.Size];
        new Random(2).NextBytes(body);
        double seconds;
        long allocated;
        using (FasterJournal journal = FasterJournal.Create(place, 1, timeNs: 1, default, Options))
        {
            // Once through the log's memory, so that its pages are there.
            AppendBlocks(journal, body, 2 + (Options.MemoryBytes / body.Length));
            long allocatedBefore = GC.GetTotalAllocatedBytes(precise: true);
            long begun = Stopwatch.GetTimestamp();
            AppendBlocks(journal, body, Blocks);
            seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            allocated = GC.GetTotalAllocatedBytes(precise: true) - allocatedBefore;
        }
        Directory.Delete(place, recursive: true);
        double raw = (rawBefore + disk.MegabytesPerSecond()) / 2;
        double payments = (double)Blocks * PaymentsPerBlock;
        return new Run(payments / seconds, payments * Payment.Size / 1e6 / seconds, raw, allocated / payments);
    }

    private static void AppendBlocks(FasterJournal journal, byte[] body, int blocks)
    {
        var header = new BlockHeader { Kind = BlockKind.Payments, Count = (uint)(body.Length / Payment.Size) };
        for (int i = 0; i < blocks; i++)
        {
            header.FirstSequence = journal.NextSequence;
            header.TimeNs = journal.LastTimeNs + 1;
            journal.Append(ref header, body, default);
            journal.Commit();
        }
        journal.WaitDurable(journal.LastBlock);
    }
}
