using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Diff;

/// <summary>What a comparison found.</summary>
internal sealed class DiffReport(string a, string b)
{
    private string? _blocks;
    private (ulong A, ulong B)? _blockCounts;
    private (ulong A, ulong B)? _sequences;
    private ulong? _cutFromBlock;
    private bool _isPrefix;
    private string? _states;

    public List<Difference> Differences { get; } = [];

    /// <summary>Blocks that are cut differently are no difference where payments and states are the same.</summary>
    public bool IsSame => Differences.Count == 0;

    public void Take(JournalDiff journals)
    {
        Differences.AddRange(journals.Differences);
        (_cutFromBlock, _isPrefix) = (journals.CutFromBlock, journals.IsPrefix);
        if (journals.Differences.Count == 0 || _isPrefix)
            (_blockCounts, _sequences) = (journals.Blocks, journals.Sequences);
        _blocks = _cutFromBlock is { } block ? LedgerText.Invariant($"cut differently from block {block} on")
            : _isPrefix ? LedgerText.Invariant($"the same up to block {Math.Min(journals.Blocks.A, journals.Blocks.B) - 1}")
            : journals.Differences.Count == 0 ? LedgerText.Invariant($"the same, all {journals.Blocks.A:N0}")
            : null;
        if (_isPrefix)
        {
            bool first = journals.Sequences.A != journals.Sequences.B ? journals.Sequences.A < journals.Sequences.B : journals.Blocks.A < journals.Blocks.B;
            ulong blocks = Math.Max(journals.Blocks.A, journals.Blocks.B) - Math.Min(journals.Blocks.A, journals.Blocks.B);
            ulong sequences = Math.Max(journals.Sequences.A, journals.Sequences.B) - Math.Min(journals.Sequences.A, journals.Sequences.B);
            _states = "not compared: one goes on where the other ends";
            _blocks += LedgerText.Invariant($"; {(first ? "the first" : "the second")} is the beginning of {(first ? "the second" : "the first")}, which is {(_cutFromBlock is null ? LedgerText.Invariant($"{blocks:N0} blocks and ") : "")}{sequences:N0} sequences longer");
        }
        else if (journals.Differences.Count == 0 && _cutFromBlock is null)
        {
            _states = "the same, because the blocks are";
        }
    }

    public void TakeStates(LedgerState ours, LedgerState theirs)
    {
        IReadOnlyList<Difference> found = StateDiff.Compare(ours, theirs);
        Differences.AddRange(found);
        _states = LedgerText.Invariant($"{(found.Count == 0 ? "the same" : "different")}: the first at sequence {ours.Sequence}, {TimeText.Format(ours.TimeNs)}; the second at sequence {theirs.Sequence}, {TimeText.Format(theirs.TimeNs)}");
    }

    public void Print(bool json, TextWriter output)
    {
        if (json)
            PrintJson(output);
        else
            PrintLines(output);
    }

    private void PrintLines(TextWriter output)
    {
        output.WriteLine($"{a} and {b}: {(IsSame ? "the same" : "different")}");
        if (_blocks is not null)
            output.WriteLine($"  blocks  {_blocks}");
        if (_states is not null)
            output.WriteLine($"  states  {_states}");
        for (int i = 0; i < Differences.Count; i++)
        {
            Difference found = Differences[i];
            string block = found.Block is { } number && found.Sequence is not null && !found.Where.StartsWith("block", StringComparison.Ordinal) ? LedgerText.Invariant($" (block {number})") : "";
            string where = found.Where.Length == 0 ? found.Part : $"{found.Part}, {found.Where}{block}";
            output.WriteLine($"  {(i == 0 ? "first difference" : "also")}: {where}, {found.Field}: {found.A} | {found.B}");
        }
    }

    private void PrintJson(TextWriter output)
    {
        using var json = new JsonText(output);
        var writer = json.Writer;
        writer.WriteString("a", a);
        writer.WriteString("b", b);
        writer.WriteBoolean("same", IsSame);
        writer.WriteBoolean("prefix", _isPrefix);
        if (_cutFromBlock is { } block)
            writer.WriteString("cut_from_block", JsonText.Exact(block));
        if (_blockCounts is { } blocks && _sequences is { } sequences)
        {
            writer.WriteString("blocks_a", JsonText.Exact(blocks.A));
            writer.WriteString("blocks_b", JsonText.Exact(blocks.B));
            writer.WriteString("sequence_a", JsonText.Exact(sequences.A));
            writer.WriteString("sequence_b", JsonText.Exact(sequences.B));
        }

        writer.WriteStartArray("differences");
        foreach (Difference found in Differences)
        {
            writer.WriteStartObject();
            writer.WriteString("part", found.Part);
            writer.WriteString("where", found.Where);
            if (found.Block is { } at)
                writer.WriteString("block", JsonText.Exact(at));
            if (found.Sequence is { } sequence)
                writer.WriteString("sequence", JsonText.Exact(sequence));
            writer.WriteString("field", found.Field);
            writer.WriteString("a", found.A);
            writer.WriteString("b", found.B);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        json.End();
    }
}
