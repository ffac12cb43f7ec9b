using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Ledger;
using Settlement.Engine.Snapshots;
using Settlement.Tests.Dedup;
using Settlement.Tests.Live;

namespace Settlement.Tests.Governance;

/// <summary>
/// A ledger with modules <c>us</c> (four devices, quorum 3 of 2 makers, emergency 2) and <c>in</c> (three, quorum 2 of 2), driven block by block. When it is disposed all
/// blocks are applied once more from genesis: the same outcomes and state hash. It may also write and read itself back after each block.
/// </summary>
internal sealed class GovernanceLedger : IDisposable
{
    public const ushort Us = 840;
    public const ushort In = 356;
    public const ushort De = 276;
    public const ushort Euro = 978;
    public const ushort AuthoritySession = 2;
    public static readonly UInt128 LedgerId = 7;
    public const ulong WalletUs = 1;
    public const ulong WalletIn = 2;
    public const ulong WalletDe = 3;

    private readonly bool _reloads;
    private readonly ILawCompiler _compiler;
    private readonly List<(BlockHeader Header, Payment[] Slots, Outcome[] Outcomes)> _blocks = [];
    private readonly Dictionary<string, ECDsa> _keys = [];
    private LedgerState _state;
    private Settler _settler;
    private MemoryIdStore _store = new();
    private ulong _number;

    /// <param name="reloads">The state is written and read back after each block.</param>
    /// <param name="compiler">Null: the plain one.</param>
    /// <param name="founds">Whether the modules are there.</param>
    public GovernanceLedger(bool reloads = false, ILawCompiler? compiler = null, bool founds = true)
    {
        (_reloads, _compiler) = (reloads, compiler ?? new PlainCompiler());
        (_state, _settler) = NewState(_store);
        SetUp();
        if (!founds)
            return;
        foreach ((string name, string module, string maker) in (ReadOnlySpan<(string, string, string)>)
            [("us1", "us", "Acme"), ("us2", "us", "Acme"), ("us3", "us", "Acme"), ("us4", "us", "Borg"), ("in1", "in", "Acme"), ("in2", "in", "Borg"), ("in3", "in", "Borg")])
            Expect(Send(Instruction.RegisterDevice, new DeviceRegistration(KeyOf(name), module, maker).Encode()));
        Expect(Send(Instruction.FoundModule, new ModuleFounding("us", 3, 2, 2).Encode()));
        Expect(Send(Instruction.FoundModule, new ModuleFounding("in", 2, 2, 2).Encode()));
    }

    public LedgerState State => _state;

    public LawBook Book => _state.LawBook;

    public ulong TimeNs { get; set; } = LiveLedger.StartNs;

    public ulong NextSequence => _state.Sequence + 1;

    public Digest Hash => _state.Batch.StateHashNow();

    public Proposal Last => Book.Proposals[^1];

    public static void Expect(Verdict verdict, Verdict expected = Verdict.Accepted) => Assert.That(verdict, Is.EqualTo(expected));

    /// <summary>A device's pair of keys, made when it is first named; the state hash depends on it, so a test holds one ledger's keys only.</summary>
    public ECDsa Device(string name)
    {
        if (!_keys.TryGetValue(name, out ECDsa? key))
            _keys.Add(name, key = ECDsa.Create(ECCurve.NamedCurves.nistP256));
        return key;
    }

    public NodeKey KeyOf(string name) => NodeKey.Of(Device(name));

    public Verdict Send(Instruction instruction, byte[] payload, ushort session = Limits.OperatorSession) =>
        Apply(BlockKind.Control, PayloadCommand.ToSlots(instruction, session, payload))[0].Verdict;

    public Verdict Propose(ProposalPayload payload, string device) =>
        Send(Instruction.Propose, GovernanceMessage.Propose(LedgerId, payload, Device(device)).Encode());

    public Verdict ProposeText(string module, uint version, string rules, string device) =>
        Propose(ProposalPayload.OfText(module, version, $"module {module} {version}\n{rules}"), device);

