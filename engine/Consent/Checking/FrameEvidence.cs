using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Consent.Checking;

/// <summary>One frame's evidence while it is checked. Used again for other frames, so that nothing is allocated once it is as large as they are.</summary>
/// <remarks>
/// A link of number n holds if n minus m hashes of it give the link m that is known, or the one before it in the frame. So all links of a frame are walked at once, each to the one
/// before it, whichever stream they are of; a link holds if it arrives and the one before it holds. A link below the last known one is walked to from there.
/// What comes behind one that does not hold is looked at once more, alone, against the last that does.
/// Bounds, in hashes: <see cref="ConsentBounds.LinkStepMax"/> a link, and for a frame as much again for all together and 16 for each of its payments. What exceeds them is dropped.
/// </remarks>
internal sealed class FrameEvidence(ConsentDirectory directory, byte[] messageHead)
{
    private const int StepsPerPayment = 16;

    private struct Piece
    {
        public ChainView? Chain;
        public uint Number;
        public int Before; // the piece that is the last one of the same chain in the frame; -1: none
        public int Offset;
        public int Signature; // which of the signatures; -1: a link
        public bool Holds;
        public bool IsBackward;
        public Digest Link;
        public Digest Expected;
    }

    private Piece[] _pieces = new Piece[64];
    private int _count;
    private readonly List<ChainWalk> _walks = [];
    private readonly List<int> _walkers = [];
    private readonly List<int> _unknown = [];
    private int[] _lastOfChain = new int[128]; // by the chain, open addressing: a piece's index plus one; 0: free
    private readonly ConsentQuestions _questions = new();
    private readonly HashSet<ulong> _walletsAsked = [];
    private readonly HashSet<ChainKey> _chainsAsked = [];
    private readonly Dictionary<ulong, WalletView> _wallets = [];
    private readonly Dictionary<ChainKey, ChainView> _chains = [];
    private int _placeMask;
    private long _stepsLeft;

    /// <summary>To be checked before <see cref="Keep"/>; null: the frame has none whose key is known.</summary>
    public SignatureBatch? Signatures { get; private set; }

    /// <summary>Finds the key or the chain of every piece; what is not known is asked for, all of it at once.</summary>
    public void Take(ushort participant, ReadOnlySpan<Payment> payments, ReadOnlySpan<byte> evidence)
    {
        var reader = new EvidenceReader(evidence);
        while (reader.Next())
        {
            ref readonly Payment payment = ref payments[(int)reader.Entry.Index];
            if (_count == _pieces.Length)
                Array.Resize(ref _pieces, 2 * _count);
            ref Piece piece = ref _pieces[_count];
            piece = new Piece { Offset = reader.Offset, Signature = -1, Before = -1 };
            bool isKnown = reader.Entry.Kind == EvidenceKind.Link
                ? TakeLink(participant, in payment, reader.Content, ref piece)
                : TakeSignature(participant, in payment, reader.Entry, reader.Content, evidence.Length, ref piece);
            if (!isKnown)
                _unknown.Add(_count);
            _count++;
        }

        if (_unknown.Count > 0)
            TakeUnknown(participant, payments, evidence);
    }

    /// <summary>By what was told, whether or not it is kept: it may be newer than what is.</summary>
    private void TakeUnknown(ushort participant, ReadOnlySpan<Payment> payments, ReadOnlySpan<byte> evidence)
    {
        if (!directory.TryAsk(_questions))
            return;
        for (int i = 0; i < _questions.WalletsAsked.Count; i++)
            _wallets[_questions.WalletsAsked[i]] = _questions.Wallets[i]!;
        for (int i = 0; i < _questions.ChainsAsked.Count; i++)
            _chains[_questions.ChainsAsked[i]] = _questions.Chains[i]!;
        Span<Piece> pieces = _pieces.AsSpan(0, _count);
        foreach (int index in _unknown)
        {
            EvidenceEntry entry = Unsafe.ReadUnaligned<EvidenceEntry>(in evidence[pieces[index].Offset]);
            ref readonly Payment payment = ref payments[(int)entry.Index];
            ReadOnlySpan<byte> content = evidence.Slice(pieces[index].Offset + EvidenceEntry.Size, entry.Length);
            if (entry.Kind == EvidenceKind.Link)
                TakeLink(participant, in payment, content, ref pieces[index]);
            else
                TakeSignature(participant, in payment, in entry, content, evidence.Length, ref pieces[index]);
        }
    }

    /// <summary>Walks all links to those that are known.</summary>
    public void CheckLinks(int payments)
    {
        _stepsLeft = ConsentBounds.LinkStepMax + ((long)StepsPerPayment * payments);
        int places = 2 * (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)_count);
        if (_lastOfChain.Length < places)
            _lastOfChain = new int[places];
        _lastOfChain.AsSpan(0, places).Clear();
        _placeMask = places - 1;
        Span<Piece> pieces = _pieces.AsSpan(0, _count);
        for (int i = 0; i < pieces.Length; i++)
        {
            if (pieces[i].Chain is not null)
                Begin(pieces, i);
        }

