using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Gateway.Modules.Governance;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Operator;

/// <summary>`chain open`: a wallet's owner commits to a chain whose links pay one stream, up to a ceiling and a time (PayWord).</summary>
internal static class ChainVerbs
{
    public static Command Create(TextWriter output, TextWriter error) => new("chain", "Chains of links that pay: the owner signs once, and each payment of a stream reveals the next link.") { Open(output, error) };

    private static Command Open(TextWriter output, TextWriter error)
    {
        Argument<ulong> wallet = OperatorOption.Wallet();
        Option<string> participant = OperatorOption.Participant("Whose sessions redeem the links.");
        Option<ulong> stream = SettleOption.Parsed("--stream", "NAME", "The stream whose payments the links pay: its name, or its 16 hexadecimal digits.",
            (string text, out ulong number) => StreamName.TryParse(text, out number), $"a name of at most {StreamName.NameBytesMax} bytes, or 16 hexadecimal digits");
        stream.Required = true;
        Option<ushort> currency = WalletVerbs.CurrencyOption("Currency of the payments.");
        Option<ulong?> payee = SettleOption.Number("--payee", "WALLET", "The only wallet that may be paid. Default: any.", 1);
        var atMost = new Option<string>("--at-most") { HelpName = "AMOUNT", Description = "What one payment takes at most.", Required = true };
        var ceiling = new Option<string>("--ceiling") { HelpName = "AMOUNT", Description = "What all of them take at most.", Required = true };
        Option<ulong?> until = SettleOption.Parsed<ulong?>("--until", "TIME", "The last time at which it counts (RFC 3339).", MandateVerbs.TryParseTime, TimeText.Expected);
        until.Required = true;
        Option<ulong?> length = SettleOption.Number("--length", "N", "Links: the highest number that a payment of the stream may have.", 1, ConsentBounds.ChainLengthMax);
        length.Required = true;
        var seed = new Option<string>("--seed") { HelpName = "FILE", Description = "The owner's secret, from which all links follow; made, readable by its owner alone, if it is not there.", Required = true };
        var signing = new OwnerSigning();
        var verb = new Command("open", "Opens a chain. Its owner signs the commitment with --sign; whoever has the seed can pay up to the ceiling.")
        {
            wallet, participant, stream, currency, payee, atMost, ceiling, until, length, seed,
        };
        signing.AddTo(verb, withCounter: false);
        return new OperatorOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            ulong number = parsed.GetValue(wallet);
            ushort whose = desk.ParticipantOf(parsed.GetValue(participant)!);
            ushort money = parsed.GetValue(currency);
            (ulong most, ulong all) = (Amount(desk, parsed.GetValue(atMost)!, money, "--at-most"), Amount(desk, parsed.GetValue(ceiling)!, money, "--ceiling"));
            var links = (uint)parsed.GetValue(length)!.Value;
            Digest end = new PayWordChain(SeedFile.ReadOrMake(parsed.GetValue(seed)!), links).End;
            var commitment = new ChainCommitment(
                number, whose, parsed.GetValue(stream), money, parsed.GetValue(payee) ?? 0, most, all, parsed.GetValue(until)!.Value, links, end);
            var opening = new ChainOpening(commitment, signing.OfChain(parsed, desk, commitment));
            (Verdict verdict, ulong sequence) = desk.Send(Instruction.OpenChain, opening.Encode());
            OperatorDesk.Check(verdict, verdict switch
            {
                Verdict.InvalidValue => $"The chain cannot be opened: wallet {number} must consent by stream (`consent set {number} stream`), one payment take more than nothing and no more than all, and the time be one to come.",
                Verdict.AlreadyExists => $"Another chain of wallet {number} is open for this stream and participant: let it expire, or take another stream.",
                Verdict.ConsentMissing => $"Only the owner of wallet {number} can open a chain: sign with its keys, --sign FILE.",
                _ => null,
            });
            string words = $"Stream {parsed.GetValue(stream):x16} of {desk.NameOf(whose)} is paid from wallet {number} by {links} links";
            return new DeskReply(
                verdict == Verdict.Duplicate ? $"{words}, as before; nothing has changed."
                    : $"{words}: at most {parsed.GetValue(atMost)} {Iso4217.LettersOf(money)} each and {parsed.GetValue(ceiling)} together, until {TimeText.Format(commitment.ExpiryNs)}.",
                ("wallet", number), ("participant", whose), ("stream", $"{commitment.Stream:x16}"), ("links", links), ("end", end.ToString()), ("verdict", RefusalText.NameOf(verdict)), ("sequence", sequence));
        });
    }

    private static ulong Amount(OperatorDesk desk, string text, ushort currency, string option)
    {
        int scale = Iso4217.ScaleOf(currency);
        if (desk.State is { } state && state.Currencies.IndexOf(currency) is var index and not 0)
            scale = state.Currencies[index].Scale;
        return AmountText.TryParse(text, scale, out ulong units, out _) && units > 0
            ? units : throw new UsageException($"{option} '{text}': expected an amount of {Iso4217.LettersOf(currency)} above 0 with at most {scale} digits behind the point.");
    }
}

/// <summary>The file of a chain's seed: 64 hexadecimal digits, which only its owner may read.</summary>
/// <remarks>One that is there is never written over: links that were revealed follow from it.</remarks>
internal static class SeedFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <exception cref="UsageException">What is there is no seed.</exception>
    public static Digest ReadOrMake(string path)
    {
        if (!File.Exists(path))
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = OwnerOnly;
            using var file = new FileStream(path, options);
            file.Write(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes)) + "\n"));
            file.Flush(flushToDisk: true);
        }
        else if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
        {
            throw new UsageException($"The seed in '{path}' is open to others: chmod 600 '{path}', and make sure that nobody has read it.");
        }

        string text = File.ReadAllText(path).Trim();
        return text.Length == 2 * SHA256.HashSizeInBytes && text.All(char.IsAsciiHexDigit)
            ? Digest.From(Convert.FromHexString(text)) : throw new UsageException($"'{path}' holds no seed of a chain: 64 hexadecimal digits are expected.");
    }
}
