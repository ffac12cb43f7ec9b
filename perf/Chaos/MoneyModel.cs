using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Perf.Chaos;

/// <summary>
/// What every account holds in all, and what of it is held, as it follows from the accepted payments: a second opinion that shares no code with the ledger's. Available and pending are
/// not told apart, for they change with batches that no client sees.
/// </summary>
/// <remarks>Knows the instructions that chaos clients send; refunds and reviews are not among them. Failure assumed: a journal whose payments do not add up.</remarks>
internal sealed class MoneyModel
{
    private readonly Dictionary<(ulong Wallet, ushort Currency), (Int128 Total, Int128 Held)> _accounts = [];
    private readonly Dictionary<UInt128, Payment> _holds = [];

    public (Int128 Total, Int128 Held) this[ulong wallet, ushort currency] => _accounts.GetValueOrDefault((wallet, currency));

    /// <summary>Accounts that money ever was in.</summary>
    public int Count => _accounts.Count;

    /// <returns>What is wrong; null: nothing.</returns>
    public string? Apply(in Decided decided)
    {
        Payment payment = decided.Payment;
        switch (payment.Instruction)
        {
            case Instruction.Issue:
                Add(payment.Payee, payment.Currency, (Int128)payment.Amount, 0);
                return null;
            case Instruction.Micropayment or Instruction.Immediate:
                return Move(decided.Sequence, payment.Payer, payment.Payee, payment.Currency, payment.Amount);
            case Instruction.Hold:
                _holds[payment.Id] = payment;
                return Add(payment.Payer, payment.Currency, 0, (Int128)payment.Amount) ? null : $"sequence {decided.Sequence} holds more than wallet {payment.Payer} has";
            case Instruction.Capture or Instruction.Void:
                return End(in decided);
            default:
                return $"sequence {decided.Sequence} is a {payment.Instruction}, which no client sends";
        }
    }

    private string? End(in Decided decided)
    {
        Payment ending = decided.Payment;
        if (!_holds.Remove(ending.TargetId, out Payment hold))
            return $"sequence {decided.Sequence} ends hold {ending.TargetId:x32}, which is not open";
        if (ending.Instruction == Instruction.Capture && ending.Amount > hold.Amount)
            return $"sequence {decided.Sequence} captures {ending.Amount} of a hold of {hold.Amount}";
        Add(hold.Payer, hold.Currency, 0, -(Int128)hold.Amount);
        return ending.Instruction == Instruction.Void ? null : Move(decided.Sequence, hold.Payer, hold.Payee, hold.Currency, ending.Amount);
    }

    private string? Move(ulong sequence, ulong payer, ulong payee, ushort currency, ulong amount)
    {
        bool isCovered = Add(payer, currency, -(Int128)amount, 0);
        Add(payee, currency, (Int128)amount, 0);
        return isCovered ? null : $"sequence {sequence} takes {amount} from wallet {payer}, which has less that is not held";
    }

    /// <returns>Whether what is held is there.</returns>
    private bool Add(ulong wallet, ushort currency, Int128 total, Int128 held)
    {
        ref (Int128 Total, Int128 Held) account = ref CollectionsMarshal.GetValueRefOrAddDefault(_accounts, (wallet, currency), out _);
        account = (account.Total + total, account.Held + held);
        return account.Held >= 0 && account.Total >= account.Held;
    }
}
