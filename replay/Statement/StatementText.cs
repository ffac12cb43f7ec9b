using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using Settlement.Replay.State;

namespace Settlement.Replay.Statement;

/// <summary>A statement as lines, JSON or CSV, written as it comes about.</summary>
internal sealed class StatementText : IDisposable
{
    private static readonly string[] s_kinds = [.. Enum.GetNames<MovementKind>().Select(SnakeCase.Of)];

    private readonly string _journal;
    private readonly ulong _wallet;
    private readonly ushort _only;
    private readonly TextWriter? _csv;
    private readonly TextWriter _output;
    private readonly bool _asJson;
    private LogicalBalance[] _opening = [];
    private JsonText? _json;
    private bool _begun;
    private ulong _count;

    /// <param name="journal">As it was named.</param>
    /// <param name="wallet">Whose it is.</param>
    /// <param name="only">Only this currency; 0: all.</param>
    /// <param name="json">JSON instead of lines.</param>
    /// <param name="csv">Takes the movements; null: they are printed.</param>
    /// <param name="output">Where it is printed.</param>
    public StatementText(string journal, ulong wallet, ushort only, bool json, TextWriter? csv, TextWriter output) =>
        (_journal, _wallet, _only, _asJson, _csv, _output) = (journal, wallet, only, json, csv, output);

    public static string NameOf(MovementKind kind) => s_kinds[(int)kind];

    /// <summary>Takes what the wallet held before the first movement.</summary>
    public void Open(LogicalBalance[] balances) => _opening = balances;

    public void Write(LedgerState state, in Movement movement)
    {
        if (_only != 0 && movement.Currency != _only)
            return;
        Begin(state);
        _count++;
        ushort currency = movement.Currency;
        string counterparty = CounterpartyOf(in movement);
        string id = movement.Payment.Id == 0 ? "" : PaymentIdText.Format(movement.Payment);
        string instruction = movement.Payment.Id == 0 ? "" : InstructionText.NameOf(movement.Payment.Instruction);
        string time = TimeText.Format(movement.TimeNs);
        string amount = LedgerText.Amount(state, movement.Amount, currency), change = LedgerText.Amount(state, movement.Change, currency);
        string available = LedgerText.Amount(state, movement.After.Available, currency);
        string pending = LedgerText.Amount(state, movement.After.Pending, currency), held = LedgerText.Amount(state, movement.After.Held, currency);
        string letters = LedgerText.CurrencyOf(currency);
        if (_csv is not null)
        {
            _csv.WriteLine(LedgerText.Invariant(
                $"{movement.Sequence},{time},{movement.Batch},{NameOf(movement.Kind)},{instruction},{id},{counterparty},{letters},{amount},{change},{available},{pending},{held}"));
            return;
        }

        if (_json is null)
        {
            Line(_output, $"  {movement.Sequence,10}  {time}  {NameOf(movement.Kind),-17}  {amount,14} {letters}  {(counterparty.Length == 0 ? "" : (movement.Change < 0 ? "to " : movement.Change > 0 ? "from " : "with ") + counterparty),-24}  available {available}, pending {pending}, held {held}");
            return;
        }

        var writer = _json.Writer;
        writer.WriteStartObject();
        writer.WriteString("sequence", JsonText.Exact(movement.Sequence));
        writer.WriteString("time", time);
        writer.WriteString("batch", JsonText.Exact(movement.Batch));
        writer.WriteString("kind", NameOf(movement.Kind));
        if (id.Length > 0)
        {
            writer.WriteString("instruction", instruction);
            writer.WriteString("id", id);
        }

        if (counterparty.Length > 0)
            writer.WriteString("counterparty", counterparty);
        writer.WriteString("currency", letters);
        writer.WriteString("amount", amount);
        writer.WriteString("change", change);
        writer.WriteString("available", available);
        writer.WriteString("pending", pending);
        writer.WriteString("held", held);
        writer.WriteEndObject();
        _json.DrainIfLong();
    }

    public void End(LedgerState state, LogicalBalance[] balances)
    {
        Begin(state);
        if (_json is null)
        {
            PrintBalances(state, balances, "closing");
            Line(_output, $"  {_count:N0} movements");
            return;
        }

        if (_csv is null)
            _json.Writer.WriteEndArray();
        WriteBalances(state, balances, "closing");
        _json.Writer.WriteString("count", JsonText.Exact(_count));
        _json.End();
    }

    public void Dispose() => _json?.Dispose();

    /// <summary>Nothing is printed before there is something to tell: until then the wallet or its account may turn out not to exist.</summary>
    private void Begin(LedgerState state)
    {
        if (_begun)
            return;
        _begun = true;
        _csv?.WriteLine("sequence,time,batch,kind,instruction,id,counterparty,currency,amount,change,available,pending,held");
        if (_asJson)
        {
            _json = new JsonText(_output);
            _json.Writer.WriteString("journal", _journal);
            _json.Writer.WriteString("wallet", JsonText.Exact(_wallet));
            WriteBalances(state, _opening, "opening");
            if (_csv is null)
                _json.Writer.WriteStartArray("movements");
            return;
        }

        Line(_output, $"{_journal}: wallet {_wallet}");
        PrintBalances(state, _opening, "opening");
    }

    /// <summary>The other wallet, or the currency's reserve; empty where there is neither.</summary>
    private static string CounterpartyOf(in Movement movement) =>
        movement.Kind is MovementKind.Issue or MovementKind.Opening or MovementKind.Redeem ? $"reserve:{LedgerText.CurrencyOf(movement.Currency)}"
        : movement.Counterparty == 0 ? ""
        : JsonText.Exact(movement.Counterparty);

    private void WriteBalances(LedgerState state, LogicalBalance[] balances, string name)
    {
        var writer = _json!.Writer;
        writer.WriteStartArray(name);
        foreach ((ushort currency, LogicalBalance balance) in Shown(state, balances))
        {
            writer.WriteStartObject();
            writer.WriteString("currency", LedgerText.CurrencyOf(currency));
            writer.WriteString("available", LedgerText.Amount(state, balance.Available, currency));
            writer.WriteString("pending", LedgerText.Amount(state, balance.Pending, currency));
            writer.WriteString("held", LedgerText.Amount(state, balance.Held, currency));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private void PrintBalances(LedgerState state, LogicalBalance[] balances, string name)
    {
        foreach ((ushort currency, LogicalBalance balance) in Shown(state, balances))
            Line(_output, $"  {name} balance {LedgerText.CurrencyOf(currency)}: available {LedgerText.Amount(state, balance.Available, currency)}, pending {LedgerText.Amount(state, balance.Pending, currency)}, held {LedgerText.Amount(state, balance.Held, currency)}");
    }

    /// <summary>The wallet's accounts, in the order in which they were opened.</summary>
    private IEnumerable<(ushort Currency, LogicalBalance Balance)> Shown(LedgerState state, LogicalBalance[] balances)
    {
        for (int row = state.Accounts.Find(_wallet); row != 0; row = state.Accounts[row].Next)
        {
            byte index = state.Accounts[row].CurrencyIndex;
            if (index != 0 && (_only == 0 || state.Currencies[index].Number == _only))
                yield return (state.Currencies[index].Number, balances[index]);
        }
    }

    private static void Line(TextWriter output, FormattableString line) => output.WriteLine(FormattableString.Invariant(line));
}
