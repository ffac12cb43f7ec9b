using System.Security.Cryptography;
using System.Text.Json;
using Settlement.Engine;
using Settlement.Engine.Consent;
using Settlement.Engine.Consent.Checking;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Tests.Live;
using Settlement.Tests.Replay;

namespace Settlement.Tests.Consent;

/// <summary>
/// Payments of wallets that ask for their owners' consent, from the checker through ring and journal to the verdict, over restarts, and once more by `replay verify`.
/// </summary>
[TestFixture]
public sealed class ConsentJournalTests
{
    private const ushort Session = 2;
    private const ushort Redeemer = 1;
    private const ulong SignedWallet = 1;
    private const ulong StreamWallet = 2;
    private const uint ChainLength = 60_000;

    private TemporaryFolder _place = null!;
    private LiveLedger _ledger = null!;
    private ECDsa _key = null!;
    private PayWordChain _chain = null!;

    [SetUp]
    public void Open()
    {
        _place = new TemporaryFolder();
        _ledger = new LiveLedger(_place.PathOf("journal"), new HandClock(LiveLedger.StartNs));
        _ledger.SetUp(wallets: 4);
        _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Digest seed = default;
        ((Span<byte>)seed).Fill(7);
        _chain = new PayWordChain(in seed, ChainLength);
        OpenChecker();
        Accepted(LiveLedger.Slot(new ControlCommand { Instruction = Instruction.OpenSession, Subject = Session, Participant = Redeemer, Level = 255 }));
        foreach ((ulong wallet, ConsentPolicy policy) in new[] { (SignedWallet, ConsentPolicy.Signed), (StreamWallet, ConsentPolicy.Stream) })
        {
            Accepted(PayloadCommand.ToSlots(Instruction.RegisterKey, Limits.OperatorSession, new KeyRegistration(KeyRole.Wallet, wallet, SignatureScheme.P256, NodeKey.Of(_key).Spki(), []).Encode()));
            Accepted(PayloadCommand.ToSlots(Instruction.SetConsent, Limits.OperatorSession, new ConsentSetting(wallet, policy, 1, 0, []).Encode()));
        }

        // Wallet 2 is of the redeemer's own participant.
        var mandate = new MandateSetting(SignedWallet, Redeemer, true, 0, []);
        mandate = mandate with { Signatures = [Signed(Instruction.SetMandate, SignedWallet, mandate.Body())] };
        Accepted(PayloadCommand.ToSlots(Instruction.SetMandate, Limits.OperatorSession, mandate.Encode()));
        var commitment = new ChainCommitment(StreamWallet, Redeemer, 5, LiveLedger.Euro, 0, 10, 1_000_000, LiveLedger.StartNs + Limits.NsPerDay, ChainLength, _chain.End);
        byte[] signature = _key.SignData(ConsentMessage.OfChain(7, commitment), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        Accepted(PayloadCommand.ToSlots(Instruction.OpenChain, Limits.OperatorSession, new ChainOpening(commitment, [new OwnerSignature(1, signature)]).Encode()));
    }

    [TearDown]
    public void Close()
    {
        _ledger.Checker?.Dispose();
        _ledger.Dispose();
        _key.Dispose();
        _place.Dispose();
    }

    [Test]
    public void What_the_owner_gave_is_accepted_and_what_he_did_not_give_is_not()
    {
        Payment signed = Pay(SignedWallet, stream: 6, number: 1);
        Payment forged = Pay(SignedWallet, stream: 6, number: 2);
        Send([signed, forged], [.. Signature(0, in signed), .. Signature(1, in signed)]);
        Send([.. Enumerable.Range(1, 100).Select(number => Pay(StreamWallet, 5, (ulong)number))], Link(99, 100));
        Send([Pay(StreamWallet, 5, 101), Pay(StreamWallet, 5, 103)], Link(1, 102));
        _ledger.Node.Pipeline.Drain();
        Verdict[] verdicts = [.. _ledger.Outcomes.TakeLast(104).Select(outcome => outcome.Verdict)];
        Assert.That(verdicts[0], Is.EqualTo(Verdict.Accepted));
        Assert.That(verdicts[1], Is.EqualTo(Verdict.ConsentMissing));
        Assert.That(verdicts[2..102], Is.All.EqualTo(Verdict.Accepted), "one link for a hundred payments");
        Assert.That(verdicts[102..], Is.All.EqualTo(Verdict.ConsentMissing), "the link of another number");
        JsonElement report = Verify(0);
        Assert.That((report.GetProperty("links").GetInt64(), report.GetProperty("signatures").GetInt64()), Is.EqualTo((1L, 1L)));
        Assert.That(Verify(0, "--no-signatures").GetProperty("signatures").GetInt64(), Is.Zero);
    }

    /// <summary>A node that takes evidence at its word is found out by who checks its journal.</summary>
    [Test]
    public void A_signature_that_was_journaled_and_is_none_is_named_with_block_slot_and_wallet()
    {
        Payment payment = Pay(SignedWallet, stream: 6, number: 1);
        _ledger.Submit([Pay(3, 6, 9), payment], Signature(1, Pay(SignedWallet, stream: 6, number: 2)));
        _ledger.Node.Pipeline.Drain();
        Assert.That(_ledger.Outcomes[^1].Verdict, Is.EqualTo(Verdict.Accepted), "the node lies");
        ulong block = LastPayments(out ulong first);
        string what = Verify(1).GetProperty("end").GetProperty("what").GetString()!;
        Assert.That(what, Is.EqualTo($"block {block}, slot 1 (sequence {first + 1}): the signature is not one of key 1 of wallet {SignedWallet}"));
        Assert.That(Verify(0, "--no-signatures").GetProperty("signatures_left_out").GetBoolean());
    }

    [Test]
    public void A_link_that_was_journaled_and_is_none_is_named_with_block_slot_and_wallet()
    {
        byte[] link = Link(0, 3, opened: _ledger.Node.State.Sequence);
        link[^1] ^= 1;
        _ledger.Submit([Pay(StreamWallet, 5, 3)], link);
        _ledger.Node.Pipeline.Drain();
        Assert.That(_ledger.Outcomes[^1].Verdict, Is.EqualTo(Verdict.Accepted), "the node lies");
        ulong block = LastPayments(out ulong first);
        string what = Verify(1).GetProperty("end").GetProperty("what").GetString()!;
        Assert.That(what, Is.EqualTo($"block {block}, slot 0 (sequence {first}): the link is not one of the chain that the owner of wallet {StreamWallet} committed to"));
    }

    /// <summary>It was checked against a chain whose place another has taken meanwhile.</summary>
    [Test]
    public void A_link_of_another_chain_counts_for_nothing()
    {
        _ledger.Submit([Pay(StreamWallet, 5, 3)], Link(0, 3, opened: 1));
        _ledger.Node.Pipeline.Drain();
        Assert.That(_ledger.Outcomes[^1].Verdict, Is.EqualTo(Verdict.ConsentMissing));
        Assert.That(Verify(0).GetProperty("links").GetInt64(), Is.Zero);
    }

    /// <summary>Closed in mid-flight, again and again: whatever was decided is decided again, and no link is redeemed twice.</summary>
    [Test]
    public void A_journal_with_evidence_that_was_cut_off_in_mid_flight_decides_the_same_again()
    {
        Random random = PrintedSeed.Create();
        ulong number = 1;
        for (int round = 0; round < 10; round++)
        {
            for (int frame = random.Next(1, 30); frame > 0; frame--)
            {
                Payment[] payments = new Payment[random.Next(1, 150)];
                for (int i = 0; i < payments.Length; i++)
                    payments[i] = Pay(StreamWallet, 5, number++);
                Payment signed = Pay(SignedWallet, 6, number);
                Send([.. payments, signed], [.. Link((uint)payments.Length - 1, (uint)number - 1), .. Signature((uint)payments.Length, in signed)]);
            }

            if (random.Next(3) == 0)
                Thread.Sleep(random.Next(20));
            _ledger.Reopen();
            OpenChecker();
            // Whatever was not journaled is sent again, with some of what was: numbers decided are duplicates.
            ulong last = _ledger.Node.State.Consent.FindChain(Redeemer, 5, StreamWallet)!.Last;
            number = last + 1 - Math.Min((ulong)random.Next(200), last);
        }

        _ledger.Node.Pipeline.Drain();
        PayChain chain = _ledger.Node.State.Consent.FindChain(Redeemer, 5, StreamWallet)!;
        ulong spent = chain.Spent;
        Assert.That(spent, Is.Positive.And.EqualTo(chain.Last), "one unit a number, once");
        _ledger.Close();
        using (BlockReplay replay = _ledger.ReplayAndCompare(out _, out _))
            Assert.That(replay.State.Consent.FindChain(Redeemer, 5, StreamWallet)!.Spent, Is.EqualTo(spent));
        JsonElement report = Verify(0);
        Assert.That(report.GetProperty("links").GetInt64(), Is.Positive, "one a block");
        Assert.That(report.GetProperty("signatures").GetInt64(), Is.GreaterThan(10));
    }

    /// <summary>Each verb that reads blocks, over a journal whose blocks of payments have attachments.</summary>
    [TestCase("show", "--from", "1")]
    [TestCase("state")]
    [TestCase("stats")]
    [TestCase("snapshot")]
    [TestCase("tail", "--to", "sqlite")]
    [TestCase("export", "--format", "csv")]
    [TestCase("diff")]
    public void Every_reader_takes_blocks_with_attachments(params string[] words)
    {
        Payment signed = Pay(SignedWallet, stream: 6, number: 1);
        Send([signed, Pay(3, 6, 2)], Signature(0, in signed));
        Send([.. Enumerable.Range(1, 10).Select(number => Pay(StreamWallet, 5, (ulong)number))], Link(9, 10));
        _ledger.Node.Pipeline.Drain();
        _ledger.Close();
        string journal = _place.PathOf("journal");
        string[] args = words switch
        {
            ["tail", ..] => [words[0], journal, .. words[1..], _place.PathOf("history.db"), "--once"],
            ["export", ..] => [words[0], journal, .. words[1..], "--out", _place.PathOf("files")],
            ["diff"] => ["diff", journal, journal],
            _ => [words[0], journal, .. words[1..]],
        };
        WrittenJournal.RunExpecting(0, args);
    }

    private void OpenChecker()
    {
        _ledger.Checker?.Dispose();
        _ledger.Checker = new EvidenceChecker(7, new PipelineConsentReader(_ledger.Node.Pipeline.TryAsk));
    }

    private void Send(Payment[] payments, byte[] evidence)
    {
        byte[] kept = new byte[evidence.Length];
        EvidenceFound found = _ledger.Checker!.Check(Redeemer, payments, evidence, kept);
        _ledger.Submit(payments, kept.AsSpan(0, found.Bytes));
    }

    private void Accepted(params Payment[] slots)
    {
        _ledger.Submit(slots);
        _ledger.Node.Pipeline.Drain();
        Assert.That(_ledger.Outcomes[^1].Verdict, Is.EqualTo(Verdict.Accepted), slots[0].Instruction.ToString());
    }

    private OwnerSignature Signed(Instruction instruction, ulong wallet, byte[] body)
    {
        ulong counter = _ledger.Node.State.Consent.FindWallet(wallet)!.Counter;
        return new OwnerSignature(1, _key.SignData(ConsentMessage.OfCommand(7, instruction, wallet, counter, body), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
    }

    private static Payment Pay(ulong payer, ulong stream, ulong number) => LiveLedger.Pay(payer, 4, 1, stream, number) with { Session = payer == 3 ? Limits.OperatorSession : Session };

    private byte[] Signature(uint index, in Payment payment)
    {
        byte[] piece = new byte[EvidenceEntry.Size + 64];
        byte[] signature = _key.SignData(ConsentMessage.OfPayment(7, in payment, payment.Session == Session ? Redeemer : (ushort)0), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        EvidenceReader.Write(piece, new EvidenceEntry { Kind = EvidenceKind.Signature, Scheme = SignatureScheme.P256, Index = index, Key = 1 }, signature);
        return piece;
    }

    private byte[] Link(uint index, uint number, ulong opened = 0)
    {
        byte[] piece = new byte[EvidenceEntry.LinkSize];
        Digest link = _chain.Link(number);
        EvidenceReader.Write(piece, new EvidenceEntry { Kind = EvidenceKind.Link, Index = index, Key = opened }, link);
        return piece;
    }

    private JsonElement Verify(int code, params string[] more)
    {
        _ledger.Close();
        using var report = JsonDocument.Parse(WrittenJournal.RunExpecting(code, ["verify", _place.PathOf("journal"), "--json", .. more]));
        return report.RootElement.Clone();
    }

    private ulong LastPayments(out ulong firstSequence)
    {
        _ledger.Close();
        ulong block = firstSequence = 0;
        using JournalReader reader = JournalReader.Open(_place.PathOf("journal"));
        while (reader.Next())
        {
            if (reader.Header.Kind == BlockKind.Payments)
                (block, firstSequence) = (reader.Header.Number, reader.Header.FirstSequence);
        }

        return block;
    }
}
