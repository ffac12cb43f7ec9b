using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text;
using Settlement.Engine.Text;
using Settlement.Gateway.Init;

namespace Settlement.Gateway.Settle;

/// <summary>Options of the program's verbs: those that several have, and how each kind of value is read.</summary>
internal static class SettleOption
{
    public static Option<string> Key() => Text(
        "--key", "FILE", $"The node's private key, with which closed batches are signed; a new ledger makes it if it is not there. Default: {NodeKeyFile.PrivateName} in the journal's directory.");

    public static Option<ulong?> Capacity() =>
        Number("--capacity", "N", $"Accounts that a new ledger has room for. Default: {LedgerFounding.AccountsMaxDefault}.", 1, 1 << 28);

    public static Option<ulong?> Clock(string description) => new("--clock")
    {
        HelpName = "TIME",
        Description = description,
        CustomParser = result => TimeText.TryParse(Encoding.UTF8.GetBytes(result.Tokens[0].Value), out ulong ns) ? ns : Fail<ulong?>(result, TimeText.Expected),
    };

    public delegate bool TryParse<T>(string text, out T value);

    public static Option<string> Text(string name, string help, string description) => new(name) { HelpName = help, Description = description };

    public static Option<T> Parsed<T>(string name, string help, string description, TryParse<T> parse, string expected) => new(name)
    {
        HelpName = help,
        Description = description,
        CustomParser = result => parse(result.Tokens[0].Value, out T value) ? value : Fail<T>(result, expected)!,
    };

    public static Option<ulong?> Number(string name, string help, string description, ulong least = 0, ulong most = ulong.MaxValue) => Parsed<ulong?>(
        name, help, description,
        (string text, out ulong? value) =>
        {
            value = ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : null;
            return value >= least && value <= most;
        },
        most == ulong.MaxValue ? "a whole number" : $"a whole number from {least} to {most}");

    public static Option<ulong?> Duration(string name, string description, bool mayBeNone = true) => new(name)
    {
        HelpName = mayBeNone ? "DURATION|none" : "DURATION",
        Description = description,
        CustomParser = result => DurationText.TryParse(result.Tokens[0].Value, out ulong ns) && (ns > 0 || mayBeNone)
            ? ns : Fail<ulong?>(result, DurationText.Expected + (mayBeNone ? ", or none" : "")),
    };

    private static T? Fail<T>(ArgumentResult result, string expected)
    {
        string option = result.Parent is OptionResult parent ? parent.Option.Name : result.Argument.Name;
        result.AddError($"{option} '{result.Tokens[0].Value}': expected {expected}.");
        return default;
    }
}
