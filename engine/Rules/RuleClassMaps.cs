using System.Runtime.InteropServices;

namespace Settlement.Engine.Rules;

/// <summary>
/// Purpose: the classes of source countries, destination countries and currencies that a table's rules can tell apart, with
/// one member to stand for each. Countries that no rule names, and all numbers outside ISO's, share one class.
/// Invariant: a condition has one value for all members of a class (given the rest of the payment): every list, comparison,
/// owner and amount currency of every rule has split the classes.
/// </summary>
internal sealed class RuleClassMaps
{
    private const int Numbers = ushort.MaxValue + 1;
    private readonly RuleSplitter _splitter;

    private RuleClassMaps(RuleSplitter splitter)
    {
        _splitter = splitter;
        Source = Array.ConvertAll(splitter.Source.Representatives(), static number => (ushort)number);
        Destination = Array.ConvertAll(splitter.Destination.Representatives(), static number => (ushort)number);
        Currency = Array.ConvertAll(splitter.Currency.Representatives(), static number => (ushort)number);
    }

    /// <summary>The number that stands for each class.</summary>
    public ushort[] Source { get; }

    /// <inheritdoc cref="Source"/>
    public ushort[] Destination { get; }

    /// <inheritdoc cref="Source"/>
    public ushort[] Currency { get; }

    public static bool TryMake(RuleTable table, Func<ushort, ushort> ownerOf, out RuleClassMaps? maps, out string error)
    {
        maps = null;
        error = "";
        RuleSplitter splitter = new(new Partition(Numbers), new Partition(Numbers), new Partition(Numbers),
            new CurrencyOwners(ownerOf), null);
        foreach (Rule rule in table.Rules)
        {
            splitter.Split(rule);
            if (splitter.CountMax <= RuleBounds.ClassesMax)
                continue;
            error = $"rule {rule.Id}: more than {RuleBounds.ClassesMax} countries or currencies are told apart";
            return false;
        }
        maps = new RuleClassMaps(splitter);
        return true;
    }

    public ushort OwnerOf(ushort currency) => _splitter.Owners.Of(currency);

    public byte[] SourceBytes() => _splitter.Source.ToBytes();

    public byte[] DestinationBytes() => _splitter.Destination.ToBytes();

    public byte[] CurrencyBytes() => _splitter.Currency.ToBytes();

    /// <summary>Splits classes, not numbers: for the groups that one rule tells apart.</summary>
    public RuleSplitter Groups() => new(
        new Partition(Source.Length), new Partition(Destination.Length), new Partition(Currency.Length), _splitter.Owners,
            _splitter);
}

/// <summary>The country of each currency, asked once when a plan is built; 0: none.</summary>
internal sealed class CurrencyOwners
{
    private readonly ushort[] _owners = new ushort[RuleBounds.IsoNumberMax + 1];

    public CurrencyOwners(Func<ushort, ushort> ownerOf)
    {
        for (int currency = 1; currency < _owners.Length; currency++)
            _owners[currency] = ownerOf((ushort)currency);
    }

    public ushort Of(ushort currency) => currency < _owners.Length ? _owners[currency] : (ushort)0;

    public List<ushort> OwnedBy(ReadOnlySpan<ushort> ascendingCountries)
    {
        List<ushort> currencies = [];
        for (int currency = 1; currency < _owners.Length; currency++)
            if (ascendingCountries.BinarySearch(_owners[currency]) >= 0)
                currencies.Add((ushort)currency);
        return currencies;
    }
}

/// <summary>Splits partitions by every list that a rule names. With a <paramref name="classes"/> splitter, members are its
/// classes.</summary>
internal sealed class RuleSplitter(
    Partition source, Partition destination, Partition currency, CurrencyOwners owners, RuleSplitter? classes)
{
    public Partition Source => source;

    public Partition Destination => destination;

    public Partition Currency => currency;

    public CurrencyOwners Owners => owners;

    public int CountMax => Math.Max(source.Count, Math.Max(destination.Count, currency.Count));

    public void Split(Rule rule)
    {
        Split(rule.Condition);
        if (rule.Needs is { } needs)
            Split(needs);
        if (rule.IsLimit)
            Split(RuleField.Currency, [rule.Currency]);
    }

    private void Split(Condition condition)
    {
        switch (condition)
        {
            case FieldCondition field:
                Split(field.Field, [field.Value]);
                break;
            case ListCondition list:
                Split(list.Field, list.Values);
                break;
            case AmountCondition amount:
                Split(RuleField.Currency, [amount.Currency]);
                break;
            case NotCondition not:
                Split(not.Inner);
                break;
            case AllCondition all:
                foreach (Condition child in all.Children)
                    Split(child);
                break;
            case AnyCondition any:
                foreach (Condition child in any.Children)
                    Split(child);
                break;
        }
    }

    private void Split(RuleField field, ReadOnlySpan<ushort> values)
    {
        switch (field)
        {
            case RuleField.Source:
                source.Split(Members(values, classes?.Source));
                break;
            case RuleField.Destination:
                destination.Split(Members(values, classes?.Destination));
                break;
            case RuleField.Currency:
                currency.Split(Members(values, classes?.Currency));
                break;
            case RuleField.Owner:
                currency.Split(Members(CollectionsMarshal.AsSpan(owners.OwnedBy(values)), classes?.Currency));
                break;
        }
    }

    private static int[] Members(ReadOnlySpan<ushort> values, Partition? classOf)
    {
        List<int> members = new(values.Length);
        Span<bool> seen = stackalloc bool[RuleBounds.ClassesMax];
        foreach (ushort value in values)
        {
            int member = classOf is null ? value : classOf[value];
            if (classOf is null || !seen[member])
                members.Add(member);
            if (classOf is not null)
                seen[member] = true;
        }
        return [.. members];
    }
}
