using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Reply;
using Settlement.Engine.Snapshots;
using Settlement.Engine.Text;
using Settlement.Gateway.Init;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Modules.Governance;

/// <summary>What every verb of governance is told about the ledger that it is for.</summary>
internal sealed record DeskOptions
{
    public required string Journal { get; init; }

    /// <summary>File of the node's private key; null: beside the journal.</summary>
    public string? NodeKey { get; init; }

    /// <summary>Fixed block time, ns since the epoch; null: the machine's clock.</summary>
    public ulong? ClockNs { get; init; }

    public bool Json { get; init; }
}

/// <summary>
/// A ledger opened for a few commands of governance: each is sent, and waited for until it is durable and answered, and until the plans that it asks for are
/// built and attested.
/// </summary>
/// <remarks>
/// Invariant: <see cref="State"/> is read between commands alone, while nothing is under way.
/// Failure assumed: the command is refused; then the ledger is as it was, and the verb says why.
/// </remarks>
internal sealed class LawDesk : IReplyPublisher, IBatchPublisher, IDisposable
{
    private const int OwnCommand = SlotSource.FirstFile;

    private readonly CommandWarnings _warnings;
    private readonly Node _node;
    private readonly Submitter _submitter;
    private Outcome _outcome; // written by: reply thread
    private ulong _lastSequence; // written by: reply thread

    private LawDesk(DeskOptions options, TextWriter error)
    {
        Options = options;
        _warnings = new CommandWarnings(error);
        BlockClock clock = options.ClockNs is { } fixedNs ? BlockClock.Fixed(fixedNs) : BlockClock.System;
        var node = new NodeOptions
        {
            Pipeline = new PipelineOptions { Clock = clock },
            Snapshots = new SnapshotOptions { EveryJournalBytes = SettleOptions.SnapshotEveryDefault, IdMemoryBytes = SettleOptions.IdMemoryBytesDefault },
            Warn = warning => error.WriteLine($"warning: {warning}"),
        };
        const string KeyOption = GovernanceOption.NodeKeyName;
        _node = LedgerOpening.Open(options.Journal, LedgerFounding.Open(node, options.Journal, options.NodeKey, KeyOption), options.NodeKey, KeyOption, this, this, error);
        Scales = LedgerOpening.ScalesOf(State);
        _submitter = new Submitter(_node.Pipeline, null);
        var setUp = new LedgerSetUp(State, _submitter, Scales);
        setUp.AcceptTime(clock.NowNs);
        setUp.ApplyFirstSettings(new SettleOptions());
        _node.Pipeline.Drain();
    }

    public DeskOptions Options { get; }

    public LedgerState State => _node.State;

    public LawBook Book => State.LawBook;

    public CurrencyScales Scales { get; }

    /// <exception cref="UsageException">There is no ledger, or its key is not there.</exception>
    /// <exception cref="JournalException">The journal cannot be opened.</exception>
    public static LawDesk Open(DeskOptions options, TextWriter error)
    {
        if (!FasterJournal.Exists(options.Journal))
            throw new UsageException($"There is no ledger in '{options.Journal}': `init --journal {options.Journal}` creates one.");
        return new LawDesk(options, error);
    }

    /// <summary>Sends a command and waits until it is durable, decided, and nothing is to be built because of it.</summary>
    /// <returns>Its verdict, and the sequence of its last slot.</returns>
    /// <exception cref="EngineStoppedException">The engine stopped.</exception>
    public (Verdict Verdict, ulong Sequence) Send(Instruction instruction, ReadOnlySpan<byte> payload, ushort session = Limits.OperatorSession) =>
        Send(new ControlCommand { Instruction = instruction, Session = session }, payload);

    /// <summary>As above, for a command whose values stand in itself; the operator's session sends it unless it names another.</summary>
    public (Verdict Verdict, ulong Sequence) Send(ControlCommand command, ReadOnlySpan<byte> payload = default)
    {
        if (command.Session == 0)
            command.Session = Limits.OperatorSession;
        _submitter.Command(in command, new SlotTag(OwnCommand, 1), payload);
        _node.Pipeline.Drain();
        return (_outcome.Verdict, _lastSequence);
    }

    /// <summary>The sequence behind a command that would be sent now, for what shall take effect at once.</summary>
    public ulong SequenceBehind(ReadOnlySpan<byte> payload) => State.Sequence + 2 + (ulong)((payload.Length + Payment.Size - 1) / Payment.Size);

    public void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ulong> tags, ulong firstSequence)
    {
        for (int i = 0; i < slots.Length; i++)
        {
            if (SlotTag.Of(tags[i]).Source == OwnCommand)
                (_outcome, _lastSequence) = (outcomes[i], firstSequence + (ulong)i);
            else
                _warnings.Note(in slots[i], in outcomes[i]);
        }
    }

    public void OnClosed(ClosedBatch batch)
    {
        // A batch that is over by its age closes whoever opens the ledger; its seal is in the journal.
    }

    public void Dispose() => _node.Dispose();
}

/// <summary>What becomes of commands that the desk sends for itself: the time that has passed, a new ledger's settings.</summary>
internal sealed class CommandWarnings(TextWriter error)
{
    public void Note(in Payment slot, in Outcome outcome)
    {
        // Continuation slots hold any bytes, and have their command's verdict: the command is named by its first slot.
        bool isNamed = slot.Instruction is Instruction.AcceptTime or Instruction.SetSetting or Instruction.AttestPlan;
        if (isNamed && outcome.Verdict is not (Verdict.Accepted or Verdict.Duplicate))
            error.WriteLine($"warning: the command {SnakeCase.Of(slot.Instruction)} had no effect: {VerdictText.Of(in outcome)}");
    }
}
