using System.Text;
using System.Xml;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.Gateway.Input;

/// <summary>
/// Customer credit transfers of an ISO 20022 pain.001 message, versions 001.03 to 001.12 and their national variants, one payment a
/// transaction, streamed. Each becomes a micropayment: the debtor's wallet pays at once, the creditor's has it when the batch closes, as
/// a bank's credit transfers of a day do. Amounts are whole ISO minor units, brought to the ledger's scale.
/// </summary>
/// <remarks>
/// A transaction that cannot be settled goes to <see cref="PaymentReaderOptions.Refused"/> with its reason and the rest goes on; counts
/// and sums that do not match go to <see cref="PaymentReaderOptions.Warned"/>. The exception is for files that are not such a message.
/// Elements are taken in the schema's order: what a payment information block says of itself stands before its transactions.
/// </remarks>
internal sealed class PainReader : PaymentReader
{
    private const string VersionPrefix = "pain.001.001.";
    private const int VersionMin = 3;
    private const int VersionMax = 12;

    private readonly PaymentReaderOptions _options;
    private readonly AccountsFile _accounts;
    private readonly XmlReader _xml;

    // written by: the reader's thread, all of them
    private readonly PainPath?[] _open = new PainPath?[InputLimits.XmlDepthMax + 1];
    private readonly StringBuilder _text = new(InputLimits.XmlTextCharsMax);
    private readonly char[] _chunk = new char[InputLimits.XmlTextCharsMax];
    private readonly HashSet<UInt128> _blockIds = [];
    private string _messageId = "";
    private PainTotals _group = new() { Count = "", Sum = "" };
    private PainBlock _block = PainBlock.New();
    private PainTransaction _transaction;

    /// <summary>Takes over the input, and reads up to the message's root.</summary>
    /// <exception cref="InputException">No accounts were given, or the file is not a pain.001 message of a known version.</exception>
    public PainReader(InputStream input, PaymentReaderOptions options)
    {
        File = input.Name;
        _options = options;
        _accounts = options.Accounts
            ?? throw new InputException(File, 0, "a pain.001 file needs --accounts FILE, which names the wallets of its accounts");
        _xml = Create(input);
        MoveToMessage();
    }

    public override string File { get; }

    private long Line => ((IXmlLineInfo)_xml).LineNumber;

    public override void Dispose() => _xml.Dispose();

    protected override bool TryRead(ref PaymentRecord record, bool wait)
    {
        while (Advance())
        {
            if (_xml.NodeType == XmlNodeType.Element)
                Open();
            else if (_xml.NodeType is XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.SignificantWhitespace)
                AppendText();
            if ((_xml.NodeType == XmlNodeType.EndElement || (_xml.NodeType == XmlNodeType.Element && _xml.IsEmptyElement))
                && Close(ref record))
                return true;
        }
        return false;
    }

    private static XmlReader Create(InputStream input)
    {
        try
        {
            return BoundedXml.Create(input);
        }
        catch (XmlException fault)
        {
            throw Broken(input.Name, fault);
        }
    }

    private static InputException Broken(string file, XmlException fault) =>
        new(file, fault.LineNumber, $"the XML is broken ({fault.Message})", fault);

    private void MoveToMessage()
    {
        while (Advance() && _xml.NodeType != XmlNodeType.Element) { }
        if (_xml.NodeType != XmlNodeType.Element || _xml.LocalName != "Document" || !IsKnown(_xml.NamespaceURI))
            throw new InputException(File, Line, $"expected a pain.001 document of version 001.03 to 001.12, found {Found()}");
        while (Advance() && _xml.NodeType != XmlNodeType.Element) { }
        if (_xml.NodeType != XmlNodeType.Element || _xml.LocalName != PainPath.Root.Name || _xml.IsEmptyElement)
            throw new InputException(File, Line, $"expected a customer credit transfer initiation ({PainPath.Root.Name}), found {Found()}");
        _open[_xml.Depth] = PainPath.Root;
    }

    private string Found() => _xml.NodeType == XmlNodeType.Element
        ? $"<{InputException.Shown(_xml.LocalName)}> of the namespace \"{InputException.Shown(_xml.NamespaceURI)}\"" : "no element";

