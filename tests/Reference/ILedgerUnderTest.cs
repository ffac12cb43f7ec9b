using System.Numerics;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>One account, logically: pending of closed batches is available. In the smallest unit at the ledger's scale.</summary>
/// <param name="Pending">Credited in the open batch, available when it closes.</param>
public readonly record struct AccountView(ulong Available, ulong Pending, ulong Held);

public readonly record struct WalletView(
    ushort Participant, ushort Country, byte Tier, PartyKind Kind, byte Level, WalletStatus Status, ulong Holder);

/// <summary>What a closed batch states.</summary>
/// <param name="Count">Accepted payments that count: all but issue and redeem.</param>
/// <param name="Gross">By currency; what was moved, holds and voids apart.</param>
/// <param name="Fees">By participant and currency, owed to the operator; zeros left out.</param>
/// <param name="Net">By participant and currency, after fees; zeros left out.</param>
public sealed record BatchView(
    ulong Number, ulong OpenedNs, ulong ClosedNs, ulong Count,
    IReadOnlyDictionary<ushort, BigInteger> Gross,
    IReadOnlyDictionary<(ushort Participant, ushort Currency), BigInteger> Fees,
    IReadOnlyDictionary<(ushort Participant, ushort Currency), BigInteger> Net);

/// <summary>
/// A ledger that scenarios and generated histories can be run against: the naive twin, or the engine behind an adapter.
/// </summary>
public interface ILedgerUnderTest
{
    /// <summary>The number of the open batch, from 1.</summary>
    ulong OpenBatch { get; }

    /// <summary>Applies the next block.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="slots">Its slots.</param>
    /// <param name="evidence">Its attachment.</param>
    /// <returns>One outcome for each slot.</returns>
    Outcome[] Apply(in BlockHeader header, ReadOnlySpan<Payment> slots, ReadOnlySpan<byte> evidence = default);

    /// <summary>A reviewer's decision about a payment under review, between blocks.</summary>
    /// <param name="participant">Under whom it is kept, as a hold.</param>
    /// <param name="id">The payment's.</param>
    /// <param name="releases">Else it is refused.</param>
    Verdict Decide(ushort participant, UInt128 id, bool releases);

    /// <returns>Null: the wallet has no account in the currency.</returns>
    AccountView? Account(ulong wallet, ushort currency);

    /// <returns>Null: no such wallet was ever opened. A closed one is returned.</returns>
    WalletView? Wallet(ulong wallet);

    /// <summary>What the participant is owed (owes, if negative) in the open batch.</summary>
    BigInteger OpenPosition(ushort participant, ushort currency);

    /// <summary>The sum over closed batches not yet reported settled, before fees.</summary>
    BigInteger UnsettledPosition(ushort participant, ushort currency);

    /// <summary>Issued and not redeemed.</summary>
    BigInteger Outstanding(ushort currency);

    /// <exception cref="ArgumentOutOfRangeException">That batch is not closed.</exception>
    BatchView Batch(ulong number);
}
