using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text;
using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Ring;
using Settlement.Engine.Text;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Modules.Governance;

/// <summary>A verb of governance was refused by the ledger: one sentence, with what to do.</summary>
internal sealed class LawRefusedException(string sentence) : Exception(sentence);

/// <summary>What a verb of governance did.</summary>
/// <param name="Sentence">For people.</param>
/// <param name="Fields">For programs: the same, field by field.</param>
internal sealed record DeskReply(string Sentence, params (string Name, object? Value)[] Fields);

/// <summary>Options that the verbs of governance share, and what becomes of faults: exit codes are those of <see cref="SettleCommand"/>.</summary>
/// <remarks>
/// `--key` is the node's key in `settle` and `init`. Here are keys of two kinds, so neither is called that: `--node-key` and `--device`.
/// </remarks>
internal sealed class GovernanceOption
{
    public const string NodeKeyName = "--node-key";
    public const string DeviceName = "--device";

    private readonly Option<string> _journal = new("--journal") { HelpName = "DIR", Description = "The ledger's journal.", Required = true };
    private readonly Option<string> _nodeKey = SettleOption.Text(NodeKeyName, "FILE", "The node's private key. Default: node.key in the journal's directory.");
    private readonly Option<ulong?> _clock = SettleOption.Clock("Fixes block time (RFC 3339). Default: the machine's clock.");

    public static Option<bool> Json() => new("--json") { Description = "Print one JSON object instead of a sentence." };

    private readonly Option<bool> _json = Json();

    public static Option<string> Device(string description = "File of the device's private key, which signs.") =>
        new(DeviceName) { HelpName = "FILE", Description = description, Required = true };

    public static Option<ushort> Count(string name, string description) => new(name)
    {
        HelpName = "N",
        Description = description,
        Required = true,
        CustomParser = result => ushort.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number) && number > 0
            ? number : Fail<ushort>(result, "a whole number from 1 to 65535"),
    };

    public static Argument<string> Module(string description = "The module's name.") => new("module")
    {
        Description = description,
        CustomParser = result => GovernanceText.IsName(result.Tokens[0].Value)
            ? result.Tokens[0].Value : Fail<string>(result, "a module's name: a-z, 0-9, _ and dots, a letter first, such as us"),
    };

    public static Argument<ulong> Proposal() => new("proposal")
    {
        Description = "The proposal's number.",
        CustomParser = result => ulong.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) && number > 0
            ? number : Fail<ulong>(result, "the number of a proposal; `replay rules list` shows those under way"),
    };

    /// <summary>When something comes into force; default: at once.</summary>
    public static Option<ActivationPoint> At() => new("--at")
    {
        HelpName = "SEQUENCE|TIME|now",
        Description = "When: with the payment of a sequence, from an RFC 3339 time on, or now. Default: now.",
        CustomParser = result => TryParsePoint(result.Tokens[0].Value, out ActivationPoint point)
            ? point : Fail<ActivationPoint>(result, "a sequence such as 1200, an RFC 3339 time such as 2026-01-31T12:00:00Z, or now"),
    };

    public static T? Fail<T>(ArgumentResult result, string expected)
    {
        string name = result.Parent is OptionResult parent ? parent.Option.Name : result.Argument.Name;
        result.AddError($"{name} '{result.Tokens[0].Value}': expected {expected}.");
        return default;
    }

    /// <summary>A verb that opens the ledger, sends what it is for, and prints what happened.</summary>
    /// <param name="verb">Its own arguments and options are in it.</param>
    /// <param name="output">Gets the reply.</param>
    /// <param name="error">Gets warnings and faults.</param>
    /// <param name="work">Done at the open ledger.</param>
    public Command OnLedger(Command verb, TextWriter output, TextWriter error, Func<ParseResult, LawDesk, DeskReply> work)
    {
        foreach (Option option in (Option[])[_journal, _nodeKey, _clock, _json])
            verb.Add(option);
        verb.SetAction(parsed => Run(error, () =>
        {
            using LawDesk desk = LawDesk.Open(
                new DeskOptions { Journal = parsed.GetValue(_journal)!, NodeKey = parsed.GetValue(_nodeKey), ClockNs = parsed.GetValue(_clock) }, error);
            Print(work(parsed, desk), parsed.GetValue(_json), output);
        }));
        return verb;
    }

    public static int Run(TextWriter error, Action verb)
    {
        try
        {
            verb();
            return 0;
        }
        catch (Exception refused) when (refused is LawRefusedException or EngineStoppedException or JournalFailedException)
        {
            error.WriteLine(refused.Message);
            return SettleCommand.ExitEngineStopped;
        }
        catch (LedgerBrokenException broken)
        {
            error.WriteLine($"The journal cannot be applied: {broken.Message}. Nothing was changed.");
            return SettleCommand.ExitEngineStopped;
        }
        catch (Exception unusable) when (unusable is UsageException or JournalException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine(unusable.Message);
            return SettleCommand.ExitUnusable;
        }
    }

    public static void Print(DeskReply reply, bool json, TextWriter output)
    {
        if (!json)
        {
            output.WriteLine(reply.Sentence);
            return;
        }

        using var buffer = new MemoryStream();
        using (var writer = new System.Text.Json.Utf8JsonWriter(buffer, new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            foreach ((string name, object? value) in reply.Fields)
            {
                writer.WritePropertyName(name);
                System.Text.Json.JsonSerializer.Serialize(writer, value is ulong exact ? exact.ToString(CultureInfo.InvariantCulture) : value);
            }

            writer.WriteString("said", reply.Sentence);
            writer.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    private static bool TryParsePoint(string text, out ActivationPoint point)
    {
        point = ActivationPoint.Now;
        if (text == "now")
            return true;
        if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong sequence))
        {
            point = ActivationPoint.AtSequence(sequence);
            return true;
        }

        bool timed = TimeText.TryParse(text, out ulong timeNs);
        point = ActivationPoint.AtTime(timeNs);
        return timed;
    }
}
