using System.Runtime.InteropServices;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Client.Flow;

/// <summary>Bodies of questions, and what their answers say.</summary>
internal static class Questions
{
    public static byte[] Ids(ReadOnlySpan<PaymentId> ids)
    {
        Span<AskedId> asked = Body<AskedId>(ids.Length, out byte[] body);
        for (int i = 0; i < ids.Length; i++)
        {
            asked[i] = new AskedId
            {
                IdLow = (ulong)ids[i].Value,
                IdHigh = (ulong)(ids[i].Value >> 64),
                Flags = ids[i].IsStream ? PaymentFlags.StreamId : PaymentFlags.None,
            };
        }

        return body;
    }

    public static void ReadIds(ReadOnlySpan<byte> answer, Span<FoundPayment> found)
    {
        ReadOnlySpan<IdAnswer> answers = Read<IdAnswer>(answer, found.Length, out _);
        for (int i = 0; i < found.Length; i++)
            found[i] = new FoundPayment(answers[i].Knowledge, answers[i].Verdict);
    }

    public static byte[] Stream(ulong stream)
    {
        Body<ulong>(1, out byte[] body)[0] = stream;
        return body;
    }

    public static StreamProgress ReadStream(ReadOnlySpan<byte> answer, ulong stream)
    {
        StreamAnswer told = Read<StreamAnswer>(answer, 1, out _)[0];
        if (told.Stream != stream || told.LowestMissing == 0)
            throw new SettlementException("the server answered about another stream");
        return new StreamProgress(stream, told.LowestMissing, told.HighestDecided);
    }

    public static byte[] Accounts(ReadOnlySpan<(ulong Wallet, ushort Currency)> accounts)
    {
        Span<AskedAccount> asked = Body<AskedAccount>(accounts.Length, out byte[] body);
        for (int i = 0; i < accounts.Length; i++)
            asked[i] = new AskedAccount { Wallet = accounts[i].Wallet, Currency = accounts[i].Currency };
        return body;
    }

    public static void ReadAccounts(ReadOnlySpan<byte> answer, Span<AccountBalance> balances)
    {
        ReadOnlySpan<AccountAnswer> answers = Read<AccountAnswer>(answer, balances.Length, out AnswersBody head);
        for (int i = 0; i < balances.Length; i++)
        {
            AccountAnswer told = answers[i];
            balances[i] = new AccountBalance(
                told.Wallet, told.Currency, told.IsKnown != 0, told.Available, told.Pending, told.Held, told.Status, head.AsOfSequence);
        }
    }

    private static Span<T> Body<T>(int count, out byte[] body)
        where T : unmanaged
    {
        int entries = count * Marshal.SizeOf<T>();
        body = new byte[CountBody.Size + entries];
        var head = new CountBody { Count = (uint)count };
        MemoryMarshal.Write(body, in head);
        return MemoryMarshal.Cast<byte, T>(body.AsSpan(CountBody.Size));
    }

    private static ReadOnlySpan<T> Read<T>(ReadOnlySpan<byte> answer, int count, out AnswersBody head)
        where T : unmanaged
    {
        head = MemoryMarshal.Read<AnswersBody>(answer);
        ReadOnlySpan<T> entries = MemoryMarshal.Cast<byte, T>(answer[AnswersBody.Size..]);
        if (head.Count != count || entries.Length != count)
            throw new SettlementException("the server answered another number of questions than was asked");
        return entries;
    }
}
