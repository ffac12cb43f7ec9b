using Settlement.Client.Wire;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Gateway.Wire;

/// <summary>One kind of question to the state, as one session may ask it.</summary>
internal interface IQuestions<TSelf, TAsked, TAnswer>
{
    /// <summary>How many are answered between two blocks, so that payments do not wait for them.</summary>
    int AtOnce { get; }

    FrameKind AnswerKind { get; }

    bool IsWellFormed(in TAsked asked);

    /// <summary>On the settle thread.</summary>
    TAnswer Answer(LedgerState state, in TAsked asked);
}

internal sealed class IdQuestions(SessionKey session) : IQuestions<IdQuestions, AskedId, IdAnswer>
{
    // Some may have to be read from the disk.
    public int AtOnce => 16;

    public FrameKind AnswerKind => FrameKind.Ids;

    public bool IsWellFormed(in AskedId asked) =>
        (asked.Flags & ~PaymentFlags.StreamId) == 0 && asked.Reserved1 == 0 && asked.Reserved2 == 0 && asked.Reserved3 == 0;

    public IdAnswer Answer(LedgerState state, in AskedId asked)
    {
        var payment = new Payment { IdLow = asked.IdLow, IdHigh = asked.IdHigh, Flags = asked.Flags };
        IdFinding finding = state.Ids.Find(in payment, session.Record.Participant, state.Sequence + 1, out Verdict verdict);
        return new IdAnswer
        {
            Verdict = verdict,
            Knowledge = finding switch
            {
                IdFinding.Decided => IdKnowledge.Decided,
                IdFinding.DecidedVerdictForgotten => IdKnowledge.DecidedLookUp,
                IdFinding.TooOldToTell => IdKnowledge.TooOldToTell,
                _ => IdKnowledge.NotDecided,
            },
        };
    }
}

internal sealed class StreamQuestions(SessionKey session) : IQuestions<StreamQuestions, ulong, StreamAnswer>
{
    public int AtOnce => 64;

    public FrameKind AnswerKind => FrameKind.Streams;

    public bool IsWellFormed(in ulong asked) => true;

    public StreamAnswer Answer(LedgerState state, in ulong asked)
    {
        (ulong lowest, ulong highest) = state.Ids.WatermarkOf(asked, session.Record.Participant);
        return new StreamAnswer { Stream = asked, LowestMissing = lowest, HighestDecided = highest };
    }
}

/// <summary>Another participant's account, and one above the session's clearance, are as if there were none.</summary>
internal sealed class AccountQuestions(SessionKey session) : IQuestions<AccountQuestions, AskedAccount, AccountAnswer>
{
    public int AtOnce => 64;

    public FrameKind AnswerKind => FrameKind.Accounts;

    public bool IsWellFormed(in AskedAccount asked) => asked.Reserved1 == 0 && asked.Reserved2 == 0;

    public AccountAnswer Answer(LedgerState state, in AskedAccount asked)
    {
        var answer = new AccountAnswer { Wallet = asked.Wallet, Currency = asked.Currency };
        byte currency = state.Currencies.IndexOf(asked.Currency);
        int row = currency == 0 || asked.Wallet == 0 ? 0 : state.Accounts.InCurrency(state.Accounts.Find(asked.Wallet), currency);
        if (row == 0)
            return answer;
        ref readonly AccountRow account = ref state.Accounts[row];
        bool isOwn = session.Record.IsOperator || account.Participant == session.Record.Participant;
        if (!isOwn || account.Level > session.Record.Clearance)
            return answer;
        bool isRolled = account.Batch == state.Batch.Mark;
        answer.Available = isRolled ? account.Available : account.Available + account.Pending;
        answer.Pending = isRolled ? account.Pending : 0;
        answer.Held = account.Held;
        answer.Status = account.Status;
        answer.IsKnown = 1;
        return answer;
    }
}