    /// <summary>ISO's namespaces and national ones hold the message's name: …pain.001.001.09, …/de/pain.001.001.03.ch.02.xsd.</summary>
    private static bool IsKnown(string ns)
    {
        int at = ns.IndexOf(VersionPrefix, StringComparison.Ordinal);
        ReadOnlySpan<char> version = at < 0 ? "" : ns.AsSpan(at + VersionPrefix.Length);
        return version.Length >= 2 && char.IsAsciiDigit(version[0]) && char.IsAsciiDigit(version[1])
            && (version[0] - '0') * 10 + (version[1] - '0') is >= VersionMin and <= VersionMax
            && (version.Length == 2 || !char.IsAsciiDigit(version[2]));
    }

    private bool Advance()
    {
        try
        {
            bool more = _xml.Read();
            if (_xml.Depth >= InputLimits.XmlDepthMax)
                throw new InputException(File, Line, $"elements are nested deeper than {InputLimits.XmlDepthMax}");
            return more;
        }
        catch (XmlException fault)
        {
            throw Broken(File, fault);
        }
    }

    private void Open()
    {
        int depth = _xml.Depth;
        PainPath? node = _open[depth - 1]?.Find(_xml.LocalName);
        _open[depth] = node;
        _text.Clear();
        switch (node?.Field)
        {
            case PainField.Block:
                _block = PainBlock.New();
                _blockIds.Clear();
                break;
            case PainField.Transaction:
                _transaction = PainTransaction.At(Line);
                break;
            case PainField.Amount or PainField.EquivalentAmount:
                _transaction.Currency = _xml.GetAttribute("Ccy")?.Trim() ?? "";
                break;
        }
    }

    /// <summary>Adds to the text of an element that matters, in pieces, so that a long one is refused before it is held.</summary>
    private void AppendText()
    {
        if (_open[_xml.Depth - 1] is not { Field: not PainField.None } node)
            return;
        try
        {
            for (int count; (count = _xml.ReadValueChunk(_chunk, 0, _chunk.Length)) > 0;)
            {
                if (_text.Length + count > InputLimits.XmlTextCharsMax)
                    throw new InputException(File, Line, $"the text of <{node.Name}> is longer than {InputLimits.XmlTextCharsMax} characters");
                _text.Append(_chunk, 0, count);
            }
        }
        catch (XmlException fault)
        {
            throw Broken(File, fault);
        }
    }

    /// <returns>Whether a payment is complete.</returns>
    private bool Close(ref PaymentRecord record)
    {
        PainPath? node = _open[_xml.Depth];
        if (ReferenceEquals(node, PainPath.Root))
            Warn(_group.Differences("the message"));
        if (node is null or { Field: PainField.None })
            return false;
        string text = _text.ToString().Trim();
        _text.Clear();
        if (node.Field == PainField.Transaction)
            return Complete(ref record);
        if (node.Field == PainField.Block)
            Warn(_block.Totals.Differences($"the payment information \"{InputException.Shown(_block.Id)}\""));
        else if (text.Length > 0)
            Keep(node.Field, text);
        return false;
    }

    private void Keep(PainField field, string text)
    {
        switch (field)
        {
            case PainField.MessageId: _messageId = text; break;
            case PainField.GroupCount: _group.Count = text; break;
            case PainField.GroupSum: _group.Sum = text; break;
            case PainField.BlockId: _block.Id = text; break;
            case PainField.BlockMethod: _block.Method = text; break;
            case PainField.BlockCount: _block.Totals.Count = text; break;
            case PainField.BlockSum: _block.Totals.Sum = text; break;
            case PainField.BlockDate: _block.Date = text; break;
            case PainField.BlockPurpose: _block.Purpose = text; break;
            case PainField.Debtor: _block.Debtor = text; break;
            case PainField.InstructionId: _transaction.InstructionId = text; break;
            case PainField.EndToEndId: _transaction.EndToEndId = text; break;
            case PainField.Amount: _transaction.Amount = text; break;
            case PainField.EquivalentAmount: _transaction.EquivalentAmount = text; break;
            case PainField.EquivalentCurrency: _transaction.EquivalentCurrency = text; break;
            case PainField.Creditor: _transaction.Creditor = text; break;
            case PainField.CategoryPurpose: _transaction.CategoryPurpose = text; break;
            case PainField.Purpose: _transaction.Purpose = text; break;
        }
    }

