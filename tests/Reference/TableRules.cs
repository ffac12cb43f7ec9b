using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>Rules under which everything passes; any bytes are a plan.</summary>
public sealed class OpenRules : INaiveRules
{
    public ushort Judge(in NaiveFacts facts, bool denyOnly) => 0;

    public ushort Review(in NaiveFacts facts) => 0;

    public ulong HoldNs(ushort rule) => 0;

    public IEnumerable<NaiveLimit> Limits(NaiveFacts facts) => [];

    public bool NeedsSums(ushort country, ushort currency) => false;

    public bool TryDecode(ReadOnlySpan<byte> encoded) => true;
}

public enum TableRuleKind : byte
{
    /// <summary>The corridor is closed; asked again at capture and refund.</summary>
    Deny = 1,

    /// <summary>One payment may not be above the ceiling, for payers up to the tier.</summary>
    Ceiling = 2,

    /// <summary>The window's sum and the payment may not be above the ceiling, for payers up to the tier.</summary>
    Limit = 3,

    /// <summary>One payment above the ceiling is reviewed, for payers up to the tier.</summary>
    Review = 4,

    /// <summary>A payment that takes the window's sum above the ceiling is reviewed, for payers up to the tier.</summary>
    ReviewLimit = 5,
}

/// <summary>
/// One rule of the tests' own table. A country, currency or kind of 0 stands for any; <paramref name="TierMax"/> is the highest tier
/// that the rule still binds; a review holds for <paramref name="HoldHours"/>.
/// </summary>
public readonly record struct TableRule(
    ushort Number, TableRuleKind Kind, ushort Source, ushort Destination, ushort Currency,
    byte TierMax = 3, ulong Ceiling = 0, NaiveWindow Window = default, byte HoldHours = 1,
    PartyKind PayerKind = PartyKind.Unstated, PartyKind PayeeKind = PartyKind.Unstated)
{
    public bool IsLimit => Kind is TableRuleKind.Limit or TableRuleKind.ReviewLimit;

    public bool Applies(in NaiveFacts facts) =>
        (Source == 0 || Source == facts.Source) &&
        (Destination == 0 || Destination == facts.Destination) &&
        (Currency == 0 || Currency == facts.Currency) &&
        (PayerKind == PartyKind.Unstated || PayerKind == facts.PayerKind) &&
        (PayeeKind == PartyKind.Unstated || PayeeKind == facts.PayeeKind) &&
        facts.Tier <= TierMax;
}

/// <summary>
/// Rules as a plain list, every rule asked for every payment. Encoded as four bytes "TRUL" and 24 bytes a rule:
/// <code>
///  0        2     3     4       6       8       10    11    12   13   14     16       24
///  | number | kind| tier| source| dest. | curr. | win | mon | day|hours|kinds | ceiling|
/// </code>
/// </summary>
public sealed class TableRules : INaiveRules
{
    private const int RuleBytes = 24;

    private TableRule[] _rules = [];

    private static ReadOnlySpan<byte> Magic => "TRUL"u8;

    public ushort Judge(in NaiveFacts facts, bool denyOnly)
    {
        ushort lowest = 0;
        foreach (TableRule rule in _rules)
        {
            bool refuses = rule.Applies(facts) && (
                rule.Kind == TableRuleKind.Deny ||
                (rule.Kind == TableRuleKind.Ceiling && !denyOnly && facts.Amount > rule.Ceiling));
            if (refuses && (lowest == 0 || rule.Number < lowest))
                lowest = rule.Number;
        }

        return lowest;
    }

    public ushort Review(in NaiveFacts facts)
    {
        ushort lowest = 0;
        foreach (TableRule rule in _rules)
            if (rule.Kind == TableRuleKind.Review && rule.Applies(facts) && facts.Amount > rule.Ceiling && (lowest == 0 || rule.Number < lowest))
                lowest = rule.Number;
        return lowest;
    }

    public ulong HoldNs(ushort rule) => Array.Find(_rules, one => one.Number == rule).HoldHours * Engine.Domain.Limits.NsPerHour;

    public IEnumerable<NaiveLimit> Limits(NaiveFacts facts)
    {
        foreach (TableRule rule in _rules)
            if (rule.IsLimit && rule.Applies(facts))
                yield return new NaiveLimit(rule.Number, rule.Window, rule.Ceiling, rule.Kind == TableRuleKind.ReviewLimit);
    }

    public bool NeedsSums(ushort country, ushort currency)
    {
        foreach (TableRule rule in _rules)
            if (rule.IsLimit && (rule.Source == 0 || rule.Source == country)
                && (rule.Currency == 0 || rule.Currency == currency))
                return true;
        return false;
    }

    public bool TryDecode(ReadOnlySpan<byte> encoded)
    {
        if (!encoded.StartsWith(Magic) || (encoded.Length - Magic.Length) % RuleBytes != 0)
            return false;
        List<TableRule> rules = [];
        for (ReadOnlySpan<byte> rest = encoded[Magic.Length..]; !rest.IsEmpty; rest = rest[RuleBytes..])
        {
            ushort number = MemoryMarshal.Read<ushort>(rest);
            if (number == 0 || rest[2] is 0 or > (byte)TableRuleKind.ReviewLimit || rest[10] > (byte)NaiveWindowKind.Rolling30Days)
                return false;
            rules.Add(new TableRule(
                number, (TableRuleKind)rest[2], MemoryMarshal.Read<ushort>(rest[4..]), MemoryMarshal.Read<ushort>(rest[6..]),
                MemoryMarshal.Read<ushort>(rest[8..]), rest[3], MemoryMarshal.Read<ulong>(rest[16..]),
                new NaiveWindow((NaiveWindowKind)rest[10], rest[11], rest[12]), rest[13], (PartyKind)rest[14], (PartyKind)rest[15]));
        }

        _rules = [.. rules];
        return true;
    }

    public static byte[] Encode(IReadOnlyList<TableRule> rules)
    {
        byte[] encoded = new byte[Magic.Length + RuleBytes * rules.Count];
        Magic.CopyTo(encoded);
        for (int i = 0; i < rules.Count; i++)
        {
            Span<byte> row = encoded.AsSpan(Magic.Length + i * RuleBytes, RuleBytes);
            TableRule rule = rules[i];
            MemoryMarshal.Write(row, rule.Number);
            row[2] = (byte)rule.Kind;
            row[3] = rule.TierMax;
            MemoryMarshal.Write(row[4..], rule.Source);
            MemoryMarshal.Write(row[6..], rule.Destination);
            MemoryMarshal.Write(row[8..], rule.Currency);
            row[10] = (byte)rule.Window.Kind;
            row[11] = rule.Window.Month;
            row[12] = rule.Window.Day;
            row[13] = rule.HoldHours;
            row[14] = (byte)rule.PayerKind;
            row[15] = (byte)rule.PayeeKind;
            MemoryMarshal.Write(row[16..], rule.Ceiling);
        }

        return encoded;
    }
}
