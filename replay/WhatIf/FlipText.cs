using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using Settlement.Replay.State;

namespace Settlement.Replay.WhatIf;

/// <summary>Flips as words and as lines of a file.</summary>
internal static class FlipText
{
    public const string Columns = "sequence,time,batch,id,instruction,payer,payee,currency,amount,from,to,cause,decided_by,rule";

    public static string Row(LedgerState state, in Flip flip)
    {
        ushort currency = flip.Payment.Currency;
        return LedgerText.Invariant(
            $"{flip.Sequence},{TimeText.Format(flip.TimeNs)},{flip.Actual.Batch},{PaymentIdText.Format(flip.Payment)},{InstructionText.NameOf(flip.Payment.Instruction)},{WalletOf(flip.Parties.Payer)},{WalletOf(flip.Parties.Payee)},{LedgerText.CurrencyOf(currency)},{LedgerText.Amount(state, flip.Payment.Amount, currency)},{VerdictText.NameOf(flip.From)},{VerdictText.NameOf(flip.To)},{CauseOf(flip.Cause.IsPrimary)},{SideOf(flip.Cause.InHypothesis)}:{VerdictText.NameOf(flip.Cause.Verdict)},{(flip.Cause.Rule == 0 ? "" : flip.Cause.Rule.ToString(CultureInfo.InvariantCulture))}");
    }

    public static string CauseOf(bool primary) => primary ? "primary" : "consequential";

    /// <summary>Under which rules a payment was stopped.</summary>
    public static string SideOf(bool inHypothesis) => inHypothesis ? "hypothetical" : "actual";

    public static string BandOf(ushort digits) => digits == 0 ? "below 1"
        : $"{Power(digits - 1)} to {Power(digits)}";

    private static string Power(int tens) => ((UInt128)AmountText.UnitsPerWhole(Math.Min(tens, Limits.ScaleMax)) * (tens > Limits.ScaleMax ? AmountText.UnitsPerWhole(tens - Limits.ScaleMax) : 1))
        .ToString(CultureInfo.InvariantCulture);

    /// <summary>Empty: the reserve, or not known.</summary>
    private static string WalletOf(ulong wallet) => wallet == 0 ? "" : wallet.ToString(CultureInfo.InvariantCulture);
}
