using Settlement.Engine.Domain;
using Settlement.Engine.Ring;

namespace Settlement.Engine.Governance;

/// <summary>
/// The node as a producer: journals what it has built for rules to come, as one command each, so that every replica compares.
/// </summary>
/// <remarks>
/// On a thread of its own: it waits for room in the ring, which the settle thread makes, and the settle thread waits for the builder.
/// Invariant: one command at a time for a rule set and a day; the next only when that is settled.
/// Failure assumed: the engine stops while it waits; what was not journaled is built and journaled after the next start.
/// </remarks>
internal sealed class PlanAttestor(RingBuffer<MultiProducerSequencer> ring, ulong[] tags, SequenceBarrier settled, StopSignal stop)
{
    private readonly object _lock = new(); // pulsed when there is something to do
    private readonly Queue<PlanAttestation> _waiting = new(); // under the lock
    private PlanAttestation? _current; // under the lock

    /// <summary>Whether everything it was given is settled.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_lock)
                return _current is null && _waiting.Count == 0;
        }
    }

    /// <summary>Called by the builder; does not wait.</summary>
    public void Add(LawOrder order, LawBuild build)
    {
        var attestation = new PlanAttestation(order.Laws.Hash, order.Day, build.Fault is null, build.Plan?.Table.Hash ?? default);
        lock (_lock)
        {
            if (_current == attestation || _waiting.Contains(attestation))
                return;
            _waiting.Enqueue(attestation);
            Monitor.Pulse(_lock);
        }
    }

    public void Run()
    {
        while (true)
        {
            lock (_lock)
            {
                while (!stop.IsRaised && _waiting.Count == 0)
                    Monitor.Wait(_lock);
                if (stop.IsRaised)
                    return;
                _current = _waiting.Dequeue();
            }

            settled.WaitFor(Publish(_current));
            lock (_lock)
                _current = null;
        }
    }

    /// <summary>Ends the loop, once the stop signal is raised.</summary>
    public void Wake()
    {
        lock (_lock)
            Monitor.Pulse(_lock);
    }

    private long Publish(PlanAttestation attestation)
    {
        Payment[] slots = PayloadCommand.ToSlots(Instruction.AttestPlan, Limits.OperatorSession, attestation.Encode());
        long first = ring.Claim(slots.Length);
        for (int i = 0; i < slots.Length; i++)
        {
            ring[first + i] = slots[i];
            tags[ring.IndexOf(first + i)] = Pipeline.OwnTag;
        }

        long last = first + slots.Length - 1;
        ring.Publish(first, last);
        return last;
    }
}
