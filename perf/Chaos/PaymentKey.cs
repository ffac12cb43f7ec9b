using System.Globalization;
using Settlement.Engine.Domain;

namespace Settlement.Perf.Chaos;

/// <summary>What a payment is called: ids are each participant's own, and a stream's numbers are others than a UUID's bits.</summary>
internal readonly record struct PaymentKey(ushort Participant, bool IsStream, UInt128 Id)
{
    public static PaymentKey Of(ushort participant, in Payment payment) => new(participant, payment.HasStreamId, payment.Id);

    /// <summary>As it stands in a history: 2/s/0000000000002328.17.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Participant}/{(IsStream ? 's' : 'u')}/{(ulong)(Id >> 64):x}.{(ulong)Id:x}");

    /// <exception cref="FormatException">It is none.</exception>
    public static PaymentKey Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('/', '.');
        if (parts.Length != 4 || parts[1] is not ("s" or "u"))
            throw new FormatException($"'{text}' names no payment");
        return new(
            ushort.Parse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture),
            parts[1] == "s",
            new UInt128(ulong.Parse(parts[2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture), ulong.Parse(parts[3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)));
    }
}
