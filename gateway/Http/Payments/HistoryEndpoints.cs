using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Auth;
using Settlement.Gateway.Http.Ledger;
using Settlement.History;

namespace Settlement.Gateway.Http.Payments;

/// <summary>
/// What was: payments by id, and statements, from the history that `replay tail` keeps beside the server. The live ledger holds balances, not how they came about.
/// </summary>
/// <remarks>The history withholds nothing itself; here it is held against the caller's participant and clearance.</remarks>
internal sealed class HistoryEndpoints(HttpApiContext context)
{
    private const int EntriesDefault = 100;
    private const int EntriesMax = 1_000;
    private const int UsesMax = 100;

    public void Map(RouteGroupBuilder sessions)
    {
        sessions.Get("/payments/{id}", PaymentAsync).Reads<PaymentAnswer>("Payments", "A payment by its id, as the projection has it: those that the session's participant sent, or that moved a wallet of its.").MayMiss();
        sessions.Get("/wallets/{wallet}/statement", StatementAsync).Reads<StatementAnswer>("Wallets", "Every movement of a wallet in one currency, the newest first, in pages, from the projection.").MayMiss();
    }

    private async Task<IResult> PaymentAsync(string id, HttpContext http)
    {
        Caller caller = CallerGate.CallerOf(http);
        (ulong high, ulong low, bool isStream) = LedgerWords.PaymentId("id", id);
        (PaymentAnswer? told, string asOf) = context.Options.ProjectionDirectory is null ? (null, "0") : await FindAsync(caller, high, low, isStream);
        told ??= await FindLiveAsync(caller, high, low, isStream);
        if (told is null && context.Options.ProjectionDirectory is null)
            throw NoProjection();
        return Answer.Of(told ?? throw Problem.NotFound($"There is no payment {PaymentIdText.Format(high, low, isStream)} that this session may see, as of sequence {asOf} of the projection. One that was sent a moment ago may follow; the verdict that was answered stands."), HttpJson.Default.PaymentAnswer);
    }

    /// <summary>A payment as the history has it; null: it is not there, or is none of the caller's business.</summary>
    /// <exception cref="ProblemException">There is no history, or it is no id.</exception>
    public async Task<PaymentAnswer?> FindToldAsync(Caller caller, string id)
    {
        (ulong high, ulong low, bool isStream) = LedgerWords.PaymentId("id", id);
        return (await FindAsync(caller, high, low, isStream)).Told;
    }

    private async Task<(PaymentAnswer? Told, string AsOf)> FindAsync(Caller caller, ulong high, ulong low, bool isStream)
    {
        using HistoryReader history = Open();
        using IDisposable oneCommit = history.Snapshot();
        string asOf = Exact.Of(history.Position()?.Sequence ?? 0);
        var senders = new Dictionary<ushort, ushort>();
        foreach (HistoryPayment use in history.PaymentsById(high, low, UsesMax))
        {
            if (use.Payment.HasStreamId == isStream && use.Payment.Level <= caller.Clearance && await DescribeAsync(caller, history, use, senders) is { } answer)
                return (answer with { AsOfSequence = asOf }, asOf);
        }

        return (null, asOf);
    }

    /// <summary>
    /// The ledger's own memory of ids, for what the projection does not have yet: the verdict alone, of the session's participant. It knows no level, so it is asked by
    /// sessions alone from which nothing is withheld.
    /// </summary>
    private async Task<PaymentAnswer?> FindLiveAsync(Caller caller, ulong high, ulong low, bool isStream)
    {
        if (caller.Clearance < byte.MaxValue)
            return null;
        var asked = new Payment { IdHigh = high, IdLow = low, Flags = isStream ? PaymentFlags.StreamId : PaymentFlags.None };
        (IdFinding finding, Verdict verdict, ulong sequence) = await context.Port.AskAsync(state =>
            (state.Ids.Find(in asked, caller.Participant, state.Sequence + 1, out Verdict found), found, state.Sequence));
        return finding switch
        {
            IdFinding.Decided => new PaymentAnswer { Id = PaymentIdText.Format(high, low, isStream), Verdict = VerdictText.NameOf(verdict), AsOfSequence = Exact.Of(sequence) },
            IdFinding.DecidedVerdictForgotten => new PaymentAnswer { Id = PaymentIdText.Format(high, low, isStream), Verdict = VerdictText.NameOf(Verdict.DuplicateLookUp), AsOfSequence = Exact.Of(sequence) },
            _ => null,
        };
    }

