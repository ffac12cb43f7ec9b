using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.Replay.Export.Iso;

/// <summary>Entries and their totals, as statements and notifications have them alike.</summary>
internal static class EntryXml
{
    public static void Totals(IsoXml xml, IsoCurrency currency, ReadOnlySpan<IsoEntry> entries)
    {
        (int credits, int debits, Int128 credited, Int128 debited) = Sum(entries);
        xml.Start("TxsSummry");
        xml.Start("TtlNtries");
        CountAndSum(xml, currency, credits + debits, credited + debited);
        xml.Start("TtlNetNtry");
        xml.Text("Amt", currency.Text(Int128.Abs(credited - debited)));
        xml.Direction(credited >= debited);
        xml.End();
        xml.End();
        xml.Start("TtlCdtNtries");
        CountAndSum(xml, currency, credits, credited);
        xml.End();
        xml.Start("TtlDbtNtries");
        CountAndSum(xml, currency, debits, debited);
        xml.End();
        xml.End();
    }

    public static (int Credits, int Debits, Int128 Credited, Int128 Debited) Sum(ReadOnlySpan<IsoEntry> entries)
    {
        int credits = 0;
        Int128 credited = 0, debited = 0;
        foreach (ref readonly IsoEntry entry in entries)
        {
            credits += entry.IsCredit ? 1 : 0;
            credited += entry.IsCredit ? entry.Units : 0;
            debited += entry.IsCredit ? 0 : entry.Units;
        }

        return (credits, entries.Length - credits, credited, debited);
    }

    /// <summary>One entry; booked, since nothing accepted is ever taken back.</summary>
    public static void Write(IsoXml xml, IsoLedger ledger, AccountFacts account, ulong batch, in IsoEntry entry)
    {
        ref readonly Movement movement = ref entry.Movement;
        string reference = ReferenceOf(in entry, batch);
        xml.Start("Ntry");
        xml.Text("NtryRef", reference);
        xml.Amount("Amt", account.Currency, entry.Units);
        xml.Direction(entry.IsCredit);
        xml.Path("Sts/Cd", "BOOK");
        xml.Path("BookgDt/DtTm", TimeText.FormatXml(movement.TimeNs));
        xml.Path("ValDt/Dt", TimeText.FormatXmlDate(entry.ValueNs));
        xml.Text("AcctSvcrRef", reference);
        Code(xml, ledger, in entry);
        xml.Start("NtryDtls");
        if (entry.Summed > 0)
        {
            xml.Start("Btch");
            xml.Text("NbOfTxs", IsoText.Number((ulong)entry.Summed));
            xml.Amount("TtlAmt", account.Currency, entry.Units);
            xml.Direction(entry.IsCredit);
            xml.End();
        }
        else
        {
            Details(xml, ledger, account, batch, in entry, reference);
        }

        xml.End();
        if (Remark(account.Currency, batch, in entry) is { } remark)
            xml.Text("AddtlNtryInf", remark);
        xml.End();
    }

    /// <summary>The payment's sequence; of a sum its batch, the sequence of its last payment, and its side.</summary>
    private static string ReferenceOf(in IsoEntry entry, ulong batch) => entry switch
    {
        { Summed: > 0 } => $"B{IsoText.Number(batch)}.{IsoText.Number(entry.Movement.Sequence)}.{(entry.IsCredit ? 'C' : 'D')}",
        { Movement.Instruction: Instruction.CloseBatch } => $"B{IsoText.Number(batch)}.NET",
        { Movement.Instruction: Instruction.SettledBatch } => $"B{IsoText.Number(batch)}.SETTLED",
        _ => IsoText.Number(entry.Movement.Sequence),
    };

    private static void CountAndSum(IsoXml xml, IsoCurrency currency, int count, Int128 units)
    {
        xml.Text("NbOfNtries", IsoText.Number((ulong)count));
        xml.Text("Sum", currency.Text(units));
    }

    /// <summary>What kind of entry it is: in ISO's terms as far as they go, and in the ledger's own.</summary>
    private static void Code(IsoXml xml, IsoLedger ledger, in IsoEntry entry)
    {
        Instruction instruction = entry.Movement.Instruction;
        bool isTransfer = entry.Summed > 0
            || instruction is not (Instruction.Issue or Instruction.Redeem or Instruction.CloseBatch or Instruction.SettledBatch);
        xml.Start("BkTxCd");
        xml.Start("Domn");
        xml.Text("Cd", "PMNT");
        xml.Start("Fmly");
        xml.Text("Cd", (isTransfer, entry.IsCredit) switch { (true, true) => "RCDT", (true, false) => "ICDT", (false, true) => "MCOP", _ => "MDOP" });
        xml.Text("SubFmlyCd", isTransfer ? "BOOK" : "OTHR");
        xml.End();
        xml.End();
        xml.Start("Prtry");
        xml.Text("Cd", entry.Summed > 0 ? "below_unit_sum" : KindOf(in entry.Movement));
        xml.Text("Issr", ledger.IdText);
        xml.End();
        xml.End();
    }

