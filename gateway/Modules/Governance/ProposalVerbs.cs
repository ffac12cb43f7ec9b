using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Text;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Modules.Governance;

/// <summary>`rules found|propose|sandbox|vote|schedule|rollback|emergency`: from a text to the law in force, and back.</summary>
internal static class ProposalVerbs
{
    private const int ReportBytesMax = 256 << 20;
    private const int RacesMax = 5;

    public static Command Found(TextWriter output, TextWriter error)
    {
        Argument<string> module = GovernanceOption.Module("The new module's name, such as us.");
        Option<ushort> quorum = GovernanceOption.Count("--quorum", "So many devices must agree to a change.");
        Option<ushort> makers = GovernanceOption.Count("--makers", "Devices of so many makers among them.");
        Option<ushort> emergency = GovernanceOption.Count("--emergency", "So many devices, of as many makers, must agree to an emergency.");
        var verb = new Command("found", "Founds a module with the devices that were registered for it. From the first one on, tables are not activated by hand any more.")
        {
            module, quorum, makers, emergency,
        };
        return new GovernanceOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            var founding = new ModuleFounding(parsed.GetValue(module)!, parsed.GetValue(quorum), parsed.GetValue(makers), parsed.GetValue(emergency));
            Device[] devices = [.. desk.Book.Devices.Where(device => device.Module == founding.Name && !device.IsRevoked)];
            int makerCount = devices.Select(device => device.Maker).Distinct(StringComparer.OrdinalIgnoreCase).Count();
            string roster = $"{GovernanceWords.Count(devices.Length, "device")} of {GovernanceWords.Count(makerCount, "maker")}";
            (Verdict verdict, ulong sequence) = desk.Send(Instruction.FoundModule, founding.Encode());
            RefusalText.Check(verdict, verdict switch
            {
                Verdict.QuorumMissing => $"'{founding.Name}' has {roster}, too few for what it asks of its voters: register more with `rules device add {founding.Name} …` first.",
                Verdict.InvalidValue => $"--makers {founding.Makers}: no more makers can be asked for than devices, --quorum {founding.Quorum} and --emergency {founding.EmergencyQuorum}.",
                Verdict.AlreadyExists when desk.Book.FindLaw(founding.Name) is { } known =>
                    known.IsTreaty ? $"'{founding.Name}' is a treaty's name." : $"'{founding.Name}' was founded at sequence {known.FoundedSequence} with --quorum {known.Quorum} --makers {known.Makers} --emergency {known.EmergencyQuorum}, which do not change.",
                _ => null,
            });
            return new DeskReply(
                verdict == Verdict.Duplicate ? $"Module '{founding.Name}' was founded so before; nothing has changed."
                    : $"Module '{founding.Name}' is founded with {roster}; a change needs {founding.Quorum} devices of {founding.Makers} makers, an emergency {founding.EmergencyQuorum} (sequence {sequence}).",
                ("module", founding.Name), ("quorum", founding.Quorum), ("makers", founding.Makers), ("emergency_quorum", founding.EmergencyQuorum),
                ("devices", devices.Length), ("device_makers", makerCount), ("verdict", RefusalText.NameOf(verdict)), ("sequence", sequence));
        });
    }

    public static Command Propose(TextWriter output, TextWriter error)
    {
        var file = new Argument<string>("file") { Description = "The module or treaty, in the rule language." };
        Option<string> device = GovernanceOption.Device("File of the private key of the device that proposes.");
        var verb = new Command("propose", "Reads and checks a module or treaty, and proposes it; one with faults is not proposed, and its faults are listed.") { file, device };
        return new GovernanceOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            using ECDsa proposer = DeviceKeyFile.Open(parsed.GetValue(device)!);
            return Proposing.Text(desk, parsed.GetValue(file)!, proposer, error);
        });
    }

    public static Command Rollback(TextWriter output, TextWriter error)
    {
        Argument<string> module = GovernanceOption.Module();
        Option<ulong?> version = SettleOption.Number("--to", "VERSION", "The version that shall be in force once more.", 1, uint.MaxValue);
        version.Required = true;
        Option<string> device = GovernanceOption.Device("File of the private key of the device that proposes.");
        var verb = new Command("rollback", "Proposes that an earlier version of a module comes into force once more; it is voted and scheduled as a text is.") { module, version, device };
        return new GovernanceOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            using ECDsa proposer = DeviceKeyFile.Open(parsed.GetValue(device)!);
            return Proposing.Rollback(desk, parsed.GetValue(module)!, (uint)parsed.GetValue(version)!.Value, proposer);
        });
    }

    public static Command Sandbox(TextWriter output, TextWriter error)
    {
        Argument<ulong> number = GovernanceOption.Proposal();
        var report = new Option<string>("--report") { HelpName = "FILE", Description = "What `replay what-if --json` printed for the proposed rules.", Required = true };
        var verb = new Command("sandbox", "Records, by its hash, the report of what a proposal would have changed: who votes can hold a copy against it.") { number, report };
        return new GovernanceOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            Proposal proposal = Find(desk, parsed.GetValue(number));
            if (!proposal.HasText)
                throw new LawRefusedException($"Proposal {proposal.Number} is {GovernanceWords.Of(proposal)}, and has no text whose effect could be reported.");
            (Digest hash, ulong first, ulong last) = ReadReport(parsed.GetValue(report)!, desk.State.LedgerId, proposal);
            (Verdict verdict, ulong sequence) = desk.Send(Instruction.RecordSandbox, new SandboxRecord(proposal.Number, first, last, hash).Encode());
            RefusalText.Check(verdict, verdict switch
            {
                Verdict.InvalidValue => $"The report goes to sequence {last}, behind the ledger's last: it is of another ledger.",
                _ => WhyNot(desk, proposal, verdict),
            });
            return new DeskReply(
                $"{(verdict == Verdict.Duplicate ? "The report was recorded before" : "The report is recorded")} for proposal {proposal.Number}, {GovernanceWords.Of(proposal)}: sequences {first} to {last}, SHA-256 {hash} (sequence {sequence}).",
                ("proposal", proposal.Number), ("report", hash.ToString()), ("first_sequence", first), ("last_sequence", last), ("verdict", RefusalText.NameOf(verdict)),
                ("sequence", sequence));
        });
    }

    public static Command Vote(TextWriter output, TextWriter error)
    {
        Argument<ulong> number = GovernanceOption.Proposal();
        var answer = new Argument<bool>("answer")
        {
            Description = "yes or no.",
            CustomParser = result => result.Tokens[0].Value switch { "yes" => true, "no" => false, _ => GovernanceOption.Fail<bool>(result, "yes or no") },
        };
        Option<string> device = GovernanceOption.Device();
        Option<string> hash = SettleOption.Text("--hash", "HASH", "The proposal's hash as who votes knows it: nothing is signed if the proposal of that number has another.");
        var verb = new Command("vote", "Signs a device's vote and sends it. A device votes once; the vote is for this proposal's hash and no other.") { number, answer, device, hash };
        return new GovernanceOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            Proposal proposal = Find(desk, parsed.GetValue(number));
            if (parsed.GetValue(hash) is { } known && !string.Equals(known, proposal.PayloadHash.ToString(), StringComparison.OrdinalIgnoreCase))
                throw new LawRefusedException($"Proposal {proposal.Number} has the hash {proposal.PayloadHash}, not {known}: it is not what was read. Nothing was signed.");
            using ECDsa voter = DeviceKeyFile.Open(parsed.GetValue(device)!);
            return SendVote(desk, proposal, parsed.GetValue(answer), voter);
        });
    }

    public static Command Emergency(TextWriter output, TextWriter error)
    {
        Argument<string> module = GovernanceOption.Module();
        Option<string> device = GovernanceOption.Device();
        var verb = new Command("emergency", "A device's word that a module must go back to its last good version; with the emergency quorum's last word it does, at once.") { module, device };
        return new GovernanceOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            string name = parsed.GetValue(module)!;
            using ECDsa voter = DeviceKeyFile.Open(parsed.GetValue(device)!);
            ProposalPayload payload = ProposalPayload.OfEmergency(name);
            Proposal? open = desk.Book.FindProposal(payload.Hash());
            if (open is not { IsVotable: true })
            {
                _ = Proposing.Send(desk, payload, voter, $"'{name}' back to its last good version");
                open = desk.Book.FindProposal(payload.Hash())!;
            }

            return SendVote(desk, open, isYes: true, voter);
        });
    }

    private static DeskReply SendVote(LawDesk desk, Proposal proposal, bool isYes, ECDsa voter)
    {
        KeyId id = NodeKey.Of(voter).Id;
        (Verdict verdict, ulong sequence) = desk.Send(Instruction.Vote, GovernanceMessage.Vote(desk.State.LedgerId, proposal.Number, proposal.PayloadHash, isYes, voter).Encode());
        RefusalText.Check(verdict, verdict switch
        {
            Verdict.UnknownDevice when proposal.Law.IsTreaty && desk.Book.FindDevice(id) is { } other => $"Device {id} votes for '{other.Module}', which is no party to treaty '{proposal.Law.Name}'.",
            Verdict.UnknownDevice => Proposing.NotItsDevice(desk.Book, id, proposal.Law.Name),
            Verdict.AlreadyExists => $"Device {id} has voted {(isYes ? "no" : "yes")} on proposal {proposal.Number}, and a vote is not taken back.",
            _ => WhyNot(desk, proposal, verdict),
        });
        string word = isYes ? "yes" : "no";
        string voted = verdict == Verdict.Duplicate ? $"Device {id} had voted {word} on proposal {proposal.Number} before" : $"Device {id} votes {word} on proposal {proposal.Number} (sequence {sequence})";
        string then = proposal is { Kind: ProposalKind.Emergency, Status: ProposalStatus.Active } ? $"'{proposal.Law.Name}' is back to version {proposal.Law.Active!.Version}, at once"
            : proposal is { Kind: ProposalKind.Emergency, Status: ProposalStatus.Failed } ? $"it cannot be: {proposal.FailureReason.TrimEnd('.')}"
            : $"{GovernanceWords.Of(proposal)}: {GovernanceWords.Votes(desk.Book, proposal)}";
        return new DeskReply($"{voted}; {then}.",
            ("proposal", proposal.Number), ("device", id.ToString()), ("vote", word), ("status", SnakeCase.Of(proposal.Status)), ("verdict", RefusalText.NameOf(verdict)), ("sequence", sequence));
    }

    public static Command Schedule(TextWriter output, TextWriter error)
    {
        Argument<ulong> number = GovernanceOption.Proposal();
        Option<ActivationPoint> at = GovernanceOption.At();
        var verb = new Command("schedule", "Says when a proposal that has its votes comes into force; waits until its plan is built and attested.") { number, at };
        return new GovernanceOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            Proposal proposal = Find(desk, parsed.GetValue(number));
            ActivationPoint asked = parsed.GetValue(at);
            (Verdict verdict, ulong sequence) = SendSchedule(desk, proposal, asked);
            RefusalText.Check(verdict, verdict switch
            {
                Verdict.QuorumMissing => $"Proposal {proposal.Number}, {GovernanceWords.Of(proposal)}, has not the votes it needs: {GovernanceWords.Votes(desk.Book, proposal)}.",
                Verdict.InvalidValue when proposal.Kind == ProposalKind.Emergency => $"Proposal {proposal.Number} is an emergency: it takes effect with its last vote, and is not scheduled.",
                Verdict.InvalidValue => $"--at: the ledger is at sequence {desk.State.Sequence}, {TimeText.Format(desk.State.TimeNs)}, and rules come into force later than that, and not before the version's effective day: name a later point (of a version that is not effective yet, a time), or now.",
                Verdict.AlreadyExists => $"Proposal {proposal.Number} is scheduled {GovernanceWords.Of(proposal.Point)}, and that does not move.",
                _ => WhyNot(desk, proposal, verdict),
            });
            if (proposal.Status == ProposalStatus.Failed)
                throw new LawRefusedException($"Proposal {proposal.Number}, {GovernanceWords.Of(proposal)}, has failed, and the last good rules stay: {proposal.FailureReason.TrimEnd('.')}.");
            string when = proposal.Status == ProposalStatus.Active ? $"is in force since sequence {proposal.Steps[^1].Sequence}" : $"comes into force {GovernanceWords.Of(proposal.Point)}";
            return new DeskReply(
                $"Proposal {proposal.Number}, {GovernanceWords.Of(proposal)}, {when}{(proposal.HasText ? "; its plan is built and attested" : "")} (sequence {sequence}).",
                ("proposal", proposal.Number), ("status", SnakeCase.Of(proposal.Status)), ("at", proposal.Point.Kind == PointKind.Time ? TimeText.Format(proposal.Point.Value) : proposal.Point.Value.ToString(CultureInfo.InvariantCulture)),
                ("verdict", RefusalText.NameOf(verdict)), ("sequence", sequence));
        });
    }

    /// <summary>What shall be in force at once has the sequence behind the command, which another command of the node's may take: then once more.</summary>
    private static (Verdict Verdict, ulong Sequence) SendSchedule(LawDesk desk, Proposal proposal, ActivationPoint asked)
    {
        if (asked.Kind == PointKind.Now && proposal.Point != default)
            asked = proposal.Point; // said before: a repeat
        for (int race = 0; ; race++)
        {
            byte[] payload = new ScheduleCommand(proposal.Number, proposal.PayloadHash, ActivationPoint.AtSequence(1)).Encode();
            ActivationPoint point = asked.Kind == PointKind.Now ? ActivationPoint.AtSequence(desk.SequenceBehind(payload)) : asked;
            (Verdict verdict, ulong sequence) = desk.Send(Instruction.Schedule, new ScheduleCommand(proposal.Number, proposal.PayloadHash, point).Encode());
            if (verdict != Verdict.InvalidValue || asked.Kind != PointKind.Now || proposal.Kind == ProposalKind.Emergency || race == RacesMax)
                return (verdict, sequence);
        }
    }

    private static Proposal Find(LawDesk desk, ulong number) => desk.Book.FindProposal(number) ?? throw new LawRefusedException(desk.Book.Proposals.Count == 0
        ? $"There is no proposal {number}: nothing was proposed yet; `rules propose FILE` does."
        : $"There is no proposal {number}: they are 1 to {desk.Book.Proposals.Count}; `replay rules list` shows those under way.");

    private static string? WhyNot(LawDesk desk, Proposal proposal, Verdict verdict) => verdict switch
    {
        Verdict.RulesUnsound => $"Proposal {proposal.Number}, {GovernanceWords.Of(proposal)}, does not hold the check: {proposal.FailureReason.TrimEnd('.')}.",
        Verdict.VotingClosed when proposal.IsVotable => $"Proposal {proposal.Number}, {GovernanceWords.Of(proposal)}, is late: version {proposal.Law.VersionHighest} was in force before it.",
        Verdict.VotingClosed => $"Proposal {proposal.Number}, {GovernanceWords.Of(proposal)}, is {GovernanceWords.Of(proposal.Status)}: nothing more is decided about it.",
        Verdict.CapacityExceeded => $"The ledger has no room for it: at most {GovernanceBounds.SandboxReportsMax} reports for a proposal and {GovernanceBounds.ScheduleMax} changes in the schedule.",
        _ => null,
    };

    /// <summary>A report of this ledger, about this very text.</summary>
    private static (Digest Hash, ulong First, ulong Last) ReadReport(string path, UInt128 ledger, Proposal proposal)
    {
        if (!File.Exists(path))
            throw new UsageException($"--report {path}: no such file; what `replay what-if --json` printed is expected.");
        if (new FileInfo(path).Length > ReportBytesMax)
            throw new UsageException($"--report {path}: larger than any report.");
        byte[] bytes = File.ReadAllBytes(path);
        try
        {
            using JsonDocument json = JsonDocument.Parse(bytes);
            JsonElement report = json.RootElement;
            if (report.ValueKind == JsonValueKind.Object && TryNumber(report, "first_sequence", out ulong first) && TryNumber(report, "sequence", out ulong last)
                && report.TryGetProperty("modules", out JsonElement modules) && modules.ValueKind == JsonValueKind.Array && first > 0 && first <= last)
            {
                if (!IsText(report, "ledger", ledger.ToString("x32", CultureInfo.InvariantCulture)))
                    throw new LawRefusedException($"--report {path}: it is about another ledger; run what-if over this one's journal.");
                if (!modules.EnumerateArray().Any(module => IsText(module, "text_hash", proposal.TextHash.ToString())))
                    throw new LawRefusedException($"--report {path}: it is not about the text of proposal {proposal.Number}, {GovernanceWords.Of(proposal)} (hash {proposal.TextHash}): run what-if with that text.");
                return (Digest.From(SHA256.HashData(bytes)), first, last);
            }
        }
        catch (JsonException)
        {
            // no JSON at all: told below, as any other file that is no report
        }

        throw new UsageException($"--report {path}: that is no report: what `replay what-if JOURNAL --rules FILE.rules --json` printed is expected.");
    }

    private static bool IsText(JsonElement holder, string name, string expected) =>
        holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String && value.GetString() == expected;

    private static bool TryNumber(JsonElement report, string name, out ulong number)
    {
        number = 0;
        return report.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            && ulong.TryParse(value.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
