using Settlement.Engine.Domain;

namespace Settlement.History;

// What a history answers with. Amounts in the smallest unit of their currency, times in ns since the Unix epoch.

/// <summary>How far a history is: it holds every sequence up to this one.</summary>
public sealed record HistoryPosition(UInt128 LedgerId, ulong Sequence, ulong Block, ulong TimeNs);

/// <summary>One payment that took a sequence, and what became of it.</summary>
/// <param name="Sequence">Its place in the journal.</param>
/// <param name="Block">The block that holds it.</param>
/// <param name="TimeNs">Time of that block.</param>
/// <param name="Payment">Its 64 bytes.</param>
/// <param name="Outcome">Its verdict, as it was replied.</param>
public sealed record HistoryPayment(ulong Sequence, ulong Block, ulong TimeNs, Payment Payment, Outcome Outcome);

/// <summary>A currency as the ledger declared it.</summary>
public sealed record HistoryCurrency(ushort Number, string Letters, int Scale);

/// <summary>A wallet as it is at the history's position.</summary>
public sealed record HistoryWallet(
    ulong Wallet, ushort Participant, ushort Country, byte Tier, PartyKind Kind, byte Level, WalletStatus Status, ulong Holder, IReadOnlyList<HistoryAccount> Accounts);

/// <summary>An account as it is at the history's position; what was pending in a batch that is closed is available.</summary>
public sealed record HistoryAccount(ushort Currency, ulong Available, ulong Pending, ulong Held);

/// <summary>One line of a statement.</summary>
/// <param name="Movement">Its number, which counts upwards over all accounts.</param>
/// <param name="Sequence">Of the payment that moved the account; of an expired hold, the sequence that came next; of a review, that of its decision.</param>
/// <param name="TimeNs">Block time.</param>
/// <param name="Batch">The batch that was open.</param>
/// <param name="Payment">The payment it is about; for an expired hold, the hold; for a decided review, the payment reviewed. Its sequence is below <paramref name="Sequence"/> then.</param>
/// <param name="Counterparty">The wallet on the other side of that payment; 0: issues and redemptions have none.</param>
/// <param name="AvailableChange">What it changed, as the next two. What had been pending in an earlier batch is available before it, and no change.</param>
/// <param name="PendingChange">Of the part that becomes available at the close.</param>
/// <param name="HeldChange">Of the part that holds have taken.</param>
/// <param name="Available">The running balance: behind the movement, as the next two.</param>
/// <param name="Pending">Credited in <paramref name="Batch"/>.</param>
/// <param name="Held">Taken by holds.</param>
public sealed record StatementLine(
    long Movement, ulong Sequence, ulong TimeNs, ulong Batch, HistoryPayment Payment, ulong Counterparty,
    Int128 AvailableChange, Int128 PendingChange, Int128 HeldChange, ulong Available, ulong Pending, ulong Held)
{
    /// <summary>All that is in the account behind the movement.</summary>
    public UInt128 Total => (UInt128)Available + Pending + Held;
}

/// <summary>Some lines of a statement, the newest first.</summary>
/// <param name="Lines">The lines.</param>
/// <param name="Next">The movement that the next, older page begins with; 0: there is none.</param>
public sealed record StatementPage(IReadOnlyList<StatementLine> Lines, long Next);

/// <summary>A closed batch.</summary>
public sealed record HistoryBatch(
    ulong Number, ulong FirstSequence, ulong LastSequence, ulong OpenedNs, ulong ClosedNs, ulong Count, ulong Accepted,
    Digest RulesHash, Digest StateHash, Digest Root, ulong? SettledSequence,
    IReadOnlyList<HistoryGross> Gross, IReadOnlyList<HistoryNet> Net);

/// <summary>Gross of a batch in one currency.</summary>
public sealed record HistoryGross(ushort Currency, UInt128 Amount);

/// <summary>What a participant is owed (above zero) or owes in one currency for a batch, after fees.</summary>
public sealed record HistoryNet(ushort Participant, ushort Currency, Int128 Net, Int128 Fee);
