using System.Runtime.InteropServices;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Replay.Common;

namespace Settlement.Replay.Diff;

/// <summary>
/// Two journals block against block, and from where they are cut differently slot against slot: stops at the first slot that differs. Memory: a page of each.
/// </summary>
/// <remarks>
/// Where blocks begin is chance: the journal stage takes what is there. The same slots of the same kinds at the same times in other blocks, with ticks and seals at
/// other places, are the same payments; whether they mean the same is for the states to say.
/// </remarks>
internal sealed class JournalDiff : IDisposable
{
    /// <summary>Fields of a header that are one thing with how blocks are cut, or follow from all that stands before.</summary>
    private static readonly string[] s_notCompared = ["ledger", "block", "previous", "crc"];

    private readonly BlockCursor _a;
    private readonly BlockCursor _b;
    private readonly HashSet<string> _told = [];
    private readonly List<Difference> _differences = [];

    public JournalDiff(string a, string b)
    {
        _a = new BlockCursor(a);
        try
        {
            _b = new BlockCursor(b);
        }
        catch
        {
            _a.Dispose();
            throw;
        }
    }

    public IReadOnlyList<Difference> Differences => _differences;

    /// <summary>The first block that does not hold the same slots in both, though these may be the same; null: none.</summary>
    public ulong? CutFromBlock { get; private set; }

    /// <summary>Whether one ends where the other goes on, and all before is the same.</summary>
    public bool IsPrefix { get; private set; }

    public UInt128 LedgerA => _a.LedgerId;

    public UInt128 LedgerB => _b.LedgerId;

    /// <summary>Blocks of each, as far as they were read.</summary>
    public (ulong A, ulong B) Blocks => (_a.Blocks, _b.Blocks);

    public (ulong A, ulong B) Sequences => (_a.Sequence, _b.Sequence);

    private bool HasOtherGenesis => _differences.Exists(difference => difference.Part is "ledger" or "genesis");

    public void Run()
    {
        if (_a.LedgerId != _b.LedgerId)
            Add("ledger", "", "id", _a.LedgerId.ToString("x32", null), _b.LedgerId.ToString("x32", null), null, null);
        while (true)
        {
            bool a = _a.Next(), b = _b.Next();
            if (!a || !b)
            {
                CompareLengths(a, b, byBlocks: true);
                return;
            }

            ref readonly BlockHeader ours = ref _a.Header, theirs = ref _b.Header;
            if (ours.Kind != theirs.Kind || ours.FirstSequence != theirs.FirstSequence || ours.Count != theirs.Count)
            {
                CutFromBlock = ours.Number;
                CompareSlots();
                return;
            }

            CompareHeaders();
            if (!_a.Body.SequenceEqual(_b.Body) && !CompareBodies())
                return;
        }
    }

    public void Dispose()
    {
        _a.Dispose();
        _b.Dispose();
    }

    private void CompareHeaders()
    {
        ReadOnlySpan<byte> ours = _a.HeaderBytes, theirs = _b.HeaderBytes;
        if (ours.SequenceEqual(theirs))
            return;
        foreach (Field field in Fields.Header)
        {
            if (field.Differs(ours, theirs) && !s_notCompared.Contains(field.Name) && _told.Add(field.Name))
                Add("block", $"block {_a.Header.Number}", field.Name, field.TextOf(ours), field.TextOf(theirs), _a.Header.Number, _a.Header.FirstSequence);
        }
    }

    /// <returns>False: a slot differs, and what follows has nothing more to say.</returns>
    private bool CompareBodies()
    {
        ulong block = _a.Header.Number;
        if (_a.Header.Kind is BlockKind.Payments or BlockKind.Control)
        {
            int length = (int)_a.Header.Count;
            if (FirstDifferent(length) is var slot and >= 0)
            {
                TellSlot(slot);
                return false;
            }
        }
        else if (_a.Header.Kind == BlockKind.Genesis && _a.Body.Length == Genesis.Size && _b.Body.Length == Genesis.Size)
        {
            foreach (Field field in Fields.Genesis)
            {
                if (field.Differs(_a.Body, _b.Body))
                    Add("genesis", "", field.Name, field.TextOf(_a.Body), field.TextOf(_b.Body), block, null);
            }
        }
        else if (_a.Header.Kind == BlockKind.Seal)
        {
            CompareSeals();
        }
        else if (_a.Header.Kind == BlockKind.Members && !_a.Body.SequenceEqual(_b.Body) && _told.Add("members"))
        {
            Add("block", $"block {block}", "members", Convert.ToHexStringLower(_a.Body), Convert.ToHexStringLower(_b.Body), block, null);
        }

        ReadOnlySpan<byte> ours = _a.Body[^(int)_a.Header.AttachmentBytes..], theirs = _b.Body[^(int)_b.Header.AttachmentBytes..];
        if (!HasOtherGenesis && !ours.SequenceEqual(theirs) && _told.Add("attachment"))
            Add("block", $"block {block}", "attachment", Convert.ToHexStringLower(ours), Convert.ToHexStringLower(theirs), block, null);
        return true;
    }

