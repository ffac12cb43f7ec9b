using Settlement.Engine.Domain;

namespace Settlement.Replay.Stats;

/// <summary>What payments say of time themselves, held against the time of their block: a UUIDv7 carries its client's clock, and `valid until` its patience.</summary>
/// <remarks>
/// Block time minus a UUIDv7's is what passed between the making of the id and the journal, plus the difference of two clocks that nobody has compared.
/// Repeats are not counted: their id is as old as the first attempt.
/// </remarks>
internal sealed class ClientFigures
{
    private const ulong NsPerMs = 1_000_000;
    private const int TimestampShift = 16;

    public Distribution Delay { get; } = new("uuid_to_block_us", "time from a UUIDv7's timestamp (client's clock, ms) to its block", Quantity.Microseconds);

    /// <summary>The client's clock was ahead of the journal's.</summary>
    public Distribution Ahead { get; } = new("uuid_ahead_us", "UUIDv7 timestamps ahead of their block's time: clock skew", Quantity.Microseconds);

    public Distribution TimeLeft { get; } = new("valid_time_left_us", "time left until `valid until`, at the block", Quantity.Microseconds);

    /// <summary>Blocks that came behind the payment's `valid until`.</summary>
    public long LateCount { get; private set; }

    public void Take(in Payment payment, Verdict verdict, ulong timeNs)
    {
        bool isRepeat = verdict is Verdict.Duplicate or Verdict.DuplicateLookUp or Verdict.IdConflict;
        if (!payment.HasStreamId && IsUuidV7(in payment) && !isRepeat)
        {
            ulong stampMs = payment.IdHigh >> TimestampShift;
            ulong timeMs = timeNs / NsPerMs;
            if (stampMs <= timeMs)
                Delay.Record((timeMs - stampMs) * 1_000);
            else
                Ahead.Record((stampMs - timeMs) * 1_000);
        }

        // A hold's is the end of the hold, not of the payment's validity.
        if (payment.ValidUntilNs == 0 || payment.Instruction == Instruction.Hold)
            return;
        if (payment.ValidUntilNs >= timeNs)
            TimeLeft.Record((payment.ValidUntilNs - timeNs) / 1_000);
        else
            LateCount++;
    }

    private static bool IsUuidV7(in Payment payment) => (payment.IdHigh >> 12 & 0xF) == 7 && payment.IdLow >> 62 == 0b10;
}
