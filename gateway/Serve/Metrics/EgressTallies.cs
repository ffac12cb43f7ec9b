using System.Diagnostics;
using Settlement.Engine.Domain;

namespace Settlement.Gateway.Serve.Metrics;

/// <summary>What the reply thread counts about answers: payments by verdict, and how long frames waited for theirs.</summary>
/// <remarks>
/// Invariant: written by the reply thread alone, without lock or allocation; read by any. A payment is counted once, a continuation never. Counts are of verdicts,
/// never of wallets, participants or amounts: what a metric tells, everybody may know who may read it.
/// </remarks>
internal sealed class EgressTallies
{
    private static readonly double s_usPerTick = 1e6 / Stopwatch.Frequency;

    private readonly long[] _verdicts = new long[256];
    private long _payments;
    private long _commands;
    private long _slots;

    /// <summary>From the claim of a frame's slots to its answer, which is behind the disk.</summary>
    public LatencyTally Frames { get; } = new();

    public long Payments => Volatile.Read(ref _payments);

    /// <summary>Frames of control commands.</summary>
    public long Commands => Volatile.Read(ref _commands);

    /// <summary>Slots of frames, continuations included.</summary>
    public long Slots => Volatile.Read(ref _slots);

    public long Of(Verdict verdict) => Volatile.Read(ref _verdicts[(byte)verdict]);

    /// <summary>Some payments of a frame were decided.</summary>
    public void Decided(ReadOnlySpan<Outcome> outcomes)
    {
        // Nearly all are plainly accepted: those are counted in a register.
        long accepted = 0;
        foreach (ref readonly Outcome outcome in outcomes)
        {
            if (outcome.Verdict == Verdict.Accepted)
                accepted++;
            else
                Add(ref _verdicts[(byte)outcome.Verdict], 1);
        }

        Add(ref _verdicts[(byte)Verdict.Accepted], accepted);
        Add(ref _payments, outcomes.Length);
        Add(ref _slots, outcomes.Length);
    }

    /// <summary>Some slots of a frame of commands were decided.</summary>
    public void DecidedCommands(int slots) => Add(ref _slots, slots);

    /// <summary>A frame's last slot was decided.</summary>
    /// <param name="claimedAt">When its slots were claimed, as <see cref="Stopwatch.GetTimestamp"/> said.</param>
    /// <param name="areCommands">What they were.</param>
    public void Answered(long claimedAt, bool areCommands)
    {
        if (areCommands)
            Add(ref _commands, 1);
        Frames.Record((long)((Stopwatch.GetTimestamp() - claimedAt) * s_usPerTick));
    }

    private static void Add(ref long tally, long count) => Volatile.Write(ref tally, tally + count);
}
