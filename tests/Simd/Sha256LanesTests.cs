using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Simd;

namespace Settlement.Tests.Simd;

/// <summary>The lanes give the framework's digests, at every width, for every length, number and way of laying messages out.</summary>
public sealed class Sha256LanesTests
{
    private static readonly int[] s_lanes = [16, 8, 4, 1];

    [TestCaseSource(nameof(s_lanes))]
    public void The_published_vectors_hold(int lanesMax)
    {
        // FIPS 180-2, appendix B, and the examples of NIST's cryptographic standards page.
        (string Message, string Digest)[] vectors =
        [
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
            ("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"),
            (new string('a', 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ];
        foreach ((string message, string expected) in vectors)
        {
            byte[] messages = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(message, 16)));
            byte[] digests = new byte[16 * Sha256Lanes.DigestBytes];
            Sha256Lanes.Hash(messages, message.Length, digests, lanesMax);
            for (int lane = 0; lane < 16; lane++)
                Assert.That(Hex(digests, lane), Is.EqualTo(expected), $"lane {lane}, {message.Length} bytes");
        }
    }

    [TestCaseSource(nameof(s_lanes))]
    public void The_empty_message_hashes_to_its_published_digest(int lanesMax)
    {
        byte[] padded = new byte[16 * Sha256Lanes.BlockBytes];
        for (int lane = 0; lane < 16; lane++) Sha256Lanes.Pad(padded.AsSpan(lane * 64, 64), 0);
        byte[] digests = new byte[16 * Sha256Lanes.DigestBytes];
        Sha256Lanes.HashPadded(padded, 0, digests, lanesMax);
        for (int lane = 0; lane < 16; lane++)
            Assert.That(Hex(digests, lane), Is.EqualTo("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    }

    [TestCaseSource(nameof(s_lanes))]
    public void Every_length_across_the_paddings_edges_is_hashed_as_by_the_framework(int lanesMax)
    {
        Random random = PrintedSeed.Create();
        for (int length = 1; length <= 260; length++) AssertHashedAsByFramework(random, length, random.Next(0, 40), lanesMax);
    }

    [TestCaseSource(nameof(s_lanes))]
    public void Any_number_of_messages_of_any_length_is_hashed_as_by_the_framework(int lanesMax)
    {
        Random random = PrintedSeed.Create();
        for (int round = 0; round < 200; round++) AssertHashedAsByFramework(random, random.Next(1, 2_000), random.Next(0, 70), lanesMax);
    }

    [TestCaseSource(nameof(s_lanes))]
    public void Messages_that_end_alike_are_hashed_as_by_the_framework(int lanesMax)
    {
        Random random = PrintedSeed.Create();
        for (int round = 0; round < 200; round++)
        {
            int length = random.Next(1, (Sha256Ending.MessageBytesMax / 64) + 1) * 64, count = random.Next(0, 40);
            byte[] messages = new byte[length * count], endingBytes = new byte[random.Next(1, Sha256Ending.EndingBytesMax + 1)];
            random.NextBytes(messages);
            random.NextBytes(endingBytes);
            byte[] digests = new byte[count * Sha256Lanes.DigestBytes];
            Sha256Lanes.HashWithEnding(messages, new Sha256Ending(length, endingBytes), digests, lanesMax);
            for (int at = 0; at < count; at++)
            {
                byte[] whole = [.. messages.AsSpan(at * length, length), .. endingBytes];
                Assert.That(Hex(digests, at), Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(whole))), $"{length} + {endingBytes.Length}");
            }
        }
    }

    [TestCaseSource(nameof(s_lanes))]
    public void Links_of_hash_chains_may_be_replaced_by_their_next_ones_in_place(int lanesMax)
    {
        Random random = PrintedSeed.Create();
        byte[] links = new byte[31 * Sha256Lanes.DigestBytes];
        random.NextBytes(links);
        byte[] expected = [.. links];
        for (int step = 0; step < 20; step++)
        {
            Sha256Lanes.Hash(links, Sha256Lanes.DigestBytes, links, lanesMax);
            for (int at = 0; at < expected.Length; at += 32) SHA256.HashData(expected.AsSpan(at, 32)).CopyTo(expected, at);
        }
        Assert.That(links, Is.EqualTo(expected));
    }

    [Test]
    public void What_is_not_of_one_length_throws()
    {
        byte[] digests = new byte[64];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => Sha256Lanes.Hash(new byte[63], 32, digests), Throws.ArgumentException);
            Assert.That(() => Sha256Lanes.Hash(new byte[64], 32, new byte[63]), Throws.ArgumentException);
            Assert.That(() => Sha256Lanes.Hash([], 0, []), Throws.ArgumentException);
            Assert.That(() => Sha256Lanes.HashPadded(new byte[64], 89, new byte[32]), Throws.ArgumentException);
            Assert.That(() => Sha256Lanes.Pad(new byte[64], 56), Throws.ArgumentException);
            Assert.That(() => new Sha256Ending(65, [1]), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new Sha256Ending(64, new byte[56]), Throws.InstanceOf<ArgumentException>());
        }
    }

    [Test]
    public void Hashing_allocates_nothing()
    {
        byte[] messages = new byte[35 * 89], padded = new byte[35 * 128], digests = new byte[35 * 32], nodes = new byte[35 * 512];
        Sha256Ending ending = new(512, [1, 16]);
        long before = 0;
        for (int round = 0; round < 3; round++)
        {
            // The first rounds let the runtime load what it needs once.
            before = GC.GetAllocatedBytesForCurrentThread();
            Sha256Lanes.Hash(messages, 89, digests);
            Sha256Lanes.HashPadded(padded, 89, digests);
            Sha256Lanes.HashWithEnding(nodes, ending, digests);
        }
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    private static void AssertHashedAsByFramework(Random random, int length, int count, int lanesMax)
    {
        byte[] messages = new byte[length * count];
        random.NextBytes(messages);
        int stride = Sha256Lanes.PaddedBytes(length);
        byte[] padded = new byte[stride * count];
        for (int at = 0; at < count; at++)
        {
            Sha256Lanes.Pad(padded.AsSpan(at * stride, stride), length);
            messages.AsSpan(at * length, length).CopyTo(padded.AsSpan(at * stride));
        }
        byte[] digests = new byte[count * Sha256Lanes.DigestBytes], ofPadded = new byte[count * Sha256Lanes.DigestBytes];
        Sha256Lanes.Hash(messages, length, digests, lanesMax);
        Sha256Lanes.HashPadded(padded, length, ofPadded, lanesMax);
        for (int at = 0; at < count; at++)
        {
            string expected = Convert.ToHexStringLower(SHA256.HashData(messages.AsSpan(at * length, length)));
            if (Hex(digests, at) != expected || Hex(ofPadded, at) != expected)
                Assert.Fail($"message {at} of {count}, {length} bytes: {expected}, got {Hex(digests, at)} and, padded, {Hex(ofPadded, at)}");
        }
    }

    private static string Hex(byte[] digests, int at) => Convert.ToHexStringLower(digests.AsSpan(at * Sha256Lanes.DigestBytes, 32));
}
