using System.Security.Cryptography;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Journal;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Modules.Governance;

/// <summary>From a file, a version or an emergency to a proposal in the ledger.</summary>
internal static class Proposing
{
    /// <summary>Reads and checks a module or treaty, and proposes it.</summary>
    /// <exception cref="LawRefusedException">It has faults, all of which are listed; or the ledger refuses it.</exception>
    public static DeskReply Text(LawDesk desk, string path, ECDsa proposer, TextWriter error)
    {
        if (!File.Exists(path))
            throw new UsageException($"'{path}': no such file; a module or treaty in the rule language is expected.");
        if (new FileInfo(path).Length > GovernanceBounds.TextBytesMax)
            throw new UsageException($"'{path}' has more than the {GovernanceBounds.TextBytesMax:N0} bytes that a module may have: split it.");
        byte[] utf8 = File.ReadAllBytes(path);
        ModuleReading reading = ModuleReader.Read(utf8, path);
        if (reading.Module is not { } module)
            throw new LawRefusedException($"{reading.Report()}\n\n'{path}' was not proposed: it has faults, listed above.");
        if (reading.Faults.Count > 0)
            error.WriteLine(reading.Report());
        foreach (string party in module.Between)
        {
            if (desk.Book.FindLaw(party) is not { IsTreaty: false })
                throw new LawRefusedException($"The treaty '{module.Name}' is between modules of which '{party}' is not founded: found it, or leave it out.");
        }

        if (!LawCompiler.TryRead(desk.Book.Current(), out RuleSet? inForce, out string unread))
            throw new LawRefusedException($"'{path}' cannot be checked, for the laws in force do not read: {unread.TrimEnd('.')}.");
        IReadOnlyList<ModuleFault> faults = ModuleCheck.Check(inForce, module);
        string printed = string.Join("\n\n", faults.Select(fault => fault.Print(path, reading.Text)));
        if (faults.Any(fault => fault.IsError))
            throw new LawRefusedException($"{printed}\n\n'{path}' was not proposed: among the laws in force it has faults, listed above.");
        if (faults.Count > 0)
            error.WriteLine(printed);
        ProposalPayload payload = new(module.IsTreaty ? ProposalKind.Treaty : ProposalKind.Text, module.Name, module.Version, utf8);
        return Send(desk, payload, proposer, $"{(module.IsTreaty ? "treaty" : "module")} '{module.Name}' version {module.Version}");
    }

    /// <summary>Proposes that an earlier version comes into force once more.</summary>
    public static DeskReply Rollback(LawDesk desk, string module, uint version, ECDsa proposer)
    {
        Law law = desk.Book.FindLaw(module) ?? throw new LawRefusedException(UnknownModule(module));
        Proposal earlier = law.Versions.LastOrDefault(one => one.Version == version && WasInForce(one)) ?? throw new LawRefusedException(
            $"Version {version} of '{module}' was never in force; {(law.Versions.Any(WasInForce) ? $"these were: {string.Join(", ", law.Versions.Where(WasInForce).Select(one => one.Version).Distinct().Order())}" : "none was")}.");
        return Send(desk, ProposalPayload.OfRollback(module, version, TextOf(desk, earlier).ToString()), proposer, $"'{module}' back to version {version}");
    }

    /// <summary>Sends a proposal, and says what became of it.</summary>
    /// <param name="what">It asks for, as the end of a sentence.</param>
    public static DeskReply Send(LawDesk desk, ProposalPayload payload, ECDsa proposer, string what)
    {
        (Verdict verdict, ulong sequence) = desk.Send(Instruction.Propose, GovernanceMessage.Propose(desk.State.LedgerId, payload, proposer).Encode());
        RefusalText.Check(verdict, WhyNot(desk, payload, verdict, NodeKey.Of(proposer).Id));
        Proposal proposal = desk.Book.FindProposal(payload.Hash())!;
        string sentence = verdict == Verdict.Duplicate
            ? $"Proposal {proposal.Number} is this very one, {GovernanceWords.Of(proposal.Status)}: {what}. Nothing has changed."
            : $"Proposal {proposal.Number}: {what}; hash {proposal.PayloadHash} (sequence {sequence}). `rules vote {proposal.Number} yes` votes for it; {GovernanceWords.Votes(desk.Book, proposal)}.";
        return new DeskReply(sentence,
            ("proposal", proposal.Number), ("kind", Engine.Text.SnakeCase.Of(proposal.Kind)), ("module", proposal.Law.Name), ("version", proposal.Version),
            ("hash", proposal.PayloadHash.ToString()), ("text_hash", proposal.HasText ? proposal.TextHash.ToString() : null), ("verdict", RefusalText.NameOf(verdict)),
            ("sequence", sequence));
    }

    public static string UnknownModule(string module) => $"There is no module '{module}': register its devices with `rules device add {module} …`, then `rules found {module} …`.";

    /// <summary>A device that may not do it: it is unknown, or another module's.</summary>
    public static string NotItsDevice(LawBook book, KeyId device, string module) => book.FindDevice(device) is { } known
        ? $"Device {device} votes for '{known.Module}', not for '{module}': use a device of '{module}'."
        : $"The ledger knows no device {device}: before '{module}' is founded the operator registers it with `rules device add`, afterwards its voters admit it with `rules device admit`.";

    private static string? WhyNot(LawDesk desk, ProposalPayload payload, Verdict verdict, KeyId device) => verdict switch
    {
        Verdict.UnknownModule => desk.Book.FindLaw(payload.Name) is { IsTreaty: true }
            ? $"'{payload.Name}' is a treaty; it can be proposed anew and rolled back, and nothing else." : UnknownModule(payload.Name),
        Verdict.UnknownDevice => NotItsDevice(desk.Book, device, payload.Name),
        Verdict.AlreadyExists => payload.Kind == ProposalKind.AdmitDevice
            ? "The device is registered already: `replay rules list` shows for which module." : $"'{payload.Name}' is a module's name; a treaty needs another.",
        Verdict.InvalidValue => payload.Kind switch
        {
            ProposalKind.Text or ProposalKind.Treaty =>
                $"'{payload.Name}' has been in force as version {desk.Book.FindLaw(payload.Name)?.VersionHighest}, so version {payload.Version} cannot follow: write a higher number, or roll back with `rules rollback`.",
            ProposalKind.Rollback => $"Version {payload.Version} of '{payload.Name}' is in force now.",
            ProposalKind.Emergency => $"'{payload.Name}' has no last good version to go back to.",
            _ => "The device's key could not verify a signature: make another with `rules device new`.",
        },
        _ => null,
    };

    private static bool WasInForce(Proposal version) => version.Steps.Any(step => step.Status == ProposalStatus.Active);

    private static LawText TextOf(LawDesk desk, Proposal version)
    {
        if (version.Text is { } held)
            return held;
        LawText? found = null;
        if (File.Exists(Path.Combine(desk.Options.Journal, "journal.log.0")))
        {
            using JournalReader reader = JournalReader.Open(desk.Options.Journal);
            found = ProposedTexts.Find(version, reader);
        }

        return found ?? throw new LawRefusedException(
            $"The text of {GovernanceWords.Of(version)} stands in a part of the journal that was cut off (sequence {version.Steps[0].Sequence}): propose it as a new version instead.");
    }
}
