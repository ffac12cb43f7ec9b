namespace Settlement.Engine.Rules;

/// <summary>
/// Purpose: amounts as ranks. All thresholds that a residual program compares amounts with stand on a ladder, one for each class of currencies; a payment's
/// rank is how many of its currency's steps its amount is above, found once. A threshold is then a comparison of one byte, and one that is stated in
/// every currency (an equivalent) stands at the same rank on all ladders, so that it is one comparison, whatever the number of currencies.
/// Invariant: steps of a ladder ascend; equal ones fill up where another ladder needs more. Rank is 0 to <see cref="StepCount"/>.
/// </summary>
internal sealed class AmountLadder
{
    /// <summary>A rank fits a byte, and steps are compared eight at a time.</summary>
    public const int StepsMax = 248;

    /// <summary>Above none: a condition that never holds.</summary>
    public const ulong Never = ulong.MaxValue;

    private readonly ulong[][] _ladders; // by class of currencies
    private readonly List<ulong[]> _chain;
    private readonly int[] _chainRanks;

    private AmountLadder(ulong[][] ladders, List<ulong[]> chain, int[] chainRanks)
    {
        (_ladders, _chain, _chainRanks) = (ladders, chain, chainRanks);
        StepCount = ladders[0].Length;
        List<ulong> steps = [];
        for (int currency = 0; currency < ladders.Length; currency++)
        {
            int same = Array.FindIndex(ladders, ladder => ladder.AsSpan().SequenceEqual(ladders[currency]));
            FirstSteps[currency] = same < currency ? FirstSteps[same] : steps.Count;
            if (same == currency)
                steps.AddRange(ladders[currency]);
        }
        Steps = [.. steps];
    }

    /// <summary>Of every ladder: a multiple of 8, at most <see cref="StepsMax"/>.</summary>
    public int StepCount { get; }

    /// <summary>Different ladders, one behind the other.</summary>
    public ulong[] Steps { get; }

    /// <summary>By class of currencies (a byte): where its ladder begins in <see cref="Steps"/>.</summary>
    public int[] FirstSteps { get; } = new int[256];

    /// <summary>
    /// From tables of thresholds, an entry a class of currencies: the amount above which a condition holds.
    /// </summary>
    /// <param name="tables">At least one, all of one length.</param>
    /// <returns>Null: there are more thresholds than ranks.</returns>
    public static AmountLadder? Of(IReadOnlyList<ulong[]> tables)
    {
        int classes = tables[0].Length;
        List<ulong[]> chain = [];
        List<ulong[]> others = [];
        foreach (ulong[] table in tables.OrderBy(Sum))
            (chain.Count == 0 || IsAtLeast(table, chain[^1]) ? chain : others).Add(table);

        // Steps of single ladders, by the gap of the chain that they stand in: gap j is below link j.
        List<ulong>[][] extras = [.. Enumerable.Range(0, classes).Select(currency => Gaps(currency, chain, others))];
        int[] widths = [.. Enumerable.Range(0, chain.Count + 1).Select(gap => extras.Max(gaps => gaps[gap].Count))];
        int count = (chain.Count + widths.Sum() + 7) / 8 * 8;
        if (count > StepsMax)
            return null;
        int[] ranks = new int[chain.Count];
        for (int link = 0, below = 0; link < chain.Count; link++)
            ranks[link] = below += widths[link] + 1;
        return new AmountLadder([.. extras.Select((gaps, currency) => Ladder(currency, chain, gaps, widths, count))], chain, ranks);
    }

    /// <summary>The rank from which on a table's condition holds in every class of currencies; null: it is another in each.</summary>
    public int? RankOf(ulong[] table) => _chain.IndexOf(table) is var link and >= 0 ? _chainRanks[link] : null;

    /// <summary>The rank from which on amounts of a class of currencies are above a threshold of one of the tables, which is neither 0 nor <see cref="Never"/>.</summary>
    public int RankOf(int currencyClass, ulong above) => Array.IndexOf(_ladders[currencyClass], above) + 1;

    /// <summary>How many steps an amount is above: the slow twin of the kernel.</summary>
    public int RankOfAmount(int currencyClass, ulong amount) => _ladders[currencyClass].Count(step => amount > step);

    private static UInt128 Sum(ulong[] table)
    {
        UInt128 sum = 0;
        foreach (ulong above in table)
            sum += above;
        return sum;
    }

    private static bool IsAtLeast(ulong[] table, ulong[] other)
    {
        for (int currency = 0; currency < table.Length; currency++)
            if (table[currency] < other[currency])
                return false;
        return true;
    }

    private static List<ulong>[] Gaps(int currency, List<ulong[]> chain, List<ulong[]> others)
    {
        SortedSet<ulong> steps = [];
        foreach (ulong[] table in others)
            if (table[currency] is not 0 and not Never)
                steps.Add(table[currency]);
        foreach (ulong[] link in chain)
            steps.Remove(link[currency]);
        List<ulong>[] gaps = [.. Enumerable.Range(0, chain.Count + 1).Select(_ => new List<ulong>())];
        foreach (ulong step in steps)
            gaps[chain.Count(link => link[currency] < step)].Add(step);
        return gaps;
    }

    private static ulong[] Ladder(int currency, List<ulong[]> chain, List<ulong>[] gaps, int[] widths, int count)
    {
        List<ulong> steps = [];
        for (int gap = 0; gap < widths.Length; gap++)
        {
            ulong top = gap < chain.Count ? chain[gap][currency] : Never;
            steps.AddRange(gaps[gap]);
            for (int filled = gaps[gap].Count; filled < widths[gap]; filled++)
                steps.Add(top);
            if (gap < chain.Count)
                steps.Add(top);
        }
        while (steps.Count < count)
            steps.Add(Never);
        return [.. steps];
    }
}
