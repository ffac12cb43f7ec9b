using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;
using Settlement.Tests.Governance;
using Settlement.Tests.Live;

namespace Settlement.Tests.Replication;

/// <summary>The two roles of a member, and the way from one to the other, a rule at a time.</summary>
[TestFixture, CancelAfter(60_000)]
public sealed class ReplicaTests
{
    private Random _random = null!;
    private SmallCluster? _cluster;
    private ClusterClient _client = null!;
    private ulong _number;

    private SmallCluster Cluster => _cluster ?? throw new InvalidOperationException("no cluster was made");

    private SmallMember Leader => Cluster.Leader!;

    private SmallMember[] Followers => [.. Cluster.Members.Where(member => member != Cluster.Leader)];

    [SetUp]
    public void SetUp()
    {
        _random = PrintedSeed.Create();
        _client = new ClusterClient();
        _number = 0;
    }

    [TearDown]
    public void Close()
    {
        _cluster?.Dispose();
        _cluster = null;
    }

    [Test]
    public void Nothing_is_told_or_applied_that_no_quorum_has()
    {
        Begin();
        (ulong block, ulong sequence) = (Leader.Replica.AppliedBlock, Leader.Replica.AppliedSequence);
        Reach(false, Followers);
        _client.Submit([Next()], []);
        Assert.That(() => Leader.Log.FlushedBlock, Is.GreaterThan(block).After(5_000, 2), "it is on the leader's disk");
        Thread.Sleep(50);
        Assert.That((Leader.Replica.AppliedBlock, Leader.Replica.AppliedSequence, _client.OpenCount), Is.EqualTo((block, sequence, 1)));
        Reach(true, Followers);
        Assert.That(_client.TryAwaitAll(TimeSpan.FromSeconds(10)));
        Assert.That(() => Leader.Replica.AppliedSequence, Is.EqualTo(sequence + 1).After(5_000, 2), "a verdict may be told a moment before");
        ExpectOneHistory();
    }

    [Test]
    public void What_a_leader_appended_by_itself_is_replaced_and_its_clients_know_that_they_do_not_know()
    {
        Begin();
        SmallMember old = Leader;
        Pipeline pipeline = _client.PipelineNow!;
        ulong applied = old.Replica.AppliedBlock;
        Reach(false, old);
        _client.Submit([Next(), Next()], []);
        Assert.That(() => old.Log.FlushedBlock, Is.GreaterThan(applied).After(5_000, 2));
        (ulong Sequence, Digest Hash) before = ClusterHistory.HashOf(old);
        (SmallMember, ulong) next = Cluster.Elect();
        Reach(true, old);
        Assert.That(() => old.Replica.IsLeading, Is.False.After(5_000, 2));
        Assert.That(() => pipeline.Claim(1), Throws.InstanceOf<EngineStoppedException>().With.Property(nameof(EngineStoppedException.IsSteppedDown)).True);
        Assert.That(_client.OpenCount, Is.EqualTo(1));
        Assert.That(ClusterHistory.HashOf(old), Is.EqualTo(before), "nothing of it was applied");
        _client.Follow(Cluster, next); // sends it again
        Assert.That(_client.TryAwaitAll(TimeSpan.FromSeconds(10)));
        ExpectOneHistory();
        Assert.That(Cluster.BlocksReplaced, Is.GreaterThan(0));
    }

    [Test]
    public void A_payment_that_is_sent_again_to_the_next_leader_gets_the_first_verdict()
    {
        Begin();
        Payment good = Next(), bad = Next() with { Amount = ulong.MaxValue };
        Assert.That(_client.Ask([good, bad]).Select(outcome => outcome.Verdict), Is.EqualTo((Verdict[])[Verdict.Accepted, Verdict.InsufficientFunds]));
        _client.Follow(Cluster, Cluster.Elect(Followers[0].Index));
        Assert.That(
            _client.Ask([good, bad, good with { Amount = 2 }]).Select(outcome => (outcome.Verdict, outcome.First)),
            Is.EqualTo(((Verdict, Verdict)[])[(Verdict.Duplicate, Verdict.Accepted), (Verdict.Duplicate, Verdict.InsufficientFunds), (Verdict.IdConflict, Verdict.Accepted)]));
        ExpectOneHistory();
    }

