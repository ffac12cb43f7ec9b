using System.Runtime.InteropServices;
using System.Text;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Client.Flow;

/// <summary>Reads what a server answers. Failure assumed: any bytes; what does not fit is refused whole.</summary>
internal static class VerdictReading
{
    /// <param name="flags">Of the frame.</param>
    /// <param name="body">Of the frame.</param>
    /// <param name="verdicts">One a slot that was sent.</param>
    public static bool TryRead(FrameFlags flags, ReadOnlySpan<byte> body, Span<PaymentVerdict> verdicts)
    {
        if (body.Length < VerdictsBody.Size)
            return false;
        VerdictsBody head = MemoryMarshal.Read<VerdictsBody>(body);
        bool tellsBalances = (flags & FrameFlags.Balances) != 0;
        int entryBytes = VerdictEntry.Size + (tellsBalances ? BalanceEntry.Size : 0);
        ReadOnlySpan<byte> entries = body[VerdictsBody.Size..];
        if (head.Count != verdicts.Length || head.Listed > head.Count || entries.Length != head.Listed * entryBytes)
            return false;
        for (int i = 0; i < verdicts.Length; i++)
            verdicts[i] = new PaymentVerdict { Verdict = Verdict.Accepted, Sequence = head.FirstSequence + (ulong)i };
        int before = -1;
        for (; !entries.IsEmpty; entries = entries[entryBytes..])
        {
            VerdictEntry entry = MemoryMarshal.Read<VerdictEntry>(entries);
            if (entry.Index <= before || entry.Index >= verdicts.Length)
                return false;
            before = entry.Index;
            bool isBatchTold = head.Batch != Outcome.NoBatch && entry.BatchesLater != ushort.MaxValue;
            verdicts[entry.Index] = new PaymentVerdict
            {
                Verdict = entry.Verdict,
                First = entry.First,
                Rule = entry.Rule,
                Batch = isBatchTold ? head.Batch + entry.BatchesLater : Outcome.NoBatch,
                Sequence = head.FirstSequence + entry.Index,
                Available = tellsBalances ? MemoryMarshal.Read<ulong>(entries[VerdictEntry.Size..]) : 0,
            };
        }

        return true;
    }

    public static RefusedException ReadRefusal(ReadOnlySpan<byte> body, out bool closes, out FrameFate fate)
    {
        closes = true;
        fate = FrameFate.Unknown;
        if (body.Length < RefusalBody.Size)
            return new RefusedException(RefusalCode.None, "it did not say why");
        RefusalBody head = MemoryMarshal.Read<RefusalBody>(body);
        closes = head.Closes != 0;
        fate = head.Fate;
        ReadOnlySpan<byte> text = body[RefusalBody.Size..];
        int addressBytes = Math.Min((int)head.AddressBytes, text.Length);
        _ = NodeAddresses.TryParse(Encoding.ASCII.GetString(text[..addressBytes]), out NodeAddresses? leader);
        text = text[addressBytes..];
        return new RefusedException(head.Code, leader ?? NodeAddresses.None, Printable(Encoding.UTF8.GetString(text[..Math.Min(text.Length, WireLimits.RefusalTextBytesMax)])));
    }

    /// <summary>Whatever a server says ends in somebody's log: no control characters.</summary>
    private static string Printable(string text) => string.Concat(text.Select(letter => char.IsControl(letter) ? ' ' : letter));
}
