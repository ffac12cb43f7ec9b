using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>
/// Short scripts over several blocks, for what chance would hardly bring about: parties closed between a payment and its refund,
/// room that is gone when money comes back, keys that are taken, a payee above the session.
/// </summary>
public sealed partial class StreamGenerator
{
    /// <summary>One block's part of a script.</summary>
    private sealed record Step(ControlCommand[]? Commands = null, Payment[]? Payments = null, ulong NotBeforeNs = 0)
    {
        /// <summary>About payments under review, before the block.</summary>
        public (Payment Payment, ushort Participant, bool Releases)[] Decisions { get; init; } = [];
    }

    private const ushort Euro = 978, HouseOperator = Limits.OperatorSession, PartnerDesk = 7, PartnerLowDesk = 8, Partner = 2;

    private const ushort WindowPayerCountry = 724;
    private const ulong WindowCeiling = 1_000;

    /// <summary>Belgium, Austria, Italy, Finland: for day, month, year, rolling 30 days.</summary>
    private static readonly ushort[] s_windowCountries = [56, 40, 380, 246];

    private readonly Queue<Step> _script = [];
    private int _windowsEnded;
    private ulong _scriptWallet = 0xC0FFEE_0000_0000;

    private void StartScript()
    {
        ulong wallet = ++_scriptWallet, other = ++_scriptWallet;
        _script.Enqueue(new Step([ScriptWallet(wallet), ScriptWallet(other)]));
        switch (_random.Below(13))
        {
            case 0:
                PayerClosesBeforeRefund(wallet, other);
                break;
            case 1:
                PayeeClosesBeforeRefund(wallet, other);
                break;
            case 2:
                PayeeClosesBeforeCapture(wallet, other);
                break;
            case 3:
                PayerFillsUpBeforeRefund(wallet, other);
                break;
            case 4:
                KeysAreTaken(wallet, other);
                break;
            case 5:
                PartiesFreeze(wallet, other);
                break;
            case 6:
                PayeeRisesAboveItsOwnDesk(wallet, other);
                break;
            case 7:
                CorridorClosesBehind(wallet, other);
                break;
            case 8:
                QuorumStartsOver(wallet);
                break;
            case 9 when _windowsEnded < 3:
                WindowOfSumsEnds(++_scriptWallet, ++_scriptWallet);
                break;
            case 10:
                ReviewsAreOvertaken(wallet, other);
                break;
            case 11:
                ReviewsAreReleased(wallet, other);
                break;
            default:
                CapStopsWhatWasBegun(wallet, other);
                break;
        }
    }

    /// <summary>Of the partner's, like all in scripts, so that its sessions act on what is paid to it.</summary>
    private static ControlCommand ScriptWallet(ulong wallet) => Scenario.Command(Instruction.OpenWallet) with
    {
        Subject = wallet,
        Participant = Partner,
        Country = 620, // Portugal: no rule of the tables speaks of it
        Tier = 3,
        Currency = Euro,
    };

    private void PayerClosesBeforeRefund(ulong payer, ulong payee)
    {
        Payment paid = ScriptPay(Instruction.Immediate, payer, payee, 100, PaymentFlags.Refundable);
        _script.Enqueue(new Step(Payments: [ScriptIssue(payer, 100), paid]));
        _script.Enqueue(new Step([Scenario.Close(payer), Scenario.Close(payer)]));
        _script.Enqueue(new Step(Payments:
        [
            ScriptOn(Instruction.Refund, paid, 1), ScriptPay(Instruction.Micropayment, payer, payee, 1),
            ScriptRedeem(payer, 1),
        ]));
    }

    private void PayeeClosesBeforeRefund(ulong payee, ulong next)
    {
        Payment paid = ScriptPay(Instruction.Immediate, next, payee, 100, PaymentFlags.Refundable);
        _script.Enqueue(new Step(Payments:
            [ScriptIssue(next, 100), paid, ScriptPay(Instruction.Immediate, payee, next, 100)]));
        _script.Enqueue(new Step([Scenario.Close(payee)]));
        _script.Enqueue(new Step(Payments:
        [
            ScriptOn(Instruction.Refund, paid, 1), ScriptPay(Instruction.Immediate, next, payee, 1),
            ScriptPay(Instruction.Hold, next, payee, 1), ScriptIssue(payee, 1), ScriptPay(Instruction.Hold, payee, next, 1),
            ScriptPay(Instruction.Immediate, payee, next, 1),
        ]));
    }