    /// <summary>Roots are salted by the genesis, so that those of two ledgers never agree.</summary>
    private void CompareSeals()
    {
        var ours = ClosedBatch.Decode(_a.Body[..^(int)_a.Header.AttachmentBytes]);
        var theirs = ClosedBatch.Decode(_b.Body[..^(int)_b.Header.AttachmentBytes]);
        foreach ((string field, string a, string b) in SealFields(ours, theirs))
        {
            if (a != b && !(field == "root" && HasOtherGenesis) && _told.Add("seal." + field))
                Add("seal", $"batch {ours.Number}", field, a, b, _a.Header.Number, null);
        }
    }

    private static IEnumerable<(string Field, string A, string B)> SealFields(ClosedBatch a, ClosedBatch b)
    {
        yield return ("batch", JsonText.Exact(a.Number), JsonText.Exact(b.Number));
        yield return ("first_sequence", JsonText.Exact(a.FirstSequence), JsonText.Exact(b.FirstSequence));
        yield return ("last_sequence", JsonText.Exact(a.LastSequence), JsonText.Exact(b.LastSequence));
        yield return ("opened", JsonText.Exact(a.OpenedNs), JsonText.Exact(b.OpenedNs));
        yield return ("closed", JsonText.Exact(a.ClosedNs), JsonText.Exact(b.ClosedNs));
        yield return ("count", JsonText.Exact(a.Count), JsonText.Exact(b.Count));
        yield return ("accepted", JsonText.Exact(a.Accepted), JsonText.Exact(b.Accepted));
        yield return ("rules", a.RulesHash.ToString(), b.RulesHash.ToString());
        yield return ("gross", string.Join(' ', a.Gross), string.Join(' ', b.Gross));
        yield return ("net", string.Join(' ', a.Net), string.Join(' ', b.Net));
        yield return ("state_hash", a.StateHash.ToString(), b.StateHash.ToString());
        yield return ("root", a.Root.ToString(), b.Root.ToString());
    }

    /// <summary>From blocks that are cut differently on: the slots alone, with kind, time and term of their blocks.</summary>
    private void CompareSlots()
    {
        while (true)
        {
            bool a = _a.ToSlots(), b = _b.ToSlots();
            if (!a || !b)
            {
                CompareLengths(a, b, byBlocks: false);
                return;
            }

            TellBlockOfSlot("kind", Fields.KindOf(_a.Header.Kind), Fields.KindOf(_b.Header.Kind));
            TellBlockOfSlot("time", Engine.Text.TimeText.Format(_a.Header.TimeNs), Engine.Text.TimeText.Format(_b.Header.TimeNs));
            TellBlockOfSlot("term", JsonText.Exact(_a.Header.Term), JsonText.Exact(_b.Header.Term));
            int length = Math.Min(_a.Rest.Length, _b.Rest.Length);
            if (FirstDifferent(length) is var slot and >= 0)
            {
                TellSlot(slot);
                return;
            }

            _a.Pass(length);
            _b.Pass(length);
        }
    }

    private void TellBlockOfSlot(string field, string a, string b)
    {
        if (a != b && _told.Add(field))
            Add("block", $"sequence {_a.SequenceNext}", field, a, b, _a.Header.Number, _a.SequenceNext);
    }

    /// <summary>Among the next slots of both; -1: none.</summary>
    private int FirstDifferent(int length)
    {
        ReadOnlySpan<byte> ours = MemoryMarshal.AsBytes(_a.Rest[..length]), theirs = MemoryMarshal.AsBytes(_b.Rest[..length]);
        int common = ours.CommonPrefixLength(theirs);
        return common == ours.Length ? -1 : common / Payment.Size;
    }

    private void TellSlot(int slot)
    {
        ReadOnlySpan<byte> ours = MemoryMarshal.AsBytes(_a.Rest.Slice(slot, 1)), theirs = MemoryMarshal.AsBytes(_b.Rest.Slice(slot, 1));
        ulong sequence = _a.SequenceNext + (ulong)slot;
        string part = _a.Header.Kind == BlockKind.Control ? "command" : "payment";
        foreach (Field field in _a.FieldsOf(slot))
        {
            if (field.Differs(ours, theirs))
                Add(part, $"sequence {sequence}", field.Name, field.TextOf(ours), field.TextOf(theirs), _a.Header.Number, sequence);
        }
    }

    private void CompareLengths(bool aGoesOn, bool bGoesOn, bool byBlocks)
    {
        if (!aGoesOn && !bGoesOn)
            return;
        IsPrefix = _differences.Count == 0;
        _a.ToEnd();
        _b.ToEnd();
        string shorter = aGoesOn ? "the second" : "the first";
        Add("length", $"behind sequence {Math.Min(_a.Sequence, _b.Sequence)}", byBlocks ? "blocks" : "last_sequence",
            JsonText.Exact(byBlocks ? _a.Blocks : _a.Sequence), JsonText.Exact(byBlocks ? _b.Blocks : _b.Sequence), null, null, $"{shorter} ends");
    }

    private void Add(string part, string where, string field, string a, string b, ulong? block, ulong? sequence, string? what = null) =>
        _differences.Add(new Difference(part, what is null ? where : $"{what} {where}", field, a, b) { Block = block, Sequence = sequence });
}
