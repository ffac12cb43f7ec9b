using System.Security.Cryptography;
using Settlement.Engine.Consent;
using Settlement.Engine.Consent.Checking;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Consent;

/// <summary>What the checker keeps is what checking one piece after the other, slowly, from the chain's end, finds true.</summary>
[TestFixture]
public sealed class EvidenceCheckerTests
{
    private const ushort Participant = 3;
    private static readonly UInt128 s_ledger = 77;

    private FakeLedger _ledger = null!;
    private EvidenceChecker _checker = null!;

    [SetUp]
    public void Open()
    {
        _ledger = new FakeLedger();
        _checker = new EvidenceChecker(s_ledger, _ledger, threads: 1);
    }

    [TearDown]
    public void Close()
    {
        _checker.Dispose();
        _ledger.Dispose();
    }

    [Test]
    public void Whatever_is_sent_and_tampered_with_what_is_kept_is_what_is_true()
    {
        Random random = PrintedSeed.Create();
        for (ulong stream = 1; stream <= 24; stream++)
            _ledger.OpenChain(random, Participant, stream, wallet: 1 + (stream % 3), length: (uint)random.Next(1, 300), last: 0);
        for (ulong wallet = 1; wallet <= 3; wallet++)
            _ledger.AddKey(wallet, 1);
        int kept = 0, dropped = 0;
        for (int round = 0; round < 120; round++)
        {
            var payments = new Payment[random.Next(1, 120)];
            var evidence = new List<byte>();
            var expected = new List<byte>();
            for (int i = 0; i < payments.Length; i++)
            {
                payments[i] = NewPayment(random);
                if (round % 8 == 0 && random.Next(12) == 0)
                    AddSignature(random, in payments[i], (uint)i, evidence, expected);
                else if (random.Next(3) > 0)
                    AddLink(random, in payments[i], (uint)i, evidence, expected);
            }

            byte[] to = new byte[evidence.Count];
            EvidenceFound found = _checker.Check(Participant, payments, evidence.ToArray(), to);
            Assert.That(to[..found.Bytes], Is.EqualTo(expected.ToArray()), $"round {round}");
            kept += found.Bytes;
            dropped += found.Dropped;
        }

        Assert.That(kept, Is.GreaterThan(10_000));
        Assert.That(dropped, Is.GreaterThan(500));
    }

    [Test]
    public void A_link_stands_for_the_numbers_below_it_and_a_tampered_one_does_not_take_the_next_with_it()
    {
        Random random = PrintedSeed.Create();
        FakeChain chain = _ledger.OpenChain(random, Participant, stream: 9, wallet: 1, length: 1_000, last: 0);
        Assert.That(Kept(Link(chain, 400)), Is.EqualTo(1), "skipped numbers");
        Assert.That(Kept(Link(chain, 400)), Is.EqualTo(1), "the same once more");
        Assert.That(Kept(Link(chain, 399), Link(chain, 7), Link(chain, 1)), Is.EqualTo(3), "what lies below");
        Assert.That(Kept(Link(chain, 500, tampered: true), Link(chain, 501), Link(chain, 502)), Is.EqualTo(2), "behind a tampered one");
        Assert.That(Kept(Link(chain, 700, tampered: true)), Is.Zero);
        Assert.That(Kept(Link(chain, 1_000)), Is.EqualTo(1), "the last");
        Assert.That(Kept((chain.Payment(1_001), chain.Link(1_000))), Is.Zero, "an exhausted chain");
        Assert.That(Kept((chain.Payment(0), chain.Link(0))), Is.Zero, "the end is no link");
        Payment named = chain.Payment(1);
        named.Flags = PaymentFlags.None;
        Assert.That(Kept((named, chain.Link(1))), Is.Zero, "no stream id");
        Payment other = chain.Payment(1);
        other.Payer = 2;
        Assert.That(Kept((other, chain.Link(1))), Is.Zero, "another wallet's payment");
        Assert.That(_checker.Check(Participant + 1, [chain.Payment(1)], Piece(0, chain.Link(1)), new byte[48]).Bytes, Is.Zero, "another participant's stream");
    }

    [Test]
    public void Links_name_the_chain_that_they_were_checked_against()
    {
        FakeChain chain = _ledger.OpenChain(PrintedSeed.Create(), Participant, stream: 9, wallet: 1, length: 10, last: 0);
        byte[] kept = new byte[48];
        Assert.That(_checker.Check(Participant, [chain.Payment(3)], Piece(0, chain.Link(3)), kept).Bytes, Is.EqualTo(48));
        Assert.That(BitConverter.ToUInt64(kept, 8), Is.EqualTo(chain.Opened));
    }

