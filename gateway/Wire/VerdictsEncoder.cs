using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Gateway.Wire;

/// <summary>
/// Makes a frame of verdicts of the outcomes as they come, in one place for all connections: frames are decided one after the other.
/// </summary>
/// <remarks>Owner: the reply thread. 16 + 24 + 8,190 x 16 B = 131 KiB.</remarks>
internal sealed class VerdictsEncoder
{
    private const int HeadBytes = FrameHeader.Size + VerdictsBody.Size;

    private readonly byte[] _bytes = GC.AllocateArray<byte>(HeadBytes + (WireLimits.FramePaymentsMax * (VerdictEntry.Size + BalanceEntry.Size)), pinned: true);
    private int _length;
    private uint _listed;
    private uint _accepted;
    private uint _batch;
    private ulong _firstSequence;

    /// <summary>Some outcomes of a frame.</summary>
    /// <returns>The whole answer, behind the frame's last outcome; else nothing. Good until the next call.</returns>
    public ReadOnlySpan<byte> Add(in PendingFrame frame, int index, ReadOnlySpan<Outcome> outcomes, ulong sequence)
    {
        if (index == 0)
            Begin(outcomes[0].Batch, sequence);
        bool listAll = (frame.Flags & FrameFlags.ListAll) != 0;
        bool balances = (frame.Flags & FrameFlags.Balances) != 0;
        uint accepted = 0;
        for (int i = 0; i < outcomes.Length; i++)
        {
            bool isPlain = outcomes[i].Verdict == Verdict.Accepted;
            accepted += isPlain ? 1u : 0;
            if (!isPlain || listAll)
                List(in outcomes[i], index + i, balances);
        }

        _accepted += accepted;
        return index + outcomes.Length == frame.Count ? End(in frame) : default;
    }

    private void Begin(uint batch, ulong sequence)
    {
        _length = HeadBytes;
        (_listed, _accepted) = (0, 0);
        (_batch, _firstSequence) = (batch, sequence);
    }

    private void List(in Outcome outcome, int index, bool balance)
    {
        ref byte at = ref _bytes[_length];
        Unsafe.WriteUnaligned(ref at, new VerdictEntry
        {
            Index = (ushort)index,
            Verdict = outcome.Verdict,
            First = outcome.First,
            Rule = outcome.Rule,
            BatchesLater = outcome.Batch == Outcome.NoBatch ? (ushort)0 : (ushort)Math.Min(outcome.Batch - _batch, ushort.MaxValue),
        });
        _length += VerdictEntry.Size;
        _listed++;
        if (!balance)
            return;
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref at, VerdictEntry.Size), new BalanceEntry { Available = outcome.Available });
        _length += BalanceEntry.Size;
    }

    private ReadOnlySpan<byte> End(in PendingFrame frame)
    {
        Span<byte> bytes = _bytes.AsSpan(0, _length);
        MemoryMarshal.Write(bytes, new FrameHeader
        {
            Bytes = (uint)(_length - FrameHeader.Size),
            Kind = FrameKind.Verdicts,
            Flags = frame.Flags & FrameFlags.Balances,
            Number = frame.Number,
        });
        MemoryMarshal.Write(bytes[FrameHeader.Size..], new VerdictsBody
        {
            Count = (uint)frame.Count,
            Listed = _listed,
            FirstSequence = _firstSequence,
            Batch = _batch,
            Accepted = _accepted,
        });
        return bytes;
    }
}