    [Test]
    public async Task A_reader_at_a_follower_waits_for_what_he_saw()
    {
        Begin();
        SmallMember follower = Followers[0];
        Reach(false, follower);
        _client.Ask([Next()]);
        ulong seen = Leader.Replica.AppliedSequence;
        Assert.That(await Leader.Replica.WaitAppliedAsync(seen, TimeSpan.Zero), Is.True);
        Assert.That(await follower.Replica.WaitAppliedAsync(0, TimeSpan.Zero), Is.True);
        Assert.That(await follower.Replica.WaitAppliedAsync(seen, TimeSpan.FromMilliseconds(20)), Is.False);
        Task<bool>[] waits = [.. Enumerable.Range(0, 20).Select(i => follower.Replica.WaitAppliedAsync(seen - (ulong)(i % 3), TimeSpan.FromSeconds(20)))];
        Task<bool> tooFar = follower.Replica.WaitAppliedAsync(seen + 1_000, TimeSpan.FromSeconds(20));
        using var gaveUp = new CancellationTokenSource(10);
        Assert.That(async () => await follower.Replica.WaitAppliedAsync(seen + 1_000, TimeSpan.FromSeconds(20), gaveUp.Token), Throws.InstanceOf<OperationCanceledException>());
        Reach(true, follower);
        Assert.That(await Task.WhenAll(waits), Is.All.True);
        Assert.That(ClusterHistory.HashOf(follower).Sequence, Is.GreaterThanOrEqualTo(seen));
        Cluster.Dispose();
        _cluster = null;
        Assert.That(await tooFar, Is.False, "the replica ended");
    }

    [Test]
    public void The_first_payment_behind_genesis_has_its_own_time_though_the_leaders_block_has_that_of_genesis()
    {
        Make();
        Cluster.Clock.Add(24 * Limits.NsPerHour);
        _client.Follow(Cluster, Cluster.Elect());
        CreateWallets(2);
        BlockHeader[] headers = [.. ClusterHistory.BlocksOf(Leader).Select(block => block.Header)];
        Assert.That((headers[1].Kind, headers[1].TimeNs), Is.EqualTo((BlockKind.Term, headers[0].TimeNs)));
        Assert.That(headers[2].TimeNs, Is.EqualTo(Cluster.Clock.NowNs));
        ExpectOneHistory();
    }

    [Test]
    public async Task Blocks_of_the_consensus_library_find_their_place_in_either_role()
    {
        Make();
        (SmallMember Member, ulong Term) leader = Cluster.Elect();
        ulong first = await leader.Member.Replica.AppendMarkAsync(BlockKind.Members, leader.Term, new byte[] { 1, 2, 3 });
        _client.Follow(Cluster, leader);
        CreateWallets(2);
        var numbers = new List<Task<ulong>>();
        for (int i = 0; i < 30; i++)
        {
            _client.Submit([Next(), Next()], []);
            numbers.Add(Leader.Replica.AppendMarkAsync(BlockKind.Members, leader.Term, new byte[] { (byte)i }));
        }

        ulong[] appended = await Task.WhenAll(numbers);
        Assert.That(appended, Is.Ordered.And.Unique);
        SmallMember old = Leader;
        old.Replica.StepDown();
        List<(BlockHeader Header, byte[] Body)> blocks = ClusterHistory.BlocksOf(old);
        Assert.That(blocks[(int)first].Body, Is.EqualTo(new byte[] { 1, 2, 3 }));
        for (int i = 0; i < appended.Length; i++)
            Assert.That((blocks[(int)appended[i]].Header.Kind, blocks[(int)appended[i]].Header.Term, blocks[(int)appended[i]].Body[0]), Is.EqualTo((BlockKind.Members, leader.Term, (byte)i)));
        _client.Follow(Cluster, Cluster.Elect());
        Assert.That(_client.TryAwaitAll(TimeSpan.FromSeconds(10)));
        ExpectOneHistory();
    }