    [Test]
    public void A_frame_cannot_make_the_checker_hash_without_end()
    {
        Random random = PrintedSeed.Create();
        FakeChain chain = _ledger.OpenChain(random, Participant, stream: 9, wallet: 1, length: 200_000, last: 0);
        Assert.That(Kept(Link(chain, ConsentBounds.LinkStepMax + 1)), Is.Zero, "too far ahead");
        Assert.That(Kept(Link(chain, 60_000, tampered: true), Link(chain, 60_001)), Is.Zero, "the second time that far is once too much for one frame");
        Assert.That(Kept(Link(chain, 60_001)), Is.EqualTo(1), "in a frame of its own");
        Assert.That(Kept(Link(chain, 120_000)), Is.EqualTo(1), "from there on");
    }

    [Test]
    public void What_commands_change_is_asked_for_again()
    {
        Random random = PrintedSeed.Create();
        FakeChain unknown = FakeLedger.NewChain(random, Participant, stream: 9, wallet: 1, length: 10);
        Assert.That(Kept(Link(unknown, 1)), Is.Zero);
        int asked = _ledger.Asked;
        Assert.That(Kept(Link(unknown, 1)), Is.Zero);
        Assert.That(_ledger.Asked, Is.EqualTo(asked), "that there is none is known");
        _ledger.Add(unknown);
        var opening = new ChainOpening(new ChainCommitment(1, Participant, 9, 978, 0, 1, 1, 1, 10, unknown.Link(0)), [new OwnerSignature(1, new byte[64])]);
        Settled(PayloadCommand.ToSlots(Instruction.OpenChain, 1, opening.Encode()), Verdict.Accepted);
        Assert.That(Kept(Link(unknown, 1)), Is.EqualTo(1));

        Payment payment = NewPayment(random) with { Payer = 5 };
        byte[] signature = new byte[80];
        Assert.That(_checker.Check(Participant, [payment], Signature(0, 1, new byte[64]), signature).Bytes, Is.Zero);
        _ledger.AddKey(5, 1);
        byte[] signed = Signature(0, 1, _ledger.Sign(5, 1, in payment));
        Assert.That(_checker.Check(Participant, [payment], signed, signature).Bytes, Is.Zero, "nothing was said of a key");
        byte[] registration = new KeyRegistration(KeyRole.Wallet, 5, SignatureScheme.P256, _ledger.SpkiOf(5, 1), []).Encode();
        Settled(PayloadCommand.ToSlots(Instruction.RegisterKey, 1, registration), Verdict.UnknownWallet);
        Assert.That(_checker.Check(Participant, [payment], signed, signature).Bytes, Is.Zero, "a refused command says nothing");
        Settled(PayloadCommand.ToSlots(Instruction.RegisterKey, 1, registration), Verdict.Accepted);
        Assert.That(_checker.Check(Participant, [payment], signed, signature).Bytes, Is.EqualTo(80));
    }

    /// <summary>An answer that was on its way while a command changed it must not stay.</summary>
    [Test]
    public void An_answer_older_than_a_command_is_not_kept()
    {
        FakeChain chain = FakeLedger.NewChain(PrintedSeed.Create(), Participant, stream: 9, wallet: 1, length: 10);
        var opening = new ChainOpening(new ChainCommitment(1, Participant, 9, 978, 0, 1, 1, 1, 10, chain.Link(0)), []);
        _ledger.BeforeTold = () =>
        {
            _ledger.Add(chain);
            Settled(PayloadCommand.ToSlots(Instruction.OpenChain, 1, opening.Encode()), Verdict.Accepted);
        };
        Assert.That(Kept(Link(chain, 1)), Is.Zero, "it was asked for before");
        Assert.That(Kept(Link(chain, 1)), Is.EqualTo(1));
    }

    [Test]
    public void Nothing_is_kept_when_nobody_answers()
    {
        FakeChain chain = _ledger.OpenChain(PrintedSeed.Create(), Participant, stream: 9, wallet: 1, length: 10, last: 0);
        _ledger.IsStopped = true;
        Assert.That(Kept(Link(chain, 1)), Is.Zero);
        _ledger.IsStopped = false;
        Assert.That(Kept(Link(chain, 1)), Is.EqualTo(1));
    }

