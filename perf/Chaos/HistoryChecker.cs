using Settlement.Engine.Batch;
using Settlement.Engine.Domain;

namespace Settlement.Perf.Chaos;

/// <summary>What the checker found.</summary>
/// <param name="Faults">Sentences, the first ones of each kind; empty: nothing is wrong.</param>
/// <param name="FaultCount">All of them.</param>
internal sealed record CheckReport(
    IReadOnlyList<string> Faults, long FaultCount, long Invoked, long Acknowledged, long UnknownInJournal, long UnknownLost, long Reads, long Sheets, long Repeats, ulong Blocks, ulong TermLast, long Batches)
{
    public bool IsSound => FaultCount == 0;

    public override string ToString() =>
        $"{Invoked:N0} payments, {Acknowledged:N0} acknowledged, {Repeats:N0} asked again; of {UnknownInJournal + UnknownLost:N0} without an answer {UnknownInJournal:N0} are settled; "
        + $"{Reads:N0} reads, {Sheets:N0} times all balances; {Blocks:N0} blocks, {TermLast} terms, {Batches:N0} batches: {(IsSound ? "sound" : $"{FaultCount:N0} FAULTS")}";
}

/// <summary>Holds what clients saw against what the nodes' journals say.</summary>
/// <remarks>
/// Checked: each journal by itself (chain, seals, money); all of them the same where they overlap; what was acknowledged stands in each exactly once, with the verdict and the sequence
/// that were told; nothing is settled twice, or was never asked for; one id has one verdict for ever; one client's reads never go back, nor behind what it said that it knew; every
/// balance that was read is what the payments up to its sequence leave, and all balances of one moment are what was issued; state hashes and roots are the same on all nodes, in
/// journals and as told while they ran. A run in which nothing was acknowledged, or nothing was read, has checked nothing, and is not sound.
/// The checker's own picture of money is <see cref="MoneyModel"/>. Memory: about 250 bytes a payment and 40 a block.
/// Failure assumed: anything at all in a journal or a history; it is named, and the check goes on.
/// </remarks>
internal sealed class HistoryChecker
{
    private const int FaultsToldMax = 40;

    private sealed class Story(Payment payment)
    {
        public readonly Payment Payment = payment;
        public Verdict? Told; // that stands
        public ulong ToldSequence; // 0: not told
        public Verdict? Journaled; // in the first journal read
        public ulong JournaledSequence;
        public uint SeenIn; // a bit a journal
        public string AcknowledgedTo = "";
    }

    private readonly record struct Link(Digest Previous, uint Crc);

    private readonly Dictionary<PaymentKey, Story> _stories = [];
    private readonly Dictionary<string, ulong> _seen = []; // by client
    private readonly List<ReadSeen> _reads = [];
    private readonly List<BatchSeen> _batchesSeen = [];
    private readonly Dictionary<ulong, Link> _chain = []; // by block
    private readonly Dictionary<ulong, (string Root, string StateHash)> _batches = [];
    private readonly List<string> _faults = [];
    private readonly MoneyModel _money = new();
    private long _faultCount;
    private long _acknowledged;
    private long _repeats;
    private long _sheets;
    private int _readsChecked;
    private ulong _termLast;

    private HistoryChecker()
    {
    }

    /// <param name="history">Of all clients, from the ledger's first payment on.</param>
    /// <param name="journals">Of all nodes; the one that reaches furthest back and forward is read first.</param>
    public static CheckReport Check(IEnumerable<HistoryEvent> history, IReadOnlyList<JournalFacts> journals)
    {
        var checker = new HistoryChecker();
        foreach (HistoryEvent one in history)
            checker.Take(one);
        checker._reads.Sort((one, other) => one.Sequence.CompareTo(other.Sequence));
        JournalFacts[] ordered = [.. journals.OrderBy(journal => journal.BegunBehind).ThenBy(journal => journal.Fault is not null)];
        if (ordered.Length == 0 || ordered[0].BegunBehind > 0)
            checker.Fault("no node's journal is there from the beginning: nothing can be held against it");
        for (int i = 0; i < ordered.Length; i++)
            checker.Walk(ordered[i], i);
        checker.CompareLiveBatches();
        checker.CheckSheets();
        if (checker._acknowledged == 0)
            checker.Fault("no payment was acknowledged: nothing is checked");
        return checker.Report();
    }

    private CheckReport Report() => new(
        _faults, _faultCount, _stories.Count, _acknowledged,
        _stories.Values.LongCount(story => story.Told is null && story.Journaled is not null), _stories.Values.LongCount(story => story.Told is null && story.Journaled is null),
        _reads.Count, _sheets, _repeats, (ulong)_chain.Count, _termLast, _batches.Count);

