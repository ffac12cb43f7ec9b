using System.Security.Cryptography;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Tests.Simd;

/// <summary>Chains walked side by side end where each would alone, at every width.</summary>
public sealed class Sha256ChainsTests
{
    [TestCase(16)]
    [TestCase(8)]
    [TestCase(4)]
    [TestCase(1)]
    public void Every_chain_ends_where_hashing_it_link_by_link_ends(int lanesMax)
    {
        Random random = PrintedSeed.Create();
        for (int round = 0; round < 150; round++)
        {
            int longest = random.Next(3) switch { 0 => 2, 1 => 20, _ => 200 };
            var walks = new ChainWalk[random.Next(0, 60)];
            foreach (ref ChainWalk walk in walks.AsSpan())
            {
                random.NextBytes(walk.Link);
                walk.Steps = random.Next(0, longest);
            }

            Digest[] expected = [.. walks.Select(walk => Hashed(walk.Link, walk.Steps))];
            Sha256Chains.Walk(walks, lanesMax);
            Assert.That(walks.Select(walk => walk.Link), Is.EqualTo(expected));
            Assert.That(walks.Select(walk => walk.Steps), Is.All.Zero);
        }
    }

    [Test]
    public void The_hash_of_32_zeros_is_the_published_one()
    {
        var walks = new ChainWalk[5];
        walks.AsSpan().Fill(new ChainWalk { Steps = 1 });
        Sha256Chains.Walk(walks);
        foreach (ChainWalk walk in walks)
            Assert.That(walk.Link.ToString(), Is.EqualTo("66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"));
    }

    private static Digest Hashed(Digest link, int times)
    {
        byte[] bytes = ((ReadOnlySpan<byte>)link).ToArray();
        for (; times > 0; times--)
            bytes = SHA256.HashData(bytes);
        return Digest.From(bytes);
    }
}
