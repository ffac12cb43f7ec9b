using Settlement.Engine.Domain;
using Settlement.Engine.Labels;

namespace Settlement.Engine.Ledger;

/// <summary>
/// What the column passes know of one chunk of payments, a column a property, <see cref="Limits.ChunkPayments"/> long. Overwritten chunk
/// by chunk. Byte masks are 0x00 or 0xFF.
/// </summary>
internal sealed class PaymentColumns
{
    /// <summary>Levels of session, instruction, payment and wallets, and what the label pass makes of them.</summary>
    public readonly LabelColumns Labels = new(Limits.ChunkPayments);

    // Filled by the shape pass, from session and payment.
    public readonly Verdict[] Verdicts = new Verdict[Limits.ChunkPayments];
    public readonly ushort[] Participants = new ushort[Limits.ChunkPayments];
    public readonly byte[] OperatorMasks = new byte[Limits.ChunkPayments];
    public readonly byte[] Instructions = new byte[Limits.ChunkPayments];
    public readonly byte[] Purposes = new byte[Limits.ChunkPayments];
    public readonly ushort[] Currencies = new ushort[Limits.ChunkPayments];
    public readonly ulong[] Amounts = new ulong[Limits.ChunkPayments];

    // Filled by dedup.
    public readonly Verdict[] Firsts = new Verdict[Limits.ChunkPayments];

    /// <summary>For a repeat whose first use stands in the same chunk: its index.</summary>
    public readonly ushort[] Earlier = new ushort[Limits.ChunkPayments];

    // Filled by the look-up pass; zero where there is no such wallet or account.
    public readonly ulong[] PayerHashes = new ulong[Limits.ChunkPayments];
    public readonly ulong[] PayeeHashes = new ulong[Limits.ChunkPayments];
    public readonly int[] PayerRows = new int[Limits.ChunkPayments];
    public readonly int[] PayeeRows = new int[Limits.ChunkPayments];
    public readonly byte[] PayerTiers = new byte[Limits.ChunkPayments];
    public readonly ushort[] Sources = new ushort[Limits.ChunkPayments];
    public readonly ushort[] Destinations = new ushort[Limits.ChunkPayments];

    /// <summary>0xFF: every check of the look-up pass is passed.</summary>
    public readonly byte[] Clean = new byte[Limits.ChunkPayments];

    /// <summary>Some payer is not custodial.</summary>
    public bool HasConsent;

    // Filled where the rules ask for them.
    public readonly byte[] PayerKinds = new byte[Limits.ChunkPayments];
    public readonly byte[] PayeeKinds = new byte[Limits.ChunkPayments];

    // Filled by the rule pass.
    public readonly ushort[] DeniedBy = new ushort[Limits.ChunkPayments];
    public readonly ushort[] ReviewedBy = new ushort[Limits.ChunkPayments];
    public readonly uint[] LimitRows = new uint[Limits.ChunkPayments];
    public readonly ulong[] LimitMasks = new ulong[Limits.ChunkPayments];
}
