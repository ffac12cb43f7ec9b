using Settlement.Engine.Domain;

namespace Settlement.Replay.WhatIf;

/// <summary>The wallets that a payment is between; for a capture, void or refund those of what it is about. 0: the reserve, or not known.</summary>
internal readonly record struct Parties(ulong Payer, ulong Payee);

/// <summary>Why a verdict is another one: what stood in the way, and where.</summary>
/// <param name="Verdict">The earlier of the two verdicts in the order of judgement: where one of the two stopped and the other went on. A refusal that was hidden from its session is named here.</param>
/// <param name="Rule">The rule that gave it; 0: none did.</param>
/// <param name="InHypothesis">Whether it stopped under the other rules, or under the journal's.</param>
/// <param name="IsPrimary">Whether the rules differ on the payment itself. If not, money or sums are others because earlier verdicts are.</param>
internal readonly record struct FlipCause(Verdict Verdict, ushort Rule, bool InHypothesis, bool IsPrimary);

/// <summary>A payment that has another verdict under the other rules.</summary>
internal readonly record struct Flip
{
    public required ulong Sequence { get; init; }

    /// <summary>Of its block, ns since the Unix epoch.</summary>
    public required ulong TimeNs { get; init; }

    public required Payment Payment { get; init; }

    public required Parties Parties { get; init; }

    /// <summary>What became of it.</summary>
    public required Outcome Actual { get; init; }

    /// <summary>What would have become of it.</summary>
    public required Outcome Hypothetical { get; init; }

    public required FlipCause Cause { get; init; }

    public Verdict From => Actual.Verdict;

    public Verdict To => Hypothetical.Verdict;
}