    private void Take(HistoryEvent one)
    {
        switch (one)
        {
            case Invoked invoked:
                if (!_stories.TryAdd(invoked.Key, new Story(invoked.Payment)))
                    _repeats++;
                break;
            case Answered answered:
                TakeAnswer(answered);
                break;
            case ReadSeen read:
                TakeRead(read);
                break;
            case BatchSeen batch:
                _batchesSeen.Add(batch);
                break;
        }
    }

    private void TakeAnswer(Answered answered)
    {
        if (!_stories.TryGetValue(answered.Key, out Story? story))
        {
            Fault($"{answered.Client} was answered about {answered.Key}, which nobody had sent");
            return;
        }

        Saw(answered.Client, answered.Sequence);
        if (answered.Verdict == Verdict.IdConflict)
            Fault($"{answered.Client} was told that {answered.Key} is another payment's id, and it was used for one alone");
        Verdict standing = answered.Standing;
        if (standing.LeavesIdFree() || standing is Verdict.DuplicateLookUp or Verdict.IdConflict)
            return;
        if (story.Told is { } before && before != standing)
            Fault($"{answered.Key} was told to be {before}, and then {answered.Client} was told {standing}");
        if (story.Told is null)
            (_acknowledged, story.AcknowledgedTo) = (_acknowledged + 1, answered.Client);
        story.Told = standing;
        if (answered.Verdict == Verdict.Duplicate || answered.Sequence == 0)
            return;
        if (story.ToldSequence != 0 && story.ToldSequence != answered.Sequence)
            Fault($"{answered.Key} was told to be decided at sequence {story.ToldSequence}, and then {answered.Client} was told {answered.Sequence}");
        story.ToldSequence = answered.Sequence;
    }

    private void TakeRead(ReadSeen read)
    {
        ulong seen = _seen.GetValueOrDefault(read.Client);
        if (read.Sequence < seen)
            Fault($"{read.Client} had seen sequence {seen}, and then read as of {read.Sequence} at {read.Node}: reads went back");
        else if (read.Sequence < read.AtLeast)
            Fault($"{read.Client} asked {read.Node} for sequence {read.AtLeast} at least, and was given {read.Sequence}");
        Saw(read.Client, read.Sequence);
        _reads.Add(read);
    }

    private void Saw(string client, ulong sequence)
    {
        if (sequence > _seen.GetValueOrDefault(client))
            _seen[client] = sequence;
    }

    private void Walk(JournalFacts journal, int index)
    {
        if (journal.Fault is { } unsound)
            Fault($"{journal.Node}: {unsound}");
        ulong sequence = journal.BegunBehind;
        ulong term = 0;
        try
        {
            foreach (BlockFacts block in journal.Blocks)
            {
                if (block.Term < term)
                    Fault($"{journal.Node}: block {block.Number} is of term {block.Term}, behind one of term {term}");
                term = block.Term;
                CompareChain(journal.Node, block, isFirst: index == 0);
                foreach (Decided decided in block.Decided)
                    TakeDecision(journal.Node, in decided, index);
                foreach (ClosedBatch batch in block.Closed)
                    CompareBatch(journal.Node, batch.Number, batch.Root.ToString(), batch.StateHash.ToString());
                sequence = Math.Max(sequence, block.LastSequence);
                if (index == 0)
                    CheckReads(sequence);
            }
        }
        catch (Exception unreadable) when (unreadable is Engine.Ledger.LedgerBrokenException or Engine.Journal.JournalException)
        {
            Fault($"{journal.Node}: {unreadable.Message}");
        }

        _termLast = Math.Max(_termLast, term);
        if (index == 0)
            CheckReadsBeyond(sequence);
        foreach ((PaymentKey key, Story story) in _stories)
            CheckPresent(journal, key, story, index);
    }

