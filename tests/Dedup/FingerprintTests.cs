using System.Numerics;
using System.Runtime.InteropServices;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Dedup;

[TestFixture]
public sealed class FingerprintTests
{
    private static Payment RandomPayment(Random random)
    {
        Payment payment = default;
        random.NextBytes(MemoryMarshal.AsBytes(new Span<Payment>(ref payment)));
        return payment;
    }

    [Test]
    public void Every_bit_of_the_body_counts_and_the_session_does_not()
    {
        Random random = new(11);
        long changed = 0;
        const int Rounds = 64;
        for (int round = 0; round < Rounds; round++)
        {
            Payment payment = RandomPayment(random);
            uint before = Fingerprint.Of(in payment);
            Span<byte> bytes = MemoryMarshal.AsBytes(new Span<Payment>(ref payment));
            for (int bit = 0; bit < Payment.Size * 8; bit++)
            {
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                uint after = Fingerprint.Of(in payment);
                Assert.That(after != before, Is.EqualTo(bit < 62 * 8), $"bit {bit}");
                changed += BitOperations.PopCount(after ^ before);
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }

        // Half of 32 bits on average; a hundred deviations wide.
        Assert.That((double)changed / (Rounds * 62 * 8), Is.EqualTo(16).Within(0.5));
    }

    [Test]
    public void The_hash_in_vectors_is_that_of_plain_arithmetic()
    {
        Random random = new(12);
        for (int round = 0; round < 1_000; round++)
        {
            Payment payment = RandomPayment(random);
            Assert.That(Fingerprint.Of(in payment), Is.EqualTo(PlainHash(payment with { Session = 0 })));
        }
    }

    private static uint PlainHash(Payment payment)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<Payment, ulong>(new ReadOnlySpan<Payment>(in payment));
        ulong[] pi =
        [
            0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344, 0xA409_3822_299F_31D0, 0x082E_FA98_EC4E_6C89,
            0x4528_21E6_38D0_1377, 0xBE54_66CF_34E9_0C6C, 0xC0AC_29B7_C97C_50DD, 0x3F84_D5B5_B547_0917,
            0x9216_D5D9_8979_FB1B, 0xD131_0BA6_98DF_B5AD, 0x2FFD_72DB_D01A_DFB7, 0xB8E1_AFED_6A26_7E97,
        ];
        ulong all = 0;
        for (int lane = 0; lane < 4; lane++)
        {
            ulong first = (words[lane] ^ pi[lane]) * 0x9E37_79B9_7F4A_7C15;
            ulong second = (words[lane + 4] ^ pi[lane + 4]) * 0x9E37_79B9_7F4A_7C15;
            all += ((first ^ (first >> 32)) + (second ^ (second >> 29))) * pi[lane + 8];
        }

        all ^= all >> 32;
        all *= 0xBF58_476D_1CE4_E5B9;
        return (uint)(all >> 32);
    }

    [Test]
    public void Payments_that_differ_little_have_fingerprints_of_their_own()
    {
        HashSet<uint> seen = [];
        const int Count = 20_000;
        for (int i = 0; i < Count; i++)
        {
            Payment payment = new() { IdHigh = 1, IdLow = (ulong)(i / 100), Payer = 1, Payee = 2, Amount = (ulong)(i % 100) };
            seen.Add(Fingerprint.Of(in payment));
        }

        // Among 20,000 of 2^32 there are 0.05 collisions to expect.
        Assert.That(seen, Has.Count.GreaterThanOrEqualTo(Count - 2));
    }

    /// <summary>Fingerprints are kept in snapshots: another value is another format.</summary>
    [Test]
    public void The_value_is_the_same_on_every_platform_and_in_every_version()
    {
        Payment payment = new()
        {
            IdHigh = 0x0123_4567_89AB_CDEF,
            IdLow = 42,
            Payer = 1_000,
            Payee = 2_000,
            Amount = 1_234,
            Reference = 7,
            ValidUntilNs = 1_767_225_600_000_000_000,
            Currency = 978,
            Instruction = Instruction.Micropayment,
            Flags = PaymentFlags.StreamId,
            Level = 3,
            Purpose = Purpose.Goods,
            Session = 9,
        };
        Assert.That(Fingerprint.Of(in payment), Is.EqualTo(3_097_879_540));
        Assert.That(StateSum.Of(1, 2, Verdict.Accepted).ToString(), Is.EqualTo("e63ffb132bb6a946a43725b7306d6a1d"));
    }
}
