using Settlement.Engine.Domain;

namespace Settlement.Engine.Consent.Checking;

/// <summary>How a frame's evidence was found.</summary>
/// <param name="Bytes">Length of what holds.</param>
/// <param name="Dropped">Pieces that do not hold, or that could not be checked.</param>
public readonly record struct EvidenceFound(int Bytes, int Dropped);

/// <summary>
/// Checks what payers gave beside payments before it goes to the ring: signatures under keys in force, links against the chains that payers committed to. What does not hold is
/// dropped; the engine then misses it.
/// </summary>
/// <remarks>
/// <code>
///   frame ─▶ which keys and chains? ─▶ links: walked side by side ─┬▶ what holds, in the frame's order ─▶ Pipeline.Publish
///             (asked if unknown)        signatures: shared out    ─┘
/// </code>
/// What is kept counts as true for the engine, which looks up only whether key and chain are (still) there; a follower that does not trust its leader checks again from the
/// journal, as `replay verify` does.
/// Cost: a link a hash for each number since the last one (20 ns where sixteen streams share a vector), a P-256 signature 70 us.
/// Any number of threads; those of one connection one after the other, so that its payments keep their order. Waits for the settle thread where it does not know a key or a
/// chain, and for its own threads where there are many signatures: to be called off the socket's path. Allocates nothing for links of known chains.
/// </remarks>
public sealed class EvidenceChecker : IDisposable
{
    private readonly ConsentDirectory _directory;
    private readonly SignatureThreads _threads;
    private readonly Stack<FrameEvidence> _idle = new(); // written by: callers, holding it
    private readonly byte[] _head = new byte[ConsentMessage.PaymentBytes];

    /// <param name="ledgerId">Which ledger signatures are for.</param>
    /// <param name="reader">Knows keys and chains.</param>
    /// <param name="threads">Threads of its own that check signatures, beside those that call.</param>
    public EvidenceChecker(UInt128 ledgerId, IConsentReader reader, int threads = 1)
    {
        _directory = new ConsentDirectory(reader);
        _threads = new SignatureThreads(threads);
        ConsentMessage.WritePaymentHead(ledgerId, _head);
    }

    /// <summary>Sees accepted commands about keys and chains go by: the reply thread's, all slots in order, before anyone is told of their outcomes.</summary>
    public void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes) => _directory.OnSettled(slots, outcomes);

    /// <inheritdoc cref="ConsentDirectory.Restart"/>
    public void Restart() => _directory.Restart();

    /// <summary>Checks a frame's evidence.</summary>
    /// <param name="participant">Of the session that sends it.</param>
    /// <param name="payments">The frame's.</param>
    /// <param name="evidence">As it came; its form is checked, too, and nothing of what has none is kept.</param>
    /// <param name="kept">What holds, ready to be published; at least as long as the evidence.</param>
    public EvidenceFound Check(ushort participant, ReadOnlySpan<Payment> payments, ReadOnlySpan<byte> evidence, Span<byte> kept)
    {
        if (evidence.IsEmpty)
            return default;
        if (EvidenceReader.FaultOf(evidence, payments.Length) is not null)
            return new EvidenceFound(0, 1);
        FrameEvidence? frame;
        lock (_idle)
            _idle.TryPop(out frame);
        frame ??= new FrameEvidence(_directory, _head);
        frame.Take(participant, payments, evidence);
        frame.CheckLinks(payments.Length);
        if (frame.Signatures is { } signatures)
            _threads.Check(signatures);
        EvidenceFound found = frame.Keep(evidence, kept);
        frame.Clear();
        lock (_idle)
            _idle.Push(frame);
        return found;
    }

    public void Dispose() => _threads.Dispose();
}