    [TestCase(ClosedBatch.StateHashOffset, "another state hash")]
    [TestCase(ClosedBatch.StateHashOffset + 32, "another root")]
    [TestCase(5 * 8, "other figures")]
    public void A_follower_whose_state_is_not_what_a_seal_says_stops_and_says_at_which_block(int offset, string what)
    {
        Begin();
        SmallMember follower = Followers[0];
        Reach(false, follower);
        _client.Ask([LiveLedger.Setting(SettingKey.BatchCount, 2)]);
        _client.Ask([Next(), Next()]);
        _client.Drain();
        List<(BlockHeader Header, byte[] Body)> blocks = ClusterHistory.BlocksOf(Leader);
        int seal = blocks.FindIndex(block => block.Header.Kind == BlockKind.Seal);
        for (int number = (int)follower.Log.LastBlock + 1; number <= seal; number++)
        {
            (BlockHeader header, byte[] body) = blocks[number];
            if (number == seal)
            {
                body[offset] ^= 1;
                header.Crc = BlockSeal.CrcOf(in header, body, default);
            }

            follower.Log.AppendReplicated([.. MemoryMarshal.AsBytes(new ReadOnlySpan<BlockHeader>(in header)), .. body]);
        }

        follower.Log.FlushAsync((ulong)seal).AsTask().Wait();
        follower.Log.MarkCommitted((ulong)seal);
        Assert.That(() => follower.Replica.Failure, Is.Not.Null.After(5_000, 5));
        Assert.That(follower.Replica.Failure!.Message, Does.Contain("'apply'").And.Contain($"block {seal}: the seal of batch 1 states {what}"));
        Assert.That(follower.Replica.AppliedBlock, Is.EqualTo((ulong)seal - 1));
        Assert.That(() => follower.Replica.TryAsk(new Counter()), Is.False.After(2_000, 5));
        Assert.That(() => follower.Replica.Lead(9, null!, null!), Throws.InstanceOf<InvalidOperationException>().Or.InstanceOf<EngineStoppedException>());
    }

    [Test]
    public void Who_led_before_holds_the_seals_of_the_next_leader_against_his_own_state()
    {
        Begin();
        _client.Ask([LiveLedger.Setting(SettingKey.BatchCount, 2)]);
        _client.Ask([Next()]);
        _client.Drain();
        SmallMember old = Leader;
        old.Replica.StepDown();
        Reach(false, old);
        (SmallMember Member, ulong Term) next = Cluster.Elect();
        _client.Follow(Cluster, next);
        _client.Ask([Next()]);
        _client.Drain();
        List<(BlockHeader Header, byte[] Body)> blocks = ClusterHistory.BlocksOf(next.Member);
        int seal = blocks.FindIndex(block => block.Header.Kind == BlockKind.Seal);
        for (int number = (int)old.Log.LastBlock + 1; number <= seal; number++)
        {
            (BlockHeader header, byte[] body) = blocks[number];
            if (number == seal)
            {
                body[ClosedBatch.StateHashOffset] ^= 1;
                header.Crc = BlockSeal.CrcOf(in header, body, default);
            }

            old.Log.AppendReplicated([.. MemoryMarshal.AsBytes(new ReadOnlySpan<BlockHeader>(in header)), .. body]);
        }

        old.Log.FlushAsync((ulong)seal).AsTask().Wait();
        old.Log.MarkCommitted((ulong)seal);
        Assert.That(() => old.Replica.Failure, Is.Not.Null.After(5_000, 5));
        Assert.That(old.Replica.Failure!.Message, Does.Contain($"block {seal}: the seal of batch 1 states another state hash"));
    }

    [Test]
    public void A_leader_whose_stage_fails_stops_for_good_and_another_goes_on()
    {
        Begin();
        SmallMember old = Leader;
        _client.Fault = () => throw new InvalidOperationException("the publisher lost its way");
        _client.Submit([Next()], []);
        Assert.That(() => old.Replica.Failure, Is.Not.Null.After(5_000, 5));
        Assert.That(old.Replica.Failure!.Message, Does.Contain("'reply'").And.Contain("lost its way"));
        Assert.That(() => old.Replica.TryAsk(new Counter()), Is.False.After(2_000, 5));
        _client.Fault = null;
        old.Replica.StepDown();
        Assert.That(old.Replica.IsLeading, Is.False);
        Cluster.Restart(old);
        _client.Follow(Cluster, Cluster.Elect());
        Assert.That(_client.TryAwaitAll(TimeSpan.FromSeconds(10)));
        ExpectOneHistory();
    }

