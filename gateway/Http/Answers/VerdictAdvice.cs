using Settlement.Engine.Domain;

namespace Settlement.Gateway.Http.Answers;

/// <summary>What a client does about a refusal, as one sentence.</summary>
internal static class VerdictAdvice
{
    public static string Of(Verdict verdict) => verdict switch
    {
        Verdict.Malformed => "Its fields have no meaning together: correct the instruction, the parties, the id or the purpose.",
        Verdict.UnknownSession => "The session is closed: the operator opens another.",
        Verdict.StreamGap => "Send the missing numbers of the stream first; the id is still free.",
        Verdict.TooOldToTell => "The id is from before the window in which ids are kept: it may have been settled then. Look it up by GET /v1/payments/{id} before it is sent under a fresh id.",
        Verdict.IdFromFuture => "The time in the id lies ahead of the ledger's: set the clock; the id is still free.",
        Verdict.CapacityExceeded => "A table of the ledger is full: try later, or ask the operator for more.",
        Verdict.IdConflict => "The id was used before, with another body, and that payment stands: use a fresh id for this one.",
        Verdict.Expired => "It came after its valid_until: decide whether to pay again, under a fresh id.",
        Verdict.ZeroAmount => "An amount above zero is expected.",
        Verdict.SelfPayment => "Payer and payee are one wallet.",
        Verdict.UnknownCurrency => "The ledger does not know the currency: GET /v1/ledger lists those that it knows.",
        Verdict.Refused => "The reason is above the session's clearance: ask the operator.",
        Verdict.NotAuthorised => "The session has no right to this: to that wallet, that currency, or that command.",
        Verdict.UnknownPayer => "There is no such payer.",
        Verdict.UnknownPayee => "There is no such payee.",
        Verdict.WrongCurrency => "A wallet has no account in the currency, or the target is in another one.",
        Verdict.PayerFrozen or Verdict.PayeeFrozen => "The wallet is frozen: ask its participant.",
        Verdict.PayerClosed or Verdict.PayeeClosed => "The wallet is closed.",
        Verdict.UnknownTarget => "There is no open hold or refundable payment of that id: it never was, was taken, or has expired.",
        Verdict.OverTarget => "That is more than is held, or was paid less what was refunded.",
        Verdict.ConsentMissing => "The payer's owner has not consented in the way that the wallet asks for: signatures and links travel by the binary protocol (gateway/PROTOCOL.md).",
        Verdict.ConsentExceeded => "It is more than the payer's owner has consented to: a commitment's ceiling, amount, expiry or payee.",
        Verdict.UnknownKey => "There is no such key.",
        Verdict.DeniedByRule => "A rule forbids it: GET /v1/rules/may says which, as far as the session may know.",
        Verdict.LimitExceeded => "With earlier payments it would exceed a rule's limit: GET /v1/rules/may says which, as far as the session may know.",
        Verdict.TargetTaken => "A hold or refundable payment of this id is kept already: use a fresh id.",
        Verdict.InsufficientFunds => "The payer's available balance is below the amount.",
        Verdict.CapExceeded => "The payer's participant would owe more than its cap: settle closed batches first.",
        Verdict.AlreadyExists => "It is there already, and is not as this says.",
        Verdict.NotEmpty => "It still holds balances or holds.",
        Verdict.UnknownParticipant => "There is no such participant: GET /v1/participants lists them.",
        Verdict.UnknownWallet => "There is no such wallet.",
        Verdict.UnknownBatch => "There is no closed batch of that number.",
        Verdict.InvalidValue => "A value is out of its range.",
        Verdict.BadSignature => "The signature is not one of this message under that key.",
        _ => "The ledger's verdicts are explained in the README.",
    };
}
