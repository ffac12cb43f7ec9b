using System.CommandLine;
using System.Security.Cryptography;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Text;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Modules.Governance;

/// <summary>`rules device new|add|admit|revoke`: who votes.</summary>
internal static class DeviceVerbs
{
    public static Command Create(TextWriter output, TextWriter error) => new("device", "Voting devices of a module: make a key, register, admit, revoke.")
    {
        New(output, error), Add(output, error), Admit(output, error), Revoke(output, error),
    };

    private static Argument<string> PublicFile() => new("file") { Description = "The device's public half, as `rules device new` wrote it." };

    private static Command New(TextWriter output, TextWriter error)
    {
        Option<string> device = GovernanceOption.Device("Where the device's private key goes; its public half goes beside it, ending in .pub.");
        var maker = new Option<string>("--maker") { HelpName = "NAME", Description = "Who made the device: a quorum needs devices of several makers.", Required = true };
        Option<bool> json = GovernanceOption.Json();
        var verb = new Command("new", "Makes a device's key. The private half stays with who votes; the public half goes to the operator.") { device, maker, json };
        verb.SetAction(parsed => GovernanceOption.Run(error, () =>
        {
            string path = parsed.GetValue(device)!;
            (NodeKey key, string publicPath) = DeviceKeyFile.Make(path, parsed.GetValue(maker)!);
            GovernanceOption.Print(
                new DeskReply(
                    $"Device {key.Id} of {parsed.GetValue(maker)}: private key in {path}, which whoever has it votes with; public half in {publicPath}.",
                    ("device", key.Id.ToString()), ("maker", parsed.GetValue(maker)), ("private_key", path), ("public_key", publicPath)),
                parsed.GetValue(json), output);
        }));
        return verb;
    }

    private static Command Add(TextWriter output, TextWriter error)
    {
        Argument<string> module = GovernanceOption.Module("The module that it shall vote for; it is founded later.");
        Argument<string> file = PublicFile();
        var verb = new Command("add", "Registers a device for a module that is still to be founded: the operator's word.") { module, file };
        return new GovernanceOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            string name = parsed.GetValue(module)!;
            (NodeKey key, string maker) = DeviceKeyFile.ReadPublic(parsed.GetValue(file)!);
            (Verdict verdict, ulong sequence) = desk.Send(Instruction.RegisterDevice, new DeviceRegistration(key, name, maker).Encode());
            string known = desk.Book.FindDevice(key.Id) is { } device ? GovernanceWords.Of(device) : "";
            RefusalText.Check(verdict, verdict switch
            {
                Verdict.NotAuthorised => $"Module '{name}' is founded, and its voters decide who joins them: propose the device with `rules device admit {name} {parsed.GetValue(file)}`.",
                Verdict.AlreadyExists => $"The key of device {key.Id} is registered already: {known}. Make another: `rules device new`.",
                Verdict.InvalidValue => $"'{parsed.GetValue(file)}' holds no key that could verify a signature: make another with `rules device new`.",
                Verdict.UnknownModule => $"'{name}' is a treaty: devices of the modules that it is between vote for it.",
                _ => null,
            });
            return new DeskReply(
                verdict == Verdict.Duplicate ? $"Device {key.Id} was registered for '{name}' before; nothing has changed."
                    : $"Device {key.Id} of {maker} votes for '{name}' (sequence {sequence}).",
                ("device", key.Id.ToString()), ("maker", maker), ("module", name), ("verdict", RefusalText.NameOf(verdict)), ("sequence", sequence));
        });
    }

    private static Command Admit(TextWriter output, TextWriter error)
    {
        Argument<string> module = GovernanceOption.Module();
        Argument<string> file = PublicFile();
        Option<string> device = GovernanceOption.Device("File of the private key of the device that proposes: one that votes already.");
        var verb = new Command("admit", "Proposes one more device for a founded module; it votes once that is voted and scheduled.") { module, file, device };
        return new GovernanceOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            string name = parsed.GetValue(module)!;
            (NodeKey key, string maker) = DeviceKeyFile.ReadPublic(parsed.GetValue(file)!);
            using ECDsa proposer = DeviceKeyFile.Open(parsed.GetValue(device)!);
            ProposalPayload payload = ProposalPayload.OfDevice(name, key, maker);
            return Proposing.Send(desk, payload, proposer, $"device {key.Id} of {maker} shall vote for '{name}'");
        });
    }

    private static Command Revoke(TextWriter output, TextWriter error)
    {
        var which = new Argument<string>("device") { Description = "The device's id (32 hexadecimal digits), or its public half's file." };
        var verb = new Command("revoke", "Revokes a device at once: it votes no more, and its votes for what is not scheduled yet do not count.") { which };
        return new GovernanceOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            KeyId id = IdOf(parsed.GetValue(which)!);
            string of = desk.Book.FindDevice(id) is { } device ? $"of {device.Maker}, for '{device.Module}'" : "";
            (Verdict verdict, ulong sequence) = desk.Send(Instruction.RevokeDevice, new DeviceRevocation(id).Encode());
            RefusalText.Check(verdict, verdict == Verdict.UnknownDevice ? $"The ledger knows no device {id}: `replay rules list` shows those that it knows." : null);
            return new DeskReply(
                verdict == Verdict.Duplicate ? $"Device {id}, {of}, was revoked before; nothing has changed." : $"Device {id}, {of}, is revoked (sequence {sequence}).",
                ("device", id.ToString()), ("verdict", RefusalText.NameOf(verdict)), ("sequence", sequence));
        });
    }

    private static KeyId IdOf(string text)
    {
        Span<byte> bytes = stackalloc byte[KeyId.Size];
        return text.Length == 2 * KeyId.Size && Convert.FromHexString(text, bytes, out _, out _) == System.Buffers.OperationStatus.Done
            ? KeyId.From(bytes)
            : DeviceKeyFile.ReadPublic(text).Key.Id;
    }
}
