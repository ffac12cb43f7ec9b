using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Settlement.Engine.Consent;
using Settlement.Engine.Domain;
using Settlement.Gateway.Modules.Governance;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Operator;

/// <summary>
/// Signatures of a wallet's own keys, where its policy asks for them: `--sign FILE`, as often as it takes. A ledger tells which number each key has, and the wallet's counter; to a
/// server both must be said: `--sign 1:FILE --counter 7`.
/// </summary>
internal sealed class OwnerSigning
{
    private readonly Option<string[]> _files = new("--sign")
    {
        HelpName = "[NUMBER:]FILE",
        Description = "Private key of the wallet's owner, which signs this command; may be repeated. To a server with its number in the wallet: 1:FILE.",
    };

    private readonly Option<ulong?> _counter = SettleOption.Number("--counter", "N", "How many commands about the wallet were accepted since its first key. A ledger knows it; to a server it must be said.");

    public void AddTo(Command verb, bool withCounter = true)
    {
        verb.Add(_files);
        if (withCounter)
            verb.Add(_counter);
    }

    /// <summary>Signs a command about a wallet.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="desk">Where it goes.</param>
    /// <param name="instruction">Which command.</param>
    /// <param name="wallet">What it is about.</param>
    /// <param name="body">All of it but the signatures.</param>
    public IReadOnlyList<OwnerSignature> OfCommand(ParseResult parsed, OperatorDesk desk, Instruction instruction, ulong wallet, byte[] body)
    {
        string[] files = parsed.GetValue(_files) ?? [];
        if (files.Length == 0)
            return [];
        ulong counter = parsed.GetValue(_counter) ?? desk.State?.Consent.FindWallet(wallet)?.Counter ?? throw new UsageException(desk.State is null
            ? "--sign: a server does not tell the wallet's counter; say it with --counter N, as `replay state` over its journal shows it."
            : $"--sign: wallet {wallet} has no key in this ledger that could sign.");
        return Sign(files, desk, wallet, ConsentMessage.OfCommand(desk.LedgerId, instruction, wallet, counter, body));
    }

    /// <summary>Signs a commitment to a chain.</summary>
    public IReadOnlyList<OwnerSignature> OfChain(ParseResult parsed, OperatorDesk desk, ChainCommitment commitment) =>
        Sign(parsed.GetValue(_files) ?? [], desk, commitment.Wallet, ConsentMessage.OfChain(desk.LedgerId, commitment));

    private static OwnerSignature[] Sign(string[] files, OperatorDesk desk, ulong wallet, byte[] message)
    {
        var signatures = new SortedDictionary<ushort, byte[]>();
        foreach (string file in files)
        {
            int colon = file.IndexOf(':', StringComparison.Ordinal);
            bool isNumbered = colon > 0 && ushort.TryParse(file.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out _);
            string path = isNumbered ? file[(colon + 1)..] : file;
            using ECDsa pair = KeyFiles.Open(path, "--sign FILE");
            ushort number = isNumbered ? ushort.Parse(file.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture) : NumberOf(desk, wallet, NodeKey.Of(pair).Id, path);
            SignatureP256 signature = SignatureP256.Sign(pair, message);
            signatures[number] = signature[..].ToArray();
        }

        return [.. signatures.Select(one => new OwnerSignature(one.Key, one.Value))];
    }

    private static ushort NumberOf(OperatorDesk desk, ulong wallet, KeyId id, string path)
    {
        if (desk.State is not { } state)
            throw new UsageException($"--sign {path}: a server does not tell which of the wallet's keys this is; say its number: --sign 1:{path}.");
        RegisteredKey? key = state.Consent.FindWallet(wallet)?.Keys.FirstOrDefault(one => one.Id == id && !one.IsRevoked);
        return key?.Number ?? throw new LawRefusedException($"--sign {path}: its key {id} is none of wallet {wallet}'s, or is revoked: `key list --wallet {wallet}` shows those that it has.");
    }
}
