using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Settlement.Engine.Batch;
using Settlement.Engine.Consent;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Rules;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Ledger;

/// <summary>
/// Everything that the journal decides. Only the settle thread writes it; others may read it when the engine is still.
/// </summary>
public sealed class LedgerState : IDisposable
{
    /// <param name="genesis">Capacities: memory for all of it is taken here, touched as it is used.</param>
    /// <param name="deduplicator">Ids; owned from here on.</param>
    /// <param name="compiler">Reads and compiles laws; null: the language's.</param>
    /// <exception cref="ArgumentException">A capacity is out of range.</exception>
    public LedgerState(in Genesis genesis, Deduplicator deduplicator, ILawCompiler? compiler = null)
    {
        if (genesis.Fault() is { } fault)
            throw new ArgumentException(fault, nameof(genesis));
        Genesis = genesis;
        Accounts = new AccountTable(genesis.AccountsMax);
        Participants = new ParticipantList(genesis.ParticipantsMax);
        Sessions = new SessionList(genesis.SessionsMax);
        Currencies = new CurrencyList(genesis.CurrenciesMax);
        Positions = new PositionBook(genesis.ParticipantsMax, genesis.CurrenciesMax, Currencies);
        Targets = new TargetTable(genesis.TargetsMax);
        Sums = new SumTable(genesis.SumsMax);
        Ids = deduplicator;
        Batch = new OpenBatch(this);
        LawBook = new LawBook(this);
        Laws = new LawActivation(this, LawBook, new PlanBuilderOnCall(compiler ?? LawCompiler.Shared));
        Participants.Add("operator");
        Sessions.Add(new SessionRecord
        {
            Participant = Limits.OperatorParticipant,
            Clearance = byte.MaxValue,
            Flags = SessionFlags.Operator,
        });
    }

    public Genesis Genesis { get; }

    public AccountTable Accounts { get; }

    public ParticipantList Participants { get; }

    public SessionList Sessions { get; }

    public CurrencyList Currencies { get; }

    public SettingTable Settings { get; } = new();

    public PositionBook Positions { get; }

    public TargetTable Targets { get; }

    public SumTable Sums { get; }

    public Deduplicator Ids { get; }

    public BalanceFold Balances { get; } = new();

    public OpenBatch Batch { get; }

    /// <summary>Keys of sessions and wallets, how owners consent, mandates, chains.</summary>
    public ConsentBook Consent { get; } = new();

    /// <summary>Who may change the law, what was proposed and voted, and which laws are in force.</summary>
    public LawBook LawBook { get; }

    /// <summary>From when on which law is judged by.</summary>
    public LawActivation Laws { get; }

    /// <summary>The rules that payments are judged by; null: every corridor is open.</summary>
    public RulePlan? Rules { get; internal set; }

    /// <summary>The rules that the journal activated last: those in force, but in a hypothesis (<see cref="Impose"/>).</summary>
    public RulePlan? RulesJournaled => _isImposed ? _rulesJournaled : Rules;

    private RulePlan[] _awaited = []; // of rules to come, whose sums count already; written by: settle thread
    private RulePlan? _rulesJournaled; // written by: settle thread
    private bool _isImposed; // written by: who asks a hypothesis, before and between blocks

    /// <summary>Fold of every control command that took effect: settings, cast, caps, fees and rules are functions of it.</summary>
    public UInt128 ControlFold { get; internal set; }

    /// <summary>Which ledger it is: what devices sign is signed for it alone.</summary>
    public UInt128 LedgerId { get; internal set; }

    /// <summary>Block time, ns since the epoch.</summary>
    public ulong TimeNs { get; internal set; }

    /// <summary>Of the last slot applied; 0 before the first.</summary>
    public ulong Sequence { get; internal set; }

    /// <summary>Told every change of an account, for statements; null: nobody asks, as on a live node.</summary>
    public MovementLog? Movements { get; set; }

    /// <summary>Payments that a session trusted for it declassified (exit 4 of the security model).</summary>
    public ulong DeclassifiedCount { get; internal set; }

