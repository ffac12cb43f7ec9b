using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.Replay.Common;

/// <summary>Which part of a journal a verb is asked about: from one point to another, both included.</summary>
/// <remarks>
/// As a beginning, a batch means its first payment and a time the first block of that time or later. Points are looked up by reading headers, before
/// anything is applied. Where the journal is damaged before a point, the range ends with the damage: whoever walks it meets that and says so.
/// </remarks>
internal sealed record PointRange
{
    /// <summary>The first sequence asked for; 0: all.</summary>
    public ulong First { get; private init; }

    /// <summary>Blocks before this time are not asked for, ns since the Unix epoch; 0: all.</summary>
    public ulong FirstTimeNs { get; private init; }

    public JournalPoint Until { get; private init; } = JournalPoint.End;

    /// <exception cref="UsageException">A text is no point, or its point is not in the journal.</exception>
    /// <exception cref="JournalException">There is no journal that could be read.</exception>
    public static PointRange Resolve(string directory, string? from, string? to)
    {
        CheckBegun(directory);
        JournalPoint until = to is null ? JournalPoint.End : JournalPoint.Parse("--to", to);
        if (until.Kind == PointKind.Batch && !TryLastSequenceOf(directory, until.Value, out _))
            until = JournalPoint.End;
        var range = new PointRange { Until = until };
        if (from is null)
            return range;
        JournalPoint first = JournalPoint.Parse("--from", from);
        range = first.Kind switch
        {
            PointKind.Sequence => range with { First = first.Value },
            PointKind.Time => range with { First = FirstSequenceAt(directory, first), FirstTimeNs = first.Value },
            PointKind.Batch when first.Value == 1 => range,
            PointKind.Batch => range with { First = TryLastSequenceOf(directory, first.Value - 1, out ulong last) ? last + 1 : ulong.MaxValue },
            _ => throw new UsageException("--from end: nothing is behind the end. Name a sequence, a time or a batch."),
        };
        if (first.Kind == until.Kind && first.Value > until.Value)
            throw new UsageException($"--from {first} lies behind --to {until}.");
        return range;
    }

    /// <summary>Whether any of a block is asked for. A block without slots counts as standing before the sequence that it states.</summary>
    public bool Covers(in BlockHeader header) =>
        header.TimeNs >= FirstTimeNs && (header.Count == 0 ? header.FirstSequence : header.FirstSequence + header.Count - 1) >= First;

    /// <summary>How many of a block's slots stand in front of the range.</summary>
    public int SlotsBefore(in BlockHeader header) => First > header.FirstSequence ? (int)Math.Min(First - header.FirstSequence, header.Count) : 0;

    /// <summary>
    /// To be called when a walk has ended: complains of a point behind the journal's end, unless it is a time, up to which all that there is was asked for.
    /// </summary>
    /// <exception cref="UsageException">The journal ends before the range does.</exception>
    public void CheckReached(JournalWalk walk)
    {
        if (Until.Kind != PointKind.Time)
            walk.ToPoint();
        if (First != ulong.MaxValue && First > walk.State.Sequence + 1)
            throw new UsageException($"--from {First} lies behind the journal's end: its last sequence is {walk.State.Sequence}.");
    }

    private static void CheckBegun(string directory)
    {
        using JournalReader reader = Journals.Open(directory);
        if (!reader.Next() && reader.End is { Kind: not JournalEndKind.Damage })
            throw new JournalException($"The journal in '{directory}' holds no whole genesis block: its creation was cut short, and it never accepted anything.");
    }

    /// <returns>False: the journal is damaged before it.</returns>
    private static bool TryLastSequenceOf(string directory, ulong batch, out ulong last)
    {
        last = 0;
        try
        {
            last = Journals.LastSequenceOf(directory, batch);
            return true;
        }
        catch (JournalException)
        {
            return false;
        }
    }

    private static ulong FirstSequenceAt(string directory, JournalPoint time)
    {
        using JournalReader reader = Journals.Open(directory);
        ulong lastNs = 0;
        while (reader.Next())
        {
            lastNs = reader.Header.TimeNs;
            if (lastNs >= time.Value)
                return reader.Header.FirstSequence;
        }

        return reader.End is { Kind: JournalEndKind.Damage }
            ? ulong.MaxValue
            : throw new UsageException($"--from {time} lies behind the journal's end: its last block is of {Engine.Text.TimeText.Format(lastNs)}.");
    }
}
