using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Gateway.Wire;

/// <summary>
/// Non-interference over the wire: two ledgers that differ only above a session's clearance send that session the same bytes. Masked are what no ledger has
/// in common with another: its id, nonces, and the times of its blocks.
/// </summary>
internal sealed class WireSecrecyTests
{
    private const byte Low = 1;
    private const ulong LowWallets = 6; // 1..6 of level 0 or 1, alike in both ledgers
    private const ulong Purse = 7; // a low wallet that pays those above, and that the script never lets pay: it cannot run dry
    private const ulong HighFirst = 100, HighCount = 12; // above Low, others in each ledger

    [Test]
    public void A_session_sees_the_same_bytes_whatever_there_is_above_its_clearance([Values(1, 2, 3)] int round)
    {
        int seed = PrintedSeed.Next() ^ round;
        List<byte[]> one = Observe(seed, secrets: new Random(seed + 1));
        List<byte[]> other = Observe(seed, secrets: new Random(seed + 2));
        Assert.That(one, Has.Count.EqualTo(other.Count).And.Count.GreaterThan(60));
        for (int i = 0; i < one.Count; i++)
            Assert.That(Convert.ToHexString(one[i]), Is.EqualTo(Convert.ToHexString(other[i])), $"answer {i}");
    }

    /// <summary>The test can fail: what lies at the clearance is seen.</summary>
    [Test]
    public void What_lies_at_its_clearance_does_reach_it()
    {
        int seed = PrintedSeed.Next();
        List<byte[]> one = Observe(seed, new Random(seed), lowOpening: 1_000_000);
        List<byte[]> other = Observe(seed, new Random(seed), lowOpening: 1_000_001);
        Assert.That(one.Zip(other).Any(pair => !pair.First.AsSpan().SequenceEqual(pair.Second)));
    }

    private static List<byte[]> Observe(int seed, Random secrets, ulong lowOpening = 1_000_000)
    {
        using var ledger = new ServedLedger();
        ledger.SetUp(0);
        ulong[] high = SetUpWallets(ledger, secrets, lowOpening);
        using ECDsa highKey = ledger.NewKeyOf(ServedLedger.SessionOfBank1);
        using ECDsa lowKey = ledger.NewKeyOf(ServedLedger.LowSessionOfBank1);
        using RawClient above = RawClient.Open(ledger.Binary, highKey, out _);
        using RawClient below = RawClient.Open(ledger.Binary, lowKey, out SessionBody session);
        var seen = new List<byte[]>();
        session.TimeNs = 0;
        seen.Add(MemoryMarshal.AsBytes([session]).ToArray());
        var script = new Random(seed);
        for (ulong step = 1; step <= 40; step++)
        {
            PayAbove(above, high, secrets, step);
            seen.Add(Answer(below, script.Next(4) switch
            {
                0 => SendPayments(below, script, step),
                1 => below.Send(FrameKind.AskAccounts, new CountBody { Count = 3 }, MemoryMarshal.AsBytes<AskedAccount>(
                    [Asked(script, 1, Purse), Asked(script, HighFirst, HighCount), Asked(script, HighFirst, 3 * HighCount)])),
                2 => below.Send(FrameKind.AskIds, new CountBody { Count = 1 }, MemoryMarshal.AsBytes<AskedId>(
                    [new AskedId { IdHigh = 40, IdLow = (ulong)script.NextInt64(1, 400), Flags = PaymentFlags.StreamId }])),
                _ => below.Send(FrameKind.AskStreams, new CountBody { Count = 2 }, MemoryMarshal.AsBytes<ulong>([40, 41])),
            }));
            seen.Add(Answer(below, SendPayments(below, script, step + 1_000)));
        }

        return seen;
    }

