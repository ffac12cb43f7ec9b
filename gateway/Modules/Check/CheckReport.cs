using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Settlement.Engine.Rules.Language;

namespace Settlement.Gateway.Modules.Check;

/// <summary>What `rules check` found out.</summary>
/// <param name="Files">What was checked.</param>
/// <param name="Findings">Of the files one by one, and of the rule set.</param>
/// <param name="Assumed">Parameters that were taken as 1; null: none.</param>
/// <param name="Solver">What the solver did, in a sentence.</param>
internal sealed record CheckReport(RuleFiles Files, IReadOnlyList<CheckFinding> Findings, string? Assumed, string Solver)
{
    public bool IsSound => Files.AreModules && Count(FindingKind.Error) == 0;

    private int Count(FindingKind kind) => Findings.Count(found => found.Kind == kind);

    public void Write(TextWriter output)
    {
        foreach (ModuleReading reading in Files.Readings)
            foreach (CheckFinding found in FindingsOf(reading))
                output.Write(Print(found, reading) + "\n\n");
        foreach (CheckFinding found in Findings.Where(found => ReadingOf(found) is null))
            output.Write($"{Word(found.Kind)} {found.Code}: {found.Message}\n{Payment(found)}\n");
        foreach (LawModule module in Files.Modules)
            output.Write(string.Create(CultureInfo.InvariantCulture,
                $"{module}: {module.Statements.Count} statements, {module.Tests.Count} tests, in force from {NumberText.DateOf(module.EffectiveDay)}\n"));
        if (Assumed is not null)
            output.Write($"Taken as 1: {Assumed}.\n");
        output.Write(Solver + "\n");
        output.Write(string.Create(CultureInfo.InvariantCulture,
            $"{(IsSound ? "Sound" : "Not sound")}: {Count(FindingKind.Error)} errors, {Count(FindingKind.Warning)} warnings, {Count(FindingKind.Note)} notes, {Count(FindingKind.NotProven)} not proven.\n"));
    }

    public void WriteJson(TextWriter output)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteBoolean("sound", IsSound);
            json.WriteStartArray("modules");
            foreach (LawModule module in Files.Modules)
            {
                json.WriteStartObject();
                json.WriteString("name", module.Name);
                json.WriteNumber("version", module.Version);
                json.WriteString("hash", module.Hash.ToString());
                json.WriteNumber("statements", module.Statements.Count);
                json.WriteNumber("tests", module.Tests.Count);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartArray("findings");
            foreach (ModuleReading reading in Files.Readings)
                foreach (CheckFinding found in FindingsOf(reading))
                    Write(json, found, reading.FileName);
            foreach (CheckFinding found in Findings.Where(found => ReadingOf(found) is null))
                Write(json, found, null);
            json.WriteEndArray();
            json.WriteString("taken_as_one", Assumed);
            json.WriteString("solver", Solver);
            json.WriteEndObject();
        }
        output.Write(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n");
    }

    private static void Write(Utf8JsonWriter json, CheckFinding found, string? file)
    {
        json.WriteStartObject();
        json.WriteString("kind", Word(found.Kind).Replace(' ', '_'));
        json.WriteString("code", found.Code);
        json.WriteString("file", file);
        if (found.Place.Line > 0)
        {
            json.WriteNumber("line", found.Place.Line);
            json.WriteNumber("column", found.Place.Column);
        }
        json.WriteString("message", found.Message);
        json.WriteString("payment", found.Payment);
        json.WriteString("hint", found.Hint);
        json.WriteEndObject();
    }

    /// <summary>Of one file, in the order of its text; notes behind what is wrong.</summary>
    private IEnumerable<CheckFinding> FindingsOf(ModuleReading reading) => Findings.Where(found => ReadingOf(found) == reading)
        .OrderBy(found => found.Kind is FindingKind.Note or FindingKind.NotProven).ThenBy(found => found.Place.Line).ThenBy(found => found.Place.Column);

    private ModuleReading? ReadingOf(CheckFinding found) => found.Module is not null ? Files.ReadingOf(found.Module)
        : Files.Readings.FirstOrDefault(reading => reading.Module is null && reading.Faults.Any(fault => fault.Place == found.Place && fault.Code == found.Code && fault.Message == found.Message));

    private static string Print(CheckFinding found, ModuleReading reading)
    {
        string[] lines = new ModuleFault(FaultKind.Error, found.Code, found.Place, found.Message, found.Hint).Print(reading.FileName, reading.Text)
            .Replace($": error {found.Code}:", $": {Word(found.Kind)} {found.Code}:", StringComparison.Ordinal).Split('\n');
        return found.Payment is null ? string.Join('\n', lines) : string.Join('\n', [.. lines, $"    payment: {found.Payment}"]);
    }

    private static string Payment(CheckFinding found) => found.Payment is null ? "" : $"    payment: {found.Payment}\n";

    private static string Word(FindingKind kind) => kind switch
    {
        FindingKind.Error => "error",
        FindingKind.Warning => "warning",
        FindingKind.Note => "note",
        _ => "not proven",
    };
}