    private static string KindOf(in Movement movement) => movement.Instruction switch
    {
        Instruction.CloseBatch => "net_position",
        Instruction.SettledBatch => "settled",
        Instruction.Issue when movement.Has(MovementMarks.Opening) => "opening",
        _ => movement.Instruction.ToString().ToLowerInvariant(),
    };

    private static void Details(IsoXml xml, IsoLedger ledger, AccountFacts account, ulong batch, in IsoEntry entry, string reference)
    {
        ref readonly Movement movement = ref entry.Movement;
        bool ofBatch = movement.Instruction is Instruction.CloseBatch or Instruction.SettledBatch;
        xml.Start("TxDtls");
        xml.Start("Refs");
        xml.Text("AcctSvcrRef", reference);
        if (movement.Has(MovementMarks.StreamId) && IsoText.StreamId(movement.IdHigh, movement.IdLow) is { } stream)
            xml.Text("InstrId", stream);
        if (!ofBatch)
            xml.Text("EndToEndId", IsoText.PaymentId(movement.IdHigh, movement.IdLow));
        else if (account.Owner is { } owner and not Limits.OperatorParticipant)
            xml.Text("EndToEndId", SettlementFiles.EndToEndId(ledger, account.Currency, batch, owner));
        Reference(xml, "BATCH", IsoText.Number(batch));
        if (movement.Instruction is Instruction.Capture or Instruction.Refund)
            Reference(xml, "TARGET", IsoText.PaymentId(movement.TargetHigh, movement.Reference));
        else if (!ofBatch && movement.Reference != 0)
            Reference(xml, "REFERENCE", IsoText.Number(movement.Reference));
        xml.End();
        xml.Amount("Amt", account.Currency, entry.Units);
        xml.Direction(entry.IsCredit);
        Counterparty(xml, account, in movement, ofBatch);
        if (PurposeCode.Format(movement.Purpose) is { } purpose)
            xml.Path("Purp/Cd", purpose);
        xml.End();
    }

    private static void Reference(IsoXml xml, string type, string value)
    {
        xml.Start("Prtry");
        xml.Text("Tp", type);
        xml.Text("Ref", value);
        xml.End();
    }

    /// <summary>
    /// The other side: its account, and the participant that keeps it. The settlement agent's own account has all others on the other side.
    /// </summary>
    private static void Counterparty(IsoXml xml, AccountFacts account, in Movement movement, bool ofBatch)
    {
        string side = movement.IsCredit ? "Dbtr" : "Cdtr";
        if (ofBatch && account.Owner == movement.CounterpartyParticipant)
            return;
        if (!ofBatch)
        {
            xml.Start("RltdPties");
            if (movement.Counterparty != 0)
                xml.Account(side + "Acct", IsoText.Number(movement.Counterparty), WalletAccounts.Scheme, account.Currency);
            else
                xml.Account(side + "Acct", "reserve:" + account.Currency.Letters, "RESERVE", account.Currency);
            xml.End();
        }

        xml.Start("RltdAgts");
        xml.Institution(side + "Agt", movement.CounterpartyParticipant);
        xml.End();
    }

    private static string? Remark(IsoCurrency currency, ulong batch, in IsoEntry entry) => entry switch
    {
        { Summed: > 0 } => $"{IsoText.Number((ulong)entry.Summed)} payments of batch {IsoText.Number(batch)} with parts below a unit, "
            + $"{currency.ExactText(entry.Exact)} {currency.Letters} together",
        { Movement.Instruction: Instruction.CloseBatch } =>
            $"Net position of batch {IsoText.Number(batch)}, {FeeText(currency, (Int128)entry.Movement.Target)}",
        { Movement.Instruction: Instruction.SettledBatch } => $"The money of batch {IsoText.Number(batch)} has moved outside",
        _ => null,
    };

    private static string FeeText(IsoCurrency currency, Int128 fee) =>
        fee < 0
            ? $"with {currency.ExactText(-fee)} {currency.Letters} of fees earned"
            : $"behind a fee of {currency.ExactText(fee)} {currency.Letters}";
}
