using Settlement.Engine.Consent;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using Settlement.Replay.State;

namespace Settlement.Replay.Diff;

/// <summary>Two states part by part: the first difference of each part. Walks every account. Where the states stand (sequence, time) is not compared.</summary>
internal sealed class StateDiff(LedgerState a, LedgerState b)
{
    private readonly List<Difference> _differences = [];

    public static IReadOnlyList<Difference> Compare(LedgerState a, LedgerState b)
    {
        var diff = new StateDiff(a, b);
        diff.CompareBatch();
        diff.CompareSettings();
        diff.CompareCast();
        diff.CompareAccounts();
        diff.ComparePositions();
        diff.CompareTargets();
        diff.CompareConsent();
        diff.CompareFolds();
        return diff._differences;
    }

    private void CompareBatch()
    {
        Differ("open batch", "number", a.Batch.Number, b.Batch.Number);
        Differ("open batch", "count", a.Batch.Count, b.Batch.Count);
        Differ("open batch", "accepted", a.Batch.Accepted, b.Batch.Accepted);
        Differ("last close", "state_hash", a.Batch.LastStateHash.ToString(), b.Batch.LastStateHash.ToString());
    }

    private void CompareSettings()
    {
        SettingTable ours = a.Settings, theirs = b.Settings;
        Differ("settings", "batch_count", ours.BatchCount, theirs.BatchCount);
        Differ("settings", "batch_age_ns", ours.BatchAgeNs, theirs.BatchAgeNs);
        Differ("settings", "id_window_ns", ours.IdWindowNs, theirs.IdWindowNs);
        Differ("settings", "id_retention_ns", ours.IdRetentionNs, theirs.IdRetentionNs);
        Differ("settings", "refund_lifetime_ns", ours.RefundLifetimeNs, theirs.RefundLifetimeNs);
        for (int number = 0; number <= byte.MaxValue; number++)
            Differ("settings", $"level of {InstructionText.NameOf((Instruction)number)}", ours.InstructionLevels[number], theirs.InstructionLevels[number]);
        Differ("rules", "hash", HashOf(a), HashOf(b));
    }

    private void CompareCast()
    {
        int before = _differences.Count;
        Differ("participants", "count", a.Participants.Count, b.Participants.Count);
        for (ushort i = 0; i < Math.Min(a.Participants.Count, b.Participants.Count) && _differences.Count == before; i++)
            Differ($"participant {i}", "name", a.Participants.NameOf(i), b.Participants.NameOf(i));
        before = _differences.Count;
        Differ("sessions", "count", a.Sessions.Next - 1, b.Sessions.Next - 1);
        for (ushort i = 1; i < Math.Min(a.Sessions.Next, b.Sessions.Next) && _differences.Count == before; i++)
        {
            SessionRecord ours = a.Sessions.At(i), theirs = b.Sessions.At(i);
            Differ($"session {i}", "participant", ours.Participant, theirs.Participant);
            Differ($"session {i}", "clearance", ours.Clearance, theirs.Clearance);
            Differ($"session {i}", "flags", (byte)ours.Flags, (byte)theirs.Flags);
            Differ($"session {i}", "open", ours.IsOpen ? "yes" : "no", theirs.IsOpen ? "yes" : "no");
        }

        before = _differences.Count;
        Differ("currencies", "count", a.Currencies.Count, b.Currencies.Count);
        for (int i = 1; i <= Math.Min(a.Currencies.Count, b.Currencies.Count) && _differences.Count == before; i++)
        {
            CurrencyRecord ours = a.Currencies[i], theirs = b.Currencies[i];
            string where = $"currency {LedgerText.CurrencyOf(ours.Number)}";
            Differ(where, "currency", LedgerText.CurrencyOf(ours.Number), LedgerText.CurrencyOf(theirs.Number));
            Differ(where, "scale", ours.Scale, theirs.Scale);
            Differ(where, "authority", ours.Authority, theirs.Authority);
            Differ(where, "outstanding", Amount(a, ours.Outstanding, ours.Number), Amount(b, theirs.Outstanding, theirs.Number));
            Differ(where, "gross", Amount(a, ours.Gross, ours.Number), Amount(b, theirs.Gross, theirs.Number));
            Differ(where, "batch_value", Amount(a, ours.BatchValue, ours.Number), Amount(b, theirs.BatchValue, theirs.Number));
        }
    }

    private void CompareAccounts()
    {
        int before = _differences.Count;
        for (int row = 1; row <= a.Accounts.Count && _differences.Count == before; row++)
            CompareAccount(row);
        for (int row = 1; row <= b.Accounts.Count && _differences.Count == before; row++)
        {
            ref readonly AccountRow theirs = ref b.Accounts[row];
            if (RowLike(a, row, b, in theirs) == 0)
                Differ(NameOf(b, in theirs), "account", "none", "there");
        }
    }