    [Test]
    public void A_member_without_the_ledgers_key_follows_and_does_not_lead()
    {
        Make(members: 2, genesis: LiveLedger.SmallGenesis() with { NodeKey = LiveLedger.PublicOf(LiveLedger.NewKey()) });
        (SmallMember Member, ulong Term) leader = Cluster.Elect();
        Assert.That(leader.Member.Replica.MayLead, Is.False);
        Assert.That(() => leader.Member.Replica.Lead(leader.Term, null!, null!), Throws.InstanceOf<JournalException>().With.Message.Contains("key"));
        Cluster.Settle();
    }

    [Test]
    public void Every_seal_is_signed_whoever_leads()
    {
        ECParameters key = LiveLedger.NewKey();
        Genesis genesis = LiveLedger.SmallGenesis() with { NodeKey = LiveLedger.PublicOf(key) };
        Make(genesis: genesis, signer: _ => new SealSigner(ECDsa.Create(key)));
        _client.Follow(Cluster, Cluster.Elect());
        CreateWallets(4);
        _client.Ask([LiveLedger.Setting(SettingKey.BatchCount, 3)]);
        for (int change = 0; change < 5; change++)
        {
            for (int i = 0; i < 20; i++)
                _client.Submit([Next(), Next()], []);
            _client.Follow(Cluster, Cluster.Elect()); // batches may be closed and not sealed
        }

        Assert.That(_client.TryAwaitAll(TimeSpan.FromSeconds(10)));
        ExpectOneHistory(genesis);
        using var verifier = new SealVerifier(SmallCluster.LedgerId, in genesis);
        (BlockHeader Header, byte[] Body)[] seals = [.. ClusterHistory.BlocksOf(Leader).Where(block => block.Header.Kind == BlockKind.Seal)];
        Assert.That(seals, Has.Length.GreaterThan(20));
        foreach ((BlockHeader header, byte[] body) in seals)
            Assert.That(verifier.FaultOf(ClosedBatch.Decode(body.AsSpan(0, body.Length - (int)header.AttachmentBytes)), body.AsSpan(body.Length - (int)header.AttachmentBytes)), Is.Null);
    }

    [Test]
    public void A_lead_that_waits_for_its_quorum_gives_up_when_the_node_steps_down()
    {
        Make();
        Reach(false, Cluster.Members[2]);
        (SmallMember Member, ulong Term) leader = Cluster.Elect(0);
        Reach(false, Cluster.Members[1]);
        ulong extra = leader.Member.Log.AppendMark(BlockKind.Members, leader.Term, [1]);
        Exception? thrown = null;
        var waiting = new Thread(() => thrown = Assert.Catch(() => leader.Member.Replica.Lead(leader.Term, null!, null!)));
        waiting.Start();
        Thread.Sleep(30);
        leader.Member.Replica.StepDown();
        waiting.Join();
        Assert.That(thrown, Is.InstanceOf<OperationCanceledException>());
        Assert.That(leader.Member.Log.CommittedBlock, Is.LessThan(extra));
        Assert.That(() => leader.Member.Replica.Lead(leader.Term + 1, null!, null!), Throws.InvalidOperationException.With.Message.Contains($"term {leader.Term}"));
    }

    [Test]
    public void Questions_are_answered_once_each_through_every_change_of_roles_and_never_go_back()
    {
        Begin();
        using var ended = new CancellationTokenSource();
        var asked = Cluster.Members.Select(_ => new List<Counter>()).ToArray();
        Thread[] askers = [.. Cluster.Members.Select(member => new Thread(() =>
        {
            while (!ended.IsCancellationRequested)
            {
                var query = new Counter();
                if (member.Replica.TryAsk(query))
                    asked[member.Index].Add(query);
                if (asked[member.Index].Count % 16 == 0)
                    query.Done.Wait(5_000);
            }
        }))];
        foreach (Thread asker in askers)
            asker.Start();
        for (int change = 0; change < 8; change++)
        {
            for (int i = 0; i < 10; i++)
                _client.Submit([Next()], []);
            _client.Follow(Cluster, Cluster.Elect());
        }

        Assert.That(_client.TryAwaitAll(TimeSpan.FromSeconds(20)));
        ended.Cancel();
        foreach (Thread asker in askers)
            asker.Join();
        foreach (List<Counter> queries in asked)
        {
            Assert.That(queries, Is.Not.Empty);
            Assert.That(queries, Has.All.Matches<Counter>(query => query!.Done.Wait(5_000) && query.Calls == 1));
            Assert.That(queries.Select(query => query.Sequence), Is.Ordered);
        }

        ExpectOneHistory();
    }

