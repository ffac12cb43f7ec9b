namespace Settlement.Tests;

/// <summary>Chance with a seed that is printed, and repeated by the environment's SETTLEMENT_SEED.</summary>
internal static class SeededRandom
{
    public static Random Create()
    {
        string? given = Environment.GetEnvironmentVariable("SETTLEMENT_SEED");
        int seed = int.TryParse(given, out int parsed) ? parsed : Environment.TickCount;
        TestContext.Out.WriteLine($"SETTLEMENT_SEED={seed}");
        return new Random(seed);
    }
}
