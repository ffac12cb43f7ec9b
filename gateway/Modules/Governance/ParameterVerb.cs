using System.CommandLine;
using System.CommandLine.Parsing;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Modules.Governance;

/// <summary>`rules parameter EUR.rate=1.08`: what a currency's authority says a rate or an index is.</summary>
internal static class ParameterVerb
{
    /// <summary>Digits behind the point: parameters count in units of 10^-9.</summary>
    private const int Scale = 9;

    private readonly record struct Assignment(ParameterName Name, ulong Value);

    public static Command Create(TextWriter output, TextWriter error)
    {
        var assignment = new Argument<Assignment>("assignment")
        {
            Description = "CURRENCY.NAME=VALUE, such as EUR.rate=1.08, with at most nine digits behind the point; EUR.rate=none takes the value away.",
            CustomParser = result => ParameterText.TryParse(result.Tokens[0].Value, mayBeNone: true, out ParameterName name, out ulong value, out string fault)
                ? new Assignment(name, value) : Unreadable(result, fault),
        };
        Option<ActivationPoint> at = GovernanceOption.At();
        var verb = new Command("parameter", "Journals a rate or an index of a currency, under a session of its authority; laws that use it change with it, without a new module.") { assignment, at };
        return new GovernanceOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            (ParameterName name, ulong value) = parsed.GetValue(assignment);
            ActivationPoint point = parsed.GetValue(at);
            string words = $"{Iso4217.LettersOf(name.Currency)}.{name.Name}";
            var command = new ParameterCommand(name.Currency, name.Name, value, point);
            (Verdict verdict, ulong sequence) = desk.Send(Instruction.SetParameter, command.Encode(), SessionOf(desk.State, name.Currency));
            RefusalText.Check(verdict, verdict switch
            {
                Verdict.RulesUnsound => $"With {words} {Text(value)} no plan can be built from the laws in force; it stays {Text(desk.Book.ValueOf(name) ?? 0)}.",
                Verdict.InvalidValue => $"--at: the ledger is at sequence {desk.State.Sequence}, {TimeText.Format(desk.State.TimeNs)}: name a later point, or now.",
                Verdict.CapacityExceeded => $"The ledger holds at most {GovernanceBounds.ParametersMax} parameters and {GovernanceBounds.ScheduleMax} changes to come: take one away first.",
                _ => null,
            });
            return new DeskReply(
                verdict == Verdict.Duplicate ? $"{words} {(point.Kind == PointKind.Now ? "is" : "was to be")} {Text(value)} already; nothing has changed."
                    : $"{words} is {Text(value)} {GovernanceWords.Of(point)} (sequence {sequence}).",
                ("parameter", words), ("value", value == 0 ? null : AmountText.ToText(value, Scale)),
                ("at", point.Kind switch { PointKind.Sequence => point.Value, PointKind.Time => TimeText.Format(point.Value), _ => "now" }),
                ("verdict", RefusalText.NameOf(verdict)), ("sequence", sequence));
        });
    }

    private static string Text(ulong value) => value == 0 ? "without a value" : AmountText.ToText(value, Scale).TrimEnd('0').TrimEnd('.');

    /// <summary>The session of the currency's authority with the highest clearance.</summary>
    private static ushort SessionOf(LedgerState state, ushort currency)
    {
        byte index = state.Currencies.IndexOf(currency);
        if (index == 0)
            throw new LawRefusedException($"The ledger has no currency {Iso4217.LettersOf(currency)}: a wallets file that names it declares it.");
        ushort authority = state.Currencies[index].Authority;
        ushort best = 0;
        for (ushort session = 1; session < state.Sessions.Next; session++)
        {
            ref readonly SessionRecord record = ref state.Sessions.At(session);
            if (record.IsOpen && record.Participant == authority && (best == 0 || record.Clearance > state.Sessions.At(best).Clearance))
                best = session;
        }

        return best != 0 ? best : throw new LawRefusedException(
            $"{state.Participants.NameOf(authority)}, the authority of {Iso4217.LettersOf(currency)}, has no session in this ledger: open one for it, for nobody else may say this.");
    }

    private static Assignment Unreadable(ArgumentResult result, string fault)
    {
        result.AddError($"parameter '{result.Tokens[0].Value}': {fault}.");
        return default;
    }
}
