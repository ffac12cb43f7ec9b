using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.State;

/// <summary>What a ledger holds at a point, as lines, JSON or CSV. Balances are logical, and streamed.</summary>
internal sealed class StateReport
{
    private const int ParticipantsNamed = 10;

    private readonly string _journal;
    private readonly JournalPoint _point;
    private readonly UInt128 _ledger;
    private readonly ulong _block;
    private readonly LedgerState _state;
    private readonly ulong? _wallet;
    private readonly ushort? _participant;
    private readonly (UInt128 Available, UInt128 Pending, UInt128 Held)[] _sums; // by currency index, of the accounts shown

    /// <param name="journal">As it was named.</param>
    /// <param name="point">As it was asked for.</param>
    /// <param name="ledger">The ledger's id.</param>
    /// <param name="block">The last one applied.</param>
    /// <param name="state">As of that point.</param>
    /// <param name="wallet">Only its balances; null: all.</param>
    /// <param name="participant">Only its positions and wallets; null: all.</param>
    /// <exception cref="UsageException">There is no such wallet or participant.</exception>
    public StateReport(string journal, JournalPoint point, UInt128 ledger, ulong block, LedgerState state, ulong? wallet, string? participant)
    {
        (_journal, _point, _ledger, _block, _state, _wallet) = (journal, point, ledger, block, state, wallet);
        if (wallet is { } number && state.Accounts.Find(number) == 0)
            throw new UsageException($"There is no wallet {number} at {point}: the ledger has {state.Accounts.Count} accounts at sequence {state.Sequence}.");
        if (participant is not null)
            _participant = Find(participant);
        _sums = new (UInt128, UInt128, UInt128)[state.Currencies.Count + 1];
        uint mark = state.Batch.Mark;
        for (int row = 1; row <= state.Accounts.Count; row++)
        {
            ref readonly AccountRow account = ref state.Accounts[row];
            if (account.CurrencyIndex == 0 || (_participant is { } only && account.Participant != only))
                continue;
            var balance = LogicalBalance.Of(in account, mark);
            ref var sum = ref _sums[account.CurrencyIndex];
            sum = (sum.Available + balance.Available, sum.Pending + balance.Pending, sum.Held + balance.Held);
        }
    }

    /// <summary>Outstanding amounts and the accounts agree, and positions sum to zero.</summary>
    /// <exception cref="LedgerBrokenException">They do not.</exception>
    public void Check()
    {
        _state.VerifyConservation();
        for (int index = 1; _participant is null && index <= _state.Currencies.Count; index++)
        {
            UInt128 held = _sums[index].Available + _sums[index].Pending + _sums[index].Held;
            if (held != _state.Currencies[index].Outstanding)
                throw new LedgerBrokenException($"currency {_state.Currencies[index].Number}: accounts show {held}, outstanding are {_state.Currencies[index].Outstanding}");
        }
    }

    public void WriteBalances(TextWriter csv)
    {
        csv.WriteLine("wallet,currency,available,pending,held");
        foreach ((ulong wallet, ushort currency, LogicalBalance balance) in Balances())
            csv.WriteLine(LedgerText.Invariant($"{wallet},{LedgerText.CurrencyOf(currency)},{Amount(balance.Available, currency)},{Amount(balance.Pending, currency)},{Amount(balance.Held, currency)}"));
    }

