namespace Settlement.Engine.Rules;

/// <summary>What a rule may ask about one payment.</summary>
/// <param name="Source">Payer's country, ISO 3166 number.</param>
/// <param name="Destination">Payee's country, ISO 3166 number.</param>
/// <param name="Currency">ISO 4217 number.</param>
/// <param name="Amount">In the currency's smallest unit at the ledger's scale; not 0 (SEMANTICS 5 comes before the
/// rules).</param>
/// <param name="Tier">Payer's identity tier, 0..3.</param>
/// <param name="Purpose">Number of a <see cref="Domain.Purpose"/>.</param>
/// <param name="Level">The payment's level.</param>
/// <param name="Instruction">Number of a <see cref="Domain.Instruction"/>.</param>
/// <param name="PayerKind">Number of a <see cref="Domain.PartyKind"/>.</param>
/// <param name="PayeeKind">The same of the payee.</param>
public readonly record struct RuleFacts(
    ushort Source, ushort Destination, ushort Currency, ulong Amount, byte Tier, byte Purpose, byte Level, byte Instruction, byte PayerKind = 0, byte PayeeKind = 0);

/// <summary>
/// The same for a chunk of payments, one column a fact. Each column holds at least as many entries as are judged; entries of
/// payments that were refused before may hold anything (their answers mean nothing, but reading them is safe).
/// </summary>
public readonly ref struct RuleColumns
{
    public required ReadOnlySpan<ushort> Source { get; init; }
    public required ReadOnlySpan<ushort> Destination { get; init; }
    public required ReadOnlySpan<ushort> Currency { get; init; }
    public required ReadOnlySpan<ulong> Amount { get; init; }
    public required ReadOnlySpan<byte> Tier { get; init; }
    public required ReadOnlySpan<byte> Purpose { get; init; }
    public required ReadOnlySpan<byte> Level { get; init; }
    public required ReadOnlySpan<byte> Instruction { get; init; }

    /// <summary>May be empty where the plan does not ask for it (<see cref="RulePlan.HasKinds"/>).</summary>
    public ReadOnlySpan<byte> PayerKind { get; init; }

    /// <inheritdoc cref="PayerKind"/>
    public ReadOnlySpan<byte> PayeeKind { get; init; }
}