    private void CompareAccount(int row)
    {
        ref readonly AccountRow ours = ref a.Accounts[row];
        string where = NameOf(a, in ours);
        int other = RowLike(b, row, a, in ours);
        if (other == 0)
        {
            Differ(where, "account", "there", "none");
            return;
        }

        ref readonly AccountRow theirs = ref b.Accounts[other];
        LogicalBalance has = LogicalBalance.Of(in ours, a.Batch.Mark), had = LogicalBalance.Of(in theirs, b.Batch.Mark);
        if (has == had && (ours.Participant, ours.Country, ours.TierAndKind, ours.Level, ours.Status, ours.Holder, ours.Opening)
            == (theirs.Participant, theirs.Country, theirs.TierAndKind, theirs.Level, theirs.Status, theirs.Holder, theirs.Opening))
            return;
        ushort currency = ours.CurrencyIndex == 0 ? (ushort)0 : a.Currencies[ours.CurrencyIndex].Number;
        Differ(where, "available", Amount(a, has.Available, currency), Amount(b, had.Available, currency));
        Differ(where, "pending", Amount(a, has.Pending, currency), Amount(b, had.Pending, currency));
        Differ(where, "held", Amount(a, has.Held, currency), Amount(b, had.Held, currency));
        Differ(where, "participant", LedgerText.ParticipantOf(a, ours.Participant), LedgerText.ParticipantOf(b, theirs.Participant));
        Differ(where, "country", LedgerText.CountryOf(ours.Country), LedgerText.CountryOf(theirs.Country));
        Differ(where, "tier", ours.Tier, theirs.Tier);
        Differ(where, "kind", (byte)ours.Kind, (byte)theirs.Kind);
        Differ(where, "policy", SnakeCase.Of(ours.Policy), SnakeCase.Of(theirs.Policy));
        Differ(where, "level", ours.Level, theirs.Level);
        Differ(where, "status", (byte)ours.Status, (byte)theirs.Status);
        Differ(where, "holder", ours.Holder, theirs.Holder);
        Differ(where, "opening", ours.Opening, theirs.Opening);
    }

    private void ComparePositions()
    {
        int before = _differences.Count;
        for (ushort participant = 0; participant < Math.Min(a.Participants.Count, b.Participants.Count); participant++)
        {
            for (int index = 1; index <= a.Currencies.Count && _differences.Count == before; index++)
            {
                ushort currency = a.Currencies[index].Number;
                byte other = b.Currencies.IndexOf(currency);
                if (other == 0)
                    continue;
                PositionRow ours = a.Positions.At(participant, (byte)index), theirs = b.Positions.At(participant, other);
                string where = $"position of {a.Participants.NameOf(participant)} in {LedgerText.CurrencyOf(currency)}";
                Differ(where, "open", LedgerText.Amount(a, ours.Open, currency), LedgerText.Amount(b, theirs.Open, currency));
                Differ(where, "unsettled", LedgerText.Amount(a, ours.Unsettled, currency), LedgerText.Amount(b, theirs.Unsettled, currency));
                Differ(where, "cap", CapOf(a, in ours, currency), CapOf(b, in theirs, currency));
                Differ(where, "fee_fixed", Amount(a, ours.FeeFixed, currency), Amount(b, theirs.FeeFixed, currency));
                Differ(where, "fee_basis_points", ours.FeeBasisPoints, theirs.FeeBasisPoints);
                Differ(where, "fee_carry", ours.FeeCarry, theirs.FeeCarry);
            }
        }
    }

    private void CompareConsent()
    {
        Differ("keys", "count", a.Consent.KeyCount, b.Consent.KeyCount);
        Differ("mandates", "count", a.Consent.MandateCount, b.Consent.MandateCount);
        Differ("chains", "count", a.Consent.ChainCount, b.Consent.ChainCount);
        if (a.Consent.ChainFold == b.Consent.ChainFold)
            return;
        int before = _differences.Count;
        foreach (PayChain ours in a.Consent.ChainsByOpening())
        {
            if (_differences.Count > before)
                return;
            if (b.Consent.FindChain(ours.Key.Participant, ours.Key.Stream, ours.Key.Wallet) is not { } theirs)
                continue;
            string where = $"chain of wallet {ours.Key.Wallet} in stream {ours.Key.Stream:x16}";
            ushort currency = ours.Commitment.Currency;
            Differ(where, "links", ours.Last, theirs.Last);
            Differ(where, "spent", Amount(a, ours.Spent, currency), Amount(b, theirs.Spent, currency));
        }
    }

