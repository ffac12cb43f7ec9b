using System.Collections.Concurrent;
using System.Diagnostics;
using HdrHistogram;
using Settlement.Engine.Domain;
using Settlement.Engine.Reply;
using Settlement.Engine.Text;
using Settlement.Gateway.Input;

namespace Settlement.Gateway.Settle;

/// <summary>What a settle run's slots are for; the sources of tags below <see cref="FirstFile"/>.</summary>
internal static class SlotSource
{
    public const int Command = 0;
    public const int Wallet = 1;
    public const int Opening = 2;
    public const int FirstFile = 3;
}

/// <summary>Counts verdicts, measures how long they took, and writes those that are asked for, as they become durable.</summary>
/// <remarks>Latency is from the claim of ring slots to the durable verdict, in microseconds, three significant digits, up to 100 s.</remarks>
internal sealed class ReplyCollector(IReadOnlyList<string> files, TextWriter? verdicts, bool all, string? walletsFile, Action<string> warn) : IReplyPublisher
{
    private const int WarningsMax = 20;

    private readonly ConcurrentQueue<(long Last, long Stamp, bool ArePayments)> _submitted = new(); // written by: submitter
    private readonly long[] _counts = new long[256]; // written by: reply thread
    private readonly LongHistogram _latency = new(100_000_000, 3); // written by: reply thread
    private readonly Lock _verdictsLock = new();
    private readonly double _microsecondsPerTick = 1e6 / Stopwatch.Frequency;
    private long _position = -1; // ring sequence of the last slot replied; written by: reply thread
    private long _decided;
    private long _warned;

    /// <summary>By <see cref="Verdict"/>; payments of files only.</summary>
    public ReadOnlySpan<long> Counts => _counts;

    /// <summary>Lines of the wallets file that opened a wallet, or a further account of one.</summary>
    public long WalletsOpened { get; private set; }

    public long WalletsKnown { get; private set; }

    public long OpeningsIssued { get; private set; }

    public long WarningCount => Volatile.Read(ref _warned);

    /// <summary>Payments of files that have their verdict.</summary>
    public long Decided => Volatile.Read(ref _decided);

    /// <summary>How long payments of files waited for their durable verdict, microseconds; 0 where there was none.</summary>
    public long LatencyUs(double percentile) => _latency.TotalCount == 0 ? 0 : _latency.GetValueAtPercentile(percentile);

    /// <summary>Refused by a reader, before the engine.</summary>
    public long UnsettledCount { get; private set; }

    /// <summary>Called by the submitter before it publishes.</summary>
    public void Submitted(long last, long stamp, bool arePayments) => _submitted.Enqueue((last, stamp, arePayments));

    /// <summary>A record that a reader refused with a reason: it never gets to the engine.</summary>
    public void Refused(InputRefusal refusal)
    {
        UnsettledCount++;
        lock (_verdictsLock)
            verdicts?.WriteLine($"{CsvText.Field(refusal.File)},{refusal.Line},{CsvText.Field(refusal.Id)},{CsvText.Field("not_settled: " + refusal.Reason)}");
    }

    public void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ulong> tags, ulong firstSequence)
    {
        long decided = 0;
        lock (_verdictsLock)
        {
            for (int i = 0; i < slots.Length; i++)
            {
                SlotTag tag = SlotTag.Of(tags[i]);
                if (tag.Source < SlotSource.FirstFile)
                {
                    OnOwnCommand(in slots[i], in outcomes[i], tag);
                    continue;
                }

                decided++;
                _counts[(byte)outcomes[i].Verdict]++;
                if (all || outcomes[i].Verdict != Verdict.Accepted)
                    verdicts?.WriteLine($"{CsvText.Field(files[tag.Source - SlotSource.FirstFile])},{tag.Line},{PaymentIdText.Format(in slots[i])},{VerdictText.Of(in outcomes[i])}");
            }

            verdicts?.Flush();
        }

        Volatile.Write(ref _decided, _decided + decided);
        RecordLatency(slots.Length);
    }

    private void OnOwnCommand(in Payment slot, in Outcome outcome, SlotTag tag)
    {
        bool fine = outcome.Verdict is Verdict.Accepted or Verdict.Duplicate;
        switch (tag.Source)
        {
            case SlotSource.Wallet when outcome.Verdict == Verdict.Accepted:
                WalletsOpened++;
                break;
            case SlotSource.Wallet when fine:
                WalletsKnown++;
                break;
            case SlotSource.Opening when outcome.Verdict == Verdict.Accepted:
                OpeningsIssued++;
                break;
        }

        if (fine)
            return;
        Volatile.Write(ref _warned, _warned + 1);
        if (_warned > WarningsMax)
            return;
        string what = tag.Source switch
        {
            SlotSource.Wallet => $"{walletsFile}, line {tag.Line}: wallet {slot.IdLow} is as it was: {VerdictText.Of(in outcome)}",
            SlotSource.Opening when outcome.Verdict == Verdict.IdConflict =>
                $"{walletsFile}, line {tag.Line}: the opening balance of wallet {slot.Payee} was issued before, with another amount; that one stands",
            SlotSource.Opening => $"{walletsFile}, line {tag.Line}: the opening balance of wallet {slot.Payee} was not issued: {VerdictText.Of(in outcome)}",
            _ => $"the command {slot.Instruction} had no effect: {VerdictText.Of(in outcome)}",
        };
        warn(_warned == WarningsMax ? what + " (more of the kind are not listed)" : what);
    }

    private void RecordLatency(int count)
    {
        long end = _position + count;
        long now = Stopwatch.GetTimestamp();
        while (_submitted.TryPeek(out (long Last, long Stamp, bool ArePayments) claim))
        {
            long upTo = Math.Min(claim.Last, end);
            if (upTo > _position && claim.ArePayments)
                _latency.RecordValueWithCount(Math.Clamp((long)((now - claim.Stamp) * _microsecondsPerTick), 1, 100_000_000), upTo - _position);
            _position = Math.Max(_position, upTo);
            if (claim.Last > end)
                break;
            _submitted.TryDequeue(out _);
        }

        _position = end;
    }
}
