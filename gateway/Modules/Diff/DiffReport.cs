using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Gateway.Modules.Diff;

/// <summary>What `rules diff` found out.</summary>
/// <param name="headers">What the modules' headers say.</param>
/// <param name="assumed">Parameters that were taken as 1; null: none.</param>
/// <param name="whyNoSolver">Why there was no solver; null: there was.</param>
internal sealed class DiffReport(IReadOnlyList<string> headers, string? assumed, string? whyNoSolver)
{
    private readonly List<(DiffWay Way, IReadOnlyList<LimitWindow> Windows, bool WithoutNumbers)> _ways = [];

    public IReadOnlyList<DiffWay> Ways => [.. _ways.Select(one => one.Way)];

    public bool IsProven { get; private set; } = true;

    /// <param name="result">Of one comparison.</param>
    /// <param name="withoutNumbers">Parameters that were not given had no value in it; ways that are there with values, too, are told only once.</param>
    public void Add(DiffResult result, bool withoutNumbers)
    {
        IsProven &= result.IsProven;
        foreach (DiffWay way in result.Ways)
            if (!_ways.Any(told => told.Way.Before == way.Before && told.Way.After == way.After))
                _ways.Add((way, result.Windows, withoutNumbers));
    }

    public void Write(TextWriter output)
    {
        foreach (string header in headers)
            output.Write(header + "\n");
        if (assumed is not null)
            output.Write($"Taken as 1: {assumed}.\n");
        int number = 0;
        foreach ((DiffWay way, IReadOnlyList<LimitWindow> windows, bool withoutNumbers) in _ways)
        {
            output.Write(string.Create(CultureInfo.InvariantCulture, $"\n{++number}. {DiffWords.Of(way.Before)} → {DiffWords.Of(way.After)}: {DiffWords.Kind(way)}{(withoutNumbers ? ", where rates or indexes have no value" : "")}\n"));
            output.Write($"   payment: {Words(way, windows)}{Range(way)}\n");
            if (way.BeforeBy is { } before)
                output.Write($"   before:  {DiffWords.Of(before)}\n");
            if (way.AfterBy is { } after)
                output.Write($"   now:     {DiffWords.Of(after)}\n");
        }
        output.Write((_ways.Count > 0 ? "\n" : "") + Summary() + "\n");
    }

    private string Summary()
    {
        string ways = _ways.Count == 1 ? "Payments are treated differently in 1 way" : string.Create(CultureInfo.InvariantCulture, $"Payments are treated differently in {_ways.Count} ways");
        string why = whyNoSolver is null ? "the solver did not answer everything in its time" : $"the solver was left out ({whyNoSolver})";
        return (_ways.Count, IsProven) switch
        {
            (0, true) => assumed is null ? "No payment is treated differently (proven)."
                : "No payment is treated differently (proven for the numbers that are given, with those that are missing taken as 1, and without them; other numbers may tell).",
            (0, false) => $"Not proven: no difference was found, but {why}.",
            (_, true) => $"{ways}; there is no other (proven).",
            _ => $"{ways}; whether there are others is not proven: {(_ways.Count >= RuleSetDiff.WaysMax ? "so many are enough" : why)}.",
        };
    }

    public void WriteJson(TextWriter output)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteBoolean("differs", _ways.Count > 0);
            json.WriteBoolean("proven", IsProven);
            json.WriteStartArray("modules");
            foreach (string header in headers)
                json.WriteStringValue(header);
            json.WriteEndArray();
            json.WriteString("taken_as_one", assumed);
            json.WriteStartArray("ways");
            foreach ((DiffWay way, IReadOnlyList<LimitWindow> windows, bool withoutNumbers) in _ways)
                Write(json, way, windows, withoutNumbers);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        output.Write(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n");
    }

    private static void Write(Utf8JsonWriter json, DiffWay way, IReadOnlyList<LimitWindow> windows, bool withoutNumbers)
    {
        json.WriteStartObject();
        json.WriteString("kind", DiffWords.Kind(way));
        Write(json, "before", way.Before);
        Write(json, "after", way.After);
        json.WriteBoolean("without_parameters", withoutNumbers);
        json.WriteStartObject("payment");
        CaseWords.Write(json, way.Payment, windows, currency => Iso4217.ScaleOf(currency), way.Day);
        json.WriteEndObject();
        json.WriteString("amount_to", AmountText.ToText(way.AmountMax, Iso4217.ScaleOf(way.Payment.Facts.Currency)));
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, DiffAnswer answer)
    {
        json.WriteStartObject(name);
        json.WriteString("answer", answer.Answer switch { LawAnswer.Yes => "yes", LawAnswer.No => "no", _ => "review" });
        json.WriteString("statement", answer.Statement.Length == 0 ? null : answer.Statement);
        json.WriteEndObject();
    }

    private static string Words(DiffWay way, IReadOnlyList<LimitWindow> windows) => CaseWords.Of(way.Payment, windows, currency => Iso4217.ScaleOf(currency), way.Day);

    private static string Range(DiffWay way)
    {
        ulong amount = way.Payment.Facts.Amount;
        ushort currency = way.Payment.Facts.Currency;
        return way.AmountMax == amount ? " (this amount only)"
            // Above it are only amounts with which a sum would not fit 64 bits.
            : way.AmountMax > ulong.MaxValue / 2 ? " (and any larger amount)"
            : $" (amounts to {CaseWords.Money(way.AmountMax, currency, one => Iso4217.ScaleOf(one))})";
    }
}
