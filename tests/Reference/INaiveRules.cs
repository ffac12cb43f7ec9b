using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>What a rule may ask about one payment.</summary>
/// <param name="Source">Country of the payer's record, ISO 3166 number.</param>
/// <param name="Destination">Country of the payee's record, ISO 3166 number.</param>
/// <param name="Currency">ISO 4217 number.</param>
/// <param name="Amount">In the smallest unit at the ledger's scale.</param>
/// <param name="Tier">The payer's identity tier, 0 to 3.</param>
/// <param name="Purpose">As the payment states it.</param>
/// <param name="Level">As the payment states it.</param>
/// <param name="Instruction">Micropayment, immediate, hold, capture or refund.</param>
/// <param name="PayerKind">Of the payer's record.</param>
/// <param name="PayeeKind">Of the payee's record.</param>
public readonly record struct NaiveFacts(
    ushort Source, ushort Destination, ushort Currency, ulong Amount, byte Tier, Purpose Purpose, byte Level,
    Instruction Instruction, PartyKind PayerKind, PartyKind PayeeKind);

public enum NaiveWindowKind : byte
{
    /// <summary>The UTC day.</summary>
    Day,

    /// <summary>The UTC month.</summary>
    Month,

    /// <summary>The year from a month and day, UTC.</summary>
    Year,

    /// <summary>The UTC day and the 29 before it.</summary>
    Rolling30Days,
}

/// <summary>
/// A span of time over which payments are summed; <paramref name="Month"/> and <paramref name="Day"/> say where a year
/// starts.
/// </summary>
public readonly record struct NaiveWindow(NaiveWindowKind Kind, byte Month = 1, byte Day = 1);

/// <summary>
/// A cumulative limit that applies to a payment: the window's sum and its amount may not be above the ceiling; with <paramref name="Reviews"/> not
/// without review.
/// </summary>
public readonly record struct NaiveLimit(ushort Rule, NaiveWindow Window, UInt128 Ceiling, bool Reviews = false);

/// <summary>
/// The active plan of rules, as the naive twin asks for it. One instance belongs to one engine; no plan is active at first,
/// and then everything passes.
/// </summary>
public interface INaiveRules
{
    /// <summary>
    /// The lowest rule that refuses the payment, sums apart; 0: none. With <paramref name="denyOnly"/> only deny rules
    /// are asked.
    /// </summary>
    ushort Judge(in NaiveFacts facts, bool denyOnly);

    /// <summary>The lowest rule that sends the payment to review, sums apart; 0: none.</summary>
    ushort Review(in NaiveFacts facts);

    /// <summary>How long a rule's review holds.</summary>
    ulong HoldNs(ushort rule);

    /// <summary>The cumulative limits that apply to the payment, in any order.</summary>
    IEnumerable<NaiveLimit> Limits(NaiveFacts facts);

    /// <summary>Whether the active plan has a sum rule for payers of this country in this currency.</summary>
    bool NeedsSums(ushort country, ushort currency);

    /// <summary>Makes the encoded plan the active one; false, and nothing changed, if it is none.</summary>
    bool TryDecode(ReadOnlySpan<byte> encoded);
}
