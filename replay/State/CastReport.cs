using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Consent;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.State;

/// <summary>Who may do what in a ledger at a point: sessions, keys, mandates, how owners consent, chains. Public halves of keys by their ids; no secret is in a ledger's state.</summary>
internal sealed class CastReport(LedgerState state)
{
    public void PrintLines(TextWriter output)
    {
        for (ushort session = 1; session < state.Sessions.Next; session++)
        {
            SessionRecord record = state.Sessions.At(session);
            string flags = (record.IsOperator ? ", operator" : "") + (record.MayDeclassify ? ", may declassify" : "");
            Line(output, $"  session {session}  {state.Participants.NameOf(record.Participant)}, {(record.IsOpen ? $"clearance {record.Clearance}{flags}" : "closed")}");
        }

        foreach (RegisteredKey key in state.Consent.ListSessionKeys())
            Line(output, $"  key {key.Id}  session {key.Owner}, {SnakeCase.Of(key.Scheme)}{Revoked(key)}");
        foreach (WalletConsent wallet in state.Consent.ListWallets())
        {
            Line(output, $"  wallet {wallet.Wallet}  consent {SnakeCase.Of(wallet.Policy)}, {wallet.SignaturesAbove} signatures above {wallet.Threshold} units, counter {wallet.Counter}");
            foreach (RegisteredKey key in wallet.Keys)
                Line(output, $"  key {key.Id}  wallet {key.Owner}, number {key.Number}, {SnakeCase.Of(key.Scheme)}{Revoked(key)}");
        }

        foreach (Mandate mandate in state.Consent.ListMandates())
            Line(output, $"  mandate  wallet {mandate.Wallet}, {state.Participants.NameOf(mandate.Participant)}{(mandate.UntilNs == 0 ? "" : $", until {TimeText.Format(mandate.UntilNs)}")}");
        foreach (PayChain chain in state.Consent.ListChains())
        {
            ChainCommitment its = chain.Commitment;
            Line(output, $"  chain {its.Stream:x16}  wallet {its.Wallet}, {state.Participants.NameOf(its.Participant)}, link {chain.Last} of {its.Length}, spent {Amount(chain.Spent, its)} of {Amount(its.Ceiling, its)} {LedgerText.CurrencyOf(its.Currency)}, until {TimeText.Format(its.ExpiryNs)}");
        }
    }

    public void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("session_list");
        for (ushort session = 1; session < state.Sessions.Next; session++)
        {
            SessionRecord record = state.Sessions.At(session);
            writer.WriteStartObject();
            writer.WriteNumber("session", session);
            writer.WriteString("participant", state.Participants.NameOf(record.Participant));
            writer.WriteNumber("clearance", record.Clearance);
            writer.WriteBoolean("open", record.IsOpen);
            writer.WriteBoolean("operator", record.IsOperator);
            writer.WriteBoolean("declassify", record.MayDeclassify);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        WriteKeys(writer, "session_keys", state.Consent.ListSessionKeys());
        writer.WriteStartArray("consents");
        foreach (WalletConsent wallet in state.Consent.ListWallets())
        {
            writer.WriteStartObject();
            writer.WriteString("wallet", JsonText.Exact(wallet.Wallet));
            writer.WriteString("consent", SnakeCase.Of(wallet.Policy));
            writer.WriteNumber("signatures", wallet.SignaturesAbove);
            writer.WriteString("above_units", JsonText.Exact(wallet.Threshold));
            writer.WriteString("counter", JsonText.Exact(wallet.Counter));
            WriteKeys(writer, "keys", wallet.Keys);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("mandates");
        foreach (Mandate mandate in state.Consent.ListMandates())
        {
            writer.WriteStartObject();
            writer.WriteString("wallet", JsonText.Exact(mandate.Wallet));
            writer.WriteString("participant", state.Participants.NameOf(mandate.Participant));
            writer.WriteString("until", mandate.UntilNs == 0 ? null : TimeText.Format(mandate.UntilNs));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("chains");
        foreach (PayChain chain in state.Consent.ListChains())
            WriteChain(writer, chain);
        writer.WriteEndArray();
    }

    private void WriteChain(Utf8JsonWriter writer, PayChain chain)
    {
        ChainCommitment its = chain.Commitment;
        writer.WriteStartObject();
        writer.WriteString("stream", its.Stream.ToString("x16", CultureInfo.InvariantCulture));
        writer.WriteString("wallet", JsonText.Exact(its.Wallet));
        writer.WriteString("participant", state.Participants.NameOf(its.Participant));
        writer.WriteString("currency", LedgerText.CurrencyOf(its.Currency));
        writer.WriteString("payee", its.Payee == 0 ? null : JsonText.Exact(its.Payee));
        writer.WriteString("at_most", Amount(its.AmountMax, its));
        writer.WriteString("ceiling", Amount(its.Ceiling, its));
        writer.WriteString("spent", Amount(chain.Spent, its));
        writer.WriteNumber("link", chain.Last);
        writer.WriteNumber("links", its.Length);
        writer.WriteString("until", TimeText.Format(its.ExpiryNs));
        writer.WriteEndObject();
    }

    private static void WriteKeys(Utf8JsonWriter writer, string name, IReadOnlyList<RegisteredKey> keys)
    {
        writer.WriteStartArray(name);
        foreach (RegisteredKey key in keys)
        {
            writer.WriteStartObject();
            writer.WriteString("key", key.Id.ToString());
            writer.WriteString("scheme", SnakeCase.Of(key.Scheme));
            writer.WriteString(key.Number == 0 ? "session" : "wallet", JsonText.Exact(key.Owner));
            writer.WriteNumber("number", key.Number);
            writer.WriteBoolean("revoked", key.IsRevoked);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private string Amount(ulong amount, ChainCommitment chain) => LedgerText.Amount(state, amount, chain.Currency);

    private static string Revoked(RegisteredKey key) => key.IsRevoked ? ", revoked" : "";

    private static void Line(TextWriter output, FormattableString line) => output.WriteLine(FormattableString.Invariant(line));
}