    private void PayeeClosesBeforeCapture(ulong payer, ulong payee)
    {
        Payment hold = ScriptPay(Instruction.Hold, payer, payee, 100);
        _script.Enqueue(new Step(Payments: [ScriptIssue(payer, 100), hold]));
        _script.Enqueue(new Step([Scenario.Close(payee), Scenario.Close(payer)])); // the payer is not empty
        _script.Enqueue(new Step(Payments: [ScriptOn(Instruction.Capture, hold, 1), ScriptOn(Instruction.Void, hold, 0)]));
    }

    private void PayerFillsUpBeforeRefund(ulong payer, ulong payee)
    {
        Payment paid = ScriptPay(Instruction.Micropayment, payer, payee, 100, PaymentFlags.Refundable);
        Payment hold = ScriptPay(Instruction.Hold, payee, payer, 50);
        _script.Enqueue(new Step(Payments:
        [
            ScriptIssue(payer, 100), ScriptIssue(payee, 200), paid, hold, ScriptIssue(payer, ulong.MaxValue),
            ScriptOn(Instruction.Refund, paid, 1),
            ScriptOn(Instruction.Capture, hold, 1), ScriptIssue(payer, 1),
            ScriptPay(Instruction.Micropayment, payee, payer, 1), ScriptPay(Instruction.Immediate, payee, payer, 1),
            ScriptRedeem(payer, ulong.MaxValue), ScriptOn(Instruction.Refund, paid, 1),
        ]));
    }

    /// <summary>
    /// Ids are scoped by who pays, keys by who is paid: the bulk participant's own ids meet keys that the partner's holds
    /// have.
    /// </summary>
    private void KeysAreTaken(ulong payer, ulong payee)
    {
        ulong bulkPayer = _random.Pick(_walletsOf[BulkParticipant]);
        List<Payment> step = [ScriptIssue(payer, 100)];
        foreach (Instruction instruction in (Instruction[])[Instruction.Micropayment, Instruction.Immediate, Instruction.Hold])
        {
            Payment hold = ScriptPay(Instruction.Hold, payer, payee, 10);
            PaymentFlags flags = instruction == Instruction.Hold ? PaymentFlags.None : PaymentFlags.Refundable;
            step.Add(hold);
            step.Add(WithIdOf(hold, ScriptPay(instruction, bulkPayer, payee, 1, flags, session: 3)));
        }

        Payment fromBulk = ScriptPay(Instruction.Hold, bulkPayer, payee, 1, session: 3);
        step.Add(fromBulk);
        step.Add(WithIdOf(fromBulk, ScriptOn(Instruction.Capture, step[1], 5, PaymentFlags.Refundable)));
        _script.Enqueue(new Step(Payments: [.. step]));
    }

    private static Payment WithIdOf(in Payment other, Payment payment) =>
        payment with { IdHigh = other.IdHigh, IdLow = other.IdLow };

    private void PartiesFreeze(ulong payer, ulong payee)
    {
        Payment hold = ScriptPay(Instruction.Hold, payer, payee, 10);
        Payment paid = ScriptPay(Instruction.Immediate, payer, payee, 10, PaymentFlags.Refundable);
        Payment[] both = [ScriptOn(Instruction.Capture, hold, 1), ScriptOn(Instruction.Refund, paid, 1)];
        _script.Enqueue(new Step(Payments: [ScriptIssue(payer, 100), hold, paid]));
        _script.Enqueue(new Step([Scenario.Status(payee, WalletStatus.Frozen)]));
        _script.Enqueue(new Step(Payments:
        [
            .. both, ScriptIssue(payee, 1), ScriptPay(Instruction.Hold, payer, payee, 1),
            ScriptPay(Instruction.Micropayment, payer, payee, 1),
        ]));
        _script.Enqueue(new Step([Scenario.Status(payee, WalletStatus.Active), Scenario.Status(payer, WalletStatus.Frozen)]));
        _script.Enqueue(new Step(Payments:
        [
            ScriptOn(Instruction.Capture, hold, 1), ScriptOn(Instruction.Refund, paid, 1), ScriptRedeem(payer, 1),
            ScriptOn(Instruction.Void, hold, 0),
        ]));
    }

