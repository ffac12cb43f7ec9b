using System.Runtime.InteropServices;
using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.Tests.Live;

/// <summary>What producers publish beside payments, in the journal and behind it.</summary>
[TestFixture]
public sealed class EvidenceJournalTests
{
    private TemporaryFolder _place = null!;
    private LiveLedger _ledger = null!;

    [SetUp]
    public void Open()
    {
        _place = new TemporaryFolder();
        _ledger = new LiveLedger(_place.PathOf("journal"), new HandClock(LiveLedger.StartNs));
        _ledger.SetUp(wallets: 4);
    }

    [TearDown]
    public void Close()
    {
        _ledger.Dispose();
        _place.Dispose();
    }

    /// <summary>The bytes behind the payments, one by one.</summary>
    [Test]
    public void An_attachment_lies_as_pictured()
    {
        byte[] evidence = [.. Piece(EvidenceKind.Link, 0, 0, 0x11, 32), .. Piece(EvidenceKind.Signature, 1, 7, 0x22, 64, SignatureScheme.P256), .. Piece(EvidenceKind.Signature, 1, 9, 0x33, 3_309, SignatureScheme.MlDsa65)];
        _ledger.Submit([LiveLedger.Pay(1, 2, 5, stream: 1, number: 1), LiveLedger.Pay(2, 1, 5, stream: 2, number: 1)], evidence);
        _ledger.Node.Pipeline.Drain();
        _ledger.Close();
        byte[] body = PaymentBodies().Single(block => block.Header.AttachmentBytes > 0) is var found ? found.Body : [];
        Assert.That(found.Header.AttachmentBytes, Is.EqualTo(16 + 32 + 16 + 64 + 16 + 3_312));
        ReadOnlySpan<byte> attachment = body.AsSpan(2 * Payment.Size);
        Assert.That(attachment.Length, Is.EqualTo((int)found.Header.AttachmentBytes));
        Assert.That(attachment[..16].ToArray(), Is.EqualTo(new byte[] { 1, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }));
        Assert.That(attachment[16..48].ToArray(), Is.All.EqualTo(0x11));
        Assert.That(attachment[48..64].ToArray(), Is.EqualTo(new byte[] { 2, 1, 64, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0 }));
        Assert.That(attachment[64..128].ToArray(), Is.All.EqualTo(0x22));
        Assert.That(attachment[128..144].ToArray(), Is.EqualTo(new byte[] { 2, 2, 0xED, 0x0C, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0 }));
        Assert.That(attachment[144..(144 + 3_309)].ToArray(), Is.All.EqualTo(0x33));
        Assert.That(attachment[(144 + 3_309)..].ToArray(), Is.EqualTo(new byte[3]), "padding");
    }

    /// <summary>Claims of many producers, with and without evidence: each block has what belongs to its payments, and of a stream the highest link alone.</summary>
    [Test]
    public void Each_block_has_the_evidence_of_its_payments_and_the_last_link_of_each_stream()
    {
        Random seeds = PrintedSeed.Create();
        Thread[] threads = [.. Enumerable.Range(1, 3).Select(producer =>
        {
            var random = new Random(seeds.Next());
            return new Thread(() => Produce(random, (ulong)producer));
        })];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        _ledger.Node.Pipeline.Drain();
        _ledger.Close();

        int signatures = 0, streams = 0;
        foreach ((BlockHeader header, byte[] body) in PaymentBodies())
        {
            ReadOnlySpan<Payment> payments = MemoryMarshal.Cast<byte, Payment>(body.AsSpan(0, (int)header.Count * Payment.Size));
            ReadOnlySpan<byte> attachment = body.AsSpan((int)header.Count * Payment.Size);
            Assert.That(EvidenceReader.FaultOf(attachment, payments.Length), Is.Null);
            var last = new Dictionary<ulong, ulong>();
            var signed = new HashSet<int>();
            for (int i = 0; i < payments.Length; i++)
            {
                if (IsSigned(in payments[i]))
                    signed.Add(i);
                else if (HasLink(in payments[i]))
                    last[payments[i].IdHigh] = Math.Max(last.GetValueOrDefault(payments[i].IdHigh), payments[i].IdLow);
            }

            signatures += signed.Count;
            streams += last.Count;
            var reader = new EvidenceReader(attachment);
            while (reader.Next())
            {
                ref readonly Payment payment = ref payments[(int)reader.Entry.Index];
                Assert.That(reader.Content.IndexOfAnyExcept(Mark(in payment)), Is.EqualTo(-1), "its own bytes");
                if (reader.Entry.Kind == EvidenceKind.Signature)
                    Assert.That(signed.Remove((int)reader.Entry.Index), Is.True, "a signature of a payment that has one");
                else
                    Assert.That(last.Remove(payment.IdHigh, out ulong number) && number == payment.IdLow, Is.True, "the highest number of its stream, once");
            }

            Assert.That(signed, Is.Empty);
            Assert.That(last, Is.Empty);
        }

        Assert.That(signatures, Is.GreaterThan(1_000));
        Assert.That(streams, Is.GreaterThan(10));
        using BlockReplay replay = _ledger.ReplayAndCompare(out _, out _);
    }

