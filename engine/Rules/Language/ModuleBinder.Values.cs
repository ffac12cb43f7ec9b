using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <remarks>This file: values, lists, money.</remarks>
internal sealed partial class ModuleBinder
{
    private static readonly RuleField[] s_listFields = [RuleField.Source, RuleField.Currency, RuleField.Purpose];

    private List<LawList> BindLists()
    {
        List<LawList> lists = [];
        for (int at = 0; at < _syntax.Lists.Count && !_faults.IsFull; at++)
        {
            ListSyntax syntax = _syntax.Lists[at];
            if (at == LanguageBounds.ListsMax)
                _faults.Error(FaultCode.TooMany, syntax.Name.Place, $"a module has at most {LanguageBounds.ListsMax} lists and classes");
            bool isNamed = CheckName(syntax.Name, LanguageBounds.ListNameCharsMax, mayHavePoints: false, "a list's name");
            LawList? list = BindList(syntax);
            if (!_listsByName.TryAdd(syntax.Name.Text, new BoundList(syntax, list)))
                _faults.Error(FaultCode.NameTwice, syntax.Name.Place,
                    $"{syntax.Name.Shown} is declared twice, first on line {_listsByName[syntax.Name.Text].Syntax.Name.Place.Line}",
                    "give one of them another name");
            if (list is not null && isNamed)
                lists.Add(list);
        }
        return lists;
    }

    private LawList? BindList(ListSyntax syntax)
    {
        if (syntax.Values.Count == 0)
            return null;
        RuleField field = syntax.IsClass ? RuleField.Source : FieldOfList(syntax.Values);
        List<ushort> values = BindCodes(syntax.Values, field, isListOwn: !syntax.IsClass);
        return values.Count == 0 || syntax.Source is not { } source ? null
            : new LawList(syntax.Name.Text, syntax.IsClass, field, values, CitationOf(source), syntax.Name.Place);
    }

    private static Citation CitationOf(SourceSyntax source) => new(source.Text.Text, source.Keyword.Text == "illustrative");

    /// <summary>What a list holds: as its first value that is known; else as the first looks.</summary>
    private static RuleField FieldOfList(IReadOnlyList<Token> values)
    {
        foreach (Token value in values)
        {
            if (LawWords.IsCountry(value.Text))
                return RuleField.Source;
            if (LawWords.IsCurrency(value.Text))
                return RuleField.Currency;
            if (Array.IndexOf(LawWords.Purposes, value.Text) >= 0)
                return RuleField.Purpose;
        }
        string first = LawWords.HabitOf(values[0].Text) ?? values[0].Text;
        return first.Length switch { 2 => RuleField.Source, 3 => RuleField.Currency, _ => RuleField.Purpose };
    }

    /// <summary>Values written out, ascending; what is no value of the field is told and left out.</summary>
    /// <param name="codes">As written.</param>
    /// <param name="field">What they are looked up for.</param>
    /// <param name="isListOwn">A declared list: its first value decided what it holds.</param>
    private List<ushort> BindCodes(IReadOnlyList<Token> codes, RuleField field, bool isListOwn = false)
    {
        List<ushort> values = [];
        HashSet<ushort> seen = []; // asked, never walked
        foreach (Token code in codes)
        {
            RuleField own = isListOwn ? Array.Find(s_listFields, other => IsValueOf(other, code.Text)) : RuleField.None;
            if (own != RuleField.None && own != field)
            {
                _faults.Error(FaultCode.ListOfMixedKinds, code.Place, $"{LawWords.MeaningOf(code)}, but {codes[0].Shown} is {LawWords.ValuesOf(field)}",
                    "a list holds countries, or currencies, or purposes; make two lists");
                continue;
            }
            if (BindValue(field, code) is not { } value)
                continue;
            if (seen.Add(value))
                values.Add(value);
            else
                _faults.Warning(FaultCode.ValueTwice, code.Place, $"{code.Shown} stands in this list twice", "delete one of them");
        }
        values.Sort();
        return values;
    }

    private static bool IsValueOf(RuleField field, string text) => field switch
    {
        RuleField.Source => LawWords.IsCountry(text),
        RuleField.Currency => LawWords.IsCurrency(text),
        _ => Array.IndexOf(LawWords.Purposes, text) >= 0,
    };

    /// <summary>The values of a list or of codes written out; empty where they could not be known, which was told.</summary>
    private List<ushort> BindValues(PlacesSyntax places, RuleField field, string what)
    {
        if (places.List is not { } name)
            return BindCodes(places.Codes, field);
        if (FindList(name) is not { } list)
            return [];
        RuleField held = field is RuleField.Destination or RuleField.Owner ? RuleField.Source : field;
        if (list.Field == held)
            return [.. list.Values];
        string holds = list.Field switch { RuleField.Source => "countries", RuleField.Currency => "currencies", _ => "purposes" };
        _faults.Error(FaultCode.ListOfOtherKind, name.Place, $"{name.Shown} is a list of {holds}; {what} cannot be in it",
            held is RuleField.Source or RuleField.Currency or RuleField.Purpose
                ? $"a list of {(held == RuleField.Source ? "countries" : held == RuleField.Currency ? "currencies" : "purposes")} is expected"
                : "write the values out: `in { … }`");
        return [];
    }

