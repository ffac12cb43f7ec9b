namespace Settlement.Tests.Ring;

/// <summary>For what another thread is about to reach.</summary>
internal static class Wait
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static void Until(Func<bool> condition) =>
        Assert.That(SpinWait.SpinUntil(condition, Deadline), Is.True, "it did not come about in a minute");
}
