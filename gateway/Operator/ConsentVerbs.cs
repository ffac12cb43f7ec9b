using System.CommandLine;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Gateway.Modules.Governance;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Operator;

/// <summary>`consent set`: how a wallet's owner agrees to what is taken from it.</summary>
internal static class ConsentVerbs
{
    public static Command Create(TextWriter output, TextWriter error) => new("consent", "How a wallet's owner agrees to what is taken from it.") { Set(output, error) };

    private static Command Set(TextWriter output, TextWriter error)
    {
        Argument<ulong> wallet = OperatorOption.Wallet();
        var policy = new Argument<ConsentPolicy>("policy")
        {
            Description = "custodial: its participant answers for it. signed: each payment carries signatures of its keys. stream: each payment reveals the next link of a chain that its owner signed.",
            CustomParser = result => Enum.TryParse(result.Tokens[0].Value, ignoreCase: true, out ConsentPolicy named) && named <= ConsentPolicy.Last && !char.IsAsciiDigit(result.Tokens[0].Value[0])
                ? named : GovernanceOption.Fail<ConsentPolicy>(result, "custodial, signed or stream"),
        };
        Option<ulong?> signatures = SettleOption.Number("--signatures", "K", "How many different keys of the wallet must sign. Default: 1.", 1, ConsentBounds.WalletKeysMax);
        Option<ulong?> above = SettleOption.Number("--above", "UNITS", "Only for amounts above this, in the smallest unit of whichever currency; up to it one signature is enough. Needs --signatures above 1.");
        var signing = new OwnerSigning();
        var verb = new Command("set", "Says how a wallet's owner consents from here on.") { wallet, policy, signatures, above };
        signing.AddTo(verb);
        return new OperatorOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            ulong number = parsed.GetValue(wallet);
            ConsentPolicy way = parsed.GetValue(policy);
            (ulong? k, ulong threshold) = (parsed.GetValue(signatures), parsed.GetValue(above) ?? 0);
            if (way == ConsentPolicy.Custodial && (k is not null || threshold != 0))
                throw new UsageException("--signatures and --above are for signed and stream: of a custodial wallet nothing is signed.");
            byte needed = way == ConsentPolicy.Custodial ? (byte)0 : (byte)(k ?? 1);
            if (threshold != 0 && needed < 2)
                throw new UsageException("--above: say with --signatures how many more than one are needed above it.");
            var unsigned = new ConsentSetting(number, way, needed, threshold, []);
            ConsentSetting setting = unsigned with { Signatures = signing.OfCommand(parsed, desk, Instruction.SetConsent, number, unsigned.Body()) };
            (Verdict verdict, ulong sequence) = desk.Send(Instruction.SetConsent, setting.Encode());
            OperatorDesk.Check(verdict, verdict == Verdict.QuorumMissing ? $"Wallet {number} has fewer than {needed} keys that could sign: `key register FILE --wallet {number}` first." : null);
            string words = $"Wallet {number} is {SnakeCase.Of(way)}{(needed > 0 ? $": {needed} signature{(needed > 1 ? "s" : "")}{(threshold > 0 ? $" above {threshold} smallest units, one up to it" : "")}" : "")}";
            return new DeskReply(verdict == Verdict.Duplicate ? $"{words}, as before; nothing has changed." : $"{words}.",
                ("wallet", number), ("consent", SnakeCase.Of(way)), ("signatures", needed), ("above", threshold), ("verdict", RefusalText.NameOf(verdict)), ("sequence", sequence));
        });
    }
}
