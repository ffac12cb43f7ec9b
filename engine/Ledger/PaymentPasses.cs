using System.Runtime.CompilerServices;
using Settlement.Engine.Consent;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;

namespace Settlement.Engine.Ledger;

// Purpose: the column passes: shape, dedup, look-up, labels, rules, over one chunk at a time.
// Invariant: they judge only what does not depend on earlier payments of the block, so chunks may be cut anywhere. What does
//   (repeats' first verdicts, balances, sums, targets, openings) is left to PaymentApply, which goes in order.
// A payment that some pass is not sure of is judged once more by PaymentLaw, one step after the other: that is the rare way.

internal sealed class PaymentPasses(LedgerState state, PaymentLaw law, ConsentLaw consent)
{
    public void Judge(ReadOnlySpan<Payment> payments, ulong firstSequence, PaymentColumns columns)
    {
        int count = payments.Length;
        Shape(payments, columns);
        state.Ids.Judge(payments, columns.Participants.AsSpan(0, count), firstSequence,
            columns.Verdicts.AsSpan(0, count), columns.Firsts.AsSpan(0, count), columns.Earlier.AsSpan(0, count));
        LookUp(payments, columns);
        columns.Labels.Judge(count);
        if (state.Rules is { HasKinds: true })
            ReadKinds(columns, count);
        if (state.Rules is { } rules)
            rules.Judge(ColumnsForRules(columns, count), count, columns.DeniedBy, columns.ReviewedBy, columns.LimitRows, columns.LimitMasks);
        if (columns.HasConsent)
            AskOwners(payments, firstSequence, columns);
        Resolve(payments, firstSequence, columns);
    }

    private static RuleColumns ColumnsForRules(PaymentColumns columns, int count) => new()
    {
        Source = columns.Sources.AsSpan(0, count),
        Destination = columns.Destinations.AsSpan(0, count),
        Currency = columns.Currencies.AsSpan(0, count),
        Amount = columns.Amounts.AsSpan(0, count),
        Tier = columns.PayerTiers.AsSpan(0, count),
        Purpose = columns.Purposes.AsSpan(0, count),
        Level = columns.Labels.Payment[..count],
        Instruction = columns.Instructions.AsSpan(0, count),
        PayerKind = columns.PayerKinds.AsSpan(0, count),
        PayeeKind = columns.PayeeKinds.AsSpan(0, count),
    };

    private void Shape(ReadOnlySpan<Payment> payments, PaymentColumns columns)
    {
        byte[] levels = state.Settings.InstructionLevels;
        Span<byte> clearances = columns.Labels.Session;
        Span<byte> declassifies = columns.Labels.Declassify;
        Span<byte> instructionLevels = columns.Labels.Instruction;
        Span<byte> paymentLevels = columns.Labels.Payment;
        for (int i = 0; i < payments.Length; i++)
        {
            ref readonly Payment payment = ref payments[i];
            ref readonly SessionRecord session = ref state.Sessions.At(payment.Session);
            columns.Participants[i] = session.Participant;
            clearances[i] = session.Clearance;
            declassifies[i] = (byte)-((byte)(session.Flags & SessionFlags.Declassify) >> 1);
            columns.OperatorMasks[i] = (byte)-(byte)(session.Flags & SessionFlags.Operator);
            instructionLevels[i] = levels[(byte)payment.Instruction];
            paymentLevels[i] = payment.Level;
            columns.Instructions[i] = (byte)payment.Instruction;
            columns.Purposes[i] = (byte)payment.Purpose;
            columns.Currencies[i] = payment.Currency;
            columns.Amounts[i] = payment.Amount;
            columns.Verdicts[i] = !session.IsOpen ? Verdict.UnknownSession
                : PaymentShape.IsWellFormed(in payment) ? Verdict.Undecided
                : Verdict.Malformed;
        }
    }

