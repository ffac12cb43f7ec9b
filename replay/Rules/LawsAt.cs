using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Governance;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using Settlement.Replay.State;

namespace Settlement.Replay.Rules;

/// <summary>A ledger as it was at a point, asked about its law.</summary>
internal sealed class LawsAt : IDisposable
{
    private readonly JournalWalk _walk;

    private LawsAt(string journal, JournalPoint point, JournalWalk walk) => (Journal, Point, _walk) = (journal, point, walk);

    public string Journal { get; }

    public JournalPoint Point { get; }

    public LedgerState State => _walk.State;

    public LawBook Book => State.LawBook;

    /// <param name="journal">Its directory.</param>
    /// <param name="at">As it was given; null: the end.</param>
    /// <param name="error">Shows how far the reading is.</param>
    /// <param name="json">Then nothing is shown.</param>
    /// <exception cref="UsageException">It is no point, or is not in the journal.</exception>
    public static LawsAt Open(string journal, string? at, TextWriter error, bool json)
    {
        JournalPoint point = at is null ? JournalPoint.End : JournalPoint.Parse("--at", at);
        JournalWalk walk = JournalWalk.Open(journal, new WalkOptions { From = WalkOptions.StateOnly, Until = point, Progress = WalkProgress.Over(journal, error, json) });
        try
        {
            StateCommand.GoTo(walk, journal);
            return new LawsAt(journal, point, walk);
        }
        catch
        {
            walk.Dispose();
            throw;
        }
    }

    /// <summary>Where, as the end of a line.</summary>
    public string Where => string.Create(CultureInfo.InvariantCulture, $"at {Point}: sequence {State.Sequence:N0}, {TimeText.Format(State.TimeNs)}");

    public void WriteWhere(Utf8JsonWriter writer)
    {
        writer.WriteString("at", Point.ToString());
        writer.WriteString("sequence", JsonText.Exact(State.Sequence));
        writer.WriteString("time", TimeText.Format(State.TimeNs));
    }

    /// <exception cref="UsageException">There is none of that name.</exception>
    public Law Find(string module) => Book.FindLaw(module) ?? throw new UsageException(Book.IsFounded
        ? $"There is no module or treaty '{module}' {Where}; there are: {string.Join(", ", Book.Laws.Select(law => law.Name))}."
        : $"No module is founded {Where}: {Ungoverned(State)}.");

    /// <summary>What such a ledger judges by, as the end of a sentence.</summary>
    public static string Ungoverned(LedgerState state) => state.Rules is { } rules
        ? $"a rule table of {GovernanceWords.Count(rules.Table.Rules.Length, "rule")} is in force, {rules.Table.Hash}, activated by hand"
        : "there are no rules, and every corridor is open";

    public void Dispose() => _walk.Dispose();
}
