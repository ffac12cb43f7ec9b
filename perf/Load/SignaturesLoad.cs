using System.Globalization;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Settlement.Engine.Consent;
using Settlement.Engine.Consent.Checking;
using Settlement.Engine.Domain;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf signatures`: what checking payers' signatures costs.
/// </summary>
/// <remarks>
/// Counted: <see cref="EvidenceChecker.Check"/> over frames of 256 payments with a P-256 signature each, on one thread; beside it the same on all cores, and with ML-DSA-65. Keys are
/// known and opened. Not counted: signing. Checked: every signature holds, and one that is changed does not.
/// </remarks>
public static class SignaturesLoad
{
    private const ulong Wallet = 1;
    private const int FramePayments = 256;
    private static readonly UInt128 s_ledger = 1;

    /// <exception cref="CheckFailedException">A signature was judged wrongly.</exception>
    public static int Run(LoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        int frames = options.Small ? 1 : 20;
        var p256 = new Signed(SignatureScheme.P256, options.Small ? 16 : FramePayments);
        var mlDsa65 = new Signed(SignatureScheme.MlDsa65, options.Small ? 2 : FramePayments / 4);
        int helpers = Environment.ProcessorCount - 1;
        Runs[] runs = Runs.InTurn(options.Runs, () => p256.Check(frames, threads: 0), () => p256.Check(frames, helpers), () => mlDsa65.Check(frames, threads: 0));
        Figure figure = new Figure("signatures", $"P-256 signatures of payments checked in frames of {FramePayments}, one thread", runs[0]) { Unit = "signatures" }
            .With("us_per_signature_p256", runs[0].NsPerPayment.Median / 1_000)
            .With("signatures_per_second_all_cores", runs[1].PerSecond.Median, string.Create(CultureInfo.InvariantCulture, $"{helpers + 1} threads"))
            .With("us_per_signature_ml_dsa_65", runs[2].NsPerPayment.Median / 1_000, "BouncyCastle, one thread");
        FigurePrinter.Print(figure, options.Json, options.Output);
        return 0;
    }

    /// <summary>A frame of signed payments, and a ledger that knows the key.</summary>
    private sealed class Signed : IConsentReader
    {
        private readonly SignatureScheme _scheme;
        private readonly byte[] _spki;
        private readonly Payment[] _payments;
        private readonly byte[] _evidence;

        public Signed(SignatureScheme scheme, int count)
        {
            _scheme = scheme;
            _payments = new Payment[count];
            int length = PublicKeyForm.SignatureBytesOf(scheme);
            int size = EvidenceEntry.Size + ((length + 7) & ~7);
            _evidence = new byte[count * size];
            using ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var seeded = MLDsaPrivateKeyParameters.FromSeed(MLDsaParameters.ml_dsa_65, new byte[32]);
            _spki = scheme == SignatureScheme.P256 ? NodeKey.Of(pair).Spki() : PublicKeyForm.OfMlDsa65(seeded.GetPublicKeyEncoded());
            for (int i = 0; i < count; i++)
            {
                _payments[i] = new Payment { IdHigh = 1, IdLow = (ulong)i + 1, Payer = Wallet, Payee = 2, Amount = 1, Currency = 978, Instruction = Instruction.Micropayment };
                byte[] message = ConsentMessage.OfPayment(s_ledger, in _payments[i], participant: 1);
                byte[] signature = scheme == SignatureScheme.P256
                    ? pair.SignData(message, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)
                    : Sign(seeded, message);
                EvidenceReader.Write(_evidence.AsSpan(i * size), new EvidenceEntry { Kind = EvidenceKind.Signature, Scheme = scheme, Index = (uint)i, Key = 1 }, signature);
            }
        }

        public Run Check(int frames, int threads)
        {
            using var checker = new EvidenceChecker(s_ledger, this, threads);
            byte[] kept = new byte[_evidence.Length];
            byte[] changed = [.. _evidence];
            changed[EvidenceEntry.Size] ^= 1;
            if (checker.Check(1, _payments, changed, kept).Dropped != 1)
                throw new CheckFailedException("a signature that was changed was not the one that was dropped");
            int dropped = 0;
            Run run = Common.Run.Time((long)frames * _payments.Length, () =>
            {
                for (int frame = 0; frame < frames; frame++)
                    dropped += checker.Check(1, _payments, _evidence, kept).Dropped;
            });
            return dropped == 0 ? run : throw new CheckFailedException($"{dropped} signatures that hold were dropped");
        }

        public bool TryRead(ConsentQuestions questions)
        {
            foreach (ulong _ in questions.WalletsAsked)
                questions.Wallets.Add(new WalletView(new KeyView(1, _scheme, _spki)));
            return true;
        }

        private static byte[] Sign(MLDsaPrivateKeyParameters key, byte[] message)
        {
            var signer = new MLDsaSigner(MLDsaParameters.ml_dsa_65, deterministic: true);
            signer.Init(forSigning: true, key);
            signer.BlockUpdate(message, 0, message.Length);
            return signer.GenerateSignature();
        }
    }
}
