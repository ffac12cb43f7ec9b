using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Replay.Common;

/// <summary>Who pays and who is paid, of every payment of a walk: a capture, void or refund names its target alone, and the parties are the target's.</summary>
/// <remarks>
/// Invariant: told every payment of a walk in order, from genesis. What the ledger has forgotten is forgotten here, too, some time later: the memory is at most
/// twice what the ledger's open holds and refundable payments need, and <see cref="SlackCount"/> records.
/// </remarks>
internal sealed class TargetParties
{
    private const int SlackCount = 4_096;

    private readonly Dictionary<(ushort Participant, UInt128 Id), (ulong Payer, ulong Payee)> _parties = [];

    /// <summary>The wallets of a payment and, where it keeps a record for later ones, a memory of them; false: its target is not known.</summary>
    /// <param name="state">Behind the block that holds the payment: sessions and wallets keep their participant for ever.</param>
    /// <param name="payment">The next payment of the walk.</param>
    /// <param name="verdict">What became of it.</param>
    /// <param name="payer">0 for an issue.</param>
    /// <param name="payee">0 for a redemption.</param>
    public bool TryTake(LedgerState state, in Payment payment, Verdict verdict, out ulong payer, out ulong payee)
    {
        (payer, payee) = (payment.Payer, payment.Payee);
        if (payment.Instruction == Instruction.Issue)
            payer = 0;
        else if (payment.Instruction == Instruction.Redeem)
            payee = 0;
        else if (LedgerText.HasTarget(payment.Instruction))
            return TryTakeTarget(state, in payment, verdict, out payer, out payee);
        if (verdict.IsAccepted() && (payment.Instruction == Instruction.Hold || (payment.Flags & PaymentFlags.Refundable) != 0))
            Keep(state, in payment, payer, payee);
        return true;
    }

    /// <summary>To be called behind every block.</summary>
    public void Trim(LedgerState state)
    {
        if (_parties.Count <= SlackCount + (2 * state.Targets.Count))
            return;
        foreach ((ushort participant, UInt128 id) in _parties.Keys)
        {
            if (state.Targets.Find(participant, id) == 0)
                _parties.Remove((participant, id));
        }
    }

    private bool TryTakeTarget(LedgerState state, in Payment payment, Verdict verdict, out ulong payer, out ulong payee)
    {
        (payer, payee) = (0, 0);
        var key = (state.Sessions.At(payment.Session).Participant, payment.TargetId);
        if (!_parties.TryGetValue(key, out (ulong Payer, ulong Payee) parties))
            return false;
        (payer, payee) = parties;
        if (verdict == Verdict.Accepted && payment.Instruction != Instruction.Refund)
            _parties.Remove(key);
        if (verdict == Verdict.Accepted && payment.Instruction == Instruction.Capture && (payment.Flags & PaymentFlags.Refundable) != 0)
            Keep(state, in payment, payer, payee);
        return true;
    }

    /// <summary>Under the participant under which the ledger keeps it: an operator's own, else the payee's.</summary>
    private void Keep(LedgerState state, in Payment payment, ulong payer, ulong payee)
    {
        ref readonly SessionRecord session = ref state.Sessions.At(payment.Session);
        ushort participant = session.IsOperator ? session.Participant : state.Accounts[state.Accounts.Find(payee)].Participant;
        CollectionsMarshal.GetValueRefOrAddDefault(_parties, (participant, payment.Id), out _) = (payer, payee);
    }
}
