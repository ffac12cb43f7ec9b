using System.CommandLine;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Gateway.Modules.Governance;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Operator;

/// <summary>`mandate give|withdraw`: leave for another participant's sessions to debit a wallet.</summary>
internal static class MandateVerbs
{
    public static Command Create(TextWriter output, TextWriter error) => new("mandate", "Leave for another participant to debit a wallet.")
    {
        Change("give", "Another participant's sessions may debit the wallet from here on.", isGiven: true, output, error),
        Change("withdraw", "They may no more.", isGiven: false, output, error),
    };

    public static string Until(ulong untilNs) => untilNs == 0 ? "" : $" until {TimeText.Format(untilNs)}";

    private static Command Change(string name, string description, bool isGiven, TextWriter output, TextWriter error)
    {
        Argument<ulong> wallet = OperatorOption.Wallet();
        Option<string> participant = OperatorOption.Participant("Who may debit it.");
        Option<ulong?> until = SettleOption.Parsed<ulong?>("--until", "TIME", "The last time at which it holds (RFC 3339). Default: without an end.", TryParseTime, TimeText.Expected);
        var signing = new OwnerSigning();
        var verb = new Command(name, description) { wallet, participant };
        if (isGiven)
            verb.Add(until);
        signing.AddTo(verb);
        return new OperatorOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            ulong number = parsed.GetValue(wallet);
            ushort whose = desk.ParticipantOf(parsed.GetValue(participant)!);
            var unsigned = new MandateSetting(number, whose, isGiven, isGiven ? parsed.GetValue(until) ?? 0 : 0, []);
            MandateSetting mandate = unsigned with { Signatures = signing.OfCommand(parsed, desk, Instruction.SetMandate, number, unsigned.Body()) };
            (Verdict verdict, ulong sequence) = desk.Send(Instruction.SetMandate, mandate.Encode());
            OperatorDesk.Check(verdict, verdict == Verdict.InvalidValue ? $"{desk.NameOf(whose)} answers for wallet {number} itself, or the time is over: a mandate is for another participant, and for a time to come." : null);
            string may = isGiven ? $"{desk.NameOf(whose)} may debit wallet {number}{Until(mandate.UntilNs)}" : $"{desk.NameOf(whose)} may not debit wallet {number}";
            return new DeskReply(verdict == Verdict.Duplicate ? $"{may}, as before; nothing has changed." : $"{may}.",
                ("wallet", number), ("participant", whose), ("given", isGiven), ("until", mandate.UntilNs == 0 ? null : TimeText.Format(mandate.UntilNs)),
                ("verdict", RefusalText.NameOf(verdict)), ("sequence", sequence));
        });
    }

    public static bool TryParseTime(string text, out ulong? ns)
    {
        bool isTime = TimeText.TryParse(text, out ulong time);
        ns = isTime ? time : null;
        return isTime;
    }
}
