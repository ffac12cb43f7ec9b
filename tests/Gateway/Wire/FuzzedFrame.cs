using System.Runtime.InteropServices;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Gateway.Wire;

/// <summary>Draws a frame of an open session, right or wrong in one or a few places, and says by the page alone what becomes of it.</summary>
internal static class FuzzedFrame
{
    /// <param name="random">The source of chance.</param>
    /// <param name="number">Of the frame before; moves on.</param>
    public static (byte[] Frame, Expectation Expectation) Draw(Random random, ref ulong number)
    {
        ulong before = number;
        number += (ulong)random.Next(1, 4);
        FrameKind kind = random.Next(12) switch { < 5 => FrameKind.Payments, 5 => FrameKind.Commands, 6 => FrameKind.AskIds, 7 => FrameKind.AskStreams, 8 => FrameKind.AskAccounts, _ => FrameKind.Ping };
        FrameFlags flags = kind is FrameKind.Payments or FrameKind.Commands ? (FrameFlags)random.Next(4) : FrameFlags.None;
        byte[] body = Body(random, kind);
        byte[] frame = RawClient.Frame(kind, number, flags, body);
        int faults = random.Next(40) switch { 0 => 1, 1 => 2, 2 => -1, _ => 0 };
        for (int i = 0; i < faults; i++)
            Harm(random, frame);
        if (faults < 0)
            return (frame[..random.Next(1, frame.Length)], new Expectation(FrameKind.None, 0, RefusalCode.None, 0, default, "cut off"));
        Expectation expectation = Judge(frame, before);
        number = Math.Min(MemoryMarshal.Read<FrameHeader>(frame).Number, ulong.MaxValue - (1 << 20)); // a harmed one counts, too
        return (frame, expectation);
    }

    private static byte[] Body(Random random, FrameKind kind)
    {
        int count = random.Next(8) == 0 ? random.Next(1, 200) : random.Next(1, 8);
        switch (kind)
        {
            case FrameKind.Payments:
                var payments = new Payment[count];
                for (int i = 0; i < count; i++)
                    payments[i] = PaymentOf(random);
                return [.. Head(count), .. MemoryMarshal.AsBytes(payments.AsSpan())];
            case FrameKind.Commands:
                // A batch is closed, and a command with a continuation that means nothing is refused by the engine.
                ControlCommand command = random.Next(2) == 0
                    ? new ControlCommand { Instruction = Instruction.CloseBatch }
                    : new ControlCommand { Instruction = Instruction.ActivateRules, ContinuationBytes = (uint)random.Next(1, 129) };
                var slots = new byte[Payment.Size * (1 + command.ContinuationSlots)];
                random.NextBytes(slots);
                MemoryMarshal.Write(slots, in command);
                return [.. Head(slots.Length / Payment.Size), .. slots];
            case FrameKind.AskIds:
                var ids = new AskedId[count];
                for (int i = 0; i < count; i++)
                    ids[i] = new AskedId { IdHigh = (ulong)random.Next(20), IdLow = (ulong)random.Next(2_000), Flags = (PaymentFlags)random.Next(2) };
                return [.. BitConverter.GetBytes((ulong)count), .. MemoryMarshal.AsBytes(ids.AsSpan())];
            case FrameKind.AskStreams:
                var names = new byte[count * 8];
                random.NextBytes(names);
                return [.. BitConverter.GetBytes((ulong)count), .. names];
            case FrameKind.AskAccounts:
                var accounts = new AskedAccount[count];
                for (int i = 0; i < count; i++)
                    accounts[i] = new AskedAccount { Wallet = (ulong)random.Next(20), Currency = (ushort)random.Next(1_000) };
                return [.. BitConverter.GetBytes((ulong)count), .. MemoryMarshal.AsBytes(accounts.AsSpan())];
            default:
                return [];
        }
    }

    private static byte[] Head(int count) => [.. BitConverter.GetBytes(count), .. new byte[12]];

    private static Payment PaymentOf(Random random)
    {
        var payment = ServedLedger.Pay((ulong)random.Next(1, 12), (ulong)random.Next(1, 12), (ulong)random.Next(20), (ulong)random.Next(20), (ulong)random.Next(2_000));
        payment.Instruction = (Instruction)random.Next(1, 7); // no issue and no redemption: what there is stays as much as it is
        if (random.Next(10) == 0)
            MemoryMarshal.AsBytes(new Span<Payment>(ref payment))[random.Next(Payment.Size)] ^= (byte)(1 << random.Next(8));
        if (payment.Instruction is Instruction.Issue or Instruction.Redeem)
            payment.Instruction = Instruction.None;
        return payment;
    }

