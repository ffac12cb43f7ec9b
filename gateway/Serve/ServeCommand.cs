using System.CommandLine;
using Microsoft.Extensions.Configuration;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Snapshots;
using Settlement.Gateway.Cluster;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Serve;

/// <summary>
/// The command line of `serve`. Exit codes: 0 it was told to stop and did; 2 it cannot be started as it was asked to; <see cref="SettleCommand.ExitEngineStopped"/> its engine failed.
/// </summary>
internal static class ServeCommand
{
    private const string SettingsFile = "appsettings.json";

    public static Command Create(TextWriter output, TextWriter error)
    {
        (Option<string> Option, string Key)[] flags =
        [
            (SettleOption.Text("--data", "DIR", "Folder of the server's ledger, keys and certificate; made at the first start."), "Data"),
            (SettleOption.Text("--address", "IP", "Address of the TLS ports. Default: 127.0.0.1."), "Address"),
            (SettleOption.Text("--binary-port", "N", "Port of the binary protocol without TLS, at a loopback address. 0: any; -1: none. Default: 7710."), "BinaryPort"),
            (SettleOption.Text("--binary-tls-port", "N", "Port of the binary protocol. Default: 7711."), "BinaryTlsPort"),
            (SettleOption.Text("--http-port", "N", "Port of the HTTP pages without TLS, at a loopback address. Default: 7780."), "HttpPort"),
            (SettleOption.Text("--https-port", "N", "Port of the HTTP pages. Default: 7443."), "HttpsPort"),
            (SettleOption.Text("--projection", "FILE", "The history.sqlite that `replay tail DIR/journal --to sqlite` keeps: statements and look-ups over HTTP read it."), "Projection"),
            (SettleOption.Text("--certificate", "FILE", "PEM of the certificate that the server shows. Default: a development certificate that it makes for itself."), "Certificate"),
            (SettleOption.Text("--certificate-key", "FILE", "PEM of the certificate's private key."), "CertificateKey"),
            (SettleOption.Text("--node-key", "FILE", "The node's private key. Default: node.key beside the journal."), "NodeKey"),
            (SettleOption.Text("--capacity", "N", "Accounts that a new ledger has room for."), "AccountsMax"),
            (SettleOption.Text("--log", "text|json", "How logs are written, to standard error. Default: text."), "Log"),
        ];
        var set = new Option<string[]>("--set") { HelpName = "NAME=VALUE", Description = "Any setting by its name, such as Wire:Credit=65536. May be repeated." };
        var command = new Command("serve", "Serves a ledger: takes payments over the binary protocol and HTTP until it is told to stop.") { set };
        foreach ((Option<string> option, _) in flags)
            command.Options.Add(option);
        command.SetAction(parsed =>
        {
            var given = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
            foreach (string setting in parsed.GetValue(set) ?? [])
            {
                int equals = setting.IndexOf('=', StringComparison.Ordinal);
                if (equals <= 0)
                {
                    error.WriteLine($"--set '{setting}': expected NAME=VALUE.");
                    return SettleCommand.ExitUnusable;
                }

                given[$"{ServeSettings.Section}:{setting[..equals]}"] = setting[(equals + 1)..];
            }

            foreach ((Option<string> option, string key) in flags)
            {
                if (parsed.GetValue(option) is { } value)
                    given[$"{ServeSettings.Section}:{key}"] = value;
            }

            return Run(given, output, error);
        });
        return command;
    }

    private static int Run(Dictionary<string, string?> flags, TextWriter output, TextWriter error)
    {
        try
        {
            var mistakes = new List<string>();
            ServeOptions options = ServeSettings.Read(Configuration(flags), mistakes);
            foreach (string mistake in mistakes)
                error.WriteLine(mistake);
            return mistakes.Count > 0 ? SettleCommand.ExitUnusable : RunAsync(options, output, error).GetAwaiter().GetResult();
        }
        catch (Exception unusable) when (unusable is UsageException or JournalException or ClusterException or SnapshotException or IOException or UnauthorizedAccessException or InvalidDataException)
        {
            error.WriteLine(unusable.InnerException is { } inner && unusable is InvalidDataException ? $"{unusable.Message} {inner.Message}" : unusable.Message);
            return SettleCommand.ExitUnusable;
        }
    }

    /// <summary>As `serve` would read them, for verbs that have to know where a server will listen.</summary>
    /// <param name="flags">By setting.</param>
    /// <param name="mistakes">A sentence each.</param>
    public static ServeOptions Read(Dictionary<string, string?> flags, List<string> mistakes) => ServeSettings.Read(Configuration(flags), mistakes);

    /// <summary>The files, then the environment, then flags; appsettings.json in the working folder, then that in the data folder.</summary>
    private static IConfiguration Configuration(Dictionary<string, string?> flags)
    {
        IConfigurationBuilder Base() => new ConfigurationBuilder().AddJsonFile(Path.GetFullPath(SettingsFile), optional: true);
        IConfiguration first = Base().AddEnvironmentVariables().AddInMemoryCollection(flags).Build();
        IConfigurationBuilder all = Base();
        if (first[$"{ServeSettings.Section}:{nameof(ServeOptions.Data)}"] is { } data)
            all.AddJsonFile(Path.GetFullPath(Path.Combine(data, SettingsFile)), optional: true);
        return all.AddEnvironmentVariables().AddInMemoryCollection(flags).Build();
    }

    private static async Task<int> RunAsync(ServeOptions options, TextWriter output, TextWriter error)
    {
        while (true)
        {
            var folder = new ClusterFolder(options.Data!);
            SeedFetch.Tidy(folder);
            if (SeedFetch.IsUnfinished(folder))
                await SeedFetch.ReplaceAsync(folder, 0, error.WriteLine, CancellationToken.None).ConfigureAwait(false);
            (int code, ulong? seedBehind) = await RunOnceAsync(options, output, error).ConfigureAwait(false);
            if (seedBehind is not { } lastBlock)
                return code;
            await SeedFetch.ReplaceAsync(folder, lastBlock, error.WriteLine, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <returns>With the last block of a log that must be replaced.</returns>
    private static async Task<(int Code, ulong? SeedBehind)> RunOnceAsync(ServeOptions options, TextWriter output, TextWriter error)
    {
        await using ServerHost host = await ServerHost.StartAsync(options, error).ConfigureAwait(false);
        await output.WriteLineAsync(host.ReadyLine).ConfigureAwait(false);
        await output.FlushAsync().ConfigureAwait(false);
        int code = await host.RunAsync(error).ConfigureAwait(false);
        return (code, code == 0 && host.NeedsSeed ? host.Cluster!.LastBlock : null);
    }
}
