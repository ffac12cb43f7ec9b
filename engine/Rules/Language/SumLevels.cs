namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Purpose: which sums formulas of one currency compare, and formulas with those comparisons answered. In a window a level is how many of its thresholds,
/// ascending, are passed: a sum above one is above all lower ones.
/// </summary>
internal sealed class SumLevels
{
    private readonly List<(LimitWindow Window, ulong[] Thresholds)> _windows = [];

    /// <param name="formulas">Of one currency.</param>
    public SumLevels(params IEnumerable<Formula> formulas)
    {
        SortedSet<(WindowKind, byte, byte, ulong)> found = [];
        HashSet<int> visited = [];
        foreach (Formula formula in formulas)
            Gather(formula, found, visited);
        foreach (IGrouping<LimitWindow, ulong> window in found.GroupBy(one => new LimitWindow(one.Item1, one.Item2, one.Item3), one => one.Item4))
            _windows.Add((window.Key, [.. window]));
    }

    /// <summary>Ascending by kind and start; thresholds ascending.</summary>
    public IReadOnlyList<(LimitWindow Window, ulong[] Thresholds)> Windows => _windows;

    private static void Gather(Formula formula, SortedSet<(WindowKind, byte, byte, ulong)> found, HashSet<int> visited)
    {
        if (!formula.HasSums || !visited.Add(formula.Number))
            return;
        if (formula.Kind == FormulaKind.Sum)
            found.Add((formula.Window.Kind, formula.Window.StartMonth, formula.Window.StartDay, formula.Threshold));
        foreach (Formula child in formula.Children)
            Gather(child, found, visited);
    }

    /// <summary>Every combination of levels, from none passed; null: more than <paramref name="max"/>.</summary>
    public IReadOnlyList<int[]>? Combinations(int max)
    {
        List<int[]> all = [new int[_windows.Count]];
        for (int window = 0; window < _windows.Count; window++)
        {
            int count = all.Count;
            if ((long)count * (_windows[window].Thresholds.Length + 1) > max)
                return null;
            for (int level = 1; level <= _windows[window].Thresholds.Length; level++)
                for (int i = 0; i < count; i++)
                {
                    int[] next = [.. all[i]];
                    next[window] = level;
                    all.Add(next);
                }
        }
        return all;
    }

    /// <summary>Only one window's sum passes anything.</summary>
    public int[] Only(int window, int level)
    {
        int[] levels = new int[_windows.Count];
        levels[window] = level;
        return levels;
    }

    /// <summary>The formula where sums are at these levels.</summary>
    public Formula Assign(FormulaPool pool, Formula formula, int[] levels)
    {
        if (!formula.HasSums || pool.IsExhausted)
            return formula;
        return formula.Kind switch
        {
            FormulaKind.Sum => pool.Constant(IsPassed(formula, levels) != formula.IsNegated),
            FormulaKind.All => pool.All(formula.Children.Select(child => Assign(pool, child, levels))),
            _ => pool.Any(formula.Children.Select(child => Assign(pool, child, levels))),
        };
    }

    private bool IsPassed(Formula sum, int[] levels)
    {
        int window = _windows.FindIndex(one => one.Window == sum.Window);
        return levels[window] > 0 && sum.Threshold <= _windows[window].Thresholds[levels[window] - 1];
    }

    /// <summary>The formula where every comparison of a sum is false.</summary>
    public static Formula None(FormulaPool pool, Formula formula) => formula.HasSums ? new SumLevels(formula).AssignNone(pool, formula) : formula;

    private Formula AssignNone(FormulaPool pool, Formula formula) => Assign(pool, formula, new int[_windows.Count]);
}
