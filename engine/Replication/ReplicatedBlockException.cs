using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.Engine.Replication;

/// <summary>Why a block from another node was not taken.</summary>
public enum BlockRefusal
{
    None = 0,

    /// <summary>Its bytes are not those of a block: too short, or not as long as it says.</summary>
    Malformed,

    /// <summary>A later program wrote it.</summary>
    NewerFormat,

    /// <summary>Its CRC is not that of its bytes.</summary>
    Damaged,

    /// <summary>It is of another ledger.</summary>
    OtherLedger,

    /// <summary>It is not the block that comes next.</summary>
    NotNext,

    /// <summary>It is of an earlier term than the log's last block.</summary>
    EarlierTerm,

    /// <summary>Chain hash, sequence or time do not follow on the log's last block.</summary>
    OtherChain,

    /// <summary>It does not fit into a page of this log.</summary>
    TooLarge,
}

/// <summary>A block from another node was not taken. Nothing was changed.</summary>
public sealed class ReplicatedBlockException : JournalException
{
    private ReplicatedBlockException(BlockRefusal refusal, ulong block, string message)
        : base(message) => (Refusal, Block) = (refusal, block);

    public BlockRefusal Refusal { get; }

    /// <summary>Its number, as far as it can be believed.</summary>
    public ulong Block { get; }

    /// <summary>Whether bytes are a block, wherever in the chain it stands.</summary>
    internal static ref readonly BlockHeader CheckAlone(ReadOnlySpan<byte> block)
    {
        if (block.Length < BlockHeader.Size)
            throw new ReplicatedBlockException(BlockRefusal.Malformed, 0, $"{block.Length} bytes came in the place of a block");
        ref readonly BlockHeader header = ref MemoryMarshal.AsRef<BlockHeader>(block[..BlockHeader.Size]);
        if (header.Magic != BlockHeader.MagicValue || header.BodyBytes != block.Length - BlockHeader.Size)
            throw new ReplicatedBlockException(BlockRefusal.Malformed, header.Number, $"{block.Length} bytes came that are no block, or not a whole one");
        if (header.Version > BlockHeader.FormatVersion)
            throw new ReplicatedBlockException(BlockRefusal.NewerFormat, header.Number,
                $"block {header.Number} came in format {header.Version}; this program reads formats up to {BlockHeader.FormatVersion}. Upgrade this node.");
        uint crc = BlockSeal.CrcOf(in header, block[BlockHeader.Size..], default);
        if (crc != header.Crc)
            throw new ReplicatedBlockException(BlockRefusal.Damaged, header.Number, $"block {header.Number} came damaged: its CRC is {crc:x8}, its header says {header.Crc:x8}");
        if (header.Kind is BlockKind.None or > BlockKinds.Last)
            throw new ReplicatedBlockException(BlockRefusal.NewerFormat, header.Number, $"block {header.Number} came with kind {(int)header.Kind}, which this program does not know. Upgrade this node.");
        return ref header;
    }

    /// <summary>Whether a block follows where a log ends.</summary>
    internal static void CheckHere(in BlockHeader header, in ChainPosition position, int bodyBytesMax)
    {
        if (position.Objection(in header) is { } objection)
        {
            BlockRefusal refusal = header.LedgerId != position.LedgerId ? BlockRefusal.OtherLedger
                : header.Number != position.NextNumber ? BlockRefusal.NotNext
                : header.Term < position.Term ? BlockRefusal.EarlierTerm
                : BlockRefusal.OtherChain;
            throw new ReplicatedBlockException(refusal, header.Number, $"block {header.Number} of term {header.Term} does not continue this log: {objection}");
        }

        if (header.BodyBytes > bodyBytesMax)
            throw new ReplicatedBlockException(BlockRefusal.TooLarge, header.Number,
                $"block {header.Number} has a body of {header.BodyBytes} bytes, a page of this log holds {bodyBytesMax}: the journal was made with smaller pages than the leader's");
    }
}

/// <summary>This node does not lead, so nothing new is appended here.</summary>
public sealed class NotLeadingException : JournalException
{
    public NotLeadingException()
        : base("this node does not lead the cluster, or no longer; nothing new is appended to its log")
    {
    }
}
