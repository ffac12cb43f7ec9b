using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;

namespace Settlement.History;

/// <summary>What became of one use of the id that is looked for.</summary>
internal readonly record struct Use(ulong Sequence, Payment Payment, Outcome Outcome);

/// <summary>
/// Makes the receipt of one payment: finds its uses without applying a block, then applies the journal over the batches that hold them, growing the
/// tree of the batch in which one was accepted.
/// </summary>
/// <remarks>Memory: a tree's 96 KiB, however large the batch, besides the ledger's own.</remarks>
internal sealed class ProveRun : IDisposable
{
    /// <summary>Uses of an id that a sentence lists.</summary>
    private const int ListedMax = 8;

    private readonly string _idText;
    private readonly IdSearch _search;
    private readonly JournalWalk _walk;
    private readonly List<Use> _uses = [];
    private LeafSalt? _salts;
    private MerkleBuilder? _tree;
    private int _seal;
    private int _next;
    private bool _isWatching;
    private SealFound? _provenIn;
    private MerklePath? _path;
    private Digest _root;

    private ProveRun(string idText, IdSearch search, JournalWalk walk) => (_idText, _search, _walk) = (idText, search, walk);

    /// <param name="directory">The journal.</param>
    /// <param name="idText">The payment's id.</param>
    /// <param name="sequence">Which of its uses; null: the one that was accepted.</param>
    /// <param name="progress">Told how far the walk is; null: nobody.</param>
    /// <param name="scales">Gets the ledger's scales.</param>
    /// <exception cref="UsageException">There is nothing to prove, or more than one thing; says which.</exception>
    /// <exception cref="JournalException">The journal cannot be read, or is damaged.</exception>
    /// <exception cref="LedgerBrokenException">Its blocks are not what these rules would have written, or a seal is not signed.</exception>
    public static Receipt Of(string directory, string idText, ulong? sequence, WalkProgress? progress, CurrencyScales scales)
    {
        if (!new PaymentIdText().TryParse(Encoding.UTF8.GetBytes(idText), out ulong high, out ulong low, out bool isStream))
            throw new UsageException($"--id {idText}: {PaymentIdText.Expected} is expected.");
        idText = PaymentIdText.Format(high, low, isStream);
        IdSearch search = IdSearch.In(directory, new UInt128(high, low), isStream, sequence);
        if (search.Uses.Count == 0)
        {
            throw new UsageException(sequence is { } asked
                ? string.Create(CultureInfo.InvariantCulture, $"Sequence {asked} is no payment {idText}: leave --sequence away to have its uses listed.")
                : $"Payment {idText} is not in the journal: it never came, or was never made durable.");
        }

        JournalWalk walk = JournalWalk.Open(directory, new WalkOptions
        {
            From = search.Seals.Count > 0 ? Math.Min(search.Seals[0].Batch.FirstSequence, search.Uses[0]) : search.Uses[0],
            Until = search.EndsUnsealed ? JournalPoint.End : JournalPoint.AtSequence(search.Seals[^1].Batch.LastSequence),
            Progress = progress,
        });
        using var run = new ProveRun(idText, search, walk);
        run.Walk();
        for (int index = 1; index <= walk.State.Currencies.Count; index++)
            scales.Declare(walk.State.Currencies[index].Number, walk.State.Currencies[index].Scale);
        return run.Receipt();
    }

    public void Dispose()
    {
        _walk.Dispose();
        _salts?.Dispose();
    }

    private void Walk()
    {
        while (_walk.Next())
        {
            if (_walk.Header.Kind != BlockKind.Payments)
                continue;
            ReadOnlySpan<Payment> slots = _walk.Slots;
            ReadOnlySpan<Outcome> outcomes = _walk.Outcomes;
            for (int i = 0; i < slots.Length; i++)
                Take(_walk.Header.FirstSequence + (ulong)i, in slots[i], in outcomes[i]);
        }

        if (_walk.End is { Kind: JournalEndKind.Damage } damage)
            throw Journals.Damaged(damage);
        FinishTreesBefore(ulong.MaxValue);
    }

