using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Settlement.Engine.Dedup;
using Settlement.Engine.Dedup.Spill;
using Settlement.Engine.Domain;
using Settlement.Perf.Common;
using SeededRandom = Settlement.Perf.Generate.SeededRandom;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf dedup`: what telling new from repeated costs for each kind of id, in memory and spilled.
/// </summary>
/// <remarks>
/// Counted: <see cref="Deduplicator.Judge"/> and <see cref="Deduplicator.Decide"/> over chunks of 1,024 payments, fingerprint and
/// state's sum included; not the making of the payments. Checked: every verdict, and that memory paths allocate nothing.
/// </remarks>
public static class DedupLoad
{
    private const ulong Begin = 1_767_225_600 * Limits.NsPerSecond;

    /// <exception cref="CheckFailedException">A verdict was wrong, or a memory path allocated.</exception>
    public static int Run(LoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        int chunks = options.Small ? 20 : 1_000;
        Kind stream = Streams(options, "stream", streamCount: 1, chunks);
        Kind[] kinds =
        [
            stream,
            Streams(options, "streams_64", streamCount: 64, chunks),
            InMemory(options, "uuidv7_in_memory", uuidV7: true, chunks),
            InMemory(options, "other_in_memory", uuidV7: false, chunks),
            .. Spilled(options, chunks),
            Fingerprints(options, "fingerprint", chunks, xxHash3: false),
            Fingerprints(options, "fingerprint_xxhash3", chunks, xxHash3: true),
        ];
        Figure figure = new("dedup", $"telling new from repeated, and remembering: {stream.Says}, chunks of {Limits.ChunkPayments} payments in cache", stream.Runs);
        foreach (Kind kind in kinds)
        {
            Spread ns = kind.Runs.NsPerPayment;
            figure = figure.With($"ns_per_payment_{kind.Name}", ns.Median, string.Create(CultureInfo.InvariantCulture,
                $"{kind.Says}; {ns.Min:F2} to {ns.Max:F2}, in the median chunk {kind.QuietNs:F2}"));
        }

        figure = kinds.SelectMany(kind => kind.Beside).Aggregate(figure, (all, field) => all.With(field.Name, field.Value, field.Says));
        FigurePrinter.Print(figure, options.Json, options.Output);
        return 0;
    }

    private static Kind Fingerprints(LoadOptions options, string name, int chunks, bool xxHash3)
    {
        Payment[] payments = new Payment[Limits.ChunkPayments];
        Random random = new(1);
        random.NextBytes(MemoryMarshal.AsBytes(payments.AsSpan()));
        uint[] hashes = new uint[payments.Length];
        long[] ticks = new long[chunks];
        string says = $"the {(xxHash3 ? "XxHash3" : "fingerprint")} alone, of payments in cache";
        return Measure(options, name, says, mustNotAllocate: true, () =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                long start = Stopwatch.GetTimestamp();
                if (xxHash3) XxHash3All(payments, hashes);
                else FingerprintAll(payments, hashes);
                ticks[chunk] = Stopwatch.GetTimestamp() - start;
            }

            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            return new Timing(Sum(ticks), (long)chunks * payments.Length, Middle(ticks), allocated);
        });
    }

    private static void FingerprintAll(ReadOnlySpan<Payment> payments, Span<uint> hashes)
    {
        for (int i = 0; i < payments.Length; i++) hashes[i] = Fingerprint.Of(in payments[i]);
    }

    private static void XxHash3All(ReadOnlySpan<Payment> payments, Span<uint> hashes)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(payments);
        for (int i = 0; i < payments.Length; i++) hashes[i] = (uint)XxHash3.HashToUInt64(bytes.Slice(i * Payment.Size, 62));
    }

    private static Kind Streams(LoadOptions options, string name, int streamCount, int chunks)
    {
        using Bench bench = new(Deduplicator.IdMemoryBytesMin, new NoStore());
        ulong[] next = new ulong[streamCount];
        void Number(ref Payment payment, long ordinal)
        {
            int stream = (int)(ordinal % streamCount);
            payment.Flags = PaymentFlags.StreamId;
            payment.IdHigh = (ulong)stream;
            payment.IdLow = ++next[stream];
        }

        bench.Go(64, Begin, Number, Verdict.Undecided);
        string says = $"new numbers in order, {streamCount} stream{(streamCount == 1 ? "" : "s in turn")}";
        return Measure(options, name, says, mustNotAllocate: true, () => bench.Go(chunks, Begin, Number, Verdict.Undecided));
    }

    /// <summary>Generations take turns, but an hour passes with each chunk, so what is drained is forgotten already.</summary>
    private static Kind InMemory(LoadOptions options, string name, bool uuidV7, int chunks)
    {
        using NoStore store = new();
        using Bench bench = new(options.Small ? 1 << 20 : Deduplicator.IdMemoryBytesDefault, store);
        bench.Dedup.WindowNs = 1;
        bench.Dedup.RetentionNs = 1;
        ulong timeNs = Begin;
        Timing Go(int count) => bench.Go(
            count, timeNs, (ref Payment p, long ordinal) => MakeId(ref p, ordinal, uuidV7, timeNs), Verdict.Undecided,
            () => timeNs += Limits.NsPerHour);
        while (bench.Dedup.Ids.GenerationsEnded < 3) Go(8);
        double bytesPerId = (double)bench.MemoryBytes / (bench.Dedup.Ids.Capacity * 1.2);
        string says = $"new {(uuidV7 ? "UUIDv7 ids" : "ids of other kinds")}, two generations in turn";
        Kind kind = Measure(options, name, says, mustNotAllocate: true, () => Go(chunks));
        if (!options.Small && store.Puts * 100 > bench.Ordinal)
            throw new CheckFailedException("ids were spilled: this is not the memory's figure");
        return kind with { Beside = [new($"bytes_per_id_{name}", bytesPerId, "an id held, when memory is full")] };
    }

    private static Kind[] Spilled(LoadOptions options, int chunks)
    {
        string folder = Directory.CreateTempSubdirectory("settlement-perf-dedup-").FullName;
        try
        {
            long memoryBytes = options.Small ? Deduplicator.IdMemoryBytesMin : Deduplicator.IdMemoryBytesDefault;
            using FasterIdStore store = new(folder);
            using Bench bench = new(memoryBytes, store);
            bench.Dedup.RetentionNs = 0;
            void New(ref Payment payment, long ordinal) => MakeId(ref payment, ordinal, uuidV7: false, Begin);
            while (bench.Dedup.Ids.GenerationsEnded < 3) bench.Go(8, Begin, New, Verdict.Undecided);
            long puts = bench.Dedup.Ids.StorePuts, reads = bench.Dedup.Ids.StoreReads, begun = bench.Ordinal;
            Kind absent = Measure(options, "other_spilled_absent", "new ids, the old ones going to disk at the same rate", mustNotAllocate: false,
                () => bench.Go(chunks, Begin, New, Verdict.Undecided));
            double judged = bench.Ordinal - begun;
            absent = absent with
            {
                Beside =
                [
                    new("spilled_puts_per_payment", (bench.Dedup.Ids.StorePuts - puts) / judged, "of other_spilled_absent"),
                    new("spilled_reads_per_payment", (bench.Dedup.Ids.StoreReads - reads) / judged, "of the same: what filters in memory let through"),
                    new("spilled_disk_bytes_per_id", (double)store.DiskBytes / bench.Dedup.Ids.StorePuts, "whole segments"),
                ],
            };

            Random random = new(2);
            long spilled = bench.Ordinal - (long)(bench.Dedup.Ids.Capacity * 1.5);
            void Old(ref Payment payment, long ordinal) => MakeId(ref payment, random.NextInt64(spilled), uuidV7: false, Begin);
            int presentChunks = Math.Max(chunks / 50, 1);
            Kind present = Measure(
                options, "other_spilled_present", "true repeats of ids on disk, at random, mostly in the page cache", mustNotAllocate: false,
                () => bench.Go(presentChunks, Begin, Old, Verdict.Duplicate));
            return [absent, present];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The same ordinal is the same payment.</summary>
    private static void MakeId(ref Payment payment, long ordinal, bool uuidV7, ulong timeNs)
    {
        ulong mixed = SeededRandom.Mix((ulong)ordinal + 1);
        payment.Flags = PaymentFlags.None;
        payment.IdHigh = uuidV7 ? (timeNs / 1_000_000 + 1 << 16) | 0x7000 | (mixed >> 52) : (mixed & ~0xF000UL) | 0x4000;
        payment.IdLow = (2UL << 62) | mixed >> 2;
        payment.Amount = 5;
    }

    private static Kind Measure(LoadOptions options, string name, string says, bool mustNotAllocate, Func<Timing> run)
    {
        // The compiler replaces hot methods in the background; it is given work and time to do so.
        for (int i = 0; i < 3 && !options.Small; i++)
        {
            run();
            Thread.Sleep(100);
        }

        var quietNs = new List<double>();
        Runs runs = Runs.Of(options.Runs, () =>
        {
            Timing timing = run();
            quietNs.Add(timing.ChunkTicks * (1e9 / Stopwatch.Frequency) / Limits.ChunkPayments);
            return new Run(timing.Count, (long)(timing.Ticks * (1e9 / Stopwatch.Frequency)), timing.AllocatedBytes);
        });
        if (mustNotAllocate && runs.BytesPerPayment.Max > 0)
            throw new CheckFailedException($"{name}: {runs.BytesPerPayment.Max} bytes allocated a payment, where none may be");
        return new Kind(name, says, runs, Spread.Of(quietNs.TakeLast(options.Runs)).Median);
    }

    private static long Sum(long[] ticks)
    {
        long sum = 0;
        foreach (long each in ticks) sum += each;
        return sum;
    }

    private static long Middle(long[] ticks)
    {
        Array.Sort(ticks);
        return ticks[ticks.Length / 2];
    }

    private delegate void MakePayment(ref Payment payment, long ordinal);

    /// <param name="ChunkTicks">Of the median chunk: what a payment costs where nothing else ran in between.</param>
    private readonly record struct Timing(long Ticks, long Count, long ChunkTicks, long AllocatedBytes);

    /// <summary>Payments through a deduplicator; only its own two calls are timed, and their allocations counted.</summary>
    private sealed class Bench : IDisposable
    {
        private readonly Payment[] _payments = new Payment[Limits.ChunkPayments];
        private readonly ushort[] _participants = new ushort[Limits.ChunkPayments];
        private readonly Verdict[] _verdicts = new Verdict[Limits.ChunkPayments];
        private readonly Verdict[] _firsts = new Verdict[Limits.ChunkPayments];
        private readonly ushort[] _earlier = new ushort[Limits.ChunkPayments];
        private ulong _sequence = 1;

        public Bench(long memoryBytes, IIdStore store)
        {
            MemoryBytes = memoryBytes;
            Dedup = new Deduplicator(Genesis.Default(default), memoryBytes, store);
        }

        public Deduplicator Dedup { get; }

        public long MemoryBytes { get; }

        public long Ordinal { get; private set; }

        public Timing Go(int chunks, ulong timeNs, MakePayment make, Verdict expected, Func<ulong>? tick = null)
        {
            long[] ticks = new long[chunks];
            long allocated = 0;
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                if (tick != null) timeNs = tick();
                for (int i = 0; i < _payments.Length; i++) make(ref _payments[i], Ordinal++);
                _verdicts.AsSpan().Clear();
                Dedup.BeginBlock(timeNs, _sequence);
                long before = GC.GetAllocatedBytesForCurrentThread();
                long start = Stopwatch.GetTimestamp();
                Dedup.Judge(_payments, _participants, _sequence, _verdicts, _firsts, _earlier);
                long judged = Stopwatch.GetTimestamp();
                if (_verdicts.AsSpan().ContainsAnyExcept(expected))
                    throw new CheckFailedException($"a verdict other than {expected}");
                if (expected == Verdict.Undecided) _verdicts.AsSpan().Fill(Verdict.Accepted);
                long deciding = Stopwatch.GetTimestamp();
                Dedup.Decide(_verdicts);
                ticks[chunk] = Stopwatch.GetTimestamp() - deciding + (judged - start);
                allocated += GC.GetAllocatedBytesForCurrentThread() - before;
                _sequence += (ulong)_payments.Length;
            }

            return new Timing(Sum(ticks), (long)chunks * _payments.Length, Middle(ticks), allocated);
        }

        public void Dispose() => Dedup.Dispose();
    }
    /// <summary>One kind of id, or one step of judging it, as measured.</summary>
    /// <param name="QuietNs">Of a payment in the median chunk.</param>
    private sealed record Kind(string Name, string Says, Runs Runs, double QuietNs)
    {
        /// <summary>What else was counted on the way.</summary>
        public IReadOnlyList<FigureField> Beside { get; init; } = [];
    }
}