    /// <summary>Proposed, voted and scheduled under one leader after the other; in force between two payments under yet another.</summary>
    [Test]
    public void A_law_comes_into_force_at_its_sequence_whoever_leads_then()
    {
        const ulong FirstLawAt = 20_000;
        var compiler = new PlainCompiler();
        Make(compiler: compiler);
        _client.Follow(Cluster, Cluster.Elect());
        ECDsa[] keys = [.. Enumerable.Range(0, 5).Select(_ => ECDsa.Create(ECCurve.NamedCurves.nistP256))];
        int steps = 0;
        foreach (Payment[] slots in GovernanceCrashTests.Script(keys))
        {
            Assert.That(_client.Ask(slots).Select(outcome => outcome.Verdict), Is.All.EqualTo(Verdict.Accepted));
            if (++steps % 4 == 0)
                _client.Follow(Cluster, Cluster.Elect());
        }

        for (ulong next = Leader.Replica.AppliedSequence; next < FirstLawAt + 2_000; next += 997)
        {
            _client.Submit([.. Enumerable.Range(0, 997).Select(_ => LiveLedger.Pay(1 + (_number % 2), 2 - (_number % 2), 1, 9, ++_number))], []);
            if (next is > FirstLawAt - 2_500 and < FirstLawAt + 1_000)
                _client.Follow(Cluster, Cluster.Elect());
        }

        Assert.That(_client.TryAwaitAll(TimeSpan.FromSeconds(20)));
        using BlockReplay replay = ExpectOneHistory(compiler: compiler);
        Assert.That(replay.State.LawBook.FindLaw("us")!.Active!.Steps[^1], Has.Property(nameof(ProposalStep.Status)).EqualTo(ProposalStatus.Active).And.Property(nameof(ProposalStep.Sequence)).EqualTo(FirstLawAt));
        Assert.That(replay.State.Laws.InForce!.IsAttested, "what it came to is in the journal");
        Assert.That(_client.Told.Count(told => told.Key < FirstLawAt && told.Value.Outcome.Verdict == Verdict.DeniedByRule), Is.Zero);
        Assert.That(_client.Told.Count(told => told.Key >= FirstLawAt && told.Value.Outcome.Verdict == Verdict.DeniedByRule), Is.GreaterThan(100));
        foreach (ECDsa key in keys)
            key.Dispose();
    }