    private void Take(ulong sequence, in Payment payment, in Outcome outcome)
    {
        FinishTreesBefore(sequence);
        bool isLeaf = outcome.Verdict.IsAccepted();
        bool isUse = _next < _search.Uses.Count && _search.Uses[_next] == sequence;
        bool isInTree = _seal < _search.Seals.Count && sequence >= _search.Seals[_seal].Batch.FirstSequence;
        if (isUse)
        {
            _next++;
            _uses.Add(new Use(sequence, payment, outcome));
        }

        if (!isLeaf || !isInTree)
            return;
        Digest saltKey = _walk.State.Genesis.SaltKey;
        _salts ??= new LeafSalt(saltKey);
        _tree ??= new MerkleBuilder(_salts);
        if (isUse && _provenIn is null)
        {
            _tree.Watch(_tree.LeafCount);
            _isWatching = true;
            _provenIn = _search.Seals[_seal];
        }

        _tree.Append(sequence, in payment);
    }

    private void FinishTreesBefore(ulong sequence)
    {
        for (; _seal < _search.Seals.Count && _search.Seals[_seal].Batch.LastSequence < sequence; _seal++)
        {
            if (_isWatching)
                _root = _tree!.Finish(out _path);
            else
                _tree?.Finish();
            _isWatching = false;
        }
    }

    private Receipt Receipt()
    {
        Use[] accepted = [.. _uses.Where(use => use.Outcome.Verdict.IsAccepted())];
        if (accepted.Length == 0)
            throw new UsageException($"Payment {_idText} was not accepted, nothing of it was settled, and there is nothing to prove: {Listed(_uses)}.");
        if (accepted.Length > 1)
            throw new UsageException($"Payment {_idText} was accepted {accepted.Length} times, for ids belong to participants: say which is meant by --sequence: {Listed(accepted)}.");
        if (accepted[0].Outcome.Verdict == Verdict.UnderReview)
            throw new UsageException($"Payment {_idText} was held for a reviewer, and whether it was released or went back is no part of what a receipt can prove: {Listed(accepted)}. `statement` shows it.");
        NodeKey key = _walk.State.Genesis.NodeKey;
        if (key.IsNone)
            throw new UsageException($"Payment {_idText} was accepted, but the ledger was created without a node key: its seals are not signed, so there are no receipts.");
        if (_provenIn is null)
            throw new UsageException(Unsealed(accepted[0]));
        return Signed(accepted[0], key, _provenIn);
    }

    private Receipt Signed(Use use, NodeKey key, SealFound seal)
    {
        if (_root != seal.Batch.Root || _path is null)
            throw new LedgerBrokenException($"block {seal.Block}: the seal of batch {seal.Batch.Number} states another root than its payments give");
        using var verifier = new SealVerifier(_walk.LedgerId, _walk.State.Genesis);
        if (verifier.FaultOf(seal.Batch, seal.Attachment) is { } fault)
            throw new LedgerBrokenException($"block {seal.Block}: the seal of batch {seal.Batch.Number} {fault}");
        var receipt = new Receipt(use.Payment, _path, verifier.HeaderOf(seal.Batch), key, MemoryMarshal.Read<SealSignature>(seal.Attachment));
        CheckResult check = ReceiptCheck.Of(receipt, key);
        return check.IsValid ? receipt : throw new InvalidOperationException($"the receipt just made is not valid: {check.What}");
    }

    /// <summary>Why an accepted payment has no seal to be proven by.</summary>
    private string Unsealed(Use use)
    {
        string batch = use.Outcome.Batch.ToString(CultureInfo.InvariantCulture);
        string accepted = string.Create(CultureInfo.InvariantCulture, $"Payment {_idText} was accepted, at sequence {use.Sequence}");
        return use.Outcome.Batch == (uint)_walk.State.Batch.Number
            ? $"{accepted}, and batch {batch}, which it is in, is still open: prove it when the batch is closed and sealed."
            : $"{accepted}; batch {batch}, which it is in, is closed and not sealed yet: a running node seals it in a moment, another one when it is opened again.";
    }

    private static string Listed(IReadOnlyList<Use> uses)
    {
        string listed = string.Join("; ", uses.Take(ListedMax).Select(use => string.Create(CultureInfo.InvariantCulture,
            $"sequence {use.Sequence} {VerdictText.Of(use.Outcome)}, payer {use.Payment.Payer}, payee {use.Payment.Payee}")));
        return uses.Count > ListedMax ? string.Create(CultureInfo.InvariantCulture, $"{listed}; and {uses.Count - ListedMax} more") : listed;
    }
}
