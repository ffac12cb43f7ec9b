using System.Buffers.Binary;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Engine.Governance;

/// <summary>
/// Purpose: no plan judges a payment before it has given the answers of the interpreter, by the same statements, to the payments of all embedded tests and to
/// generated ones at the places where answers change.
/// Invariant: the payments are a function of the rule set and the day, so the check has one outcome on all machines that work.
/// Failure assumed: a mistake of the compiler, or of this machine. It ends in a sentence, and the plan is not used.
/// </summary>
internal sealed class PlanSelfCheck : IDisposable
{
    /// <summary>Payments that are asked about: one chunk. The interpreter takes some 20 us for each of them and a hundred statements.</summary>
    public const int CasesMax = Limits.ChunkPayments;

    /// <summary>Payers, each with another past.</summary>
    private const int PayerCount = 16;

    private static readonly byte[] s_instructions =
        [(byte)Instruction.Micropayment, (byte)Instruction.Micropayment, (byte)Instruction.Immediate, (byte)Instruction.Hold, (byte)Instruction.Capture, (byte)Instruction.Refund];

    private readonly RuleSet _rules;
    private readonly LoweredRules _lowered;
    private readonly RulePlan _plan;
    private readonly RuleSetInterpreter _interpreter;
    private readonly SumTable _sums = new(PayerCount);
    private readonly ulong _timeNs;
    private readonly List<ushort> _countries = [];
    private readonly List<ushort> _currencies = [];
    private readonly List<ulong> _amounts = [1];
    private ulong _chance;

    private PlanSelfCheck(RuleSet rules, int day, LoweredRules lowered, RulePlan plan)
    {
        (_rules, _lowered, _plan) = (rules, lowered, plan);
        _interpreter = new RuleSetInterpreter(rules, day);
        _timeNs = ((ulong)day * Limits.NsPerDay) + Limits.NsPerHour;
        Digest table = plan.Table.Hash;
        _chance = BinaryPrimitives.ReadUInt64LittleEndian(table) + (ulong)day;
    }

    /// <summary>The first payment to which plan and interpreter answer differently, in a sentence; null: none.</summary>
    public static string? Fault(RuleSet rules, int day, LoweredRules lowered, RulePlan plan)
    {
        using var check = new PlanSelfCheck(rules, day, lowered, plan);
        return check.Fault();
    }

    public void Dispose() => _sums.Dispose();

    private string? Fault()
    {
        Gather();
        MakePasts();
        List<RuleFacts> cases = Tests();
        while (cases.Count < CasesMax)
            cases.Add(Generate());
        return Compare([.. cases]);
    }

    private string? Compare(RuleFacts[] cases)
    {
        var deniedBy = new ushort[cases.Length];
        var reviewedBy = new ushort[cases.Length];
        var limits = new uint[cases.Length];
        var masks = new ulong[cases.Length];
        _plan.Judge(ColumnsOf(cases), cases.Length, deniedBy, reviewedBy, limits, masks);
        for (int i = 0; i < cases.Length; i++)
        {
            int row = 1 + (i % PayerCount);
            ref readonly RuleFacts facts = ref cases[i];
            LawDecision expected = _interpreter.Judge(new LawCase(facts, window => Spent(row, window)));
            (LawAnswer answer, ushort rule) = facts.Instruction is (byte)Instruction.Capture or (byte)Instruction.Refund
                ? Answer(_plan.JudgeOne(facts, denyOnly: true))
                : Answer(in facts, row, deniedBy[i], _plan.HasReviews ? reviewedBy[i] : (ushort)0, limits[i], _plan.HasMaskedLimits ? masks[i] : 0);
            string? statement = rule == 0 ? null : _lowered.Origins[rule - 1].Statement.Name;
            if (answer != expected.Answer || !string.Equals(statement, expected.Decider?.Statement.Name, StringComparison.Ordinal))
                return $"the compiled plan says {answer} {statement} to {facts}, which paid {Spent(row, LimitWindow.Day)} that day; the law says "
                    + $"{expected.Answer} {expected.Decider?.Statement.Name}";
        }

        return null;
    }

    private static (LawAnswer Answer, ushort Rule) Answer(ushort denied) => denied == 0 ? (LawAnswer.Yes, denied) : (LawAnswer.No, denied);

    /// <summary>As the ledger asks: column passes, then sums, then reviews.</summary>
    private (LawAnswer Answer, ushort Rule) Answer(in RuleFacts facts, int row, ushort denied, ushort reviewed, uint limits, ulong mask)
    {
        if (denied != _plan.JudgeOne(facts, denyOnly: false))
            return (LawAnswer.No, _plan.JudgeOne(facts, denyOnly: false)); // the scalar way differs from the columns: one of them is wrong
        if (denied == 0 && _plan.HasSums)
            denied = _plan.FirstLimitExceeded(limits, mask, facts.Currency, facts.Tier, facts.Amount, _sums, row, _timeNs);
        if (denied != 0)
            return (LawAnswer.No, denied);
        if (_plan.HasReviewLimits && _plan.FirstReviewLimitExceeded(limits, mask, facts.Currency, facts.Tier, facts.Amount, _sums, row, _timeNs) is var bySum and not 0)
            reviewed = reviewed == 0 ? bySum : Math.Min(reviewed, bySum);
        return reviewed == 0 ? (LawAnswer.Yes, reviewed) : (LawAnswer.Review, reviewed);
    }

