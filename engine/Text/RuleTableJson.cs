using System.Globalization;
using System.Text;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Calendar = Settlement.Engine.Rules.Calendar;

namespace Settlement.Engine.Text;

/// <summary>Unwinds the parser; <see cref="RuleTableFile"/> turns it into a fault with line and column.</summary>
internal sealed class RuleTableJsonException(long offset, string value, string expected)
    : Exception($"{value}: {expected} expected")
{
    public long Offset { get; } = offset;

    public string Value { get; } = value;

    public string Expected { get; } = expected;
}

/// <summary>
/// Purpose: the grammar of a rule file over a token reader, one method a thing of the grammar. Every method starts on the
/// first token of its thing and ends on its last.
/// </summary>
internal ref struct RuleTableJson(Utf8JsonReader reader, IRuleSymbols symbols)
{
    private const ulong ReviewHoldNsDefault = 3 * Limits.NsPerDay;

    private readonly record struct Word(string Text, long Offset);

    private static readonly string[] s_fields = ["src", "dst", "currency", "owner", "tier", "purpose", "level", "instruction", "payer", "payee"];
    private static readonly string[] s_operators = ["=", "!=", "<", "<=", ">", ">="];

    private readonly Dictionary<string, List<Word>> _lists = [];
    private readonly HashSet<int> _ids = [];
    private readonly RuleTableBuilder _builder = new();
    private Utf8JsonReader _reader = reader;

    /// <exception cref="RuleTableJsonException">It is not a rule table.</exception>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public RuleTable Read()
    {
        _reader.Read();
        Open(JsonTokenType.StartObject, "an object with version and rules");
        HashSet<string> seen = [];
        while (Next(JsonTokenType.EndObject))
        {
            Word key = Key(seen);
            switch (key.Text)
            {
                case "version":
                    if (Value("1") is not { Text: "1" } version)
                        throw Fault("1");
                    break;
                case "lists":
                    Lists();
                    break;
                case "rules":
                    Rules();
                    break;
                default:
                    throw Fault(key, "version, lists or rules");
            }
        }
        if (!seen.Contains("version") || !seen.Contains("rules"))
            throw Fault("version and rules in the object that ends here");
        // Nothing may follow; the reader says so itself.
        while (_reader.Read())
        {
        }
        return _builder.TryBuild(out RuleTable? table, out string error) ? table!
            : throw new RuleTableJsonException(0, error, "a table without it");
    }

    private void Lists()
    {
        Open(JsonTokenType.StartObject, "an object of lists");
        HashSet<string> seen = [];
        while (Next(JsonTokenType.EndObject))
        {
            string name = Key(seen).Text;
            _lists.Add(name, []);
            Open(JsonTokenType.StartArray, "a list of words or numbers");
            while (Next(JsonTokenType.EndArray))
                _lists[name].Add(Value("a word or a number"));
        }
    }

    private void Rules()
    {
        Open(JsonTokenType.StartArray, "a list of rules");
        while (Next(JsonTokenType.EndArray))
            Rule();
    }

    private void Rule()
    {
        Open(JsonTokenType.StartObject, "a rule");
        long start = _reader.TokenStartIndex;
        HashSet<string> seen = [];
        int id = 0;
        string? kind = null;
        string? name = null;
        Condition? when = null;
        Condition? needs = null;
        LimitWindow window = default;
        ulong holdNs = ReviewHoldNsDefault;
        (ushort Currency, TierCeilings Ceilings) ceiling = default;
        while (Next(JsonTokenType.EndObject))
        {
            Word key = Key(seen);
            switch (key.Text)
            {
                case "id":
                    id = Id();
                    break;
                case "name":
                    name = Name();
                    break;
                case "kind":
                    kind = Kind();
                    break;
                case "when":
                    when = Condition();
                    break;
                case "needs":
                    needs = Condition();
                    break;
                case "window":
                    window = Window();
                    break;
                case "ceiling":
                    ceiling = Ceiling();
                    break;
                case "within":
                    holdNs = Within();
                    break;
                case "cite":
                    Value("a text");
                    break;
                default:
                    throw Fault(key, "id, name, kind, when, needs, window, ceiling, within or cite");
            }
        }
        string[] wanted = kind switch
        {
            "require" => ["id", "kind", "name", "needs"],
            "limit" or "review limit" => ["ceiling", "id", "kind", "name", "window"],
            _ => ["id", "kind", "name"],
        };
        string[] allowed = kind is "review" or "review limit" ? ["when", "within", "cite"] : ["when", "cite"];
        if (!wanted.Order().SequenceEqual(seen.Except(allowed).Order()))
            throw new RuleTableJsonException(start,
                $"a {kind ?? "rule"} with {string.Join(", ", seen)}", $"{string.Join(", ", wanted)} (and {string.Join(", ", allowed)})");
        when ??= When.Always;
        _ = kind switch
        {
            "deny" => _builder.Deny((ushort)id, name!, when),
            "require" => _builder.Require((ushort)id, name!, needs!, when),
            "limit" => _builder.Limit((ushort)id, name!, window, ceiling.Currency, ceiling.Ceilings, when),
            "review" => _builder.Review((ushort)id, name!, holdNs, when),
            _ => _builder.ReviewLimit((ushort)id, name!, holdNs, window, ceiling.Currency, ceiling.Ceilings, when),
        };
    }

    private int Id()
    {
        const string Expected = "a number from 1 to 65535 that no other rule has";
        Word word = Value(Expected);
        if (!TryNumber(word.Text, out ushort id) || id == 0 || !_ids.Add(id))
            throw Fault(word, Expected);
        return id;
    }

    private string Name()
    {
        string expected = $"a name of 1 to {RuleBounds.NameBytesMax} bytes without control characters";
        Word word = Value(expected);
        if (Encoding.UTF8.GetByteCount(word.Text) is 0 or > RuleBounds.NameBytesMax || word.Text.Any(char.IsControl))
            throw Fault(word, expected);
        return word.Text;
    }

    private string Kind()
    {
        const string Expected = "deny, require, limit, review or review limit";
        Word word = Value(Expected);
        return word.Text is "deny" or "require" or "limit" or "review" or "review limit" ? word.Text : throw Fault(word, Expected);
    }

    /// <summary>How long a review holds.</summary>
    private ulong Within()
    {
        string expected = $"a time as \"12 hours\" or \"3 days\", at most {RuleBounds.ReviewHoldNsMax / Limits.NsPerDay} days,";
        Word word = Value(expected);
        string[] parts = word.Text.Split(' ');
        ulong unit = parts is [_, "hours" or "hour"] ? Limits.NsPerDay / 24 : parts is [_, "days" or "day"] ? Limits.NsPerDay : 0;
        if (unit == 0 || !TryNumber(parts[0], out ushort count) || count == 0 || count * unit > RuleBounds.ReviewHoldNsMax)
            throw Fault(word, expected);
        return count * unit;
    }

    private LimitWindow Window()
    {
        const string Expected = "day, month, rolling 30 days or year from MM-DD";
        Word word = Value(Expected);
        return word.Text switch
        {
            "day" => LimitWindow.Day,
            "month" => LimitWindow.Month,
            "rolling 30 days" => LimitWindow.Rolling30Days,
            _ => Year(word.Text) ?? throw Fault(word, Expected + " (not 02-29)"),
        };
    }

    private static LimitWindow? Year(string text)
    {
        const string Start = "year from ";
        if (!text.StartsWith(Start, StringComparison.Ordinal) || text.Length != Start.Length + 5 || text[^3] != '-' ||
            !TryNumber(text[^5..^3], out ushort month) || !TryNumber(text[^2..], out ushort day))
            return null;
        return month is >= 1 and <= 12 && day >= 1 && day <= Calendar.DaysOfMonth(2001, month)
            ? LimitWindow.YearFrom((byte)month, (byte)day) : null;
    }

    private (ushort Currency, TierCeilings Ceilings) Ceiling()
    {
        const string Expected = "an amount with its currency as \"USD 3000.00\", or four of them or null, one a tier";
        if (_reader.TokenType == JsonTokenType.String)
        {
            (ushort one, ulong amount) = Money(Value(Expected));
            return (one, TierCeilings.Same(amount));
        }
        Open(JsonTokenType.StartArray, Expected);
        long start = _reader.TokenStartIndex;
        TierCeilings ceilings = TierCeilings.Same(TierCeilings.None);
        ushort currency = 0;
        int tier = 0;
        for (; Next(JsonTokenType.EndArray); tier++)
        {
            if (tier == TierCeilings.Count)
                throw Fault("four tiers");
            if (_reader.TokenType == JsonTokenType.Null)
                continue;
            Word word = Value(Expected);
            (ushort of, ceilings[tier]) = Money(word);
            if (currency != 0 && of != currency)
                throw Fault(word, "the currency of the tiers before");
            currency = of;
        }
        return tier == TierCeilings.Count && currency != 0
            ? (currency, ceilings)
            : throw new RuleTableJsonException(start, $"{tier} tiers{(currency == 0 ? " without an amount" : "")}", Expected);
    }

    /// <summary>All entries of the object must hold.</summary>
    private Condition Condition()
    {
        if (_reader.TokenType == JsonTokenType.True)
            return When.Always;
        Open(JsonTokenType.StartObject, "a condition: an object, or true");
        long start = _reader.TokenStartIndex;
        HashSet<string> seen = [];
        List<Condition> parts = [];
        while (Next(JsonTokenType.EndObject))
            parts.Add(Part(Key(seen)));
        return Together(parts, start, static children => new AllCondition(children));
    }

    private Condition Part(Word key)
    {
        switch (key.Text)
        {
            case "all":
                return Children(static children => new AllCondition(children));
            case "any":
                return Children(static children => new AnyCondition(children));
            case "not":
                return Condition().Not();
            case "amount":
                return Comparison(default);
            default:
                int field = Array.IndexOf(s_fields, key.Text) + 1;
                return field > 0 ? Comparison((RuleField)field)
                    : throw Fault(key, $"all, any, not, amount, {string.Join(", ", s_fields)}");
        }
    }

    private Condition Children(Func<Condition[], Condition> combine)
    {
        Open(JsonTokenType.StartArray, "a list of conditions");
        long start = _reader.TokenStartIndex;
        List<Condition> children = [];
        while (Next(JsonTokenType.EndArray))
            children.Add(Condition());
        return Together(children, start, combine);
    }

    private static Condition Together(List<Condition> children, long start, Func<Condition[], Condition> combine) =>
        children.Count > ushort.MaxValue
            ? throw new RuleTableJsonException(start, $"{children.Count} conditions", $"at most {ushort.MaxValue}") :
        children.Count > 1 ? combine([.. children]) :
        children.Count == 1 ? children[0] : throw new RuleTableJsonException(start, "nothing", "a condition (true holds always)");

    /// <summary>A value, a list, "@list", or an object of operators; no field: the amount.</summary>
    private Condition Comparison(RuleField field)
    {
        if (_reader.TokenType != JsonTokenType.StartObject)
            return Equal(field, negated: false);
        long start = _reader.TokenStartIndex;
        HashSet<string> seen = [];
        List<Condition> parts = [];
        while (Next(JsonTokenType.EndObject))
        {
            Word key = Key(seen);
            RuleOperator op = key.Text == "in" ? RuleOperator.Equal : (RuleOperator)(Array.IndexOf(s_operators, key.Text) + 1);
            bool ordered = field is default(RuleField) or RuleField.Tier or RuleField.Level;
            if (op == RuleOperator.None || (op > RuleOperator.NotEqual && !ordered))
                throw Fault(key, ordered ? "=, !=, <, <=, >, >= or in" : "=, != or in");
            parts.Add(op switch
            {
                RuleOperator.Equal => Equal(field, negated: false),
                RuleOperator.NotEqual => Equal(field, negated: true),
                _ => Compare(field, op, Value("a value")),
            });
        }
        return Together(parts, start, static children => new AllCondition(children));
    }

    private readonly Condition Compare(RuleField field, RuleOperator op, Word word)
    {
        if (field != RuleField.None)
            return new FieldCondition(field, op, Constant(field, word));
        (ushort currency, ulong amount) = Money(word);
        return When.Amount(op, currency, amount);
    }

    private Condition Equal(RuleField field, bool negated)
    {
        long start = _reader.TokenStartIndex;
        if (field == RuleField.None || (_reader.TokenType != JsonTokenType.StartArray && !IsListName()))
            return Compare(field, negated ? RuleOperator.NotEqual : RuleOperator.Equal, Value("a value, a list or \"@list\""));
        List<ushort> values = [];
        foreach (Word word in Words())
        {
            ushort value = Constant(field, word);
            if (values.Contains(value))
                throw Fault(word, "a list without repeats");
            values.Add(value);
        }
        if (values.Count == 0)
            throw new RuleTableJsonException(start, "an empty list", "at least one value");
        Condition list = new ListCondition(field, [.. values]);
        return negated ? list.Not() : list;
    }

    private readonly bool IsListName() => _reader.TokenType == JsonTokenType.String && _reader.ValueSpan.StartsWith("@"u8);

    private List<Word> Words()
    {
        if (_reader.TokenType == JsonTokenType.String)
        {
            Word name = Value("a list");
            return _lists.TryGetValue(name.Text[1..], out List<Word>? list) ? list
                : throw Fault(name, "a list of the lists above");
        }
        List<Word> words = [];
        while (Next(JsonTokenType.EndArray))
            words.Add(Value("a word or a number"));
        return words;
    }

    private readonly ushort Constant(RuleField field, Word word)
    {
        switch (field)
        {
            case RuleField.Source or RuleField.Destination or RuleField.Owner:
                return symbols.TryCountry(word.Text, out ushort country) ? country : throw Fault(word, "a country of ISO 3166");
            case RuleField.Currency:
                return symbols.TryCurrency(word.Text, out ushort currency) ? currency
                    : throw Fault(word, "a currency of ISO 4217");
            case RuleField.Tier:
                return TryNumber(word.Text, out ushort tier) && tier <= Limits.TierMax ? tier
                    : throw Fault(word, $"a tier from 0 to {Limits.TierMax}");
            case RuleField.Level:
                return TryNumber(word.Text, out ushort level) && level <= 255 ? level
                    : throw Fault(word, "a level from 0 to 255");
            case RuleField.Purpose:
                return Named<Purpose>(word, 0, (int)Purpose.Last);
            case RuleField.PayerKind or RuleField.PayeeKind:
                return Named<PartyKind>(word, 0, (int)PartyKind.Last);
            default:
                return Named<Instruction>(word, (int)Instruction.Micropayment, (int)Instruction.Redeem);
        }
    }

    /// <summary>A number, or a name as the engine has it: case, blanks, dashes and underscores do not matter.</summary>
    private static ushort Named<T>(Word word, int low, int high) where T : struct, Enum
    {
        if (TryNumber(word.Text, out ushort number) && number >= low && number <= high)
            return number;
        string name = string.Concat(word.Text.Where(letter => letter is not (' ' or '-' or '_')));
        for (int value = low; value <= high; value++)
            if (string.Equals(Enum.GetName(typeof(T), (byte)value), name, StringComparison.OrdinalIgnoreCase))
                return (ushort)value;
        IEnumerable<string?> names = Enumerable.Range(low, high - low + 1).Select(value => Enum.GetName(typeof(T), (byte)value));
        throw Fault(word, $"{low} to {high} or one of {string.Join(", ", names)}");
    }

    private readonly (ushort Currency, ulong Amount) Money(Word word)
    {
        int space = word.Text.IndexOf(' ', StringComparison.Ordinal);
        if (space < 0)
            throw Fault(word, "an amount with its currency as \"USD 3000.00\"");
        if (!symbols.TryCurrency(word.Text[..space], out ushort currency))
            throw Fault(word, "a currency of ISO 4217 before the amount");
        return symbols.TryAmount(word.Text[(space + 1)..], currency, out ulong amount)
            ? (currency, amount)
            : throw Fault(word, "a decimal amount that fits the currency's scale and 64 bits");
    }

    private static bool TryNumber(string text, out ushort number) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private readonly Word Value(string expected) => _reader.TokenType switch
    {
        JsonTokenType.String => new Word(Text(), _reader.TokenStartIndex),
        JsonTokenType.Number => new Word(Encoding.ASCII.GetString(_reader.ValueSpan), _reader.TokenStartIndex),
        _ => throw Fault(expected),
    };

    /// <summary>The key, which no other of its object may be; the reader goes on to its value.</summary>
    private Word Key(HashSet<string> seen)
    {
        Word key = new(Text(), _reader.TokenStartIndex);
        if (!seen.Add(key.Text))
            throw Fault(key, "each key once");
        Step();
        return key;
    }

    /// <summary>A string that is not UTF-8, or escapes half a character, has no text.</summary>
    private readonly string Text()
    {
        try
        {
            return _reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new RuleTableJsonException(_reader.TokenStartIndex, "a text that is not UTF-8", "UTF-8");
        }
    }

    private bool Next(JsonTokenType end)
    {
        Step();
        return _reader.TokenType != end;
    }

    private void Step()
    {
        if (!_reader.Read())
            throw Fault("more");
    }

    private readonly void Open(JsonTokenType type, string expected)
    {
        if (_reader.TokenType != type)
            throw Fault(expected);
    }

    private readonly RuleTableJsonException Fault(string expected) =>
        new(_reader.TokenStartIndex,
            _reader.ValueSpan.IsEmpty ? $"{_reader.TokenType}" : $"\"{Encoding.UTF8.GetString(_reader.ValueSpan)}\"", expected);

    private static RuleTableJsonException Fault(Word word, string expected) => new(word.Offset, $"\"{word.Text}\"", expected);
}
