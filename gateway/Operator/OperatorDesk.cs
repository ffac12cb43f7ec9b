using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Gateway.Modules.Governance;

namespace Settlement.Gateway.Operator;

/// <summary>Where an operator's command goes: into a ledger that nobody else has open, or to the server that has.</summary>
internal abstract class OperatorDesk : IDisposable
{
    public abstract UInt128 LedgerId { get; }

    /// <summary>The ledger itself; null: it is a server's, which tells no more than verdicts.</summary>
    public abstract LedgerState? State { get; }

    /// <summary>Sends commands of one slot, together and in their order.</summary>
    /// <returns>One a command.</returns>
    public abstract Verdict[] Send(ReadOnlySpan<ControlCommand> commands);

    /// <summary>Sends one command with what it says.</summary>
    /// <returns>Its verdict, and the sequence of its last slot; 0 where that is not told.</returns>
    public abstract (Verdict Verdict, ulong Sequence) Send(Instruction instruction, ReadOnlySpan<byte> payload);

    public Verdict Send(in ControlCommand command) => Send(new ReadOnlySpan<ControlCommand>(in command))[0];

    /// <summary>The ledger's state, for what only it can tell.</summary>
    /// <param name="what">It is needed for, as the end of a sentence.</param>
    /// <exception cref="LawRefusedException">There is only a server.</exception>
    public LedgerState Known(string what) => State ?? throw new LawRefusedException(
        $"A server does not tell {what}: `replay state` over its journal does, beside it.");

    private const string OperatorName = "operator";

    /// <summary>The participant that a command line names: by its name, or by its number.</summary>
    /// <exception cref="LawRefusedException">There is none.</exception>
    public ushort ParticipantOf(string text)
    {
        if (State is { } state && state.Participants.TryFind(text, out ushort named))
            return named;
        if (text == OperatorName)
            return Limits.OperatorParticipant; // genesis makes it, so a server need not be asked
        bool isNumber = ushort.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out ushort number);
        if (isNumber && (State is null || State.Participants.Knows(number)))
            return number;
        throw new LawRefusedException(State is null
            ? $"'{text}': a server is told participants by their number; `participant add` printed it, and `replay state` over its journal does."
            : $"The ledger has no participant '{text}': `participant list` shows those that there are, and `participant add {text}` declares one.");
    }

    public string NameOf(ushort participant) => State is { } state ? state.Participants.NameOf(participant) : $"participant {participant}";

    public abstract void Dispose();

    /// <summary>What a refusal means where a verb has no words of its own for it.</summary>
    public static string Common(Verdict verdict) => verdict switch
    {
        Verdict.NotAuthorised => "This session may not send this command: take the key of an operator's session, or of the wallet's own participant where that is enough.",
        Verdict.UnknownSession => "The session that sends this is closed.",
        Verdict.UnknownParticipant => "The ledger has no such participant: `participant add` declares one.",
        Verdict.UnknownWallet => "The ledger has no such wallet, or it is closed, or above this session's clearance.",
        Verdict.UnknownCurrency => "The ledger has no such currency: a wallets file that names it declares it.",
        Verdict.CapacityExceeded => "The ledger has no room for one more of these.",
        Verdict.ConsentMissing => "The wallet's owner has to agree: sign with as many of the wallet's keys as its policy asks for (--sign FILE), or send the same from two operator's sessions.",
        Verdict.AwaitingQuorum => "Counted: without its owner's signatures (--sign FILE) it takes effect when a second operator's session sends the same command.",
        Verdict.BadSignature => "A signature is not that key's over this command: sign again, with the wallet's counter as it is now.",
        Verdict.UnknownKey => "The ledger has no such key there, or it is revoked: `key list` shows those that it has.",
        Verdict.InvalidValue => "The ledger cannot take a value of this command: see --help for what is expected.",
        _ => $"The ledger refused the command: {VerdictText.NameOf(verdict)}.",
    };

    /// <exception cref="LawRefusedException">It is a refusal.</exception>
    public static void Check(Verdict verdict, string? special = null)
    {
        if (verdict is not (Verdict.Accepted or Verdict.Duplicate))
            throw new LawRefusedException(special ?? Common(verdict));
    }
}

/// <summary>A ledger that was stopped, opened for a few commands.</summary>
/// <param name="desk">The ledger.</param>
/// <param name="session">That commands are sent as.</param>
internal sealed class StoppedDesk(LawDesk desk, ushort session) : OperatorDesk
{
    public override UInt128 LedgerId => desk.State.LedgerId;

    public override LedgerState State => desk.State;

    public override Verdict[] Send(ReadOnlySpan<ControlCommand> commands)
    {
        var verdicts = new Verdict[commands.Length];
        for (int i = 0; i < commands.Length; i++)
            verdicts[i] = Send(commands[i], default).Verdict;
        return verdicts;
    }

    public override (Verdict Verdict, ulong Sequence) Send(Instruction instruction, ReadOnlySpan<byte> payload) =>
        Send(new ControlCommand { Instruction = instruction }, payload);

    public override void Dispose() => desk.Dispose();

    private (Verdict Verdict, ulong Sequence) Send(ControlCommand command, ReadOnlySpan<byte> payload)
    {
        command.Session = session;
        return desk.Send(command, payload);
    }
}
