using System.Globalization;
using System.Xml;
using System.Xml.Linq;
using System.Xml.Schema;

namespace Settlement.Tests.Replay.Export;

internal sealed record IsoEntryRead(decimal Amount, string Reference, string Kind, int Count, DateTimeOffset Booked, DateOnly Value, XElement Element);

/// <summary>A statement or notification of one file, as a receiver reads it.</summary>
internal sealed record IsoAccountRead
{
    public required string File { get; init; }

    public required string MessageId { get; init; }

    public required string Id { get; init; }

    public required string Account { get; init; }

    public required string Scheme { get; init; }

    public required string Currency { get; init; }

    public required int Page { get; init; }

    public required bool IsLast { get; init; }

    /// <summary>Electronic sequence number: of a notification the batch.</summary>
    public required ulong Number { get; init; }

    /// <summary>In the file's order: code and signed amount.</summary>
    public required (string Code, decimal Amount)[] Balances { get; init; }

    public required IsoEntryRead[] Entries { get; init; }

    public (string, string, string) Key => (Scheme, Account, Currency);
}

internal sealed record IsoInstructionRead(
    string File, string MessageId, string Batch, string Currency, decimal Amount, string Debtor, string Creditor, string EndToEndId, string InstructionId, string Uetr, string Remittance);

/// <summary>
/// Reads what was exported without any of the code that wrote it: validates each file against the official schema, and holds every count, sum and balance
/// that a file states against its own entries.
/// </summary>
internal static class IsoReader
{
    private static readonly Dictionary<string, XmlSchemaSet> s_schemas = [];

    public static List<IsoAccountRead> Accounts(string folder) => [.. Directory.GetFiles(folder, "camt.*.xml").Order(StringComparer.Ordinal).SelectMany(Read)];

    public static List<IsoInstructionRead> Instructions(string folder) => [.. Directory.GetFiles(folder, "pacs.*.xml").Order(StringComparer.Ordinal).SelectMany(ReadInstructions)];

    /// <summary>Skips the test, saying so, where the schemas are not there.</summary>
    public static void RequireSchemas() => SchemaOf("camt.053.001.08");

    private static XmlSchemaSet SchemaOf(string message)
    {
        lock (s_schemas)
        {
            if (!s_schemas.TryGetValue(message, out XmlSchemaSet? set))
            {
                string path = SharedData.Path($"iso20022/{message}.xsd");
                set = new XmlSchemaSet();
                set.Add(null, path);
                set.Compile();
                s_schemas.Add(message, set);
            }

            return set;
        }
    }

    private static XElement Load(string file)
    {
        var settings = new XmlReaderSettings { ValidationType = ValidationType.Schema };
        string message = Path.GetFileName(file)[..8] switch
        {
            "camt.053" => "camt.053.001.08",
            "camt.054" => "camt.054.001.08",
            _ => "pacs.009.001.09",
        };
        settings.Schemas = SchemaOf(message);
        settings.ValidationFlags |= XmlSchemaValidationFlags.ReportValidationWarnings;
        settings.ValidationEventHandler += (_, fault) => Assert.Fail($"{file}, line {fault.Exception.LineNumber}: {fault.Message}");
        using var reader = XmlReader.Create(file, settings);
        XElement root = XDocument.Load(reader).Root!;
        Assert.That(root.Name.NamespaceName, Does.EndWith(message));
        return root;
    }

    private static IEnumerable<IsoAccountRead> Read(string file)
    {
        XElement message = Load(file).Elements().Single();
        XElement header = Child(message, "GrpHdr");
        XElement body = message.Elements().Single(element => element.Name.LocalName is "Stmt" or "Ntfctn");
        string currency = Text(body, "Acct/Ccy");
        foreach (XElement amount in body.Descendants().Where(element => element.Attribute("Ccy") is not null))
            Assert.That(amount.Attribute("Ccy")!.Value, Is.EqualTo(currency), file);
        XElement pages = body.Elements().Single(element => element.Name.LocalName.EndsWith("Pgntn", StringComparison.Ordinal));
        var read = new IsoAccountRead
        {
            File = file,
            MessageId = Text(header, "MsgId"),
            Id = Text(body, "Id"),
            Account = Text(body, "Acct/Id/Othr/Id"),
            Scheme = Text(body, "Acct/Id/Othr/SchmeNm/Prtry"),
            Currency = currency,
            Page = int.Parse(Text(pages, "PgNb"), CultureInfo.InvariantCulture),
            IsLast = Text(pages, "LastPgInd") == "true",
            Number = ulong.Parse(Text(body, "ElctrncSeqNb"), CultureInfo.InvariantCulture),
            Balances = [.. All(body, "Bal").Select(balance => (Text(balance, "Tp/CdOrPrtry/Cd"), Signed(balance)))],
            Entries = [.. All(body, "Ntry").Select(Entry)],
        };
        Assert.That(Text(header, "MsgPgntn/PgNb"), Is.EqualTo(Text(pages, "PgNb")));
        CheckTotals(read, Child(body, "TxsSummry"));
        if (message.Name.LocalName == "BkToCstmrStmt")
            CheckBalances(read);
        return [read];
    }

