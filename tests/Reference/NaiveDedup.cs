using System.Numerics;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>
/// Step A.3 of the semantics, but for openings, and "Id floors": one payment at a time, in dictionaries that only grow.
/// The twin of <see cref="Deduplicator"/>.
/// </summary>
public sealed class NaiveDedup(int streamsMax)
{
    private readonly Dictionary<(ushort Participant, ulong Name), Dictionary<BigInteger, Kept>> _streams = [];
    private readonly Dictionary<(ushort Participant, UInt128 Id), Kept> _uuidV7 = [];
    private readonly Dictionary<(ushort Participant, UInt128 Id), Kept> _others = [];
    private readonly Dictionary<(ushort Participant, ulong Name), BigInteger> _lowestMissing = [];

    private BigInteger _now;
    private BigInteger _floor;
    private BigInteger _otherHourFirst;

    public BigInteger WindowNs { get; set; } = Limits.NsPerDay;

    public BigInteger RetentionNs { get; set; } = 30 * Limits.NsPerDay;

    public void BeginBlock(ulong timeNs)
    {
        _now = timeNs;
        _floor = BigInteger.Max(_floor, _now - WindowNs);
        if (RetentionNs == 0) return;
        BigInteger hours = (RetentionNs + Limits.NsPerHour - 1) / Limits.NsPerHour;
        _otherHourFirst = BigInteger.Max(_otherHourFirst, Hour(_now) - hours);
    }

    /// <summary>The refusal, or that it is a repeat with its first verdict, or undecided: then it must be decided.</summary>
    public (Verdict Verdict, Verdict First) Judge(in Payment payment, ushort participant)
    {
        if (payment.HasStreamId) return JudgeStream(in payment, participant);
        if (IsUuidV7(payment.Id))
        {
            BigInteger timestamp = Timestamp(payment.Id);
            if (timestamp < _floor) return (Verdict.TooOldToTell, default);
            if (timestamp > _now + Limits.IdSkewNs) return (Verdict.IdFromFuture, default);
            return Known(_uuidV7, in payment, participant);
        }

        return Known(_others, in payment, participant);
    }

    public void Decide(in Payment payment, ushort participant, Verdict verdict)
    {
        Kept kept = new(Fingerprint.Of(in payment), verdict, Hour(_now));
        if (payment.HasStreamId)
        {
            (ushort, ulong) stream = (participant, payment.IdHigh);
            if (!_streams.TryGetValue(stream, out Dictionary<BigInteger, Kept>? numbers))
                _streams.Add(stream, numbers = []);
            numbers.Add(payment.IdLow, kept);
            BigInteger lowest = _lowestMissing.GetValueOrDefault(stream, 1);
            while (numbers.ContainsKey(lowest)) lowest++;
            _lowestMissing[stream] = lowest;
        }
        else if (IsUuidV7(payment.Id))
        {
            _uuidV7.Add((participant, payment.Id), kept);
        }
        else
        {
            _others[(participant, payment.Id)] = kept;
        }
    }

    /// <summary>The state's sum, made anew from all that is kept.</summary>
    public StateSum State()
    {
        StateSum state = StateSum.Of((ulong)_floor, 0, Verdict.Undecided);
        state.Add(StateSum.Of((ulong)_otherHourFirst, 1, Verdict.Undecided));
        foreach (((ushort participant, ulong name), Dictionary<BigInteger, Kept> numbers) in _streams)
        {
            ulong key = StateSum.KeyOf(0x243F_6A88_85A3_08D3, name, participant);
            foreach ((BigInteger number, Kept kept) in numbers)
                state.Add(StateSum.Of(unchecked(key + (ulong)number), kept.Fingerprint, kept.Verdict));
        }

        foreach (((ushort participant, UInt128 id), Kept kept) in _uuidV7)
            if (Hour(Timestamp(id)) >= Hour(_floor)) AddId(ref state, id, participant, in kept);
        foreach (((ushort participant, UInt128 id), Kept kept) in _others)
            if (kept.Hour >= _otherHourFirst) AddId(ref state, id, participant, in kept);
        return state;
    }

    private static void AddId(ref StateSum state, UInt128 id, ushort participant, in Kept kept) =>
        state.Add(StateSum.Of(
            StateSum.KeyOf((ulong)id, (ulong)(id >> 64), participant), kept.Fingerprint, kept.Verdict));

    private (Verdict Verdict, Verdict First) JudgeStream(in Payment payment, ushort participant)
    {
        (ushort, ulong) stream = (participant, payment.IdHigh);
        BigInteger number = payment.IdLow;
        if (number >= _lowestMissing.GetValueOrDefault(stream, 1) + 65_536) return (Verdict.StreamGap, default);
        if (!_streams.TryGetValue(stream, out Dictionary<BigInteger, Kept>? numbers))
            return (_streams.Count == streamsMax ? Verdict.CapacityExceeded : Verdict.Undecided, default);
        if (!numbers.TryGetValue(number, out Kept kept)) return default;
        return numbers.ContainsKey(number + 65_536) ? (Verdict.DuplicateLookUp, default) : Repeat(in kept, in payment);
    }

    private (Verdict Verdict, Verdict First) Known(
        Dictionary<(ushort, UInt128), Kept> ids, in Payment payment, ushort participant)
    {
        if (!ids.TryGetValue((participant, payment.Id), out Kept kept)) return default;
        bool forgotten = ids == _others && kept.Hour < _otherHourFirst;
        return forgotten ? default : Repeat(in kept, in payment);
    }

    private static (Verdict Verdict, Verdict First) Repeat(in Kept kept, in Payment payment) =>
        (kept.Fingerprint == Fingerprint.Of(in payment) ? Verdict.Duplicate : Verdict.IdConflict, kept.Verdict);

    private static BigInteger Hour(BigInteger ns) => ns / Limits.NsPerHour;

    private static bool IsUuidV7(UInt128 id) => ((id >> 76) & 0xF) == 7 && ((id >> 62) & 3) == 2;

    private static BigInteger Timestamp(UInt128 id) => (BigInteger)(id >> 80) * 1_000_000;

    private readonly record struct Kept(uint Fingerprint, Verdict Verdict, BigInteger Hour);
}
