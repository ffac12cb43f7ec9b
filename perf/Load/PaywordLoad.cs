using System.Globalization;
using System.Security.Cryptography;
using Settlement.Engine.Consent;
using Settlement.Engine.Consent.Checking;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf payword`: what checking the links of payers' chains costs, on one thread.
/// </summary>
/// <remarks>
/// Counted: <see cref="EvidenceChecker.Check"/> over frames of links, each of another stream, one hash from the last one, which is the dearest frame there is: everything that is
/// done once a link is done for each payment. Beside it a frame of 64 streams with one link for 128 payments each; the kernel alone, sixteen chains side by side; and the
/// framework, link by link. Not counted: reading the frame, making the links. Checked: every link holds, one that is changed does not, and nothing is allocated.
/// </remarks>
public static class PaywordLoad
{
    private const ushort Participant = 1;
    private const int Streams = 4_096;
    private const int FewStreams = 64;
    private const int PaymentsEach = 128;

    /// <exception cref="CheckFailedException">A link was judged wrongly, or checking allocated.</exception>
    public static int Run(LoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        int frames = options.Small ? 3 : 200;
        var many = new Frames(Streams, paymentsEach: 1, frames);
        var few = new Frames(FewStreams, PaymentsEach, frames);
        RequireTold(many);
        var walks = new ChainWalk[Streams];
        int steps = options.Small ? 2 : 100;
        Runs[] runs = Runs.InTurn(options.Runs,
            () => many.Check(),
            () => few.Check(),
            () => Walked(walks, steps, Sha256Chains.Walk),
            () => Walked(walks.AsSpan(0, Streams / 16).ToArray(), steps, Sha256Chains.WalkOneByOne));
        if (!options.Small && runs[0].BytesPerPayment.Median > 0)
            throw new CheckFailedException($"checking links allocated {runs[0].BytesPerPayment.Median:F3} bytes a link");
        Figure figure = new Figure("payword", $"links of payers' chains checked in frames of {Streams}, each of another stream, one thread", runs[0]) { Unit = "links" }
            .With("payments_per_second_few_streams", runs[1].PerSecond.Median, Says(runs[1], $"payments of {FewStreams} streams, {PaymentsEach} of each in a frame with one link"))
            .With("hashes_per_second_in_lanes", runs[2].PerSecond.Median, Says(runs[2], $"the kernel alone, {Sha256Lanes.LaneCount} chains side by side"))
            .With("hashes_per_second_one_by_one", runs[3].PerSecond.Median, Says(runs[3], "the framework's SHA-256, link by link"));
        FigurePrinter.Print(figure, options.Json, options.Output);
        return 0;
    }

    private static string Says(Runs runs, string what) => string.Create(CultureInfo.InvariantCulture, $"{what}; {runs.NsPerPayment.Median:F1} ns each");

    private delegate void Walker(Span<ChainWalk> walks);

    private static Run Walked(ChainWalk[] walks, int steps, Walker walker)
    {
        for (int i = 0; i < walks.Length; i++)
            walks[i].Steps = steps;
        return Common.Run.TimeThread((long)walks.Length * steps, () => walker(walks));
    }

    private static void RequireTold(Frames frames)
    {
        EvidenceChecker checker = frames.NewChecker();
        using (checker)
        {
            byte[] kept = new byte[frames.Evidence[0].Length];
            byte[] changed = [.. frames.Evidence[0]];
            changed[EvidenceEntry.LinkSize - 1] ^= 1;
            if (checker.Check(Participant, frames.Payments[0], changed, kept) is not { Dropped: 1 })
                throw new CheckFailedException("a link that was changed was not the one that was dropped");
        }
    }

    /// <summary>Frames of streams with their links, and a ledger that knows the chains.</summary>
    private sealed class Frames : IConsentReader
    {
        private readonly Dictionary<ulong, Digest> _ends = [];
        private readonly int _length;

        public Frames(int streams, int paymentsEach, int frames)
        {
            _length = frames * paymentsEach;
            Payments = [.. Enumerable.Range(0, frames).Select(_ => new Payment[streams * paymentsEach])];
            Evidence = [.. Enumerable.Range(0, frames).Select(_ => new byte[streams * EvidenceEntry.LinkSize])];
            for (int stream = 0; stream < streams; stream++)
                Fill(stream, streams, paymentsEach);
        }

        public Payment[][] Payments { get; }

        public byte[][] Evidence { get; }

        public EvidenceChecker NewChecker() => new(1, this, threads: 0);

        /// <summary>All frames, by a checker that knows the chains from their ends.</summary>
        public Run Check()
        {
            using EvidenceChecker checker = NewChecker();
            byte[] kept = new byte[Evidence[0].Length];
            int dropped = checker.Check(Participant, Payments[0], Evidence[0], kept).Dropped; // asks for the chains
            Run run = Common.Run.TimeThread((long)(Payments.Length - 1) * Payments[0].Length, () =>
            {
                for (int frame = 1; frame < Payments.Length; frame++)
                    dropped += checker.Check(Participant, Payments[frame], Evidence[frame], kept).Dropped;
            });
            return dropped == 0 ? run : throw new CheckFailedException($"{dropped} links that hold were dropped");
        }

        public bool TryRead(ConsentQuestions questions)
        {
            foreach (ChainKey key in questions.ChainsAsked)
                questions.Chains.Add(new ChainView(1, (uint)_length, 0, _ends[key.Stream]));
            return true;
        }

        /// <summary>The chain is made from its last link back: each frame's link as it comes by.</summary>
        private void Fill(int stream, int streams, int paymentsEach)
        {
            byte[] link = SHA256.HashData(BitConverter.GetBytes(stream));
            for (int number = _length; number > 0; number--)
            {
                int frame = (number - 1) / paymentsEach, place = (number - 1) % paymentsEach;
                int index = (stream * paymentsEach) + place;
                Payments[frame][index] = new Payment
                {
                    IdHigh = (ulong)stream + 1, IdLow = (ulong)number, Payer = (ulong)stream + 1, Payee = 1, Amount = 1, Currency = 978,
                    Instruction = Instruction.Micropayment, Flags = PaymentFlags.StreamId,
                };
                if (place == paymentsEach - 1)
                {
                    EvidenceReader.Write(
                        Evidence[frame].AsSpan(stream * EvidenceEntry.LinkSize), new EvidenceEntry { Kind = EvidenceKind.Link, Index = (uint)index }, link);
                }

                link = SHA256.HashData(link);
            }

            _ends[(ulong)stream + 1] = Digest.From(link);
        }
    }
}