    /// <summary>Null: it is none of the caller's business.</summary>
    private async Task<PaymentAnswer?> DescribeAsync(Caller caller, HistoryReader history, HistoryPayment use, Dictionary<ushort, ushort> senders)
    {
        Payment payment = use.Payment;
        if (!senders.TryGetValue(payment.Session, out ushort sender))
            senders[payment.Session] = sender = await context.Port.AskAsync(state => state.Sessions.At(payment.Session).Participant);
        bool isSender = caller.IsOperator || sender == caller.Participant;
        bool hasTarget = LedgerText.HasTarget(payment.Instruction);
        HistoryWallet? payer = hasTarget ? null : history.Wallet(payment.Payer), payee = hasTarget ? null : history.Wallet(payment.Payee);
        bool isParty = use.Outcome.Verdict.IsAccepted()
            && ((payer is not null && caller.Sees(payer.Participant, payer.Level)) || (payee is not null && caller.Sees(payee.Participant, payee.Level)));
        if (!isSender && !isParty)
            return null;
        // A wallet above the clearance is shown to none but the session that named it, whether there is one or not.
        bool hides = payer?.Level > caller.Clearance || payee?.Level > caller.Clearance;
        if (hides && payment.Session != caller.Session)
            return null;
        int scale = ScaleOf(history, payment.Currency);
        return new PaymentAnswer
        {
            Id = PaymentIdText.Format(in payment),
            Sequence = Exact.Of(use.Sequence),
            Time = TimeText.Format(use.TimeNs),
            Instruction = SnakeCase.Of(payment.Instruction),
            Payer = payment.Payer == 0 ? null : Exact.Of(payment.Payer),
            Payee = hasTarget || payment.Payee == 0 ? null : Exact.Of(payment.Payee),
            Target = hasTarget ? LedgerText.TargetOf(in payment) : null,
            Amount = AmountText.ToText(payment.Amount, scale),
            Currency = LedgerText.CurrencyOf(payment.Currency),
            Reference = hasTarget || payment.Reference == 0 ? null : Exact.Of(payment.Reference),
            Purpose = payment.Purpose == Purpose.Unstated ? null : SnakeCase.Of(payment.Purpose),
            Verdict = VerdictText.NameOf(use.Outcome.Verdict),
            First = use.Outcome.First == Verdict.Undecided ? null : VerdictText.NameOf(use.Outcome.First),
            Rule = use.Outcome.Rule == 0 ? null : use.Outcome.Rule,
            Batch = use.Outcome.Batch == 0 ? null : Exact.Of(use.Outcome.Batch),
            AsOfSequence = "",
        };
    }

    private Task<IResult> StatementAsync(string wallet, string? currency, string? limit, string? from, HttpContext http)
    {
        Caller caller = CallerGate.CallerOf(http);
        ulong number = LedgerWords.Wallet("wallet", wallet);
        ushort money = LedgerWords.Currency("currency", currency);
        int most = LedgerWords.Count("limit", limit, EntriesDefault, EntriesMax);
        ulong behind = from is null ? 0 : LedgerWords.Number("from", from);
        using HistoryReader history = Open();
        using IDisposable oneCommit = history.Snapshot();
        if (history.Wallet(number) is not { } found || !caller.Sees(found.Participant, found.Level) || !found.Accounts.Any(account => account.Currency == money))
            throw Problem.NotFound($"There is no account of wallet {wallet} in {LedgerText.CurrencyOf(money)} that this session may see. Check both; what is another participant's, or above the session's clearance, is not shown either.");
        StatementPage page;
        try
        {
            page = history.Statement(number, money, most, unchecked((long)behind));
        }
        catch (ArgumentException)
        {
            throw Problem.Invalid($"from '{from}': the 'next' of an earlier page of this statement is expected.");
        }

        int scale = ScaleOf(history, money);
        return Task.FromResult(Answer.Of(new StatementAnswer
        {
            Wallet = Exact.Of(number),
            Currency = LedgerText.CurrencyOf(money),
            Entries = [.. page.Lines.Select(line => Describe(caller, history, line, scale))],
            Next = page.Next == 0 ? null : Exact.Of(page.Next),
            AsOfSequence = Exact.Of(history.Position()?.Sequence ?? 0),
        }, HttpJson.Default.StatementAnswer));
    }

    /// <summary>What the payment says is withheld where its level is above the clearance; what it did to the wallet is the wallet's.</summary>
    private static StatementEntry Describe(Caller caller, HistoryReader history, StatementLine line, int scale)
    {
        Payment payment = line.Payment.Payment;
        bool shows = payment.Level <= caller.Clearance;
        bool showsOther = shows && line.Counterparty != 0 && history.Wallet(line.Counterparty)?.Level <= caller.Clearance;
        return new StatementEntry
        {
            Sequence = Exact.Of(line.Sequence),
            Time = TimeText.Format(line.TimeNs),
            Batch = Exact.Of(line.Batch),
            Id = shows ? PaymentIdText.Format(in payment) : null,
            Instruction = shows ? SnakeCase.Of(payment.Instruction) : null,
            Counterparty = showsOther ? Exact.Of(line.Counterparty) : null,
            AvailableChange = AmountText.ToText(line.AvailableChange, scale),
            PendingChange = AmountText.ToText(line.PendingChange, scale),
            HeldChange = AmountText.ToText(line.HeldChange, scale),
            Available = AmountText.ToText(line.Available, scale),
            Pending = AmountText.ToText(line.Pending, scale),
            Held = AmountText.ToText(line.Held, scale),
        };
    }

    private static int ScaleOf(HistoryReader history, ushort currency) =>
        history.Currencies().FirstOrDefault(known => known.Number == currency)?.Scale ?? Math.Max(0, Iso4217.ScaleOf(currency));

    private static ProblemException NoProjection() => Problem.Missing(
        "The server was started without a projection, from which payments and statements are looked up. Its operator runs `replay tail DATA/journal --to sqlite DIRECTORY` beside it, and starts it with `--projection DIRECTORY`.");

    private HistoryReader Open()
    {
        string directory = context.Options.ProjectionDirectory ?? throw NoProjection();
        try
        {
            return HistoryReader.Open(directory);
        }
        catch (HistoryException missing)
        {
            throw Problem.Missing($"The projection cannot be read: {missing.Message}");
        }
    }
}
