using Settlement.Engine.Dedup;

namespace Settlement.Tests.Dedup;

[TestFixture]
public sealed class IdFilterTests
{
    private const int KeysPerGeneration = 3_600;
    private const int Rows = 1_000;

    [Test]
    public void No_key_is_denied_that_is_kept_through_merges_and_drops()
    {
        Random random = new(5);
        using IdFilter filter = new(Rows);
        List<(ulong Hash, bool UuidV7, long Hour)> kept = [];
        List<(ulong Hash, bool UuidV7, long Hour)> old = [];
        ulong uuidV7First = 0, otherFirst = 0;
        for (int generation = 0; generation < 60; generation++)
        {
            List<(ulong Hash, bool UuidV7, long Hour)> draining = [];
            for (int i = 0; i < KeysPerGeneration; i++)
            {
                (ulong Hash, bool UuidV7, long Hour) key = ((ulong)random.NextInt64() << 1, random.Next(2) == 0, generation);
                filter.Add(key.Hash);
                draining.Add(key);
                if (i % 100 == 0) AssertKept(filter, kept, random, uuidV7First, otherFirst, 10);
                if (i % 3 == 0) filter.Sweep(1);
            }

            filter.EndCycle(generation - 1, generation - 1);
            kept.AddRange(old);
            old = draining;
            foreach ((ulong hash, _, _) in old)
                if ((filter.LanesHolding(hash) & filter.OldLane) == 0) Assert.Fail("a key of the old generation is denied");
            if (generation == 30) (uuidV7First, otherFirst) = (25, 12);
            if (generation == 45) (uuidV7First, otherFirst) = (46, 46);
            filter.Forget(uuidV7First, otherFirst);
            AssertKept(filter, kept, random, uuidV7First, otherFirst, 20_000);
            if (generation == 45) Assert.That(Denied(filter, random), Is.EqualTo(10_000), "all is forgotten");
        }
    }

    [Test]
    public void Most_keys_that_were_never_added_are_denied()
    {
        Random random = new(6);
        using IdFilter filter = new(Rows);
        int[] denied = new int[24];
        for (int generation = 0; generation < denied.Length; generation++)
        {
            for (int i = 0; i < KeysPerGeneration; i++) filter.Add((ulong)random.NextInt64() << 1);
            filter.EndCycle(generation - 1, generation - 1);
            filter.Forget(0, 0);
            denied[generation] = Denied(filter, random);
        }

        TestContext.Out.WriteLine($"denied of 10,000 after each generation: {string.Join(' ', denied)}");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(denied[1], Is.GreaterThan(9_800));
            Assert.That(denied[6], Is.GreaterThan(9_000));
            Assert.That(denied[23], Is.GreaterThan(2_000));
        }
    }

    private static bool MayHold(IdFilter filter, ulong hash, bool uuidV7) =>
        (filter.LanesHolding(hash) & filter.SpilledLanes(uuidV7)) != 0;

    private static int Denied(IdFilter filter, Random random)
    {
        int denied = 0;
        for (int i = 0; i < 10_000; i++)
            if (!MayHold(filter, (ulong)random.NextInt64() << 1, uuidV7: i % 2 == 0)) denied++;
        return denied;
    }

    private static void AssertKept(
        IdFilter filter, List<(ulong Hash, bool UuidV7, long Hour)> kept, Random random,
        ulong uuidV7First, ulong otherFirst, int sampleCount)
    {
        for (int i = 0; i < sampleCount && kept.Count > 0; i++)
        {
            (ulong hash, bool uuidV7, long hour) = kept[random.Next(kept.Count)];
            if ((ulong)hour < (uuidV7 ? uuidV7First : otherFirst)) continue;
            if (!MayHold(filter, hash, uuidV7)) Assert.Fail($"a key of generation {hour} is denied");
        }
    }
}
