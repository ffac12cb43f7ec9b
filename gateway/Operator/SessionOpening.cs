using Settlement.Engine.Domain;
using Settlement.Gateway.Modules.Governance;

namespace Settlement.Gateway.Operator;

/// <summary>
/// Participants and sessions are numbered without a gap, and a command that makes one names its number. A ledger tells the next one; a server does not, so it is sent every number
/// that may be it, and accepts the one that is.
/// </summary>
/// <remarks>
/// Invariant: one participant or session is made, never two. Participants go in rising order, since a name that is there, or was just declared, is refused under any other number;
/// sessions in falling order, since numbers above the next one are refused, and those below it are taken.
/// What is refused is journaled, 64 bytes each: so steps are small first.
/// </remarks>
internal static class SessionOpening
{
    private const int StepFirst = 64;
    private const int StepMost = 4_096;

    /// <summary>Declares a participant; one of that name may be there already.</summary>
    /// <exception cref="LawRefusedException">It cannot be.</exception>
    public static (ushort Participant, bool IsNew) Declare(OperatorDesk desk, string name)
    {
        if (desk.State is { } state)
        {
            bool isKnown = state.Participants.TryFind(name, out ushort known);
            ushort index = isKnown ? known : (ushort)state.Participants.Count;
            Verdict verdict = desk.Send(Declaration(name, index));
            OperatorDesk.Check(verdict);
            return (index, verdict == Verdict.Accepted);
        }

        for ((int first, int step) = (1, StepFirst); first <= ushort.MaxValue; (first, step) = (first + step, Math.Min(2 * step, StepMost)))
        {
            int count = Math.Min(step, ushort.MaxValue + 1 - first);
            Verdict[] verdicts = desk.Send([.. Enumerable.Range(first, count).Select(index => Declaration(name, (ushort)index))]);
            int found = Array.FindIndex(verdicts, verdict => verdict is Verdict.Accepted or Verdict.Duplicate);
            if (found >= 0)
                return ((ushort)(first + found), verdicts[found] == Verdict.Accepted);
            if (verdicts.FirstOrDefault(verdict => verdict is not Verdict.AlreadyExists) is var refusal and not Verdict.Undecided)
                OperatorDesk.Check(refusal);
        }

        throw new LawRefusedException(OperatorDesk.Common(Verdict.CapacityExceeded));
    }

    /// <summary>Opens a session.</summary>
    /// <exception cref="LawRefusedException">It cannot be.</exception>
    public static ushort Open(OperatorDesk desk, ushort participant, byte clearance, SessionFlags flags)
    {
        ControlCommand Opening(ushort index) => new()
        {
            Instruction = Instruction.OpenSession, Subject = index, Participant = participant, Level = clearance, SessionFlags = flags,
        };

        if (desk.State is { } state)
        {
            ushort next = (ushort)state.Sessions.Next;
            OperatorDesk.Check(desk.Send(Opening(next)));
            return next;
        }

        for ((int first, int step) = (1, StepFirst); first <= ushort.MaxValue; (first, step) = (first + step, Math.Min(2 * step, StepMost)))
        {
            int count = Math.Min(step, ushort.MaxValue + 1 - first);
            Verdict[] verdicts = desk.Send([.. Enumerable.Range(first, count).Reverse().Select(index => Opening((ushort)index))]);
            int found = Array.IndexOf(verdicts, Verdict.Accepted);
            if (found >= 0)
                return (ushort)(first + count - 1 - found);
            // The highest number first: where it is taken, so are all below it, and the next one lies further on.
            if (verdicts[0] is not (Verdict.AlreadyExists or Verdict.Duplicate))
                OperatorDesk.Check(verdicts.First(verdict => verdict is not Verdict.InvalidValue and not Verdict.AlreadyExists and not Verdict.Duplicate));
        }

        throw new LawRefusedException(OperatorDesk.Common(Verdict.CapacityExceeded));
    }

    private static ControlCommand Declaration(string name, ushort index)
    {
        var declare = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = index };
        declare.SetName(name);
        return declare;
    }
}
