using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Gateway.Http.Ledger;

/// <summary>Who asks: a journaled session as of the request; or a stranger, who sees what is public.</summary>
/// <param name="Session">Its index; 0: a stranger.</param>
/// <param name="Participant">Whose it is.</param>
/// <param name="Clearance">Nothing above it is shown.</param>
/// <param name="IsOperator">Whether it sees all participants.</param>
/// <param name="Key">That it was opened with; none for a webhook, which outlives keys.</param>
internal sealed record Caller(ushort Session, ushort Participant, byte Clearance, bool IsOperator, KeyId Key)
{
    /// <summary>Without a key: clearance 0 and no wallets.</summary>
    public static Caller Stranger { get; } = new(0, ushort.MaxValue, 0, false, default);

    public bool IsStranger => Session == 0;

    /// <summary>Whether a wallet is there for this session: its own participant's, or anyone's for an operator's, and not above the clearance.</summary>
    public bool Sees(ushort participant, byte level) => !IsStranger && level <= Clearance && (IsOperator || participant == Participant);

    /// <inheritdoc cref="Sees(ushort, byte)"/>
    public bool Sees(in AccountRow row) => Sees(row.Participant, row.Level);

    /// <summary>Whether it may know a participant's positions: its own, or as an operator's.</summary>
    public bool SeesPositionsOf(ushort participant) => !IsStranger && (IsOperator || participant == Participant);

    /// <summary>The session as the state has it; null: there is none that is open.</summary>
    public static Caller? Of(LedgerState state, ushort session)
    {
        ref readonly SessionRecord record = ref state.Sessions.At(session);
        return record.IsOpen ? new Caller(session, record.Participant, record.Clearance, record.IsOperator, default) : null;
    }
}
