using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>
/// What generated histories brought about: counts by verdict, by instruction and verdict, by cause of a batch's close. A
/// history that never reaches a verdict proves nothing about it, so the tests assert that none is missing.
/// </summary>
public sealed class Coverage
{
    private readonly Dictionary<Verdict, long> _verdicts = [];
    private readonly Dictionary<(Instruction Instruction, Verdict Verdict), long> _pairs = [];
    private readonly Dictionary<ClosedBy, long> _closes = [];
    private readonly Dictionary<(bool Releases, Verdict Verdict), long> _decisions = [];
    private long _holdsExpired;
    private long _reviewsExpired;
    private long _refundablesExpired;
    private long _idsDecidedAgain;

    public long Payments { get; private set; }

    public long Commands { get; private set; }

    public long Blocks { get; private set; }

    /// <summary>
    /// Counts one block. Continuation slots are not counted; instructions without meaning count as <see
    /// cref="Instruction.None"/>.
    /// </summary>
    public void Add(in BlockHeader header, ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes)
    {
        Blocks++;
        int continued = 0;
        for (int i = 0; i < slots.Length; i++)
        {
            Instruction instruction = slots[i].Instruction;
            if (header.Kind == BlockKind.Payments)
                Payments++;
            else if (continued > 0)
            {
                continued--;
                continue;
            }
            else
            {
                Commands++;
                continued = MemoryMarshal.Cast<Payment, ControlCommand>(slots)[i].ContinuationSlots;
            }

            if (!Enum.IsDefined(instruction))
                instruction = Instruction.None;
            Verdict verdict = outcomes[i].Verdict;
            _verdicts[verdict] = _verdicts.GetValueOrDefault(verdict) + 1;
            _pairs[(instruction, verdict)] = _pairs.GetValueOrDefault((instruction, verdict)) + 1;
        }
    }

    public void Add(IReadOnlyList<GeneratedDecision> decisions)
    {
        foreach (GeneratedDecision decision in decisions)
            _decisions[(decision.Releases, decision.Expected)] = _decisions.GetValueOrDefault((decision.Releases, decision.Expected)) + 1;
    }

    /// <summary>
    /// Counts what a whole history did beside its verdicts: closes by cause, expiries, ids forgotten and decided again.
    /// </summary>
    public void AddEnd(NaiveEngine engine)
    {
        _holdsExpired += engine.HoldsExpired;
        _reviewsExpired += engine.ReviewsExpired;
        _refundablesExpired += engine.RefundablesExpired;
        _idsDecidedAgain += engine.IdsDecidedAgain;
        foreach (ClosedBy cause in engine.ClosedBatchesBy)
            _closes[cause] = _closes.GetValueOrDefault(cause) + 1;
    }

    public long Of(Verdict verdict) => _verdicts.GetValueOrDefault(verdict);

    public long Of(Instruction instruction, Verdict verdict) => _pairs.GetValueOrDefault((instruction, verdict));

    public long Of(ClosedBy cause) => _closes.GetValueOrDefault(cause);

    /// <summary>
    /// Each verdict but Undecided, each pair of <see cref="ReachablePairs"/>, each cause of a close, each expiry, at
    /// least once.
    /// </summary>
    public void AssertComplete()
    {
        List<string> missing = [];
        foreach (Verdict verdict in Enum.GetValues<Verdict>())
            if (verdict is > Verdict.Undecided and < Verdict.BadSignature && Of(verdict) == 0) // those of governance have tests of their own (tests/Governance)
                missing.Add(verdict.ToString());
        foreach ((Instruction instruction, Verdict verdict) in ReachablePairs())
            if (Of(instruction, verdict) == 0)
                missing.Add($"{instruction} x {verdict}");
        foreach (ClosedBy cause in Enum.GetValues<ClosedBy>())
            if (Of(cause) == 0)
                missing.Add($"a close by {cause}");
        if (_holdsExpired == 0)
            missing.Add("a hold that expires");
        foreach ((bool releases, Verdict verdict) in Decisions())
            if (_decisions.GetValueOrDefault((releases, verdict)) == 0)
                missing.Add($"a {(releases ? "release" : "refusal")} that is {verdict}");
        if (_reviewsExpired == 0)
            missing.Add("a review that expires");
        if (_refundablesExpired == 0)
            missing.Add("a refundable payment that expires");
        if (_idsDecidedAgain == 0)
            missing.Add("an id decided again after its retention");
        Assert.That(missing, Is.Empty, $"the generated histories never brought about: {string.Join(", ", missing)}");
        Assert.That(Of(Verdict.Undecided), Is.Zero, "a slot was left undecided");
    }

