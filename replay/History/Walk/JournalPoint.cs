using System.Globalization;
using Settlement.Engine.Text;

namespace Settlement.History;

internal enum PointKind
{
    /// <summary>Behind the last whole block.</summary>
    End = 0,
    Sequence = 1,

    /// <summary>Nanoseconds since the Unix epoch.</summary>
    Time = 2,
    Batch = 3,
}

/// <summary>A point in a journal: behind a sequence, behind the last block of a time or before it, or at the close of a batch.</summary>
internal readonly record struct JournalPoint(PointKind Kind, ulong Value)
{
    public const string Expected = "a sequence such as 1200, batch:7, an RFC 3339 time such as 2026-01-31T12:00:00Z, or end";

    private const string BatchPrefix = "batch:";

    public static readonly JournalPoint End = new(PointKind.End, 0);

    public static JournalPoint AtSequence(ulong sequence) => new(PointKind.Sequence, sequence);

    public static bool TryParse(string text, out JournalPoint point)
    {
        point = End;
        if (text == "end")
            return true;
        if (text.StartsWith(BatchPrefix, StringComparison.Ordinal))
        {
            bool numbered = ulong.TryParse(text.AsSpan(BatchPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out ulong batch);
            point = new JournalPoint(PointKind.Batch, batch);
            return numbered && batch > 0;
        }

        if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong sequence))
        {
            point = AtSequence(sequence);
            return true;
        }

        bool timed = TimeText.TryParse(text, out ulong timeNs);
        point = new JournalPoint(PointKind.Time, timeNs);
        return timed;
    }

    /// <exception cref="UsageException">It is none.</exception>
    public static JournalPoint Parse(string option, string text) =>
        TryParse(text, out JournalPoint point) ? point : throw new UsageException($"{option} {text}: {Expected} is expected.");

    public override string ToString() => Kind switch
    {
        PointKind.Sequence => Value.ToString(CultureInfo.InvariantCulture),
        PointKind.Batch => BatchPrefix + Value.ToString(CultureInfo.InvariantCulture),
        PointKind.Time => TimeText.Format(Value),
        _ => "end",
    };
}
