using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Reply;
using Settlement.Engine.Ring;

namespace Settlement.Tests.Replication;

/// <summary>
/// A client of a whole cluster: submits claims to whoever it is told leads, remembers what it was told, and sends what it was told nothing of again.
/// </summary>
internal sealed class ClusterClient
{
    private const int IndexBits = 20;

    private sealed record Sent(Payment[] Slots, byte[] Evidence, Outcome?[] Outcomes, bool IsCommand);

    private readonly Lock _gate = new();

    // All below: under the gate.
    private readonly List<Sent> _sent = [];
    private readonly SortedDictionary<ulong, (Payment Slot, Outcome Outcome)> _told = [];
    private readonly List<ClosedBatch> _batches = [];
    private Port? _port;

    /// <summary>Every sequence that a leader told of.</summary>
    public IReadOnlyDictionary<ulong, (Payment Slot, Outcome Outcome)> Told
    {
        get
        {
            lock (_gate)
                return new SortedDictionary<ulong, (Payment, Outcome)>(_told);
        }
    }

    /// <summary>What leaders published, in the order in which they did; a batch that one published and did not seal is published by the next again.</summary>
    public IReadOnlyList<ClosedBatch> Published
    {
        get
        {
            lock (_gate)
                return [.. _batches];
        }
    }

    /// <summary>Claims that were sent once more, since nothing was known of them.</summary>
    public int SentAgain { get; private set; }

    /// <summary>A member begins to lead.</summary>
    public void Follow(SmallCluster cluster, (SmallMember Member, ulong Term) leader)
    {
        var port = new Port(this);
        port.Pipeline = leader.Member.Replica.Lead(leader.Term, port, port);
        lock (_gate)
            _port = port;
        cluster.ThrowIfFaulty();
        Resend();
    }

    /// <summary>One claim to the leader; its fate is unknown until it is told.</summary>
    public void Submit(Payment[] slots, byte[] evidence)
    {
        int claim;
        lock (_gate)
        {
            claim = _sent.Count;
            _sent.Add(new Sent(slots, evidence, new Outcome?[slots.Length], slots[0].Instruction.IsControl()));
        }

        Send(claim);
    }

    /// <summary>Called in the place of taking outcomes, on the reply thread.</summary>
    public Action? Fault { get; set; }

    /// <summary>One claim, and what became of it.</summary>
    public Outcome[] Ask(Payment[] slots, byte[]? evidence = null)
    {
        Submit(slots, evidence ?? []);
        Assert.That(TryAwaitAll(TimeSpan.FromSeconds(20)), "a claim is not answered");
        lock (_gate)
            return [.. _sent[^1].Outcomes.Select(outcome => outcome!.Value)];
    }

    /// <summary>How many claims have slots that nothing is known of.</summary>
    public int OpenCount
    {
        get
        {
            lock (_gate)
                return _sent.Count(sent => sent.Outcomes.Any(outcome => outcome is null));
        }
    }

    /// <summary>Waits until the leader has nothing more to do.</summary>
    public void Drain() => PipelineNow?.Drain();

    public void StepDown(SmallCluster cluster)
    {
        foreach (SmallMember member in cluster.Members)
            member.Replica.StepDown();
        Assert.That(PipelineNow, Is.Null, "who led was told");
    }

    public Pipeline? PipelineNow
    {
        get
        {
            lock (_gate)
                return _port?.Pipeline;
        }
    }

    /// <summary>Waits until every claim is answered.</summary>
    public bool TryAwaitAll(TimeSpan atMost)
    {
        for (DateTime end = DateTime.UtcNow + atMost; DateTime.UtcNow < end; Thread.Sleep(1))
        {
            lock (_gate)
            {
                if (_sent.All(sent => sent.Outcomes.All(outcome => outcome is not null)))
                    return true;
            }
        }

        return false;
    }

    /// <summary>Everything that was not answered, in the order in which it was sent first.</summary>
    public void Resend()
    {
        int[] open;
        lock (_gate)
            open = [.. Enumerable.Range(0, _sent.Count).Where(claim => _sent[claim].Outcomes.Any(outcome => outcome is null))];
        foreach (int claim in open)
        {
            SentAgain++;
            Send(claim);
        }
    }

    /// <summary>Claims that were answered already, once more: each decided id is a duplicate.</summary>
    public void SendAgain(Random random, int count)
    {
        for (; count > 0; count--)
        {
            Sent sent;
            lock (_gate)
                sent = _sent[random.Next(_sent.Count)];
            if (!sent.IsCommand)
                Submit(sent.Slots, []);
        }
    }

    private void Send(int claim)
    {
        Sent sent;
        lock (_gate)
            sent = _sent[claim];
        if (PipelineNow is not { } pipeline)
            return;
        try
        {
            // A leader that nobody follows any more fills its ring and waits: what is not taken is sent again to the next one.
            long first = 0;
            for (int tries = 0; !pipeline.TryClaim(sent.Slots.Length, out first); tries++)
            {
                if (tries == 400)
                    return;
                Thread.Sleep(1);
            }

            for (int done = 0; done < sent.Slots.Length;)
            {
                Span<Payment> ring = pipeline.Slots(first + done, sent.Slots.Length - done, out Span<ulong> tags);
                sent.Slots.AsSpan(done, ring.Length).CopyTo(ring);
                for (int i = 0; i < ring.Length; i++)
                    tags[i] = ((ulong)(claim + 1) << IndexBits) + (ulong)(done + i);
                done += ring.Length;
            }

            pipeline.Publish(first, sent.Slots.Length, sent.Evidence);
        }
        catch (EngineStoppedException)
        {
            // It leads no more; another one will be told.
        }
        catch (ArgumentException)
        {
            // Evidence about commands, or a command that lies about its length: the slots are taken without.
        }
    }

    private void Take(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ulong> tags, ulong firstSequence)
    {
        lock (_gate)
        {
            for (int i = 0; i < slots.Length; i++)
            {
                if (!_told.TryAdd(firstSequence + (ulong)i, (slots[i], outcomes[i])))
                    throw new InvalidOperationException($"sequence {firstSequence + (ulong)i} was told twice");
                if (tags[i] == Pipeline.OwnTag)
                    continue;
                ref Outcome? answer = ref _sent[(int)(tags[i] >> IndexBits) - 1].Outcomes[tags[i] & ((1 << IndexBits) - 1)];
                answer ??= outcomes[i];
            }
        }
    }

    /// <summary>What one leadership tells.</summary>
    private sealed class Port(ClusterClient client) : IReplyPublisher, IBatchPublisher
    {
        private volatile bool _hasSteppedDown;

        public Pipeline? Pipeline { get; set; }

        public void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ulong> tags, ulong firstSequence)
        {
            if (_hasSteppedDown)
                throw new InvalidOperationException($"sequence {firstSequence} is told after the step down");
            client.Fault?.Invoke();
            client.Take(slots, outcomes, tags, firstSequence);
        }

        public void OnSteppedDown()
        {
            if (_hasSteppedDown)
                throw new InvalidOperationException("stepped down twice");
            _hasSteppedDown = true;
            lock (client._gate)
            {
                if (client._port == this)
                    client._port = null;
            }
        }

        public void OnClosed(ClosedBatch batch)
        {
            lock (client._gate)
                client._batches.Add(batch);
        }
    }
}