    /// <summary>Frames of the same streams from several threads at once, signatures among them.</summary>
    [Test]
    public void Threads_that_check_frames_of_the_same_streams_keep_all_that_is_true()
    {
        Random seeds = PrintedSeed.Create();
        FakeChain[] chains = [.. Enumerable.Range(1, 8).Select(stream => _ledger.OpenChain(seeds, Participant, (ulong)stream, wallet: 1, length: 4_000, last: 0))];
        _ledger.AddKey(1, 1);
        int failures = 0;
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ =>
        {
            var random = new Random(seeds.Next());
            return new Thread(() =>
            {
                for (int round = 1; round <= 60; round++)
                {
                    var payments = new List<Payment>();
                    var evidence = new List<byte>();
                    foreach (FakeChain chain in chains)
                    {
                        uint number = (uint)Math.Max(1, (round * 60) + random.Next(-50, 50));
                        evidence.AddRange(Piece((uint)payments.Count, chain.Link(number)));
                        payments.Add(chain.Payment(number));
                    }

                    for (int i = 0; round % 20 == 0 && i < 12; i++)
                    {
                        Payment payment = NewPayment(random) with { Payer = 1 };
                        evidence.AddRange(Signature((uint)payments.Count, 1, _ledger.Sign(1, 1, in payment)));
                        payments.Add(payment);
                    }

                    if (_checker.Check(Participant, [.. payments], [.. evidence], new byte[evidence.Count]).Dropped > 0)
                        Interlocked.Increment(ref failures);
                }
            });
        })];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.That(failures, Is.Zero);
    }

    private int Kept(params (Payment Payment, Digest Link)[] links)
    {
        Payment[] payments = [.. links.Select(link => link.Payment)];
        byte[] evidence = [.. links.SelectMany((link, index) => Piece((uint)index, link.Link))];
        EvidenceFound found = _checker.Check(Participant, payments, evidence, new byte[evidence.Length]);
        Assert.That((found.Bytes / 48) + found.Dropped, Is.EqualTo(links.Length));
        return found.Bytes / 48;
    }

    private static (Payment Payment, Digest Link) Link(FakeChain chain, uint number, bool tampered = false)
    {
        Digest link = chain.Link(number);
        if (tampered)
            link[31] ^= 1;
        return (chain.Payment(number), link);
    }

    private void Settled(Payment[] slots, Verdict verdict)
    {
        var outcomes = new Outcome[slots.Length];
        outcomes[0].Verdict = verdict;
        // In two pieces, as a ring gives them at its wrap.
        _checker.OnSettled(slots.AsSpan(0, 1), outcomes.AsSpan(0, 1));
        _checker.OnSettled(slots.AsSpan(1), outcomes.AsSpan(1));
    }

    private static Payment NewPayment(Random random) => new()
    {
        IdHigh = (ulong)random.Next(1, 27), IdLow = (ulong)random.Next(0, 300), Payer = (ulong)random.Next(1, 4), Payee = 8, Amount = 1, Currency = 978,
        Instruction = Instruction.Micropayment, Flags = random.Next(20) == 0 ? PaymentFlags.None : PaymentFlags.StreamId, Session = (ushort)random.Next(5),
    };

    private void AddLink(Random random, in Payment payment, uint index, List<byte> evidence, List<byte> expected)
    {
        FakeChain? chain = _ledger.Find(new ChainKey(Participant, payment.IdHigh, payment.Payer));
        Digest link = chain is not null && payment.IdLow <= chain.Length ? chain.Link((uint)payment.IdLow) : default;
        if (random.Next(6) == 0)
            link[random.Next(32)] ^= (byte)(1 << random.Next(8));
        byte[] piece = Piece(index, link);
        evidence.AddRange(piece);
        if (chain is null || !payment.HasStreamId || !chain.Verifies(payment.IdLow, link))
            return;
        BitConverter.TryWriteBytes(piece.AsSpan(8), chain.Opened);
        expected.AddRange(piece);
    }

    private void AddSignature(Random random, in Payment payment, uint index, List<byte> evidence, List<byte> expected)
    {
        byte[] signature = _ledger.Sign(payment.Payer, 1, in payment);
        bool isTampered = random.Next(3) == 0;
        if (isTampered)
            signature[random.Next(64)] ^= 1;
        ulong key = random.Next(4) == 0 ? 2u : 1u;
        byte[] piece = Signature(index, key, signature);
        evidence.AddRange(piece);
        if (key == 1 && !isTampered)
            expected.AddRange(piece);
    }

    private static byte[] Piece(uint index, in Digest link)
    {
        byte[] piece = new byte[EvidenceEntry.LinkSize];
        EvidenceReader.Write(piece, new EvidenceEntry { Kind = EvidenceKind.Link, Index = index }, link);
        return piece;
    }

    private static byte[] Signature(uint index, ulong key, byte[] signature)
    {
        byte[] piece = new byte[EvidenceEntry.Size + 64];
        EvidenceReader.Write(piece, new EvidenceEntry { Kind = EvidenceKind.Signature, Scheme = SignatureScheme.P256, Index = index, Key = key }, signature);
        return piece;
    }

    /// <summary>A chain whose links are all there.</summary>
    private sealed class FakeChain(ChainKey key, ulong opened, Digest[] links)
    {
        public ChainKey Key => key;

        public ulong Opened => opened;

        public uint Length => (uint)links.Length - 1;

        public Digest Link(uint number) => links[number];

        public Payment Payment(ulong number) => new()
        {
            IdHigh = key.Stream, IdLow = number, Payer = key.Wallet, Payee = 8, Amount = 1, Currency = 978, Instruction = Instruction.Micropayment, Flags = PaymentFlags.StreamId,
        };

        /// <summary>The slow way: from the link to the end, hash by hash.</summary>
        public bool Verifies(ulong number, Digest link)
        {
            if (number == 0 || number > Length)
                return false;
            byte[] bytes = ((ReadOnlySpan<byte>)link).ToArray();
            for (; number > 0; number--)
                bytes = SHA256.HashData(bytes);
            return Digest.From(bytes) == links[0];
        }
    }

    /// <summary>What the settle thread would say.</summary>
    private sealed class FakeLedger : IConsentReader, IDisposable
    {
        private readonly Dictionary<ChainKey, FakeChain> _chains = [];
        private readonly Dictionary<(ulong Wallet, ushort Number), ECDsa> _keys = [];

        public int Asked { get; private set; }

        public bool IsStopped { get; set; }

        public Action? BeforeTold { get; set; }

        public static FakeChain NewChain(Random random, ushort participant, ulong stream, ulong wallet, uint length)
        {
            var links = new Digest[length + 1];
            random.NextBytes(links[^1]);
            for (int i = links.Length - 2; i >= 0; i--)
                SHA256.HashData(links[i + 1], links[i]);
            return new FakeChain(new ChainKey(participant, stream, wallet), (ulong)random.Next(1, 1_000), links);
        }

        public FakeChain OpenChain(Random random, ushort participant, ulong stream, ulong wallet, uint length, uint last)
        {
            FakeChain chain = NewChain(random, participant, stream, wallet, length);
            Assert.That(last, Is.Zero);
            Add(chain);
            return chain;
        }

        public void Add(FakeChain chain) => _chains[chain.Key] = chain;

        public FakeChain? Find(ChainKey key) => _chains.GetValueOrDefault(key);

        public void AddKey(ulong wallet, ushort number) => _keys[(wallet, number)] = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        public byte[] SpkiOf(ulong wallet, ushort number) => NodeKey.Of(_keys[(wallet, number)]).Spki();

        public byte[] Sign(ulong wallet, ushort number, in Payment payment)
        {
            byte[] message = ConsentMessage.OfPayment(s_ledger, in payment, Participant);
            lock (_keys)
                return _keys[(wallet, number)].SignData(message, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }

        public bool TryRead(ConsentQuestions questions)
        {
            Asked++;
            if (IsStopped)
                return false;
            foreach (ulong wallet in questions.WalletsAsked)
            {
                KeyView[] keys = [.. _keys.Where(key => key.Key.Wallet == wallet).Select(key => new KeyView(key.Key.Number, SignatureScheme.P256, NodeKey.Of(key.Value).Spki()))];
                questions.Wallets.Add(keys.Length == 0 ? null : new WalletView(keys));
            }

            foreach (ChainKey key in questions.ChainsAsked)
                questions.Chains.Add(_chains.TryGetValue(key, out FakeChain? chain) ? new ChainView(chain.Opened, chain.Length, 0, chain.Link(0)) : null);
            (Action? before, BeforeTold) = (BeforeTold, null);
            before?.Invoke();
            return true;
        }

        public void Dispose()
        {
            foreach (ECDsa key in _keys.Values)
                key.Dispose();
        }
    }
}
