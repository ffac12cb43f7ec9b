using System.Buffers;
using System.Runtime.InteropServices;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Gateway.Wire;

/// <summary>Frames that go to the ring.</summary>
internal sealed partial class WireConnection
{
    private async ValueTask<bool> TakePaymentsAsync(FrameHeader header, ReadOnlySequence<byte> body)
    {
        PaymentsBody head = Read<PaymentsBody>(body);
        if (head.Reserved != 0)
            return RefuseFrame(RefusalCode.Malformed, in header, "A frame's reserved bytes are zero.");
        if (head.Count is 0 or > WireLimits.FramePaymentsMax)
            return RefuseFrame(head.Count == 0 ? RefusalCode.Malformed : RefusalCode.TooLarge, in header, $"A frame has 1 to {WireLimits.FramePaymentsMax} payments, not {head.Count}.");
        if (header.Bytes != PaymentsBody.Size + ((ulong)head.Count * Payment.Size) + head.EvidenceBytes)
            return RefuseFrame(RefusalCode.Malformed, in header, "A frame's length is not that of the payments and the evidence that it names.");
        if (head.EvidenceBytes > WireLimits.FrameEvidenceBytesMax)
            return RefuseFrame(RefusalCode.TooLarge, in header, $"A frame has at most {WireLimits.FrameEvidenceBytesMax} bytes of evidence.");
        var frame = new PendingFrame { Owner = this, Number = header.Number, Count = (int)head.Count, Flags = header.Flags };
        ReadOnlySequence<byte> payments = body.Slice(PaymentsBody.Size, frame.Count * Payment.Size);
        ReadOnlySequence<byte> evidence = body.Slice(payments.End);
        if (head.EvidenceBytes > 0 && EvidenceFault(evidence, frame.Count) is { } fault)
            return RefuseFrame(RefusalCode.Malformed, in header, $"The evidence cannot be read: {fault}.");
        if (!TryTakeCredit(in header, frame.Count, out bool goesOn))
            return goesOn;
        if (head.EvidenceBytes > 0)
        {
            await PutWithEvidenceAsync(frame, payments, evidence).ConfigureAwait(false);
            return true;
        }

        RingClaim claim = await ClaimAsync(frame.Count).ConfigureAwait(false);
        _server.Ingress.PutPayments(claim, in frame, in payments, _session!.Session);
        return true;
    }

    private static string? EvidenceFault(ReadOnlySequence<byte> evidence, int payments)
    {
        if (evidence.IsSingleSegment)
            return EvidenceReader.FaultOf(evidence.FirstSpan, payments);
        byte[] copy = ArrayPool<byte>.Shared.Rent((int)evidence.Length);
        evidence.CopyTo(copy);
        string? fault = EvidenceReader.FaultOf(copy.AsSpan(0, (int)evidence.Length), payments);
        ArrayPool<byte>.Shared.Return(copy);
        return fault;
    }

    private async ValueTask PutWithEvidenceAsync(PendingFrame frame, ReadOnlySequence<byte> payments, ReadOnlySequence<byte> evidence)
    {
        Volatile.Write(ref _isClaiming, 1);
        try
        {
            await _server.Evidence.PutAsync(frame, _session!, payments, evidence).ConfigureAwait(false);
        }
        catch
        {
            NotTaken(frame.Count);
            throw;
        }

        Volatile.Write(ref _isClaiming, 0);
    }

    private async ValueTask<bool> TakeCommandsAsync(FrameHeader header, ReadOnlySequence<byte> body)
    {
        PaymentsBody head = Read<PaymentsBody>(body);
        if (head.Reserved != 0 || head.EvidenceBytes != 0)
            return RefuseFrame(RefusalCode.Malformed, in header, "A frame's reserved bytes are zero, and commands have no evidence.");
        if (head.Count is 0 or > WireLimits.FramePaymentsMax)
            return RefuseFrame(head.Count == 0 ? RefusalCode.Malformed : RefusalCode.TooLarge, in header, $"A frame has 1 to {WireLimits.FramePaymentsMax} slots, not {head.Count}.");
        if (header.Bytes != PaymentsBody.Size + (head.Count * Payment.Size))
            return RefuseFrame(RefusalCode.Malformed, in header, "A frame's length is not that of the slots that it names.");
        int count = (int)head.Count;
        Payment[] slots = ArrayPool<Payment>.Shared.Rent(count);
        try
        {
            body.Slice(PaymentsBody.Size).CopyTo(MemoryMarshal.AsBytes(slots.AsSpan(0, count)));
            if (CommandFault(MemoryMarshal.Cast<Payment, ControlCommand>(slots.AsSpan(0, count)), _session!.Session) is { } fault)
                return RefuseFrame(RefusalCode.Malformed, in header, fault);
            if (!TryTakeCredit(in header, count, out bool goesOn))
                return goesOn;
            var frame = new PendingFrame { Owner = this, Number = header.Number, Count = count, Flags = header.Flags, AreCommands = true };
            RingClaim claim = await ClaimAsync(count).ConfigureAwait(false);
            _server.Ingress.Put(claim, in frame, slots.AsSpan(0, count));
            return true;
        }
        finally
        {
            ArrayPool<Payment>.Shared.Return(slots);
        }
    }

    /// <summary>Walks commands over their continuations, and puts the session into each.</summary>
    /// <returns>What is wrong; null: nothing.</returns>
    private static string? CommandFault(Span<ControlCommand> slots, ushort session)
    {
        for (int at = 0; at < slots.Length;)
        {
            ref ControlCommand command = ref slots[at];
            if (!command.Instruction.IsControl())
                return $"Slot {at} is no command: payments have frames of their own.";
            if (command.ContinuationSlots >= slots.Length - at)
                return $"The command in slot {at} goes on behind the frame's end.";
            command.Session = command.Session == 0 ? session : (ushort)0;
            at += 1 + command.ContinuationSlots;
        }

        return null;
    }

    /// <param name="header">Of the frame.</param>
    /// <param name="count">Its slots.</param>
    /// <param name="goesOn">Whether the connection goes on where it was not taken.</param>
    private bool TryTakeCredit(in FrameHeader header, int count, out bool goesOn)
    {
        goesOn = true;
        if (Volatile.Read(ref _isGoingAway) != 0)
        {
            Tell(RefusalCode.ServerEnding, header.Number, FrameFate.NotTaken, closes: false, NodeAddresses.None, "The server ends and takes nothing more. Connect again.");
            return false;
        }

        if (Interlocked.Add(ref _outstanding, count) <= _server.Options.Credit)
        {
            Interlocked.Add(ref _owed, count);
            return true;
        }

        Interlocked.Add(ref _outstanding, -count);
        Interlocked.Increment(ref _server.Counters.CreditExceeded);
        goesOn = RefuseFrame(RefusalCode.CreditExceeded, in header, $"With this frame's {count} slots more than {_server.Options.Credit} would be under way. An answer gives its frame's slots back.");
        return false;
    }

    private async ValueTask<RingClaim> ClaimAsync(int count)
    {
        Volatile.Write(ref _isClaiming, 1);
        try
        {
            RingClaim claim = await _server.Ingress.ClaimAsync(count, _aborted).ConfigureAwait(false);
            Volatile.Write(ref _isClaiming, 0);
            return claim;
        }
        catch
        {
            NotTaken(count);
            throw;
        }
    }

    /// <summary>Slots that were counted did not get into the ring.</summary>
    private void NotTaken(int count)
    {
        Interlocked.Add(ref _outstanding, -count);
        Interlocked.Add(ref _owed, -count);
    }
}
