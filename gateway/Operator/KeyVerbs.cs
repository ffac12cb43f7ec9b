using System.CommandLine;
using System.Globalization;
using Settlement.Engine.Consent;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Gateway.Modules.Governance;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Operator;

/// <summary>`key new|register|revoke|list`: which public keys speak for a session, and which sign for a wallet.</summary>
internal static class KeyVerbs
{
    public static Command Create(TextWriter output, TextWriter error) => new("key", "Keys that speak for a session, or sign for a wallet: make, register, revoke, list.")
    {
        New(output, error), Register(output, error), Revoke(output, error), List(output, error),
    };

    /// <summary>The open session that a key speaks for already; null: none, or nobody can tell.</summary>
    public static ushort? SessionOfKey(OperatorDesk desk, PublicKey key, ushort participant)
    {
        if (desk.State is not { } state || state.Consent.FindSessionKey(key.Id) is not { IsRevoked: false } known)
            return null;
        var session = (ushort)known.Owner;
        return state.Sessions.At(session) is { IsOpen: true } record && record.Participant == participant ? session
            : throw new LawRefusedException($"Key {key.Id} speaks for session {session} of {state.Participants.NameOf(state.Sessions.At(session).Participant)} already: one key speaks for one session.");
    }

    public static (Verdict Verdict, ulong Sequence) Register(OperatorDesk desk, KeyRole role, ulong owner, PublicKey key, IReadOnlyList<OwnerSignature> signatures) =>
        desk.Send(Instruction.RegisterKey, new KeyRegistration(role, owner, key.Scheme, key.Spki, signatures).Encode());

    public static string? WhyNot(Verdict verdict, KeyId key, string owner) => verdict switch
    {
        Verdict.AlreadyExists => $"Key {key} cannot be registered for {owner}: it speaks for another session, or was revoked, and a key that was revoked never comes back. Make another with `key new`.",
        Verdict.InvalidValue => $"Key {key} cannot be registered for {owner}: there is no such open session, or nothing could be verified under the key.",
        _ => null,
    };

    private static Command New(TextWriter output, TextWriter error)
    {
        var file = new Argument<string>("file") { Description = "Where the private key goes, readable by its owner alone; its public half goes beside it, ending in .pub." };
        Option<bool> json = GovernanceOption.Json();
        var verb = new Command("new", "Makes a P-256 key. The private half stays with who connects or pays; the public half goes to the operator.") { file, json };
        verb.SetAction(parsed => GovernanceOption.Run(error, () =>
        {
            string path = parsed.GetValue(file)!;
            (NodeKey key, string publicPath) = KeyFiles.Make(path);
            GovernanceOption.Print(new DeskReply($"Key {key.Id}: private half in {path}, which whoever has it acts with; public half in {publicPath}.",
                ("key", key.Id.ToString()), ("private_key", path), ("public_key", publicPath)), parsed.GetValue(json), output);
        }));
        return verb;
    }