    private void CompareTargets()
    {
        if (a.Targets.Fold == b.Targets.Fold)
            return;
        int before = _differences.Count;
        for (int record = 1; record <= a.Targets.RecordsUsed && _differences.Count == before; record++)
        {
            ref readonly TargetRecord ours = ref a.Targets[record];
            if (ours.Kind == TargetKind.None)
                continue;
            string where = NameOf(in ours);
            int other = b.Targets.Find(ours.Participant, ours.Id);
            if (other == 0)
            {
                Differ(where, "record", "there", "none");
                continue;
            }

            ref readonly TargetRecord theirs = ref b.Targets[other];
            Differ(where, "kind", (byte)ours.Kind, (byte)theirs.Kind);
            Differ(where, "remaining", Amount(a, ours.Remaining, ours.Currency), Amount(b, theirs.Remaining, theirs.Currency));
            Differ(where, "expiry_ns", ours.ExpiryNs, theirs.ExpiryNs);
            Differ(where, "sequence", ours.Sequence, theirs.Sequence);
            Differ(where, "payer", a.Accounts[ours.PayerRow].Wallet, b.Accounts[theirs.PayerRow].Wallet);
            Differ(where, "payee", a.Accounts[ours.PayeeRow].Wallet, b.Accounts[theirs.PayeeRow].Wallet);
            Differ(where, "pending_batch", ours.PendingBatch, theirs.PendingBatch);
            Differ(where, "level", ours.Level, theirs.Level);
            Differ(where, "instruction", (byte)ours.Instruction, (byte)theirs.Instruction);
            Differ(where, "flags", (byte)ours.Flags, (byte)theirs.Flags);
            Differ(where, "rule", ours.Rule, theirs.Rule);
            Differ(where, "purpose", (byte)ours.Purpose, (byte)theirs.Purpose);
            Differ(where, "valid_until_ns", ours.ValidUntilNs, theirs.ValidUntilNs);
        }

        for (int record = 1; record <= b.Targets.RecordsUsed && _differences.Count == before; record++)
        {
            ref readonly TargetRecord theirs = ref b.Targets[record];
            if (theirs.Kind != TargetKind.None && a.Targets.Find(theirs.Participant, theirs.Id) == 0)
                Differ(NameOf(in theirs), "record", "none", "there");
        }
    }

    /// <summary>What is kept as sums: that it differs can be told, not where.</summary>
    private void CompareFolds()
    {
        Differ("control commands", "fold", a.ControlFold, b.ControlFold);
        Differ("ids decided", "fold", $"{a.Ids.State.High:x16}{a.Ids.State.Low:x16}", $"{b.Ids.State.High:x16}{b.Ids.State.Low:x16}");
        Differ("streams", "count", a.Ids.StreamCount, b.Ids.StreamCount);
        Differ("sums of limits", "fold", SumsOf(a), SumsOf(b));
        Differ("declassified payments", "count", a.DeclassifiedCount, b.DeclassifiedCount);
    }

    /// <summary>The account of that wallet and currency in a state, which mostly stands in the same row; 0: none.</summary>
    private static int RowLike(LedgerState state, int row, LedgerState from, in AccountRow account)
    {
        ushort currency = account.CurrencyIndex == 0 ? (ushort)0 : from.Currencies[account.CurrencyIndex].Number;
        byte index = currency == 0 ? (byte)0 : state.Currencies.IndexOf(currency);
        if (currency != 0 && index == 0)
            return 0;
        if (row <= state.Accounts.Count && state.Accounts[row].Wallet == account.Wallet && state.Accounts[row].CurrencyIndex == index)
            return row;
        return state.Accounts.InCurrency(state.Accounts.Find(account.Wallet), index);
    }

    private static string NameOf(LedgerState state, in AccountRow account) =>
        account.CurrencyIndex == 0 ? $"wallet {account.Wallet}" : $"wallet {account.Wallet} {LedgerText.CurrencyOf(state.Currencies[account.CurrencyIndex].Number)}";

    private static string NameOf(in TargetRecord record) =>
        $"{record.Kind switch { TargetKind.Hold => "hold", TargetKind.Review => "payment under review", _ => "refundable payment" }} {record.Id:x32} of participant {record.Participant}";

    private static string HashOf(LedgerState state) => state.Rules is { } rules ? rules.Table.Hash.ToString() : "none";

    private static string CapOf(LedgerState state, in PositionRow row, ushort currency) => row.HasCap ? Amount(state, row.Cap, currency) : "none";

    private static string SumsOf(LedgerState state)
    {
        Span<byte> fold = stackalloc byte[SumTable.FoldBytes];
        state.Sums.FoldInto(fold);
        return Convert.ToHexStringLower(fold);
    }

    private static string Amount(LedgerState state, UInt128 amount, ushort currency) => LedgerText.Amount(state, (Int128)amount, currency);

    private void Differ<T>(string where, string field, T ours, T theirs) where T : IFormattable
    {
        if (!ours.Equals(theirs))
            Differ(where, field, JsonText.Exact(ours), JsonText.Exact(theirs));
    }

    private void Differ(string where, string field, string ours, string theirs)
    {
        if (ours != theirs)
            _differences.Add(new Difference("state", where, field, ours, theirs));
    }
}