    public Verdict Vote(string device, bool isYes = true, Proposal? proposal = null)
    {
        proposal ??= Last;
        return Send(Instruction.Vote, GovernanceMessage.Vote(LedgerId, proposal.Number, proposal.PayloadHash, isYes, Device(device)).Encode());
    }

    public Verdict Schedule(ActivationPoint point, Proposal? proposal = null)
    {
        proposal ??= Last;
        return Send(Instruction.Schedule, new ScheduleCommand(proposal.Number, proposal.PayloadHash, point).Encode());
    }

    /// <summary>Proposed and voted for by enough.</summary>
    public Proposal Carried(string module, uint version, string rules)
    {
        Expect(ProposeText(module, version, rules, module + "1"));
        VoteAll(module);
        return Last;
    }

    public void VoteAll(string module, Proposal? proposal = null)
    {
        proposal ??= Last;
        foreach (string device in module == "us" ? (string[])["us1", "us2", "us4"] : ["in1", "in2"])
            Expect(Vote(device, true, proposal));
    }

    /// <summary>A version that is in force from the next payment on.</summary>
    public Proposal Activate(string module, uint version, string rules)
    {
        Proposal proposal = Carried(module, version, rules);
        Expect(Schedule(ActivationPoint.AtSequence(NextSequence + 3), proposal));
        Assert.That(proposal.Status, Is.EqualTo(ProposalStatus.Scheduled));
        Pay(WalletDe, WalletUs);
        Pay(WalletDe, WalletUs);
        Assert.That(FindAgain(proposal).Status, Is.EqualTo(ProposalStatus.Active));
        return FindAgain(proposal);
    }

    /// <summary>After a reload the objects are others.</summary>
    public Proposal FindAgain(Proposal proposal) => Book.FindProposal(proposal.Number)!;

    public Payment Payment(ulong payer, ulong payee, ulong amount = 1) => LiveLedger.Pay(payer, payee, amount, 77, ++_number);

    public Verdict Pay(ulong payer, ulong payee, ulong amount = 1) => Apply(BlockKind.Payments, [Payment(payer, payee, amount)])[0].Verdict;

    public Verdict Set(string name, ulong value, ActivationPoint point, ushort session = AuthoritySession, ushort currency = Euro) =>
        Send(Instruction.SetParameter, new ParameterCommand(currency, name, value, point).Encode(), session);

    /// <summary>What a node would journal of the change scheduled last.</summary>
    public PlanAttestation AttestationOf(LawInputs laws, int day)
    {
        LawBuild build = _compiler.Build(laws, day);
        return new PlanAttestation(laws.Hash, day, build.Fault is null, build.Plan?.Table.Hash ?? default);
    }

    /// <summary>Journals what is built of everything expected, as a node does by itself.</summary>
    public int AttestAll()
    {
        var watch = new Watch(_compiler);
        _state.Laws.Builder = watch;
        _state.Laws.Foresee();
        _state.Laws.Builder = new PlanBuilderOnCall(_compiler);
        int attested = 0;
        foreach (LawOrder order in watch.Orders.Where(order => order is { IsToAttest: true, Proposed: null }))
        {
            Expect(Send(Instruction.AttestPlan, AttestationOf(order.Laws, order.Day).Encode()));
            attested++;
        }

        return attested;
    }

    public Outcome[] Apply(BlockKind kind, ReadOnlySpan<Payment> slots)
    {
        var header = new BlockHeader
        {
            Kind = kind, Number = (ulong)_blocks.Count + 1, LedgerId = LedgerId, FirstSequence = NextSequence, Count = (uint)slots.Length, TimeNs = TimeNs,
        };
        var outcomes = new Outcome[slots.Length];
        _settler.Apply(in header, slots, outcomes);
        _blocks.Add((header, slots.ToArray(), outcomes));
        if (_reloads)
            Reload();
        return outcomes;
    }

    /// <summary>So much later, in steps that need no command.</summary>
    public void Wait(ulong ns)
    {
        for (ulong left = ns; left > 0;)
        {
            ulong step = Math.Min(left, Limits.TimeStepMaxNs);
            TimeNs += step;
            left -= step;
            Apply(BlockKind.Tick, []);
        }
    }

