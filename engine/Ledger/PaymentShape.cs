using System.Runtime.CompilerServices;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Ledger;

/// <summary>Whether a payment's fields have a meaning together: SEMANTICS, step 2. Looks at nothing but the 64 bytes.</summary>
public static class PaymentShape
{
    /// <summary>
    /// For each instruction, which of the eight combinations of (payer named, payee field used, amount given), bits 0 to 2 of
    /// the index, are well-formed.
    /// </summary>
    private static ReadOnlySpan<byte> WellFormedParties =>
    [
        0b0000_0000, // none
        0b1000_1000, // micropayment: both, any amount
        0b1000_1000, // immediate
        0b1000_1000, // hold
        0b0101_0101, // capture: no payer; the target's high half may be 0
        0b0000_0101, // void: no payer, no amount
        0b0101_0101, // refund: as capture
        0b0100_0100, // issue: payee only
        0b0010_0010, // redeem: payer only
    ];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsWellFormed(in Payment payment)
    {
        int instruction = (int)payment.Instruction;
        if (instruction >= WellFormedParties.Length)
            return false;
        int parties = (payment.Payer != 0 ? 1 : 0) | (payment.Payee != 0 ? 2 : 0) | (payment.Amount != 0 ? 4 : 0);
        // An amount of zero is a verdict of its own, so both amount combinations are well-formed but for void.
        bool fine = ((WellFormedParties[instruction] >> parties) & 1) != 0
            & payment.Purpose <= Purpose.Last
            & (payment.IdLow != 0 | (payment.IdHigh != 0 & !payment.HasStreamId));
        return fine & ((payment.Flags & ~PaymentFlags.StreamId) == 0 || HasFittingFlags(in payment));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool HasFittingFlags(in Payment payment)
    {
        if ((payment.Flags & ~PaymentFlags.Known) != 0)
            return false;
        if ((payment.Flags & PaymentFlags.Refundable) != 0
            && payment.Instruction is not (Instruction.Micropayment or Instruction.Immediate or Instruction.Capture))
            return false;
        return (payment.Flags & PaymentFlags.Opening) == 0
            || (payment.Instruction == Instruction.Issue
                && !payment.HasStreamId
                && payment.IdHigh == (Limits.OpeningIdHigh | payment.Currency)
                && payment.IdLow == payment.Payee);
    }
}
