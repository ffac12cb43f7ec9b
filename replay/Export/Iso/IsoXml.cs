using System.Text;
using System.Xml;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Export.Iso;

/// <summary>One message, written element by element in the schema's order; the pieces that all of them share.</summary>
internal sealed class IsoXml : IDisposable
{
    private static readonly XmlWriterSettings s_settings = new()
    {
        Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), Indent = true, NewLineChars = "\n", CloseOutput = true,
    };

    private readonly XmlWriter _xml;
    private readonly IsoLedger _ledger;

    public IsoXml(Stream file, IsoFormat format, IsoLedger ledger, string message)
    {
        _ledger = ledger;
        _xml = XmlWriter.Create(file, s_settings);
        _xml.WriteStartElement("Document", IsoFormats.NamespaceOf(format));
        _xml.WriteStartElement(message);
    }

    public void Start(string name) => _xml.WriteStartElement(name);

    public void End() => _xml.WriteEndElement();

    public void Text(string name, string value) => _xml.WriteElementString(name, value);

    /// <summary>Elements inside each other around a text: `A/B/C`.</summary>
    public void Path(string path, string value)
    {
        string[] names = path.Split('/');
        foreach (string name in names)
            _xml.WriteStartElement(name);
        _xml.WriteString(value);
        foreach (string _ in names)
            _xml.WriteEndElement();
    }

    public void Amount(string name, IsoCurrency currency, Int128 units)
    {
        _xml.WriteStartElement(name);
        _xml.WriteAttributeString("Ccy", currency.Letters);
        _xml.WriteString(currency.Text(units));
        _xml.WriteEndElement();
    }

    public void Direction(bool isCredit) => Text("CdtDbtInd", isCredit ? "CRDT" : "DBIT");

    public void Pages(string name, int page, bool isLast)
    {
        Start(name);
        Text("PgNb", IsoText.Number((ulong)page));
        Text("LastPgInd", isLast ? "true" : "false");
        End();
    }

    /// <summary>A number that the ledger gave.</summary>
    public void Other(string id, string scheme)
    {
        Start("Othr");
        Text("Id", id);
        Path("SchmeNm/Prtry", scheme);
        Text("Issr", _ledger.IdText);
        End();
    }

    /// <summary>A participant as a financial institution: its BIC is not known here.</summary>
    public void Institution(string name, ushort participant)
    {
        Start(name);
        Start("FinInstnId");
        Text("Nm", _ledger.NameOf(participant));
        Other(IsoText.Number(participant), "PARTICIPANT");
        End();
        End();
    }

    public void Account(string name, string id, string scheme, IsoCurrency currency)
    {
        Start(name);
        AccountId(id, scheme);
        Text("Ccy", currency.Letters);
        End();
    }

    public void AccountId(string id, string scheme)
    {
        Start("Id");
        Other(id, scheme);
        End();
    }

    /// <summary>The account that a statement or notification is about.</summary>
    public void Subject(AccountFacts account)
    {
        Start("Acct");
        AccountId(account.Id, account.Scheme);
        Text("Ccy", account.Currency.Letters);
        if (account.Owner is { } owner)
            Path("Ownr/Nm", _ledger.NameOf(owner));
        Institution("Svcr", account.Servicer);
        End();
    }

    /// <summary>The instants that a range lies between.</summary>
    public void Range(ulong fromNs, ulong toNs)
    {
        Start("FrToDt");
        Text("FrDtTm", TimeText.FormatXml(fromNs));
        Text("ToDtTm", TimeText.FormatXml(toNs));
        End();
    }

    public void Dispose()
    {
        if (_xml.WriteState is not (WriteState.Error or WriteState.Closed)) // else what went wrong is already on its way to the user
            _xml.WriteEndDocument();
        _xml.Dispose();
    }
}

/// <summary>Where ISO 20022 ends: amounts and sums have 18 digits.</summary>
internal static class IsoBound
{
    public static bool Fits(Int128 units) => Int128.Abs(units) <= IsoCurrency.UnitsMax;

    /// <exception cref="UsageException">It does not fit.</exception>
    public static void Require(Int128 units, IsoCurrency currency, Func<string> what)
    {
        if (Fits(units))
            return;
        throw new UsageException(
            $"{what()}: {currency.Text(units)} {currency.Letters} has more than the 18 digits that ISO 20022 gives an amount. "
            + "Nothing was written; csv, jsonl and parquet have no such bound.");
    }
}
