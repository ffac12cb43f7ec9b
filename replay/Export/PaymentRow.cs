using Settlement.Engine.Domain;
using static Settlement.Replay.Export.TableSchema;

namespace Settlement.Replay.Export;

/// <summary>One payment of the journal with what became of it: a row of the table `payments`.</summary>
internal readonly struct PaymentRow
{
    public static readonly TableSchema Schema = new("payments", "Every payment of the journal, refused ones among them, in order.",
    [
        Needed("sequence", ColumnType.Count, "place in the journal; control commands take places, too"),
        Needed("block", ColumnType.Count, "number of the block"),
        Needed("time", ColumnType.Time, "the block's time"),
        Needed("time_ns", ColumnType.UInt64, "the same, ns since 1970"),
        Needed("id", ColumnType.Text, "UUID, or stream:sequence with the stream in 16 hexadecimal digits; unique for a participant"),
        Optional("payer", ColumnType.UInt64, "wallet; for an accepted capture, void or refund that of the payment it is about; null: none"),
        Optional("payer_participant", ColumnType.Symbol, "name of that wallet's participant; null: no such wallet"),
        Optional("payee", ColumnType.UInt64, "likewise"),
        Optional("payee_participant", ColumnType.Symbol, "likewise"),
        Optional("amount", ColumnType.Amount, "in whole units; null: the currency has no known scale"),
        Needed("amount_units", ColumnType.UInt64, "in smallest units at the ledger's scale"),
        Needed("currency", ColumnType.Symbol, "ISO 4217 letters; where there are none, the number"),
        Needed("instruction", ColumnType.Symbol, "micropayment, immediate, hold, capture, void, refund, issue or redeem"),
        Needed("purpose", ColumnType.Symbol, "what the payer says it is for"),
        Needed("level", ColumnType.UInt32, "how secret it is, 0 to 255"),
        Optional("reference", ColumnType.UInt64, "the client's own; null for capture, void and refund, where it is part of the target"),
        Optional("target", ColumnType.Text, "id of the hold or payment that a capture, void or refund is about"),
        Needed("refundable", ColumnType.Boolean, "a record is kept so that it can be refunded"),
        Needed("opening", ColumnType.Boolean, "an issue that is a wallet's opening balance"),
        Optional("valid_until", ColumnType.Time, "for a hold: when it expires; null: no limit"),
        Optional("valid_until_ns", ColumnType.UInt64, "the same, ns since 1970"),
        Needed("session", ColumnType.UInt32, "index of the session that sent it"),
        Optional("session_participant", ColumnType.Symbol, "whose session that is; null: no such session"),
        Needed("verdict", ColumnType.Symbol, "accepted, or why not"),
        Optional("first_verdict", ColumnType.Symbol, "of a repeated id: what was decided the first time"),
        Optional("rule", ColumnType.UInt32, "the lowest rule that refused it"),
        Optional("batch", ColumnType.Count, "the batch that counts it; null: refused"),
        Optional("available_after", ColumnType.Amount, "of the wallet it is about (the payer; the payee for issue and refund), pending of closed batches counted; null: refused"),
        Optional("available_after_units", ColumnType.UInt64, "the same in smallest units"),
    ]);

    public required ulong Sequence { get; init; }

    public required ulong Block { get; init; }

    public required ulong TimeNs { get; init; }

    public required string Id { get; init; }

    public required ulong? Payer { get; init; }

    public required string? PayerParticipant { get; init; }

    public required ulong? Payee { get; init; }

    public required string? PayeeParticipant { get; init; }

    /// <summary>In smallest units.</summary>
    public required ulong Amount { get; init; }

    /// <summary>Of the ledger, or of ISO 4217 where the ledger does not know the currency; -1: neither does.</summary>
    public required int Scale { get; init; }

    public required string Currency { get; init; }

    public required string Instruction { get; init; }

    public required string Purpose { get; init; }

    public required byte Level { get; init; }

    public required ulong? Reference { get; init; }

    public required string? Target { get; init; }

    public required bool IsRefundable { get; init; }

    public required bool IsOpening { get; init; }

    public required ulong? ValidUntilNs { get; init; }

    public required ushort Session { get; init; }

    public required string? SessionParticipant { get; init; }

    public required string Verdict { get; init; }

    public required string? FirstVerdict { get; init; }

    public required ushort? Rule { get; init; }

    /// <summary>Null exactly if it was refused.</summary>
    public required ulong? Batch { get; init; }

    /// <summary>In smallest units; null exactly if it was refused.</summary>
    public required ulong? AvailableAfter { get; init; }

    public void WriteTo(TableWriter table)
    {
        table.Count(Sequence);
        table.Count(Block);
        table.Time(TimeNs);
        table.UInt64(TimeNs);
        table.Text(Id);
        table.UInt64OrNull(Payer);
        table.SymbolOrNull(PayerParticipant);
        table.UInt64OrNull(Payee);
        table.SymbolOrNull(PayeeParticipant);
        table.AmountOrNull(Scale >= 0 ? Amount : null, Scale);
        table.UInt64(Amount);
        table.Symbol(Currency);
        table.Symbol(Instruction);
        table.Symbol(Purpose);
        table.UInt32(Level);
        table.UInt64OrNull(Reference);
        table.TextOrNull(Target);
        table.Boolean(IsRefundable);
        table.Boolean(IsOpening);
        table.TimeOrNull(ValidUntilNs);
        table.UInt64OrNull(ValidUntilNs);
        table.UInt32(Session);
        table.SymbolOrNull(SessionParticipant);
        table.Symbol(Verdict);
        table.SymbolOrNull(FirstVerdict);
        table.UInt32OrNull(Rule);
        table.CountOrNull(Batch);
        table.AmountOrNull(AvailableAfter, Scale);
        table.UInt64OrNull(AvailableAfter);
        table.EndRow();
    }
}