    /// <summary>Changes what the page speaks of: the header, the counts, the reserved bytes.</summary>
    private static void Harm(Random random, byte[] frame)
    {
        int at = random.Next(4) switch
        {
            0 => 4 + random.Next(4), // kind, flags, reserved
            1 => 8 + random.Next(8), // number
            _ => FrameHeader.Size + random.Next(Math.Max(1, Math.Min(16, frame.Length - FrameHeader.Size))), // the body's head
        };
        if (at < frame.Length)
            frame[at] = random.Next(2) == 0 ? (byte)random.Next(256) : (byte)(frame[at] ^ (1 << random.Next(8)));
    }

    private static Expectation Judge(byte[] frame, ulong before)
    {
        FrameHeader header = MemoryMarshal.Read<FrameHeader>(frame);
        ReadOnlySpan<byte> body = frame.AsSpan(FrameHeader.Size);
        string what = Convert.ToHexString(frame.AsSpan(0, Math.Min(48, frame.Length)));
        bool isSlots = header.Kind is FrameKind.Payments or FrameKind.Commands;
        if (header.Reserved != 0 || (byte)header.Flags > 3 || (header.Flags != 0 && !isSlots) || header.Number <= before)
            return Refused(RefusalCode.Malformed);
        if (header.Kind is FrameKind.Hello or FrameKind.Authenticate)
            return Refused(RefusalCode.OutOfOrder);
        (uint least, uint most, FrameKind answer) = header.Kind switch
        {
            FrameKind.Payments => (80u, 16u + (8_190 * 64) + 655_200, FrameKind.Verdicts),
            FrameKind.Commands => (80u, 16u + (8_190 * 64), FrameKind.Verdicts),
            FrameKind.AskIds => (32u, 8u + (1_024 * 24), FrameKind.Ids),
            FrameKind.AskStreams => (16u, 8u + (1_024 * 8), FrameKind.Streams),
            FrameKind.AskAccounts => (24u, 8u + (1_024 * 16), FrameKind.Accounts),
            FrameKind.Ping => (0u, 0u, FrameKind.Pong),
            FrameKind.Bye => (0u, 0u, FrameKind.None),
            _ => (1u, 0u, FrameKind.None),
        };
        if (least > most)
            return Refused(RefusalCode.Malformed);
        if (header.Bytes > most)
            return Refused(RefusalCode.TooLarge);
        if (header.Bytes < least)
            return Refused(RefusalCode.Malformed);
        if (body.IsEmpty)
            return new Expectation(answer, header.Number, RefusalCode.None, 0, header.Flags, what);
        uint count = MemoryMarshal.Read<uint>(body);
        uint second = MemoryMarshal.Read<uint>(body[4..]);
        if ((isSlots ? MemoryMarshal.Read<ulong>(body[8..]) : second) != 0 || (header.Kind == FrameKind.Commands && second != 0))
            return Refused(RefusalCode.Malformed);
        if (count == 0)
            return Refused(RefusalCode.Malformed);
        if (count > (isSlots ? 8_190u : 1_024u))
            return Refused(RefusalCode.TooLarge);
        int size = header.Kind switch { FrameKind.AskIds => 24, FrameKind.AskStreams => 8, FrameKind.AskAccounts => 16, _ => 64 };
        if (body.Length != (isSlots ? 16 : 8) + ((long)count * size) + (isSlots ? second : 0))
            return Refused(RefusalCode.Malformed);
        if (second != 0 && EvidenceReader.FaultOf(body[^(int)second..], (int)count) is not null)
            return Refused(RefusalCode.Malformed);
        if (!AreFine(header.Kind, body[(isSlots ? 16 : 8)..], (int)count))
            return Refused(RefusalCode.Malformed);
        return new Expectation(answer, header.Number, RefusalCode.None, count, header.Flags, what);

        Expectation Refused(RefusalCode code) => new(FrameKind.Refusal, header.Number, code, 0, default, what);
    }

    private static bool AreFine(FrameKind kind, ReadOnlySpan<byte> items, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (kind == FrameKind.AskIds && (items[(i * 24) + 16] > 1 || items.Slice((i * 24) + 17, 7).ContainsAnyExcept((byte)0)))
                return false;
            if (kind == FrameKind.AskAccounts && items.Slice((i * 16) + 10, 6).ContainsAnyExcept((byte)0))
                return false;
            if (kind != FrameKind.Commands)
                continue;
            ReadOnlySpan<byte> slot = items.Slice(i * 64, 64);
            long continuation = (MemoryMarshal.Read<uint>(slot[52..]) + 63L) / 64;
            if (slot[58] < 128 || continuation > count - i - 1)
                return false;
            i += (int)continuation;
        }

        return true;
    }
}
