using System.Numerics;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules;

/// <summary>
/// Purpose: the limits that no corridor row can hold. The residual program says by a bit where a condition holds; all limits of one condition share it,
/// so that a threshold that is stated in every currency takes one bit, not one a currency.
/// Invariant: a limit of a currency is looked at only for payments in it.
/// </summary>
internal sealed class MaskedLimits
{
    private readonly record struct Entry(int Bit, Rule Rule, int Window);

    private readonly Entry[] _entries; // ascending by bit, currency, rule
    private readonly int[] _firsts; // of each bit, and the end of the last

    private MaskedLimits(Entry[] entries, int bitCount)
    {
        _entries = entries;
        _firsts = new int[bitCount + 1];
        foreach (Entry entry in entries)
            _firsts[entry.Bit + 1]++;
        for (int bit = 0; bit < bitCount; bit++)
            _firsts[bit + 1] += _firsts[bit];
    }

    /// <summary>At most <see cref="RuleBounds.MaskedLimitsMax"/>.</summary>
    public int BitCount => _firsts.Length - 1;

    /// <summary>Gives each limit its bit in the program that is being compiled.</summary>
    /// <param name="limits">Ascending by id.</param>
    /// <param name="yearStarts">The years of the plan.</param>
    /// <param name="compiler">Gets the conditions.</param>
    /// <param name="masked">Null where the answer is false.</param>
    /// <param name="error">Empty where the answer is true.</param>
    public static bool TryMake(List<Rule> limits, LimitWindow[] yearStarts, ResidualCompiler compiler, out MaskedLimits? masked, out string error)
    {
        List<Entry> entries = [];
        foreach (Rule limit in limits)
            if (compiler.LimitBit(limit) is var bit and >= 0)
                entries.Add(new Entry(bit, limit, RowRules.WindowIndex(limit.Window, yearStarts)));
        masked = null;
        error = "";
        if (compiler.LimitBitCount > RuleBounds.MaskedLimitsMax)
        {
            error = $"limits depend on {compiler.LimitBitCount} different conditions on more than corridor and tier: at most {RuleBounds.MaskedLimitsMax} expected";
            return false;
        }
        entries.Sort(static (left, right) => left.Bit != right.Bit ? left.Bit.CompareTo(right.Bit)
            : left.Rule.Currency != right.Rule.Currency ? left.Rule.Currency.CompareTo(right.Rule.Currency) : left.Rule.Id.CompareTo(right.Rule.Id));
        masked = new MaskedLimits([.. entries], compiler.LimitBitCount);
        return true;
    }

    /// <summary>In the order of bits.</summary>
    public IEnumerable<(int Bit, Rule Rule)> All()
    {
        foreach (Entry entry in _entries)
            yield return (entry.Bit, entry.Rule);
    }

    /// <summary>The lowest limit that the payment would exceed; 0: none.</summary>
    public ushort FirstExceeded(bool reviews, ulong mask, ushort currency, int tier, ulong amount, SumTable sums, int sumRow, ulong timeNs)
    {
        ushort lowest = 0;
        for (; mask != 0; mask &= mask - 1)
        {
            int bit = BitOperations.TrailingZeroCount(mask);
            for (int at = FirstOf(bit, currency); at < _firsts[bit + 1] && _entries[at].Rule.Currency == currency; at++)
            {
                Rule rule = _entries[at].Rule;
                if (rule.IsReview != reviews || (lowest != 0 && lowest < rule.Id))
                    continue;
                if (SumTable.Saturate(sums.Sum(sumRow, _entries[at].Window, timeNs), amount) > rule.Ceilings[tier])
                    lowest = rule.Id;
            }
        }
        return lowest;
    }

    private int FirstOf(int bit, ushort currency)
    {
        int low = _firsts[bit];
        for (int high = _firsts[bit + 1]; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = _entries[middle].Rule.Currency < currency ? (middle + 1, high) : (low, middle);
        }
        return low;
    }
}
