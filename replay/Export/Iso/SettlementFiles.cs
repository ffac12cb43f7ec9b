using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.Replay.Export.Iso;

/// <summary>A closed batch with what it settles.</summary>
internal sealed record SettledBatch(ulong Number, ulong ClosedNs, IReadOnlyList<SettlementPosition> Positions);

/// <summary>
/// pacs.009: the net positions of a batch in a currency as credit transfers, a message each. The operator is the settlement agent: who owes
/// pays it, then it pays who is owed. So every instruction is one line of the batch's statement, and no participant learns of another's
/// position, as instructions from participant to participant would tell. A message depends on the journal and the batch alone.
/// </summary>
internal sealed class SettlementFiles(IsoFolder folder, IsoLedger ledger, int transactionsMax)
{
    /// <summary>Unique for ever: it is also what statements of settlement accounts refer to.</summary>
    public static string EndToEndId(IsoLedger ledger, IsoCurrency currency, ulong batch, ushort participant) =>
        IsoIds.Of(ledger.Id, "settlement", IsoText.Number(batch), currency.Letters, IsoText.Number(participant));

    /// <summary>Writes the messages of one batch in one currency.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="currency">Positions in others are passed over.</param>
    /// <param name="only">The only participant whose instructions are wanted; null: all.</param>
    /// <returns>How many instructions were written, and in whole units what participants pay and are paid.</returns>
    public (int Count, Int128 PaidIn, Int128 PaidOut) Write(SettledBatch batch, IsoCurrency currency, ushort? only)
    {
        List<SettlementPosition> instructions =
        [
            .. batch.Positions
                .Where(position => position.Currency == currency.Number && position.Units != 0)
                .Where(position => position.Participant != Limits.OperatorParticipant && (only is null || position.Participant == only))
                .OrderBy(position => position.Units > 0).ThenBy(position => position.Participant),
        ];
        for (int done = 0, part = 1; done < instructions.Count; part++)
        {
            int count = Fitting(batch, currency, instructions, done, out Int128 units);
            WriteMessage(batch, currency, only, part, instructions.GetRange(done, count), units);
            done += count;
        }

        Int128 net = 0, gross = 0;
        foreach (SettlementPosition instruction in instructions)
            (net, gross) = (net + instruction.Units, gross + Int128.Abs(instruction.Units));
        return (instructions.Count, (gross - net) / 2, (gross + net) / 2);
    }

    private int Fitting(SettledBatch batch, IsoCurrency currency, List<SettlementPosition> instructions, int first, out Int128 units)
    {
        int count = 0;
        units = 0;
        while (count < transactionsMax && first + count < instructions.Count)
        {
            SettlementPosition next = instructions[first + count];
            IsoBound.Require(next.Units, currency, () => $"batch {batch.Number}, participant {ledger.NameOf(next.Participant)}");
            if (!IsoBound.Fits(units + Int128.Abs(next.Units)))
                break;
            units += Int128.Abs(next.Units);
            count++;
        }

        return count;
    }

    private void WriteMessage(SettledBatch batch, IsoCurrency currency, ushort? only, int part, List<SettlementPosition> instructions, Int128 sum)
    {
        string number = IsoText.Number(batch.Number);
        string whose = only is { } participant ? $"_participant-{IsoText.Number(participant)}" : "";
        using var xml = new IsoXml(
            folder.Create(string.Create(CultureInfo.InvariantCulture, $"pacs.009_batch-{number}_{currency.Letters}{whose}_{part}.xml")),
            IsoFormat.Pacs009, ledger, "FICdtTrf");
        xml.Start("GrpHdr");
        xml.Text("MsgId", IsoIds.Of(ledger.Id, "pacs.009", number, currency.Letters, whose, "message",
            IsoText.Number((ulong)part), IsoText.Number((ulong)transactionsMax)));
        xml.Text("CreDtTm", TimeText.FormatXml(batch.ClosedNs));
        xml.Text("NbOfTxs", IsoText.Number((ulong)instructions.Count));
        xml.Text("CtrlSum", currency.Text(sum));
        xml.Amount("TtlIntrBkSttlmAmt", currency, sum);
        xml.Text("IntrBkSttlmDt", TimeText.FormatXmlDate(batch.ClosedNs));
        xml.Start("SttlmInf");
        xml.Text("SttlmMtd", "CLRG");
        xml.Path("ClrSys/Prtry", ledger.IdText);
        xml.End();
        xml.Institution("InstgAgt", Limits.OperatorParticipant);
        xml.End();
        foreach (SettlementPosition instruction in instructions)
            WriteInstruction(xml, batch, currency, in instruction);
    }

    private void WriteInstruction(IsoXml xml, SettledBatch batch, IsoCurrency currency, in SettlementPosition position)
    {
        string batchText = IsoText.Number(batch.Number);
        string participant = IsoText.Number(position.Participant);
        bool isOwed = position.Units > 0;
        xml.Start("CdtTrfTxInf");
        xml.Start("PmtId");
        xml.Text("InstrId", $"B{batchText}.{currency.Letters}.P{participant}");
        xml.Text("EndToEndId", EndToEndId(ledger, currency, batch.Number, position.Participant));
        xml.Text("UETR", IsoIds.Uetr(ledger.Id, "uetr", batchText, currency.Letters, participant));
        xml.End();
        xml.Amount("IntrBkSttlmAmt", currency, Int128.Abs(position.Units));
        xml.Institution("Dbtr", isOwed ? Limits.OperatorParticipant : position.Participant);
        xml.Institution("Cdtr", isOwed ? position.Participant : Limits.OperatorParticipant);
        xml.Start("RmtInf");
        xml.Text("Ustrd", $"Batch {batchText}: net {currency.ExactText(position.Net)}, of it fee {currency.ExactText(position.Fee)}");
        if (currency.IsFiner)
            xml.Text("Ustrd", $"Carried: in {currency.ExactText(position.CarryIn)}, out {currency.ExactText(position.CarryOut)}");
        xml.End();
        xml.End();
    }
}
