using System.Buffers;
using System.Runtime.InteropServices;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Client.Flow;

/// <summary>Where frames come from, and where their answers go.</summary>
internal interface IFrameSource
{
    /// <summary>The next frame, if there is one of at most so many slots; the connection's sending side.</summary>
    /// <param name="slotsFree">What credit is left. A source waits rather than cut a frame smaller because of it.</param>
    /// <param name="slotsMax">What one frame may carry.</param>
    OutFrame? Next(int slotsFree, int slotsMax);

    /// <summary>One verdict a slot, valid during the call; the connection's receiving side.</summary>
    void Answered(OutFrame frame, ReadOnlySpan<PaymentVerdict> verdicts);

    /// <summary>The server did not take the frame; nothing of it is settled.</summary>
    void Refused(OutFrame frame, RefusedException why);

    /// <summary>The connection broke before the answer. Called in the order of sending.</summary>
    void Broken(OutFrame frame);
}

/// <summary>A part of a frame that belongs to one call.</summary>
internal readonly record struct FrameShare(Submission Submission, int Start, int Count);

/// <summary>A frame of payments or commands that is being filled, sent, or answered. Its bytes come from a pool and go back there.</summary>
/// <remarks>Invariant: the bytes go back once, when both the sending side and whoever awaits the answer are done with them.</remarks>
internal sealed class OutFrame(IFrameSource source, FrameKind kind, FrameFlags flags)
{
    private const int HeadBytes = FrameHeader.Size + PaymentsBody.Size;
    private const int BufferBytesMin = 1_024;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferBytesMin);
    private List<PaymentEvidence>? _evidence;
    private int _holders = 2; // written by: both sides, interlocked

    public IFrameSource Source => source;

    public ulong Number { get; set; }

    public int Slots { get; private set; }

    /// <summary>Whether it, or a part of it, was sent before on a connection that broke.</summary>
    public bool IsRepeat { get; init; }

    /// <summary>Whose slots these are, in order; unused by a writer, whose slots are all its own.</summary>
    public List<FrameShare> Shares { get; } = [];

    public Span<Payment> Payments => MemoryMarshal.Cast<byte, Payment>(_buffer.AsSpan(HeadBytes, Slots * Payment.Size));

    /// <summary>What the evidence takes; at most <see cref="WireLimits.FrameEvidenceBytesMax"/>, which whoever adds to it sees to.</summary>
    public int EvidenceBytes { get; private set; }

    public IReadOnlyList<PaymentEvidence> Evidence => _evidence ?? (IReadOnlyList<PaymentEvidence>)[];

    /// <summary>The same to be sent on another connection: this one's bytes may still be on their way out.</summary>
    public OutFrame Again()
    {
        var again = new OutFrame(source, kind, flags) { IsRepeat = IsRepeat };
        Payments.CopyTo(again.Add(Slots));
        foreach (PaymentEvidence one in Evidence)
            again.AddEvidence([one], 0);
        again.Shares.AddRange(Shares);
        return again;
    }

    /// <summary>Room for more slots, to be filled by the caller.</summary>
    public Span<Payment> Add(int count)
    {
        int from = Slots;
        Slots += count;
        Reserve(HeadBytes + (Slots * Payment.Size));
        return Payments[from..];
    }

    /// <param name="evidence">With an index that counts from <paramref name="start"/>.</param>
    /// <param name="start">The slot from which it counts.</param>
    public void AddEvidence(ReadOnlySpan<PaymentEvidence> evidence, int start)
    {
        foreach (PaymentEvidence one in evidence)
        {
            (_evidence ??= []).Add(one with { Index = one.Index + start });
            EvidenceBytes += one.Size;
        }
    }

    /// <summary>The whole frame, to be sent.</summary>
    public ReadOnlyMemory<byte> Seal()
    {
        int at = HeadBytes + (Slots * Payment.Size);
        int bytes = at + EvidenceBytes;
        Reserve(bytes);
        var header = new FrameHeader { Bytes = (uint)(bytes - FrameHeader.Size), Kind = kind, Flags = flags, Number = Number };
        var body = new PaymentsBody { Count = (uint)Slots, EvidenceBytes = (uint)EvidenceBytes };
        MemoryMarshal.Write(_buffer, in header);
        MemoryMarshal.Write(_buffer.AsSpan(FrameHeader.Size), in body);
        _buffer.AsSpan(at, EvidenceBytes).Clear();
        foreach (PaymentEvidence one in Evidence)
            at += one.Write(_buffer.AsSpan(at), one.Index);
        return _buffer.AsMemory(0, bytes);
    }

    /// <summary>One of the two sides is done with the bytes.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) != 0)
            return;
        byte[] buffer = _buffer;
        _buffer = [];
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private void Reserve(int bytes)
    {
        if (bytes <= _buffer.Length)
            return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(bytes);
        _buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
