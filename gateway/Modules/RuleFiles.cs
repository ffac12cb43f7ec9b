using Settlement.Engine.Domain;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Modules;

/// <summary>Modules from files. A folder stands for the files in it that end in <c>.rules</c>.</summary>
internal sealed class RuleFiles
{
    public const string Suffix = ".rules";

    private RuleFiles(IReadOnlyList<ModuleReading> readings) => Readings = readings;

    public IReadOnlyList<ModuleReading> Readings { get; }

    /// <summary>Every file is a module.</summary>
    public bool AreModules => Readings.All(reading => reading.Module is not null);

    /// <summary>All of them, of each name perhaps several versions.</summary>
    public IReadOnlyList<LawModule> Modules => [.. Readings.Select(reading => reading.Module).OfType<LawModule>()];

    /// <summary>Of each name the newest.</summary>
    public IReadOnlyList<LawModule> Newest =>
        [.. Modules.GroupBy(module => module.Name, StringComparer.Ordinal).Select(versions => versions.MaxBy(module => (module.EffectiveDay, module.Version))!)];

    /// <exception cref="UsageException">A file cannot be read.</exception>
    public static RuleFiles Read(IEnumerable<string> paths) => new([.. paths.SelectMany(Expand).Select(path => ModuleReader.Read(ReadBytes(path), path))]);

    /// <summary>Modules that must be of different names.</summary>
    /// <exception cref="UsageException">Two are of one.</exception>
    public RuleFiles OneOfEachName()
    {
        foreach (IGrouping<string, LawModule> same in Modules.GroupBy(module => module.Name, StringComparer.Ordinal))
            if (same.Count() > 1)
                throw new UsageException($"{ReadingOf(same.First()).FileName} and {ReadingOf(same.Last()).FileName} both hold the module {same.Key}: one of each name is expected. Leave one out.");
        return this;
    }

    public ModuleReading ReadingOf(LawModule module) => Readings.First(reading => ReferenceEquals(reading.Module, module));

    private static IEnumerable<string> Expand(string path)
    {
        if (!Directory.Exists(path))
            return [path];
        string[] files = [.. Directory.EnumerateFiles(path).Where(file => file.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)];
        return files.Length > 0 ? files : throw new UsageException($"{path}: no file in this folder ends in {Suffix}.");
    }

    /// <summary>At most a byte more than a module may have: the reader says that it is too long.</summary>
    private static byte[] ReadBytes(string path)
    {
        if (!File.Exists(path))
            throw new UsageException($"{path}: there is no such file.");
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] bytes = new byte[LanguageBounds.TextBytesMax + 1];
        int length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return bytes[..length];
    }
}

/// <summary>
/// The parameters that a question is asked under. A rule set whose amounts need a rate or an index means little without; so, unless it is asked otherwise, what is not
/// given counts as 1, and the answer says so.
/// </summary>
internal sealed class RuleParameters(IReadOnlyDictionary<ParameterName, ulong> given)
{
    public static RuleParameters None { get; } = new(new Dictionary<ParameterName, ulong>());

    /// <summary>A rule set with 1 for what is not given.</summary>
    public RuleSet RuleSetOf(IReadOnlyList<LawModule> modules) => RuleSetOf(modules, Missing(modules));

    /// <summary>The same with rates of those currencies alone that the modules name: as many as a ledger may have, whose rule table must hold a threshold for each.</summary>
    public RuleSet LedgerSetOf(IReadOnlyList<LawModule> modules)
    {
        HashSet<ushort> named = [.. modules.SelectMany(module => module.Jurisdiction.Currencies), .. Smt.LawWalk.Money(RuleSetOf(modules, [])).Select(money => money.Currency)];
        return RuleSetOf(modules, [.. Missing(modules).Where(name => name.Name != ParameterName.RateName || named.Contains(name.Currency))]);
    }

    /// <param name="modules">Modules and treaties.</param>
    /// <param name="assumed">What is taken as 1; what else is missing has no value.</param>
    public RuleSet RuleSetOf(IReadOnlyList<LawModule> modules, IReadOnlyList<ParameterName> assumed)
    {
        Dictionary<ParameterName, ulong> parameters = new(given);
        foreach (ParameterName missing in assumed)
            parameters.Add(missing, ParameterName.One);
        string[] present = [.. modules.Where(module => !module.IsTreaty).Select(module => module.Name)];
        return new RuleSet(
            [.. modules.Where(module => !module.IsTreaty)],
            [.. modules.Where(module => module.IsTreaty).Select(treaty => new BoundTreaty(treaty, [.. treaty.Between.Where(present.Contains)]))],
            parameters, currency => Iso4217.ScaleOf(currency));
    }

    /// <summary>Rates and indexes that the modules' amounts need and that are not given; with a rate, those of all currencies are needed.</summary>
    public IReadOnlyList<ParameterName> Missing(IReadOnlyList<LawModule> modules)
    {
        LawMoney[] money = [.. Smt.LawWalk.Money(new RuleSet([], [.. modules.Select(module => new BoundTreaty(module, []))], given, _ => 0))];
        IEnumerable<ParameterName> needed = money.Select(one => one.Index).OfType<ParameterName>();
        if (money.Any(one => one.IsEquivalent))
            needed = needed.Concat(Iso4217.Numbers.ToArray().Select(ParameterName.RateOf));
        return [.. needed.Distinct().Where(name => !given.ContainsKey(name))];
    }

    /// <summary>What is taken as 1, in words; null: nothing.</summary>
    public string? Assumed(params IReadOnlyList<LawModule> modules)
    {
        IReadOnlyList<ParameterName> missing = Missing(modules);
        string[] indexes = [.. missing.Where(name => name.Name != ParameterName.RateName).Select(name => LawPhrase.Of(name)).Order(StringComparer.Ordinal)];
        string[] rates = [.. given.Keys.Where(name => name.Name == ParameterName.RateName).Select(name => LawPhrase.Of(name)).Order(StringComparer.Ordinal)];
        bool anyRate = missing.Any(name => name.Name == ParameterName.RateName);
        string every = rates.Length == 0 ? "every currency's rate" : $"every currency's rate but {string.Join(", ", rates)}";
        string[] all = anyRate ? [.. indexes, every] : indexes;
        return all.Length == 0 ? null : $"{string.Join(", ", all)} (--parameter gives another value)";
    }
}