    /// <summary>
    /// Asks a hypothesis: from here on payments are judged by these rules, whatever the journal activates. No journal can be written from such a state; its
    /// commands keep the verdicts that they have. Rules are read by every payment, and here alone it is settled which.
    /// </summary>
    /// <param name="plan">Null: every corridor is open.</param>
    public void Impose(RulePlan? plan)
    {
        (_rulesJournaled, _isImposed) = (RulesJournaled, true);
        PutInForce(plan);
    }

    /// <summary>The journal activates rules.</summary>
    internal void Activate(RulePlan plan)
    {
        if (_isImposed)
            _rulesJournaled = plan;
        else
            PutInForce(plan);
    }

    /// <summary>Rules to come: from here on what they sum up counts.</summary>
    internal void Await(RulePlan[] plans)
    {
        _awaited = plans;
        if (_isImposed)
            return;
        var years = new List<LimitWindow>();
        foreach (RulePlan plan in plans)
            foreach (LimitWindow year in plan.YearStarts)
                if (!years.Contains(year))
                    years.Add(year);
        Sums.Await(CollectionsMarshal.AsSpan(years));
    }

    /// <summary>Whether the payer's sums count: for the rules in force, or for some to come.</summary>
    internal bool CountsSums => Rules is { HasSums: true } || (_awaited.Length > 0 && AwaitsSums());

    /// <summary>Whether payments of a payer in this country, in this currency, are counted.</summary>
    internal bool NeedsSums(ushort country, ushort currency)
    {
        if (Rules is { } rules && rules.NeedsSums(country, currency))
            return true;
        if (!_isImposed)
            foreach (RulePlan plan in _awaited)
                if (plan.NeedsSums(country, currency))
                    return true;
        return false;
    }

    private bool AwaitsSums()
    {
        if (!_isImposed)
            foreach (RulePlan plan in _awaited)
                if (plan.HasSums)
                    return true;
        return false;
    }

    public void Dispose()
    {
        Laws.Builder.Dispose();
        Accounts.Dispose();
        Positions.Dispose();
        Targets.Dispose();
        Sums.Dispose();
        Ids.Dispose();
    }

    /// <summary>Everything that the journal has decided, between blocks.</summary>
    public void Save(SnapshotWriter writer)
    {
        writer.Begin(SnapshotSection.Cast);
        writer.Write<ulong>([TimeNs, Sequence, DeclassifiedCount]);
        writer.Write(ControlFold);
        Participants.Save(writer);
        Sessions.Save(writer);
        Currencies.Save(writer);
        Settings.Save(writer);
        Consent.Save(writer);
        writer.Begin(SnapshotSection.Accounts);
        Accounts.Save(writer);
        writer.Begin(SnapshotSection.Positions);
        Positions.Save(writer, Participants.Count);
        writer.Begin(SnapshotSection.Targets);
        Targets.Save(writer);
        writer.Begin(SnapshotSection.Rules);
        ReadOnlySpan<byte> rules = Rules is null ? default : Rules.Table.Encode();
        writer.Write((ulong)rules.Length);
        writer.Write(rules);
        LawBook.Save(writer);
        Laws.Save(writer);
        writer.Begin(SnapshotSection.Sums);
        Sums.Save(writer);
        writer.Begin(SnapshotSection.Ids);
        Ids.Save(writer);
        writer.Begin(SnapshotSection.Batch);
        Batch.Save(writer);
    }

