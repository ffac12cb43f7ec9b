using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Show;

/// <summary>What a command about keys, sessions' ends, mandates or consent says, by name: read from its continuation, which may be anything.</summary>
internal static class ConsentFields
{
    /// <param name="state">Names and scales.</param>
    /// <param name="instruction">One of 156..161.</param>
    /// <param name="payload">Its continuation.</param>
    /// <returns>Values are text or small whole numbers; of what cannot be read: how long it is.</returns>
    public static Dictionary<string, object> Of(LedgerState state, Instruction instruction, ReadOnlySpan<byte> payload)
    {
        var fields = new Dictionary<string, object>();
        bool isRead = instruction switch
        {
            Instruction.RegisterKey => TryAddRegistration(fields, payload),
            Instruction.RevokeKey => TryAddRevocation(fields, payload),
            Instruction.CloseSession => TryAddClosing(fields, payload),
            Instruction.SetMandate => TryAddMandate(fields, state, payload),
            Instruction.SetConsent => TryAddPolicy(fields, payload),
            _ => TryAddChain(fields, state, payload),
        };
        if (!isRead)
            fields.Add("unreadable_bytes", payload.Length);
        return fields;
    }

    private static bool TryAddRegistration(Dictionary<string, object> fields, ReadOnlySpan<byte> payload)
    {
        if (!KeyRegistration.TryDecode(payload, out KeyRegistration? registration))
            return false;
        AddOwner(fields, registration.Role, registration.Owner);
        fields.Add("key", PublicKeyForm.IdOf(registration.Spki).ToString());
        fields.Add("scheme", SnakeCase.Of(registration.Scheme));
        fields.Add("signatures", registration.Signatures.Count);
        return true;
    }

    private static bool TryAddRevocation(Dictionary<string, object> fields, ReadOnlySpan<byte> payload)
    {
        if (!KeyRevocation.TryDecode(payload, out KeyRevocation? revocation))
            return false;
        AddOwner(fields, revocation.Role, revocation.Owner);
        fields.Add("key", revocation.Key.ToString());
        fields.Add("signatures", revocation.Signatures.Count);
        return true;
    }

    private static bool TryAddClosing(Dictionary<string, object> fields, ReadOnlySpan<byte> payload)
    {
        if (!SessionClosing.TryDecode(payload, out SessionClosing? closing))
            return false;
        fields.Add("closed", Text(closing.Session));
        return true;
    }

    private static bool TryAddMandate(Dictionary<string, object> fields, LedgerState state, ReadOnlySpan<byte> payload)
    {
        if (!MandateSetting.TryDecode(payload, out MandateSetting? mandate))
            return false;
        fields.Add("wallet", Text(mandate.Wallet));
        fields.Add("participant", LedgerText.ParticipantOf(state, mandate.Participant));
        fields.Add("mandate", mandate.IsGiven ? "given" : "withdrawn");
        if (mandate.IsGiven)
            fields.Add("until", mandate.UntilNs == 0 ? "no end" : TimeText.Format(mandate.UntilNs));
        fields.Add("signatures", mandate.Signatures.Count);
        return true;
    }

    private static bool TryAddPolicy(Dictionary<string, object> fields, ReadOnlySpan<byte> payload)
    {
        if (!ConsentSetting.TryDecode(payload, out ConsentSetting? setting))
            return false;
        fields.Add("wallet", Text(setting.Wallet));
        fields.Add("policy", SnakeCase.Of(setting.Policy));
        if (setting.Policy != ConsentPolicy.Custodial)
        {
            fields.Add("needed", setting.SignaturesAbove);
            fields.Add("above_units", Text(setting.Threshold)); // of any currency, so without a scale
        }

        fields.Add("signatures", setting.Signatures.Count);
        return true;
    }

    private static bool TryAddChain(Dictionary<string, object> fields, LedgerState state, ReadOnlySpan<byte> payload)
    {
        if (!ChainOpening.TryDecode(payload, out ChainOpening? opening))
            return false;
        ChainCommitment chain = opening.Commitment;
        fields.Add("wallet", Text(chain.Wallet));
        fields.Add("participant", LedgerText.ParticipantOf(state, chain.Participant));
        fields.Add("stream", chain.Stream.ToString("x16", CultureInfo.InvariantCulture));
        fields.Add("currency", LedgerText.CurrencyOf(chain.Currency));
        if (chain.Payee != 0)
            fields.Add("payee", Text(chain.Payee));
        fields.Add("at_most", LedgerText.Amount(state, chain.AmountMax, chain.Currency));
        fields.Add("ceiling", LedgerText.Amount(state, chain.Ceiling, chain.Currency));
        fields.Add("expiry", TimeText.Format(chain.ExpiryNs));
        fields.Add("links", Text(chain.Length));
        fields.Add("end", chain.End.ToString());
        fields.Add("signatures", opening.Signatures.Count);
        return true;
    }

    private static void AddOwner(Dictionary<string, object> fields, KeyRole role, ulong owner) =>
        fields.Add(role == KeyRole.Session ? "of_session" : "wallet", Text(owner));

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
