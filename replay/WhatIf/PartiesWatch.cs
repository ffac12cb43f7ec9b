using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Replay.Common;

namespace Settlement.Replay.WhatIf;

/// <summary>
/// Looks up, before each capture, void and refund of a block is applied, between which wallets it is; and, in a hypothesis, puts the other rules in force exactly
/// where they are to begin.
/// </summary>
internal sealed class PartiesWatch(BlockReplay replay) : IBlockWatch
{
    private readonly Dictionary<ulong, Parties> _found = []; // by sequence, of the present block; looked up, never walked
    private bool _isImposed;

    /// <summary>From where on <see cref="Plan"/> is in force; null: never.</summary>
    public RangeStart? ImposedFrom { get; init; }

    /// <summary>Null: every corridor is open.</summary>
    public RulePlan? Plan { get; set; }

    private bool IsToImpose => ImposedFrom is not null && !_isImposed;

    /// <summary>Of a slot of the present block; default: what it is about was not there.</summary>
    public Parties Of(in Payment payment, ulong sequence) =>
        IsTargeted(payment.Instruction) ? _found.GetValueOrDefault(sequence) : new Parties(payment.Payer, payment.Payee);

    public static bool IsTargeted(Instruction instruction) => instruction is Instruction.Capture or Instruction.Void or Instruction.Refund;

    public void OnBegun(in BlockHeader header)
    {
        _found.Clear();
        // A control block is one piece: rules that begin inside it begin with it, for no payment is judged in it.
        ulong last = header.Kind == BlockKind.Control ? header.FirstSequence + header.Count - 1 : header.FirstSequence;
        if (IsToImpose && last >= ImposedFrom!.Value.Sequence)
            Impose();
    }

    public int CountTogether(ReadOnlySpan<Payment> rest, ulong firstSequence)
    {
        int most = rest.Length;
        if (IsToImpose)
        {
            if (firstSequence >= ImposedFrom!.Value.Sequence)
                Impose();
            else
                most = (int)Math.Min(ImposedFrom.Value.Sequence - firstSequence, (ulong)most);
        }

        if (IsTargeted(rest[0].Instruction))
        {
            LookUp(in rest[0], firstSequence);
            return 1;
        }

        int count = 1;
        while (count < most && !IsTargeted(rest[count].Instruction))
            count++;
        return count;
    }

    public void OnApplied(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ulong firstSequence)
    {
    }

    private void LookUp(in Payment payment, ulong sequence)
    {
        LedgerState state = replay.State;
        int target = state.Targets.Find(state.Sessions.At(payment.Session).Participant, payment.TargetId);
        if (target == 0)
            return;
        ref readonly TargetRecord record = ref state.Targets[target];
        _found[sequence] = new Parties(state.Accounts[record.PayerRow].Wallet, state.Accounts[record.PayeeRow].Wallet);
    }

    private void Impose()
    {
        _isImposed = true;
        replay.State.Impose(Plan);
    }
}
