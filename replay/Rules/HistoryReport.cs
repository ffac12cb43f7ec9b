using System.Text.Json;
using Settlement.Engine.Governance;
using Settlement.Engine.Questions;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Rules;

/// <summary>How the law came about, as lines or JSON.</summary>
internal sealed class HistoryReport
{
    private readonly LawsAt _laws;
    private readonly LawHistory _history;

    /// <param name="laws">The ledger.</param>
    /// <param name="module">Null: all.</param>
    /// <exception cref="UsageException">There is no such module.</exception>
    public HistoryReport(LawsAt laws, string? module)
    {
        _laws = laws;
        _history = new LawHistory(laws.Book, module is null ? null : laws.Find(module));
    }

    public void PrintLines(TextWriter output)
    {
        output.WriteLine($"{_laws.Journal} {_laws.Where}");
        if (_history.Entries.Count == 0)
            output.WriteLine($"  nothing has happened: {LawsAt.Ungoverned(_laws.State)}");
        var table = new TextTable("<sequence", "time", "step", "module", "what", "device", "maker", "<session", "detail");
        foreach (LawHistory.Entry entry in _history.Entries)
            table.Add(JsonText.Exact(entry.Sequence), TimeText.Format(entry.TimeNs), entry.What, entry.Law,
                entry.Proposal is { } proposal ? $"{proposal.Number}: {GovernanceWords.Of(proposal)}" : "", entry.Device == default ? "" : entry.Device.ToString(),
                _history.MakerOf(entry), entry.Session == 0 ? "" : JsonText.Exact(entry.Session), entry.Detail);
        if (!table.IsEmpty)
            table.Print(output);
    }

    public void PrintJson(TextWriter output)
    {
        using var json = new JsonText(output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteString("journal", _laws.Journal);
        _laws.WriteWhere(writer);
        _history.Write(writer, json.DrainIfLong);
        json.End();
    }
}
