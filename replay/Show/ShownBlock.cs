using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Replay.Common;

namespace Settlement.Replay.Show;

/// <summary>A block as it is shown: what its header says, its own chain hash, and where it stands.</summary>
internal readonly record struct ShownBlock(BlockHeader Header, Digest Chain, string File, long FileOffset)
{
    public static ShownBlock Of(JournalWalk walk) =>
        new(walk.Header, walk.Reader.Position.Previous, Path.GetFileName(walk.Reader.File), walk.Reader.FileOffset);

    /// <summary>Entry's length, header, body.</summary>
    public uint Bytes => BlockHeader.Size + Header.BodyBytes;
}

/// <summary>How a walk over a journal ended.</summary>
/// <param name="Kind">`clean`, `torn_tail`, `damage`, `point` or `limit`.</param>
/// <param name="File">Of the damage or the torn tail; null: the walk stopped where it was asked to.</param>
/// <param name="Offset">Bytes into that file.</param>
/// <param name="Block">The block that is expected there.</param>
/// <param name="What">What was found there.</param>
internal sealed record ShownEnd(string Kind, string? File = null, long Offset = 0, ulong Block = 0, string? What = null);

/// <summary>Where `show` writes to: lines or JSON. Called in the journal's order.</summary>
internal interface IShowOutput
{
    void Block(in ShownBlock block);

    void Genesis(in ShownBlock block, in Genesis genesis);

    void Seal(LedgerState state, in ShownBlock block, ClosedBatch statement);

    /// <param name="block">The block.</param>
    /// <param name="body">As the cluster wrote it.</param>
    void Members(in ShownBlock block, ReadOnlySpan<byte> body);

    void Payment(LedgerState state, in ShownBlock block, ulong sequence, in Payment payment, in Outcome outcome);

    void Command(LedgerState state, in ShownBlock block, ulong sequence, in ControlCommand command, ReadOnlySpan<byte> continuation, in Outcome outcome);

    void End(ShownEnd end);
}