    public void PrintLines(TextWriter output, bool balances, bool cast)
    {
        var batch = _state.Batch;
        Line(output, $"{_journal}: ledger {_ledger:x32}, at {_point}");
        Line(output, $"  sequence    {_state.Sequence:N0}, block {_block:N0}, {TimeText.Format(_state.TimeNs)}");
        Line(output, $"  open batch  {batch.Number}, from sequence {batch.FirstSequence:N0}: {batch.Count:N0} payments that count, {batch.Accepted:N0} accepted; gross {Gross()}");
        Line(output, $"  state hash  {(batch.Number > 1 ? $"{batch.LastStateHash}, at the close of batch {batch.Number - 1}" : "none: no batch is closed")}");
        Line(output, $"  rules       {(_state.Rules is { } rules ? $"{rules.Table.Hash}, {rules.Table.Rules.Length} rules" : "none: every corridor is open")}");
        Line(output, $"  accounts    {_state.Accounts.Count:N0} of {_state.Accounts.AccountsMax:N0}; {_state.Participants.Count:N0} participants, {_state.Sessions.Next - 1:N0} sessions, {_state.Ids.StreamCount:N0} streams");
        (int holds, int reviews, int refundables) = CountTargets();
        string underReview = reviews == 0 ? "" : LedgerText.Invariant($"; {reviews:N0} payments under review");
        Line(output, $"  holds       {holds:N0} open; {refundables:N0} payments that can be refunded{underReview}");
        SettingTable settings = _state.Settings;
        Line(output, $"  settings    batch count {settings.BatchCount}, batch age {Duration(settings.BatchAgeNs)}, id window {Duration(settings.IdWindowNs)}, id retention {Duration(settings.IdRetentionNs)}, refunds {Duration(settings.RefundLifetimeNs)}");
        foreach ((string instruction, byte level) in InstructionLevels())
            Line(output, $"              {instruction} has level {level}");
        string whose = _participant is { } only ? $" in wallets of {_state.Participants.NameOf(only)}" : "";
        foreach ((CurrencyRecord currency, var sum) in Currencies())
        {
            ushort number = currency.Number;
            Line(output, $"  {LedgerText.CurrencyOf(number)}  outstanding {Amount((Int128)currency.Outstanding, number)};{whose} available {Amount((Int128)sum.Available, number)}, pending {Amount((Int128)sum.Pending, number)}, held {Amount((Int128)sum.Held, number)}{BatchValueText(in currency)}");
        }

        foreach ((ushort participant, ushort currency, PositionRow position) in Positions())
            Line(output, $"  {_state.Participants.NameOf(participant)}  {LedgerText.CurrencyOf(currency)}  open {Amount(position.Open, currency)}, unsettled {Amount(position.Unsettled, currency)}{CapText(in position, currency)}");
        if (cast)
            new CastReport(_state).PrintLines(output);
        if (!balances)
            return;
        foreach ((ulong wallet, ushort currency, LogicalBalance balance) in Balances())
            Line(output, $"  wallet {wallet}  {LedgerText.CurrencyOf(currency)}  available {Amount(balance.Available, currency)}, pending {Amount(balance.Pending, currency)}, held {Amount(balance.Held, currency)}");
    }