    /// <summary>Wallets that the low session may know, alike, and others above it: which there are, their levels, statuses and balances are secrets.</summary>
    /// <returns>Those of the first bank that can pay.</returns>
    private static ulong[] SetUpWallets(ServedLedger ledger, Random secrets, ulong lowOpening)
    {
        using RawClient client = ledger.Operator();
        var wallets = new List<ControlCommand>();
        for (ulong wallet = 1; wallet <= LowWallets; wallet++)
            wallets.Add(Open(wallet, (byte)(wallet % 2), bank: (ushort)(1 + (wallet / 4))));
        wallets.Add(Open(Purse, level: 0, bank: 1));
        ulong[] high = [.. Enumerable.Range(0, (int)(2 * HighCount)).OrderBy(_ => secrets.Next()).Take((int)HighCount).Select(i => HighFirst + (ulong)i)];
        foreach (ulong wallet in high)
            wallets.Add(Open(wallet, (byte)secrets.Next(Low + 1, 256), bank: 1));
        client.SendCommands([.. wallets]);
        Assert.That(client.ReceiveVerdicts(), Is.All.EqualTo(Verdict.Accepted));
        Payment[] openings =
        [
            .. wallets.Select(open => new Payment
            {
                IdHigh = Limits.OpeningIdHigh | ServedLedger.Euro, IdLow = open.Subject, Payee = open.Subject, Currency = ServedLedger.Euro,
                Amount = open.Subject < HighFirst ? lowOpening : (ulong)secrets.NextInt64(500_000, 50_000_000),
                Instruction = Instruction.Issue, Flags = PaymentFlags.Opening,
            }),
        ];
        client.SendPayments(openings, FrameFlags.ListAll);
        Assert.That(client.ReceiveVerdicts(), Is.All.EqualTo(Verdict.Accepted));
        return high;
    }

    private static ControlCommand Open(ulong wallet, byte level, ushort bank) => new()
    {
        Instruction = Instruction.OpenWallet, Subject = wallet, Participant = bank, Country = 276, Currency = ServedLedger.Euro, Level = level,
    };

    /// <summary>Payments above the clearance: as many, accepted, in both ledgers; between whom and how much are secrets. A trusted path is not: levels only rise.</summary>
    private static void PayAbove(RawClient above, ulong[] high, Random secrets, ulong step)
    {
        var payments = new Payment[5];
        for (int i = 0; i < payments.Length; i++)
        {
            // From a low wallet of the bank up, so that any of them may be paid; its amount is alike, or its owner would see another balance.
            payments[i] = ServedLedger.Pay(Purse, high[secrets.Next(high.Length)], 1 + (ulong)i, stream: 50, (step * 5) - 4 + (ulong)i);
        }

        above.SendPayments(payments, FrameFlags.ListAll | FrameFlags.Balances);
        VerdictEntry[] entries = [.. Enumerable.Range(0, payments.Length).Select(_ => default(VerdictEntry))];
        RawFrame answer = above.Receive(FrameKind.Verdicts);
        for (int i = 0; i < entries.Length; i++)
            entries[i] = answer.Read<VerdictEntry>(VerdictsBody.Size + (i * (VerdictEntry.Size + BalanceEntry.Size)));
        Assert.That(entries.Select(entry => entry.Verdict), Is.All.EqualTo(Verdict.Accepted));
    }

    /// <summary>Payments of the low session: good ones, from others' wallets, from wallets above it that there are or are not, and repeats.</summary>
    private static ulong SendPayments(RawClient below, Random script, ulong step)
    {
        var payments = new Payment[8];
        for (int i = 0; i < payments.Length; i++)
        {
            ulong payer = script.Next(3) == 0 ? HighFirst + (ulong)script.Next((int)(3 * HighCount)) : (ulong)script.NextInt64(1, (long)LowWallets + 1);
            payments[i] = ServedLedger.Pay(payer, (ulong)script.NextInt64(1, (long)LowWallets + 1), (ulong)script.Next(0, 300_000), 40 + (step & 1), ((step % 1_000) * 8) + (ulong)i + 1);
            payments[i].Level = (byte)script.Next(0, 3);
        }

        return below.SendPayments(payments, FrameFlags.ListAll | FrameFlags.Balances);
    }

    private static AskedAccount Asked(Random script, ulong first, ulong count) =>
        new() { Wallet = first + (ulong)script.NextInt64((long)count), Currency = ServedLedger.Euro };

    private static byte[] Answer(RawClient below, ulong number)
    {
        RawFrame frame = below.Receive();
        Assert.That(frame.Header.Number, Is.EqualTo(number));
        if (frame.Header.Kind is FrameKind.Accounts or FrameKind.Ids or FrameKind.Streams)
            frame.Body.AsSpan(16, sizeof(ulong)).Clear(); // the time of the block
        return [(byte)frame.Header.Kind, (byte)frame.Header.Flags, .. frame.Body];
    }
}
