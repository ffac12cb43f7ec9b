using System.Globalization;
using Settlement.Client;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Gateway.Modules.Governance;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Operator;

/// <summary>A server that has the ledger: commands go over the binary protocol, as the session whose key is shown.</summary>
/// <remarks>Failure assumed: the server cannot be reached, refuses, or does not answer. Each ends in a sentence; a command that was sent and not answered is said to be of unknown outcome.</remarks>
internal sealed class ServerDesk : OperatorDesk
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);

    private readonly SettlementClient _client;

    private ServerDesk(SettlementClient client) => _client = client;

    public override UInt128 LedgerId => _client.Session.LedgerId;

    public override LedgerState? State => null;

    /// <param name="address">HOST:PORT.</param>
    /// <param name="key">File of the session's private key.</param>
    /// <param name="certificate">PEM of the server's certificate; null: the machine's authorities know it.</param>
    /// <param name="isPlain">Without TLS.</param>
    /// <exception cref="UsageException">The address or the key cannot be used.</exception>
    /// <exception cref="LawRefusedException">The server cannot be reached, or refuses.</exception>
    public static ServerDesk Connect(string address, string key, string? certificate, bool isPlain)
    {
        int colon = address.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || port == 0)
            throw new UsageException($"--connect '{address}': expected HOST:PORT, such as 127.0.0.1:7711.");
        KeyFiles.Open(key, "--as FILE").Dispose(); // says what is wrong with it as every verb does
        if (certificate is not null && !File.Exists(certificate))
            throw new UsageException($"--server-certificate {certificate}: there is no such file.");
        var options = new ClientOptions
        {
            Host = address[..colon].Trim('[', ']'), Port = port, KeyFile = key, Plain = isPlain, ServerCertificateFile = certificate, ReconnectTries = 0, Deadline = s_deadline, ListsAll = true,
        };
        return Asked(() => new ServerDesk(SettlementClient.ConnectAsync(options).GetAwaiter().GetResult()), address);
    }

    public override Verdict[] Send(ReadOnlySpan<ControlCommand> commands)
    {
        ControlCommand[] sent = commands.ToArray();
        return Asked(() => _client.SendAsync(sent).GetAwaiter().GetResult()).Select(answer => answer.Verdict).ToArray();
    }

    public override (Verdict Verdict, ulong Sequence) Send(Instruction instruction, ReadOnlySpan<byte> payload)
    {
        byte[] continuation = payload.ToArray();
        PaymentVerdict answer = Asked(() => _client.SendAsync(new ControlCommand { Instruction = instruction }, continuation).GetAwaiter().GetResult());
        return (answer.Verdict, answer.Sequence);
    }

    public override void Dispose() => _client.DisposeAsync().AsTask().GetAwaiter().GetResult();

    private static T Asked<T>(Func<T> ask, string? address = null)
    {
        try
        {
            return ask();
        }
        catch (OutcomeUnknownException unknown)
        {
            throw new LawRefusedException($"The command was sent, and no answer came ({unknown.Message.TrimEnd('.')}): send it again; what was done is answered as a duplicate.");
        }
        catch (Exception unreachable) when (unreachable is SettlementException or IOException or System.Net.Sockets.SocketException or TimeoutException or System.Security.Authentication.AuthenticationException)
        {
            throw new LawRefusedException($"{(address is null ? "The server" : $"The server at {address}")} did not take it: {unreachable.Message.TrimEnd('.')}.");
        }
    }
}
