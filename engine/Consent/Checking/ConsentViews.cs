using Settlement.Engine.Domain;

namespace Settlement.Engine.Consent.Checking;

// Purpose: what checkers remember of a wallet's keys and of an open chain, copied from the ledger's state.

/// <summary>A wallet's keys that were in force when it was asked for.</summary>
internal sealed class WalletView(params IReadOnlyList<KeyView> keys)
{
    public static readonly WalletView None = new();

    /// <summary>Null: no such key in force.</summary>
    public KeyView? Find(ulong number)
    {
        foreach (KeyView key in keys)
        {
            if (key.Number == number)
                return key;
        }

        return null;
    }
}

/// <summary>A public key, with verifiers that were opened for it: opening one costs a third of a check.</summary>
internal sealed class KeyView(ushort number, SignatureScheme scheme, byte[] spki)
{
    /// <summary>More threads than this that check signatures of one key at one time open theirs anew.</summary>
    private const int OpenMax = 4;

    private readonly ISignatureVerifier?[] _open = new ISignatureVerifier?[OpenMax]; // interlocked

    public ushort Number => number;

    public SignatureScheme Scheme => scheme;

    /// <summary>Any thread; bytes may be anything.</summary>
    public bool Verifies(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        ISignatureVerifier? verifier = Take();
        if (verifier is null)
            return false;
        bool holds = verifier.Verifies(message, signature);
        Give(verifier);
        return holds;
    }

    private ISignatureVerifier? Take()
    {
        foreach (ref ISignatureVerifier? open in _open.AsSpan())
        {
            if (Interlocked.Exchange(ref open, null) is { } verifier)
                return verifier;
        }

        return SignatureVerifiers.TryOpen(scheme, spki);
    }

    private void Give(ISignatureVerifier verifier)
    {
        foreach (ref ISignatureVerifier? open in _open.AsSpan())
        {
            if (Interlocked.CompareExchange(ref open, verifier, null) is null)
                return;
        }

        verifier.Dispose();
    }
}

/// <summary>An open chain, and the last of its links that was checked, whether or not it is journaled yet: so that frames of a stream that are under way are checked against each other.</summary>
internal sealed class ChainView
{
    public static readonly ChainView None = new(0, 0, 0, default);

    private readonly Lock _gate = new();
    private uint _last; // written by: holders of the gate
    private Digest _link; // written by: holders of the gate

    /// <param name="opened">Sequence of the command that opened it.</param>
    /// <param name="length">Its highest number.</param>
    /// <param name="last">Number of a link that is known; 0: its end.</param>
    /// <param name="link">That link.</param>
    public ChainView(ulong opened, uint length, uint last, in Digest link) => (Opened, Length, _last, _link) = (opened, length, last, link);

    public ulong Opened { get; }

    /// <summary>0: there is no such chain.</summary>
    public uint Length { get; }

    /// <summary>The highest number whose link was checked, and that link.</summary>
    public uint Last(out Digest link)
    {
        lock (_gate)
        {
            link = _link;
            return _last;
        }
    }

    /// <summary>A link was checked.</summary>
    public void Advance(uint number, in Digest link)
    {
        lock (_gate)
        {
            if (number > _last)
                (_last, _link) = (number, link);
        }
    }
}

/// <summary>What a checker does not know and asks for at once, and what it is told.</summary>
public sealed class ConsentQuestions
{
    /// <summary>Wallets whose keys are asked for, each once.</summary>
    internal List<ulong> WalletsAsked { get; } = [];

    internal List<ChainKey> ChainsAsked { get; } = [];

    /// <summary>Answers, in the order of the questions: null says there is nothing.</summary>
    internal List<WalletView?> Wallets { get; } = [];

    internal List<ChainView?> Chains { get; } = [];

    /// <summary>Of the directory, when it was asked: of wallets, then of chains.</summary>
    internal List<int> Versions { get; } = [];

    internal bool IsEmpty => WalletsAsked.Count == 0 && ChainsAsked.Count == 0;

    internal void Clear()
    {
        WalletsAsked.Clear();
        ChainsAsked.Clear();
        Wallets.Clear();
        Chains.Clear();
    }
}

/// <summary>Answers what the ledger's state says of keys and chains.</summary>
public interface IConsentReader
{
    /// <summary>Any thread; waits.</summary>
    /// <returns>False: nobody will answer any more.</returns>
    bool TryRead(ConsentQuestions questions);
}
