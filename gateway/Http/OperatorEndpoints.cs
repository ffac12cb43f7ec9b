using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Auth;
using Settlement.Gateway.Http.Ledger;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Http;

/// <summary>Commands that change the ledger's cast and settings. Each is journaled; the engine judges it once more, whatever this lets through.</summary>
/// <remarks>
/// Keys, mandates and consent of a wallet may also come from a session of the wallet's participant. Where the wallet's policy asks for signatures of its owner, they are made and
/// sent elsewhere (`gateway wallet`, the SDK): a signature's message needs the wallet's counter, and its key is not on the way of a web form.
/// </remarks>
internal sealed class OperatorEndpoints(HttpApiContext context)
{
    public void Map(RouteGroupBuilder sessions, RouteGroupBuilder operators)
    {
        operators.Get("/participants", ParticipantsAsync).Reads<ParticipantList>("Operator", "Names of the participants; the operator is the first.");
        Command<ParticipantRequest>(operators.Post("/participants", DeclareParticipantAsync), "Declares a participant.");
        Command<CurrencyRequest>(operators.Post("/currencies", CurrencyAsync), "Declares a currency, its scale and its authority, for ever.");
        Command<WalletRequest>(operators.Post("/wallets", WalletAsync).WithTags("Wallets"), "Opens a wallet, or another account of one.");
        Command<StatusRequest>(operators.Post("/wallets/{wallet}/status", StatusAsync), "Freezes a wallet, or lets it go.");
        Command<SessionRequest>(operators.Post("/sessions", SessionAsync), "Opens a session for a participant. It is used once a key is registered for it.");
        operators.Delete("/sessions/{session}", CloseSessionAsync).Says("Operator", "Closes a session, for ever.").Produces<CommandAnswer>().May(StatusCodes.Status422UnprocessableEntity);
        Command<KeyRequest>(sessions.Post("/keys", KeyAsync), "Registers a public key for a session (operator) or a wallet (also its participant).");
        sessions.Delete("/keys/{key}", RevokeAsync).Says("Operator", "Revokes a session's key, or with ?wallet=… a wallet's.").Produces<CommandAnswer>().May(StatusCodes.Status422UnprocessableEntity);
        Command<MandateRequest>(sessions.Post("/wallets/{wallet}/mandates", MandateAsync), "Lets another participant debit a wallet, or no more.");
        Command<ConsentRequest>(sessions.Post("/wallets/{wallet}/consent", ConsentAsync), "Sets how the wallet's owner consents to payments.");
        operators.Post("/batches/close", CloseBatchAsync).Says("Operator", "Closes the open batch now.").Produces<CommandAnswer>();
        operators.Post("/batches/{number}/settled", SettledAsync).Says("Operator", "Says that a closed batch's positions were paid outside.").Produces<CommandAnswer>().May(StatusCodes.Status422UnprocessableEntity);
    }

    private static void Command<T>(RouteHandlerBuilder endpoint, string summary) where T : notnull =>
        endpoint.Says("Operator", summary).Takes<T>().Produces<CommandAnswer>().Produces<CommandAnswer>(StatusCodes.Status201Created).May(StatusCodes.Status403Forbidden).May(StatusCodes.Status422UnprocessableEntity);

    private async Task<IResult> ParticipantsAsync()
    {
        (string[] names, ulong sequence) = await context.Port.AskAsync(state =>
            (Enumerable.Range(0, state.Participants.Count).Select(index => state.Participants.NameOf((ushort)index)).ToArray(), state.Sequence));
        return Answer.Of(new ParticipantList { Participants = names, AsOfSequence = Exact.Of(sequence) }, HttpJson.Default.ParticipantList);
    }

