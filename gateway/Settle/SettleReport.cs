using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;

namespace Settlement.Gateway.Settle;

/// <summary>
/// The files of `--report`: verdicts.csv of this run, as they become durable; batches.jsonl, positions.csv and balances.csv of the whole
/// ledger.
/// </summary>
internal sealed class SettleReport : IBatchPublisher, IDisposable
{
    private readonly string? _folder;
    private readonly StreamWriter? _batches;
    private readonly List<ClosedBatch> _closed = []; // written by: the opener, then the tree's thread

    private SettleReport(string? folder)
    {
        _folder = folder;
        if (folder is null)
            return;
        Directory.CreateDirectory(folder);
        Verdicts = Create("verdicts.csv");
        Verdicts.WriteLine("file,line,id,verdict");
        _batches = Create("batches.jsonl");
    }

    public StreamWriter? Verdicts { get; }

    /// <summary>Batches of the whole ledger, in order. To be read when the pipeline is drained.</summary>
    public IReadOnlyList<ClosedBatch> Closed => _closed;

    public static SettleReport Open(string? folder) => new(folder);

    /// <remarks>
    /// A batch may be told up to three times: by its seal in the journal, as the blocks behind a snapshot are applied, and, where the last run did not get to
    /// its seal, as it is sealed.
    /// </remarks>
    public void OnClosed(ClosedBatch batch)
    {
        if (_closed.Count > 0 && batch.Number <= _closed[^1].Number)
            return;
        _closed.Add(batch);
        if (_batches is null)
            return;
        _batches.WriteLine(Json(batch));
        _batches.Flush();
    }

    public void WriteBalances(LedgerState state)
    {
        if (_folder is null)
            return;
        using StreamWriter balances = Create("balances.csv");
        balances.WriteLine("wallet,currency,available,pending,held");
        for (int row = 1; row <= state.Accounts.Count; row++)
        {
            ref readonly AccountRow account = ref state.Accounts[row];
            if (account.CurrencyIndex == 0)
                continue;
            bool pends = account.Batch == (uint)state.Batch.Number;
            ref readonly CurrencyRecord currency = ref state.Currencies[account.CurrencyIndex];
            balances.Write($"{account.Wallet},{Iso4217.LettersOf(currency.Number)},");
            balances.Write($"{AmountText.ToText(account.Available + (pends ? 0 : account.Pending), currency.Scale)},");
            balances.WriteLine($"{AmountText.ToText(pends ? account.Pending : 0, currency.Scale)},{AmountText.ToText(account.Held, currency.Scale)}");
        }

        using StreamWriter positions = Create("positions.csv");
        positions.WriteLine("batch,participant,currency,net");
        foreach (ClosedBatch batch in _closed)
        {
            foreach (NetPosition net in batch.Net)
                positions.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{batch.Number},{CsvText.Field(state.Participants.NameOf(net.Participant))},{Iso4217.LettersOf(net.Currency)},{AmountText.ToText(net.Net, ScaleOf(state, net.Currency))}"));
        }
    }

    public static int ScaleOf(LedgerState state, ushort currency) => state.Currencies[state.Currencies.IndexOf(currency)].Scale;

    public void Dispose()
    {
        Verdicts?.Dispose();
        _batches?.Dispose();
    }

    /// <summary>Amounts in the currency's smallest unit, as text where they may exceed what a JSON reader keeps exactly.</summary>
    private static string Json(ClosedBatch batch) => JsonSerializer.Serialize(new
    {
        batch = batch.Number,
        first_sequence = batch.FirstSequence,
        last_sequence = batch.LastSequence,
        opened = Time(batch.OpenedNs),
        closed = Time(batch.ClosedNs),
        count = batch.Count,
        accepted = batch.Accepted,
        gross = batch.Gross.ToDictionary(gross => Iso4217.LettersOf(gross.Currency), gross => gross.Amount.ToString(CultureInfo.InvariantCulture)),
        fees = batch.Net.Where(net => net.Fee > 0).GroupBy(net => net.Currency)
            .ToDictionary(fees => Iso4217.LettersOf(fees.Key), fees => fees.Aggregate((Int128)0, (sum, net) => sum + net.Fee).ToString(CultureInfo.InvariantCulture)),
        rules = batch.RulesHash.ToString(),
        root = batch.Root.ToString(),
        state_hash = batch.StateHash.ToString(),
    });

    /// <summary>RFC 3339, to 100 ns.</summary>
    private static string Time(ulong ns) =>
        DateTime.UnixEpoch.AddTicks((long)(ns / 100)).ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    private StreamWriter Create(string name) => new(Path.Combine(_folder!, name), append: false);
}
