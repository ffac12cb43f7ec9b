namespace Settlement.Engine.Rules.Language;

/// <remarks>This file: statements, exceptions and tests.</remarks>
internal sealed partial class ModuleParser
{
    private const string CeilingForm = "write `at most USD 10_000`, or one for each tier: " +
        "`tier 0 at most USD 100, tier 1 at most USD 1_000, tier 2 at most none, tier 3 at most none`";

    private static readonly string[] s_behindTargets = [.. LawWords.Effects, .. LawWords.Clauses];
    private static readonly string[] s_at = ["at"];

    private void ReadStatement(ModuleSyntax module, Token keyword)
    {
        var statement = new StatementSyntax(keyword, ReadStatementName(keyword.Text));
        module.Statements.Add(statement);
        if (statement.IsException)
            ReadExceptionHead(statement);
        else
            statement.Effect = keyword;
        if (statement.Effect is { } effect)
            ReadEffect(statement, effect.Text);
        while (!AtItem && !_faults.IsFull)
            ReadClause(statement);
        if (statement.Source is null && !_hasSkipped && statement.Name.Text.Length > 0)
            TellNoSource(statement.Name, $"{statement.Name.Shown} names no source");
    }

    private Token ReadStatementName(string keyword)
    {
        if (Current.Kind == TokenKind.Word && !LawWords.IsReserved(Current.Text))
            return Take();
        if (Current.Kind == TokenKind.Text)
        {
            _faults.Error(FaultCode.NameExpected, Current.Place, "a statement's name is no text in quotes",
                $"write a short name without quotes, such as `us.travel`: `{keyword} us.travel …`");
            return Take() with { Text = "" };
        }
        _faults.Error(FaultCode.NameExpected, Here, $"`{keyword}` has no name",
            $"every statement has one, so that a refusal can name it: `{keyword} us.travel …`");
        return Current with { Kind = TokenKind.Word, Text = "", Place = Here };
    }

    private void ReadExceptionHead(StatementSyntax statement)
    {
        if (Expect("to", FaultCode.UnknownTarget, "this exception does not say to which statement it is", "write `exception us.small to us.travel …`"))
        {
            do
            {
                if (Current.Kind != TokenKind.Word || LawWords.IsReserved(Current.Text))
                {
                    _faults.Error(FaultCode.NameExpected, Here, "the name of a statement is expected here",
                        "write the name of the statement whose place the exception takes");
                    break;
                }
                statement.Targets.Add(Take());
            }
            while (AcceptSymbol(","));
        }
        if (AcceptNear("layer", s_behindTargets))
            statement.Layer = TakeNumber("the layer's number", $"layers are 1 to {LanguageBounds.LayerMax}; where two exceptions apply, the higher one counts");
        if (!AtItem && Keyword(LawWords.Effects, LawWords.Clauses) is { } effect)
        {
            Mark(LayoutMark.Clause);
            statement.Effect = Take() with { Text = effect };
            return;
        }
        _faults.Error(FaultCode.EffectExpected, Here, "this exception does not say what holds instead",
            "write `allow`, `deny`, `require …`, `review` or `limit …` behind the statement that it is to");
        _hasSkipped = true;
        SkipToClause();
    }

    private void ReadEffect(StatementSyntax statement, string effect)
    {
        switch (effect)
        {
            case "require" when AtClause:
                _faults.Error(FaultCode.ConditionExpected, Here, "it is not said what is required",
                    "write the condition that must hold in front of `when`: `require us.travel tier >= 2 when …`");
                break;
            case "require":
                statement.Needs = ReadCondition();
                break;
            case "review" when AcceptNear("within", LawWords.Clauses):
                ReadWithin(statement);
                break;
            case "limit":
                ReadLimit(statement);
                break;
        }
    }

    private void ReadWithin(StatementSyntax statement)
    {
        const string Hint = "write how long the reviewers have: `within 3 days` or `within 12 hours`";
        if (TakeNumber("a number of hours or days", Hint) is not { } count)
            return;
        string? unit = Keyword(["hours", "days", "hour", "day"], LawWords.Clauses);
        if (unit is null)
        {
            _faults.Error(FaultCode.ValueExpected, Here, "`hours` or `days` is expected here", Hint);
            return;
        }
        _at++;
        statement.Within = new WithinSyntax(count, unit is "hours" or "hour");
    }

