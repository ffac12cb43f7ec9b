using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;

namespace Settlement.Perf.Load;

/// <summary>The modules that ship with the gateway, all in force, as one table. Rates are rough and INVENTED: what they are changes thresholds, not what judging costs.</summary>
internal static class ShippedLaw
{
    /// <summary>Worth of one whole unit, in the unit of account; currencies of <see cref="TwentyCountries.Currencies"/>.</summary>
    private static readonly string[] s_parameters =
        ["USD.rate=1", "EUR.rate=1.1", "GBP.rate=1.25", "JPY.rate=0.0066", "CHF.rate=1.12", "CNY.rate=0.14", "INR.rate=0.012", "BRL.rate=0.18", "NGN.rate=0.00065"];

    /// <exception cref="InvalidOperationException">The modules beside the program are not those that were built with it.</exception>
    public static RuleTable Table(out int moduleCount)
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "rules");
        moduleCount = Directory.GetFiles(folder, "*" + RuleFiles.Extension).Length;
        Dictionary<ParameterName, ulong> parameters = ParameterText.ParseAll(s_parameters);
        var files = new RuleFiles(new CurrencyScales(), parameters, Calendar.DayOf(LoadLedger.TimeNs), isHypothesis: true);
        return files.TryRead([folder], out RuleTable? table, out string fault) ? table! : throw new InvalidOperationException(fault);
    }
}
