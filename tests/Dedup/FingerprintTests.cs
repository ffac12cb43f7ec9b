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
        Assert.That(Fingerprint.Of(in payment), Is.EqualTo(3_594_310_645));
        Assert.That(StateSum.Of(1, 2, Verdict.Accepted).ToString(), Is.EqualTo("4e4913c65ad46b678d5dd3bc8b06c812"));
    }
}