    private void ReadLimit(StatementSyntax statement)
    {
        statement.Ceilings = ReadCeilings();
        if (statement.Ceilings is null)
            SkipToClause("per", "adapts");
        if (Expect("per", FaultCode.WindowMalformed, "it is not said over which time the limit counts",
            "write `per day`, `per month`, `per 30 days` or `per year from 01-01` behind the ceiling"))
            statement.Window = ReadWindow();
        if (statement.Window is null)
            SkipToClause("adapts");
        if (AcceptNear("adapts", LawWords.Clauses))
            ReadAdaptations(statement);
    }

    private CeilingsSyntax? ReadCeilings()
    {
        int start = _at;
        if (Current.IsWord("at"))
            return ReadAtMost(false, out MoneySyntax? same) && same is not null ? new CeilingsSyntax(same, [], PlaceFrom(start)) : null;
        if (Current.Kind is TokenKind.Number || (Current.Kind == TokenKind.Word && (Current.Text == "equiv" || LawWords.IsCurrency(Current.Text))))
        {
            _faults.Error(FaultCode.CeilingsMalformed, Current.Place, "`at most` is missing in front of the ceiling", CeilingForm);
            return ReadMoney() is { } money ? new CeilingsSyntax(money, [], PlaceFrom(start)) : null;
        }
        if (Keyword(["tier", "at"], ["per", "adapts"]) is not { } first)
        {
            _faults.Error(FaultCode.CeilingsMalformed, Here, "a limit needs its ceiling", CeilingForm);
            return null;
        }
        if (first == "at")
            return ReadAtMost(false, out MoneySyntax? same) && same is not null ? new CeilingsSyntax(same, [], PlaceFrom(start)) : null;
        List<TierSyntax> tiers = [];
        bool isBroken = false;
        while (Current.IsWord("tier") || tiers.Count == 0)
        {
            Mark(LayoutMark.Fill);
            _at++;
            Token? tier = TakeNumber("a tier's number", "tiers are 0 to 3: " + CeilingForm);
            if (tier is null || !ReadAtMost(true, out MoneySyntax? money))
            {
                isBroken = true;
                break;
            }
            tiers.Add(new TierSyntax(tier.Value, money));
            if (AcceptSymbol(",") && !Current.IsWord("tier"))
            {
                _faults.Error(FaultCode.CeilingsMalformed, Here, "the next tier is expected behind the comma", CeilingForm);
                break;
            }
            if (Current.IsWord("tier") && !_tokens[_at - 1].IsSymbol(","))
                _faults.Error(FaultCode.CeilingsMalformed, Current.Place, "a comma is missing before this tier", CeilingForm);
        }
        return isBroken ? null : new CeilingsSyntax(null, tiers, PlaceFrom(start));
    }

    /// <returns>False: it could not be read, and was told. Null money: <c>none</c>.</returns>
    private bool ReadAtMost(bool mayBeNone, out MoneySyntax? money)
    {
        money = null;
        if (!Expect("at", FaultCode.CeilingsMalformed, "`at most` is missing in front of the ceiling", CeilingForm) ||
            !Expect("most", FaultCode.CeilingsMalformed, "`most` is missing behind `at`", CeilingForm))
            return false;
        if (Current.IsWord("none") && mayBeNone)
        {
            _at++;
            return true;
        }
        if (Current.IsWord("none"))
        {
            _faults.Error(FaultCode.CeilingsMalformed, Current.Place, "a limit without any ceiling limits nothing",
                "write the ceiling, or leave the statement out");
            _at++;
            return false;
        }
        money = ReadMoney();
        return money is not null;
    }

    private void ReadAdaptations(StatementSyntax statement)
    {
        const string Hint = "write `adapts to @low_income at 50%`, or `adapts to @least_developed exempt`";
        _layout[_at - 1] = LayoutMark.Clause;
        if (!Expect("to", FaultCode.AdaptationMalformed, "`to` is missing behind `adapts`", Hint))
        {
            SkipToClause();
            return;
        }
        do
        {
            if (Current.Kind != TokenKind.ListName)
            {
                _faults.Error(FaultCode.AdaptationMalformed, Here, "the name of a class of countries is expected here", Hint);
                break;
            }
            Mark(LayoutMark.Fill);
            Token name = Take();
            if (AcceptNear("exempt", s_at))
                statement.Adaptations.Add(new AdaptationSyntax(name, null));
            else if (Expect("at", FaultCode.AdaptationMalformed, $"it is not said how the limit adapts to {name.Shown}", Hint)
                && TakeNumber("a percentage", Hint) is { } percent)
            {
                if (!AcceptSymbol("%"))
                    _faults.Error(FaultCode.AdaptationMalformed, Here, "`%` is missing behind the number", Hint);
                statement.Adaptations.Add(new AdaptationSyntax(name, percent));
            }
            else
                break;
        }
        while (AcceptSymbol(","));
    }

