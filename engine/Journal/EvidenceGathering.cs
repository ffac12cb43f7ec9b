using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Ring;

namespace Settlement.Engine.Journal;

/// <summary>
/// Makes a block's attachment of the evidence of the claims that it seals: in the slots' order, indices counted from the block's first slot, and of each payer's chain in a
/// session's stream only the link of the highest number, which stands for all below it.
/// </summary>
/// <remarks>
/// A claim with evidence is never parted, because the one link of its stream may stand with its last slot: a block ends before a claim that would not fit, be it its
/// slots or its evidence. Alone every claim fits, so there is always a next block.
/// Memory: <see cref="BuffersCount"/> attachments, taken at start and touched as far as they are used; one is used again when the block that had it is settled, so a
/// settle stage that is so many blocks with evidence behind holds the journal stage up.
/// The journal stage's alone.
/// </remarks>
internal sealed class EvidenceGathering
{
    /// <summary>Blocks with evidence between journal and settle stage; four are on their way to the disk.</summary>
    private const int BuffersCount = 16;

    /// <summary>A power of two; a third of it is free when an attachment is nothing but links.</summary>
    private const int LinksMax = 1 << 15;

    private struct Link
    {
        public ulong Stream;
        public ulong Payer;
        public ulong Number;
        public ulong Opened; // which of the chains that had this place one after the other
        public uint Block; // low half of the number of the block that the entry is of, as this object counts; another: the entry is free
        public int Offset;
        public ushort Session;
    }

    private readonly RingBuffer _ring;
    private readonly EvidenceMemory _memory;
    private readonly SequenceBarrier _settled;
    private readonly byte[][] _buffers = new byte[BuffersCount][];
    private readonly long[] _usedBy = new long[BuffersCount]; // block numbers
    private readonly Link[] _links = new Link[LinksMax];

    // Clients choose the names of streams: without chance in it they could choose them to meet in one place.
    private readonly ulong _seed = MemoryMarshal.Read<ulong>(RandomNumberGenerator.GetBytes(sizeof(ulong))) | 1;
    private int _next;
    private uint _block;

    public EvidenceGathering(RingBuffer ring, EvidenceMemory memory, SequenceBarrier settled)
    {
        (_ring, _memory, _settled) = (ring, memory, settled);
        for (int i = 0; i < BuffersCount; i++)
            _buffers[i] = GC.AllocateUninitializedArray<byte>(Limits.AttachmentBytesMax);
    }

    /// <summary>Takes the evidence of the slots that are to be sealed.</summary>
    /// <param name="next">Ring sequence of the block's first slot.</param>
    /// <param name="count">Slots that would be sealed without evidence.</param>
    /// <param name="block">Number of the block.</param>
    /// <param name="buffer">Begins with the attachment, if there is one.</param>
    /// <param name="bytes">Length of the attachment.</param>
    /// <returns>Slots to be sealed: so many, or up to a claim whose evidence must come with the next block.</returns>
    public int Gather(long next, int count, long block, out byte[]? buffer, out int bytes)
    {
        long end = next + count;
        bytes = 0;
        buffer = null;
        int superseded = 0;
        for (long from = next; _memory.TryFind(from, end, out long first, out int slots, out ReadOnlySpan<byte> evidence); from = first + slots)
        {
            if (first + slots > end || bytes + evidence.Length > Limits.AttachmentBytesMax)
            {
                end = first;
                break;
            }

            buffer ??= Begin(block);
            superseded += Add(evidence, first, (uint)(first - next), buffer, ref bytes);
            _memory.LetGo(first);
        }

        if (superseded > 0)
            bytes = Compact(buffer.AsSpan(0, bytes));
        return (int)(end - next);
    }

    private byte[] Begin(long block)
    {
        int index = _next;
        _next = (_next + 1) % BuffersCount;
        if (_usedBy[index] != 0)
            _settled.WaitFor(_usedBy[index]);
        _usedBy[index] = block;
        _block++;
        if (_block == 0)
        {
            // After 2^32 blocks an entry of long ago could be taken for one of now.
            _links.AsSpan().Clear();
            _block = 1;
        }

        return _buffers[index];
    }

    /// <returns>Links that are superseded, and marked so.</returns>
    private int Add(ReadOnlySpan<byte> evidence, long first, uint offset, byte[] buffer, ref int bytes)
    {
        evidence.CopyTo(buffer.AsSpan(bytes));
        int superseded = 0;
        var reader = new EvidenceReader(evidence);
        while (reader.Next())
        {
            ref EvidenceEntry entry = ref EntryAt(buffer, bytes + reader.Offset);
            ref readonly Payment payment = ref _ring[first + entry.Index];
            entry.Index += offset;
            if (entry.Kind == EvidenceKind.Link && IsSuperseded(in payment, entry.Key, bytes + reader.Offset, buffer))
                superseded++;
        }

        bytes += evidence.Length;
        return superseded;
    }

    /// <summary>Of two links of one chain of a payer's in a session's stream the one of the lower number is marked.</summary>
    private bool IsSuperseded(in Payment payment, ulong opened, int offset, byte[] buffer)
    {
        uint place = (uint)Mix.Fold(Mix.Fold(payment.IdHigh ^ _seed, _seed + payment.Session) ^ payment.Payer, _seed + opened);
        while (true)
        {
            ref Link link = ref _links[place & (LinksMax - 1)];
            if (link.Block != _block)
            {
                link = new Link
                {
                    Stream = payment.IdHigh, Payer = payment.Payer, Session = payment.Session, Number = payment.IdLow, Opened = opened,
                    Block = _block, Offset = offset,
                };
                return false;
            }

            if (link.Stream == payment.IdHigh && link.Payer == payment.Payer && link.Session == payment.Session && link.Opened == opened)
            {
                bool isHigher = payment.IdLow > link.Number;
                EntryAt(buffer, isHigher ? link.Offset : offset).Kind = EvidenceKind.None;
                if (isHigher)
                    (link.Number, link.Offset) = (payment.IdLow, offset);
                return true;
            }

            place++;
        }
    }

    private static int Compact(Span<byte> attachment)
    {
        int kept = 0;
        for (int at = 0; at < attachment.Length;)
        {
            EvidenceEntry entry = MemoryMarshal.Read<EvidenceEntry>(attachment[at..]);
            int bytes = EvidenceEntry.Size + entry.PaddedLength;
            if (entry.Kind != EvidenceKind.None)
            {
                attachment.Slice(at, bytes).CopyTo(attachment[kept..]);
                kept += bytes;
            }

            at += bytes;
        }

        return kept;
    }

    private static ref EvidenceEntry EntryAt(byte[] buffer, int offset) => ref Unsafe.As<byte, EvidenceEntry>(ref buffer[offset]);
}
