using System.Numerics;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>
/// The slow, obvious twin of the whole engine: engine/SEMANTICS.md read aloud in dictionaries and lists, one payment at a
/// time, to be checked against that page line by line (comments give its step numbers). A fingerprint is the whole body but the
/// session field, so that two bodies never pass for one. Times are ns since the Unix epoch, amounts smallest units.
/// </summary>
/// <remarks>
/// A block that the journal could not have written (wrong number, sequence or time) throws
/// <see cref="InvalidOperationException"/>, as the engine stops on it.
/// </remarks>
public sealed partial class NaiveEngine : ILedgerUnderTest
{
    private readonly Genesis _genesis;
    private readonly INaiveRules _rules;

    private readonly Dictionary<ushort, NaiveSession> _sessions = [];
    private readonly List<string> _participants = [];
    private readonly List<NaiveCurrency> _currencies = []; // in order of declaration
    private readonly Dictionary<ulong, NaiveWallet> _wallets = [];

    private readonly Dictionary<(ushort Participant, ulong Stream), NaiveStream> _streams = [];
    private readonly Dictionary<(ushort Participant, UInt128 Id), DecidedId> _uuid7Ids = [];
    private readonly Dictionary<(ushort Participant, UInt128 Id), DecidedId> _otherIds = [];

    private readonly Dictionary<TargetKey, NaiveTarget> _targets = [];
    private readonly SortedSet<(ulong ExpiryNs, ulong Sequence, ushort Participant, UInt128 Id)> _expiries = [];

    private bool _hasGenesis;
    private bool _hasTime;
    private ulong _blockNumberNext;
    private ulong _sequenceNext = 1;
    private ulong _now;

    public NaiveEngine(in Genesis genesis, INaiveRules rules)
    {
        if (genesis.Fault() is { } fault)
            throw new ArgumentException(fault, nameof(genesis));
        _genesis = genesis;
        _rules = rules;

        // Genesis makes participant 0 (`operator`) and session 1 (participant 0, clearance 255, operator).
        _participants.Add("operator");
        _sessions.Add(Limits.OperatorSession, new NaiveSession(Limits.OperatorParticipant, 255, SessionFlags.Operator));
        Array.Fill(_instructionLevels, (byte)255);
    }

    public IReadOnlyList<string> Participants => _participants;

    public IReadOnlyDictionary<ushort, NaiveSession> Sessions => _sessions;

    public IReadOnlyList<NaiveCurrency> Currencies => _currencies;

    public IReadOnlyDictionary<ulong, NaiveWallet> Wallets => _wallets;

    public IReadOnlyDictionary<TargetKey, NaiveTarget> Targets => _targets;

    public IReadOnlyDictionary<(ushort Participant, ulong Stream), NaiveStream> Streams => _streams;

    /// <summary>How many were released or forgotten for their age so far.</summary>
    public long HoldsExpired { get; private set; }

    public long RefundablesExpired { get; private set; }

    public long ReviewsExpired { get; private set; }

    /// <summary>How often an id was decided again after its retention.</summary>
    public long IdsDecidedAgain { get; private set; }

    /// <summary>The number of the block that comes next, genesis being 0.</summary>
    public ulong BlockNumberNext => _blockNumberNext;

    public ulong SequenceNext => _sequenceNext;

    /// <summary>Time of the last block.</summary>
    public ulong TimeNs => _now;

    public Outcome[] Apply(in BlockHeader header, ReadOnlySpan<Payment> slots, ReadOnlySpan<byte> evidence = default)
    {
        CheckHeader(header, slots);
        _blockNumberNext = header.Number + 1;
        _now = header.TimeNs;
        if (header.Kind is BlockKind.Genesis or BlockKind.Seal or BlockKind.Term or BlockKind.Members)
        {
            _hasGenesis = true;
            return [];
        }

        _hasTime = true;

        ExpireTargets();
        RaiseIdFloors();
        CloseByAge();

        TakeEvidence(slots, evidence);
        Outcome[] outcomes = new Outcome[slots.Length];
        if (header.Kind == BlockKind.Control)
            ApplyControl(slots, outcomes);
        else
            for (int i = 0; i < slots.Length; i++)
                outcomes[i] = ApplyPayment(slots[i]);
        return outcomes;
    }

    /// <summary>"Sequences, blocks, time": what may stand in a journal.</summary>
    private void CheckHeader(in BlockHeader header, ReadOnlySpan<Payment> slots)
    {
        if (header.Kind == BlockKind.Genesis == _hasGenesis)
            throw new InvalidOperationException("genesis is the first block, and only the first");
        if (header.Kind is BlockKind.None or > BlockKind.Members)
            throw new InvalidOperationException($"block {header.Number} is of no known kind");
        if (header.Number != _blockNumberNext)
            throw new InvalidOperationException($"block {header.Number} came, {_blockNumberNext} was expected");
        if (header.FirstSequence != _sequenceNext)
            throw new InvalidOperationException($"sequence {header.FirstSequence} came, {_sequenceNext} was expected");
        bool takesSequences = header.Kind is BlockKind.Payments or BlockKind.Control;
        if (header.Count != slots.Length || takesSequences == slots.IsEmpty || slots.Length > Limits.BlockSlotsMax)
            throw new InvalidOperationException($"block {header.Number} of kind {header.Kind} has {slots.Length} slots");
        if (header.TimeNs < _now)
            throw new InvalidOperationException($"block {header.Number}: time goes back");
        bool acceptsTime = header.Kind == BlockKind.Control && slots[0].Instruction == Instruction.AcceptTime;
        if (header.TimeNs - _now > Limits.TimeStepMaxNs && _hasTime && !acceptsTime)
            throw new InvalidOperationException($"block {header.Number}: time steps by more than an hour");
    }