    private static IsoEntryRead Entry(XElement entry)
    {
        Assert.That(Text(entry, "Sts/Cd"), Is.EqualTo("BOOK"));
        Assert.That(Text(entry, "NtryRef"), Is.EqualTo(Text(entry, "AcctSvcrRef")));
        Assert.That(Decimal(Text(entry, "Amt")), Is.Positive);
        XElement details = Child(entry, "NtryDtls");
        XElement? sum = details.Elements().FirstOrDefault(element => element.Name.LocalName == "Btch");
        if (sum is null)
            Assert.That(Signed(Child(details, "TxDtls")), Is.EqualTo(Signed(entry)));
        return new IsoEntryRead(Signed(entry), Text(entry, "NtryRef"), Text(entry, "BkTxCd/Prtry/Cd"),
            sum is null ? 1 : int.Parse(Text(sum, "NbOfTxs"), CultureInfo.InvariantCulture),
            DateTimeOffset.Parse(Text(entry, "BookgDt/DtTm"), CultureInfo.InvariantCulture),
            DateOnly.Parse(Text(entry, "ValDt/Dt"), CultureInfo.InvariantCulture), entry);
    }

    private static void CheckTotals(IsoAccountRead read, XElement totals)
    {
        decimal[] credits = [.. read.Entries.Where(entry => entry.Amount > 0).Select(entry => entry.Amount)];
        decimal[] debits = [.. read.Entries.Where(entry => entry.Amount < 0).Select(entry => -entry.Amount)];
        Assert.That(Text(totals, "TtlNtries/NbOfNtries"), Is.EqualTo(Number(read.Entries.Length)), read.File);
        Assert.That(Decimal(Text(totals, "TtlNtries/Sum")), Is.EqualTo(credits.Sum() + debits.Sum()), read.File);
        Assert.That(Signed(Child(Child(totals, "TtlNtries"), "TtlNetNtry")), Is.EqualTo(credits.Sum() - debits.Sum()), read.File);
        Assert.That(Text(totals, "TtlCdtNtries/NbOfNtries"), Is.EqualTo(Number(credits.Length)), read.File);
        Assert.That(Decimal(Text(totals, "TtlCdtNtries/Sum")), Is.EqualTo(credits.Sum()), read.File);
        Assert.That(Text(totals, "TtlDbtNtries/NbOfNtries"), Is.EqualTo(Number(debits.Length)), read.File);
        Assert.That(Decimal(Text(totals, "TtlDbtNtries/Sum")), Is.EqualTo(debits.Sum()), read.File);
    }

    private static void CheckBalances(IsoAccountRead read)
    {
        Assert.That(read.Balances[0].Code, Is.EqualTo(read.Page == 1 ? "OPBD" : "ITBD"), read.File);
        Assert.That(read.Balances[1].Code, Is.EqualTo(read.IsLast ? "CLBD" : "ITBD"), read.File);
        Assert.That(read.Balances[2..].Select(balance => balance.Code), Is.All.EqualTo("CLAV"));
        Assert.That(read.Balances, Has.Length.LessThanOrEqualTo(read.IsLast ? 3 : 2));
        Assert.That(read.Balances[0].Amount + read.Entries.Sum(entry => entry.Amount), Is.EqualTo(read.Balances[1].Amount), read.File);
    }

    private static IEnumerable<IsoInstructionRead> ReadInstructions(string file)
    {
        XElement message = Load(file).Elements().Single();
        XElement header = Child(message, "GrpHdr");
        XElement[] transactions = [.. All(message, "CdtTrfTxInf")];
        decimal sum = transactions.Sum(transaction => Decimal(Text(transaction, "IntrBkSttlmAmt")));
        Assert.That(Text(header, "NbOfTxs"), Is.EqualTo(Number(transactions.Length)), file);
        Assert.That(Decimal(Text(header, "CtrlSum")), Is.EqualTo(sum), file);
        Assert.That(Decimal(Text(header, "TtlIntrBkSttlmAmt")), Is.EqualTo(sum), file);
        string currency = Child(header, "TtlIntrBkSttlmAmt").Attribute("Ccy")!.Value;
        foreach (XElement transaction in transactions)
        {
            XElement amount = Child(transaction, "IntrBkSttlmAmt");
            Assert.That(amount.Attribute("Ccy")!.Value, Is.EqualTo(currency), file);
            Assert.That(Decimal(amount.Value), Is.Positive, file);
            string instruction = Text(transaction, "PmtId/InstrId");
            yield return new IsoInstructionRead(file, Text(header, "MsgId"), instruction.Split('.')[0][1..], currency, Decimal(amount.Value),
                Text(transaction, "Dbtr/FinInstnId/Othr/Id"), Text(transaction, "Cdtr/FinInstnId/Othr/Id"),
                Text(transaction, "PmtId/EndToEndId"), instruction, Text(transaction, "PmtId/UETR"),
                string.Join('\n', All(Child(transaction, "RmtInf"), "Ustrd").Select(text => text.Value)));
        }
    }

    private static decimal Signed(XElement element) =>
        Decimal(Text(element, "Amt")) * (Text(element, "CdtDbtInd") == "CRDT" ? 1 : -1);

    private static decimal Decimal(string text) => decimal.Parse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static XElement Child(XElement element, string name) => element.Elements().Single(child => child.Name.LocalName == name);

    private static IEnumerable<XElement> All(XElement element, string name) => element.Elements().Where(child => child.Name.LocalName == name);

    private static string Text(XElement element, string path) => path.Split('/').Aggregate(element, Child).Value;
}
