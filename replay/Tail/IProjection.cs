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

    /// <summary>The walk stands behind the block of <see cref="Position"/>; what it applies next is to be taken.</summary>
    void Resume(JournalWalk walk);

    /// <summary>Rows taken since the last commit.</summary>
    long RowsPending { get; }

    /// <summary>Rows at which a commit is due.</summary>
    long RowsMax { get; }

    /// <summary>Time since the last commit at which one is due at the journal's end though fewer rows wait, and so how far behind the journal a reader may be.</summary>
    TimeSpan Period { get; }

    /// <summary>Takes the rows of the block that the walk applied last.</summary>
    void Take(JournalWalk walk);

    /// <summary>Makes all that was taken durable, at this position. A projection without a place for a position alone may leave both for later, while no rows wait.</summary>
    void Commit(in TailPosition position, JournalWalk walk);
}
