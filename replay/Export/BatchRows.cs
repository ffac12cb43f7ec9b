using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using static Settlement.Replay.Export.TableSchema;

namespace Settlement.Replay.Export;

/// <summary>Closed batches as rows: their statements (`batches`), gross values by currency (`gross`), net positions (`positions`).</summary>
internal static class BatchRows
{
    public static readonly TableSchema Batches = new("batches", "Every batch that closed, in order.",
    [
        Needed("batch", ColumnType.Count, "number, from 1"),
        Needed("first_sequence", ColumnType.Count, "the first place in the journal that belongs to it"),
        Needed("last_sequence", ColumnType.Count, "the last one"),
        Needed("opened", ColumnType.Time, "block time of the first payment that counts; of the close, if there was none"),
        Needed("opened_ns", ColumnType.UInt64, "the same, ns since 1970"),
        Needed("closed", ColumnType.Time, "block time of the close"),
        Needed("closed_ns", ColumnType.UInt64, "the same, ns since 1970"),
        Needed("count", ColumnType.Count, "what counts towards cut-offs: accepted payments, all but issues and redemptions, and reviews when they are released"),
        Needed("accepted", ColumnType.Count, "accepted payments: the leaves of its tree"),
        Optional("rules", ColumnType.Symbol, "SHA-256 of the rule table that was active at the close; null: none"),
        Needed("state_hash", ColumnType.Text, "hash of the ledger's state at the close"),
        Needed("root", ColumnType.Text, "Merkle root over its accepted payments"),
        Needed("sealed", ColumnType.Boolean, "its seal stands in the journal before the export's end"),
    ]);

    public static readonly TableSchema Gross = new("gross", "What the payments of a batch moved, by currency.",
    [
        Needed("batch", ColumnType.Count, "number"),
        Needed("currency", ColumnType.Symbol, "ISO 4217 letters"),
        Optional("amount", ColumnType.Amount, "in whole units; null from 10^20 on"),
        Needed("amount_units", ColumnType.Units, "in smallest units"),
    ]);

    public static readonly TableSchema Positions = new("positions", "Net positions of a batch; they sum to zero by batch and currency.",
    [
        Needed("batch", ColumnType.Count, "number"),
        Needed("participant", ColumnType.Symbol, "name"),
        Needed("currency", ColumnType.Symbol, "ISO 4217 letters"),
        Optional("net", ColumnType.Amount, "after fees, in whole units; positive is owed to the participant; null from 10^20 on"),
        Needed("net_units", ColumnType.Units, "the same in smallest units"),
        Optional("fee", ColumnType.Amount, "charged to the participant; negative: earned by the operator"),
        Needed("fee_units", ColumnType.Units, "the same in smallest units"),
    ]);

    public static void WriteBatch(TableWriter table, ClosedBatch batch, bool isSealed)
    {
        table.Count(batch.Number);
        table.Count(batch.FirstSequence);
        table.Count(batch.LastSequence);
        table.Time(batch.OpenedNs);
        table.UInt64(batch.OpenedNs);
        table.Time(batch.ClosedNs);
        table.UInt64(batch.ClosedNs);
        table.Count(batch.Count);
        table.Count(batch.Accepted);
        table.SymbolOrNull(batch.RulesHash == default ? null : batch.RulesHash.ToString());
        table.Text(batch.StateHash.ToString());
        table.Text(batch.Root.ToString());
        table.Boolean(isSealed);
        table.EndRow();
    }

    public static void WriteGross(TableWriter table, ClosedBatch batch, LedgerState state)
    {
        foreach (GrossValue gross in batch.Gross)
        {
            table.Count(batch.Number);
            table.Symbol(CurrencyNames.Of(gross.Currency));
            table.AmountOfSum((Int128)gross.Amount, ScaleOf(state, gross.Currency));
            table.Units((Int128)gross.Amount);
            table.EndRow();
        }
    }

    public static void WritePositions(TableWriter table, ClosedBatch batch, LedgerState state)
    {
        foreach (NetPosition net in batch.Net)
        {
            int scale = ScaleOf(state, net.Currency);
            table.Count(batch.Number);
            table.Symbol(state.Participants.NameOf(net.Participant));
            table.Symbol(CurrencyNames.Of(net.Currency));
            table.AmountOfSum(net.Net, scale);
            table.Units(net.Net);
            table.AmountOfSum(net.Fee, scale);
            table.Units(net.Fee);
            table.EndRow();
        }
    }

    private static int ScaleOf(LedgerState state, ushort currency) => state.Currencies[state.Currencies.IndexOf(currency)].Scale;
}
