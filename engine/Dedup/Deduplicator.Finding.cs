using Settlement.Engine.Domain;

namespace Settlement.Engine.Dedup;

/// <summary>What is known of an id, between blocks.</summary>
public enum IdFinding
{
    /// <summary>It is free: not decided, or, of an id that is no stream's, not within what is kept.</summary>
    NotDecided,

    /// <summary>Decided, with a verdict that is still there.</summary>
    Decided,

    /// <summary>Decided; the verdict is no longer in memory.</summary>
    DecidedVerdictForgotten,

    /// <summary>A UUIDv7 from before the window: it may have been decided or not.</summary>
    TooOldToTell,
}

/// <summary>Look-ups for those who ask; they change nothing.</summary>
public sealed partial class Deduplicator
{
    /// <summary>What became of an id. Between blocks, on the settle thread; asks the store where the filter does not deny that it holds the id.</summary>
    /// <param name="payment">Its id and its flag count.</param>
    /// <param name="participant">Whose id it is.</param>
    /// <param name="nextSequence">Of the next slot: what a store remembers from there on is of a later time, before a replay.</param>
    /// <param name="verdict">As it was decided, or undecided.</param>
    public IdFinding Find(in Payment payment, ushort participant, ulong nextSequence, out Verdict verdict)
    {
        if (payment.HasStreamId)
            return _streams.Find(payment.IdHigh, participant, payment.IdLow, out verdict);
        bool uuidV7 = IdKinds.IsUuidV7(payment.IdHigh, payment.IdLow);
        if (uuidV7 && IdKinds.TimestampMilliseconds(payment.IdHigh) is var milliseconds
            && milliseconds <= IdKinds.MillisecondLast && milliseconds * IdKinds.NsPerMillisecond < _uuidV7FloorNs)
        {
            verdict = Verdict.Undecided;
            return IdFinding.TooOldToTell;
        }

        var asked = new Decision { Sequence = nextSequence, Participant = participant };
        verdict = _ids.TryFind(in payment, in asked, uuidV7, out Decision known) ? known.Verdict : Verdict.Undecided;
        return verdict == Verdict.Undecided ? IdFinding.NotDecided : IdFinding.Decided;
    }

    /// <summary>A stream's lowest number not decided and its highest decided; 1 and 0 of one that was never used.</summary>
    public (ulong LowestMissing, ulong HighestDecided) WatermarkOf(ulong stream, ushort participant) => _streams.WatermarkOf(stream, participant);
}
