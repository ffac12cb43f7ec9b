using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Settlement.Gateway.Http.Webhooks;

/// <summary>
/// Signs a delivery: <c>Settlement-Signature: t=SECONDS,v1=HEX</c>, where HEX is the HMAC-SHA256 of <c>SECONDS.BODY</c> under the webhook's secret. The time is part of it, so that
/// a receiver can refuse what is older than some minutes: a delivery cannot be replayed to it later.
/// </summary>
internal static class WebhookSignature
{
    public const string HeaderName = "Settlement-Signature";

    /// <param name="secret">The text that was told when the webhook was made; its UTF-8 bytes are the key.</param>
    /// <param name="seconds">Since the Unix epoch, at the attempt.</param>
    /// <param name="body">As it is posted.</param>
    public static string Of(string secret, long seconds, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        string time = seconds.ToString(CultureInfo.InvariantCulture);
        hash.AppendData(Encoding.ASCII.GetBytes(time + "."));
        hash.AppendData(body);
        return $"t={time},v1={Convert.ToHexStringLower(hash.GetHashAndReset())}";
    }
}
