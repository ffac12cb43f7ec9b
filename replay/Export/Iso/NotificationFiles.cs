using System.Globalization;
using Settlement.Engine.Text;

namespace Settlement.Replay.Export.Iso;

/// <summary>
/// camt.054: for each account that moved, a notification a closed batch, a page a file. It depends on the journal and the batch alone: whichever
/// range it is exported in, it is the same to the byte.
/// </summary>
internal sealed class NotificationFiles(IsoFolder folder, IsoLedger ledger, int entriesMax)
{
    public void Write(AccountFacts account, BatchTimes batch, MessagePages.Page page)
    {
        IsoCurrency currency = account.Currency;
        foreach (ref readonly IsoEntry entry in page.Entries)
        {
            ulong sequence = entry.Movement.Sequence;
            IsoBound.Require(entry.Units, currency, () => $"{account}, sequence {sequence}");
        }

        string number = IsoText.Number(batch.Number);
        using var xml = new IsoXml(
            folder.Create(string.Create(CultureInfo.InvariantCulture, $"camt.054_{account.Key}_{currency.Letters}_batch-{number}_{page.Number}.xml")),
            IsoFormat.Camt054, ledger, "BkToCstmrDbtCdtNtfctn");
        string created = TimeText.FormatXml(batch.ClosedNs);
        xml.Start("GrpHdr");
        xml.Text("MsgId", IsoIds.Of(ledger.Id, "camt.054", account.Key, currency.Letters, number, "message",
            IsoText.Number((ulong)page.Number), IsoText.Number((ulong)entriesMax)));
        xml.Text("CreDtTm", created);
        xml.Pages("MsgPgntn", page.Number, page.IsLast);
        xml.End();

        xml.Start("Ntfctn");
        xml.Text("Id", IsoIds.Of(ledger.Id, "camt.054", account.Key, currency.Letters, number, "notification"));
        xml.Pages("NtfctnPgntn", page.Number, page.IsLast);
        xml.Text("ElctrncSeqNb", number);
        xml.Text("CreDtTm", created);
        xml.Range(batch.OpenedNs, batch.ClosedNs);
        xml.Subject(account);
        EntryXml.Totals(xml, currency, page.Entries);
        foreach (ref readonly IsoEntry entry in page.Entries)
            EntryXml.Write(xml, ledger, account, batch.Number, in entry);
        if (page.IsLast)
            xml.Text("AddtlNtfctnInf", $"Batch {number}, sequences {IsoText.Number(batch.FirstSequence)} to {IsoText.Number(batch.LastSequence)}.");
        xml.End();
    }
}

/// <summary>A closed batch, as much as notifications say of it.</summary>
/// <param name="Number">From 1.</param>
/// <param name="OpenedNs">When the one before it closed, or the ledger began.</param>
/// <param name="FirstSequence">Of its window, refused ones among them.</param>
/// <param name="LastSequence">Likewise.</param>
/// <param name="ClosedNs">Block time of the close.</param>
internal readonly record struct BatchTimes(ulong Number, ulong OpenedNs, ulong FirstSequence, ulong LastSequence, ulong ClosedNs);
