using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;
using Settlement.Engine.Dedup;
using Settlement.Engine.Dedup.Spill;
using Settlement.Engine.Domain;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf dedup`: what telling new from repeated costs for each kind of id, in memory and spilled.
/// </summary>
/// <remarks>
/// Counted: <see cref="Deduplicator.Judge"/> and <see cref="Deduplicator.Decide"/> over chunks of 1,024 payments, fingerprint and
/// state's sum included; not the making of the payments. Medians; every run checks the verdicts it got.
/// </remarks>
public static class DedupLoad
{
    private const int RunCount = 5;
    private const ulong Begin = 1_767_225_600 * Limits.NsPerSecond;

    /// <param name="json">One object a figure and line, instead of a table.</param>
    /// <param name="output">Where the figures go, and nothing else.</param>
    /// <param name="small">So little work that a test can run it; the figures then mean nothing.</param>
    public static int Run(bool json, TextWriter output, bool small = false)
    {
        ArgumentNullException.ThrowIfNull(output);
        int chunks = small ? 20 : 1_000;
        Figure[] figures =
        [
            Fingerprints("dedup_fingerprint", chunks, xxHash3: false),
            Fingerprints("dedup_fingerprint_xxhash3", chunks, xxHash3: true),
            Streams("dedup_stream", streamCount: 1, chunks),
            Streams("dedup_streams_64_interleaved", streamCount: 64, chunks),
            InMemory("dedup_uuid7_in_memory", uuidV7: true, chunks, small),
            InMemory("dedup_other_in_memory", uuidV7: false, chunks, small),
            .. Spilled(chunks, small),
        ];
        if (!json) output.WriteLine("figure                          ns/payment median chunk   payments/s   bytes/payment  what");
        foreach (Figure figure in figures) output.WriteLine(json ? figure.Json() : figure.Line());
        bool allocatesInMemory = figures.Any(figure => figure.MustNotAllocate && figure.BytesPerPayment != 0);
        return allocatesInMemory ? 1 : 0;
    }

    private static Figure Fingerprints(string name, int chunks, bool xxHash3)
    {
        Payment[] payments = new Payment[Limits.ChunkPayments];
        Random random = new(1);
        random.NextBytes(MemoryMarshal.AsBytes(payments.AsSpan()));
        uint[] hashes = new uint[payments.Length];
        long[] ticks = new long[chunks];
        string says = $"the {(xxHash3 ? "XxHash3" : "fingerprint")} alone, of payments in cache";
        return Measure(name, says, mustNotAllocate: true, _ =>
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

    private static Figure Streams(string name, int streamCount, int chunks)
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
        return Measure(name, says, mustNotAllocate: true, _ => bench.Go(chunks, Begin, Number, Verdict.Undecided));
    }

    /// <summary>Generations take turns, but an hour passes with each chunk, so what is drained is forgotten already.</summary>
    private static Figure InMemory(string name, bool uuidV7, int chunks, bool small)
    {
        using NoStore store = new();
        using Bench bench = new(small ? 1 << 20 : Deduplicator.IdMemoryBytesDefault, store);
        bench.Dedup.WindowNs = 1;
        bench.Dedup.RetentionNs = 1;
        ulong timeNs = Begin;
        Timing Go(int count) => bench.Go(
            count, timeNs, (ref Payment p, long ordinal) => MakeId(ref p, ordinal, uuidV7, timeNs), Verdict.Undecided,
            () => timeNs += Limits.NsPerHour);
        while (bench.Dedup.Ids.GenerationsEnded < 3) Go(8);
        double bytesPerId = (double)bench.MemoryBytes / (bench.Dedup.Ids.Capacity * 1.2);
        string says = $"new ids, two generations in turn, {bytesPerId:F0} B an id held when full";
        Figure figure = Measure(name, says, mustNotAllocate: true, _ => Go(chunks));
        if (!small && store.Puts * 100 > bench.Ordinal)
            throw new InvalidOperationException("ids were spilled: this is not the memory's figure");
        return figure;
    }

    private static Figure[] Spilled(int chunks, bool small)
    {
        string folder = Directory.CreateTempSubdirectory("settlement-perf-dedup-").FullName;
        try
        {
            long memoryBytes = small ? Deduplicator.IdMemoryBytesMin : Deduplicator.IdMemoryBytesDefault;
            using FasterIdStore store = new(folder);
            using Bench bench = new(memoryBytes, store);
            bench.Dedup.RetentionNs = 0;
            void New(ref Payment payment, long ordinal) => MakeId(ref payment, ordinal, uuidV7: false, Begin);
            while (bench.Dedup.Ids.GenerationsEnded < 3) bench.Go(8, Begin, New, Verdict.Undecided);
            long puts = bench.Dedup.Ids.StorePuts, reads = bench.Dedup.Ids.StoreReads, begun = bench.Ordinal;
            string says = "new ids, the old ones going to disk at the same rate";
            Figure absent = Measure("dedup_other_spilled_absent", says, mustNotAllocate: false,
                _ => bench.Go(chunks, Begin, New, Verdict.Undecided));
            double putShare = (double)(bench.Dedup.Ids.StorePuts - puts) / (bench.Ordinal - begun);
            double readShare = (double)(bench.Dedup.Ids.StoreReads - reads) / (bench.Ordinal - begun);
            absent.Says += string.Create(CultureInfo.InvariantCulture,
                $"; {putShare:F2} put and {readShare:F3} asked of the store a payment")
                + $", {store.DiskBytes >> 20} MiB on disk for {bench.Dedup.Ids.StorePuts} ids";

            Random random = new(2);
            long spilled = bench.Ordinal - (long)(bench.Dedup.Ids.Capacity * 1.5);
            void Old(ref Payment payment, long ordinal) => MakeId(ref payment, random.NextInt64(spilled), uuidV7: false, Begin);
            int presentChunks = Math.Max(chunks / 50, 1);
            says = "true repeats of ids on disk, at random, mostly in the page cache";
            Figure present = Measure("dedup_other_spilled_present", says, mustNotAllocate: false,
                _ => bench.Go(presentChunks, Begin, Old, Verdict.Duplicate));
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
        ulong mixed = ((ulong)ordinal + 1) * 0x9E37_79B9_7F4A_7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9;
        payment.Flags = PaymentFlags.None;
        payment.IdHigh = uuidV7 ? (timeNs / 1_000_000 + 1 << 16) | 0x7000 | (mixed >> 52) : (mixed & ~0xF000UL) | 0x4000;
        payment.IdLow = (2UL << 62) | (mixed ^ (mixed >> 31)) >> 2;
        payment.Amount = 5;
    }

    private static Figure Measure(string name, string says, bool mustNotAllocate, Func<int, Timing> run)
    {
        // The compiler replaces hot methods in the background; it is given work and time to do so.
        for (int i = 0; i < 3; i++)
        {
            run(-1);
            Thread.Sleep(100);
        }

        double[] ns = new double[RunCount];
        double[] quiet = new double[RunCount];
        long allocated = 0, count = 0;
        for (int i = 0; i < RunCount; i++)
        {
            Timing timing = run(i);
            allocated += timing.AllocatedBytes;
            count += timing.Count;
            ns[i] = (double)timing.Ticks * 1e9 / Stopwatch.Frequency / timing.Count;
            quiet[i] = (double)timing.ChunkTicks * 1e9 / Stopwatch.Frequency / Limits.ChunkPayments;
        }

        return new Figure(name, says, mustNotAllocate, ns, quiet, (double)allocated / count);
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
                    throw new InvalidOperationException($"a verdict other than {expected}");
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

    /// <summary>Keeps nothing, and counts what it was given.</summary>
    private sealed class NoStore : IIdStore
    {
        public long Puts { get; private set; }

        public void Put(IdKind kind, in IdKey key, in Decision decision) => Puts++;

        public bool TryGet(IdKind kind, in IdKey key, out Decision decision)
        {
            decision = default;
            return false;
        }

        public long Position(IdKind kind) => 0;

        public void DropBefore(IdKind kind, long position)
        {
        }

        public void Dispose()
        {
        }
    }

    private sealed class Figure(
        string name, string says, bool mustNotAllocate, double[] ns, double[] quiet, double bytesPerPayment)
    {
        public bool MustNotAllocate => mustNotAllocate;

        public double BytesPerPayment => bytesPerPayment;

        public string Says { get; set; } = says;

        private double Median => ns.Order().ElementAt(ns.Length / 2);

        private double Quiet => quiet.Order().ElementAt(quiet.Length / 2);

        public string Line() => string.Create(CultureInfo.InvariantCulture,
            $"{name,-30} {Median,11:F2} {Quiet,12:F2} {1e9 / Median,12:N0} {BytesPerPayment,15:0.###}  {Says}")
            + $" (runs: {string.Join(' ', ns.Select(each => each.ToString("F1", CultureInfo.InvariantCulture)))} ns)";

        public string Json() => JsonSerializer.Serialize(new
        {
            figure = name,
            counted = Says,
            payments_per_second = 1e9 / Median,
            ns_per_payment = Median,
            ns_per_payment_median_chunk = Quiet,
            bytes_per_payment = BytesPerPayment,
            runs = ns.Select(each => 1e9 / each),
        });
    }
}
