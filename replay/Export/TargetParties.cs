using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Replay.Export;

/// <summary>Whom a capture, void or refund is about, and how the id is spelled that it names.</summary>
internal readonly record struct TargetParty(ulong Payer, ulong Payee, bool HasStreamId);

/// <summary>
/// The parties of what captures, voids and refunds are about: those payments name an id, the wallets stand in the payment that made the
/// hold or may be refunded. Learns from every accepted payment, in order, from genesis on, or from the ledger's state behind a block.
/// </summary>
/// <remarks>
/// Invariant: whatever the engine accepts as a target is known here. Memory: some 100 bytes an open hold or refundable payment; what the engine
/// has forgotten is dropped when there is twice as much of it.
/// </remarks>
internal sealed class TargetParties(LedgerState state)
{
    private const int KeptMin = 65_536;

    private readonly Dictionary<(ushort Participant, UInt128 Id), TargetParty> _parties = []; // walked to drop entries only

    /// <summary>What the ledger keeps now, in the place of all payments so far. How an id is spelled it does not keep: that is told by the id.</summary>
    public static TargetParties Behind(LedgerState state)
    {
        var parties = new TargetParties(state);
        for (int place = 1; place <= state.Targets.RecordsUsed; place++)
        {
            ref readonly TargetRecord record = ref state.Targets[place];
            if (record.Kind != TargetKind.None)
                parties._parties[(record.Participant, record.Id)] =
                    new TargetParty(state.Accounts[record.PayerRow].Wallet, state.Accounts[record.PayeeRow].Wallet, !IsUuid(record.IdLow));
        }

        return parties;
    }

    /// <summary>How an id is spelled that nothing else is known of: the variant bits of a UUID are 10; a stream's numbers never come so far.</summary>
    public static bool IsUuid(ulong idLow) => idLow >> 62 == 2;

    /// <summary>The parties of an accepted capture, void or refund.</summary>
    public TargetParty Of(in Payment payment)
    {
        ushort participant = state.Sessions.At(payment.Session).Participant;
        return _parties.TryGetValue((participant, payment.TargetId), out TargetParty party)
            ? party
            : throw new LedgerBrokenException($"the engine accepted a {payment.Instruction} of {payment.TargetId:x32}, which no earlier payment made");
    }

    /// <summary>Takes note of an accepted payment with these parties.</summary>
    public void Learn(in Payment payment, ulong payer, ulong payee)
    {
        if (payment.Instruction != Instruction.Hold && (payment.Flags & PaymentFlags.Refundable) == 0)
            return;
        ref readonly SessionRecord session = ref state.Sessions.At(payment.Session);
        ushort participant = session.IsOperator ? session.Participant : state.Accounts[state.Accounts.Find(payee)].Participant;
        _parties[(participant, payment.Id)] = new TargetParty(payer, payee, payment.HasStreamId);
    }

    /// <summary>To be called between blocks.</summary>
    public void Forget()
    {
        if (_parties.Count < KeptMin || _parties.Count < 2L * state.Targets.Count)
            return;
        foreach ((ushort Participant, UInt128 Id) key in _parties.Keys.Where(key => state.Targets.Find(key.Participant, key.Id) == 0))
            _parties.Remove(key);
    }
}