    /// <summary>Three loops, so that the misses of index and rows overlap over the whole chunk.</summary>
    private void LookUp(ReadOnlySpan<Payment> payments, PaymentColumns columns)
    {
        AccountTable accounts = state.Accounts;
        for (int i = 0; i < payments.Length; i++)
        {
            ulong payer = AccountTable.HashOf(payments[i].Payer);
            ulong payee = AccountTable.HashOf(payments[i].Payee);
            accounts.PrefetchIndex(payer);
            accounts.PrefetchIndex(payee);
            columns.PayerHashes[i] = payer;
            columns.PayeeHashes[i] = payee;
        }

        for (int i = 0; i < payments.Length; i++)
        {
            int payer = accounts.Guess(columns.PayerHashes[i]);
            int payee = accounts.Guess(columns.PayeeHashes[i]);
            accounts.PrefetchRow(payer);
            accounts.PrefetchRow(payee);
            columns.PayerRows[i] = payer;
            columns.PayeeRows[i] = payee;
        }

        bool ruledBySums = state.Rules is { HasSums: true };
        Span<byte> payerLevels = columns.Labels.Payer;
        Span<byte> payeeLevels = columns.Labels.Payee;
        int policies = 0;
        for (int i = 0; i < payments.Length; i++)
        {
            Read(in payments[i], i, columns);
            ref readonly AccountRow payer = ref accounts[columns.PayerRows[i]];
            payerLevels[i] = payer.Level;
            policies |= payer.TierAndKind;
            payeeLevels[i] = accounts[columns.PayeeRows[i]].Level;
            if (ruledBySums)
                state.Sums.Prefetch(payer.SumRow);
        }

        columns.HasConsent = (policies & AccountRow.PolicyMask) != 0;
    }

    private void Read(in Payment payment, int i, PaymentColumns columns)
    {
        AccountTable accounts = state.Accounts;
        byte currency = state.Currencies.IndexOf(payment.Currency);
        int payerRow = columns.PayerRows[i];
        int payeeRow = columns.PayeeRows[i];
        ref readonly AccountRow payer = ref accounts[payerRow];
        ref readonly AccountRow payee = ref accounts[payeeRow];
        if (payer.Wallet != payment.Payer | payer.CurrencyIndex != currency)
        {
            columns.PayerRows[i] = payerRow = accounts.InCurrency(accounts.Find(payment.Payer), currency);
            payer = ref accounts[payerRow];
        }

        if (payee.Wallet != payment.Payee | payee.CurrencyIndex != currency)
        {
            columns.PayeeRows[i] = payeeRow = accounts.InCurrency(accounts.Find(payment.Payee), currency);
            payee = ref accounts[payeeRow];
        }

        columns.PayerTiers[i] = payer.Tier;
        columns.Sources[i] = payer.Country;
        columns.Destinations[i] = payee.Country;
        bool clean = currency != 0 & payerRow != 0 & payeeRow != 0 & payment.Amount != 0 & payment.Payer != payment.Payee
            & (payment.ValidUntilNs == 0 | payment.ValidUntilNs >= state.TimeNs)
            & ((byte)payer.Status | (byte)payee.Status) == 0
            & (columns.OperatorMasks[i] != 0 | payer.Participant == columns.Participants[i]);
        columns.Clean[i] = (byte)-Unsafe.BitCast<bool, byte>(clean);
    }

    /// <summary>Only for rules that ask: the rows are in the cache still.</summary>
    private void ReadKinds(PaymentColumns columns, int count)
    {
        for (int i = 0; i < count; i++)
        {
            columns.PayerKinds[i] = (byte)state.Accounts[columns.PayerRows[i]].Kind;
            columns.PayeeKinds[i] = (byte)state.Accounts[columns.PayeeRows[i]].Kind;
        }
    }

    /// <summary>Only where some payer of the chunk is not custodial: what the passes let through needs its owner's consent, before rules are asked.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AskOwners(ReadOnlySpan<Payment> payments, ulong firstSequence, PaymentColumns columns)
    {
        ReadOnlySpan<byte> allowed = columns.Labels.Allowed;
        for (int i = 0; i < payments.Length; i++)
        {
            ref readonly AccountRow payer = ref state.Accounts[columns.PayerRows[i]];
            if (!payer.IsCustodial && (columns.Clean[i] & allowed[i]) != 0 && columns.Verdicts[i] == Verdict.Undecided
                && columns.Instructions[i] <= (byte)Instruction.Hold)
                columns.Verdicts[i] = consent.Refusal(in payments[i], in payer, firstSequence + (ulong)i);
        }
    }

    /// <summary>Gives the first refusal of SEMANTICS to micropayments, immediates and holds that some pass did not let through.</summary>
    private void Resolve(ReadOnlySpan<Payment> payments, ulong firstSequence, PaymentColumns columns)
    {
        bool ruled = state.Rules is not null;
        ReadOnlySpan<byte> allowed = columns.Labels.Allowed;
        for (int i = 0; i < payments.Length; i++)
        {
            bool passes = (columns.Clean[i] & allowed[i]) != 0 & (!ruled || columns.DeniedBy[i] == 0);
            if (!passes && columns.Verdicts[i] == Verdict.Undecided && columns.Instructions[i] <= (byte)Instruction.Hold)
                columns.Verdicts[i] = law.TransferRefusal(in payments[i], firstSequence + (ulong)i, out columns.DeniedBy[i]);
        }
    }
}