    /// <summary>Then its low desk is told nothing, and its high desk the reason.</summary>
    private void PayeeRisesAboveItsOwnDesk(ulong payer, ulong payee)
    {
        Payment hold = ScriptPay(Instruction.Hold, payer, payee, 10);
        Payment paid = ScriptPay(Instruction.Immediate, payer, payee, 10, PaymentFlags.Refundable);
        _script.Enqueue(new Step(Payments: [ScriptIssue(payer, 100), hold, paid]));
        _script.Enqueue(new Step([Scenario.Level(payee, 200)]));
        Payment low = ScriptOn(Instruction.Capture, hold, 11) with { Session = PartnerLowDesk };
        _script.Enqueue(new Step(Payments:
        [
            low, ScriptOn(Instruction.Refund, paid, 11) with { Session = PartnerLowDesk },
            ScriptOn(Instruction.Void, hold, 0) with { Session = PartnerLowDesk, Currency = 840 },
            ScriptOn(Instruction.Capture, hold, 11), ScriptOn(Instruction.Refund, paid, 11),
            ScriptOn(Instruction.Void, hold, 0) with { Currency = 840 },
            ScriptPay(Instruction.Micropayment, payer, payee, 1) with { Session = PartnerLowDesk },
            ScriptPay(Instruction.Micropayment, payer, payee, 1) with { Session = PartnerLowDesk, Currency = 840 },
            ScriptOn(Instruction.Capture, hold, 10) with { Session = PartnerLowDesk },
        ]));

        // A refundable capture keeps the level of its hold: too high for the low desk.
        Payment secret = ScriptPay(Instruction.Hold, payer, payee, 10) with { Level = 150 };
        Payment capture = ScriptOn(Instruction.Capture, secret, 10, PaymentFlags.Refundable);
        _script.Enqueue(new Step(Payments:
        [
            secret, capture, ScriptOn(Instruction.Refund, capture, 1) with { Session = PartnerLowDesk },
            ScriptOn(Instruction.Refund, capture, 1),
        ]));
        _script.Enqueue(new Step([Scenario.Level(payee, 0), Scenario.Level(payee, 0, SecondOperator)]));
    }

    /// <summary>A level that was lowered and raised again asks for two sessions again.</summary>
    private void QuorumStartsOver(ulong wallet) => _script.Enqueue(new Step(
    [
        Scenario.Level(wallet, 200), Scenario.Level(wallet, 50), Scenario.Level(wallet, 50, SecondOperator),
        Scenario.Level(wallet, 220), Scenario.Level(wallet, 50, SecondOperator), Scenario.Level(wallet, 50),
    ]));

    /// <summary>
    /// The whole limit is paid on one day; it binds until noon of the window's last day and no longer at noon of the next.
    /// The payee's country names the window: see <see cref="WindowRules"/>.
    /// </summary>
    private void WindowOfSumsEnds(ulong payer, ulong payee)
    {
        int window = _windowsEnded++ == 0 ? (int)NaiveWindowKind.Rolling30Days : _random.Below(s_windowCountries.Length);
        DateTime today = DateTime.UnixEpoch.AddTicks((long)(_now / 100)).Date;
        DateTime end = (NaiveWindowKind)window switch
        {
            NaiveWindowKind.Day => today.AddDays(1),
            NaiveWindowKind.Month => today.AddDays(1 - today.Day).AddMonths(1),
            NaiveWindowKind.Year =>
                new DateTime(today.Year, _yearStart, 6) is var start && start > today ? start : start.AddYears(1),
            _ => today.AddDays(30),
        };
        ulong noonNs = (ulong)(end - DateTime.UnixEpoch).Ticks * 100 + 12 * Limits.NsPerHour;
        _script.Enqueue(new Step(
        [
            ScriptWallet(payer) with { Country = WindowPayerCountry },
            ScriptWallet(payee) with { Country = s_windowCountries[window] },
        ]));
        _script.Enqueue(new Step(Payments:
        [
            ScriptIssue(payer, 2 * WindowCeiling), ScriptPay(Instruction.Micropayment, payer, payee, WindowCeiling),
            ScriptPay(Instruction.Micropayment, payer, payee, 1),
        ]));
        foreach (ulong dayNs in (ulong[])[noonNs - Limits.NsPerDay, noonNs])
        {
            _script.Enqueue(new Step(Commands: [], NotBeforeNs: dayNs));
            _script.Enqueue(new Step(Payments: [ScriptPay(Instruction.Immediate, payer, payee, 1)]));
        }
    }

