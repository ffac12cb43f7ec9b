using System.Runtime.CompilerServices;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Engine.Consent;

/// <summary>
/// Purpose: whether the payer's owner consents to a payment: SEMANTICS, steps 11a and 12a. Only wallets that are not custodial come here.
/// Invariant: keys, policies, mandates and revealed links are as of the block's begin, for commands come in blocks of their own; what was spent of a chain
/// is as of the payment's place.
/// All written by: settle thread.
/// </summary>
internal sealed class ConsentLaw(LedgerState state)
{
    private readonly BlockEvidence _evidence = new();
    private bool _hasEvidence;

    /// <summary>Takes a block's evidence: its links count for the whole block, wherever in it they stand.</summary>
    /// <param name="header">Of the block.</param>
    /// <param name="attachment">Its evidence.</param>
    /// <param name="slots">Its payments.</param>
    /// <param name="wrapped">The rest of them, where they lie in two pieces.</param>
    /// <exception cref="LedgerBrokenException">The attachment is not evidence about these payments.</exception>
    public void Begin(in BlockHeader header, ReadOnlySpan<byte> attachment, ReadOnlySpan<Payment> slots, ReadOnlySpan<Payment> wrapped)
    {
        if (attachment.IsEmpty)
        {
            if (_hasEvidence)
                _evidence.Clear();
            _hasEvidence = false;
            return;
        }

        if ((uint)(slots.Length + wrapped.Length) != header.Count)
            throw new LedgerBrokenException($"block {header.Number} states {header.Count} slots, its evidence was given {slots.Length + wrapped.Length}");
        _hasEvidence = true;
        _evidence.Take(in header, attachment);
        foreach (ref readonly RevealedLink link in _evidence.Links)
        {
            int index = (int)link.Index;
            Reveal(in (index < slots.Length ? ref slots[index] : ref wrapped[index - slots.Length]), in link);
        }
    }

    /// <summary>What does not depend on other payments of the block; <see cref="Verdict.Undecided"/>: the owner consents.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Verdict Refusal(in Payment payment, in AccountRow payer, ulong sequence)
    {
        if (payer.Policy == ConsentPolicy.Signed)
        {
            // A signature serves as often as its id: one that is forgotten would pay again by the same signature.
            if (!payment.HasStreamId && !IdKinds.IsUuidV7(payment.IdHigh, payment.IdLow) && state.Settings.IdRetentionNs != 0)
                return Verdict.ConsentMissing;
            WalletConsent wallet = state.Consent.FindWallet(payer.Wallet)!;
            return _hasEvidence && _evidence.CountSigners(sequence, wallet) >= wallet.SignaturesFor(payment.Amount) ? Verdict.Undecided : Verdict.ConsentMissing;
        }

        if (ChainOf(in payment) is not { } chain || payment.IdLow > chain.Last)
            return Verdict.ConsentMissing;
        ChainCommitment committed = chain.Commitment;
        return payment.Amount > committed.AmountMax || state.TimeNs > committed.ExpiryNs || payment.Currency != committed.Currency
            || (committed.Payee != 0 && payment.Payee != committed.Payee) ? Verdict.ConsentExceeded : Verdict.Undecided;
    }

    /// <summary>Whether a payment that was not refused so far takes more than its chain's ceiling leaves.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public bool IsAboveCeiling(in Payment payment, in AccountRow payer) =>
        payer.Policy == ConsentPolicy.Stream && ChainOf(in payment) is { } chain && payment.Amount > chain.Commitment.Ceiling - chain.Spent;

    /// <summary>The payment is accepted.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Spend(in Payment payment, in AccountRow payer)
    {
        if (payer.Policy == ConsentPolicy.Stream && ChainOf(in payment) is { } chain)
            state.Consent.Spend(chain, payment.Amount);
    }

    private PayChain? ChainOf(in Payment payment) => payment.HasStreamId
        && state.Consent.FindChain(state.Sessions.At(payment.Session).Participant, payment.IdHigh, payment.Payer) is { IsEnded: false } chain ? chain : null;

    /// <summary>
    /// A link that leads nowhere (its chain is over, or another has taken its place since the link was checked; it was known; it is too far ahead to be checked) counts for
    /// nothing.
    /// </summary>
    private void Reveal(in Payment payment, in RevealedLink revealed)
    {
        if (!state.Sessions.At(payment.Session).IsOpen || ChainOf(in payment) is not { } chain || revealed.Chain != chain.OpenedSequence)
            return;
        ulong number = payment.IdLow;
        if (number > chain.Last && number <= chain.Commitment.Length && number - chain.Last <= ConsentBounds.LinkStepMax)
            state.Consent.Reveal(chain, (uint)number, in revealed.Link);
    }
}

/// <summary>A link of a block's attachment, the index of its payment in the block, and the sequence at which its chain was opened.</summary>
internal readonly struct RevealedLink(uint index, ulong chain, Digest link)
{
    public readonly uint Index = index;
    public readonly ulong Chain = chain;
    public readonly Digest Link = link;
}