    private async Task<IResult> DeclareParticipantAsync(HttpContext http)
    {
        ParticipantRequest request = await Body.ReadAsync(http, HttpJson.Default.ParticipantRequest);
        if (request.Name.Length == 0 || System.Text.Encoding.UTF8.GetByteCount(request.Name) > ControlCommand.NameBytesMax || request.Name.Any(char.IsControl))
            throw Problem.Invalid($"name '{request.Name}': 1 to {ControlCommand.NameBytesMax} bytes of UTF-8 are expected.");
        ushort index = await context.Port.AskAsync(state => state.Participants.TryFind(request.Name, out ushort known) ? known : (ushort)state.Participants.Count);
        var command = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = index };
        command.SetName(request.Name);
        return await SendAsync(http, command);
    }

    private async Task<IResult> CurrencyAsync(HttpContext http)
    {
        CurrencyRequest request = await Body.ReadAsync(http, HttpJson.Default.CurrencyRequest);
        ushort currency = LedgerWords.Currency("currency", request.Currency);
        int scale = request.Scale ?? Iso4217.ScaleOf(currency);
        if (scale is < 0 or > Limits.ScaleMax)
            throw Problem.Invalid($"scale {Exact.Of(scale)}: 0 to {Exact.Of(Limits.ScaleMax)} is expected.");
        ushort authority = request.Authority is { } name ? await ParticipantAsync("authority", name) : Limits.OperatorParticipant;
        return await SendAsync(http, new ControlCommand { Instruction = Instruction.DeclareCurrency, Currency = currency, Scale = (byte)scale, Participant = authority });
    }

    private async Task<IResult> WalletAsync(HttpContext http)
    {
        WalletRequest request = await Body.ReadAsync(http, HttpJson.Default.WalletRequest);
        if (request.Tier is < 0 or > Limits.TierMax)
            throw Problem.Invalid($"tier {Exact.Of(request.Tier)}: 0 to {Exact.Of(Limits.TierMax)} is expected.");
        return await SendAsync(http, new ControlCommand
        {
            Instruction = Instruction.OpenWallet,
            Subject = LedgerWords.Wallet("wallet", request.Wallet),
            Participant = await ParticipantAsync("participant", request.Participant),
            Country = LedgerWords.Country("country", request.Country),
            Currency = request.Currency is { } currency ? LedgerWords.Currency("currency", currency) : (ushort)0,
            Tier = (byte)request.Tier,
            Kind = LedgerWords.Name("kind", request.Kind, PartyKind.Unstated, Enum.GetValues<PartyKind>()),
            Level = LedgerWords.Level("level", request.Level),
            Holder = request.Holder is { } holder ? LedgerWords.Number("holder", holder) : 0,
        }, $"/v1/wallets/{request.Wallet}");
    }

    private async Task<IResult> StatusAsync(string wallet, HttpContext http)
    {
        StatusRequest request = await Body.ReadAsync(http, HttpJson.Default.StatusRequest);
        return await SendAsync(http, new ControlCommand
        {
            Instruction = Instruction.SetWalletStatus,
            Subject = LedgerWords.Wallet("wallet", wallet),
            Status = LedgerWords.Name("status", request.Status, WalletStatus.Active, WalletStatus.Active, WalletStatus.Frozen),
        });
    }

    /// <summary>The next index; another operator may be faster, and then the answer says so.</summary>
    private async Task<IResult> SessionAsync(HttpContext http)
    {
        SessionRequest request = await Body.ReadAsync(http, HttpJson.Default.SessionRequest);
        ushort participant = await ParticipantAsync("participant", request.Participant);
        int session = await context.Port.AskAsync(state => state.Sessions.Next);
        if (session > ushort.MaxValue)
            throw Problem.Missing("The ledger has as many sessions as can be.");
        var command = new ControlCommand
        {
            Instruction = Instruction.OpenSession,
            Subject = (ulong)session,
            Participant = participant,
            Level = LedgerWords.Level("clearance", request.Clearance),
            SessionFlags = (request.Operator ? SessionFlags.Operator : 0) | (request.MayDeclassify ? SessionFlags.Declassify : 0),
        };
        return await SendAsync(http, command, answer: answer => answer with { Session = session });
    }

    private Task<IResult> CloseSessionAsync(string session, HttpContext http)
    {
        ulong number = LedgerWords.Number("session", session);
        if (number > ushort.MaxValue)
            throw Problem.Invalid($"session '{session}': 1 to {Exact.Of(ushort.MaxValue)} is expected.");
        return SendAsync(http, new ControlCommand { Instruction = Instruction.CloseSession }, continuation: new SessionClosing((ushort)number).Encode());
    }

    private async Task<IResult> KeyAsync(HttpContext http)
    {
        KeyRequest request = await Body.ReadAsync(http, HttpJson.Default.KeyRequest);
        (KeyRole role, ulong owner) = Owner(http, request.Session is { } session ? Exact.Of(session) : null, request.Wallet);
        byte[] spki = Spki(request.PublicKey);
        byte[] said = new KeyRegistration(role, owner, PublicKeyForm.SchemeOf(spki), spki, []).Encode();
        string key = PublicKeyForm.IdOf(spki).ToString();
        return await SendAsync(http, new ControlCommand { Instruction = Instruction.RegisterKey }, $"/v1/keys/{key}", said, answer => answer with { Key = key });
    }

    private async Task<IResult> RevokeAsync(string key, string? wallet, HttpContext http)
    {
        if (key.Length != 2 * KeyId.Size || !UInt128.TryParse(key, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _))
            throw Problem.Invalid($"key '{key}': its id of 32 hexadecimal digits is expected.");
        var id = KeyId.From(Convert.FromHexString(key));
        string? session = wallet is not null || !CallerGate.CallerOf(http).IsOperator ? null
            : await context.Port.AskAsync(state => state.Consent.FindSessionKey(id)?.Owner) is { } found ? Exact.Of(found)
            : throw Problem.NotFound($"There is no session key {key}. A wallet's is revoked with ?wallet=…");
        (KeyRole role, ulong owner) = Owner(http, session, wallet);
        return await SendAsync(http, new ControlCommand { Instruction = Instruction.RevokeKey }, continuation: new KeyRevocation(role, owner, id, []).Encode());
    }

    private async Task<IResult> MandateAsync(string wallet, HttpContext http)
    {
        MandateRequest request = await Body.ReadAsync(http, HttpJson.Default.MandateRequest);
        ulong until = request.Until is { } text ? LedgerWords.Time("until", text) : 0;
        if (!request.Given && until != 0)
            throw Problem.Invalid("until: a mandate that is withdrawn ends at once; leave it away.");
        byte[] said = new MandateSetting(LedgerWords.Wallet("wallet", wallet), await ParticipantAsync("participant", request.Participant), request.Given, until, []).Encode();
        return await SendAsync(http, new ControlCommand { Instruction = Instruction.SetMandate }, continuation: said);
    }

    private async Task<IResult> ConsentAsync(string wallet, HttpContext http)
    {
        ConsentRequest request = await Body.ReadAsync(http, HttpJson.Default.ConsentRequest);
        ConsentPolicy policy = LedgerWords.Name("policy", request.Policy, ConsentPolicy.Custodial, Enum.GetValues<ConsentPolicy>());
        int signatures = request.Signatures ?? (policy == ConsentPolicy.Custodial ? 0 : 1);
        if (policy == ConsentPolicy.Custodial ? signatures != 0 : signatures is < 1 or > ConsentBounds.WalletKeysMax)
            throw Problem.Invalid($"signatures {Exact.Of(signatures)}: 1 to {Exact.Of(ConsentBounds.WalletKeysMax)} is expected, or none where the policy is custodial.");
        ulong threshold = request.Threshold is { } text ? LedgerWords.Number("threshold", text) : 0;
        if (signatures < 2 && threshold != 0)
            throw Problem.Invalid("threshold: where one signature is enough for any amount there is none; leave it away, or ask for more signatures above it.");
        byte[] said = new ConsentSetting(LedgerWords.Wallet("wallet", wallet), policy, (byte)signatures, threshold, []).Encode();
        return await SendAsync(http, new ControlCommand { Instruction = Instruction.SetConsent }, continuation: said);
    }

    private Task<IResult> CloseBatchAsync(HttpContext http) => SendAsync(http, new ControlCommand { Instruction = Instruction.CloseBatch });

    private Task<IResult> SettledAsync(string number, HttpContext http) =>
        SendAsync(http, new ControlCommand { Instruction = Instruction.SettledBatch, Subject = LedgerWords.Number("batch", number) });

    private static (KeyRole Role, ulong Owner) Owner(HttpContext http, string? session, string? wallet)
    {
        if ((session is null) == (wallet is null))
            throw Problem.Invalid("A key is a session's or a wallet's: name either session or wallet.");
        if (wallet is not null)
            return (KeyRole.Wallet, LedgerWords.Wallet("wallet", wallet));
        return CallerGate.CallerOf(http).IsOperator ? (KeyRole.Session, LedgerWords.Number("session", session)) : throw Problem.Forbidden();
    }

    private static byte[] Spki(string pem)
    {
        const string Expected = "public_key: a SubjectPublicKeyInfo PEM (-----BEGIN PUBLIC KEY-----) of a P-256 or ML-DSA-65 key is expected.";
        try
        {
            if (PemEncoding.TryFind(pem, out PemFields fields) && pem[fields.Label] == "PUBLIC KEY"
                && Convert.FromBase64String(pem[fields.Base64Data]) is var spki && PublicKeyForm.SchemeOf(spki) != SignatureScheme.None)
                return spki;
        }
        catch (FormatException)
        {
            // No base64: as every other fault.
        }

        throw Problem.Invalid(Expected);
    }

    private async Task<ushort> ParticipantAsync(string field, string name) =>
        await context.Port.AskAsync(state => state.Participants.TryFind(name, out ushort participant) ? participant : (ushort?)null)
        ?? throw Problem.Invalid($"{field} '{name}': there is no such participant. POST /v1/participants declares one.");

    private async Task<IResult> SendAsync(HttpContext http, ControlCommand command, string? location = null, byte[]? continuation = null, Func<CommandAnswer, CommandAnswer>? answer = null)
    {
        command.Session = CallerGate.CallerOf(http).Session;
        SettledSlot[] settled = await context.Port.SubmitAsync(IngressAdapter.SlotsOf(command, continuation));
        Outcome outcome = settled[0].Outcome;
        if (outcome.Verdict is not (Verdict.Accepted or Verdict.Duplicate or Verdict.AwaitingQuorum))
            throw Problem.Refused(in outcome, null, settled[0].Sequence);
        var said = new CommandAnswer { Verdict = VerdictText.NameOf(outcome.Verdict), Sequence = Exact.Of(settled[0].Sequence) };
        int status = outcome.Verdict == Verdict.AwaitingQuorum ? StatusCodes.Status202Accepted
            : outcome.Verdict == Verdict.Accepted && (location is not null || answer is not null) ? StatusCodes.Status201Created
            : StatusCodes.Status200OK;
        return Answer.Of(answer is null ? said : answer(said), HttpJson.Default.CommandAnswer, status, status == StatusCodes.Status201Created ? location : null);
    }
}
