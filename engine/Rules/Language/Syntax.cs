namespace Settlement.Engine.Rules.Language;

// A module as it is written, before any name is looked up. What could not be read is null or missing; it was told, and the binder passes over it.

internal sealed record ModuleSyntax
{
    public HeaderSyntax? Header { get; set; }

    public List<ListSyntax> Lists { get; } = [];

    public List<StatementSyntax> Statements { get; } = [];

    public List<TestSyntax> Tests { get; } = [];
}

internal sealed record HeaderSyntax(Token Keyword)
{
    public bool IsTreaty => Keyword.Text == "treaty";

    public Token? Name { get; set; }

    public Token? Version { get; set; }

    public Token? Effective { get; set; }

    public Token? Until { get; set; }

    public Token? Authority { get; set; }

    public bool IsWorld { get; set; }

    public PlacesSyntax? Countries { get; set; }

    public PlacesSyntax? Currencies { get; set; }

    /// <summary>Of a treaty.</summary>
    public List<Token> Between { get; } = [];

    /// <summary>One of them could not be read.</summary>
    public bool IsPartyLost { get; set; }
}

/// <summary>Codes written out, or a list's name.</summary>
internal sealed record PlacesSyntax(IReadOnlyList<Token> Codes, Token? List, TextPlace Place);

internal sealed record ListSyntax(Token Keyword, Token Name)
{
    public bool IsClass => Keyword.Text == "class";

    public IReadOnlyList<Token> Values { get; set; } = [];

    public SourceSyntax? Source { get; set; }
}

internal sealed record SourceSyntax(Token Keyword, Token Text);

internal sealed record StatementSyntax(Token Keyword, Token Name)
{
    public bool IsException => Keyword.Text == "exception";

    public List<Token> Targets { get; } = [];

    public Token? Layer { get; set; }

    /// <summary>Of a plain statement: its keyword.</summary>
    public Token? Effect { get; set; }

    public ConditionSyntax? Needs { get; set; }

    public CeilingsSyntax? Ceilings { get; set; }

    public LimitWindow? Window { get; set; }

    public List<AdaptationSyntax> Adaptations { get; } = [];

    public WithinSyntax? Within { get; set; }

    public ConditionSyntax? When { get; set; }

    public ConditionSyntax? Unless { get; set; }

    public SourceSyntax? Source { get; set; }

    public Token? From { get; set; }

    public Token? Until { get; set; }
}

/// <summary>How long a review may take.</summary>
internal sealed record WithinSyntax(Token Count, bool IsHours);

/// <summary>One for all tiers (<see cref="Tiers"/> empty), or one each.</summary>
internal sealed record CeilingsSyntax(MoneySyntax? Same, IReadOnlyList<TierSyntax> Tiers, TextPlace Place);

/// <param name="Tier">Its number.</param>
/// <param name="Money">Null: none.</param>
internal sealed record TierSyntax(Token Tier, MoneySyntax? Money);

/// <param name="Class">Its name.</param>
/// <param name="Percent">Null: exempt.</param>
internal sealed record AdaptationSyntax(Token Class, Token? Percent);

internal sealed record MoneySyntax(bool IsEquivalent, Token Currency, Token Number, Token? Index, TextPlace Place);

internal abstract record ConditionSyntax(TextPlace Place);

/// <summary>Could not be read; it was told.</summary>
internal sealed record BrokenSyntax(TextPlace Place) : ConditionSyntax(Place);

internal sealed record FieldSyntax(Token Field, Token Operator, Token Value, TextPlace Place) : ConditionSyntax(Place);

internal sealed record InSyntax(Token Field, bool IsNegated, PlacesSyntax Values, TextPlace Place) : ConditionSyntax(Place);

internal sealed record AmountSyntax(Token Operator, MoneySyntax Money, TextPlace Place) : ConditionSyntax(Place);

internal sealed record SumSyntax(LimitWindow Window, Token Operator, MoneySyntax Money, TextPlace Place) : ConditionSyntax(Place);

internal sealed record NotSyntax(ConditionSyntax Inner, TextPlace Place) : ConditionSyntax(Place);

/// <summary>And, or: two or more.</summary>
internal sealed record ChainSyntax(bool IsAnd, IReadOnlyList<ConditionSyntax> Children, TextPlace Place) : ConditionSyntax(Place);

internal sealed record TestSyntax(Token Name, TextPlace Place)
{
    public List<TestItemSyntax> Items { get; } = [];

    public Token? Answer { get; set; }

    public Token? Statement { get; set; }
}

/// <summary>One of a test's facts; which of the values it has depends on its word.</summary>
internal sealed record TestItemSyntax(Token Word)
{
    public Token? Value { get; set; }

    public MoneySyntax? Money { get; set; }

    public LimitWindow? Window { get; set; }

    /// <summary>Of <c>parameter</c>.</summary>
    public Token? Number { get; set; }
}
