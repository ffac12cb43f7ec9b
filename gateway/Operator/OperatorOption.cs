using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Gateway.Modules.Governance;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Operator;

/// <summary>Options that all of the operator's verbs share: which ledger, and how the answer is told.</summary>
internal sealed class OperatorOption
{
    private readonly Option<string> _journal = SettleOption.Text("--journal", "DIR", "The journal of a ledger that is stopped.");
    private readonly Option<string> _nodeKey = SettleOption.Text(GovernanceOption.NodeKeyName, "FILE", "The node's private key, for a stopped ledger. Default: node.key in the journal's directory.");
    private readonly Option<ulong?> _clock = SettleOption.Clock("Fixes block time (RFC 3339), for a stopped ledger. Default: the machine's clock.");
    private readonly Option<ulong?> _from = SettleOption.Number("--from", "SESSION", "Index of the session that sends this, to a stopped ledger. Default: 1, the operator's first.", 1, ushort.MaxValue);
    private readonly Option<string> _connect = SettleOption.Text("--connect", "HOST:PORT", "The binary port of the server that has the ledger, instead of --journal.");
    private readonly Option<string> _as = SettleOption.Text("--as", "FILE", "Private key of the session that sends this, with --connect; at a server's first start that is keys/operator.pem.");
    private readonly Option<string> _certificate = SettleOption.Text("--server-certificate", "FILE", "The server's certificate (PEM), with --connect, where the machine's authorities do not know it; of a development certificate tls/server.pem.");
    private readonly Option<bool> _plain = new("--plain") { Description = "Without TLS, with --connect; to this machine alone." };
    private readonly Option<bool> _json = GovernanceOption.Json();

    public static Option<byte> Clearance() => new("--clearance")
    {
        HelpName = "N",
        Description = "The highest level that the session may see and pay from, 0 to 255. Default: 0.",
        CustomParser = result => byte.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out byte level)
            ? level : GovernanceOption.Fail<byte>(result, "a whole number from 0 to 255"),
    };

    public static Argument<ulong> Wallet() => new("wallet") { Description = "The wallet's number.", CustomParser = ParseWallet };

    public static Option<ulong?> WalletOption() => SettleOption.Number("--wallet", "N", "The wallet.", 1);

    public static Option<ulong?> SessionOption() => SettleOption.Number("--session", "N", "Index of the session.", 1, ushort.MaxValue);

    public static Option<string> Participant(string description) => new("--participant") { HelpName = "NAME|N", Description = description, Required = true };

    /// <summary>A verb that opens the ledger, sends what it is for, and prints what happened.</summary>
    public Command OnLedger(Command verb, TextWriter output, TextWriter error, Func<ParseResult, OperatorDesk, DeskReply> work)
    {
        foreach (Option option in (Option[])[_journal, _nodeKey, _clock, _from, _connect, _as, _certificate, _plain, _json])
            verb.Add(option);
        verb.SetAction(parsed => GovernanceOption.Run(error, () =>
        {
            using OperatorDesk desk = Open(parsed, error);
            GovernanceOption.Print(work(parsed, desk), parsed.GetValue(_json), output);
        }));
        return verb;
    }

    private OperatorDesk Open(ParseResult parsed, TextWriter error)
    {
        (string? journal, string? server) = (parsed.GetValue(_journal), parsed.GetValue(_connect));
        if ((journal is null) == (server is null))
            throw new UsageException("Say which ledger, one of two: --journal DIR of one that is stopped, or --connect HOST:PORT of the server that has it.");
        if (server is not null)
        {
            string key = parsed.GetValue(_as) ?? throw new UsageException("--connect: say with --as FILE as whom, by the private key of a session.");
            return ServerDesk.Connect(server, key, parsed.GetValue(_certificate), parsed.GetValue(_plain));
        }

        LawDesk desk = LawDesk.Open(new DeskOptions { Journal = journal!, NodeKey = parsed.GetValue(_nodeKey), ClockNs = parsed.GetValue(_clock) }, error);
        return new StoppedDesk(desk, (ushort)(parsed.GetValue(_from) ?? Limits.OperatorSession));
    }

    private static ulong ParseWallet(ArgumentResult result) =>
        ulong.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong wallet) && wallet != 0
            ? wallet : GovernanceOption.Fail<ulong>(result, "a wallet's number, from 1");
}
