using System.CommandLine;
using Settlement.Engine.Consent;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Gateway.Modules.Governance;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Operator;

/// <summary>`wallet open|show`: one wallet without a file of wallets, and what the ledger knows about one.</summary>
internal static class WalletVerbs
{
    public static Command Create(TextWriter output, TextWriter error) => new("wallet", "Wallets: open one, show one. Many are opened by `settle --wallets FILE`.")
    {
        Open(output, error), Show(output, error),
    };

    private static Command Open(TextWriter output, TextWriter error)
    {
        Argument<ulong> wallet = OperatorOption.Wallet();
        Option<string> participant = OperatorOption.Participant("Who answers for it, and settles for it.");
        Option<ushort> country = SettleOption.Parsed<ushort>("--country", "CC", "Country of the record, two letters.",
            (string text, out ushort number) => (number = Iso3166.NumberOf(text)) != 0, "a country of ISO 3166, such as DE");
        country.Required = true;
        Option<ushort> currency = CurrencyOption("Currency of its account; sent once more with another, it opens a further one.");
        Option<ulong?> tier = SettleOption.Number("--tier", "N", $"How well its owner is identified, 0 to {Limits.TierMax}. Default: 0.", 0, Limits.TierMax);
        Option<ulong?> level = SettleOption.Number("--level", "N", "How secret it is, 0 to 255. Default: 0.", 0, 255);
        Option<ulong?> holder = SettleOption.Number("--holder", "N", "Number that all wallets of one person share, for limits.");
        Option<PartyKind> kind = SettleOption.Parsed("--kind", "KIND", "What its owner is. Default: unstated.",
            (string text, out PartyKind of) => Enum.TryParse(text.Replace("_", "", StringComparison.Ordinal), ignoreCase: true, out of) && of <= PartyKind.Last && !char.IsAsciiDigit(text[0]),
            string.Join(", ", Enum.GetValues<PartyKind>().Where(one => one is not PartyKind.Last || one == PartyKind.NonProfit).Distinct().Select(SnakeCase.Of)));
        var verb = new Command("open", "Opens a wallet with an account in one currency, or a further account of it.") { wallet, participant, country, currency, tier, level, holder, kind };
        return new OperatorOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            ulong number = parsed.GetValue(wallet);
            ushort whose = desk.ParticipantOf(parsed.GetValue(participant)!);
            ushort money = parsed.GetValue(currency);
            Verdict verdict = desk.Send(new ControlCommand
            {
                Instruction = Instruction.OpenWallet, Subject = number, Participant = whose, Country = parsed.GetValue(country), Currency = money,
                Tier = (byte)(parsed.GetValue(tier) ?? 0), Level = (byte)(parsed.GetValue(level) ?? 0), Holder = parsed.GetValue(holder) ?? 0, Kind = parsed.GetValue(kind),
            });
            OperatorDesk.Check(verdict, verdict == Verdict.AlreadyExists ? $"Wallet {number} is there with other attributes, and stays as it is: `wallet show {number}`." : null);
            return new DeskReply(verdict == Verdict.Duplicate ? $"Wallet {number} had an account in {Iso4217.LettersOf(money)} before; nothing has changed."
                    : $"Wallet {number} of {desk.NameOf(whose)} has an account in {Iso4217.LettersOf(money)}.",
                ("wallet", number), ("participant", whose), ("currency", Iso4217.LettersOf(money)), ("verdict", RefusalText.NameOf(verdict)));
        });
    }

    public static Option<ushort> CurrencyOption(string description)
    {
        Option<ushort> currency = SettleOption.Parsed<ushort>("--currency", "CCY", description,
            (string text, out ushort number) => CurrencyScales.TryFindCurrency(System.Text.Encoding.UTF8.GetBytes(text), out number), "a currency of ISO 4217, such as EUR");
        currency.Required = true;
        return currency;
    }

    private static Command Show(TextWriter output, TextWriter error)
    {
        Argument<ulong> wallet = OperatorOption.Wallet();
        return new OperatorOption().OnLedger(new Command("show", "Shows who answers for a wallet, how its owner consents, and with which keys.") { wallet }, output, error, (parsed, desk) =>
        {
            ulong number = parsed.GetValue(wallet);
            LedgerState state = desk.Known("how a wallet's owner consents");
            int head = state.Accounts.Find(number);
            if (head == 0)
                throw new LawRefusedException($"The ledger has no wallet {number}.");
            AccountRow row = state.Accounts[head];
            WalletConsent? consent = state.Consent.FindWallet(number);
            string policy = SnakeCase.Of(row.Policy);
            string[] keys = [.. (consent?.Keys ?? []).Where(key => !key.IsRevoked).Select(key => $"{key.Number}: {key.Id}")];
            Mandate[] mandates = [.. state.Consent.ListMandates().Where(one => one.Wallet == number)];
            string needed = consent is { SignaturesAbove: > 0 } ? $", {consent.SignaturesAbove} signatures{(consent.Threshold > 0 ? $" above {consent.Threshold} smallest units" : "")}" : "";
            return new DeskReply(
                $"Wallet {number} of {state.Participants.NameOf(row.Participant)}, {Iso3166.LettersOf(row.Country)}, tier {row.Tier}, level {row.Level}, {SnakeCase.Of(row.Status)}; consent {policy}{needed}, counter {consent?.Counter ?? 0}"
                + string.Concat(keys.Select(key => $"\n  key {key}"))
                + string.Concat(mandates.Select(one => $"\n  mandate of {state.Participants.NameOf(one.Participant)}{MandateVerbs.Until(one.UntilNs)}")),
                ("wallet", number), ("participant", row.Participant), ("country", Iso3166.LettersOf(row.Country)), ("tier", row.Tier), ("level", row.Level), ("status", SnakeCase.Of(row.Status)),
                ("consent", policy), ("signatures_above", consent?.SignaturesAbove ?? 0), ("threshold", consent?.Threshold ?? 0), ("counter", consent?.Counter ?? 0), ("keys", keys),
                ("mandates", mandates.Select(one => new { participant = one.Participant, until = one.UntilNs == 0 ? null : TimeText.Format(one.UntilNs) }).ToArray()));
        });
    }
}