    public void PrintJson(TextWriter output, bool balances, bool cast)
    {
        using var json = new JsonText(output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteString("journal", _journal);
        writer.WriteString("ledger", _ledger.ToString("x32", null));
        writer.WriteString("at", _point.ToString());
        writer.WriteString("sequence", JsonText.Exact(_state.Sequence));
        writer.WriteString("block", JsonText.Exact(_block));
        writer.WriteString("time", TimeText.Format(_state.TimeNs));
        WriteBatch(writer);
        if (_state.Batch.Number > 1)
            writer.WriteString("state_hash", _state.Batch.LastStateHash.ToString());
        else
            writer.WriteNull("state_hash");
        WriteCurrencies(writer);
        WritePositions(writer);
        (int holds, int reviews, int refundables) = CountTargets();
        writer.WriteNumber("holds", holds);
        writer.WriteNumber("reviews", reviews);
        writer.WriteNumber("refundables", refundables);
        writer.WriteNumber("streams", _state.Ids.StreamCount);
        writer.WriteNumber("accounts", _state.Accounts.Count);
        writer.WriteNumber("sessions", _state.Sessions.Next - 1);
        if (_state.Rules is { } rules)
            writer.WriteString("rules", rules.Table.Hash.ToString());
        else
            writer.WriteNull("rules");
        WriteSettings(writer);
        if (cast)
            new CastReport(_state).WriteJson(writer);
        if (balances)
        {
            writer.WriteStartArray("balances");
            foreach ((ulong wallet, ushort currency, LogicalBalance balance) in Balances())
            {
                writer.WriteStartObject();
                writer.WriteString("wallet", JsonText.Exact(wallet));
                writer.WriteString("currency", LedgerText.CurrencyOf(currency));
                writer.WriteString("available", Amount(balance.Available, currency));
                writer.WriteString("pending", Amount(balance.Pending, currency));
                writer.WriteString("held", Amount(balance.Held, currency));
                writer.WriteEndObject();
                json.DrainIfLong();
            }

            writer.WriteEndArray();
        }

        json.End();
    }

    private void WriteBatch(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("open_batch");
        writer.WriteString("number", JsonText.Exact(_state.Batch.Number));
        writer.WriteString("first_sequence", JsonText.Exact(_state.Batch.FirstSequence));
        writer.WriteString("count", JsonText.Exact(_state.Batch.Count));
        writer.WriteString("accepted", JsonText.Exact(_state.Batch.Accepted));
        writer.WriteStartObject("gross");
        foreach ((CurrencyRecord currency, _) in Currencies())
        {
            if (currency.Gross != 0)
                writer.WriteString(LedgerText.CurrencyOf(currency.Number), Amount((Int128)currency.Gross, currency.Number));
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private void WriteCurrencies(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("currencies");
        foreach ((CurrencyRecord currency, var sum) in Currencies())
        {
            ushort number = currency.Number;
            writer.WriteStartObject();
            writer.WriteString("currency", LedgerText.CurrencyOf(number));
            writer.WriteNumber("scale", currency.Scale);
            writer.WriteString("authority", LedgerText.ParticipantOf(_state, currency.Authority));
            writer.WriteString("outstanding", Amount((Int128)currency.Outstanding, number));
            writer.WriteString("available", Amount((Int128)sum.Available, number));
            writer.WriteString("pending", Amount((Int128)sum.Pending, number));
            writer.WriteString("held", Amount((Int128)sum.Held, number));
            writer.WriteString("batch_value", Amount(currency.BatchValue, number));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private void WritePositions(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("positions");
        foreach ((ushort participant, ushort currency, PositionRow position) in Positions())
        {
            writer.WriteStartObject();
            writer.WriteString("participant", _state.Participants.NameOf(participant));
            writer.WriteString("currency", LedgerText.CurrencyOf(currency));
            writer.WriteString("open", Amount(position.Open, currency));
            writer.WriteString("unsettled", Amount(position.Unsettled, currency));
            if (position.HasCap)
                writer.WriteString("cap", Amount(position.Cap, currency));
            else
                writer.WriteNull("cap");
            writer.WriteNumber("fee_basis_points", position.FeeBasisPoints);
            writer.WriteString("fee_fixed", Amount(position.FeeFixed, currency));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private void WriteSettings(Utf8JsonWriter writer)
    {
        SettingTable settings = _state.Settings;
        writer.WriteStartObject("settings");
        writer.WriteString("batch_count", JsonText.Exact(settings.BatchCount));
        writer.WriteString("batch_age_ns", JsonText.Exact(settings.BatchAgeNs));
        writer.WriteString("id_window_ns", JsonText.Exact(settings.IdWindowNs));
        writer.WriteString("id_retention_ns", JsonText.Exact(settings.IdRetentionNs));
        writer.WriteString("refund_lifetime_ns", JsonText.Exact(settings.RefundLifetimeNs));
        writer.WriteStartObject("instruction_levels");
        foreach ((string instruction, byte level) in InstructionLevels())
            writer.WriteNumber(instruction, level);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>Those of the wallet or participant asked for, or all, in the order in which accounts were opened.</summary>
    private IEnumerable<(ulong Wallet, ushort Currency, LogicalBalance Balance)> Balances()
    {
        uint mark = _state.Batch.Mark;
        bool one = _wallet is not null;
        int row = one ? _state.Accounts.Find(_wallet!.Value) : 1;
        while (row != 0 && row <= _state.Accounts.Count)
        {
            AccountRow account = _state.Accounts[row];
            if (account.CurrencyIndex != 0 && (_participant is null || account.Participant == _participant))
                yield return (account.Wallet, _state.Currencies[account.CurrencyIndex].Number, LogicalBalance.Of(in account, mark));
            row = one ? account.Next : row + 1;
        }
    }

    private IEnumerable<(CurrencyRecord Currency, (UInt128 Available, UInt128 Pending, UInt128 Held) Sum)> Currencies()
    {
        for (int index = 1; index <= _state.Currencies.Count; index++)
            yield return (_state.Currencies[index], _sums[index]);
    }

    /// <summary>Those that have anything to show.</summary>
    private IEnumerable<(ushort Participant, ushort Currency, PositionRow Position)> Positions()
    {
        for (ushort participant = 0; participant < _state.Participants.Count; participant++)
        {
            if (_participant is { } only && participant != only)
                continue;
            for (int index = 1; index <= _state.Currencies.Count; index++)
            {
                PositionRow position = _state.Positions.At(participant, (byte)index);
                if (position.Open != 0 || position.Unsettled != 0 || position.HasCap || position.FeeBasisPoints != 0 || position.FeeFixed != 0)
                    yield return (participant, _state.Currencies[index].Number, position);
            }
        }
    }

    private IEnumerable<(string Instruction, byte Level)> InstructionLevels()
    {
        for (int number = 0; number <= byte.MaxValue; number++)
        {
            if (_state.Settings.InstructionLevels[number] != byte.MaxValue)
                yield return (InstructionText.NameOf((Instruction)number), _state.Settings.InstructionLevels[number]);
        }
    }

    private (int Holds, int Reviews, int Refundables) CountTargets()
    {
        int holds = 0, reviews = 0;
        for (int record = 1; record <= _state.Targets.RecordsUsed; record++)
        {
            holds += _state.Targets[record].Kind == TargetKind.Hold ? 1 : 0;
            reviews += _state.Targets[record].Kind == TargetKind.Review ? 1 : 0;
        }

        return (holds, reviews, _state.Targets.Count - holds - reviews);
    }

    private string Gross()
    {
        string[] gross = [.. Currencies().Where(entry => entry.Currency.Gross != 0).Select(entry => LedgerText.Money(_state, (Int128)entry.Currency.Gross, entry.Currency.Number))];
        return gross.Length == 0 ? "none" : string.Join(", ", gross);
    }

    private string BatchValueText(in CurrencyRecord currency) =>
        currency.BatchValue == 0 ? "" : $"; a batch closes at {Amount(currency.BatchValue, currency.Number)}";

    private string CapText(in PositionRow position, ushort currency)
    {
        string cap = position.HasCap ? $", cap {Amount(position.Cap, currency)}" : "";
        return position.FeeBasisPoints == 0 && position.FeeFixed == 0 ? cap
            : LedgerText.Invariant($"{cap}, fee {position.FeeBasisPoints} basis points and {Amount(position.FeeFixed, currency)}");
    }

    private static string Duration(ulong ns) => ns == 0 ? "none" : TimeSpan.FromTicks((long)Math.Min(ns / 100, long.MaxValue)).ToString("c", null);

    private string Amount(Int128 amount, ushort currency) => LedgerText.Amount(_state, amount, currency);

    private ushort Find(string name)
    {
        if (name == _state.Participants.NameOf(Limits.OperatorParticipant))
            return Limits.OperatorParticipant;
        if (_state.Participants.TryFind(name, out ushort participant))
            return participant;
        var known = Enumerable.Range(0, Math.Min(_state.Participants.Count, ParticipantsNamed)).Select(index => _state.Participants.NameOf((ushort)index));
        string more = _state.Participants.Count > ParticipantsNamed ? ", …" : "";
        throw new UsageException($"There is no participant '{name}' at {_point}. The ledger has: {string.Join(", ", known)}{more}.");
    }

    private static void Line(TextWriter output, FormattableString line) => output.WriteLine(FormattableString.Invariant(line));
}
