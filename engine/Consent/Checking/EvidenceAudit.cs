using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Consent.Checking;

/// <summary>
/// Checks the evidence of blocks once more, from the journal alone, against keys and chains as of each block: who settles takes what the journal says as checked, so this finds a
/// leader that lied.
/// </summary>
/// <remarks>
/// Checked is every piece that can count: a signature under a key in force, of an open session's payment, a link of a chain that is open, below its length and no further ahead than a link may be. The
/// others count for nothing when the block is applied, and a leader may have journaled them honestly: a key can be revoked while a payment is on its way.
/// Cost: as before the ring; signatures are shared out over all cores.
/// Used by: the thread that applies the blocks, before it applies each.
/// </remarks>
/// <param name="ledgerId">Which ledger signatures are for.</param>
/// <param name="checksSignatures">Else links alone.</param>
public sealed class EvidenceAudit(UInt128 ledgerId, bool checksSignatures) : IDisposable
{
    private readonly byte[] _head = Head(ledgerId);
    private readonly SignatureThreads _threads = new(checksSignatures ? Environment.ProcessorCount - 1 : 0);
    private readonly Dictionary<RegisteredKey, KeyView> _keys = [];
    private readonly List<ChainWalk> _walks = [];
    private readonly List<(uint Index, Digest Expected)> _walkers = [];
    private readonly List<(uint Index, ulong Key)> _signed = [];
    private SignatureBatch? _batch;

    /// <summary>Links found right.</summary>
    public long Links { get; private set; }

    /// <summary>Signatures found right.</summary>
    public long Signatures { get; private set; }

    /// <summary>Pieces that count for nothing, and were not checked.</summary>
    public long Idle { get; private set; }

    /// <summary>Checks a block's evidence.</summary>
    /// <param name="header">The block's.</param>
    /// <param name="body">The block's.</param>
    /// <param name="state">In front of it.</param>
    /// <exception cref="LedgerBrokenException">Something that counts is not true: its block, slot and wallet.</exception>
    public void Check(in BlockHeader header, ReadOnlySpan<byte> body, LedgerState state)
    {
        if (header.Kind != BlockKind.Payments || header.AttachmentBytes == 0)
            return;
        ReadOnlySpan<Payment> payments = MemoryMarshal.Cast<byte, Payment>(body)[..(int)header.Count];
        ReadOnlySpan<byte> evidence = body[^(int)header.AttachmentBytes..];
        if (EvidenceReader.FaultOf(evidence, payments.Length) is not null)
            return; // told, with its place, when the block is applied
        Take(payments, evidence, state);
        Sha256Chains.Walk(CollectionsMarshal.AsSpan(_walks));
        for (int i = 0; i < _walks.Count; i++)
        {
            if (_walks[i].Link != _walkers[i].Expected)
                Throw(in header, payments, _walkers[i].Index, "the link is not one of the chain that the owner", "committed to");
        }

        Links += _walks.Count;
        if (_batch is not null)
        {
            _threads.Check(_batch);
            for (int i = 0; i < _batch.Count; i++)
            {
                if (!_batch.Holds(i))
                    Throw(in header, payments, _signed[i].Index, $"the signature is not one of key {_signed[i].Key}");
            }

            Signatures += _batch.Count;
        }

        _walks.Clear();
        _walkers.Clear();
        _signed.Clear();
        _batch = null;
    }

    public void Dispose() => _threads.Dispose();

    private void Take(ReadOnlySpan<Payment> payments, ReadOnlySpan<byte> evidence, LedgerState state)
    {
        var reader = new EvidenceReader(evidence);
        while (reader.Next())
        {
            EvidenceEntry entry = reader.Entry;
            ref readonly Payment payment = ref payments[(int)entry.Index];
            if (entry.Kind == EvidenceKind.Link ? !TakeLink(in payment, in entry, reader.Content, state) : !TakeSignature(in payment, in entry, reader.Content, evidence.Length, state))
                Idle++;
        }
    }

    private bool TakeLink(in Payment payment, in EvidenceEntry entry, ReadOnlySpan<byte> link, LedgerState state)
    {
        SessionRecord session = state.Sessions.At(payment.Session);
        if (!session.IsOpen || !payment.HasStreamId || state.Consent.FindChain(session.Participant, payment.IdHigh, payment.Payer) is not { IsEnded: false } chain
            || chain.OpenedSequence != entry.Key || payment.IdLow == 0 || payment.IdLow > chain.Commitment.Length)
            return false;
        bool isKnown = payment.IdLow <= chain.Last;
        ulong steps = isKnown ? chain.Last - payment.IdLow : payment.IdLow - chain.Last;
        if (steps > ConsentBounds.LinkStepMax)
            return false;
        Digest shown = Digest.From(link);
        _walks.Add(new ChainWalk { Link = isKnown ? chain.Link : shown, Steps = (int)steps });
        _walkers.Add((entry.Index, isKnown ? shown : chain.Link));
        return true;
    }

    private bool TakeSignature(in Payment payment, in EvidenceEntry entry, ReadOnlySpan<byte> signature, int evidenceBytes, LedgerState state)
    {
        SessionRecord session = state.Sessions.At(payment.Session);
        if (!checksSignatures || !session.IsOpen || state.Consent.FindWalletKey(payment.Payer, entry.Key) is not { } registered || registered.Scheme != entry.Scheme)
            return false;
        if (!_keys.TryGetValue(registered, out KeyView? key))
        {
            if (_keys.Count == ConsentDirectory.WalletsMax)
                _keys.Clear();
            _keys.Add(registered, key = new KeyView(registered.Number, registered.Scheme, registered.Spki));
        }

        _batch ??= new SignatureBatch(_head, evidenceBytes);
        _batch.Add(key, in payment, session.Participant, signature);
        _signed.Add((entry.Index, entry.Key));
        return true;
    }

    private static void Throw(in BlockHeader header, ReadOnlySpan<Payment> payments, uint index, string what, string did = "") =>
        throw new LedgerBrokenException(
            $"block {header.Number}, slot {index} (sequence {header.FirstSequence + index}): {what} of wallet {payments[(int)index].Payer}{(did.Length == 0 ? "" : " ")}{did}");

    private static byte[] Head(UInt128 ledgerId)
    {
        byte[] head = new byte[ConsentMessage.PaymentBytes];
        ConsentMessage.WritePaymentHead(ledgerId, head);
        return head;
    }
}
