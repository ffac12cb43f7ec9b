using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Engine.Text;

/// <summary>
/// Purpose: the rule table that files state: one table in JSON, or modules (`*.rules`; a folder stands for all of its modules), made to a table as of one day. No law
/// book, no votes: for `settle`, what-if and measurements.
/// Failure assumed: a file may hold anything; it ends in a text with its place, never in another exception.
/// </summary>
internal sealed class RuleFiles
{
    public const string Extension = ".rules";

    private readonly CurrencyScales _scales;
    private readonly Dictionary<ParameterName, ulong> _parameters;
    private readonly int _day;
    private readonly bool _isHypothesis;

    /// <param name="scales">Of the ledger.</param>
    /// <param name="parameters">Rates and indexes.</param>
    /// <param name="day">Whose rules are asked for, since 1970-01-01. A module that is not in force then is a fault.</param>
    /// <param name="isHypothesis">Modules may begin later: then it is the first day on which all have begun.</param>
    public RuleFiles(CurrencyScales scales, Dictionary<ParameterName, ulong> parameters, int day, bool isHypothesis = false) =>
        (_scales, _parameters, _day, _isHypothesis) = (scales, parameters, day, isHypothesis);

    /// <summary>
    /// Whether the modules must stand the check that a proposal must stand (<see cref="ModuleCheck"/>): a fraction of a second each. What it doubts is among
    /// <see cref="Warnings"/> where it concerns the run and not the text.
    /// </summary>
    public bool Checks { get; init; }

    /// <summary>What whoever puts the modules in force should know; each the end of a sentence.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>The day from which on the modules say something else than what was read; null: they always say this.</summary>
    public int? NextChangeDay { get; private set; }

    /// <summary>What was read last: in the order of the files; a table has none.</summary>
    public IReadOnlyList<LawModule> Modules { get; private set; } = [];

    /// <param name="paths">At least one.</param>
    /// <param name="table">Null where the answer is false.</param>
    /// <param name="fault">What is wrong and where, one or several lines without a full stop; empty where the answer is true.</param>
    public bool TryRead(IReadOnlyList<string> paths, out RuleTable? table, out string fault)
    {
        table = null;
        fault = "";
        if (paths is [var only] && !IsModules(only))
        {
            if (_parameters.Count > 0)
                fault = $"{only}: a table in JSON states its own amounts; parameters are for modules ({Extension})";
            else if (!RuleTableFile.TryRead(only, new LedgerSymbols(_scales), out table, out RuleTableFault? tableFault))
                fault = tableFault!.ToString();
            return table is not null;
        }

        if (paths.FirstOrDefault(path => !IsModules(path)) is { } other)
        {
            fault = $"{other}: a table in JSON stands alone; beside others, modules ({Extension}) are expected";
            return false;
        }

        if (!TryList(paths, out List<string> files, out fault) || !TryReadAll(files, out List<LawModule> modules, out fault))
            return false;
        Modules = modules;
        return TryLower(modules, out RuleSet? rules, out table, out fault) && (!Checks || TryCheck(rules!, modules, files, out fault));
    }

    private static bool IsModules(string path) => path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase) || Directory.Exists(path);

    private static bool TryList(IReadOnlyList<string> paths, out List<string> files, out string fault)
    {
        files = [];
        fault = "";
        foreach (string path in paths)
        {
            if (!Directory.Exists(path))
            {
                files.Add(path);
                continue;
            }

            string[] inside = [.. Directory.GetFiles(path).Where(file => file.EndsWith(Extension, StringComparison.OrdinalIgnoreCase))];
            if (inside.Length == 0)
            {
                fault = $"{path}: a folder without modules (*{Extension})";
                return false;
            }

            Array.Sort(inside, StringComparer.Ordinal);
            files.AddRange(inside);
        }

        return true;
    }

    private static bool TryReadAll(List<string> files, out List<LawModule> modules, out string fault)
    {
        modules = [];
        List<string> faults = [];
        foreach (string file in files)
        {
            if (!TryLoad(file, out byte[] text, out fault))
                return false;
            ModuleReading reading = ModuleReader.Read(text, file);
            if (reading.Module is not { } module)
                faults.Add(string.Join("\n\n", reading.Faults.Where(one => one.IsError).Select(one => one.Print(file, reading.Text))));
            else if (modules.Find(one => one.Name == module.Name) is { } same)
                faults.Add($"{file}: module {module} beside {same}: each module once");
            else
                modules.Add(module);
        }

        fault = string.Join("\n\n", faults);
        return faults.Count == 0;
    }

    private static bool TryLoad(string file, out byte[] text, out string fault)
    {
        text = [];
        fault = "";
        try
        {
            using FileStream stream = File.OpenRead(file);
            // One byte more than a module may have is enough for the reader to say so.
            text = new byte[Math.Min(stream.Length, LanguageBounds.TextBytesMax + 1)];
            stream.ReadExactly(text);
        }
        catch (Exception broken) when (broken is IOException or UnauthorizedAccessException)
        {
            fault = $"{file}: {broken.Message.TrimEnd('.')}";
        }

        return fault.Length == 0;
    }

    private bool TryCheck(RuleSet rules, List<LawModule> modules, List<string> files, out string fault)
    {
        List<string> faults = [];
        for (int i = 0; i < modules.Count; i++)
        {
            foreach (ModuleFault one in ModuleCheck.Check(rules, modules[i]))
            {
                if (one.IsError)
                    faults.Add(one.Print(files[i], modules[i].Text));
                else if (one.Code == CheckCode.NumberMissing)
                    Warnings.Add($"{files[i]}: {one.Message}");
            }
        }

        if (NextChangeDay is { } day)
            Warnings.Add($"the modules say something else from {DateOf(day)} on; what is put in force now stays as it is: give --rules again then");
        fault = string.Join("\n\n", faults);
        return faults.Count == 0;
    }

    private bool TryLower(List<LawModule> modules, out RuleSet? rules, out RuleTable? table, out string fault)
    {
        rules = null;
        BoundTreaty[] treaties = [.. modules.Where(module => module.IsTreaty).Select(treaty => new BoundTreaty(treaty, [.. treaty.Between.Where(name => modules.Exists(one => one.Name == name))]))];
        int day = _isHypothesis ? modules.Max(module => Math.Max(module.EffectiveDay, _day)) : _day;
        if (modules.Find(module => day < module.EffectiveDay || day >= module.UntilDay) is { } absent)
        {
            table = null;
            fault = absent.UntilDay is { } until && day >= until
                ? $"module {absent} ended on {DateOf(until)}; the rules of {DateOf(day)} are asked for"
                : $"module {absent} begins on {DateOf(absent.EffectiveDay)}; the rules of {DateOf(day)} are asked for";
            return false;
        }

        rules = new RuleSet([.. modules.Where(module => !module.IsTreaty)], treaties, _parameters, currency => _scales[currency]);
        bool isLowered = RuleSetLowering.TryLower(rules, day, out LoweredRules? lowered, out fault);
        table = lowered?.Table;
        NextChangeDay = lowered?.NextChangeDay;
        return isLowered;
    }

    public static string DateOf(int day)
    {
        (int year, int month, int dayOfMonth) = Rules.Calendar.Civil(day);
        return string.Create(CultureInfo.InvariantCulture, $"{year:0000}-{month:00}-{dayOfMonth:00}");
    }
}
