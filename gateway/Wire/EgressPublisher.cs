using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Engine.Reply;
using Settlement.Gateway.Serve.Metrics;

namespace Settlement.Gateway.Wire;

/// <summary>
/// The outbound edge of the engine: hands every claim's outcomes to who waits for them. Never waits, and allocates nothing.
/// </summary>
/// <remarks>All of it runs on the reply thread, of which there is one at a time. A claim's slots lie side by side in the ring, so a frame is met in one run, or in few where a block or the ring ends.</remarks>
internal sealed class EgressPublisher(int ringSlots, ServerCounters counters) : IReplyPublisher
{
    private VerdictsEncoder _encoder = new();
    private PendingFrames _frames = new(0);

    /// <summary>What it has answered, for metrics.</summary>
    public EgressTallies Tallies { get; } = new();

    /// <summary>Told when a journaled command has ended sessions or keys.</summary>
    public ISessionEnds? SessionEnds { get; set; }

    /// <summary>Takes note of payments under review; null: nobody does.</summary>
    public Http.Batches.ReviewBoard? Reviews { get; set; }

    /// <summary>Checks evidence, and so has to know of commands about keys and chains first.</summary>
    public EvidenceDesk? Evidence { get; set; }

    /// <summary>Rows for a pipeline's frames, before it runs and when none does. Nothing is left of those before.</summary>
    public PendingFrames Begin()
    {
        (_encoder, _frames) = (new VerdictsEncoder(), new PendingFrames(ringSlots));
        Interlocked.Exchange(ref counters.SlotsTaken, Tallies.Slots); // what was abandoned is not under way
        return _frames;
    }

    public void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ulong> tags, ulong firstSequence)
    {
        for (int at = 0; at < slots.Length;)
        {
            ulong tag = tags[at];
            if (tag == Pipeline.OwnTag)
            {
                at++;
                continue;
            }

            ref PendingFrame frame = ref _frames.Of(tag);
            int index = PendingFrames.IndexOf(tag);
            int length = Math.Min(frame.Count - index, slots.Length - at);
            ReadOnlySpan<Payment> runSlots = slots.Slice(at, length);
            ReadOnlySpan<Outcome> runOutcomes = outcomes.Slice(at, length);
            if (frame.AreCommands)
            {
                Evidence?.OnCommands(runSlots, runOutcomes);
                TellSessionEnds(runSlots, runOutcomes);
                Tallies.DecidedCommands(length);
            }
            else
            {
                Tallies.Decided(runOutcomes);
            }

            frame.Owner!.OnDecided(in frame, index, runSlots, runOutcomes, firstSequence + (ulong)at, _encoder);
            if (index + length == frame.Count)
            {
                Tallies.Answered(frame.ClaimedAt, frame.AreCommands);
                frame = default;
            }

            at += length;
        }

        Reviews?.OnSettled(slots, outcomes, firstSequence);
        counters.SlotsAnswered += slots.Length;
    }

    /// <summary>Behind the last outcome that this leadership tells.</summary>
    public void OnSteppedDown() => _frames.Abandon();

    /// <summary>Which ended is asked of the state: a continuation may lie over the ring's end. A continuation's bytes may look like such a command; then there is nothing to find.</summary>
    private void TellSessionEnds(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes)
    {
        for (int i = 0; i < slots.Length; i++)
        {
            if (slots[i].Instruction is Instruction.RevokeKey or Instruction.CloseSession && outcomes[i].Verdict == Verdict.Accepted)
            {
                SessionEnds?.OnSessionsEnded();
                return;
            }
        }
    }
}

/// <summary>Ends connections whose session or key a journaled command ended.</summary>
internal interface ISessionEnds
{
    /// <summary>Reply thread; must not wait.</summary>
    void OnSessionsEnded();
}
