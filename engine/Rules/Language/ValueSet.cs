using System.Numerics;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Purpose: the values of one field that pass. Countries and currencies count from 0 to 999, and 1,000 stands for every higher number (there is no such
/// country, but a condition must have an answer). Immutable.
/// </summary>
internal sealed class ValueSet : IEquatable<ValueSet>
{
    private const int WordCount = 16;

    /// <summary>Stands for every number above ISO's.</summary>
    public const int Beyond = RuleBounds.IsoNumberMax + 1;

    private static readonly ValueSet[] s_domains = [.. Enum.GetValues<RuleField>().Order().Select(Range)];
    private static readonly ValueSet[] s_real = [.. Enum.GetValues<RuleField>().Order().Select(Reality)];
    private readonly ulong[] _words;

    private ValueSet(ulong[] words)
    {
        _words = words;
        foreach (ulong word in words)
            Count += BitOperations.PopCount(word);
    }

    public static ValueSet Empty { get; } = new(new ulong[WordCount]);

    public int Count { get; }

    public bool IsEmpty => Count == 0;

    /// <summary>All values that a field can be asked about.</summary>
    public static ValueSet Domain(RuleField field) => s_domains[(int)field];

    /// <summary>The values that payments have: countries and currencies that exist.</summary>
    public static ValueSet Real(RuleField field) => s_real[(int)field];

    private static ValueSet Range(RuleField field) => field switch
    {
        RuleField.None => Empty,
        RuleField.Tier => Where(Limits.TierMax, static _ => true),
        RuleField.Purpose => Where((int)Purpose.Last, static _ => true),
        RuleField.Level => Where(byte.MaxValue, static _ => true),
        RuleField.Instruction => Where((int)Instruction.Redeem, static value => value >= (int)Instruction.Micropayment),
        RuleField.PayerKind or RuleField.PayeeKind => Where((int)PartyKind.Last, static _ => true),
        _ => Where(Beyond, static _ => true),
    };

    private static ValueSet Reality(RuleField field) => field switch
    {
        RuleField.Source or RuleField.Destination => Of(Iso3166.Numbers),
        RuleField.Currency => Of(Iso4217.Numbers),
        _ => Range(field),
    };

    public static ValueSet Of(params ReadOnlySpan<ushort> values)
    {
        ulong[] words = new ulong[WordCount];
        foreach (ushort value in values)
            words[value >> 6] |= 1UL << (value & 63);
        return new ValueSet(words);
    }

    /// <summary>The values from 0 to <paramref name="last"/> that pass.</summary>
    public static ValueSet Where(int last, Func<int, bool> passes)
    {
        ulong[] words = new ulong[WordCount];
        for (int value = 0; value <= last; value++)
            if (passes(value))
                words[value >> 6] |= 1UL << (value & 63);
        return new ValueSet(words);
    }

    /// <summary>The values of a field's domain that pass.</summary>
    public static ValueSet Where(RuleField field, Func<int, bool> passes) =>
        Where(Beyond, value => Domain(field).Contains(value) && passes(value));

    public bool Contains(int value) => (_words[Math.Min(value, Beyond) >> 6] >> (Math.Min(value, Beyond) & 63) & 1) != 0;

    public ValueSet And(ValueSet other) => Merge(other, static (left, right) => left & right);

    public ValueSet Or(ValueSet other) => Merge(other, static (left, right) => left | right);

    public ValueSet Without(ValueSet other) => Merge(other, static (left, right) => left & ~right);

    public bool IsWithin(ValueSet other) => Without(other).IsEmpty;

    private ValueSet Merge(ValueSet other, Func<ulong, ulong, ulong> merge)
    {
        ulong[] words = new ulong[WordCount];
        for (int i = 0; i < WordCount; i++)
            words[i] = merge(_words[i], other._words[i]);
        return new ValueSet(words);
    }

    /// <summary>Ascending.</summary>
    public ushort[] ToArray()
    {
        ushort[] values = new ushort[Count];
        int at = 0;
        for (int i = 0; i < WordCount; i++)
            for (ulong word = _words[i]; word != 0; word &= word - 1)
                values[at++] = (ushort)(i * 64 + BitOperations.TrailingZeroCount(word));
        return values;
    }

    public bool Equals(ValueSet? other) => other is not null && _words.AsSpan().SequenceEqual(other._words);

    public override bool Equals(object? obj) => Equals(obj as ValueSet);

    public override int GetHashCode()
    {
        ulong hash = 0;
        foreach (ulong word in _words)
            hash = (hash ^ word) * 0x9E37_79B9_7F4A_7C15 ^ hash >> 29;
        return (int)(hash >> 32);
    }
}