        Sha256Chains.Walk(CollectionsMarshal.AsSpan(_walks));
        for (int i = 0; i < _walks.Count; i++)
        {
            ref Piece piece = ref pieces[_walkers[i]];
            bool arrives = _walks[i].Link == piece.Expected;
            if (arrives && (piece.Before < 0 || pieces[piece.Before].Holds))
                Hold(ref piece);
            else if (piece.Before >= 0)
                CheckAlone(ref piece);
        }
    }

    /// <summary>Writes what holds; links name their chain.</summary>
    public EvidenceFound Keep(ReadOnlySpan<byte> evidence, Span<byte> kept)
    {
        int bytes = 0, dropped = 0;
        foreach (ref Piece piece in _pieces.AsSpan(0, _count))
        {
            if (!piece.Holds && !(piece.Signature >= 0 && Signatures!.Holds(piece.Signature)))
            {
                dropped++;
                continue;
            }

            int length = EvidenceEntry.Size + Unsafe.ReadUnaligned<EvidenceEntry>(in evidence[piece.Offset]).PaddedLength;
            evidence.Slice(piece.Offset, length).CopyTo(kept[bytes..]);
            Unsafe.As<byte, EvidenceEntry>(ref kept[bytes]).Key = piece.Chain?.Opened ?? Unsafe.As<byte, EvidenceEntry>(ref kept[bytes]).Key;
            bytes += length;
        }

        return new EvidenceFound(bytes, dropped);
    }

    public void Clear()
    {
        _count = 0;
        _walks.Clear();
        _walkers.Clear();
        _questions.Clear();
        _walletsAsked.Clear();
        _chainsAsked.Clear();
        _wallets.Clear();
        _chains.Clear();
        _unknown.Clear();
        Signatures = null;
    }

    /// <returns>False: whether there is such a chain is not known, and asked for.</returns>
    private bool TakeLink(ushort participant, in Payment payment, ReadOnlySpan<byte> link, ref Piece piece)
    {
        if (!payment.HasStreamId || payment.IdLow == 0)
            return true;
        var key = new ChainKey(participant, payment.IdHigh, payment.Payer);
        if (!(_chains.Count > 0 && _chains.TryGetValue(key, out ChainView? chain)) && !directory.TryFind(in key, out chain))
        {
            if (_chainsAsked.Add(key))
                _questions.ChainsAsked.Add(key);
            return false;
        }

        if (payment.IdLow <= chain.Length)
            (piece.Chain, piece.Number, piece.Link) = (chain, (uint)payment.IdLow, Digest.From(link));
        return true;
    }

    /// <returns>False: which keys the payer has is not known, and asked for.</returns>
    private bool TakeSignature(ushort participant, in Payment payment, in EvidenceEntry entry, ReadOnlySpan<byte> signature, int evidenceBytes, ref Piece piece)
    {
        if (!(_wallets.Count > 0 && _wallets.TryGetValue(payment.Payer, out WalletView? wallet)) && !directory.TryFind(payment.Payer, out wallet))
        {
            if (_walletsAsked.Add(payment.Payer))
                _questions.WalletsAsked.Add(payment.Payer);
            return false;
        }

        if (wallet.Find(entry.Key) is { } key && key.Scheme == entry.Scheme)
        {
            Signatures ??= new SignatureBatch(messageHead, evidenceBytes);
            piece.Signature = Signatures.Count;
            Signatures.Add(key, in payment, participant, signature);
        }

        return true;
    }

    private void Begin(Span<Piece> pieces, int index)
    {
        ref Piece piece = ref pieces[index];
        ref int lastOfChain = ref LastOf(pieces, piece.Chain!);
        int last = lastOfChain - 1;
        bool isLater = last >= 0;
        uint number;
        if (isLater && pieces[last].Number <= piece.Number)
        {
            piece.Before = last;
            (number, piece.Expected) = (pieces[last].Number, pieces[last].Link);
        }
        else
        {
            number = piece.Chain!.Last(out piece.Expected);
            piece.IsBackward = number > piece.Number;
        }

        if (!isLater || pieces[last].Number < piece.Number)
            lastOfChain = index + 1;
        var walk = new ChainWalk { Link = piece.IsBackward ? piece.Expected : piece.Link, Steps = (int)Math.Min(int.MaxValue, Math.Abs((long)piece.Number - number)) };
        if (piece.IsBackward)
            piece.Expected = piece.Link;
        if (!Spend(walk.Steps))
            return;
        _walks.Add(walk);
        _walkers.Add(index);
    }

    /// <summary>Where the last piece of a chain is remembered: its index plus one, or 0.</summary>
    private ref int LastOf(Span<Piece> pieces, ChainView chain)
    {
        // The runtime's number of an object is no client's to choose.
        for (int place = RuntimeHelpers.GetHashCode(chain); ; place++)
        {
            ref int last = ref _lastOfChain[place & _placeMask];
            if (last == 0 || ReferenceEquals(pieces[last - 1].Chain, chain))
                return ref last;
        }
    }

    /// <summary>The link before it in the frame does not hold: against the last that does.</summary>
    private void CheckAlone(ref Piece piece)
    {
        uint number = piece.Chain!.Last(out Digest known);
        bool isBackward = number > piece.Number;
        var walk = new ChainWalk { Link = isBackward ? known : piece.Link, Steps = (int)Math.Min(int.MaxValue, Math.Abs((long)piece.Number - number)) };
        if (!Spend(walk.Steps))
            return;
        Sha256Chains.Walk(new Span<ChainWalk>(ref walk));
        if (walk.Link == (isBackward ? piece.Link : known))
            Hold(ref piece);
    }

    private static void Hold(ref Piece piece)
    {
        piece.Holds = true;
        piece.Chain!.Advance(piece.Number, in piece.Link);
    }

    private bool Spend(int steps)
    {
        if (steps > ConsentBounds.LinkStepMax || steps > _stepsLeft)
            return false;
        _stepsLeft -= steps;
        return true;
    }
}
