using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.Engine.Rules.Language;

/// <summary>The words of the language, and how a message calls what they stand for.</summary>
internal static class LawWords
{
    public static readonly string[] Headers = ["module", "treaty"];

    /// <summary>With which a part of a module begins.</summary>
    public static readonly string[] Items = ["deny", "require", "review", "limit", "exception", "list", "class", "test"];

    /// <summary>With which a clause of a statement begins that stands behind what it does.</summary>
    public static readonly string[] Clauses = ["when", "unless", "cite", "illustrative", "from", "until"];

    public static readonly string[] Effects = ["allow", "deny", "require", "review", "limit"];

    public static readonly string[] TestItems =
        ["src", "dst", "amount", "tier", "purpose", "level", "instruction", "payer", "payee", "spent", "parameter", "on"];

    public static readonly string[] Answers = ["yes", "no", "review"];

    /// <summary>What a condition may ask, <c>amount</c> and <c>sum</c> included.</summary>
    public static readonly string[] Fields =
        ["src", "dst", "owner", "currency", "tier", "level", "purpose", "instruction", "payer", "payee", "amount", "sum"];

    public static readonly string[] Purposes = NamesOf<Purpose>(0, (int)Purpose.Last);

    /// <summary>Those that may move money of a client; the first is number 1.</summary>
    public static readonly string[] Instructions = NamesOf<Instruction>((int)Instruction.Micropayment, (int)Instruction.Redeem);

    public static readonly string[] Kinds = NamesOf<PartyKind>(0, (int)PartyKind.Last);

    public static readonly string[] Countries = [.. Iso3166.Numbers.ToArray().Select(Iso3166.LettersOf)];

    public static readonly string[] Currencies = [.. Iso4217.Numbers.ToArray().Select(Iso4217.LettersOf)];

    /// <summary>Words that people use for values, and the value that they mean.</summary>
    private static readonly (string Written, string Meant)[] s_habits =
    [
        ("UK", "GB"), ("EL", "GR"), ("UAE", "AE"), ("DPRK", "KP"), ("RMB", "CNY"), ("NTD", "TWD"), ("STG", "GBP"),
        ("USA", "US"), ("GBR", "GB"), ("DEU", "DE"), ("FRA", "FR"), ("ITA", "IT"), ("ESP", "ES"), ("NLD", "NL"), ("CHE", "CH"),
        ("CHN", "CN"), ("IND", "IN"), ("JPN", "JP"), ("BRA", "BR"), ("NGA", "NG"), ("CAN", "CA"), ("MEX", "MX"), ("RUS", "RU"),
        ("IRN", "IR"), ("PRK", "KP"), ("MMR", "MM"), ("CUB", "CU"), ("SYR", "SY"),
        ("individual", "person"), ("human", "person"), ("natural_person", "person"), ("company", "business"), ("legal_person", "business"),
            ("merchant", "business"),
        ("bank", "financial_institution"), ("state", "government"), ("charity", "non_profit"), ("ngo", "non_profit"), ("unknown", "unstated"),
        ("remittance", "family_support"), ("trade", "goods"), ("gift", "donation"), ("health", "medical"), ("school", "education"), ("wages", "salary"),
            ("taxes", "tax"),
    ];

    /// <summary>The field that another usual word for it means; null: none.</summary>
    public static string? FieldMeantBy(string word) => word switch
    {
        "source" or "sender" or "origin" or "payer_country" => "src",
        "destination" or "dest" or "receiver" or "recipient" or "beneficiary" or "payee_country" => "dst",
        "value" => "amount",
        "total" or "cumulative" => "sum",
        "kyc" or "identity" => "tier",
        _ => null,
    };

    /// <summary>The sign that a comparison in words means, and how many of the two words it takes; null: none.</summary>
    public static (string Symbol, int Words)? OperatorMeantBy(string word, string next) => (word, next) switch
    {
        ("is", "not") => ("!=", 2),
        ("is", _) or ("equals", _) or ("equal", _) => ("=", 1),
        ("at", "least") => (">=", 2),
        ("at", "most") => ("<=", 2),
        ("more", "than") or ("greater", "than") => (">", 2),
        ("less", "than") => ("<", 2),
        ("above", _) or ("over", _) or ("exceeds", _) => (">", 1),
        ("below", _) or ("under", _) => ("<", 1),
        _ => null,
    };

