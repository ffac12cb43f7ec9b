namespace Settlement.Replay.Diff;

/// <summary>One thing that two journals or states do not have in common.</summary>
/// <param name="Part">What of it: ledger, genesis, block, payment, command, length, state, balance.</param>
/// <param name="Where">Which one, in words.</param>
/// <param name="Field">Which field of it.</param>
/// <param name="A">What the first has there.</param>
/// <param name="B">What the second has there.</param>
internal sealed record Difference(string Part, string Where, string Field, string A, string B)
{
    /// <summary>Where it is in a sequence.</summary>
    public ulong? Sequence { get; init; }

    /// <summary>Where it is in a block; of the first journal.</summary>
    public ulong? Block { get; init; }
}
