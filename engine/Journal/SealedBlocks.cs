using Settlement.Engine.Domain;

namespace Settlement.Engine.Journal;

/// <summary>A block on its way from the journal stage to the settle stage: its header and which slots of the ring are its body.</summary>
public struct SealedBlock
{
    public BlockHeader Header;

    /// <summary>Ring sequence of the first slot; where there is no slot, one above <see cref="RingLast"/>.</summary>
    public long RingFirst;

    /// <summary>Ring sequence of the last slot that is settled once this block is.</summary>
    public long RingLast;

    /// <summary>Begins with the evidence of the block's payments; null: there is none. Stays as it is until the block is settled.</summary>
    public byte[]? Evidence;

    /// <summary>What payers gave beside the block's payments.</summary>
    public readonly ReadOnlySpan<byte> Attachment => Evidence is null ? default : Evidence.AsSpan(0, (int)Header.AttachmentBytes);
}

/// <summary>The last blocks sealed, by number. The journal stage never runs further ahead of the settle stage than this is long.</summary>
public sealed class SealedBlocks
{
    /// <summary>Blocks between journal and settle stage. At four commits under way, the settle stage is as far behind as this only when blocks are tiny.</summary>
    public const int Capacity = 1_024;

    private readonly SealedBlock[] _blocks = new SealedBlock[Capacity]; // written by: journal stage, before the block can be durable

    public ref SealedBlock this[long number] => ref _blocks[number & (Capacity - 1)];
}
