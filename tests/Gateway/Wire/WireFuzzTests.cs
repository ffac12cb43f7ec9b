using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Gateway.Wire;

/// <summary>
/// Frames that are nearly right, as many as there is time for, against what the protocol's page says of each: it is answered in its order, or it is refused with one
/// code and nothing behind it is taken. The server never fails, and the ledger's balances add up.
/// </summary>
/// <remarks>SETTLEMENT_LONG_SECONDS says how long: ten million inputs take less than 900 on two free cores, and 5 GB of temporary disk.</remarks>
[Category(LongRun.Category)]
internal sealed class WireFuzzTests
{
    private const int FramesAtOnce = 32;

    /// <summary>A connection lasts some dozen frames and then waits for the disk: with so many at a time, one wait serves all.</summary>
    private const int Parallel = 64;

    [Test]
    public async Task Any_frames_are_answered_or_refused_as_the_page_says()
    {
        int seed = PrintedSeed.Next();
        using var ledger = new ServedLedger(options => options.EndingMsMax = 30_000);
        ledger.SetUp(10);
        using ECDsa key = ledger.OperatorKey();
        using X509Certificate2 certificate = new CertificateRequest("CN=fuzz", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var run = new LongRun();
        long inputs = 0;
        await Task.WhenAll(Enumerable.Range(0, Parallel).Select(lane => Task.Run(async () =>
        {
            var random = new Random(seed + lane);
            for (int rounds = 0; run.MayGoOn(rounds); rounds++)
                Interlocked.Add(ref inputs, await RoundAsync(ledger, certificate, NodeKey.Of(key).Id, random));
        })));
        TestContext.Out.WriteLine($"{inputs} inputs");
        Assert.That(ledger.Host.Services.Engine.Failure, Is.Null);
        Assert.That(ledger.Host.Services.Counters.ConnectionsOpen, Is.Zero);
        using RawClient after = ledger.Operator();
        AskedAccount[] asked = [.. Enumerable.Range(1, 10).Select(wallet => new AskedAccount { Wallet = (ulong)wallet, Currency = ServedLedger.Euro })];
        after.Send(FrameKind.AskAccounts, new CountBody { Count = 10 }, MemoryMarshal.AsBytes(asked.AsSpan()));
        UInt128 sum = 0;
        foreach (AccountAnswer account in after.Receive(FrameKind.Accounts).ReadAll<AccountAnswer>(AnswersBody.Size))
            sum += (UInt128)account.Available + account.Pending + account.Held;
        Assert.That(sum, Is.EqualTo((UInt128)(10 * ServedLedger.OpeningUnits)));
    }

    /// <summary>One connection, from its session to its end.</summary>
    /// <returns>Frames sent.</returns>
    private static async Task<int> RoundAsync(ServedLedger ledger, X509Certificate2 certificate, KeyId key, Random random)
    {
        await using var connection = new PipedConnection(ledger.Host.Services.Wire, certificate);
        await connection.AuthenticateAsync(key);
        ulong number = 2;
        int sent = 0;
        for (int burst = 0; burst < 64; burst++)
        {
            var bytes = new List<byte>();
            var expected = new List<Expectation>();
            for (int i = 0; i < FramesAtOnce && (expected.Count == 0 || !expected[^1].Ends); i++)
            {
                (byte[] frame, Expectation expectation) = FuzzedFrame.Draw(random, ref number);
                bytes.AddRange(frame);
                expected.Add(expectation);
            }

            sent += expected.Count;
            await SendInPiecesAsync(connection, bytes.ToArray(), random);
            if (expected[^1].Kind == FrameKind.None)
                await connection.Output.CompleteAsync(); // a frame that is not whole: the client is gone
            if (!await CheckAsync(connection, expected))
                break;
        }

        return sent;
    }

    private static async Task SendInPiecesAsync(PipedConnection connection, byte[] bytes, Random random)
    {
        for (int at = 0; at < bytes.Length;)
        {
            int length = random.Next(4) == 0 ? Math.Min(random.Next(1, 200), bytes.Length - at) : bytes.Length - at;
            await connection.Output.WriteAsync(bytes.AsMemory(at, length));
            at += length;
        }
    }

    /// <returns>Whether the connection goes on.</returns>
    private static async Task<bool> CheckAsync(PipedConnection connection, List<Expectation> expected)
    {
        // Answers of payments come when they are durable, others at once: each sort in its own order.
        var open = expected.Where(one => one.Kind != FrameKind.None).ToList();
        while (open.Count > 0)
        {
            RawFrame frame = await connection.ReceiveAsync() ?? throw new AssertionException("the server ended the connection and owed an answer");
            bool isSlots = frame.Header.Kind == FrameKind.Verdicts;
            int at = open.FindIndex(one => (one.Kind == FrameKind.Verdicts) == isSlots);
            Assert.That(at, Is.GreaterThanOrEqualTo(0), $"nobody asked for a {frame.Header.Kind} {(frame.Header.Kind == FrameKind.Refusal ? frame.Sentence : "")}");
            Expectation one = open[at];
            open.RemoveAt(at);
            Assert.That(frame.Header.Kind, Is.EqualTo(one.Kind), $"{one.What} {(frame.Header.Kind == FrameKind.Refusal ? frame.Sentence : "")}");
            Assert.That(frame.Header.Number, Is.EqualTo(one.Number), one.What);
            one.Check(frame);
        }

        if (!expected[^1].Ends)
            return true;
        Assert.That(await connection.ReceiveAsync(), Is.Null);
        return false;
    }
}

/// <summary>What a frame must be answered with.</summary>
/// <param name="Kind">None: nothing, for it was not whole.</param>
internal sealed record Expectation(FrameKind Kind, ulong Number, RefusalCode Code, uint Count, FrameFlags Flags, string What)
{
    public bool Ends => Kind is FrameKind.Refusal or FrameKind.None;

    public void Check(RawFrame frame)
    {
        if (Kind == FrameKind.Refusal)
        {
            Assert.That((frame.Refusal.Code, frame.Refusal.Closes, frame.Refusal.Fate), Is.EqualTo((Code, (byte)1, FrameFate.NotTaken)), $"{What}: {frame.Sentence}");
            return;
        }

        if (Kind == FrameKind.Pong)
        {
            Assert.That(frame.Body, Is.Empty);
            return;
        }

        Assert.That(frame.Read<uint>(), Is.EqualTo(Count), What);
        if (Kind != FrameKind.Verdicts)
        {
            int size = Kind switch { FrameKind.Ids => IdAnswer.Size, FrameKind.Streams => StreamAnswer.Size, _ => AccountAnswer.Size };
            Assert.That(frame.Body, Has.Length.EqualTo(AnswersBody.Size + (Count * size)));
            return;
        }

        VerdictsBody head = frame.Read<VerdictsBody>();
        int entryBytes = (Flags & FrameFlags.Balances) != 0 ? 16 : 8;
        Assert.That(frame.Body, Has.Length.EqualTo(VerdictsBody.Size + (head.Listed * entryBytes)));
        Assert.That(head.Listed, Is.EqualTo((Flags & FrameFlags.ListAll) != 0 ? Count : Count - head.Accepted));
        int last = -1;
        for (int i = 0; i < head.Listed; i++)
        {
            VerdictEntry entry = frame.Read<VerdictEntry>(VerdictsBody.Size + (i * entryBytes));
            if (entry.Index <= last || entry.Index >= Count || entry.Verdict == Verdict.Undecided)
                Assert.Fail($"{What}: entry {i} is of payment {entry.Index} with verdict {entry.Verdict}, behind {last} of {Count}");
            last = entry.Index;
        }
    }
}
