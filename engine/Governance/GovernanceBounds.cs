namespace Settlement.Engine.Governance;

/// <summary>Every bound of governance, with its sum. Past one, a command is refused; nothing grows without end.</summary>
public static class GovernanceBounds
{
    /// <summary>A module's text: 256 KiB, with a rest of a block's 1 MiB to spare.</summary>
    public const int TextBytesMax = 256 * 1024;

    /// <summary>A module's or treaty's name: lower-case letters, digits, `_` and dots.</summary>
    public const int NameBytesMax = 64;

    public const int MakerBytesMax = 64;

    public const int ReasonBytesMax = 400;

    /// <summary>Of a rate or an index.</summary>
    public const int ParameterNameBytesMax = 16;

    /// <summary>249 countries, blocs, the world, and treaties: texts in force and last good, 2 x 1,024 x 256 KiB = 512 MiB at worst.</summary>
    public const int LawsMax = 1_024;

    /// <summary>Proposals that are neither in force nor ended: 256 x 256 KiB = 64 MiB of text at worst.</summary>
    public const int OpenProposalsMax = 256;

    /// <summary>Proposals of all time, without their texts: below 1 KiB each but for votes.</summary>
    public const int ProposalsMax = 65_536;

    public const int DevicesMax = 16_384;

    /// <summary>Reports of what-if runs that one proposal keeps.</summary>
    public const int SandboxReportsMax = 16;

    public const int ParametersMax = 4_096;

    /// <summary>Changes that are scheduled and not yet in force.</summary>
    public const int ScheduleMax = 256;

    /// <summary>Decisions of reviewers remembered at one time: 65,536 x 32 bytes = 2 MiB.</summary>
    public const int DecisionsMax = 65_536;

    /// <summary>How long a decision's id is remembered; afterwards the held payment is gone, and a repeat finds nothing.</summary>
    public const ulong DecisionMemoryNs = 30 * Domain.Limits.NsPerDay;

    /// <summary>How long before a date changes the rules their plan is built, and its sums begin to count.</summary>
    public const int DatesAheadDays = 31;

    /// <summary>Plans and checks that a builder keeps: a plan is up to 176 MiB (Rules/RuleBounds), 2 MiB for twenty countries.</summary>
    public const int BuildsKeptMax = 16;
}
