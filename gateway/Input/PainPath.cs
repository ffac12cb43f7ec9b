namespace Settlement.Gateway.Input;

/// <summary>What a pain.001 reader takes from a message; everything else in it is passed over.</summary>
internal enum PainField
{
    None,
    MessageId,
    GroupCount,
    GroupSum,
    Block,
    BlockId,
    BlockMethod,
    BlockCount,
    BlockSum,
    BlockDate,
    BlockPurpose,
    Debtor,
    Transaction,
    InstructionId,
    EndToEndId,
    Amount,
    EquivalentAmount,
    EquivalentCurrency,
    Creditor,
    CategoryPurpose,
    Purpose,
}

/// <summary>
/// The elements of pain.001 that matter, as a tree of local names below the message's root: namespaces and versions differ in names
/// of types, not of these elements. Names that stand in several versions are listed in each form.
/// </summary>
internal sealed class PainPath
{
    private readonly List<PainPath> _children = [];

    private PainPath(string name) => Name = name;

    public string Name { get; }
    public PainField Field { get; private set; }

    /// <summary>The message's root, `CstmrCdtTrfInitn`.</summary>
    public static PainPath Root { get; } = Build(
        ("GrpHdr/MsgId", PainField.MessageId),
        ("GrpHdr/NbOfTxs", PainField.GroupCount),
        ("GrpHdr/CtrlSum", PainField.GroupSum),
        ("PmtInf", PainField.Block),
        ("PmtInf/PmtInfId", PainField.BlockId),
        ("PmtInf/PmtMtd", PainField.BlockMethod),
        ("PmtInf/NbOfTxs", PainField.BlockCount),
        ("PmtInf/CtrlSum", PainField.BlockSum),
        ("PmtInf/ReqdExctnDt", PainField.BlockDate),        // to 001.07
        ("PmtInf/ReqdExctnDt/Dt", PainField.BlockDate),     // from 001.08
        ("PmtInf/ReqdExctnDt/DtTm", PainField.BlockDate),
        ("PmtInf/PmtTpInf/CtgyPurp/Cd", PainField.BlockPurpose),
        ("PmtInf/DbtrAcct/Id/IBAN", PainField.Debtor),
        ("PmtInf/DbtrAcct/Id/Othr/Id", PainField.Debtor),
        ("PmtInf/CdtTrfTxInf", PainField.Transaction),
        ("PmtInf/CdtTrfTxInf/PmtId/InstrId", PainField.InstructionId),
        ("PmtInf/CdtTrfTxInf/PmtId/EndToEndId", PainField.EndToEndId),
        ("PmtInf/CdtTrfTxInf/Amt/InstdAmt", PainField.Amount),
        ("PmtInf/CdtTrfTxInf/Amt/EqvtAmt/Amt", PainField.EquivalentAmount),
        ("PmtInf/CdtTrfTxInf/Amt/EqvtAmt/CcyOfTrf", PainField.EquivalentCurrency),
        ("PmtInf/CdtTrfTxInf/CdtrAcct/Id/IBAN", PainField.Creditor),
        ("PmtInf/CdtTrfTxInf/CdtrAcct/Id/Othr/Id", PainField.Creditor),
        ("PmtInf/CdtTrfTxInf/PmtTpInf/CtgyPurp/Cd", PainField.CategoryPurpose),
        ("PmtInf/CdtTrfTxInf/Purp/Cd", PainField.Purpose));

    /// <summary>The child of a name; null: nothing below it matters.</summary>
    public PainPath? Find(string name)
    {
        foreach (PainPath child in _children)
        {
            if (child.Name == name)
                return child;
        }
        return null;
    }

    private static PainPath Build(params (string Path, PainField Field)[] fields)
    {
        var root = new PainPath("CstmrCdtTrfInitn");
        foreach ((string path, PainField field) in fields)
        {
            PainPath node = root;
            foreach (string name in path.Split('/'))
            {
                PainPath? child = node.Find(name);
                if (child is null)
                    node._children.Add(child = new PainPath(name));
                node = child;
            }
            node.Field = field;
        }
        return root;
    }
}
