using System.Runtime.InteropServices;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Reply;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>A node on a journal of its own with a <see cref="LoadLedger"/> set up in it, and its producer: what every load of the whole pipeline drives.</summary>
internal sealed class LoadNode : IReplyPublisher, IBatchPublisher, IDisposable
{
    private const int ClaimSlots = 1_024;

    private readonly LoadLedger _ledger;
    private ulong _numbered = 1;
    private long _refused; // written by: reply thread

    /// <param name="directory">Of the journal, which does not exist yet.</param>
    /// <param name="wallets">Of the ledger.</param>
    /// <param name="options">Those of the node beyond what every load has.</param>
    public LoadNode(string directory, int wallets, NodeOptions? options = null)
    {
        _ledger = new LoadLedger(wallets, Seed: 1);
        Directory = directory;
        options ??= new NodeOptions();
        Node = Node.Open(directory, options with
        {
            Pipeline = options.Pipeline with { Clock = BlockClock.Fixed(LoadLedger.TimeNs), RingSlots = 1 << 17 },
            Create = (1, _ledger.Genesis),
        }, this, this);
        SubmitWhole(LoadLedger.Rules());
        foreach (ControlCommand[] commands in _ledger.Commands().Chunk(ClaimSlots))
            SubmitWhole(MemoryMarshal.Cast<ControlCommand, Payment>(commands));
        foreach (Payment[] openings in _ledger.Openings().Chunk(ClaimSlots))
            SubmitWhole(openings);
        Node.Pipeline.Drain();
    }

    public string Directory { get; }

    public Node Node { get; }

    /// <summary>Told each outcome on the reply thread; null: nobody.</summary>
    public Action<int>? Settled { get; set; }

    /// <summary>Payments of the ledger, without ids.</summary>
    public Payment[] NewPayments(int count)
    {
        var payments = new Payment[count];
        _ledger.Fill(payments);
        return payments;
    }

    /// <summary>Gives payments the stream's next numbers.</summary>
    public void Number(Span<Payment> payments)
    {
        LoadLedger.Number(payments, _numbered, uuidV7: false);
        _numbered += (ulong)payments.Length;
    }

    /// <summary>Submits in claims of some size, as they fit into the ring.</summary>
    public void Submit(ReadOnlySpan<Payment> payments)
    {
        for (int start = 0; start < payments.Length; start += ClaimSlots)
            SubmitWhole(payments.Slice(start, Math.Min(ClaimSlots, payments.Length - start)));
    }

    /// <summary>Submits as one claim.</summary>
    public void SubmitWhole(ReadOnlySpan<Payment> slots)
    {
        long first = Node.Pipeline.Claim(slots.Length);
        for (int done = 0; done < slots.Length;)
        {
            Span<Payment> ring = Node.Pipeline.Slots(first + done, slots.Length - done, out _);
            slots.Slice(done, ring.Length).CopyTo(ring);
            done += ring.Length;
        }

        Node.Pipeline.Publish(first, slots.Length);
    }

    /// <exception cref="CheckFailedException">Something was refused.</exception>
    public void Verify()
    {
        if (_refused != 0)
            throw new CheckFailedException($"{_refused} payments or commands that should pass were refused");
        Node.State.VerifyConservation();
    }

    public void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ulong> tags, ulong firstSequence)
    {
        long refused = 0;
        foreach (ref readonly Outcome outcome in outcomes)
            refused += outcome.Verdict == Verdict.Accepted ? 0 : 1;
        _refused += refused;
        Settled?.Invoke(slots.Length);
    }

    public void OnClosed(ClosedBatch batch)
    {
        // Sealed in the journal; nobody listens here.
    }

    public void Dispose() => Node.Dispose();
}