    /// <summary>A year that the plan does not count can decide nothing.</summary>
    private ulong Spent(int row, LimitWindow window)
    {
        if (window.Kind == WindowKind.Year && !_plan.YearStarts.Contains(window))
            return 0;
        return _sums.Sum(row, RowRules.WindowIndex(window, _plan.YearStarts.ToArray()), _timeNs);
    }

    /// <summary>Countries that laws name and some that none does, the ledger's currencies, and every amount that the table compares with.</summary>
    private void Gather()
    {
        foreach (LawModule module in _rules.Modules)
            foreach (ushort country in module.Jurisdiction.Countries)
                if (!_countries.Contains(country))
                    _countries.Add(country);
        for (ushort country = 0; country <= Iso4217.NumberMax; country++)
            if (Iso3166.IsKnown(country) && (_countries.Count < 8 || country % 16 == 0) && !_countries.Contains(country))
                _countries.Add(country);
        for (ushort currency = 1; currency <= Iso4217.NumberMax; currency++)
            if (_rules.ScaleOf(currency) >= 0)
                _currencies.Add(currency);
        if (_currencies.Count == 0)
            _currencies.Add(Iso4217.NumberMax);
        foreach (Rule rule in _lowered.Table.Rules)
        {
            Gather(rule.Condition);
            if (rule.Needs is not null)
                Gather(rule.Needs);
            if (rule.Window.Kind != WindowKind.None)
                foreach (ulong ceiling in rule.Ceilings)
                    _amounts.Add(ceiling);
        }
    }

    private void Gather(Condition condition)
    {
        switch (condition)
        {
            case AmountCondition amount:
                _amounts.Add(amount.Amount);
                break;
            case NotCondition not:
                Gather(not.Inner);
                break;
            case AllCondition all:
                foreach (Condition child in all.Children)
                    Gather(child);
                break;
            case AnyCondition any:
                foreach (Condition child in any.Children)
                    Gather(child);
                break;
        }
    }

    /// <summary>Sums that differ by window: some of it 45 days ago, some 20, some today. The first payer has none.</summary>
    private void MakePasts()
    {
        _sums.Activate(_plan);
        for (int payer = 0; payer < PayerCount; payer++)
            _sums.Take();
        foreach (ulong daysAgo in (ReadOnlySpan<ulong>)[45, 20, 0])
            for (int row = 2; row <= PayerCount; row++)
                if (_timeNs >= daysAgo * Limits.NsPerDay)
                    _sums.Add(row, Below(4) == 0 ? Amount() : Amount() / 3, _timeNs - (daysAgo * Limits.NsPerDay));
    }

    /// <summary>In currencies of the ledger: there is no payment in another, and the table has no rule for one.</summary>
    private List<RuleFacts> Tests()
    {
        var cases = new List<RuleFacts>();
        foreach (LawModule module in _rules.Modules.Concat(_rules.Treaties.Select(treaty => treaty.Treaty)))
            foreach (LawTest test in module.Tests)
                if (cases.Count < CasesMax / 2)
                    cases.Add(test.Facts with { Amount = Amount(), Currency = _currencies.Contains(test.Facts.Currency) ? test.Facts.Currency : Pick(_currencies) });
        return cases;
    }

    private RuleFacts Generate() => new(
        Pick(_countries), Pick(_countries), Pick(_currencies), Amount(), (byte)Below(TierCeilings.Count), (byte)Below((int)Purpose.Last + 1),
        (byte)(Below(3) * 100), s_instructions[Below(s_instructions.Length)], (byte)Below((int)PartyKind.Last + 1), (byte)Below((int)PartyKind.Last + 1));

    /// <summary>At a threshold, beside it, or anywhere; never 0.</summary>
    private ulong Amount()
    {
        ulong amount = Pick(_amounts);
        amount = Below(4) switch
        {
            0 => amount,
            1 => amount == ulong.MaxValue ? amount : amount + 1,
            2 => amount - 1,
            _ => Next() >> Below(64),
        };
        return Math.Max(amount, 1);
    }

    private T Pick<T>(List<T> values) => values[Below(values.Count)];

    private int Below(int bound) => (int)(((UInt128)Next() * (uint)bound) >> 64);

    /// <summary>SplitMix64.</summary>
    private ulong Next()
    {
        _chance += 0x9E37_79B9_7F4A_7C15;
        ulong mixed = (_chance ^ _chance >> 30) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ mixed >> 27) * 0x94D0_49BB_1331_11EB;
        return mixed ^ mixed >> 31;
    }

    private static RuleColumns ColumnsOf(RuleFacts[] cases) => new()
    {
        Source = Array.ConvertAll(cases, facts => facts.Source),
        Destination = Array.ConvertAll(cases, facts => facts.Destination),
        Currency = Array.ConvertAll(cases, facts => facts.Currency),
        Amount = Array.ConvertAll(cases, facts => facts.Amount),
        Tier = Array.ConvertAll(cases, facts => facts.Tier),
        Purpose = Array.ConvertAll(cases, facts => facts.Purpose),
        Level = Array.ConvertAll(cases, facts => facts.Level),
        Instruction = Array.ConvertAll(cases, facts => facts.Instruction),
        PayerKind = Array.ConvertAll(cases, facts => facts.PayerKind),
        PayeeKind = Array.ConvertAll(cases, facts => facts.PayeeKind),
    };
}
