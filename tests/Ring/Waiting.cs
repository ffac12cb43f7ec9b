using System.Globalization;

namespace Settlement.Tests.Ring;

/// <summary>For what another thread is about to reach.</summary>
internal static class Wait
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static void Until(Func<bool> condition) =>
        Assert.That(SpinWait.SpinUntil(condition, Deadline), Is.True, "it did not come about in a minute");
}

/// <summary>The seed of a randomised test: printed, and repeated by the environment variable SETTLEMENT_SEED.</summary>
internal static class Seeds
{
    public static int Next()
    {
        string? wanted = Environment.GetEnvironmentVariable("SETTLEMENT_SEED");
        int seed = wanted is null ? Random.Shared.Next() : int.Parse(wanted, CultureInfo.InvariantCulture);
        TestContext.Out.WriteLine($"SETTLEMENT_SEED={seed}");
        return seed;
    }
}
