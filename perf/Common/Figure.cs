using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Settlement.Perf.Common;

/// <summary>A number beside the rate: a ratio to a peer, a share, a size. Its name is in snake_case with its unit.</summary>
/// <param name="Says">What was compared or counted, for whoever reads the number without the code; may be empty.</param>
public readonly record struct FigureField(string Name, double Value, string Says);

/// <summary>One published number: what was counted, how often it was run, and what belongs beside it.</summary>
/// <param name="Name">The verb that measures it.</param>
/// <param name="Counted">One sentence: what a payment went through, over which data, and what was left out.</param>
public sealed record Figure(string Name, string Counted, Runs Runs)
{
    /// <summary>What is counted, in the plural. A ring counts slots, a table ids; each stands for one payment.</summary>
    public string Unit { get; init; } = "payments";

    public IReadOnlyList<FigureField> Fields { get; init; } = [];

    /// <summary>The same figure with one more number beside it.</summary>
    public Figure With(string name, double value, string says = "") => this with { Fields = [.. Fields, new(name, value, says)] };

    /// <summary>The same figure with a peer's, measured side by side: the ratio of rates, and the peer's rate itself.</summary>
    /// <param name="peer">The peer's name in snake_case: "channels" gives ratio_to_channels.</param>
    public Figure WithRatio(string peer, SideBySide measured, string says)
    {
        ArgumentNullException.ThrowIfNull(measured);
        return With($"ratio_to_{peer}", measured.Ratio.Median, says)
            .With($"ratio_to_{peer}_min", measured.Ratio.Min)
            .With($"ratio_to_{peer}_max", measured.Ratio.Max)
            .With($"{peer}_per_second", measured.Other.PerSecond.Median);
    }
}

/// <summary>Prints figures: as lines for people, or as one JSON object a figure, a line each, for programs.</summary>
/// <remarks>The JSON object's fields are a promise: figure, counted, unit, payments_per_second (median), bytes_per_payment
/// (the worst run), runs, machine, and the figure's own; a new one may come, none changes its meaning.</remarks>
public static class FigurePrinter
{
    private static readonly JsonWriterOptions s_jsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Print(Figure figure, bool json, TextWriter output) => Print(figure, Machine.Read(), json, output);

    public static void Print(Figure figure, Machine machine, bool json, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(figure);
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(output);
        if (json)
            output.WriteLine(Json(figure, machine));
        else
            PrintLines(figure, machine, output);
    }

    private static void PrintLines(Figure figure, Machine machine, TextWriter output)
    {
        Runs runs = figure.Runs;
        bool once = runs.All.Count == 1;
        string often = once ? "run once" : $"median of {runs.All.Count} runs; {Short(runs.PerSecond.Min)} to {Short(runs.PerSecond.Max)}";
        Line(output, $"{figure.Name}: {Short(runs.PerSecond.Median)} {figure.Unit}/s   ({often})");
        Line(output, $"  counted   {figure.Counted}");
        Line(output, $"  each      {runs.NsPerPayment.Median:F2} ns, {runs.BytesPerPayment.Max:0.###} bytes allocated{(once ? "" : " (worst run)")}");
        foreach (FigureField field in figure.Fields)
            Line(output, $"  {field.Name}: {Short(field.Value)}{(field.Says.Length == 0 ? "" : "   " + field.Says)}");
        if (!once)
            Line(output, $"  runs      {string.Join("  ", runs.All.Select(run => Short(run.PerSecond)))}");
        Line(output, $"  machine   {machine.Processor}, {machine.Cores} cores, {machine.MemoryBytes / (1 << 30)} GiB, {machine.VectorBits}-bit vectors");
        Line(output, $"            {machine.System}, {machine.Runtime}, load average {machine.LoadAverage:0.##}");
        if (machine.Build != "Release")
            Line(output, $"  beware    this is a {machine.Build} build: use `dotnet run -c Release`");
    }

    private static string Json(Figure figure, Machine machine)
    {
        Runs runs = figure.Runs;
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, s_jsonOptions))
        {
            json.WriteStartObject();
            json.WriteString("figure", figure.Name);
            json.WriteString("counted", figure.Counted);
            json.WriteString("unit", figure.Unit);
            Number(json, "payments_per_second", runs.PerSecond.Median);
            Number(json, "payments_per_second_min", runs.PerSecond.Min);
            Number(json, "payments_per_second_max", runs.PerSecond.Max);
            Number(json, "ns_per_payment", runs.NsPerPayment.Median);
            Number(json, "bytes_per_payment", runs.BytesPerPayment.Max);
            foreach (FigureField field in figure.Fields)
                Number(json, field.Name, field.Value);
            WriteNotes(json, figure.Fields);
            json.WriteStartArray("runs");
            foreach (Run run in runs.All)
                WriteRun(json, run);
            json.WriteEndArray();
            WriteMachine(json, machine);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteNotes(Utf8JsonWriter json, IReadOnlyList<FigureField> fields)
    {
        if (fields.All(field => field.Says.Length == 0))
            return;
        json.WriteStartObject("notes");
        foreach (FigureField field in fields.Where(field => field.Says.Length > 0))
            json.WriteString(field.Name, field.Says);
        json.WriteEndObject();
    }

    private static void WriteRun(Utf8JsonWriter json, Run run)
    {
        json.WriteStartObject();
        json.WriteNumber("payments", run.Payments);
        Number(json, "seconds", run.ElapsedNs / 1e9);
        Number(json, "payments_per_second", run.PerSecond);
        Number(json, "bytes_per_payment", run.BytesPerPayment);
        json.WriteEndObject();
    }

    private static void WriteMachine(Utf8JsonWriter json, Machine machine)
    {
        json.WriteStartObject("machine");
        json.WriteString("processor", machine.Processor);
        json.WriteNumber("cores", machine.Cores);
        json.WriteNumber("memory_bytes", machine.MemoryBytes);
        json.WriteNumber("vector_bits", machine.VectorBits);
        json.WriteString("system", machine.System);
        json.WriteString("runtime", machine.Runtime);
        Number(json, "load_average", machine.LoadAverage);
        json.WriteString("build", machine.Build);
        json.WriteEndObject();
    }

    /// <summary>JSON has no infinity and no NaN: a ratio to nothing is null.</summary>
    private static void Number(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
            json.WriteNumber(name, Math.Round(value, 6));
        else
            json.WriteNull(name);
    }

    /// <summary>Four digits and a magnitude: 5.127 M.</summary>
    internal static string Short(double value) => Math.Abs(value) switch
    {
        >= 1e9 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e9:F3} G"),
        >= 1e6 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e6:F3} M"),
        >= 1e4 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e3:F1} k"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value:0.###}"),
    };

    private static void Line(TextWriter output, FormattableString line) => output.WriteLine(FormattableString.Invariant(line));
}
