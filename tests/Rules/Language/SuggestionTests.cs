using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

[TestFixture]
public sealed class SuggestionTests
{
    [Test]
    public void The_distance_is_that_of_the_whole_table_as_far_as_it_counts()
    {
        Random random = PrintedSeed.Create();
        int near = 0;
        for (int round = 0; round < 50_000; round++)
        {
            string left = Word(random), right = random.Next(2) == 0 ? Word(random) : Changed(random, left);
            int max = random.Next(8), whole = Whole(left, right), distance = Suggestion.Distance(left, right, max);
            if (whole > max ? distance <= max : distance != whole)
                Assert.Fail($"{left} {right}: {distance}, not {whole}, up to {max}");
            near += whole <= max ? 1 : 0;
        }
        Assert.That(near, Is.GreaterThan(5_000));
    }

    private static string Word(Random random) => string.Concat(Enumerable.Range(0, random.Next(10)).Select(_ => "abcA"[random.Next(4)]));

    private static string Changed(Random random, string word)
    {
        List<char> letters = [.. word];
        for (int change = random.Next(1, 4); change > 0 && letters.Count > 1; change--)
        {
            int at = random.Next(letters.Count - 1);
            switch (random.Next(4))
            {
                case 0:
                    letters.RemoveAt(at);
                    break;
                case 1:
                    letters.Insert(at, 'b');
                    break;
                case 2:
                    (letters[at], letters[at + 1]) = (letters[at + 1], letters[at]);
                    break;
                default:
                    letters[at] = 'c';
                    break;
            }
        }
        return string.Concat(letters);
    }

    /// <summary>The slow twin: every cell of the table.</summary>
    private static int Whole(string left, string right)
    {
        if (string.Equals(left, right, StringComparison.OrdinalIgnoreCase))
            return left == right ? 0 : 1;
        int[,] costs = new int[left.Length + 1, right.Length + 1];
        for (int row = 0; row <= left.Length; row++)
        {
            for (int column = 0; column <= right.Length; column++)
            {
                if (row == 0 || column == 0)
                {
                    costs[row, column] = 2 * (row + column);
                    continue;
                }
                char a = left[row - 1], b = right[column - 1];
                int cost = costs[row - 1, column - 1] + (a == b ? 0 : char.ToUpperInvariant(a) == char.ToUpperInvariant(b) ? 1 : 2);
                cost = Math.Min(cost, Math.Min(costs[row - 1, column], costs[row, column - 1]) + 2);
                if (row > 1 && column > 1 && a == right[column - 2] && left[row - 2] == b)
                    cost = Math.Min(cost, costs[row - 2, column - 2] + 1);
                costs[row, column] = cost;
            }
        }
        return costs[left.Length, right.Length];
    }

    [TestCase("wehn", "when")]
    [TestCase("untill", "until")]
    [TestCase("WHEN", "when")]
    [TestCase("exeption", "exception")]
    [TestCase("us", null)]
    [TestCase("banana", null)]
    public void The_nearest_word_is_offered_if_it_is_near(string written, string? meant) =>
        Assert.That(Suggestion.Nearest(written, ["when", "unless", "until", "exception"]), Is.EqualTo(meant));

    [Test]
    public void Where_several_are_as_near_three_are_named_and_more_are_not()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Suggestion.Question("USX", ["USD", "USN", "EUR"]), Is.EqualTo("did you mean `USD` or `USN`?"));
            Assert.That(Suggestion.Question("a1", ["a2", "a3", "a4", "zz"]), Is.EqualTo("did you mean `a2`, `a3` or `a4`?"));
            Assert.That(Suggestion.Question("a1", ["a2", "a3", "a4", "a5"]), Is.Null);
        });
    }
}
