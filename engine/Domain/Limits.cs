namespace Settlement.Engine.Domain;

/// <summary>Every bound of the engine, with its sum. What a ledger may choose for itself is in <see cref="Genesis"/>.</summary>
public static class Limits
{
    /// <summary>Slots in one block: 16,384 x 64 B = 1 MiB of body.</summary>
    public const int BlockSlotsMax = 16_384;

    public const int BlockBodyBytesMax = BlockSlotsMax * Payment.Size;

    /// <summary>
    /// Evidence of one block, and of one claim: 1 MiB less 1 KiB, so that a full body with it, 128 B of header, 4 B of length and FASTER's 48 B of commit record fit a page
    /// of 2 MiB, the least that journals have. 13,094 payments with a P-256 signature each (80 B), or a link of every payment of a full block (48 B).
    /// </summary>
    public const int AttachmentBytesMax = (1 << 20) - 1_024;

    /// <summary>Payments that the column passes take at a time. Slots 64 KiB, rows of both parties 128 KiB, columns 70 KiB: together they fit a 1 MiB second-level cache.</summary>
    public const int ChunkPayments = 1_024;

    /// <summary>How far a stream may run ahead of its lowest missing number, and how many of its verdicts are kept.</summary>
    public const int StreamWindow = 65_536;

    /// <summary>How far in the future a UUIDv7's timestamp may lie: clocks of clients differ.</summary>
    public const ulong IdSkewNs = 300 * NsPerSecond;

    /// <summary>A larger forward step of block time needs an operator's command.</summary>
    public const ulong TimeStepMaxNs = NsPerHour;

    public const byte TierMax = 3;
    public const int ScaleMax = 18;
    public const uint BasisPointsMax = 10_000;

    /// <summary>Batches closed and not yet reported settled, for which positions are remembered.</summary>
    public const int UnsettledBatchesMax = 262_144;

    /// <summary>Commands waiting for their quorum at one time.</summary>
    public const int ApprovalsMax = 1_024;

    public const ulong NsPerSecond = 1_000_000_000;
    public const ulong NsPerHour = 3_600 * NsPerSecond;
    public const ulong NsPerDay = 24 * NsPerHour;

    /// <summary>High half of an opening balance's id; the currency's number stands in its low 16 bits, the wallet in the id's low half.</summary>
    public const ulong OpeningIdHigh = 0x6F70_656E_696E_0000;

    /// <summary>The participant that runs the ledger and earns the fees; made by genesis.</summary>
    public const ushort OperatorParticipant = 0;

    /// <summary>The operator's first session (clearance 255); made by genesis. Session 0 is never valid.</summary>
    public const ushort OperatorSession = 1;
}
