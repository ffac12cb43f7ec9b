using System.CommandLine;
using System.Globalization;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;
using Settlement.Gateway.Modules.Smt;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Modules;

/// <summary>What the verbs of `rules` share: their options, how each is read, and what becomes of faults.</summary>
internal static class RuleOption
{
    public const int ExitUnsound = 1;
    public const int ExitUnusable = SettleCommand.ExitUnusable;
    public const double SecondsDefault = 60;

    public static Argument<string[]> Files(string description) => new("files") { Description = description, Arity = ArgumentArity.OneOrMore, HelpName = "FILE…" };

    public static Option<string[]> Parameter() => new("--parameter")
    {
        HelpName = "CCY.NAME=VALUE",
        Description = "A rate or an index, such as EUR.rate=1.08; may be repeated. What is not given counts as 1, and the answer says so.",
    };

    public static Option<bool> Json() => new("--json") { Description = "Print one JSON object instead of lines." };

    public static Option<bool> NoSolver() => new("--no-solver") { Description = "Leave out what needs the solver." };

    public static Option<double> Seconds() => new("--seconds")
    {
        HelpName = "N",
        Description = "How long the solver may take in all; what it has not answered then is said to be not proven.",
        DefaultValueFactory = _ => SecondsDefault,
    };

    public static Option<int?> On(string description) => SettleOption.Parsed<int?>("--on", "DATE", description,
        (string text, out int? day) =>
        {
            day = TryReadDate(text, out int read) ? read : null;
            return day is not null;
        }, "a date such as 2026-01-31");

    public static bool TryReadDate(string text, out int day)
    {
        day = 0;
        return NumberText.IsDate(text) && NumberText.ReadDate(text, out day) is null;
    }

    /// <exception cref="UsageException">One cannot be read, or stands twice with two values.</exception>
    public static RuleParameters ReadParameters(IReadOnlyList<string>? given)
    {
        try
        {
            return new RuleParameters(ParameterText.ParseAll(given ?? []));
        }
        catch (FormatException unreadable)
        {
            throw new UsageException($"{unreadable.Message}.");
        }
    }

    /// <exception cref="UsageException">It is no number of seconds.</exception>
    public static double ReadSeconds(double seconds) => seconds is > 0 and <= 86_400 ? seconds
        : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"--seconds {seconds}: expected a number above 0, at most 86400."));

    /// <summary>Prints the faults of files that are no modules; whether there are any.</summary>
    public static bool TellUnreadable(RuleFiles files, TextWriter error)
    {
        foreach (ModuleReading reading in files.Readings)
            if (reading.Module is null)
                error.WriteLine(string.Join("\n\n", reading.Faults.Where(fault => fault.IsError).Select(fault => fault.Print(reading.FileName, reading.Text))));
        return !files.AreModules;
    }

    /// <summary>Runs a verb; a user's mistake becomes one sentence and an exit code.</summary>
    public static int Run(TextWriter error, Func<int> verb)
    {
        try
        {
            return verb();
        }
        catch (Exception unusable) when (unusable is UsageException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine(unusable.Message);
            return ExitUnusable;
        }
    }

    /// <summary>The solver; null: left out, and why.</summary>
    public static Z3Library? SolverOf(bool left, out string? why)
    {
        Z3Library? library = left ? null : Z3Library.Installed;
        why = library is not null ? null : left ? "--no-solver" : $"there is no libz3: {Z3Library.InstallHint}";
        return library;
    }

    public static string Lines(params IEnumerable<string?> lines)
    {
        var text = new StringBuilder();
        foreach (string? line in lines)
            if (line is not null)
                text.Append(line).Append('\n');
        return text.ToString();
    }
}
