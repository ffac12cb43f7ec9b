using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using static Settlement.Replay.Export.TableSchema;

namespace Settlement.Replay.Export;

/// <summary>The ledger at the export's end as rows: accounts (`balances`) and currencies (`currencies`).</summary>
internal static class StateRows
{
    public static readonly TableSchema Balances = new("balances", "Every account at the export's end; pending of a closed batch is available.",
    [
        Needed("wallet", ColumnType.UInt64, "owner of the account"),
        Needed("participant", ColumnType.Symbol, "name of the wallet's participant"),
        Needed("country", ColumnType.Symbol, "ISO 3166 letters"),
        Needed("tier", ColumnType.UInt32, "how well the owner is known, 0 to 3"),
        Needed("kind", ColumnType.Symbol, "what the owner is: person, business, government, financial_institution, non_profit or unstated"),
        Needed("level", ColumnType.UInt32, "how secret the wallet is, 0 to 255"),
        Needed("status", ColumnType.Symbol, "active, frozen or closed"),
        Needed("currency", ColumnType.Symbol, "ISO 4217 letters"),
        Needed("available", ColumnType.Amount, "in whole units"),
        Needed("available_units", ColumnType.UInt64, "in smallest units"),
        Needed("pending", ColumnType.Amount, "credited in the batch that is open"),
        Needed("pending_units", ColumnType.UInt64, "in smallest units"),
        Needed("held", ColumnType.Amount, "for open holds"),
        Needed("held_units", ColumnType.UInt64, "in smallest units"),
    ]);

    public static readonly TableSchema Currencies = new("currencies", "Every currency of the ledger at the export's end.",
    [
        Needed("currency", ColumnType.Symbol, "ISO 4217 letters"),
        Needed("number", ColumnType.UInt32, "ISO 4217 number"),
        Needed("scale", ColumnType.UInt32, "digits behind the point: 10^scale smallest units make a whole one"),
        Needed("authority", ColumnType.Symbol, "the participant that issues and redeems"),
        Optional("outstanding", ColumnType.Amount, "issued and not redeemed: the sum of all balances; null from 10^20 on"),
        Needed("outstanding_units", ColumnType.Units, "the same in smallest units"),
    ]);

    public static void WriteBalances(TableWriter table, LedgerState state)
    {
        for (int row = 1; row <= state.Accounts.Count; row++)
        {
            ref readonly AccountRow account = ref state.Accounts[row];
            if (account.CurrencyIndex == 0)
                continue;
            ref readonly CurrencyRecord currency = ref state.Currencies[account.CurrencyIndex];
            bool pends = account.Batch == state.Batch.Mark;
            ulong pending = pends ? account.Pending : 0;
            table.UInt64(account.Wallet);
            table.Symbol(state.Participants.NameOf(account.Participant));
            table.Symbol(Iso3166.LettersOf(account.Country));
            table.UInt32(account.Tier);
            table.Symbol(NameText<PartyKind>.Of(account.Kind));
            table.UInt32(account.Level);
            table.Symbol(NameText<WalletStatus>.Of(account.Status));
            table.Symbol(CurrencyNames.Of(currency.Number));
            WriteBoth(table, account.Available + account.Pending - pending, currency.Scale);
            WriteBoth(table, pending, currency.Scale);
            WriteBoth(table, account.Held, currency.Scale);
            table.EndRow();
        }
    }

    public static void WriteCurrencies(TableWriter table, LedgerState state)
    {
        for (int index = 1; index <= state.Currencies.Count; index++)
        {
            ref readonly CurrencyRecord currency = ref state.Currencies[index];
            table.Symbol(CurrencyNames.Of(currency.Number));
            table.UInt32(currency.Number);
            table.UInt32(currency.Scale);
            table.Symbol(state.Participants.NameOf(currency.Authority));
            table.AmountOfSum((Int128)currency.Outstanding, currency.Scale);
            table.Units((Int128)currency.Outstanding);
            table.EndRow();
        }
    }

    private static void WriteBoth(TableWriter table, ulong units, int scale)
    {
        table.Amount(units, scale);
        table.UInt64(units);
    }
}
