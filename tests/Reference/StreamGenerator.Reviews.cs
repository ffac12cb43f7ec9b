using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>Payments under review: the rules that send them there, reviewers' decisions, and what can come between the two.</summary>
public sealed partial class StreamGenerator
{
    /// <summary>Sweden: every plan sends its persons' payments to review, and closes the corridor to Estonia.</summary>
    private const ushort ReviewedCountry = 752, BarredCountry = 233;

    private readonly List<GeneratedDecision> _decisions = [];

    private static IEnumerable<TableRule> ReviewRules() =>
    [
        new TableRule(510, TableRuleKind.Review, ReviewedCountry, 0, Euro, HoldHours: 200, PayerKind: PartyKind.Person),
        new TableRule(511, TableRuleKind.Deny, ReviewedCountry, BarredCountry, Euro),
    ];

    /// <summary>By amount or sum, told apart by kinds, for some hours.</summary>
    private TableRule NextReview(ushort number, ushort currency) => new(
        number, _random.OneIn(2) ? TableRuleKind.Review : TableRuleKind.ReviewLimit, _random.Pick(s_countries),
        _random.OneIn(3) ? _random.Pick(s_countries) : (ushort)0, currency, (byte)_random.Below(4),
        _random.Between(200UL, 4_000) * (_random.OneIn(2) ? 1UL : 30), new NaiveWindow((NaiveWindowKind)_random.Below(4), (byte)_yearStart, 6),
        (byte)_random.Between(1, 90), _random.OneIn(3) ? NextKind() : PartyKind.Unstated, _random.OneIn(4) ? NextKind() : PartyKind.Unstated);

    private PartyKind NextKind() => (PartyKind)_random.Below((int)PartyKind.Last + 1);

    private void Decide(IEnumerable<(Payment Payment, ushort Participant, bool Releases)> scripted)
    {
        if (!decides)
            return;
        foreach ((Payment payment, ushort participant, bool releases) in scripted)
            Decide(new TargetKey(participant, payment.Id), releases);
        if (!_random.OneIn(3))
            return;
        foreach (TargetKey key in Model.Targets.Where(target => target.Value.UnderReview is not null).Select(target => target.Key).ToArray())
            if (_random.OneIn(12))
                Decide(_random.OneIn(30) ? key with { Participant = (ushort)(key.Participant ^ 1) } : key, _random.Percent(70));
        if (_random.OneIn(20) && Model.Targets.Count > 0)
            Decide(Model.Targets.First().Key, _random.OneIn(2));
    }

    private void Decide(TargetKey key, bool releases) =>
        _decisions.Add(new GeneratedDecision(key, releases, Model.Decide(key.Participant, key.Id, releases)));

    /// <summary>Between a payment and its release its parties freeze, close, move and fill up, and a cap is set.</summary>
    private void ReviewsAreOvertaken(ulong payer, ulong payee)
    {
        ControlCommand cap = Scenario.Command(Instruction.SetCap) with { Participant = Partner, Currency = Euro, Value2 = 1 };
        ControlCommand country = Scenario.Command(Instruction.SetWalletCountry) with { Subject = payee };
        ulong far = _random.Pick(_walletsOf[3]);
        Payment kept = ScriptPay(Instruction.Micropayment, payer, payee, 10), hold = ScriptPay(Instruction.Hold, payer, payee, 10);
        Payment crossing = ScriptPay(Instruction.Immediate, payer, far, 100_000, session: HouseOperator);
        Enlist(payer);
        _script.Enqueue(new Step(Payments: [ScriptIssue(payer, 1_000_000), kept, hold, crossing]));
        _script.Enqueue(new Step([Scenario.Status(payee, WalletStatus.Frozen)]));
        _script.Enqueue(new Step([Scenario.Status(payee, WalletStatus.Active), Scenario.Status(payer, WalletStatus.Frozen)])
        {
            Decisions = [(kept, Partner, true), (hold, Partner, true)],
        });
        _script.Enqueue(new Step([Scenario.Status(payer, WalletStatus.Active), country with { Country = BarredCountry }])
        {
            Decisions = [(kept, Partner, true)],
        });
        _script.Enqueue(new Step([country with { Country = 620 }, cap]) { Decisions = [(hold, Partner, true)] });
        _script.Enqueue(new Step(Payments: [ScriptIssue(payee, ulong.MaxValue)]) { Decisions = [(crossing, Limits.OperatorParticipant, true)] });
        _script.Enqueue(new Step([cap with { Value2 = 0 }])
        {
            Decisions = [(kept, Partner, true), (crossing, Limits.OperatorParticipant, false)],
        });
        _script.Enqueue(new Step(Payments: [ScriptRedeem(payee, ulong.MaxValue)]));
        _script.Enqueue(new Step([Scenario.Close(payee)]));
        _script.Enqueue(new Step(Payments: [ScriptIssue(payer, 1)])
        {
            Decisions = [(kept, Partner, true), (kept, Partner, false), (hold, Partner, false)],
        });
    }

    /// <summary>The parties can do nothing about what is under review; released, each does what it would have done.</summary>
    private void ReviewsAreReleased(ulong payer, ulong payee)
    {
        Payment hold = ScriptPay(Instruction.Hold, payer, payee, 10);
        Payment micro = ScriptPay(Instruction.Micropayment, payer, payee, 20, PaymentFlags.Refundable);
        Payment immediate = ScriptPay(Instruction.Immediate, payer, payee, 30, PaymentFlags.Refundable);
        Payment[] afterwards =
        [
            ScriptOn(Instruction.Capture, hold, 5), ScriptOn(Instruction.Void, hold, 0), ScriptOn(Instruction.Refund, micro, 1),
            ScriptOn(Instruction.Refund, immediate, 1),
        ];
        Enlist(payer);
        _script.Enqueue(new Step(Payments: [ScriptIssue(payer, 100), hold, micro, immediate, .. afterwards]));
        Payment[] again = [.. afterwards.Select(payment =>
        {
            AssignOther(ref payment);
            return payment;
        })];
        _script.Enqueue(new Step(Payments: again)
        {
            Decisions = [(hold, Partner, true), (micro, Partner, true), (immediate, Partner, true), (immediate, Partner, true)],
        });
    }

    /// <summary>Makes a wallet one whose payments are reviewed.</summary>
    private void Enlist(ulong payer) => _script.Enqueue(new Step(
    [
        Scenario.Command(Instruction.SetWalletCountry) with { Subject = payer, Country = ReviewedCountry },
        Scenario.Command(Instruction.SetWalletKind) with { Subject = payer, Kind = PartyKind.Person },
    ]));
}
