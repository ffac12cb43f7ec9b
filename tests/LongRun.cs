using System.Diagnostics;
using System.Globalization;

namespace Settlement.Tests;

/// <summary>
/// How long a test of the category Long may go on: SETTLEMENT_LONG_SECONDS, or two seconds, so that such a test is a short
/// one every day and a soak when asked (`./run.ps1 soak -Hours 2`).
/// </summary>
internal sealed class LongRun
{
    public const string Category = "Long";
    public const string Variable = "SETTLEMENT_LONG_SECONDS";
    private const double SecondsDefault = 2;

    private readonly long _begun = Stopwatch.GetTimestamp();
    private readonly TimeSpan _budget;

    public LongRun()
    {
        string? text = Environment.GetEnvironmentVariable(Variable);
        double seconds = SecondsDefault;
        if (!string.IsNullOrEmpty(text) && !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out seconds))
            throw new InvalidOperationException($"{Variable}={text}: a number of seconds expected");
        _budget = TimeSpan.FromSeconds(seconds);
    }

    /// <summary>Whether there is time for one more round. The first always is.</summary>
    public bool MayGoOn(int roundsDone) => roundsDone == 0 || Stopwatch.GetElapsedTime(_begun) < _budget;
}
