using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Snapshots;
using Settlement.Gateway.Serve;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Cluster;

/// <summary>
/// The command line of `cluster`: makes, grows, shrinks and shows a cluster. Exit codes: 0 it is done; 2 it cannot be done as it was asked for, and one sentence says why.
/// </summary>
/// <remarks>
/// `init`, `join` and `recover` work on a folder whose server is stopped. The others ask the server that runs on the folder, by its bulk port and as the node itself: who can read the folder is the operator.
/// </remarks>
internal static class ClusterVerbs
{
    private const string AddressDefault = "127.0.0.1:7720";

    public static Command Create(TextWriter output, TextWriter error) => new("cluster", "Several nodes, one ledger: makes a cluster, adds nodes, shows and changes who leads.")
    {
        Init(output, error),
        Add(output, error),
        Join(output, error),
        Status(output, error),
        Remove(output, error),
        Transfer(output, error),
        Recover(output, error),
        Trial(output, error),
    };

    private static Command Init(TextWriter output, TextWriter error)
    {
        Option<string> data = Data("The server's folder; its ledger is founded where there is none.");
        var ports = new PortOptions();
        Option<ulong?> capacity = SettleOption.Capacity();
        var command = new Command("init", "Makes a stopped server, or a new one, the first node of a cluster.") { data, capacity };
        ports.AddTo(command);
        command.SetAction(parsed => Guarded(error, () =>
        {
            ServeOptions options = ports.Read(parsed, parsed.GetValue(data)!);
            options.AccountsMax = (int)(parsed.GetValue(capacity) ?? (ulong)options.AccountsMax);
            ClusterNote note = ClusterFounding.Found(options, ports.RaftOf(parsed), ports.BulkOf(parsed), out string pin);
            output.WriteLine($"{options.Data}: the first node of a cluster, ledger {note.Ledger}");
            output.WriteLine($"  nodes agree at   {note.Raft}, and fetch at {note.Bulk}");
            output.WriteLine($"  clients come to  {note.Clients}");
            output.WriteLine($"  its pin          {pin}");
            output.WriteLine($"Start it with `serve --data {options.Data}`, then let others in with `cluster add --data {options.Data}`.");
        }));
        return command;
    }

    private static Command Add(TextWriter output, TextWriter error)
    {
        Option<string> data = Data("Folder of a running member.");
        Option<bool> learner = Learner();
        var command = new Command("add", "Prints the line by which a new node joins. Its secret is good once, for an hour.") { data, learner };
        command.SetAction(parsed => Guarded(error, () =>
        {
            using Running node = Running.Of(parsed.GetValue(data)!);
            Invitation invitation = node.Ask(client => client.InviteAsync(CancellationToken.None));
            output.WriteLine($"gateway cluster join --data DIR --address IP:PORT --from {node.Note.Bulk} --pin {node.Pin} --secret {invitation.Secret}{(parsed.GetValue(learner) ? " --learner" : "")}");
            output.WriteLine($"Run it at the new node within {invitation.Minutes} minutes, with a folder and an address of its own; then `serve` there. The secret is good once.");
        }));
        return command;
    }

    private static Command Join(TextWriter output, TextWriter error)
    {
        Option<string> data = Data("The new node's folder, without a ledger.");
        Option<string> from = Required(SettleOption.Text("--from", "HOST:PORT", "Bulk port of a running member."));
        Option<string> pin = Required(SettleOption.Text("--pin", "HEX", "That member's pin, as `cluster add` printed it."));
        Option<string> secret = Required(SettleOption.Text("--secret", "HEX", "As `cluster add` printed it."));
        Option<bool> learner = Learner();
        var ports = new PortOptions();
        var command = new Command("join", "Makes an empty folder a node of a cluster: fetches the ledger so far. It becomes a member when it is started.") { data, from, pin, secret, learner };
        ports.AddTo(command);
        command.SetAction(parsed => Guarded(error, () =>
        {
            ServeOptions options = ports.Read(parsed, parsed.GetValue(data)!);
            if (!TryParsePin(parsed.GetValue(pin)!, out string expected))
                throw new UsageException($"--pin '{parsed.GetValue(pin)}': 64 hexadecimal digits are expected, as `cluster add` printed them.");
            ClusterNote note = ClusterFounding.JoinAsync(
                options, ports.RaftOf(parsed), ports.BulkOf(parsed), new ClusterContact(parsed.GetValue(from)!, expected), parsed.GetValue(secret)!, parsed.GetValue(learner), output.WriteLine).GetAwaiter().GetResult();
            output.WriteLine($"{options.Data}: a copy of ledger {note.Ledger}. Start it with `serve --data {options.Data}`: it becomes a member{(note.Learner ? ", a learner," : "")} by itself.");
        }));
        return command;
    }

