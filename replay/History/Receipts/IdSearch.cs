using System.Runtime.InteropServices;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.History;

/// <summary>A batch's seal as the journal has it.</summary>
internal sealed record SealFound(ClosedBatch Batch, byte[] Attachment, ulong Block);

/// <summary>Every use of one id in a journal, and the seals of the batches that these fall into.</summary>
/// <remarks>Reads and verifies blocks, and applies none: verdicts are the walk's. Memory: 8 bytes a use, and the seals.</remarks>
internal sealed class IdSearch
{
    private readonly List<ulong> _uses = [];
    private readonly List<SealFound> _seals = [];
    private int _covered;

    /// <summary>Sequences of the payments with the id, ascending.</summary>
    public IReadOnlyList<ulong> Uses => _uses;

    /// <summary>Seals of the batches that hold one of them, ascending.</summary>
    public IReadOnlyList<SealFound> Seals => _seals;

    /// <summary>The last use is not sealed.</summary>
    public bool EndsUnsealed => _covered < _uses.Count;

    /// <param name="directory">The journal.</param>
    /// <param name="id">High half first.</param>
    /// <param name="isStream">Whether it is a stream's; else it is another id of the same bits.</param>
    /// <param name="only">The one use that is asked for; null: all.</param>
    /// <exception cref="JournalException">There is no journal that could be read, or it is damaged.</exception>
    public static IdSearch In(string directory, UInt128 id, bool isStream, ulong? only)
    {
        var search = new IdSearch();
        using JournalReader reader = Journals.Open(directory);
        while (reader.Next())
        {
            ref readonly BlockHeader header = ref reader.Header;
            if (header.Kind == BlockKind.Payments)
                search.Look(in header, reader.Body, id, isStream, only);
            else if (header.Kind == BlockKind.Seal)
                search.Cover(in header, reader.Body);
        }

        return reader.End is { Kind: JournalEndKind.Damage } damage ? throw Journals.Damaged(damage) : search;
    }

    private void Look(in BlockHeader header, ReadOnlySpan<byte> body, UInt128 id, bool isStream, ulong? only)
    {
        ReadOnlySpan<Payment> slots = MemoryMarshal.Cast<byte, Payment>(body)[..(int)header.Count];
        for (int i = 0; i < slots.Length; i++)
        {
            ulong sequence = header.FirstSequence + (ulong)i;
            if (slots[i].Id == id && slots[i].HasStreamId == isStream && (only is null || only == sequence))
                _uses.Add(sequence);
        }
    }

    private void Cover(in BlockHeader header, ReadOnlySpan<byte> body)
    {
        if (!EndsUnsealed)
            return;
        int statementBytes = body.Length - (int)header.AttachmentBytes;
        var batch = ClosedBatch.Decode(body[..statementBytes]);
        int before = _covered;
        while (_covered < _uses.Count && _uses[_covered] <= batch.LastSequence)
            _covered++;
        if (_covered > before)
            _seals.Add(new SealFound(batch, body[statementBytes..].ToArray(), header.Number));
    }
}