    /// <summary>0: no field of this name, or one that is not compared with a value.</summary>
    public static RuleField FieldOf(string word) => word switch
    {
        "src" => RuleField.Source,
        "dst" => RuleField.Destination,
        "currency" => RuleField.Currency,
        "owner" => RuleField.Owner,
        "tier" => RuleField.Tier,
        "purpose" => RuleField.Purpose,
        "level" => RuleField.Level,
        "instruction" => RuleField.Instruction,
        "payer" => RuleField.PayerKind,
        "payee" => RuleField.PayeeKind,
        _ => RuleField.None,
    };

    /// <summary><c>a, b and c</c>.</summary>
    public static string AndOf<T>(IEnumerable<T> parts)
    {
        string[] written = [.. parts.Select(part => $"{part}")];
        return written.Length < 2 ? string.Concat(written) : $"{string.Join(", ", written.SkipLast(1))} and {written[^1]}";
    }

    /// <summary>As a sentence calls a field's values.</summary>
    public static string ValuesOf(RuleField field) => field switch
    {
        RuleField.Source or RuleField.Destination or RuleField.Owner => "a country",
        RuleField.Currency => "a currency",
        RuleField.Tier => $"a tier, 0 to {Limits.TierMax}",
        RuleField.Purpose => "a purpose",
        RuleField.Level => "a level, 0 to 255",
        RuleField.Instruction => "an instruction",
        _ => "a kind of party",
    };

    public static string NameOf(RuleField field) => field switch
    {
        RuleField.Source => "src",
        RuleField.Destination => "dst",
        RuleField.Currency => "currency",
        RuleField.Owner => "owner",
        RuleField.Tier => "tier",
        RuleField.Purpose => "purpose",
        RuleField.Level => "level",
        RuleField.Instruction => "instruction",
        RuleField.PayerKind => "payer",
        _ => "payee",
    };

    public static RuleOperator OperatorOf(string symbol) => symbol switch
    {
        "=" => RuleOperator.Equal,
        "!=" => RuleOperator.NotEqual,
        "<" => RuleOperator.Less,
        "<=" => RuleOperator.AtMost,
        ">" => RuleOperator.More,
        ">=" => RuleOperator.AtLeast,
        _ => RuleOperator.None,
    };

    public static bool IsCountry(string word) => word.Length == 2 && !word.AsSpan().ContainsAnyExceptInRange('A', 'Z') && Iso3166.NumberOf(word) != 0;

    public static bool IsCurrency(string word) => word.Length == 3 && !word.AsSpan().ContainsAnyExceptInRange('A', 'Z') && Iso4217.NumberOf(word) != 0;

    /// <summary>The value that a habitual word means; null: it is none.</summary>
    public static string? HabitOf(string written)
    {
        foreach ((string habit, string meant) in s_habits)
            if (habit == written)
                return meant;
        return null;
    }

    /// <summary>Whether a word has a meaning of its own where a statement's name could stand.</summary>
    public static bool IsReserved(string word) =>
        Array.IndexOf(Items, word) >= 0 || Array.IndexOf(Clauses, word) >= 0 || Array.IndexOf(Fields, word) >= 0
            || word is "allow" or "not" or "within" or "at" or "per" or "adapts" or "and" or "or" or "to" or "layer" or "for";

    /// <summary>What a word is, for a message on a value of the wrong kind: <c>`US` is a country</c>; null: nothing that the language knows.</summary>
    public static string? MeaningOf(Token token) => token.Kind switch
    {
        TokenKind.Number => $"{token.Shown} is a number",
        TokenKind.ListName => $"{token.Shown} is a list",
        TokenKind.Text => "a text in quotes is none",
        TokenKind.Word when IsCountry(token.Text) => $"{token.Shown} is a country",
        TokenKind.Word when IsCurrency(token.Text) => $"{token.Shown} is a currency",
        TokenKind.Word when token.Text == "unstated" => null,
        TokenKind.Word when Array.IndexOf(Purposes, token.Text) >= 0 => $"{token.Shown} is a purpose",
        TokenKind.Word when Array.IndexOf(Instructions, token.Text) >= 0 => $"{token.Shown} is an instruction",
        TokenKind.Word when Array.IndexOf(Kinds, token.Text) >= 0 => $"{token.Shown} is a kind of party",
        TokenKind.Word when Array.IndexOf(Fields, token.Text) >= 0 => $"{token.Shown} is what a condition asks",
        _ => null,
    };

    private static string[] NamesOf<T>(int first, int last) where T : unmanaged, Enum =>
        [.. Enumerable.Range(first, last - first + 1).Select(number => SnakeCase.Of(Enum.ToObject(typeof(T), number).ToString()!))];
}