    /// <summary>A declared list that was read without fault, now used; null: it is not known, or was told to be wrong.</summary>
    private LawList? FindList(Token name)
    {
        if (_listsByName.TryGetValue(name.Text, out BoundList? bound))
        {
            bound.IsUsed = true;
            return bound.List;
        }
        if (!_faults.IsFull && name.Text.Length > 0)
            _faults.Error(FaultCode.UnknownList, name.Place, $"no list {name.Shown} is declared in this module",
                Suggestion.Question("@" + name.Text, _syntax.Lists.Take(LanguageBounds.ListsMax).Select(list => "@" + list.Name.Text))
                    ?? $"declare it: `list @{name.Text} = {{ … }} cite \"…\"`");
        return null;
    }

    /// <summary>A value of a field; null: it is none, which was told.</summary>
    private ushort? BindValue(RuleField field, Token token)
    {
        switch (field)
        {
            case RuleField.Tier or RuleField.Level:
                return BindNumber(field, token);
            case RuleField.Source or RuleField.Destination or RuleField.Owner when LawWords.IsCountry(token.Text):
                return Iso3166.NumberOf(token.Text);
            case RuleField.Currency when LawWords.IsCurrency(token.Text):
                return Iso4217.NumberOf(token.Text);
            case RuleField.Purpose when Array.IndexOf(LawWords.Purposes, token.Text) is >= 0 and int purpose:
                return (ushort)purpose;
            case RuleField.Instruction when Array.IndexOf(LawWords.Instructions, token.Text) is >= 0 and int instruction:
                return (ushort)(instruction + (int)Instruction.Micropayment);
            case RuleField.PayerKind or RuleField.PayeeKind when Array.IndexOf(LawWords.Kinds, token.Text) is >= 0 and int kind:
                return (ushort)kind;
        }
        if (!_faults.IsFull)
            TellNoValue(field, token);
        return null;
    }

    private ushort? BindNumber(RuleField field, Token token)
    {
        ulong most = field == RuleField.Tier ? Limits.TierMax : byte.MaxValue;
        string rule = field == RuleField.Tier ? $"identity tiers are whole numbers from 0 to {most}" : $"levels are whole numbers from 0 to {most}";
        if (token.Kind != TokenKind.Number)
        {
            _faults.Error(FaultCode.ValueOfOtherKind, token.Place,
                $"{LawWords.MeaningOf(token) ?? token.Shown + " is no number"}; `{LawWords.NameOf(field)}` is compared with a number", rule);
            return null;
        }
        if (!NumberText.TryWhole(token.Text, out ulong number))
            _faults.Error(FaultCode.NumberMalformed, token.Place, $"{token.Shown} is no whole number", rule);
        else if (number > most)
            _faults.Error(FaultCode.NumberOutOfRange, token.Place, $"{token.Shown} is out of range", rule);
        else
            return (ushort)number;
        return null;
    }

    /// <summary>Says why a word is no value of a field: of another kind, written otherwise, or not known.</summary>
    private void TellNoValue(RuleField field, Token token)
    {
        bool isCode = field is RuleField.Source or RuleField.Destination or RuleField.Owner or RuleField.Currency;
        string upper = token.Text.ToUpperInvariant(), lower = token.Text.ToLowerInvariant();
        (string code, string[] words) = field switch
        {
            RuleField.Currency => (FaultCode.UnknownCurrency, LawWords.Currencies),
            RuleField.Purpose => (FaultCode.UnknownPurpose, LawWords.Purposes),
            RuleField.Instruction => (FaultCode.UnknownInstruction, LawWords.Instructions),
            RuleField.PayerKind or RuleField.PayeeKind => (FaultCode.UnknownKind, LawWords.Kinds),
            _ => (FaultCode.UnknownCountry, LawWords.Countries),
        };
        string what = field switch
        {
            RuleField.Currency => "no currency of ISO 4217 that has a smallest unit",
            RuleField.Purpose => "no purpose",
            RuleField.Instruction => "no instruction",
            RuleField.PayerKind or RuleField.PayeeKind => "no kind of party",
            _ => "no country of ISO 3166",
        };
        string written = isCode ? upper : lower;
        if (written != token.Text && Array.IndexOf(words, written) >= 0)
        {
            _faults.Error(code, token.Place, $"{token.Shown} is written in {(isCode ? "capital" : "small")} letters", $"write `{written}`");
            return;
        }
        string expected = LawWords.ValuesOf(field);
        if (LawWords.MeaningOf(token) is { } meaning)
        {
            _faults.Error(FaultCode.ValueOfOtherKind, token.Place, $"{meaning}; {expected} is expected here", HintOfOtherKind(field, token));
            return;
        }
        string? habit = LawWords.HabitOf(written);
        string? hint = habit is not null && Array.IndexOf(words, habit) >= 0 ? $"did you mean `{habit}`?"
            : field == RuleField.Currency && upper is "XAG" or "XAU" or "XDR" or "XPD" or "XPT" or "XTS" or "XXX" or "XSU" or "XUA"
                ? "amounts in it have no smallest unit to be counted in"
            : upper == "EU" && isCode ? "the European Union is no country: declare a list of its members; its currency is `EUR`"
            : Suggestion.Question(token.Text, words);
        _faults.Error(code, token.Place, $"{token.Shown} is {what}", hint
            ?? (field == RuleField.Currency ? "currencies are written with three capital letters: `USD`"
            : isCode ? "countries are written with two capital letters: `US`" : "it is one of: " + string.Join(", ", words)));
    }

