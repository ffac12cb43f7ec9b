using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Gateway.Modules.Governance;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Operator;

/// <summary>`session open|close|list`: in whose name, and up to which level, somebody who connects acts.</summary>
internal static class SessionVerbs
{
    public static Command Create(TextWriter output, TextWriter error) => new("session", "Sessions: in whose name, and up to which level, somebody who connects acts.")
    {
        Open(output, error), Close(output, error), List(output, error),
    };

    public static Option<bool> Declassify() => new("--declassify") { Description = "The session may pay into wallets of a lower level than the payment's data: an exit, and counted." };

    private static Command Open(TextWriter output, TextWriter error)
    {
        Option<string> participant = OperatorOption.Participant("In whose name it acts.");
        Option<byte> clearance = OperatorOption.Clearance();
        Option<bool> declassify = Declassify();
        var isOperator = new Option<bool>("--operator") { Description = "It acts for every participant, and may send control commands up to its clearance. Only for the operator itself." };
        var verb = new Command("open", "Opens a session; `key register` says who acts as it.") { participant, clearance, declassify, isOperator };
        return new OperatorOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            ushort whose = desk.ParticipantOf(parsed.GetValue(participant)!);
            byte level = parsed.GetValue(clearance);
            if (parsed.GetValue(isOperator) && whose != Limits.OperatorParticipant)
                throw new UsageException($"--operator: a session of {desk.NameOf(whose)} cannot be the operator's; participant {Limits.OperatorParticipant} is the operator.");
            SessionFlags flags = (parsed.GetValue(declassify) ? SessionFlags.Declassify : 0) | (parsed.GetValue(isOperator) ? SessionFlags.Operator : 0);
            ushort session = SessionOpening.Open(desk, whose, level, flags);
            return new DeskReply($"Session {session} of {desk.NameOf(whose)} is open, clearance {level}{Words(flags)}.",
                ("session", session), ("participant", whose), ("clearance", level), ("operator", flags.HasFlag(SessionFlags.Operator)), ("declassify", flags.HasFlag(SessionFlags.Declassify)));
        });
    }

    private static Command Close(TextWriter output, TextWriter error)
    {
        var session = new Argument<ushort>("session")
        {
            Description = "The session's index.",
            CustomParser = result => ushort.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out ushort index) && index != 0
                ? index : GovernanceOption.Fail<ushort>(result, "the index of a session, from 1 to 65535"),
        };
        var verb = new Command("close", "Ends a session for ever: what it sends from then on is of an unknown session.") { session };
        return new OperatorOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            ushort index = parsed.GetValue(session);
            (Verdict verdict, ulong sequence) = desk.Send(Instruction.CloseSession, new SessionClosing(index).Encode());
            OperatorDesk.Check(verdict, verdict == Verdict.InvalidValue
                ? index == Limits.OperatorSession ? "Session 1 is the operator's own and stays: revoke a key of it instead." : $"The ledger has no session {index}: `session list` shows those that it has."
                : null);
            return new DeskReply(verdict == Verdict.Duplicate ? $"Session {index} was closed before; nothing has changed." : $"Session {index} is closed.",
                ("session", index), ("verdict", RefusalText.NameOf(verdict)), ("sequence", sequence));
        });
    }

    private static Command List(TextWriter output, TextWriter error) => new OperatorOption().OnLedger(
        new Command("list", "Lists sessions, open and closed."), output, error, (_, desk) =>
        {
            LedgerState state = desk.Known("who its sessions are");
            var lines = new StringBuilder();
            var listed = new List<object>();
            for (ushort session = 1; session < state.Sessions.Next; session++)
            {
                SessionRecord record = state.Sessions.At(session);
                string name = state.Participants.NameOf(record.Participant);
                string[] keys = [.. state.Consent.ListSessionKeys().Where(key => key.Owner == session && !key.IsRevoked).Select(key => key.Id.ToString())];
                lines.Append(session == 1 ? "" : "\n").Append(CultureInfo.InvariantCulture,
                    $"{session,5}  {name,-32}  {(record.IsOpen ? $"clearance {record.Clearance}{Words(record.Flags)}" : "closed")}{string.Concat(keys.Select(key => $", key {key}"))}");
                listed.Add(new
                {
                    session, participant = record.Participant, name, open = record.IsOpen, clearance = record.Clearance,
                    @operator = record.IsOperator, declassify = record.MayDeclassify, keys,
                });
            }

            return new DeskReply(lines.ToString(), ("sessions", listed.ToArray()));
        });

    private static string Words(SessionFlags flags) =>
        (flags.HasFlag(SessionFlags.Operator) ? ", operator" : "") + (flags.HasFlag(SessionFlags.Declassify) ? ", may declassify" : "");
}
