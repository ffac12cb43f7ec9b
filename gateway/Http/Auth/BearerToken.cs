using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Http.Auth;

/// <summary>
/// A compact JWS (RFC 7515) that opens a session over HTTP: header <c>{"alg":"ES256","kid":KEY}</c>, payload <c>{"aud":LEDGER,"iat":…,"exp":…}</c>, signed by a
/// session key of P-256.
/// </summary>
/// <remarks>
/// Invariant: one algorithm, named by this code and not by the token: <c>none</c>, and every other, is refused before a key is looked up. Extensions (<c>crit</c>)
/// are refused, and so is a member that stands there twice. A token is for one ledger and is made for an hour at most: one that was made for longer opens nothing even in its last hour.
/// Failure assumed: any text may come as a token. Whatever is wrong with it, the answer is the same.
/// Units: seconds since the Unix epoch, as RFC 7519 has them.
/// </remarks>
internal sealed class BearerToken
{
    public const int LifetimeSecondsMax = 3_600;

    /// <summary>Clocks of clients go wrong by so much.</summary>
    private const int SkewSeconds = 60;

    private const int CharsMax = 1_024;
    private const string Algorithm = "ES256";

    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    private readonly byte[] _signed;
    private readonly byte[] _signature;

    private BearerToken(KeyId key, byte[] signed, byte[] signature) => (Key, _signed, _signature) = (key, signed, signature);

    /// <summary>Whose signature it claims to have.</summary>
    public KeyId Key { get; }

    public static string Write(ECDsa key, UInt128 ledgerId, DateTimeOffset now, TimeSpan lifetime)
    {
        long issued = now.ToUnixTimeSeconds();
        string header = $$"""{"alg":"{{Algorithm}}","typ":"JWT","kid":"{{NodeKey.Of(key).Id}}"}""";
        string payload = FormattableString.Invariant($$"""{"aud":"{{ledgerId:x32}}","iat":{{issued}},"exp":{{issued + (long)lifetime.TotalSeconds}}}""");
        string signed = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(payload))}";
        byte[] signature = key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    /// <summary>Reads everything but the signature, and holds it against ledger and time.</summary>
    /// <returns>Null: it opens nothing here and now.</returns>
    public static BearerToken? Read(string text, UInt128 ledgerId, DateTimeOffset now)
    {
        if (text.Length > CharsMax)
            return null;
        string[] parts = text.Split('.');
        if (parts.Length != 3)
            return null;
        try
        {
            byte[] signature = Base64Url.DecodeFromChars(parts[2]);
            return signature.Length == NodeKey.SignatureBytes && KeyOf(Base64Url.DecodeFromChars(parts[0])) is { } key
                && IsForNow(Base64Url.DecodeFromChars(parts[1]), ledgerId, now.ToUnixTimeSeconds())
                ? new BearerToken(key, Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), signature)
                : null;
        }
        catch (Exception malformed) when (malformed is FormatException or JsonException or InvalidOperationException)
        {
            return null; // not base64url, not JSON, a member of another type
        }
    }

    /// <summary>Whether the key that it names, found in the register, signed it. A key of another scheme signs no tokens.</summary>
    public bool IsSignedBy(SessionKey key)
    {
        if (key.Scheme != SignatureScheme.P256)
            return false;
        using var pair = ECDsa.Create();
        try
        {
            pair.ImportSubjectPublicKeyInfo(key.Spki, out _);
            return pair.VerifyData(_signed, _signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
        catch (CryptographicException)
        {
            return false; // registered, and no point of the curve: nothing verifies under it
        }
    }

    private static KeyId? KeyOf(byte[] header)
    {
        using JsonDocument json = JsonDocument.Parse(header, s_strict);
        JsonElement members = json.RootElement;
        if (!members.TryGetProperty("alg", out JsonElement algorithm) || algorithm.GetString() != Algorithm
            || members.TryGetProperty("crit", out _) || !members.TryGetProperty("kid", out JsonElement kid))
            return null;
        byte[] id = Convert.FromHexString(kid.GetString() ?? "");
        return id.Length == KeyId.Size ? KeyId.From(id) : null;
    }

    private static bool IsForNow(byte[] payload, UInt128 ledgerId, long now)
    {
        using JsonDocument json = JsonDocument.Parse(payload, s_strict);
        JsonElement claims = json.RootElement;
        if (!claims.TryGetProperty("aud", out JsonElement audience) || !claims.TryGetProperty("iat", out JsonElement iat) || !claims.TryGetProperty("exp", out JsonElement exp))
            return false;
        long issued = iat.GetInt64(), expires = exp.GetInt64();
        if (claims.TryGetProperty("nbf", out JsonElement notBefore) && notBefore.GetInt64() > now + SkewSeconds)
            return false;
        // In this order nothing overflows: an expiry that is not past is above any lifetime.
        return audience.GetString() == FormattableString.Invariant($"{ledgerId:x32}")
            && now < expires && expires > issued && issued <= now + SkewSeconds && issued >= expires - LifetimeSecondsMax;
    }
}
