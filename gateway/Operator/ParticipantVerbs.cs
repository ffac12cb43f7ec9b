using System.CommandLine;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Gateway.Modules.Governance;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Operator;

/// <summary>`participant add|list`: who settles in this ledger.</summary>
internal static class ParticipantVerbs
{
    public static Command Create(TextWriter output, TextWriter error) => new("participant", "Banks, processors and authorities that wallets belong to.")
    {
        Add(output, error), List(output, error),
    };

    private static Command Add(TextWriter output, TextWriter error)
    {
        var name = new Argument<string>("name") { Description = $"Its name, at most {ControlCommand.NameBytesMax} bytes of UTF-8." };
        Option<string> key = SettleOption.Text("--key", "PUBLIC", "Public key (PEM) that its first session is opened by; only then a session is opened.");
        Option<byte> clearance = OperatorOption.Clearance();
        Option<bool> declassify = SessionVerbs.Declassify();
        var verb = new Command("add", "Declares a participant; with --key it also opens a session for it and registers its key.") { name, key, clearance, declassify };
        return new OperatorOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            string called = CheckName(parsed.GetValue(name)!);
            PublicKey? shown = parsed.GetValue(key) is { } file ? KeyFiles.ReadPublic(file) : null;
            if (shown is null && (parsed.GetResult(clearance) is not null || parsed.GetValue(declassify)))
                throw new UsageException("--clearance and --declassify are a session's, and a session is opened for a key alone: name its public half with --key PUBLIC.");
            (ushort participant, bool isNew) = SessionOpening.Declare(desk, called);
            string declared = isNew ? $"Participant {participant} is '{called}'" : $"Participant {participant} was '{called}' before";
            if (shown is null)
                return new DeskReply($"{declared}.", ("participant", participant), ("name", called), ("new", isNew));
            byte level = parsed.GetValue(clearance);
            ushort? before = KeyVerbs.SessionOfKey(desk, shown, participant);
            ushort session = before ?? SessionOpening.Open(desk, participant, level, parsed.GetValue(declassify) ? SessionFlags.Declassify : SessionFlags.None);
            Verdict verdict = KeyVerbs.Register(desk, KeyRole.Session, session, shown, []).Verdict;
            if (before is null && verdict != Verdict.Accepted)
                desk.Send(Instruction.CloseSession, new SessionClosing(session).Encode()); // nobody could ever act as it
            OperatorDesk.Check(verdict, KeyVerbs.WhyNot(verdict, shown.Id, $"session {session}"));
            return new DeskReply(
                $"{declared}; who shows key {shown.Id} acts as its session {session}{(verdict == Verdict.Duplicate ? ", as before" : $", clearance {level}")}.",
                ("participant", participant), ("name", called), ("new", isNew), ("session", session), ("clearance", level), ("key", shown.Id.ToString()));
        });
    }

    private static Command List(TextWriter output, TextWriter error) => new OperatorOption().OnLedger(
        new Command("list", "Lists participants and how many sessions each has open."), output, error, (_, desk) =>
        {
            LedgerState state = desk.Known("who its participants are");
            var sessions = new int[state.Participants.Count];
            for (ushort session = 1; session < state.Sessions.Next; session++)
                sessions[state.Sessions.At(session).Participant] += state.Sessions.At(session).IsOpen ? 1 : 0;
            var lines = new StringBuilder();
            for (ushort participant = 0; participant < state.Participants.Count; participant++)
                lines.Append(participant == 0 ? "" : "\n").Append(System.Globalization.CultureInfo.InvariantCulture, $"{participant,5}  {state.Participants.NameOf(participant),-32}  {sessions[participant]} open sessions");
            return new DeskReply(lines.ToString(), ("participants", Enumerable.Range(0, state.Participants.Count)
                .Select(index => new { participant = index, name = state.Participants.NameOf((ushort)index), sessions_open = sessions[index] }).ToArray()));
        });

    private static string CheckName(string name) => name.Length > 0 && Encoding.UTF8.GetByteCount(name) <= ControlCommand.NameBytesMax && !name.Any(char.IsControl)
        ? name : throw new UsageException($"'{name}': a participant's name is expected, 1 to {ControlCommand.NameBytesMax} bytes of UTF-8 without control characters.");
}
