using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Ledger;

namespace Settlement.Gateway.Http.Payments;

/// <summary>Payments of a request as 64 bytes each, at the ledger's scales.</summary>
/// <remarks>Scales of currencies never change and currencies are only added, so what is known stays known, and the ledger is asked again for one that is not.</remarks>
internal sealed class PaymentReading(ILedgerPort port)
{
    private sealed record Known(CurrencyScales Scales, bool[] IsDeclared);

    private volatile Known? _known; // written by: any request; either version is right

    /// <param name="requests">As they were sent.</param>
    /// <param name="session">That sends them.</param>
    /// <param name="idOf">Id of a payment that has none of its own; null: each must have one.</param>
    /// <exception cref="ProblemException">A field cannot be read; says which, of which payment.</exception>
    public async Task<Payment[]> ReadAsync(IReadOnlyList<PaymentRequest> requests, ushort session, Func<int, UInt128>? idOf)
    {
        var payments = new Payment[requests.Count];
        for (int i = 0; i < payments.Length; i++)
        {
            string place = payments.Length == 1 ? "" : $"payment {Exact.Of(i)}, ";
            PaymentRequest request = requests[i];
            ushort currency = LedgerWords.Currency(place + "currency", request.Currency);
            payments[i] = Read(place, request, currency, await ScaleAsync(currency));
            payments[i].Session = session;
            SetId(ref payments[i], place, request, idOf is null ? null : idOf(i));
        }

        return payments;
    }

    /// <summary>Of a currency that the ledger does not know, ISO's: the engine says that it is unknown.</summary>
    public async Task<int> ScaleAsync(ushort currency)
    {
        Known? known = _known;
        if (known is null || !known.IsDeclared[currency])
            _known = known = await port.AskAsync(Ask);
        return known.Scales[currency];
    }

    private static Known Ask(LedgerState state)
    {
        var declared = new bool[ushort.MaxValue + 1];
        for (int index = 1; index <= state.Currencies.Count; index++)
            declared[state.Currencies[index].Number] = true;
        return new Known(LedgerWords.ScalesOf(state), declared);
    }

    private static Payment Read(string place, PaymentRequest request, ushort currency, int scale)
    {
        Instruction instruction = LedgerWords.Name(
            place + "instruction", request.Instruction, Instruction.Micropayment,
            Instruction.Micropayment, Instruction.Immediate, Instruction.Hold, Instruction.Capture, Instruction.Void, Instruction.Refund, Instruction.Issue, Instruction.Redeem);
        bool hasTarget = LedgerText.HasTarget(instruction);
        var payment = new Payment
        {
            Instruction = instruction,
            Currency = currency,
            Level = LedgerWords.Level(place + "level", request.Level),
            Purpose = LedgerWords.Name(place + "purpose", request.Purpose, Purpose.Unstated, Enum.GetValues<Purpose>()),
            Flags = request.Refundable ? PaymentFlags.Refundable : PaymentFlags.None,
            ValidUntilNs = request.ValidUntil is { } until ? LedgerWords.Time(place + "valid_until", until) : 0,
        };
        payment.Payer = Party(place + "payer", request.Payer, isExpected: !hasTarget && instruction != Instruction.Issue, instruction);
        payment.Payee = Party(place + "payee", request.Payee, isExpected: !hasTarget && instruction != Instruction.Redeem, instruction);
        if (instruction == Instruction.Void)
            Absent(place + "amount", request.Amount, instruction);
        else
            payment.Amount = LedgerWords.Amount(place + "amount", request.Amount ?? throw Problem.Invalid($"{place}amount is missing: decimal text such as \"12.34\" is expected."), scale, request.Currency);
        if (hasTarget)
        {
            Absent(place + "reference", request.Reference, instruction);
            (payment.Payee, payment.Reference, _) = LedgerWords.PaymentId(
                place + "target", request.Target ?? throw Problem.Invalid($"{place}target is missing: a {SnakeCase.Of(instruction)} is about an earlier payment, by its id."));
        }
        else
        {
            Absent(place + "target", request.Target, instruction);
            payment.Reference = request.Reference is { } reference ? LedgerWords.Number(place + "reference", reference) : 0;
        }

        return payment;
    }

    private static ulong Party(string field, string? text, bool isExpected, Instruction instruction)
    {
        if (isExpected)
            return LedgerWords.Wallet(field, text);
        Absent(field, text, instruction);
        return 0;
    }

    private static void Absent(string field, string? text, Instruction instruction)
    {
        if (text is not null)
            throw Problem.Invalid($"{field} '{text}': a payment of instruction {SnakeCase.Of(instruction)} has none; leave it away.");
    }

    private static void SetId(ref Payment payment, string place, PaymentRequest request, UInt128? given)
    {
        if (given is { } id)
        {
            if (request.Id is not null)
                throw Problem.Invalid($"{place}id '{request.Id}': a request with an Idempotency-Key gives its payments their ids; leave either away.");
            (payment.IdHigh, payment.IdLow) = ((ulong)(id >> 64), (ulong)id);
            return;
        }

        if (request.Id is null)
            throw Problem.Invalid($"{place}id is missing: give the payment an id (a UUID, or stream:number), or send the request with an Idempotency-Key, so that it can be sent again without being paid twice.");
        (payment.IdHigh, payment.IdLow, bool isStream) = LedgerWords.PaymentId(place + "id", request.Id);
        if (isStream)
            payment.Flags |= PaymentFlags.StreamId;
    }
}