    private bool Complete(ref PaymentRecord record)
    {
        string amount = _transaction.Amount.Length > 0 ? _transaction.Amount : _transaction.EquivalentAmount;
        _group.CountFound++;
        _group.Add(amount);
        _block.Totals.CountFound++;
        _block.Totals.Add(amount);

        UInt128 id = PainText.Id(_messageId, _block.Id, _transaction.EndToEndId, _transaction.InstructionId);
        if (_blockIds.Count < InputLimits.TransactionIdsMax && !_blockIds.Add(id))
            Warn(["another transaction before has the same MsgId, PmtInfId, EndToEndId and InstrId; the two count as one payment"]);

        record = new PaymentRecord { Line = _transaction.Line };
        record.Payment.IdHigh = (ulong)(id >> 64);
        record.Payment.IdLow = (ulong)id;
        record.Payment.Instruction = Instruction.Micropayment;
        record.Payment.Purpose = PurposeCode.Parse(
            _transaction.Purpose.Length > 0 ? _transaction.Purpose :
            _transaction.CategoryPurpose.Length > 0 ? _transaction.CategoryPurpose : _block.Purpose);
        if (Fill(ref record.Payment) is not { } reason)
            return true;
        _options.Refused?.Invoke(new InputRefusal(File, _transaction.Line, PaymentIdText.Format(record.Payment), reason));
        return false;
    }

    /// <returns>Why the transaction cannot be settled; null: it can.</returns>
    private string? Fill(ref Payment payment) =>
        RefuseUnidentified() ?? RefuseOtherThanTransfer() ?? RefuseFuture() ?? FillAmount(ref payment)
        ?? FillWallet(_block.Debtor, "debtor", ref payment.Payer) ?? FillWallet(_transaction.Creditor, "creditor", ref payment.Payee);

    private string? RefuseUnidentified() =>
        _messageId.Length == 0 ? "the message has no MsgId before its transactions" :
        _block.Id.Length == 0 ? "its payment information has no PmtInfId" :
        _transaction.EndToEndId.Length == 0 ? "it has no EndToEndId" : null;

    /// <summary>TRF and TRA are transfers, with and without advice; a file may leave it out.</summary>
    private string? RefuseOtherThanTransfer() =>
        _block.Method is "" or "TRF" or "TRA" ? null : $"payment method {InputException.Shown(_block.Method)} is not a transfer (TRF or TRA)";

    private string? RefuseFuture()
    {
        if (_block.Date.Length == 0)
            return null;
        if (!TimeText.TryParseXml(_block.Date, out long seconds))
            return $"the requested execution date \"{InputException.Shown(_block.Date)}\" is not a date";
        return (Int128)seconds * Limits.NsPerSecond > _options.ClockNs ? $"the requested execution date {_block.Date} is in the future" : null;
    }

    private string? FillAmount(ref Payment payment)
    {
        if (_transaction.EquivalentAmount.Length > 0)
            return $"the amount is to be converted: the equivalent of {InputException.Shown(_transaction.EquivalentAmount)} "
                + $"{InputException.Shown(_transaction.Currency)} in {InputException.Shown(_transaction.EquivalentCurrency)}, and no rate is agreed";
        payment.Currency = Iso4217.NumberOf(_transaction.Currency);
        if (payment.Currency == 0)
            return $"the currency \"{InputException.Shown(_transaction.Currency)}\" is not an ISO 4217 currency that has a minor unit";

        int scale = Iso4217.ScaleOf(payment.Currency);
        if (!AmountText.TryParse(PainText.Decimal(_transaction.Amount), scale, out ulong units, out AmountError error))
            return RefuseAmount(AmountExpectation.Of(error, payment.Currency, scale));
        int ledgerScale = _options.Scales[payment.Currency];
        ulong high = Math.BigMul(units, AmountText.UnitsPerWhole(ledgerScale - scale), out payment.Amount);
        return high == 0 ? null : RefuseAmount(AmountExpectation.Of(AmountError.TooLarge, payment.Currency, ledgerScale));
    }

    private string RefuseAmount(string expected) => $"expected {expected} as the amount, found \"{InputException.Shown(_transaction.Amount)}\"";

    private string? FillWallet(string account, string party, ref ulong wallet)
    {
        if (account.Length == 0)
            return $"no account of the {party} is given";
        if (_accounts.TryFind(account, out wallet))
            return null;
        string wrong = Iban.LooksLikeOne(Iban.Normalise(account)) && !Iban.CheckDigitsHold(Iban.Normalise(account))
            ? ", and its check digits are wrong" : "";
        return $"the {party}'s account {InputException.Shown(account)} is not in {_accounts.File}{wrong}";
    }

    private void Warn(IEnumerable<string> sentences)
    {
        foreach (string sentence in sentences)
            _options.Warned?.Invoke(new InputWarning(File, Line, sentence));
    }
}
