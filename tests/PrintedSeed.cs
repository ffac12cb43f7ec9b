namespace Settlement.Tests;

/// <summary>A test's source of chance: a new seed each run, printed, and repeated by the environment's SETTLEMENT_SEED.</summary>
internal static class PrintedSeed
{
    public static Random Create() => new(Next());

    /// <returns>At least 0, unless the environment says otherwise.</returns>
    public static int Next()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("SETTLEMENT_SEED"), out int given) ? given : Random.Shared.Next();
        TestContext.Out.WriteLine($"SETTLEMENT_SEED={seed}");
        return seed;
    }
}
