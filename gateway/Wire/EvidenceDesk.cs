using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Settlement.Client.Wire;
using Settlement.Engine.Consent.Checking;
using Settlement.Engine.Domain;

namespace Settlement.Gateway.Wire;

/// <summary>
/// Frames whose payments come with evidence of their payers' consent: threads of its own check signatures and links, and put what holds into the ring beside the payments.
/// </summary>
/// <remarks>
/// A connection has one frame here at a time, and reads its next when this one is in the ring: so its payments keep their order, and what waits here is bounded by the
/// connections' input. These threads may wait, for the ring and for the settle thread; the thread pool's may not.
/// Memory: 1.8 MiB a thread.
/// </remarks>
internal sealed class EvidenceDesk : IDisposable
{
    private readonly IngressAdapter _ingress;
    private readonly EvidenceChecker _checker;
    private readonly ServerCounters _counters;
    private readonly BlockingCollection<Job> _jobs = [];
    private readonly Thread[] _threads;

    /// <param name="ledgerId">Which ledger signatures are for.</param>
    /// <param name="ingress">Takes what was checked.</param>
    /// <param name="counters">What is counted.</param>
    /// <param name="threads">How many check at one time.</param>
    public EvidenceDesk(UInt128 ledgerId, IngressAdapter ingress, ServerCounters counters, int threads)
    {
        (_ingress, _counters) = (ingress, counters);
        _checker = new EvidenceChecker(ledgerId, new PipelineConsentReader(ingress.Engine.TryAsk), threads);
        _threads = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            _threads[i] = new Thread(Run) { Name = "evidence", IsBackground = true };
            _threads[i].Start();
        }
    }

    /// <summary>Sees commands about keys and chains go by, before anyone hears of them; the reply thread.</summary>
    public void OnCommands(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes) => _checker.OnSettled(slots, outcomes);

    /// <summary>This node leads from now on: what it knew of keys and chains is of before, and others have changed them since. Before the reply thread meets anything.</summary>
    public void OnLeading() => _checker.Restart();

    /// <summary>Checks a frame's evidence and puts its payments into the ring.</summary>
    /// <param name="frame">Who waits for them.</param>
    /// <param name="session">Whose they are.</param>
    /// <param name="payments">64 bytes each.</param>
    /// <param name="evidence">Of good form.</param>
    /// <returns>When they are in the ring; the bytes must stay until then.</returns>
    /// <exception cref="Serve.Roles.NotLeadingException">This node does not lead; nothing was taken.</exception>
    /// <exception cref="Engine.Ring.EngineStoppedException">The engine stopped; nothing was taken.</exception>
    public Task PutAsync(PendingFrame frame, SessionKey session, ReadOnlySequence<byte> payments, ReadOnlySequence<byte> evidence)
    {
        var job = new Job(frame, session, payments, evidence);
        _jobs.Add(job);
        return job.Done.Task;
    }

    public void Dispose()
    {
        _jobs.CompleteAdding();
        foreach (Thread thread in _threads)
            thread.Join();
        _checker.Dispose();
        _jobs.Dispose();
    }

    private void Run()
    {
        var payments = new Payment[WireLimits.FramePaymentsMax];
        var given = new byte[WireLimits.FrameEvidenceBytesMax];
        var kept = new byte[WireLimits.FrameEvidenceBytesMax];
        foreach (Job job in _jobs.GetConsumingEnumerable())
        {
            try
            {
                Span<Payment> slots = payments.AsSpan(0, job.Frame.Count);
                Span<byte> evidence = given.AsSpan(0, (int)job.Evidence.Length);
                job.Payments.CopyTo(MemoryMarshal.AsBytes(slots));
                job.Evidence.CopyTo(evidence);
                foreach (ref Payment slot in slots)
                    IngressAdapter.Stamp(ref slot, job.Session.Session);
                EvidenceFound found = _checker.Check(job.Session.Record.Participant, slots, evidence, kept);
                Interlocked.Add(ref _counters.EvidenceDropped, found.Dropped);
                RingClaim claim = _ingress.Claim(job.Frame.Count);
                _ingress.PutPayments(claim, job.Frame, job.Payments, job.Session.Session, kept.AsSpan(0, found.Bytes));
                job.Done.SetResult();
            }
            catch (Exception stopped)
            {
                // The engine stopped, or a check failed that no bytes may make fail: whoever waits is told either way.
                job.Done.SetException(stopped);
            }
        }
    }

    private sealed record Job(PendingFrame Frame, SessionKey Session, ReadOnlySequence<byte> Payments, ReadOnlySequence<byte> Evidence)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
