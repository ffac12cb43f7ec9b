namespace Settlement.Engine.Rules.Language;

/// <summary>A statement in force on a day, with its exceptions or its targets.</summary>
internal sealed class StatementInForce(int order, LawModule module, LawStatement statement, BoundTreaty? treaty)
{
    /// <summary>In its day's list.</summary>
    public int Order => order;

    public LawModule Module => module;

    public LawStatement Statement => statement;

    /// <summary>Whose statement it is; null: a module's.</summary>
    public BoundTreaty? Treaty => treaty;

    /// <summary>A treaty's layers are above all of modules.</summary>
    public int Rank => statement.Layer + (treaty is null ? 0 : 1 << 16);

    /// <summary>Of a plain statement: the highest first, then in order.</summary>
    public List<StatementInForce> Exceptions { get; } = [];

    /// <summary>Of an exception: in order.</summary>
    public List<StatementInForce> Targets { get; } = [];

    public bool Refuses => statement.Effect is LawEffect.Deny or LawEffect.Require or LawEffect.Limit;

    /// <summary>It, and all whose place it may take or that may take its place, in order.</summary>
    public IEnumerable<StatementInForce> Group() => (statement.IsException ? Targets : [this])
        .SelectMany(static target => target.Exceptions.Append(target)).DistinctBy(static one => one.Order).OrderBy(static one => one.Order);
}

/// <summary>
/// Purpose: which statements are in force on a day, in the order in which they are numbered: those of treaties by layer and name, then those of modules by
/// name and as the text has them, an exception directly in front of its target.
/// Invariant: what takes a statement's place stands before it.
/// </summary>
internal sealed class LawInForce
{
    private LawInForce(RuleSet rules, int day, StatementInForce[] statements, int? nextChangeDay) =>
        (Rules, Day, Statements, NextChangeDay) = (rules, day, statements, nextChangeDay);

    public RuleSet Rules { get; }

    public int Day { get; }

    public IReadOnlyList<StatementInForce> Statements { get; }

    /// <summary>The next day on which other statements are in force; null: none.</summary>
    public int? NextChangeDay { get; }

    public static LawInForce On(RuleSet rules, int day)
    {
        List<StatementInForce> statements = [];
        int next = int.MaxValue;
        foreach ((LawModule module, BoundTreaty? treaty, LawStatement statement) in InOrder(rules))
            if (IsWithin(day, module.EffectiveDay, module.UntilDay, ref next) && IsWithin(day, statement.FromDay, statement.UntilDay, ref next))
                statements.Add(new StatementInForce(statements.Count, module, statement, treaty));
        Connect(statements);
        return new LawInForce(rules, day, [.. statements], next == int.MaxValue ? null : next);
    }

    private static IEnumerable<(LawModule Module, BoundTreaty? Treaty, LawStatement Statement)> InOrder(RuleSet rules) =>
        rules.Treaties.SelectMany(static treaty => treaty.Treaty.Statements.Select(one => (treaty.Treaty, (BoundTreaty?)treaty, one)))
            .OrderByDescending(static one => one.one.Layer)
            .Concat(rules.Modules.SelectMany(static module => InOrder(module.Statements).Select(one => (module, (BoundTreaty?)null, one))));

    private static IEnumerable<LawStatement> InOrder(IReadOnlyList<LawStatement> written)
    {
        Dictionary<string, int> places = new(StringComparer.Ordinal);
        foreach (LawStatement one in written)
            places.Add(one.Name, places.Count);
        return written.OrderBy(one => places[one.IsException ? one.Targets[0] : one.Name])
            .ThenBy(static one => !one.IsException).ThenByDescending(static one => one.Layer);
    }

    /// <summary>Whether the day lies between two; the nearer of the two that is still to come moves <paramref name="next"/>.</summary>
    private static bool IsWithin(int day, int? from, int? until, ref int next)
    {
        if (until <= from)
            return false;
        if (from > day)
        {
            next = Math.Min(next, from.Value);
            return false;
        }
        if (until > day)
            next = Math.Min(next, until.Value);
        return !(until <= day);
    }

    private static void Connect(List<StatementInForce> statements)
    {
        Dictionary<string, List<StatementInForce>> plain = new(StringComparer.Ordinal);
        foreach (StatementInForce one in statements)
            if (!one.Statement.IsException && one.Treaty is null)
            {
                if (!plain.TryGetValue(one.Statement.Name, out List<StatementInForce>? same))
                    plain.Add(one.Statement.Name, same = []);
                same.Add(one);
            }
        foreach (StatementInForce exception in statements)
            foreach (string name in exception.Statement.Targets)
                if (plain.TryGetValue(name, out List<StatementInForce>? targets))
                    foreach (StatementInForce target in targets)
                        if (exception.Treaty is { } treaty ? treaty.Bound.Contains(target.Module.Name) : ReferenceEquals(exception.Module, target.Module))
                        {
                            exception.Targets.Add(target);
                            target.Exceptions.Add(exception);
                        }
        foreach (StatementInForce one in statements)
        {
            StatementInForce[] ordered = [.. one.Exceptions.OrderByDescending(static exception => exception.Rank).ThenBy(static exception => exception.Order)];
            one.Exceptions.Clear();
            one.Exceptions.AddRange(ordered);
            one.Targets.Sort(static (left, right) => left.Order.CompareTo(right.Order));
        }
    }
}