    private static string? HintOfOtherKind(RuleField field, Token token)
    {
        if (field == RuleField.Currency && LawWords.IsCountry(token.Text))
        {
            ushort country = Iso3166.NumberOf(token.Text);
            foreach (ushort currency in Iso4217.Numbers)
                if (Iso4217.OwnerCountry(currency) == country)
                    return $"its currency is `{Iso4217.LettersOf(currency)}`";
        }
        if (field is RuleField.Source or RuleField.Destination or RuleField.Owner && LawWords.IsCurrency(token.Text))
        {
            string owner = Iso3166.LettersOf(Iso4217.OwnerCountry(Iso4217.NumberOf(token.Text)));
            return (owner.Length > 0 ? $"its country is `{owner}`"
                : "it is the money of no single country") + "; the currency of a payment is asked by `currency`";
        }
        return field switch
        {
            RuleField.Purpose => "a purpose is one of: " + string.Join(", ", LawWords.Purposes),
            RuleField.Instruction => "an instruction is one of: " + string.Join(", ", LawWords.Instructions),
            RuleField.PayerKind or RuleField.PayeeKind => "a kind of party is one of: " + string.Join(", ", LawWords.Kinds),
            RuleField.Currency => "currencies are written with three capital letters: `USD`",
            _ => "countries are written with two capital letters: `US`",
        };
    }

    private LawMoney? BindMoney(MoneySyntax money)
    {
        ushort? currency = BindValue(RuleField.Currency, money.Currency);
        ParameterName? index = money.Index is { } name ? BindParameter(name, isIndex: true) : null;
        if (!NumberText.TryDecimal(money.Number.Text, out string digits, out int decimals))
        {
            _faults.Error(FaultCode.NumberMalformed, money.Number.Place, $"{money.Number.Shown} is no amount",
                "write digits, and a point in front of decimals: `10_000.50`");
            return null;
        }
        if (decimals > LanguageBounds.AmountDecimalsMax)
            _faults.Error(FaultCode.AmountTooFine, money.Number.Place, $"{money.Number.Shown} has {decimals} digits behind the point",
                $"{LanguageBounds.AmountDecimalsMax} are the most");
        else if (digits.Length > LanguageBounds.AmountDigitsMax)
            _faults.Error(FaultCode.AmountTooLarge, money.Number.Place, $"{money.Number.Shown} has {digits.Length} digits",
                $"an amount has at most {LanguageBounds.AmountDigitsMax} digits");
        else if (currency is { } known && (money.Index is null || index is not null))
            return new LawMoney(known, MantissaOf(digits), (byte)decimals, money.IsEquivalent, index);
        return null;
    }

    private static UInt128 MantissaOf(string digits)
    {
        UInt128 mantissa = 0;
        foreach (char digit in digits)
            mantissa = mantissa * 10 + (uint)(digit - '0');
        return mantissa;
    }

    /// <summary><c>EUR.rate</c>.</summary>
    private ParameterName? BindParameter(Token token, bool isIndex)
    {
        int point = token.Text.IndexOf('.');
        string example = isIndex ? "`USD.cpi`" : "`USD.cpi` or `EUR.rate`";
        if (point < 0 || token.Text.IndexOf('.', point + 1) >= 0)
        {
            _faults.Error(FaultCode.IndexMalformed, token.Place, $"{token.Shown} is no name of {(isIndex ? "an index" : "a parameter")}",
                $"write the currency, a point and the name: {example}");
            return null;
        }
        Token currency = token with { Text = token.Text[..point], Place = token.Place with { Length = point } };
        Token name = token with { Text = token.Text[(point + 1)..],
            Place = token.Place with { Column = token.Place.Column + point + 1, Length = token.Text.Length - point - 1 } };
        ushort? known = BindValue(RuleField.Currency, currency);
        if (!CheckName(name, LanguageBounds.ParameterNameCharsMax, mayHavePoints: false, isIndex ? "an index's name" : "a parameter's name"))
            return null;
        if (isIndex && name.Text == ParameterName.RateName)
        {
            _faults.Error(FaultCode.IndexMalformed, name.Place, "a rate of exchange is no index",
                "an amount that holds in every currency is written `equiv USD 3_000`");
            return null;
        }
        return known is { } number ? new ParameterName(number, name.Text) : null;
    }
}
