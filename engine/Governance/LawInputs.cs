using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules.Language;

namespace Settlement.Engine.Governance;

/// <summary>The text of one version of a module or treaty. Never changes.</summary>
public sealed class LawText
{
    public LawText(string name, uint version, byte[] utf8)
    {
        (Name, Version, Utf8) = (name, version, utf8);
        Hash = Digest.From(SHA256.HashData(utf8));
    }

    public string Name { get; }

    public uint Version { get; }

    public byte[] Utf8 { get; }

    /// <summary>SHA-256 of the text.</summary>
    public Digest Hash { get; }

    public override string ToString() => Encoding.UTF8.GetString(Utf8);
}

/// <summary>A treaty's text and the modules it binds, ascending.</summary>
public sealed record TreatyText(LawText Text, IReadOnlyList<string> Bound);

/// <summary>
/// All that a rule plan is made of, but for the day: texts in force, whom treaties bind, parameters, currencies. Never changes, so any thread may build from it;
/// two are equal exactly when their hashes are.
/// </summary>
public sealed class LawInputs
{
    /// <param name="modules">Names differ.</param>
    /// <param name="treaties">Names differ.</param>
    /// <param name="parameters">Those that have a value.</param>
    /// <param name="currencies">Declared, with their scales.</param>
    public LawInputs(
        IEnumerable<LawText> modules, IEnumerable<TreatyText> treaties, IEnumerable<(ParameterName Name, ulong Value)> parameters,
        IEnumerable<(ushort Currency, byte Scale)> currencies)
    {
        Modules = [.. modules.OrderBy(module => module.Name, StringComparer.Ordinal)];
        Treaties = [.. treaties.OrderBy(treaty => treaty.Text.Name, StringComparer.Ordinal)];
        Parameters = [.. parameters.OrderBy(parameter => parameter.Name.Currency).ThenBy(parameter => parameter.Name.Name, StringComparer.Ordinal)];
        Currencies = [.. currencies.OrderBy(currency => currency.Currency)];
        Hash = HashOf(this);
    }

    public static LawInputs Empty { get; } = new([], [], [], []);

    public IReadOnlyList<LawText> Modules { get; }

    public IReadOnlyList<TreatyText> Treaties { get; }

    public IReadOnlyList<(ParameterName Name, ulong Value)> Parameters { get; }

    public IReadOnlyList<(ushort Currency, byte Scale)> Currencies { get; }

    /// <summary>
    /// SHA-256 of: tag | count 4, then (n|name, text's hash 32) of each module | count 4, then (the same, count 4, n|name of each bound) of each treaty |
    /// count 4, then (currency 2, n|name, value 8) | count 4, then (currency 2, scale 1).
    /// </summary>
    public Digest Hash { get; }

    private static Digest HashOf(LawInputs inputs)
    {
        PayloadWriter writer = new PayloadWriter().Text("settlement rule set v1").UInt32((uint)inputs.Modules.Count);
        foreach (LawText module in inputs.Modules)
            writer.Text(module.Name).Bytes(module.Hash);
        writer.UInt32((uint)inputs.Treaties.Count);
        foreach (TreatyText treaty in inputs.Treaties)
        {
            writer.Text(treaty.Text.Name).Bytes(treaty.Text.Hash).UInt32((uint)treaty.Bound.Count);
            foreach (string bound in treaty.Bound)
                writer.Text(bound);
        }

        writer.UInt32((uint)inputs.Parameters.Count);
        foreach ((ParameterName name, ulong value) in inputs.Parameters)
            writer.UInt16(name.Currency).Text(name.Name).UInt64(value);
        writer.UInt32((uint)inputs.Currencies.Count);
        foreach ((ushort currency, byte scale) in inputs.Currencies)
            writer.UInt16(currency).Byte(scale);
        return Digest.From(SHA256.HashData(writer.ToArray()));
    }
}
