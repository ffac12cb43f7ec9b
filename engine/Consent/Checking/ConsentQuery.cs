using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Engine.Consent.Checking;

/// <summary>Asks a running engine's settle thread, a few things at a time, so that no question holds it up.</summary>
/// <param name="tryAsk">The pipeline's <see cref="Pipeline.TryAsk"/>.</param>
/// <param name="failure">The pipeline's: whether it has stopped.</param>
public sealed class PipelineConsentReader(Func<IStateQuery, bool> tryAsk, Func<bool> failure) : IConsentReader
{
    /// <summary>A look-up is about 0.1 us: 1 us a question.</summary>
    private const int AtOnce = 8;

    public PipelineConsentReader(Pipeline pipeline)
        : this(pipeline.TryAsk, () => pipeline.Failure is not null)
    {
    }

    public bool TryRead(ConsentQuestions questions)
    {
        for (int at = 0; at < questions.WalletsAsked.Count + questions.ChainsAsked.Count; at += AtOnce)
        {
            var query = new Query(questions, at);
            while (!tryAsk(query))
            {
                if (failure())
                    return false;
                Thread.Sleep(1); // too many questions wait: whoever checks evidence waits with them
                if (query.IsAbandoned)
                    return false;
            }

            if (!query.Wait(failure))
                return false;
        }

        return true;
    }

    private sealed class Query(ConsentQuestions questions, int from) : IStateQuery
    {
        private readonly object _gate = new();
        private bool _isAnswered;

        public bool IsAbandoned { get; private set; }

        public void Read(LedgerState state)
        {
            int wallets = questions.WalletsAsked.Count;
            int end = Math.Min(from + AtOnce, wallets + questions.ChainsAsked.Count);
            for (int at = from; at < end; at++)
            {
                if (at < wallets)
                    questions.Wallets.Add(ViewOf(state.Consent.FindWallet(questions.WalletsAsked[at])));
                else
                    questions.Chains.Add(ViewOf(state.Consent, questions.ChainsAsked[at - wallets]));
            }

            End(isAnswered: true);
        }

        public void Abandon() => End(isAnswered: false);

        /// <returns>False: nobody will answer.</returns>
        public bool Wait(Func<bool> failure)
        {
            lock (_gate)
            {
                while (!_isAnswered && !IsAbandoned)
                {
                    if (!Monitor.Wait(_gate, 1_000) && failure())
                        return false;
                }
            }

            return _isAnswered;
        }

        private void End(bool isAnswered)
        {
            lock (_gate)
            {
                (_isAnswered, IsAbandoned) = (isAnswered, !isAnswered);
                Monitor.PulseAll(_gate);
            }
        }
    }

    internal static WalletView? ViewOf(WalletConsent? wallet)
    {
        if (wallet is null)
            return null;
        var keys = new List<KeyView>();
        foreach (RegisteredKey key in wallet.Keys)
        {
            if (!key.IsRevoked)
                keys.Add(new KeyView(key.Number, key.Scheme, key.Spki));
        }

        return new WalletView([.. keys]);
    }

    internal static ChainView? ViewOf(ConsentBook consent, in ChainKey key) =>
        consent.FindChain(key.Participant, key.Stream, key.Wallet) is { } chain
            ? new ChainView(chain.OpenedSequence, chain.Commitment.Length, chain.Last, chain.Link)
            : null;
}
