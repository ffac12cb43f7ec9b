using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Settlement.Engine.Journal;
using Settlement.Gateway.Init;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Http.Auth;

/// <summary>`token`: prints a bearer token that opens a session over HTTP.</summary>
internal static class TokenCommand
{
    private const int MinutesDefault = 15;
    private const int MinutesMax = BearerToken.LifetimeSecondsMax / 60;

    public static Command Create(TextWriter output, TextWriter error)
    {
        var key = new Option<string>("--key") { HelpName = "FILE", Description = "Private key of the session (PKCS#8 PEM, P-256): what the token is signed with.", Required = true };
        var ledger = new Option<string?>("--ledger") { HelpName = "ID", Description = "The ledger's id, 32 hexadecimal digits, as GET /v1/ledger says it." };
        var data = new Option<string?>("--data") { HelpName = "DIR", Description = "In the place of --ledger: the directory that was given to `serve`, where the id is read." };
        var minutes = new Option<string?>("--minutes") { HelpName = "N", Description = $"How long it lives, 1 to {MinutesMax}. Default: {MinutesDefault}." };
        var command = new Command("token", "Prints a bearer token for the HTTP API, signed with a session's key.") { key, ledger, data, minutes };
        command.SetAction(parsed =>
        {
            try
            {
                int lifetime = Minutes(parsed.GetValue(minutes));
                UInt128 ledgerId = Ledger(parsed.GetValue(ledger), parsed.GetValue(data));
                var file = new PrivateKeyFile(parsed.GetValue(key)!, "a session's", "--key FILE");
                using ECDsa pair = file.Open(pair => pair);
                output.WriteLine(BearerToken.Write(pair, ledgerId, DateTimeOffset.UtcNow, TimeSpan.FromMinutes(lifetime)));
                return 0;
            }
            catch (Exception unusable) when (unusable is UsageException or JournalException or IOException or UnauthorizedAccessException or CryptographicException)
            {
                error.WriteLine(unusable.Message);
                return SettleCommand.ExitUnusable;
            }
        });
        return command;
    }

    private static int Minutes(string? text) =>
        text is null ? MinutesDefault
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int minutes) && minutes is >= 1 and <= MinutesMax ? minutes
        : throw new UsageException($"--minutes {text}: 1 to {MinutesMax} is expected; a token that lives longer is not accepted anywhere.");

    private static UInt128 Ledger(string? ledger, string? data)
    {
        if ((ledger is null) == (data is null))
            throw new UsageException("A token is for one ledger: say which by --ledger ID, or by --data DIR where `serve` runs.");
        if (ledger is not null)
        {
            return ledger.Length == 32 && UInt128.TryParse(ledger, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 id)
                ? id
                : throw new UsageException($"--ledger {ledger}: 32 hexadecimal digits are expected, as GET /v1/ledger says them.");
        }

        string journal = Path.Combine(data!, "journal");
        if (!FasterJournal.Exists(journal))
            throw new UsageException($"There is no ledger in '{journal}': --data names the directory that was given to `serve`.");
        using JournalReader reader = JournalReader.Open(journal);
        return reader.LedgerId;
    }
}