    private static Command Status(TextWriter output, TextWriter error)
    {
        Option<string> data = Data("Folder of a running member.");
        var json = new Option<bool>("--json") { Description = "Print one JSON object instead of a table." };
        var command = new Command("status", "Shows who leads, who belongs to the cluster, and how far each is.") { data, json };
        command.SetAction(parsed => Guarded(error, () =>
        {
            using Running node = Running.Of(parsed.GetValue(data)!);
            StatusReport report = node.StatusWithLags();
            if (parsed.GetValue(json))
                output.WriteLine(JsonSerializer.Serialize(report, BulkJson.ForPeople));
            else
                StatusTable.Write(report, output);
        }));
        return command;
    }

    private static Command Remove(TextWriter output, TextWriter error)
    {
        Option<string> data = Data("Folder of a running member.");
        var whom = new Argument<string>("NODE") { Description = "Its address or its pin, as `cluster status` shows them; the beginning of a pin is enough." };
        var command = new Command("remove", "Takes a node out of the cluster. It keeps its folder, and is not let in with it again.") { data, whom };
        command.SetAction(parsed => Guarded(error, () =>
        {
            using Running node = Running.Of(parsed.GetValue(data)!);
            MemberReport member = node.Member(parsed.GetValue(whom)!);
            node.Ask(async client =>
            {
                await client.RemoveMemberAsync(member.Pin, CancellationToken.None).ConfigureAwait(false);
                return true;
            });
            output.WriteLine($"{member.Raft} is no member any more. It ends by itself when it hears of that; else stop it.");
        }));
        return command;
    }

    private static Command Transfer(TextWriter output, TextWriter error)
    {
        Option<string> data = Data("Folder of a running member.");
        Option<string> to = SettleOption.Text("--to", "NODE", "Who is to lead: its address or its pin. Default: the node that is furthest.");
        var command = new Command("transfer", "Hands the leadership over: what is under way is answered first, and clients are sent on.") { data, to };
        command.SetAction(parsed => Guarded(error, () =>
        {
            using Running node = Running.Of(parsed.GetValue(data)!);
            string? pin = parsed.GetValue(to) is { } named ? node.Member(named).Pin : null;
            node.Ask(async client =>
            {
                await client.TransferAsync(pin, CancellationToken.None).ConfigureAwait(false);
                return true;
            });
            MemberReport? leader = node.Status().Members.FirstOrDefault(member => member.IsLeader);
            output.WriteLine(leader is null ? "The leadership was given up; no leader is known yet." : $"{leader.Raft} leads.");
        }));
        return command;
    }

    private static Command Recover(TextWriter output, TextWriter error)
    {
        Option<string> data = Data("Folder of the node that is to go on alone; its server is stopped.");
        Option<string> confirm = SettleOption.Text("--confirm", "LEDGER", "The ledger's id, typed in: yes, what may be lost may be lost.");
        var command = new Command("recover", "When most nodes are gone for ever: makes this node a cluster of its own. Payments that were acknowledged may be lost; it says which may be.") { data, confirm };
        command.SetAction(parsed => Guarded(error, () => ClusterRecovery.Run(new ClusterFolder(parsed.GetValue(data)!), parsed.GetValue(confirm), output)));
        return command;
    }

    private static Command Trial(TextWriter output, TextWriter error)
    {
        Option<string> data = Data("Where the nodes' folders and logs are made, or were.");
        Option<ulong?> nodes = SettleOption.Number("--nodes", "N", "How many. Default: 3.", 1, 7);
        Option<ulong?> port = SettleOption.Number("--first-port", "N", "Node i listens at ports from here + 10 (i - 1) on. Default: 7810.", 1_024, 65_000);
        Option<ulong?> seconds = SettleOption.Number("--seconds", "N", "Stops by itself after so long.", 1, 1_000_000);
        var command = new Command("trial", "Starts several nodes of one cluster on this machine, to try out, and stops them at Ctrl+C.") { data, nodes, port, seconds };
        command.SetAction(parsed => Guarded(error, () =>
        {
            Directory.CreateDirectory(parsed.GetValue(data)!);
            new ClusterTrial(parsed.GetValue(data)!, (int)(parsed.GetValue(nodes) ?? 3), (int)(parsed.GetValue(port) ?? 7_810), output).Run((int?)parsed.GetValue(seconds));
        }));
        return command;
    }

    public static bool TryParsePin(string text, out string pin)
    {
        pin = text.Trim().ToLowerInvariant();
        return pin.Length == 64 && pin.All(char.IsAsciiHexDigitLower);
    }

    private static Option<string> Data(string description) => Required(SettleOption.Text("--data", "DIR", description));

    private static Option<string> Required(Option<string> option)
    {
        option.Required = true;
        return option;
    }

    private static Option<bool> Learner() => new("--learner") { Description = "An extra copy: it answers reads, and neither votes nor leads." };

    private static int Guarded(TextWriter error, Action run)
    {
        try
        {
            run();
            return 0;
        }
        catch (Exception unusable) when (unusable is UsageException or ClusterException or JournalException or SnapshotException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine(unusable.Message);
            return SettleCommand.ExitUnusable;
        }
    }

