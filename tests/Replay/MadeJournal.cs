using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replay;

/// <summary>A journal made of blocks that a test thought of: no node, no clock, no seals.</summary>
internal sealed class MadeJournal : IDisposable
{
    private readonly FasterJournal _journal;

    public MadeJournal(string directory, Genesis genesis, ulong timeNs = 1) =>
        _journal = FasterJournal.Create(directory, 7, timeNs, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis)), JournalOptions.Small);

    public static void Write(string directory, StreamGenerator generator, Action<GeneratedBlock> told)
    {
        MadeJournal? journal = null;
        foreach (GeneratedBlock block in generator.Blocks())
        {
            if (journal is null)
                journal = new MadeJournal(directory, generator.Genesis, block.Header.TimeNs);
            else
                journal.Append(block.Header.Kind, block.Header.TimeNs, block.Slots);
            told(block);
        }

        journal?.Dispose();
    }

    public void Append(BlockKind kind, ulong timeNs, params ReadOnlySpan<Payment> slots)
    {
        var header = new BlockHeader { Kind = kind, FirstSequence = _journal.NextSequence, Count = (uint)slots.Length, TimeNs = timeNs };
        _journal.Append(ref header, MemoryMarshal.AsBytes(slots), default);
        _journal.Commit();
    }

    public void Append(ulong timeNs, params ReadOnlySpan<ControlCommand> commands) =>
        Append(BlockKind.Control, timeNs, MemoryMarshal.Cast<ControlCommand, Payment>(commands));

    public void Dispose()
    {
        _journal.WaitDurable(_journal.LastBlock);
        _journal.Dispose();
    }
}
