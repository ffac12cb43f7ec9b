using FASTER.core;

namespace Settlement.Engine.Journal;

/// <summary>
/// FASTER's commit metadata: the one commit that our own recovery has verified, kept in memory.
/// </summary>
/// <remarks>
/// FASTER asks its commit manager where a log begins and ends. Stock managers keep that in a file of its own, whose one
/// failed write lost a whole log in a measurement. Here the question is answered by the log itself: recovery walks every block from
/// the first address and knows the end, so there is no file that could be lost, and nothing to keep two of. In fast-commit
/// mode FASTER forces metadata only when the log's begin moves; nothing moves it, so a forced write is a broken invariant.
/// </remarks>
internal sealed class VerifiedCommit(long endAddress, long commitNumber) : ILogCommitManager
{
    public long CommitNumber { get; } = Math.Max(1, commitNumber);

    public byte[] GetCommitMetadata(long commitNum) => new FasterLogRecoveryInfo
    {
        BeginAddress = JournalFiles.FirstAddress,
        UntilAddress = endAddress,
        CommitNum = commitNum,
    }.ToByteArray();

    public IEnumerable<long> ListCommits() => [CommitNumber];

    public void Commit(long beginAddress, long untilAddress, byte[] commitMetadata, long commitNum, bool forceWriteMetadata)
    {
        if (forceWriteMetadata)
            throw new JournalFailedException("the log's begin was moved, and no commit metadata is kept");
    }

    public void RemoveCommit(long commitNum)
    {
    }

    public void RemoveAllCommits()
    {
    }

    public void OnRecovery(long commitNum)
    {
    }

    public void Dispose()
    {
    }
}
