using System.Net;
using System.Security.Cryptography;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Gateway.Serve;
using Settlement.Gateway.Wire;

namespace Settlement.Tests.Gateway.Wire;

/// <summary>A server in this process, on ports of its own, over a ledger with two banks and the euro.</summary>
internal sealed class ServedLedger : IDisposable
{
    public const ushort Euro = 978;

    /// <summary>Of bank 1 and of bank 2, clearance 255; of bank 1, clearance 1.</summary>
    public const ushort SessionOfBank1 = 2;
    public const ushort SessionOfBank2 = 3;
    public const ushort LowSessionOfBank1 = 4;

    public const ulong OpeningUnits = 100_000_000;

    private readonly TemporaryFolder _folder = new();
    private readonly WireOptions _wire;
    private ServerHost? _host;

    public ServedLedger(Action<WireOptions>? configure = null)
    {
        _wire = new WireOptions();
        configure?.Invoke(_wire);
        Start();
    }

    public ServerHost Host => _host ?? throw new InvalidOperationException("the server is stopped");

    public string Data => _folder.Path;

    public IPEndPoint Binary => Host.PortOf("binary");

    public IPEndPoint BinaryTls => Host.PortOf("binary-tls");

    public ECDsa OperatorKey()
    {
        var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(Path.Combine(Data, "keys", "operator.pem")));
        return key;
    }

    public void Start()
    {
        var options = new ServeOptions
        {
            Data = _folder.Path, BinaryPort = 0, BinaryTlsPort = 0, HttpPort = 0, HttpsPort = 0,
            AccountsMax = 4_096, RingSlots = 32_768, IdMemoryBytes = 4 << 20, SnapshotEveryBytes = 0, StopMsMax = 2_000, Wire = _wire,
        };
        _host = ServerHost.StartAsync(options, TestContext.Out).GetAwaiter().GetResult();
    }

    public int Stop()
    {
        // At most once, also where a test stops it on a thread of its own and fails meanwhile.
        ServerHost host = Interlocked.Exchange(ref _host, null) ?? throw new InvalidOperationException("the server is stopped");
        int code = host.StopAsync(TestContext.Out).GetAwaiter().GetResult();
        host.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return code;
    }

    public RawClient Operator() => Operator(out _);

    public RawClient Operator(out SessionBody session)
    {
        using ECDsa key = OperatorKey();
        return RawClient.Open(Binary, key, out session);
    }

    /// <summary>A new key, registered for a session.</summary>
    public ECDsa NewKeyOf(ushort session)
    {
        ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using RawClient client = Operator();
        client.SendCommand(Instruction.RegisterKey, new KeyRegistration(KeyRole.Session, session, SignatureScheme.P256, key.ExportSubjectPublicKeyInfo(), []).Encode());
        Assert.That(client.ReceiveVerdicts()[0], Is.EqualTo(Verdict.Accepted));
        return key;
    }

    /// <summary>Two banks, the euro, a session of each bank and a low one, and wallets from 1 on: odd ones of bank 1, even ones of bank 2.</summary>
    public void SetUp(int wallets)
    {
        using RawClient client = Operator();
        var commands = new List<ControlCommand>();
        for (ushort participant = 1; participant <= 2; participant++)
        {
            var declare = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = participant };
            declare.SetName($"bank {participant}");
            commands.Add(declare);
        }

        commands.Add(new ControlCommand { Instruction = Instruction.DeclareCurrency, Currency = Euro, Scale = 2 });
        commands.Add(new ControlCommand { Instruction = Instruction.OpenSession, Subject = SessionOfBank1, Participant = 1, Level = 255 });
        commands.Add(new ControlCommand { Instruction = Instruction.OpenSession, Subject = SessionOfBank2, Participant = 2, Level = 255 });
        commands.Add(new ControlCommand { Instruction = Instruction.OpenSession, Subject = LowSessionOfBank1, Participant = 1, Level = 1 });
        for (int wallet = 1; wallet <= wallets; wallet++)
        {
            commands.Add(new ControlCommand
            {
                Instruction = Instruction.OpenWallet, Subject = (ulong)wallet, Participant = (ushort)(2 - (wallet % 2)), Country = 276, Currency = Euro,
            });
        }

        client.SendCommands([.. commands]);
        Assert.That(client.ReceiveVerdicts(), Is.All.EqualTo(Verdict.Accepted));
        if (wallets == 0)
            return;
        Payment[] openings =
        [
            .. Enumerable.Range(1, wallets).Select(wallet => new Payment
            {
                IdHigh = Limits.OpeningIdHigh | Euro, IdLow = (ulong)wallet, Payee = (ulong)wallet, Amount = OpeningUnits, Currency = Euro,
                Instruction = Instruction.Issue, Flags = PaymentFlags.Opening,
            }),
        ];
        client.SendPayments(openings, FrameFlags.ListAll);
        Assert.That(client.ReceiveVerdicts(), Is.All.EqualTo(Verdict.Accepted));
    }

    public static Payment Pay(ulong payer, ulong payee, ulong amount, ulong stream, ulong number) => new()
    {
        IdHigh = stream, IdLow = number, Payer = payer, Payee = payee, Amount = amount, Currency = Euro,
        Instruction = Instruction.Micropayment, Flags = PaymentFlags.StreamId,
    };

    public static Payment[] Pays(int count, ulong stream = 7, ulong first = 1) =>
        [.. Enumerable.Range(0, count).Select(i => Pay(1, 2, 1, stream, first + (ulong)i))];

    public void Dispose()
    {
        if (_host is not null)
            Stop();
        _folder.Dispose();
    }
}
