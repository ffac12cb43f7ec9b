using System.Globalization;
using System.Security.Cryptography;
using Settlement.Client;
using Settlement.Engine.Domain;
using Settlement.Perf.Cluster;
using Settlement.Perf.Common;

namespace Settlement.Perf.Chaos;

/// <summary>The small ledger that chaos is made in: three banks with a session and a key each, some wallets in two currencies of whole units.</summary>
/// <remarks>Small on purpose: few wallets mean that most payments meet each other, and that all balances can be read again and again.</remarks>
internal sealed class ChaosLedger : IDisposable
{
    public const int Banks = 3;
    public const int Wallets = 60;
    public const ulong OpeningUnits = 1_000_000_000_000;
    private const ulong BatchCount = 500; // so that the shortest scenario closes some, whose state hashes nodes tell while they run

    private readonly ECDsa[] _keys = [.. Enumerable.Range(0, Banks).Select(_ => ECDsa.Create(ECCurve.NamedCurves.nistP256))];
    private readonly ECDsa _operator;

    private ChaosLedger(LocalCluster cluster)
    {
        Cluster = cluster;
        _operator = ECDsa.Create();
        _operator.ImportFromPem(File.ReadAllText(cluster.OperatorKeyFile));
    }

    /// <summary>Yen and won.</summary>
    public static ReadOnlySpan<ushort> Currencies => [392, 410];

    public LocalCluster Cluster { get; }

    public ECDsa OperatorKey => _operator;

    /// <param name="bank">From 1, its participant's number.</param>
    public ECDsa KeyOf(int bank) => _keys[bank - 1];

    /// <param name="wallet">From 1.</param>
    public static int BankOf(ulong wallet) => (int)(wallet % Banks) + 1;

    /// <summary>A wallet of a bank's, by chance.</summary>
    public static ulong WalletOf(int bank, Random random) => (ulong)((random.Next(Wallets / Banks) * Banks) + (bank - 1) + (bank == 1 ? Banks : 0));

    /// <summary>Sends all that a payment needs; first balances are part of the history, as payments are.</summary>
    /// <exception cref="CheckFailedException">Something is refused.</exception>
    public static async Task<ChaosLedger> SetUpAsync(LocalCluster cluster, HistoryWriter history)
    {
        var ledger = new ChaosLedger(cluster);
        SettlementClient client = await SettlementClient.ConnectAsync(cluster.OperatorOptions).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
        {
            foreach (ControlCommand command in Commands())
                await SendAsync(client, command).ConfigureAwait(false);
            // At once: a hundred commands one after the other take longer than all else here.
            await Task.WhenAll(Enumerable.Range(1, Wallets).Select(wallet => OpenWalletAsync(client, (ulong)wallet))).ConfigureAwait(false);
            for (int bank = 1; bank <= Banks; bank++)
            {
                var registration = new KeyRegistration(KeyRole.Session, SessionOf(bank), SignatureScheme.P256, ledger.KeyOf(bank).ExportSubjectPublicKeyInfo(), []);
                Require(await SurelyAsync(() => client.SendAsync(new ControlCommand { Instruction = Instruction.RegisterKey }, registration.Encode())).ConfigureAwait(false));
            }

            Payment[] openings = [.. Openings()];
            history.Invoked("setup", Limits.OperatorParticipant, openings);
            PaymentVerdict[] verdicts = await SurelyAsync(() => client.SubmitAsync(openings)).ConfigureAwait(false);
            history.Answered("setup", Limits.OperatorParticipant, openings, verdicts);
            foreach (PaymentVerdict verdict in verdicts)
                Require(verdict);
        }

        return ledger;
    }

    public void Dispose()
    {
        foreach (ECDsa key in _keys)
            key.Dispose();
        _operator.Dispose();
    }

    /// <summary>The operator's is 1.</summary>
    private static ushort SessionOf(int bank) => (ushort)(bank + 1);

    private static IEnumerable<ControlCommand> Commands()
    {
        for (int bank = 1; bank <= Banks; bank++)
        {
            var declare = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = (ushort)bank };
            declare.SetName(string.Create(CultureInfo.InvariantCulture, $"bank {bank}"));
            yield return declare;
        }

        for (int bank = 1; bank <= Banks; bank++)
            yield return new ControlCommand { Instruction = Instruction.OpenSession, Subject = SessionOf(bank), Participant = (ushort)bank };
        foreach (ushort currency in Currencies.ToArray())
            yield return new ControlCommand { Instruction = Instruction.DeclareCurrency, Currency = currency };
        yield return new ControlCommand { Instruction = Instruction.SetSetting, Subject = (ulong)SettingKey.BatchCount, Value = BatchCount };
    }

    /// <summary>With an account in each currency.</summary>
    private static async Task OpenWalletAsync(SettlementClient client, ulong wallet)
    {
        await SendAsync(client, new ControlCommand
        {
            Instruction = Instruction.OpenWallet, Subject = wallet, Participant = (ushort)BankOf(wallet), Country = 392, Currency = Currencies[0],
        }).ConfigureAwait(false);
        await SendAsync(client, new ControlCommand { Instruction = Instruction.OpenAccount, Subject = wallet, Currency = Currencies[1] }).ConfigureAwait(false);
    }

    private static async Task SendAsync(SettlementClient client, ControlCommand command) => Require(await SurelyAsync(() => client.SendAsync(command)).ConfigureAwait(false));

    private static IEnumerable<Payment> Openings()
    {
        for (ulong wallet = 1; wallet <= Wallets; wallet++)
        {
            foreach (ushort currency in Currencies.ToArray())
            {
                yield return new Payment
                {
                    IdHigh = Limits.OpeningIdHigh | currency, IdLow = wallet, Payee = wallet, Amount = OpeningUnits, Currency = currency, Instruction = Instruction.Issue, Flags = PaymentFlags.Opening,
                };
            }
        }
    }

    /// <summary>A busy machine may change its leader even now: what has no answer is sent again, and is then a duplicate or there already.</summary>
    private static async Task<T> SurelyAsync<T>(Func<Task<T>> send)
    {
        for (int tries = 0; ; tries++)
        {
            try
            {
                return await send().ConfigureAwait(false);
            }
            catch (SettlementException) when (tries < 20)
            {
                await Task.Delay(100).ConfigureAwait(false);
            }
        }
    }

    private static void Require(PaymentVerdict verdict)
    {
        if (verdict.Verdict is not (Verdict.Accepted or Verdict.Duplicate or Verdict.AlreadyExists))
            throw new CheckFailedException($"the ledger could not be set up: {verdict.Verdict}");
    }
}