    /// <summary>Applies the blocks once more, cut as they were, under another compiler or the same.</summary>
    public LedgerState Replay(ILawCompiler? compiler = null)
    {
        (LedgerState state, Settler settler) = NewState(new MemoryIdStore(), compiler);
        foreach ((BlockHeader header, Payment[] slots, Outcome[] expected) in _blocks)
        {
            var outcomes = new Outcome[slots.Length];
            settler.Apply(in header, slots, outcomes);
            Assert.That(outcomes.Select(outcome => (outcome.Verdict, outcome.Rule, outcome.First)),
                Is.EqualTo(expected.Select(outcome => (outcome.Verdict, outcome.Rule, outcome.First))), $"block {header.Number}");
        }

        return state;
    }

    public void Dispose()
    {
        Digest hash = Hash;
        using (LedgerState again = Replay())
            Assert.That(again.Batch.StateHashNow(), Is.EqualTo(hash), "the state hash of a replay");
        _state.VerifyConservation();
        _state.Dispose();
        _store.Dispose();
        foreach (ECDsa key in _keys.Values)
            key.Dispose();
    }

    private void Reload()
    {
        using var file = new MemoryStream();
        var writer = new SnapshotWriter(file, new SnapshotHead { Sequence = _state.Sequence });
        _settler.Save(writer);
        writer.Finish(Hash);
        _state.Dispose();
        _store.Dispose();
        _store = new MemoryIdStore();
        (_state, _settler) = NewState(_store);
        file.Position = 0;
        var reader = new SnapshotReader(file, "memory");
        _settler.Load(reader);
        Assert.That(reader.Finish(), Is.EqualTo(Hash));
    }

    private (LedgerState State, Settler Settler) NewState(MemoryIdStore store, ILawCompiler? compiler = null)
    {
        Genesis genesis = LiveLedger.SmallGenesis();
        var state = new LedgerState(in genesis, new Deduplicator(in genesis, Deduplicator.IdMemoryBytesMin, store), compiler ?? _compiler) { LedgerId = LedgerId };
        return (state, new Settler(state));
    }

    private void SetUp()
    {
        var bank = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = 1 };
        bank.SetName("central bank");
        var commands = new List<ControlCommand>
        {
            bank,
            new() { Instruction = Instruction.DeclareCurrency, Currency = Euro, Scale = 2, Participant = 1 },
            new() { Instruction = Instruction.OpenSession, Subject = AuthoritySession, Participant = 1, Level = 255 },
        };
        foreach ((ulong wallet, ushort country) in (ReadOnlySpan<(ulong, ushort)>)[(WalletUs, Us), (WalletIn, In), (WalletDe, De)])
            commands.Add(new ControlCommand { Instruction = Instruction.OpenWallet, Subject = wallet, Participant = 1, Country = country, Currency = Euro });
        Payment[] slots = [.. commands.Select(LiveLedger.Slot)];
        Assert.That(Apply(BlockKind.Control, slots).Select(outcome => outcome.Verdict), Is.All.EqualTo(Verdict.Accepted));
        foreach (ulong wallet in (ReadOnlySpan<ulong>)[WalletUs, WalletIn, WalletDe])
        {
            Expect(Apply(BlockKind.Payments, [new Payment
            {
                IdHigh = Limits.OpeningIdHigh | Euro, IdLow = wallet, Payee = wallet, Amount = 100_000_000, Currency = Euro, Instruction = Instruction.Issue,
                Flags = PaymentFlags.Opening, Session = AuthoritySession,
            }])[0].Verdict);
        }
    }

    /// <summary>Hears what is foreseen.</summary>
    private sealed class Watch(ILawCompiler compiler) : IPlanBuilder
    {
        private readonly PlanBuilderOnCall _onCall = new(compiler);

        public List<LawOrder> Orders { get; } = [];

        public void Foresee(IReadOnlyList<LawOrder> orders) => Orders.AddRange(orders);

        public LawCheck TakeCheck(LawInputs inForce, LawText proposed) => _onCall.TakeCheck(inForce, proposed);

        public LawBuild TakePlan(LawInputs laws, int day) => _onCall.TakePlan(laws, day);

        public void Dispose() => _onCall.Dispose();
    }
}