    /// <summary>Into the empty state of the same genesis.</summary>
    /// <exception cref="SnapshotException">The snapshot holds what this ledger cannot.</exception>
    public void Load(SnapshotReader reader)
    {
        reader.Begin(SnapshotSection.Cast);
        TimeNs = reader.Read<ulong>();
        Sequence = reader.Read<ulong>();
        DeclassifiedCount = reader.Read<ulong>();
        ControlFold = reader.Read<UInt128>();
        Participants.Load(reader);
        Sessions.Load(reader);
        Currencies.Load(reader);
        Settings.Load(reader);
        Consent.Load(reader);
        (Ids.WindowNs, Ids.RetentionNs) = (Settings.IdWindowNs, Settings.IdRetentionNs);
        reader.Begin(SnapshotSection.Accounts);
        Accounts.Load(reader);
        reader.Begin(SnapshotSection.Positions);
        Positions.Load(reader, Participants.Count);
        reader.Begin(SnapshotSection.Targets);
        Targets.Load(reader, Accounts.Count);
        reader.Begin(SnapshotSection.Rules);
        LoadRules(reader);
        LawBook.Load(reader);
        Laws.Load(reader); // before the sums: what they count is as they say
        reader.Begin(SnapshotSection.Sums);
        Sums.Load(reader, Rules);
        reader.Begin(SnapshotSection.Ids);
        Ids.Load(reader);
        reader.Begin(SnapshotSection.Batch);
        Batch.Load(reader);
        CheckRows(reader);
        Balances.Load(Accounts);
    }

    private void LoadRules(SnapshotReader reader)
    {
        var encoded = new byte[reader.ReadCount(Limits.BlockBodyBytesMax, "bytes of rules")];
        reader.Read<byte>(encoded);
        if (encoded.Length == 0)
            return;
        RulePlan? plan = null;
        reader.Expect(
            RuleTable.TryDecode(encoded, out RuleTable? table, out _) && RulePlan.TryBuild(table!, Iso4217.OwnerCountry, out plan, out _),
            "its rule table cannot be built");
        Rules = plan;
    }

    /// <summary>Numbers that name rows of other tables: the settle thread does not check them again.</summary>
    private void CheckRows(SnapshotReader reader)
    {
        for (int row = 1; row <= Accounts.Count; row++)
        {
            ref readonly AccountRow account = ref Accounts[row];
            reader.Expect(
                account.CurrencyIndex <= Currencies.Count && Participants.Knows(account.Participant) && (uint)account.SumRow <= (uint)Sums.RowsUsed,
                $"account row {row} names what there is not");
            Consent.CheckRow(reader, in account);
        }
    }

    /// <summary>A command took effect, or counts towards a quorum.</summary>
    internal void Fold(in ControlCommand command, ReadOnlySpan<byte> continuation)
    {
        var hash = new XxHash128();
        Span<byte> before = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(before, ControlFold);
        hash.Append(before);
        hash.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<ControlCommand>(in command)));
        hash.Append(continuation);
        ControlFold = hash.GetCurrentHashAsUInt128();
    }

    private void PutInForce(RulePlan? plan)
    {
        Rules = plan;
        if (plan is not null)
            Sums.Activate(plan);
    }

    /// <summary>
    /// Per currency, whether outstanding equals the sum over all accounts and whether participants' positions sum to zero. Walks every
    /// account: for tests, verification and the end of load runs.
    /// </summary>
    /// <exception cref="LedgerBrokenException">Money appeared or vanished.</exception>
    public void VerifyConservation()
    {
        var sums = new UInt128[Currencies.Count + 1];
        for (int row = 1; row <= Accounts.Count; row++)
        {
            ref readonly AccountRow account = ref Accounts[row];
            sums[account.CurrencyIndex] += (UInt128)account.Available + account.Pending + account.Held;
        }

        for (int index = 1; index <= Currencies.Count; index++)
        {
            ref readonly CurrencyRecord currency = ref Currencies[index];
            if (sums[index] != currency.Outstanding)
                throw new LedgerBrokenException($"currency {currency.Number}: accounts hold {sums[index]}, outstanding are {currency.Outstanding}");
            Int128 open = 0;
            Int128 unsettled = 0;
            for (int participant = 0; participant < Participants.Count; participant++)
            {
                ref readonly PositionRow position = ref Positions.At((ushort)participant, (byte)index);
                open += position.Open;
                unsettled += position.Unsettled;
            }

            if (open != 0 || unsettled != 0)
                throw new LedgerBrokenException($"currency {currency.Number}: open positions sum to {open}, unsettled ones to {unsettled}");
        }
    }
}

/// <summary>An invariant of the ledger does not hold: the engine stops and goes no further.</summary>
public sealed class LedgerBrokenException : Exception
{
    public LedgerBrokenException(string message)
        : base(message)
    {
    }
}
