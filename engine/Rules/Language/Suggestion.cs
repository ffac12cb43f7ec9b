namespace Settlement.Engine.Rules.Language;

/// <summary>
/// What an author may have meant: the known words nearest to one that is not known. The distance counts letters left out, put in or replaced as 2, two neighbours
/// exchanged and a letter of the other case as 1.
/// </summary>
internal static class Suggestion
{
    private const int Whole = 2, Slight = 1;

    /// <summary>Longer words are not compared; no name may be longer.</summary>
    private const int CharsMax = LanguageBounds.StatementNameCharsMax;

    /// <summary>The nearest of the words, the first of equals; null: none is near.</summary>
    public static string? Nearest(string written, IEnumerable<string> words)
    {
        string? nearest = null;
        int least = AllowedOf(written.Length) + 1;
        foreach (string word in words)
        {
            int distance = Distance(written, word, least - 1);
            if (distance >= least)
                continue;
            (nearest, least) = (word, distance);
        }
        return nearest;
    }

    /// <summary>The words at the least distance, if there are no more than three of them: <c>did you mean `A`, `B` or `C`?</c>; null: none is near, or too many are.</summary>
    public static string? Question(string written, IEnumerable<string> words)
    {
        List<string> nearest = [];
        int least = AllowedOf(written.Length);
        foreach (string word in words)
        {
            int distance = Distance(written, word, least);
            if (distance > least)
                continue;
            if (distance < least)
                nearest.Clear();
            least = distance;
            nearest.Add($"`{word}`");
        }
        return nearest.Count switch
        {
            0 or > 3 => null,
            1 => $"did you mean {nearest[0]}?",
            _ => $"did you mean {string.Join(", ", nearest.Take(nearest.Count - 1))} or {nearest[^1]}?",
        };
    }

    /// <summary>How far a word may be from what was meant: one letter of three, two of six, three of more.</summary>
    private static int AllowedOf(int chars) => Whole * (chars <= 4 ? 1 : chars <= 7 ? 2 : 3);

    /// <summary>Exact up to <paramref name="max"/>; above it any greater number.</summary>
    internal static int Distance(ReadOnlySpan<char> left, ReadOnlySpan<char> right, int max)
    {
        if (left.Length > CharsMax || right.Length > CharsMax || Math.Abs(left.Length - right.Length) * Whole > max)
            return max + 1;
        if (left.Equals(right, StringComparison.OrdinalIgnoreCase))
            return left.SequenceEqual(right) ? 0 : Slight;
        // What both begin and end with costs nothing; names of one module begin alike.
        int same = left.CommonPrefixLength(right);
        left = left[same..];
        right = right[same..];
        while (left.Length > 0 && right.Length > 0 && left[^1] == right[^1])
        {
            left = left[..^1];
            right = right[..^1];
        }
        // Only where rows and columns differ by no more than may be put in or left out; what lies outside is too far.
        int band = max / Whole + 1;
        Span<int> beforeLast = stackalloc int[CharsMax + 1], last = stackalloc int[CharsMax + 1], row = stackalloc int[CharsMax + 1];
        for (int column = 0; column <= right.Length; column++)
            last[column] = beforeLast[column] = row[column] = column * Whole;
        for (int at = 1; at <= left.Length; at++)
        {
            int first = Math.Max(1, at - band), end = Math.Min(right.Length, at + band);
            row[first - 1] = first == 1 ? at * Whole : max + Whole;
            if (end < right.Length)
                row[end + 1] = max + Whole;
            int least = row[first - 1];
            for (int column = first; column <= end; column++)
            {
                char a = left[at - 1], b = right[column - 1];
                int replaced = last[column - 1] + (a == b ? 0 : char.ToLowerInvariant(a) == char.ToLowerInvariant(b) ? Slight : Whole);
                int cost = Math.Min(replaced, Math.Min(last[column], row[column - 1]) + Whole);
                if (at > 1 && column > 1 && a == right[column - 2] && left[at - 2] == b)
                    cost = Math.Min(cost, beforeLast[column - 2] + Slight);
                row[column] = cost;
                least = Math.Min(least, cost);
            }
            // An exchange leads from the row before the last into the next: so far below this row's least may the next be.
            if (least > max + Slight)
                return max + 1;
            Span<int> free = beforeLast;
            beforeLast = last;
            last = row;
            row = free;
        }
        return last[right.Length];
    }
}