    /// <summary>
    /// What engine/SEMANTICS.md lets each instruction be answered. A payer whose money is held cannot be closed, so a capture is
    /// never <see cref="Verdict.PayerClosed"/>; a verdict that only a full ledger of tens of thousands of batches gives
    /// is left to a story.
    /// </summary>
    public static IEnumerable<(Instruction Instruction, Verdict Verdict)> ReachablePairs()
    {
        Verdict[] any =
        [
            Verdict.Accepted, Verdict.Duplicate, Verdict.DuplicateLookUp, Verdict.Malformed, Verdict.UnknownSession,
            Verdict.StreamGap, Verdict.TooOldToTell, Verdict.IdFromFuture, Verdict.CapacityExceeded, Verdict.IdConflict,
            Verdict.Expired, Verdict.UnknownCurrency, Verdict.Refused, Verdict.WrongCurrency,
        ];
        Verdict[] transfer =
        [
            Verdict.ZeroAmount, Verdict.SelfPayment, Verdict.NotAuthorised, Verdict.UnknownPayer, Verdict.UnknownPayee,
            Verdict.PayerFrozen, Verdict.PayerClosed, Verdict.PayeeFrozen, Verdict.PayeeClosed, Verdict.DeniedByRule,
            Verdict.LimitExceeded, Verdict.TargetTaken, Verdict.InsufficientFunds, Verdict.TableFull, Verdict.UnderReview,
            Verdict.ConsentMissing, Verdict.ConsentExceeded,
        ];
        Verdict[] moves = [.. transfer, Verdict.CapExceeded, Verdict.Overflow];
        Verdict[] capture =
        [
            Verdict.ZeroAmount, Verdict.UnknownTarget, Verdict.PayerFrozen, Verdict.PayeeFrozen, Verdict.PayeeClosed,
            Verdict.OverTarget, Verdict.DeniedByRule, Verdict.TargetTaken, Verdict.CapExceeded, Verdict.Overflow,
            Verdict.TableFull,
        ];
        Verdict[] refund =
        [
            Verdict.ZeroAmount, Verdict.UnknownTarget, Verdict.PayerFrozen, Verdict.PayerClosed, Verdict.PayeeFrozen,
            Verdict.PayeeClosed, Verdict.OverTarget, Verdict.DeniedByRule, Verdict.InsufficientFunds, Verdict.CapExceeded,
            Verdict.Overflow,
        ];
        Verdict[] issue =
        [
            Verdict.ZeroAmount, Verdict.NotAuthorised, Verdict.UnknownPayee, Verdict.PayeeFrozen, Verdict.PayeeClosed,
            Verdict.Overflow,
        ];
        Verdict[] redeem =
        [
            Verdict.ZeroAmount, Verdict.NotAuthorised, Verdict.UnknownPayer, Verdict.PayerFrozen, Verdict.PayerClosed,
            Verdict.InsufficientFunds,
        ];
        (Instruction, Verdict[])[] payments =
        [
            (Instruction.Micropayment, moves), (Instruction.Immediate, moves), (Instruction.Hold, transfer),
            (Instruction.Capture, capture), (Instruction.Void, [Verdict.UnknownTarget]), (Instruction.Refund, refund),
            (Instruction.Issue, issue), (Instruction.Redeem, redeem),
        ];
        foreach ((Instruction instruction, Verdict[] own) in payments)
        {
            // Far repeats are drawn as transfers.
            foreach (Verdict verdict in any)
                if (verdict != Verdict.DuplicateLookUp || instruction <= Instruction.Hold)
                    yield return (instruction, verdict);
            foreach (Verdict verdict in own)
                yield return (instruction, verdict);
        }

        foreach ((Instruction instruction, Verdict verdict) in CommandPairs())
            yield return (instruction, verdict);
    }

    /// <summary>A payer whose money is held cannot be closed; a full table of batches is left to a story.</summary>
    private static IEnumerable<(bool Releases, Verdict Verdict)> Decisions()
    {
        foreach (bool releases in (bool[])[true, false])
            foreach (Verdict verdict in (Verdict[])[Verdict.Accepted, Verdict.UnknownTarget])
                yield return (releases, verdict);
        foreach (Verdict verdict in (Verdict[])
            [Verdict.PayerFrozen, Verdict.PayeeFrozen, Verdict.PayeeClosed, Verdict.DeniedByRule, Verdict.CapExceeded, Verdict.Overflow])
            yield return (true, verdict);
    }

