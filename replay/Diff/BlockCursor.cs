using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Replay.Common;

namespace Settlement.Replay.Diff;

/// <summary>A place in a journal that is read: a block, and a slot of it.</summary>
internal sealed class BlockCursor(string directory) : IDisposable
{
    private readonly JournalReader _reader = Journals.Open(directory);
    private int _done;

    public UInt128 LedgerId => _reader.LedgerId;

    public ref readonly BlockHeader Header => ref _reader.Header;

    public ReadOnlySpan<byte> HeaderBytes => MemoryMarshal.AsBytes(new ReadOnlySpan<BlockHeader>(in _reader.Header));

    public ReadOnlySpan<byte> Body => _reader.Body;

    /// <summary>Blocks read so far, genesis included.</summary>
    public ulong Blocks => _reader.Blocks;

    /// <summary>Of the last slot in the blocks read so far.</summary>
    public ulong Sequence => _reader.Position.NextSequence - 1;

    /// <summary>The sequence that comes next in the present block.</summary>
    public ulong SequenceNext => Header.FirstSequence + (ulong)_done;

    /// <summary>The slots of the present block that are not passed.</summary>
    public ReadOnlySpan<Payment> Rest => Slots[_done..];

    private ReadOnlySpan<Payment> Slots => MemoryMarshal.Cast<byte, Payment>(_reader.Body[..(Count * Payment.Size)]);

    private int Count => Header.Kind is BlockKind.Payments or BlockKind.Control ? (int)Header.Count : 0;

    /// <summary>Goes to the next block.</summary>
    /// <exception cref="JournalException">The journal is damaged there.</exception>
    public bool Next()
    {
        _done = 0;
        if (_reader.Next())
            return true;
        if (_reader.End is { Kind: JournalEndKind.Damage } damage)
            throw Journals.Damaged(damage);
        return false;
    }

    public void Pass(int slots) => _done += slots;

    /// <summary>Goes on to a block with slots that are not passed, if the present one has none.</summary>
    public bool ToSlots()
    {
        while (_reader.End is null && _done >= Count)
        {
            if (!Next())
                return false;
        }

        return _reader.End is null;
    }

    public void ToEnd()
    {
        while (_reader.End is null)
            Next();
    }

    /// <summary>The fields that a slot of the present block has.</summary>
    /// <param name="slot">Among <see cref="Rest"/>.</param>
    public IReadOnlyList<Field> FieldsOf(int slot)
    {
        if (Header.Kind == BlockKind.Payments)
            return Fields.Payment;
        ReadOnlySpan<ControlCommand> commands = MemoryMarshal.Cast<Payment, ControlCommand>(Slots);
        int wanted = _done + slot;
        int at = 0;
        while (at + commands[at].ContinuationSlots < wanted)
            at += 1 + commands[at].ContinuationSlots;
        return at != wanted ? Fields.Continuation
            : commands[at].Instruction == Instruction.DeclareParticipant ? Fields.NamedCommand
            : Fields.Command;
    }

    public void Dispose() => _reader.Dispose();
}