    private void TakeDecision(string node, in Decided decided, int index)
    {
        if (decided.Verdict.LeavesIdFree() || decided.Verdict is Verdict.Duplicate or Verdict.DuplicateLookUp or Verdict.IdConflict)
            return;
        if (!_stories.TryGetValue(decided.Key, out Story? story))
        {
            Fault($"{node}: {decided.Key} at sequence {decided.Sequence} was never sent by a client");
            return;
        }

        if ((story.SeenIn & (1u << index)) != 0)
            Fault($"{node}: {decided.Key} is decided twice, at sequence {story.JournaledSequence} and at {decided.Sequence}");
        story.SeenIn |= 1u << index;
        if (!IsSame(in story.Payment, decided.Payment))
            Fault($"{node}: {decided.Key} at sequence {decided.Sequence} is not the payment that was sent");
        if (story.Told is { } told && told != decided.Verdict)
            Fault($"{node}: {decided.Key} is {decided.Verdict}, and {story.AcknowledgedTo} was told {told}");
        if (story.ToldSequence != 0 && story.ToldSequence != decided.Sequence)
            Fault($"{node}: {decided.Key} stands at sequence {decided.Sequence}, and {story.AcknowledgedTo} was told {story.ToldSequence}");
        if (story.Journaled is { } journaled && (journaled != decided.Verdict || story.JournaledSequence != decided.Sequence))
            Fault($"{node}: {decided.Key} is {decided.Verdict} at sequence {decided.Sequence}, and elsewhere {journaled} at {story.JournaledSequence}");
        (story.Journaled, story.JournaledSequence) = (decided.Verdict, decided.Sequence);
        if (index == 0 && decided.Verdict.IsAccepted() && _money.Apply(in decided) is { } wrong)
            Fault($"{node}: {wrong}");
    }

    private void CheckPresent(JournalFacts journal, PaymentKey key, Story story, int index)
    {
        if (story.Told is not { } told || (story.SeenIn & (1u << index)) != 0)
            return;
        if (story.Journaled is not null && story.JournaledSequence <= journal.BegunBehind)
            return;
        Fault($"{journal.Node}: {key} was acknowledged to {story.AcknowledgedTo} as {told}{(story.ToldSequence == 0 ? "" : $" at sequence {story.ToldSequence}")}, and is not in the journal");
    }

    private void CompareChain(string node, BlockFacts block, bool isFirst)
    {
        var link = new Link(block.Previous, block.Crc);
        if (isFirst)
            _chain[block.Number] = link;
        else if (!_chain.TryGetValue(block.Number, out Link there))
            _chain[block.Number] = link; // further than the first: what stands there is compared with the next
        else if (there != link)
            Fault($"{node}: block {block.Number} is another one than elsewhere");
    }

    private void CompareBatch(string node, ulong number, string root, string stateHash)
    {
        if (!_batches.TryAdd(number, (root, stateHash)) && _batches[number] != (root, stateHash))
            Fault($"{node}: batch {number} has root {root} and state hash {stateHash}, elsewhere {_batches[number].Root} and {_batches[number].StateHash}");
    }

    private void CompareLiveBatches()
    {
        foreach (BatchSeen seen in _batchesSeen)
        {
            if (!_batches.ContainsKey(seen.Batch))
                Fault($"{seen.Node} told of batch {seen.Batch}, which no journal has");
            else
                CompareBatch($"{seen.Node}, while it ran", seen.Batch, seen.Root, seen.StateHash);
        }
    }

    /// <summary>The first journal was applied up to a sequence: reads as of it must say what its payments leave.</summary>
    private void CheckReads(ulong sequence)
    {
        for (; _readsChecked < _reads.Count && _reads[_readsChecked].Sequence <= sequence; _readsChecked++)
        {
            ReadSeen read = _reads[_readsChecked];
            if (read.Sequence < sequence)
            {
                Fault($"{read.Client} read at {read.Node} as of sequence {read.Sequence}, behind which no block ends");
                continue;
            }

            foreach (AccountSeen account in read.Accounts)
            {
                (Int128 total, Int128 held) = _money[account.Wallet, account.Currency];
                if (account.Total != (UInt128)total || account.Held != (UInt128)held)
                {
                    Fault($"{read.Client} read at {read.Node} as of sequence {read.Sequence} that wallet {account.Wallet} has {account.Total}, {account.Held} of it held; the payments leave {total} and {held}");
                }
            }
        }
    }

    private void CheckReadsBeyond(ulong sequence)
    {
        for (; _readsChecked < _reads.Count; _readsChecked++)
        {
            ReadSeen read = _reads[_readsChecked];
            Fault($"{read.Client} read at {read.Node} as of sequence {read.Sequence}, and the journal ends with {sequence}: what was read was never settled");
        }
    }

    private void CheckSheets()
    {
        Payment[] issues = [.. _stories.Values.Where(story => story.Told is { } told && told.IsAccepted() && story.Payment.Instruction == Instruction.Issue).Select(story => story.Payment)];
        foreach (string fault in BalanceSheets.Check(issues, _reads, out _sheets))
            Fault(fault);
    }

    private static bool IsSame(in Payment sent, in Payment journaled) =>
        (sent.Payer, sent.Payee, sent.Amount, sent.Currency, sent.Instruction, sent.Reference)
        == (journaled.Payer, journaled.Payee, journaled.Amount, journaled.Currency, journaled.Instruction, journaled.Reference);

    private void Fault(string what)
    {
        if (_faultCount++ < FaultsToldMax)
            _faults.Add(what);
    }
}
