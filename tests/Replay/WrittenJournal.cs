using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Replay;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replay;

/// <summary>Journals that tests write block by block, without a node, and commands of `replay` over them.</summary>
internal static class WrittenJournal
{
    public static readonly UInt128 Ledger = new(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210);

    /// <summary>Blocks as a generator gives them; the first is its genesis.</summary>
    public static void Write(string directory, in Genesis genesis, IEnumerable<(BlockHeader Header, Payment[] Slots)> blocks, UInt128? ledger = null)
    {
        using IEnumerator<(BlockHeader Header, Payment[] Slots)> rest = blocks.GetEnumerator();
        rest.MoveNext();
        using FasterJournal journal = FasterJournal.Create(
            directory, ledger ?? Ledger, rest.Current.Header.TimeNs, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis)), JournalOptions.Small);
        while (rest.MoveNext())
            Append(journal, rest.Current.Header, rest.Current.Slots, []);
        journal.Commit();
        journal.WaitDurable(journal.LastBlock);
    }

    public static void Append(FasterJournal journal, BlockHeader header, ReadOnlySpan<Payment> slots, ReadOnlySpan<byte> attachment)
    {
        header.AttachmentBytes = (uint)attachment.Length;
        journal.Append(ref header, MemoryMarshal.AsBytes(slots), attachment);
    }

    public static IEnumerable<(BlockHeader Header, Payment[] Slots)> Of(IEnumerable<GeneratedBlock> blocks) => blocks.Select(block => (block.Header, block.Slots));

    /// <summary>The same payments at the same times, cut at other places.</summary>
    public static IEnumerable<(BlockHeader Header, Payment[] Slots)> Cut(IEnumerable<(BlockHeader Header, Payment[] Slots)> blocks, Random random)
    {
        foreach ((BlockHeader header, Payment[] slots) in blocks)
        {
            for (int done = 0; done == 0 || done < slots.Length;)
            {
                int count = header.Kind == BlockKind.Payments ? Math.Min(random.Next(1, 700), slots.Length - done) : slots.Length;
                BlockHeader part = header;
                part.FirstSequence += (ulong)done;
                part.Count = (uint)count;
                yield return (part, slots[done..(done + count)]);
                done += Math.Max(count, 1);
            }
        }
    }

    public static (int Code, string Output, string Error) Run(params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = ReplayCommand.Run(words, output, error);
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>A command that must end with this code; what it printed.</summary>
    public static string RunExpecting(int code, params string[] words)
    {
        (int ended, string output, string error) = Run(words);
        Assert.That(ended, Is.EqualTo(code), $"replay {string.Join(' ', words)}: {output}{error}");
        return code == 2 ? error : output;
    }
}