    private static IEnumerable<(Instruction Instruction, Verdict Verdict)> CommandPairs()
    {
        const Verdict accepted = Verdict.Accepted, again = Verdict.Duplicate, invalid = Verdict.InvalidValue,
            exists = Verdict.AlreadyExists, full = Verdict.CapacityExceeded, participant = Verdict.UnknownParticipant,
            currency = Verdict.UnknownCurrency, wallet = Verdict.UnknownWallet;
        Verdict[] owner = [Verdict.ConsentMissing, Verdict.UnknownKey, Verdict.BadSignature, Verdict.AwaitingQuorum];
        (Instruction, Verdict[])[] commands =
        [
            (Instruction.DeclareParticipant, [accepted, again, invalid, exists, full]),
            (Instruction.DeclareCurrency, [accepted, again, invalid, participant, exists, full]),
            (Instruction.OpenSession, [accepted, again, invalid, participant, exists, full]),
            (Instruction.OpenWallet, [accepted, again, invalid, participant, currency, exists, full]),
            (Instruction.OpenAccount, [accepted, again, wallet, currency, full]),
            (Instruction.CloseWallet, [accepted, again, wallet, Verdict.NotEmpty]),
            (Instruction.SetWalletStatus, [accepted, again, wallet, invalid]),
            (Instruction.SetWalletTier, [accepted, again, wallet, invalid]),
            (Instruction.SetWalletLevel, [accepted, again, wallet, Verdict.AwaitingQuorum]),
            (Instruction.SetWalletCountry, [accepted, again, wallet, invalid]),
            (Instruction.SetWalletKind, [accepted, again, wallet, invalid]),
            (Instruction.SetCap, [accepted, again, participant, currency, invalid]),
            (Instruction.SetFee, [accepted, again, participant, currency, invalid]),
            (Instruction.SetSetting, [accepted, again, invalid, currency]),
            (Instruction.ActivateRules, [accepted, again, invalid, Verdict.Malformed]),
            (Instruction.CloseBatch, [accepted, again]),
            (Instruction.SettledBatch, [accepted, again, Verdict.UnknownBatch]),
            (Instruction.AcceptTime, [accepted, invalid]),
            (Instruction.RegisterKey, [accepted, again, invalid, exists, wallet, .. owner]),
            (Instruction.RevokeKey, [accepted, again, wallet, .. owner]),
            (Instruction.CloseSession, [accepted, again, invalid]),
            (Instruction.SetMandate, [accepted, again, invalid, wallet, participant, .. owner]),
            (Instruction.SetConsent, [accepted, again, wallet, Verdict.QuorumMissing, .. owner]),
            (Instruction.OpenChain,
                [accepted, again, invalid, exists, wallet, participant, currency, Verdict.ConsentMissing, Verdict.UnknownKey, Verdict.BadSignature]),
        ];
        foreach ((Instruction instruction, Verdict[] own) in commands)
        {
            foreach (Verdict verdict in own)
                yield return (instruction, verdict);
            yield return (instruction, Verdict.NotAuthorised);
        }
    }

    /// <summary>A table for the log: one line an instruction, its verdicts and how often.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Blocks} blocks, {Payments} payments, {Commands} commands");
        foreach (IGrouping<Instruction, KeyValuePair<(Instruction Instruction, Verdict Verdict), long>> row in
                 _pairs.GroupBy(pair => pair.Key.Instruction).OrderBy(row => row.Key))
        {
            IEnumerable<string> counts = row.OrderBy(pair => pair.Key.Verdict).Select(pair => $"{pair.Key.Verdict} {pair.Value}");
            text.AppendLine(CultureInfo.InvariantCulture, $"{row.Key}: {string.Join(", ", counts)}");
        }

        IEnumerable<string> closes = _closes.OrderBy(close => close.Key).Select(close => $"{close.Key} {close.Value}");
        text.AppendLine(CultureInfo.InvariantCulture, $"closes: {string.Join(", ", closes)}");
        IEnumerable<string> decisions = _decisions.OrderBy(pair => pair.Key).Select(
            pair => $"{(pair.Key.Releases ? "release" : "refusal")} {pair.Key.Verdict} {pair.Value}");
        text.AppendLine(CultureInfo.InvariantCulture, $"reviews: {string.Join(", ", decisions)}");
        text.AppendLine(CultureInfo.InvariantCulture,
            $"expired: {_holdsExpired} holds, {_reviewsExpired} reviews, {_refundablesExpired} refundable; ids decided again: {_idsDecidedAgain}");
        return text.ToString();
    }
}
