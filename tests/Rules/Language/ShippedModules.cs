using System.Numerics;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

/// <summary>The modules that ship with the gateway, as they stand in the checkout, and payments asked of them.</summary>
internal static class ShippedModules
{
    public static string Folder { get; } = Repository.PathOf("gateway", "rules");

    private static readonly Lazy<IReadOnlyList<ModuleReading>> s_readings = new(() =>
        [.. Directory.GetFiles(Folder, "*.rules").Order(StringComparer.Ordinal).Select(path => ModuleReader.Read(File.ReadAllBytes(path), Path.GetFileName(path)))]);

    /// <summary>Names only: a faulty file is to fail tests, not their discovery.</summary>
    public static IEnumerable<string> Files => Directory.GetFiles(Folder, "*.rules").Order(StringComparer.Ordinal).Select(path => Path.GetFileName(path));

    public static IReadOnlyList<ModuleReading> Readings => s_readings.Value;

    /// <summary>Those that can be read, treaties included.</summary>
    public static IReadOnlyList<LawModule> All => [.. Readings.Select(reading => reading.Module).OfType<LawModule>()];

    /// <summary>What a unit of each currency was worth in dollars, about, and an index; enough that no shipped module lacks a number.</summary>
    public static IReadOnlyDictionary<ParameterName, ulong> Parameters { get; } = new (string Currency, string Name, ulong Value)[]
    {
        ("USD", ParameterName.RateName, 1_000_000_000), ("EUR", ParameterName.RateName, 1_080_000_000), ("GBP", ParameterName.RateName, 1_270_000_000),
        ("CHF", ParameterName.RateName, 1_130_000_000), ("INR", ParameterName.RateName, 12_000_000), ("CNY", ParameterName.RateName, 140_000_000),
        ("JPY", ParameterName.RateName, 6_500_000), ("BRL", ParameterName.RateName, 180_000_000), ("NGN", ParameterName.RateName, 650_000),
        ("SGD", ParameterName.RateName, 750_000_000), ("CAD", ParameterName.RateName, 730_000_000), ("BRL", "ipca", 1_045_000_000),
    }.ToDictionary(one => new ParameterName(Iso4217.NumberOf(one.Currency), one.Name), one => one.Value);

    /// <summary>ISO's own, every currency declared.</summary>
    public static int ScaleOf(ushort currency) => Iso4217.ScaleOf(currency);

    private static readonly Lazy<HashSet<ushort>> s_currencies = new(() =>
        [.. All.SelectMany(module => module.Tests).Select(test => test.Amount.Currency), .. Parameters.Keys.Select(name => name.Currency)]);

    /// <summary>The same on a ledger that has no currencies but those of the modules and their tests: tables are a tenth as large.</summary>
    public static int ScaleWhereUsed(ushort currency) => s_currencies.Value.Contains(currency) ? ScaleOf(currency) : -1;

    /// <summary>All of them in force, each treaty binding whom it is between.</summary>
    public static RuleSet Together(IReadOnlyDictionary<ParameterName, ulong> parameters, Func<ushort, int> scaleOf) =>
        new([.. All.Where(module => !module.IsTreaty)], [.. All.Where(module => module.IsTreaty).Select(treaty => new BoundTreaty(treaty, treaty.Between))], parameters, scaleOf);

    public static int DayOf(int year, int month, int day) => new DateOnly(year, month, day).DayNumber - new DateOnly(1970, 1, 1).DayNumber;

    /// <summary>The payment of an embedded test.</summary>
    public static LawCase CaseOf(LawTest test)
    {
        Dictionary<LimitWindow, ulong> spent = test.Spent.ToDictionary(one => one.Window, one => UnitsOf(one.Amount));
        return new LawCase(test.Facts with { Currency = test.Amount.Currency, Amount = UnitsOf(test.Amount) }, window => spent.GetValueOrDefault(window));
    }

    private static ulong UnitsOf(LawMoney money)
    {
        BigInteger units = BigInteger.DivRem(money.Mantissa * BigInteger.Pow(10, ScaleOf(money.Currency)), BigInteger.Pow(10, money.Decimals), out BigInteger rest);
        Assert.That(rest.IsZero, "an amount of a test is whole units");
        return (ulong)units;
    }

    /// <summary>
    /// The tests of a module that it does not pass, by the interpreter: alone, or for a treaty beside the modules it is between. Not by
    /// <see cref="ModuleCheck"/>, so that hundreds of modules can be asked.
    /// </summary>
    public static IEnumerable<string> Failing(LawModule module)
    {
        foreach (LawTest test in module.Tests)
        {
            Dictionary<ParameterName, ulong> parameters = test.Parameters.ToDictionary(one => one.Name, one => one.Value);
            RuleSet rules = module.IsTreaty
                ? new RuleSet([.. All.Where(one => module.Between.Contains(one.Name))], [new BoundTreaty(module, module.Between)], parameters, ScaleOf)
                : new RuleSet([module], [], parameters, ScaleOf);
            LawDecision decision = RuleSetInterpreter.Judge(rules, test.Day ?? module.EffectiveDay, CaseOf(test));
            if (decision.Answer != test.Expected || decision.Decider?.Statement.Name != test.ExpectedStatement)
                yield return $"{module.Name} line {test.Place.Line}, \"{test.Name}\": {decision.Answer} {decision.Decider?.Statement.Name} where {test.Expected} {test.ExpectedStatement} was expected";
        }
    }
}
