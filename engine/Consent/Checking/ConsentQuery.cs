using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Engine.Consent.Checking;

/// <summary>Asks a running engine's settle thread, a few things at a time, so that no question holds it up.</summary>
/// <param name="tryAsk">The pipeline's <see cref="Pipeline.TryAsk"/>.</param>
public sealed class PipelineConsentReader(Func<IStateQuery, bool> tryAsk) : IConsentReader
{
    /// <summary>A look-up is about 0.1 us: 1 us a question.</summary>
    private const int AtOnce = 8;

    /// <summary>Too many questions of others wait: so many milliseconds, then evidence goes unchecked, and is dropped.</summary>
    private const int TriesMax = 2_000;

    public bool TryRead(ConsentQuestions questions)
    {
        for (int at = 0; at < questions.WalletsAsked.Count + questions.ChainsAsked.Count; at += AtOnce)
        {
            var query = new Query(questions, at);
            for (int tries = 0; !tryAsk(query); tries++)
            {
                if (tries == TriesMax)
                    return false;
                Thread.Sleep(1);
            }

            if (!query.Wait())
                return false;
        }

        return true;
    }

    private sealed class Query(ConsentQuestions questions, int from) : IStateQuery
    {
        private readonly object _gate = new();
        private bool _isAnswered;
        private bool _isAbandoned;

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
        public bool Wait()
        {
            lock (_gate)
            {
                while (!_isAnswered && !_isAbandoned)
                    Monitor.Wait(_gate);
            }

            return _isAnswered;
        }

        private void End(bool isAnswered)
        {
            lock (_gate)
            {
                (_isAnswered, _isAbandoned) = (isAnswered, !isAnswered);
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
        consent.FindChain(key.Participant, key.Stream, key.Wallet) is { IsEnded: false } chain
            ? new ChainView(chain.OpenedSequence, chain.Commitment.Length, chain.Last, chain.Link)
            : null;
}
