using Settlement.Replay.Common;

namespace Settlement.Replay.Tail;

/// <summary>What a journal is projected into. One thread.</summary>
/// <remarks>
/// Invariant: what <see cref="Commit"/> has returned from is durable, rows and position together; what it has not is as if it had never been
/// taken, however the process ends. So a projection that goes on behind its position has every row exactly once.
/// </remarks>
internal interface IProjection : IDisposable
{
    /// <summary>What is durable; null: nothing was taken yet.</summary>
    TailPosition? Position { get; }

    /// <summary>Rows taken since the last commit.</summary>
    long RowsPending { get; }

    /// <summary>How many rows a commit may cover: what memory and a crash's loss of work are bounded by.</summary>
    long RowsMax { get; }

    /// <summary>The least time between two commits while fewer rows than that wait, and so how far behind the journal a reader may be.</summary>
    TimeSpan Period { get; }

    /// <summary>Takes the rows of the block that the walk applied last.</summary>
    void Take(JournalWalk walk);

    /// <summary>Makes all that was taken durable, at this position.</summary>
    void Commit(in TailPosition position, JournalWalk walk);
}