    /// <summary>A chain that one leader's clients redeemed from goes on under the next, where it stood.</summary>
    [Test]
    public void What_a_payers_chain_has_paid_is_known_to_the_next_leader()
    {
        const ushort Session = 2;
        const uint Length = 1_000;
        Begin();
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Digest seed = default;
        var chain = new PayWordChain(in seed, Length);
        Ask(LiveLedger.Slot(new ControlCommand { Instruction = Instruction.OpenSession, Subject = Session, Participant = 1, Level = 255 }));
        Ask(PayloadCommand.ToSlots(Instruction.RegisterKey, Limits.OperatorSession, new KeyRegistration(KeyRole.Wallet, 2, SignatureScheme.P256, NodeKey.Of(key).Spki(), []).Encode()));
        Ask(PayloadCommand.ToSlots(Instruction.SetConsent, Limits.OperatorSession, new ConsentSetting(2, ConsentPolicy.Stream, 1, 0, []).Encode()));
        var commitment = new ChainCommitment(2, 1, 5, LiveLedger.Euro, 0, 10, 1_000_000, LiveLedger.StartNs + Limits.NsPerDay, Length, chain.End);
        byte[] signature = key.SignData(ConsentMessage.OfChain(SmallCluster.LedgerId, commitment), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        Ask(PayloadCommand.ToSlots(Instruction.OpenChain, Limits.OperatorSession, new ChainOpening(commitment, [new OwnerSignature(1, signature)]).Encode()));
        ulong opened = Leader.Replica.AppliedSequence;

        Assert.That(Redeem(1, 10, link: 10), Is.All.EqualTo(Verdict.Accepted));
        _client.Follow(Cluster, Cluster.Elect(Followers[0].Index));
        Assert.That(Redeem(11, 12, link: null), Is.All.EqualTo(Verdict.ConsentMissing), "without a link");
        Assert.That(Redeem(13, 20, link: 20), Is.All.EqualTo(Verdict.Accepted));
        _client.Follow(Cluster, Cluster.Elect(Followers[1].Index));
        Assert.That(Redeem(1, 10, link: 10), Is.All.EqualTo(Verdict.Duplicate), "none is redeemed twice");
        ExpectOneHistory();

        void Ask(params Payment[] slots) => Assert.That(_client.Ask(slots)[0].Verdict, Is.EqualTo(Verdict.Accepted), slots[0].Instruction.ToString());

        IEnumerable<Verdict> Redeem(int from, int to, uint? link)
        {
            byte[] piece = link is null ? [] : new byte[EvidenceEntry.LinkSize];
            if (link is { } number)
            {
                Digest digest = chain.Link(number);
                EvidenceReader.Write(piece, new EvidenceEntry { Kind = EvidenceKind.Link, Index = (uint)(to - from), Key = opened }, digest);
            }

            return _client.Ask([.. Enumerable.Range(from, to - from + 1).Select(number => LiveLedger.Pay(2, 1, 1, 5, (ulong)number) with { Session = Session })], piece).Select(outcome => outcome.Verdict);
        }
    }

    private void Make(int members = 3, Genesis? genesis = null, ILawCompiler? compiler = null, Func<NodeKey, ISealSigner?>? signer = null) =>
        _cluster = new SmallCluster(members, genesis ?? LiveLedger.SmallGenesis(), _random, compiler: compiler, signer: signer);

    /// <summary>Three members, one of them leading, and some wallets.</summary>
    private void Begin()
    {
        Make();
        _client.Follow(Cluster, Cluster.Elect());
        CreateWallets(4);
    }

    private void CreateWallets(int wallets)
    {
        var slots = new List<Payment>();
        for (ushort participant = 1; participant <= 2; participant++)
        {
            var declare = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = participant };
            declare.SetName($"bank {participant}");
            slots.Add(LiveLedger.Slot(declare));
        }

        slots.Add(LiveLedger.Slot(new ControlCommand { Instruction = Instruction.DeclareCurrency, Currency = LiveLedger.Euro, Scale = 2 }));
        for (int wallet = 1; wallet <= wallets; wallet++)
        {
            slots.Add(LiveLedger.Slot(new ControlCommand
            {
                Instruction = Instruction.OpenWallet, Subject = (ulong)wallet, Participant = (ushort)(1 + (wallet % 2)), Country = 276, Currency = LiveLedger.Euro,
            }));
        }

        for (int wallet = 1; wallet <= wallets; wallet++)
        {
            slots.Add(new Payment
            {
                IdHigh = Limits.OpeningIdHigh | LiveLedger.Euro, IdLow = (ulong)wallet, Payee = (ulong)wallet, Amount = 100_000_000, Currency = LiveLedger.Euro,
                Instruction = Instruction.Issue, Flags = PaymentFlags.Opening, Session = Limits.OperatorSession,
            });
        }

        Assert.That(_client.Ask([.. slots]).Select(outcome => outcome.Verdict), Is.All.EqualTo(Verdict.Accepted));
    }

    private Payment Next() => LiveLedger.Pay(1 + (_number % 2), 2 - (_number % 2), 1, 9, ++_number);

    private void Reach(bool isReachable, params SmallMember[] members)
    {
        foreach (SmallMember member in members)
            Cluster.SetReachable(member, isReachable);
    }

    private BlockReplay ExpectOneHistory(Genesis? genesis = null, ILawCompiler? compiler = null)
    {
        BlockReplay replay = ClusterHistory.ExpectOneHistory(Cluster, _client, genesis ?? LiveLedger.SmallGenesis(), compiler: compiler);
        _replays.Add(replay);
        return replay;
    }

    private readonly List<BlockReplay> _replays = [];

    [TearDown]
    public void DisposeReplays()
    {
        _replays.ForEach(replay => replay.Dispose());
        _replays.Clear();
    }

    private sealed class Counter : IStateQuery
    {
        private int _calls;

        public ManualResetEventSlim Done { get; } = new();

        public int Calls => Volatile.Read(ref _calls);

        public ulong Sequence { get; private set; }

        public void Read(LedgerState state)
        {
            Sequence = state.Sequence;
            Interlocked.Increment(ref _calls);
            Done.Set();
        }

        public void Abandon() => Done.Set();
    }
}