    private static Command Register(TextWriter output, TextWriter error)
    {
        var file = new Argument<string>("file") { Description = "The public half (PEM)." };
        (Option<ulong?> session, Option<ulong?> wallet) = (OperatorOption.SessionOption(), OperatorOption.WalletOption());
        var signing = new OwnerSigning();
        var verb = new Command("register", "Registers a public key: who shows it acts as a session, or signs for a wallet.") { file, session, wallet };
        signing.AddTo(verb);
        return new OperatorOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            PublicKey key = KeyFiles.ReadPublic(parsed.GetValue(file)!);
            (KeyRole role, ulong owner, string words) = OwnerOf(parsed, session, wallet);
            IReadOnlyList<OwnerSignature> signatures = role == KeyRole.Wallet
                ? signing.OfCommand(parsed, desk, Instruction.RegisterKey, owner, new KeyRegistration(role, owner, key.Scheme, key.Spki, []).Body()) : [];
            (Verdict verdict, ulong sequence) = Register(desk, role, owner, key, signatures);
            OperatorDesk.Check(verdict, WhyNot(verdict, key.Id, words));
            ushort? number = role == KeyRole.Wallet ? desk.State?.Consent.FindWallet(owner)?.Keys.First(one => one.Id == key.Id).Number : null;
            string scheme = SnakeCase.Of(key.Scheme);
            return new DeskReply(
                verdict == Verdict.Duplicate ? $"Key {key.Id} was registered for {words} before; nothing has changed."
                    : $"Key {key.Id} ({scheme}) {(role == KeyRole.Session ? "speaks" : "signs")} for {words}{(number is { } its ? $", as its key {its}" : "")}.",
                ("key", key.Id.ToString()), ("scheme", scheme), (role == KeyRole.Session ? "session" : "wallet", owner), ("number", number),
                ("verdict", RefusalText.NameOf(verdict)), ("sequence", sequence));
        });
    }

    private static Command Revoke(TextWriter output, TextWriter error)
    {
        var which = new Argument<string>("key") { Description = "The key's id (32 hexadecimal digits), or its public half's file." };
        (Option<ulong?> session, Option<ulong?> wallet) = (OperatorOption.SessionOption(), OperatorOption.WalletOption());
        var signing = new OwnerSigning();
        var verb = new Command("revoke", "Revokes a key at once and for ever. Connections of it are cut; what it signed before stands.") { which, session, wallet };
        signing.AddTo(verb);
        return new OperatorOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            KeyId id = KeyFiles.IdOf(parsed.GetValue(which)!);
            (KeyRole role, ulong owner, string words) = OwnerOf(parsed, session, wallet);
            IReadOnlyList<OwnerSignature> signatures = role == KeyRole.Wallet
                ? signing.OfCommand(parsed, desk, Instruction.RevokeKey, owner, new KeyRevocation(role, owner, id, []).Body()) : [];
            (Verdict verdict, ulong sequence) = desk.Send(Instruction.RevokeKey, new KeyRevocation(role, owner, id, signatures).Encode());
            OperatorDesk.Check(verdict, verdict == Verdict.UnknownKey ? $"Key {id} is none of {words}'s: `key list` shows those that there are." : null);
            return new DeskReply(verdict == Verdict.Duplicate ? $"Key {id} of {words} was revoked before; nothing has changed." : $"Key {id} of {words} is revoked.",
                ("key", id.ToString()), (role == KeyRole.Session ? "session" : "wallet", owner), ("verdict", RefusalText.NameOf(verdict)), ("sequence", sequence));
        });
    }

    private static Command List(TextWriter output, TextWriter error)
    {
        (Option<ulong?> session, Option<ulong?> wallet) = (OperatorOption.SessionOption(), OperatorOption.WalletOption());
        var verb = new Command("list", "Lists keys, revoked ones included: of all sessions, or of one, or of a wallet.") { session, wallet };
        return new OperatorOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            ConsentBook book = desk.Known("which keys it has").Consent;
            IEnumerable<RegisteredKey> keys = parsed.GetValue(wallet) is { } owner ? book.FindWallet(owner)?.Keys ?? []
                : book.ListSessionKeys().Where(key => parsed.GetValue(session) is not { } one || key.Owner == one);
            string[] lines = [.. keys.Select(key =>
                $"{(key.Number == 0 ? $"session {key.Owner}" : $"wallet {key.Owner}, key {key.Number}"),-24}  {key.Id}  {SnakeCase.Of(key.Scheme)}{(key.IsRevoked ? ", revoked" : "")}")];
            return new DeskReply(lines.Length == 0 ? "No keys." : string.Join('\n', lines), ("keys", keys.Select(key => new
            {
                key = key.Id.ToString(), scheme = SnakeCase.Of(key.Scheme), session = key.Number == 0 ? (int?)key.Owner : null, wallet = key.Number == 0 ? null : key.Owner.ToString(CultureInfo.InvariantCulture),
                number = key.Number == 0 ? (int?)null : key.Number, revoked = key.IsRevoked,
            }).ToArray()));
        });
    }

    private static (KeyRole Role, ulong Owner, string Words) OwnerOf(ParseResult parsed, Option<ulong?> session, Option<ulong?> wallet) =>
        (parsed.GetValue(session), parsed.GetValue(wallet)) switch
        {
            ({ } index, null) => (KeyRole.Session, index, string.Create(CultureInfo.InvariantCulture, $"session {index}")),
            (null, { } number) => (KeyRole.Wallet, number, string.Create(CultureInfo.InvariantCulture, $"wallet {number}")),
            _ => throw new UsageException("Say whose key it is, one of two: --session N, or --wallet N."),
        };
}
