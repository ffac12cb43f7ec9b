using Settlement.Engine.Journal;
using Settlement.Engine.Text;

namespace Settlement.Replay.Common;

/// <summary>Where a part of a journal begins: at a sequence, at the first block of a time or later, or with the first payment of a batch.</summary>
internal readonly record struct RangeStart
{
    private RangeStart(JournalPoint point, ulong sequence) => (Point, Sequence) = (point, sequence);

    public static RangeStart Beginning { get; } = new(JournalPoint.AtSequence(0), 0);

    public JournalPoint Point { get; }

    /// <summary>The first sequence of the part.</summary>
    public ulong Sequence { get; }

    /// <summary>Looks the point up in the journal: verifies blocks on the way there, applies none.</summary>
    /// <param name="directory">The journal's.</param>
    /// <param name="from">As it was given; null: the beginning.</param>
    /// <param name="until">Where the part ends.</param>
    /// <exception cref="UsageException">It is no point, is not in the journal, or lies behind the end of the part.</exception>
    public static RangeStart Resolve(string directory, string? from, JournalPoint until)
    {
        if (from is null)
            return Beginning;
        var point = JournalPoint.Parse("--from", from);
        if (point.Kind == until.Kind && point.Value > until.Value)
            throw new UsageException($"--from {point} lies behind --to {until}.");
        return new RangeStart(point, point.Kind switch
        {
            PointKind.Sequence => point.Value,
            PointKind.Time => FirstSequenceAt(directory, point),
            PointKind.Batch => point.Value == 1 ? 1 : Journals.LastSequenceOf(directory, point.Value - 1) + 1,
            _ => throw new UsageException("--from end: nothing is behind the end. Name a sequence, a time or a batch."),
        });
    }

    /// <summary>
    /// Whether something belongs to the part. What a block's beginning brings about (expiries, a close by age) stands at the sequence that comes next, and
    /// in the batch that was open then.
    /// </summary>
    public bool IsReached(ulong sequence, ulong timeNs, ulong batch) => Point.Kind switch
    {
        PointKind.Time => timeNs >= Point.Value,
        PointKind.Batch => batch >= Point.Value,
        _ => sequence >= Sequence,
    };

    /// <summary>To be called when a walk has ended.</summary>
    /// <exception cref="UsageException">It ended before the part began.</exception>
    public void CheckReached(ulong lastSequence, JournalPoint until)
    {
        if (Sequence > lastSequence + 1)
            throw new UsageException(until.Kind == PointKind.End
                ? $"--from {Point} lies behind the journal's end: its last sequence is {lastSequence}."
                : $"--from {Point} lies behind --to {until}, which is sequence {lastSequence}.");
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

        if (reader.End is { Kind: JournalEndKind.Damage } damage)
            throw Journals.Damaged(damage);
        throw new UsageException($"--from {time} lies behind the journal's end: its last block is of {TimeText.Format(lastNs)}.");
    }
}