    /// <summary>In every plan: from Spain, a limit over each kind of window, told apart by the payee's country.</summary>
    private IEnumerable<TableRule> WindowRules() => ReviewRules().Concat(s_windowCountries.Select((country, window) => new TableRule(
        (ushort)(501 + window), TableRuleKind.Limit, WindowPayerCountry, country, Euro, Ceiling: WindowCeiling,
        Window: new NaiveWindow((NaiveWindowKind)window, (byte)_yearStart, 6))));

    private void CorridorClosesBehind(ulong payer, ulong payee)
    {
        Payment hold = ScriptPay(Instruction.Hold, payer, payee, 10);
        Payment paid = ScriptPay(Instruction.Immediate, payer, payee, 10, PaymentFlags.Refundable);
        _script.Enqueue(new Step(Payments: [ScriptIssue(payer, 100), hold, paid]));
        for (int attempt = 0; attempt < 3; attempt++)
        {
            _script.Enqueue(new Step(
            [
                Scenario.Command(Instruction.SetWalletCountry) with { Subject = payer, Country = _random.Pick(s_countries) },
                Scenario.Command(Instruction.SetWalletCountry) with { Subject = payee, Country = _random.Pick(s_countries) },
            ]));
            _script.Enqueue(new Step(Payments: [ScriptOn(Instruction.Capture, hold, 11), ScriptOn(Instruction.Refund, paid, 1)]));
        }
    }

    private void CapStopsWhatWasBegun(ulong payer, ulong payee)
    {
        ulong far = _random.Pick(_walletsOf[3]);
        Payment hold = ScriptPay(Instruction.Hold, payer, far, 1_000_000) with { Session = 15 }; // kept under the partner
        Payment paid = ScriptPay(Instruction.Immediate, far, payee, 5, PaymentFlags.Refundable, session: 15);
        ControlCommand cap = Scenario.Command(Instruction.SetCap) with { Participant = Partner, Currency = Euro, Value2 = 1 };
        _script.Enqueue(new Step(Payments: [ScriptIssue(payer, 1_000_001), hold, paid]));
        IEnumerable<ControlCommand> settled = Enumerable.Range(0, 3).Select(i => Scenario.Settled(Model.OpenBatch - (ulong)i));
        _script.Enqueue(new Step([cap, Scenario.CloseBatch(), .. settled]));
        _script.Enqueue(new Step(Payments:
            [ScriptOn(Instruction.Capture, hold, 1_000_000), ScriptOn(Instruction.Refund, paid, 5)]));
        _script.Enqueue(new Step([cap with { Value2 = 0 }]));
    }

    private Payment ScriptPay(
        Instruction instruction, ulong payer, ulong payee, ulong amount, PaymentFlags flags = PaymentFlags.None,
        ushort session = PartnerDesk)
    {
        Payment payment = new()
        {
            Instruction = instruction,
            Flags = flags,
            Payer = payer,
            Payee = payee,
            Amount = amount,
            Currency = Euro,
            Session = session,
        };
        AssignOther(ref payment);
        return payment;
    }

    private Payment ScriptIssue(ulong payee, ulong amount) =>
        ScriptPay(Instruction.Issue, 0, payee, amount, session: HouseOperator);

    private Payment ScriptRedeem(ulong payer, ulong amount) =>
        ScriptPay(Instruction.Redeem, payer, 0, amount, session: HouseOperator);

    private Payment ScriptOn(Instruction instruction, in Payment target, ulong amount, PaymentFlags flags = PaymentFlags.None) =>
        ScriptPay(instruction, 0, target.IdHigh, amount, flags, target.Session) with { Reference = target.IdLow };
}
