using System.Diagnostics;
using System.Runtime.InteropServices;
using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Gateway.Input;

namespace Settlement.Gateway.Settle;

/// <summary>Which of a run's inputs a slot came from, and its line: what stands beside the slot in the ring. Line in the low 40 bits.</summary>
internal readonly record struct SlotTag(int Source, long Line)
{
    private const int LineBits = 40;

    public ulong Packed => ((ulong)Source << LineBits) | (ulong)Line;

    public static SlotTag Of(ulong packed) => new((int)(packed >> LineBits), (long)(packed & ((1UL << LineBits) - 1)));
}

/// <summary>The one producer of a run: puts records and commands into the ring, in their order.</summary>
/// <param name="pipeline">Whose ring.</param>
/// <param name="replies">Measures how long verdicts take; null: nobody asks.</param>
internal sealed class Submitter(Pipeline pipeline, ReplyCollector? replies)
{
    /// <summary>Records claimed at once: large enough to spread a claim's cost, small enough for the first to move on early.</summary>
    public const int ClaimSlots = 512;

    /// <summary>Payments, or control commands of one slot each, under one session.</summary>
    public void Payments(ReadOnlySpan<PaymentRecord> records, int source, ushort session)
    {
        if (records.IsEmpty)
            return;
        long first = Claim(records.Length, source >= SlotSource.FirstFile);
        for (int done = 0; done < records.Length;)
        {
            Span<Payment> slots = pipeline.Slots(first + done, records.Length - done, out Span<ulong> tags);
            for (int i = 0; i < slots.Length; i++)
            {
                ref readonly PaymentRecord record = ref records[done + i];
                slots[i] = record.Payment;
                slots[i].Session = session;
                tags[i] = new SlotTag(source, record.Line).Packed;
            }

            done += slots.Length;
        }

        pipeline.Publish(first, records.Length);
    }

    public void Command(in ControlCommand command, SlotTag tag, ReadOnlySpan<byte> continuation = default)
    {
        int slots = 1 + ((continuation.Length + Payment.Size - 1) / Payment.Size);
        if (slots > Limits.BlockSlotsMax)
            throw new UsageException($"a command of {continuation.Length} bytes is longer than the {Limits.BlockBodyBytesMax - Payment.Size} that a block holds");
        Span<byte> bytes = new byte[slots * Payment.Size];
        ControlCommand sized = command;
        sized.ContinuationBytes = (uint)continuation.Length;
        MemoryMarshal.Write(bytes, in sized);
        continuation.CopyTo(bytes[Payment.Size..]);
        ReadOnlySpan<Payment> source = MemoryMarshal.Cast<byte, Payment>(bytes);
        long first = Claim(slots, arePayments: false);
        for (int done = 0; done < slots;)
        {
            Span<Payment> ring = pipeline.Slots(first + done, slots - done, out Span<ulong> tags);
            source.Slice(done, ring.Length).CopyTo(ring);
            tags.Fill(tag.Packed);
            done += ring.Length;
        }

        pipeline.Publish(first, slots);
    }

    private long Claim(int count, bool arePayments)
    {
        long first = pipeline.Claim(count);
        replies?.Submitted(first + count - 1, Stopwatch.GetTimestamp(), arePayments);
        return first;
    }
}