    /// <summary>A chain was opened anew while a frame was checked against the one before: that frame's link counts for nothing, and takes no link of the new chain with it.</summary>
    [Test]
    public void A_link_of_an_earlier_chain_supersedes_none_of_the_one_in_its_place()
    {
        byte[] evidence = [.. Piece(EvidenceKind.Link, 0, 5, 0x11, 32), .. Piece(EvidenceKind.Link, 1, 7, 0x22, 32), .. Piece(EvidenceKind.Link, 2, 7, 0x33, 32)];
        _ledger.Submit([LiveLedger.Pay(1, 2, 5, stream: 1, number: 9), LiveLedger.Pay(1, 2, 5, stream: 1, number: 3), LiveLedger.Pay(1, 2, 5, stream: 1, number: 4)], evidence);
        _ledger.Node.Pipeline.Drain();
        _ledger.Close();
        (BlockHeader header, byte[] body) = PaymentBodies().Single(block => block.Header.AttachmentBytes > 0);
        Assert.That(body[((int)header.Count * Payment.Size)..], Is.EqualTo((byte[])[.. Piece(EvidenceKind.Link, 0, 5, 0x11, 32), .. Piece(EvidenceKind.Link, 2, 7, 0x33, 32)]));
    }

    /// <summary>More evidence than its memory holds, from producers at once: they wait, and go on.</summary>
    [Test]
    public void Producers_wait_where_evidence_fills_its_memory()
    {
        const int Producers = 12;
        byte[][] evidence = [.. Enumerable.Range(0, Producers).Select(_ => Enumerable.Range(0, 300).SelectMany(i => Piece(EvidenceKind.Signature, (uint)i, 1, 0x44, 3_309, SignatureScheme.MlDsa65)).ToArray())];
        Thread[] threads = [.. Enumerable.Range(0, Producers).Select(producer => new Thread(() =>
        {
            for (ulong round = 0; round < 4; round++)
                _ledger.Submit([.. Enumerable.Range(1, 300).Select(i => LiveLedger.Pay(1, 2, 1, (ulong)(producer + 1), (round * 300) + (ulong)i))], evidence[producer]);
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        _ledger.Node.Pipeline.Drain();
        _ledger.Close();
        long bytes = PaymentBodies().Sum(block => (long)block.Header.AttachmentBytes);
        Assert.That(bytes, Is.EqualTo(4L * Producers * evidence[0].Length));
        using BlockReplay replay = _ledger.ReplayAndCompare(out _, out _);
    }

    [Test]
    public void Evidence_that_is_none_is_refused_and_its_payments_go_on_without()
    {
        byte[][] bad =
        [
            [1, 2, 3], // less than a head
            Piece(EvidenceKind.Link, 1, 0, 1, 32), // of a payment that is not there
            Piece(EvidenceKind.Link, 0, 0, 1, 31),
            Piece(EvidenceKind.None, 0, 0, 1, 32),
            Piece(EvidenceKind.Signature, 0, 1, 1, 64, SignatureScheme.None),
            Piece(EvidenceKind.Signature, 0, 1, 1, 64, SignatureScheme.MlDsa65),
            Piece(EvidenceKind.Signature, 0, 0, 1, 64, SignatureScheme.P256),
            [.. Piece(EvidenceKind.Link, 0, 0, 1, 32), 0],
            Piece(EvidenceKind.Link, 0, 0, 1, 32)[..40],
            new byte[Limits.AttachmentBytesMax + 8],
        ];
        ulong number = 1;
        foreach (byte[] evidence in bad)
            Assert.That(() => _ledger.Submit([LiveLedger.Pay(1, 2, 5, stream: 1, number: number++)], evidence), Throws.ArgumentException);
        Assert.That(
            () => _ledger.Submit([LiveLedger.Setting(SettingKey.BatchCount, 100)], Piece(EvidenceKind.Link, 0, 0, 1, 32)), Throws.ArgumentException, "a command has none");
        _ledger.Node.Pipeline.Drain();
        Assert.That(_ledger.Outcomes.TakeLast(bad.Length + 1).Select(outcome => outcome.Verdict), Is.All.EqualTo(Verdict.Accepted));
        _ledger.Close();
        Assert.That(PaymentBodies().Sum(block => block.Header.AttachmentBytes), Is.Zero);
    }

    private void Produce(Random random, ulong producer)
    {
        ulong[] numbers = [1, 1, 1];
        for (int claim = 0; claim < 150; claim++)
        {
            var payments = new Payment[random.Next(1, 300)];
            var evidence = new List<byte>();
            var links = new Dictionary<ulong, int>();
            for (int i = 0; i < payments.Length; i++)
            {
                int stream = random.Next(3);
                payments[i] = LiveLedger.Pay(1, 2, 1, (producer << 8) + (ulong)stream, numbers[stream]++);
                if (IsSigned(in payments[i]))
                    evidence.AddRange(Piece(EvidenceKind.Signature, (uint)i, 1, Mark(in payments[i]), 64, SignatureScheme.P256));
                else if (HasLink(in payments[i]))
                    evidence.AddRange(Piece(EvidenceKind.Link, (uint)i, 0, Mark(in payments[i]), 32));
            }

            _ledger.Submit(payments, [.. evidence]);
        }
    }

    private static bool IsSigned(in Payment payment) => payment.Instruction == Instruction.Micropayment && (payment.IdHigh & 3) == 0 && payment.IdLow % 5 == 0;

    private static bool HasLink(in Payment payment) => payment.Instruction == Instruction.Micropayment && (payment.IdHigh & 3) != 0 && payment.IdLow % 3 == 0;

    private static byte Mark(in Payment payment) => (byte)(1 + (((payment.IdHigh * 31) + payment.IdLow) % 255));

    private static byte[] Piece(EvidenceKind kind, uint index, ulong key, byte fill, int length, SignatureScheme scheme = SignatureScheme.None)
    {
        byte[] content = new byte[length];
        content.AsSpan().Fill(fill);
        byte[] piece = new byte[EvidenceEntry.Size + ((length + 7) & ~7)];
        EvidenceReader.Write(piece, new EvidenceEntry { Kind = kind, Scheme = scheme, Index = index, Key = key }, content);
        return piece;
    }

    private List<(BlockHeader Header, byte[] Body)> PaymentBodies()
    {
        var blocks = new List<(BlockHeader, byte[])>();
        using JournalReader reader = JournalReader.Open(_place.PathOf("journal"));
        while (reader.Next())
        {
            if (reader.Header.Kind == BlockKind.Payments)
                blocks.Add((reader.Header, reader.Body.ToArray()));
        }

        Assert.That(reader.End!.Kind, Is.EqualTo(JournalEndKind.End));
        return blocks;
    }
}