    /// <summary>Start of block, 1.</summary>
    private void ExpireTargets()
    {
        while (_expiries.Count > 0 && _expiries.Min.ExpiryNs < _now)
        {
            TargetKey key = new(_expiries.Min.Participant, _expiries.Min.Id);
            NaiveTarget target = _targets[key];
            Forget(key);
            if (target.UnderReview is not null)
            {
                Release(target);
                ReviewsExpired++;
            }
            else if (target.IsHold)
            {
                Release(target);
                HoldsExpired++;
            }
            else
                RefundablesExpired++;
        }
    }

    /// <summary>Start of block, 3.</summary>
    private void CloseByAge()
    {
        if (_open.Count > 0 && _batchAgeNs != 0 && _now - _open.OpenedNs >= _batchAgeNs)
            Close(ClosedBy.Age);
    }

    private Outcome ApplyPayment(in Payment payment)
    {
        ulong sequence = _sequenceNext++;
        ulong batch = _open.Number;
        ulong available = 0;
        Ruling ruling = JudgeA(payment, out NaiveSession? session);
        if (ruling.Passes)
        {
            ruling = JudgeB(payment, session!);
            if (ruling.Passes)
            {
                ruling = Verdict.Accepted;
                NaiveWallet told = WalletTold(payment, session!);
                available = BalanceFor(session!, told, Accept(payment, session!, sequence));
            }
            else if (ruling.Verdict == Verdict.UnderReview)
            {
                available = BalanceFor(session!, _wallets[payment.Payer], AcceptForReview(payment, session!, sequence, ruling.Rule));
                if (_wallets[payment.Payee].Level > session!.Clearance)
                    ruling = Verdict.UnderReview; // without the rule's number
            }

            Remember(payment, session!, ruling.Verdict);
            if (ruling.Verdict is Verdict.Accepted or Verdict.UnderReview)
                CloseByCountOrValue(payment, moves: ruling.Verdict == Verdict.Accepted);
        }

        return new Outcome
        {
            Available = available,
            Batch = (uint)batch,
            Rule = ruling.Rule,
            Verdict = ruling.Verdict,
            First = ruling.First,
        };
    }

    private NaiveCurrency? Currency(ushort number) => _currencies.Find(currency => currency.Number == number);

    private static NaiveAccount? AccountOf(NaiveWallet wallet, ushort currency) => wallet.Accounts.GetValueOrDefault(currency);

    // What tests look at.

    public AccountView? Account(ulong wallet, ushort currency) =>
        _wallets.GetValueOrDefault(wallet)?.Accounts.GetValueOrDefault(currency) is { } account
            ? new AccountView(account.Available, account.Pending, account.Held)
            : null;

    public WalletView? Wallet(ulong wallet) =>
        _wallets.GetValueOrDefault(wallet) is { } found
            ? new WalletView(found.Participant, found.Country, found.Tier, found.Kind, found.Level, found.Status, found.Holder)
            : null;

    public BigInteger OpenPosition(ushort participant, ushort currency) =>
        _open.Positions.GetValueOrDefault((participant, currency));

    public BigInteger UnsettledPosition(ushort participant, ushort currency) =>
        _unsettled.GetValueOrDefault((participant, currency));

    public BigInteger Outstanding(ushort currency) => Currency(currency)?.Outstanding ?? 0;

    /// <summary>
    /// What does not add up in a currency, or null: outstanding = sum over accounts of available + pending + held; open and
    /// unsettled positions sum to zero.
    /// </summary>
    public string? ConservationFault(ushort currency)
    {
        BigInteger inAccounts = 0;
        foreach (NaiveWallet wallet in _wallets.Values)
            if (AccountOf(wallet, currency) is { } account)
                inAccounts += account.Total;
        if (inAccounts != Outstanding(currency))
            return $"currency {currency}: accounts hold {inAccounts}, outstanding is {Outstanding(currency)}";

        BigInteger open = SumOf(_open.Positions, currency), unsettled = SumOf(_unsettled, currency);
        return open.IsZero && unsettled.IsZero
            ? null
            : $"currency {currency}: open positions sum to {open}, unsettled ones to {unsettled}";
    }

    /// <summary>A currency in which a closed batch's positions or net positions do not sum to zero, or null.</summary>
    public string? ConservationFault(NaiveBatch closed)
    {
        foreach (NaiveCurrency currency in _currencies)
            if (SumOf(closed.Positions, currency.Number) is var before && SumOf(closed.Net, currency.Number) is var after
                && !(before.IsZero && after.IsZero))
                return $"batch {closed.Number}, currency {currency.Number}: positions sum to {before}, with fees to {after}";
        return null;
    }

    private static BigInteger SumOf(Dictionary<(ushort Participant, ushort Currency), BigInteger> positions, ushort currency)
    {
        BigInteger sum = 0;
        foreach (((_, ushort c), BigInteger position) in positions)
            if (c == currency)
                sum += position;
        return sum;
    }
}