    private void ReadClause(StatementSyntax statement)
    {
        if (Keyword(LawWords.Clauses, LawWords.Items) is not { } clause)
        {
            TellNoClause(statement);
            _hasSkipped = true;
            _at++;
            SkipToClause();
            return;
        }
        TextPlace place = Current.Place;
        if (clause is "cite" or "illustrative")
        {
            if (statement.Source is not null)
                _faults.Error(FaultCode.ClauseTwice, place, $"{statement.Name.Shown} names two sources",
                    "name both in one text: `cite \"31 CFR 1010.410(e); 31 CFR 1010.410(f)\"`");
            statement.Source = ReadSource(clause) ?? statement.Source;
            return;
        }
        bool isTwice = clause switch
        {
            "when" => statement.When is not null,
            "unless" => statement.Unless is not null,
            "from" => statement.From is not null,
            _ => statement.Until is not null,
        };
        bool isLate = clause is "when" or "unless"
            && (statement.Source is not null || statement.From is not null || statement.Until is not null
            || (clause == "when" && statement.Unless is not null));
        if (isTwice)
            _faults.Error(FaultCode.ClauseTwice, place, $"{statement.Name.Shown} says `{clause}` twice",
                clause is "when" or "unless" ? $"join the two conditions behind one `{clause}`, with `and` or `or`" : "delete one of them");
        else if (isLate)
            _faults.Error(FaultCode.ClauseOutOfOrder, place, $"`{clause}` stands too late", "the order is: `when`, `unless`, then the source and the days");
        Mark(LayoutMark.Clause);
        _at++;
        switch (clause)
        {
            case "when":
                statement.When = ReadCondition();
                break;
            case "unless":
                statement.Unless = ReadCondition();
                break;
            case "from":
                statement.From = TakeDate() ?? statement.From;
                break;
            default:
                statement.Until = TakeDate() ?? statement.Until;
                break;
        }
    }

    private void TellNoClause(StatementSyntax statement)
    {
        (string message, string hint) = Current.Kind switch
        {
            TokenKind.Symbol when Current.Text == ")" => ("this `)` closes nothing", "delete it, or put `(` where the group begins"),
            TokenKind.Symbol when Current.Text == "," => ("a comma has no meaning here",
                "several values are written as a list: `src in { US, CA }`; conditions are joined by `and` or `or`"),
            TokenKind.Word when Current.Text is "within" or "layer" or "per" or "adapts" or "to" =>
                ($"{Current.Shown} stands at the wrong place", OrderOf(statement)),
            TokenKind.Word when Current.Text is "and" or "or" => ($"{Current.Shown} joins nothing here", "conditions stand behind `when` and `unless`"),
            TokenKind.Word when Array.IndexOf(LawWords.Fields, Current.Text) >= 0 || Current.Text == "not" =>
                ("a condition stands here without a word in front of it",
                    "write `when` or `unless` in front of it; two conditions are joined by `and` or `or`"),
            _ => ($"{Current.Shown} has no meaning here", OrderOf(statement)),
        };
        _faults.Error(FaultCode.Unexpected, Current.Place, message, hint);
    }

    private static string OrderOf(StatementSyntax statement) => statement.Keyword.Text switch
    {
        "require" => "the order is: require NAME CONDITION when … unless … cite \"…\" from DATE until DATE",
        "review" => "the order is: review NAME within 3 days when … unless … cite \"…\" from DATE until DATE",
        "limit" => "the order is: limit NAME at most MONEY per month adapts to @CLASS at 50% when … unless … cite \"…\" from DATE until DATE",
        "exception" => "the order is: exception NAME to NAME layer 1 allow when … unless … cite \"…\" from DATE until DATE",
        _ => "the order is: deny NAME when … unless … cite \"…\" from DATE until DATE",
    };
}