    /// <summary>Where a node will listen: for the other nodes by the address given, for clients as `serve` would.</summary>
    private sealed class PortOptions
    {
        private readonly Option<string> _address = SettleOption.Text("--address", "IP:PORT", $"Where other nodes reach this one to agree. Default: {AddressDefault}.");
        private readonly Option<ulong?> _bulk = SettleOption.Number("--bulk-port", "N", "Where they fetch snapshots, at the same address. Default: the next port.", 1, ushort.MaxValue);
        private readonly (Option<string> Option, string Key)[] _ports =
        [
            (SettleOption.Text("--binary-port", "N", "As of `serve`; written down for it in DIR/appsettings.json."), nameof(ServeOptions.BinaryPort)),
            (SettleOption.Text("--binary-tls-port", "N", "As of `serve`."), nameof(ServeOptions.BinaryTlsPort)),
            (SettleOption.Text("--http-port", "N", "As of `serve`."), nameof(ServeOptions.HttpPort)),
            (SettleOption.Text("--https-port", "N", "As of `serve`."), nameof(ServeOptions.HttpsPort)),
        ];

        public void AddTo(Command command)
        {
            command.Options.Add(_address);
            command.Options.Add(_bulk);
            foreach ((Option<string> option, _) in _ports)
                command.Options.Add(option);
        }

        public ServeOptions Read(ParseResult parsed, string data)
        {
            var flags = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase) { [$"{ServeSettings.Section}:{nameof(ServeOptions.Data)}"] = data };
            foreach ((Option<string> option, string key) in _ports)
            {
                if (parsed.GetValue(option) is { } value)
                    flags[$"{ServeSettings.Section}:{key}"] = value;
            }

            var mistakes = new List<string>();
            ServeOptions options = ServeCommand.Read(flags, mistakes);
            if (mistakes.Count > 0)
                throw new UsageException(string.Join(Environment.NewLine, mistakes));
            options.Address = ClusterNode.EndPointOf(RaftOf(parsed)).Address.ToString();
            return options;
        }

        public string RaftOf(ParseResult parsed) => parsed.GetValue(_address) ?? AddressDefault;

        public string BulkOf(ParseResult parsed)
        {
            System.Net.IPEndPoint raft = ClusterNode.EndPointOf(RaftOf(parsed));
            int port = (int)(parsed.GetValue(_bulk) ?? (ulong)raft.Port + 1);
            return port is > 0 and <= ushort.MaxValue && port != raft.Port
                ? new System.Net.IPEndPoint(raft.Address, port).ToString()
                : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"--bulk-port {port}: a port other than {raft.Port} is expected."));
        }
    }

    /// <summary>The server that runs on a folder, asked as the node itself.</summary>
    private sealed class Running : IDisposable
    {
        private const int LeaderMsMax = 2_000;

        private readonly NodeIdentity _identity;
        private readonly BulkClient _client;
        private StatusReport? _status;

        private Running(ClusterNote note, NodeIdentity identity)
        {
            (Note, _identity) = (note, identity);
            _client = new BulkClient(note.Bulk, identity.Pin.ToString(), identity.Certificate);
        }

        public ClusterNote Note { get; }

        public string Pin => _identity.Pin.ToString();

        public static Running Of(string data)
        {
            var folder = new ClusterFolder(data);
            if (!folder.Exists)
                throw new UsageException($"'{data}' is no node's of a cluster: `cluster init` makes it one, `cluster join` another one's.");
            return new Running(folder.ReadNote(), NodeIdentity.Load(folder.Path));
        }

        public T Ask<T>(Func<BulkClient, Task<T>> ask) => ask(_client).GetAwaiter().GetResult();

        public StatusReport Status() => _status = Ask(client => client.StatusAsync(CancellationToken.None));

        /// <summary>How far the others are, only the leader knows: its rows stand in this node's report, where it answers.</summary>
        public StatusReport StatusWithLags()
        {
            StatusReport here = Status();
            if (here.Members.FirstOrDefault(static member => member is { IsLeader: true, IsSelf: false }) is not { } leader || ClusterNode.BulkOf(leader.Clients.Split(' ')) is not { } bulk)
                return here;
            using var client = new BulkClient(bulk, leader.Pin, _identity.Certificate);
            using var bounded = new CancellationTokenSource(LeaderMsMax);
            try
            {
                StatusReport there = client.StatusAsync(bounded.Token).GetAwaiter().GetResult();
                return there.Role == "leader" ? here with { Members = [.. there.Members.Select(member => member with { IsSelf = member.Pin == Pin })] } : here;
            }
            catch (Exception silent) when (silent is ClusterException or OperationCanceledException)
            {
                return here;
            }
        }

        public MemberReport Member(string named)
        {
            MemberReport[] found = [.. (_status ?? Status()).Members.Where(member => member.Raft == named || (named.Length >= 4 && member.Pin.StartsWith(named, StringComparison.OrdinalIgnoreCase)))];
            return found.Length switch
            {
                1 => found[0],
                0 => throw new UsageException($"'{named}' is no member's address or pin: `cluster status` shows them."),
                _ => throw new UsageException($"'{named}' is the beginning of several pins: type more of it."),
            };
        }

        public void Dispose()
        {
            _client.Dispose();
            _identity.Dispose();
        }
    }
}
