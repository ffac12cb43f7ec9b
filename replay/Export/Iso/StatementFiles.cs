using System.Globalization;
using Settlement.Engine.Text;

namespace Settlement.Replay.Export.Iso;

/// <summary>camt.053: a statement an account, a page a file.</summary>
internal sealed class StatementFiles(IsoFolder folder, IsoLedger ledger, RangePoint start, RangePoint end, int entriesMax)
{
    private readonly string _rangeText = string.Create(CultureInfo.InvariantCulture, $"{start.Sequence + 1}-{end.Sequence}");

    public void Write(AccountFacts account, AccountFold fold, MessagePages.Page page)
    {
        IsoCurrency currency = account.Currency;
        foreach (ref readonly IsoEntry entry in page.Entries)
        {
            ulong sequence = entry.Movement.Sequence;
            IsoBound.Require(entry.Units, currency, () => $"{account}, sequence {sequence}");
        }

        IsoBound.Require(page.OpeningUnits, currency, () => $"{account}, the balance behind sequence {start.Sequence}");
        IsoBound.Require(page.ClosingUnits, currency, () => $"{account}, the balance up to sequence {end.Sequence}");
        using var xml = new IsoXml(
            folder.Create(string.Create(CultureInfo.InvariantCulture, $"camt.053_{account.Key}_{currency.Letters}_{_rangeText}_{page.Number}.xml")),
            IsoFormat.Camt053, ledger, "BkToCstmrStmt");
        string created = TimeText.FormatXml(end.TimeNs);
        xml.Start("GrpHdr");
        xml.Text("MsgId", IdOf(account, "message", IsoText.Number((ulong)page.Number), IsoText.Number((ulong)entriesMax)));
        xml.Text("CreDtTm", created);
        xml.Pages("MsgPgntn", page.Number, page.IsLast);
        xml.End();

        xml.Start("Stmt");
        xml.Text("Id", IdOf(account, "statement"));
        xml.Pages("StmtPgntn", page.Number, page.IsLast);
        xml.Text("ElctrncSeqNb", IsoText.Number(end.Sequence));
        xml.Text("CreDtTm", created);
        xml.Range(start.TimeNs, end.TimeNs);
        xml.Subject(account);
        Balance(xml, currency, page.IsFirst ? "OPBD" : "ITBD", page.IsFirst ? null : "OPENING", page.OpeningUnits, start.TimeNs);
        Balance(xml, currency, page.IsLast ? "CLBD" : "ITBD", page.IsLast ? null : "CLOSING", page.ClosingUnits, end.TimeNs);
        if (page.IsLast && account.Available != account.Closing)
            Balance(xml, currency, "CLAV", null, currency.Floor(account.Available), end.TimeNs);
        EntryXml.Totals(xml, currency, page.Entries);
        foreach (ref readonly IsoEntry entry in page.Entries)
            EntryXml.Write(xml, ledger, account, entry.Movement.BatchUpTo(end.Batch), in entry);
        if (page.IsLast)
            xml.Text("AddtlStmtInf", Remark(account, fold));
        xml.End();
    }

    /// <summary>By ledger, account and range; of a message by the page, too.</summary>
    private string IdOf(AccountFacts account, params string[] more) => IsoIds.Of(ledger.Id,
    [
        "camt.053", account.Key, account.Currency.Letters, IsoText.Number(start.Sequence), IsoText.Number(start.Batch),
        IsoText.Number(end.Sequence), IsoText.Number(end.Batch), IsoText.Number(end.TimeNs), .. more,
    ]);

    /// <summary>Of the two balances of a page between others, the subtype says which it is.</summary>
    private static void Balance(IsoXml xml, IsoCurrency currency, string code, string? subtype, Int128 units, ulong timeNs)
    {
        xml.Start("Bal");
        xml.Start("Tp");
        xml.Path("CdOrPrtry/Cd", code);
        if (subtype is not null)
            xml.Path("SubTp/Prtry", subtype);
        xml.End();
        xml.Amount("Amt", currency, Int128.Abs(units));
        xml.Direction(units >= 0);
        xml.Path("Dt/DtTm", TimeText.FormatXml(timeNs));
        xml.End();
    }

    /// <summary>The range in the ledger's own terms, and what the whole units above leave out.</summary>
    private string Remark(AccountFacts account, AccountFold fold)
    {
        IsoCurrency currency = account.Currency;
        string range = start.Sequence == end.Sequence
            ? $"Behind sequence {IsoText.Number(end.Sequence)}."
            : $"Sequences {IsoText.Number(start.Sequence + 1)} to {IsoText.Number(end.Sequence)}.";
        return !currency.IsFiner
            ? range
            : $"{range} Exactly: opening {currency.ExactText(account.Opening)}, closing {currency.ExactText(account.Closing)} {currency.Letters}. "
                + $"{IsoText.Number((ulong)fold.SummedCount)} movements with parts below a unit are summed batch by batch; balances are rounded down.";
    }
}
