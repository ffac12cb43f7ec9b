using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <remarks>This file: statements and exceptions.</remarks>
internal sealed partial class ModuleBinder
{
    private List<LawStatement> BindStatements()
    {
        foreach (StatementSyntax syntax in _syntax.Statements)
            CheckStatementName(syntax);
        List<LawStatement> statements = [];
        for (int at = 0; at < _syntax.Statements.Count && !_faults.IsFull; at++)
        {
            StatementSyntax syntax = _syntax.Statements[at];
            if (at == LanguageBounds.StatementsMax)
                _faults.Error(FaultCode.TooMany, syntax.Name.Place, $"a module has at most {LanguageBounds.StatementsMax} statements",
                    "split it into two modules");
            statements.Add(BindStatement(syntax));
        }
        return statements;
    }

    private void CheckStatementName(StatementSyntax syntax)
    {
        Token name = syntax.Name;
        if (name.Text.Length == 0)
            return;
        if (!_statementsByName.TryAdd(name.Text, syntax))
            _faults.Error(FaultCode.NameTwice, name.Place,
                $"{name.Shown} is the name of two statements, first on line {_statementsByName[name.Text].Name.Place.Line}", "give one of them another name");
        if (!CheckName(name, LanguageBounds.StatementNameCharsMax, mayHavePoints: true, "a statement's name") || _module.Length == 0)
            return;
        if (!name.Text.StartsWith(_module + ".", StringComparison.Ordinal))
            _faults.Error(FaultCode.NameForeign, name.Place, $"{name.Shown} does not begin with the name of its module, `{_module}`",
                $"write {ModuleText.Quote($"{_module}.{(name.Text.IndexOf('.') is >= 0 and int point ? name.Text[(point + 1)..] : name.Text)}")}");
    }

    private LawStatement BindStatement(StatementSyntax syntax)
    {
        CheckTargets(syntax);
        LawEffect effect = syntax.Effect?.Text switch
        {
            "deny" => LawEffect.Deny,
            "require" => LawEffect.Require,
            "limit" => LawEffect.Limit,
            "review" => LawEffect.Review,
            _ => LawEffect.Allow,
        };
        (int? from, int? until) = BindDays(syntax);
        return new LawStatement
        {
            Name = syntax.Name.Text,
            Effect = effect,
            Needs = syntax.Needs is { } needs ? BindCondition(needs) : null,
            Window = syntax.Window ?? default,
            Ceilings = syntax.Ceilings is { } ceilings ? BindCeilings(ceilings) : [],
            Adaptations = BindAdaptations(syntax.Adaptations),
            HoldNs = effect != LawEffect.Review ? 0 : syntax.Within is { } within ? BindWithin(within) : LanguageBounds.ReviewDaysDefault * Limits.NsPerDay,
            When = BindWhen(syntax),
            Targets = [.. syntax.Targets.Select(target => target.Text)],
            Layer = !syntax.IsException ? 0 : syntax.Layer is { } layer
                ? (int)BindWhole(layer, 1, LanguageBounds.LayerMax, $"layers are whole numbers from 1 to {LanguageBounds.LayerMax}") : 1,
            Citation = syntax.Source is { } source ? CitationOf(source) : new Citation("", true),
            FromDay = from,
            UntilDay = until,
            Place = syntax.Name.Place,
        };
    }

    private void CheckTargets(StatementSyntax syntax)
    {
        if (!syntax.IsException)
        {
            if (_isTreaty)
                _faults.Error(FaultCode.TreatyStatement, syntax.Keyword.Place, "a treaty holds exceptions to its modules' statements only",
                    "write this statement in a module, or as an exception: `exception NAME to us.travel deny …`");
            return;
        }
        if (!_isTreaty && syntax.Targets.Count > 1)
            _faults.Error(FaultCode.TargetForeign, syntax.Targets[1].Place, "an exception of a module is to one statement",
                "write one exception for each; only a treaty's may be to several");
        if (syntax.Targets.Count > LanguageBounds.TreatyNamesMax)
            _faults.Error(FaultCode.TooMany, syntax.Targets[LanguageBounds.TreatyNamesMax].Place,
                $"an exception is to at most {LanguageBounds.TreatyNamesMax} statements", "write two exceptions");
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (Token target in syntax.Targets)
        {
            if (_faults.IsFull)
                return;
            if (!seen.Add(target.Text))
                _faults.Error(FaultCode.NameTwice, target.Place, $"{target.Shown} is named twice", "delete one of them");
            else if (_isTreaty)
                CheckTreatyTarget(target);
            else
                CheckTarget(target);
        }
    }

    private void CheckTreatyTarget(Token target)
    {
        if (!CheckName(target, LanguageBounds.StatementNameCharsMax, mayHavePoints: true, "a statement's name"))
            return;
        int point = target.Text.IndexOf('.');
        if (point <= 0)
            _faults.Error(FaultCode.UnknownTarget, target.Place, $"{target.Shown} is no statement's name",
                "write the module, a point and the name: `us.travel`");
        else if (_between.Count > 0 && !_between.Contains(target.Text[..point]))
            _faults.Error(FaultCode.TargetNotBound, target.Place,
                $"the treaty is not between {ModuleText.Quote(target.Text[..point])} and others, so it cannot except its statements",
                Suggestion.Question(target.Text[..point], _syntax.Header!.Between.Select(name => name.Text))
                    ?? "name the module behind `between`, or leave the statement out");
    }

    private void CheckTarget(Token target)
    {
        if (_statementsByName.TryGetValue(target.Text, out StatementSyntax? found))
        {
            if (found.IsException)
                _faults.Error(FaultCode.ExceptionToException, target.Place, $"{target.Shown} is an exception itself",
                    found.Targets.Count > 0 && found.Targets[0].Text != target.Text
                        ? $"write this one to {found.Targets[0].Shown}, too, and give it a higher layer"
                        : "write it to the statement whose place it takes, with a higher layer");
            return;
        }
        string? question = SuggestStatement(target.Text, plainOnly: true);
        int point = target.Text.IndexOf('.');
        if (question is null && point > 0 && _module.Length > 0 && target.Text[..point] != _module)
            _faults.Error(FaultCode.TargetForeign, target.Place, $"{target.Shown} is no statement of this module, `{_module}`",
                "a module excepts its own statements only; between modules that is done by a treaty");
        else
            _faults.Error(FaultCode.UnknownTarget, target.Place, $"there is no statement {target.Shown} in this module", question);
    }

    private string? SuggestStatement(string written, bool plainOnly = false)
    {
        if (_module.Length > 0 && !written.Contains('.') && _statementsByName.ContainsKey($"{_module}.{written}"))
            return $"did you mean `{_module}.{written}`?";
        return Suggestion.Question(written, _syntax.Statements.Take(LanguageBounds.StatementsMax)
            .Where(statement => statement.Name.Text.Length > 0
                && !(plainOnly && statement.IsException)).Select(statement => statement.Name.Text));
    }

    private (int? From, int? Until) BindDays(StatementSyntax syntax)
    {
        int? from = syntax.From is { } first ? BindDate(first) : null;
        int? until = syntax.Until is { } last ? BindDate(last) : null;
        if (from < _effectiveDay)
            _faults.Error(FaultCode.FromTooEarly, syntax.From!.Value.Place,
                $"the statement begins before its module, which is effective {NumberText.DateOf(_effectiveDay.Value)}", "delete `from`, or write a later day");
        else if (from >= _untilDay)
            _faults.Error(FaultCode.FromTooLate, syntax.From!.Value.Place,
                $"the statement begins when its module is not in force any more, from {NumberText.DateOf(_untilDay.Value)} on", "write an earlier day");
        if (until <= (from ?? _effectiveDay))
            _faults.Error(FaultCode.UntilNotLater, syntax.Until!.Value.Place, "the statement ends before it begins",
                "`until` is the first day on which it does not hold any more");
        else if (until >= _untilDay)
            _faults.Warning(FaultCode.UntilWithoutEffect, syntax.Until!.Value.Place,
                $"the module itself ends on {NumberText.DateOf(_untilDay.Value)}, so this changes nothing", "delete it, or write an earlier day");
        return (from, until);
    }

    private ulong BindWithin(WithinSyntax within) => within.IsHours
        ? BindWhole(within.Count, 1, LanguageBounds.ReviewDaysMax * 24, $"a review takes 1 to {LanguageBounds.ReviewDaysMax * 24} hours") * Limits.NsPerHour
        : BindWhole(within.Count, 1, LanguageBounds.ReviewDaysMax, $"a review takes 1 to {LanguageBounds.ReviewDaysMax} days") * Limits.NsPerDay;

    private LawMoney?[] BindCeilings(CeilingsSyntax ceilings)
    {
        var bound = new LawMoney?[TierCeilings.Count];
        if (ceilings.Same is { } same)
        {
            bound.AsSpan().Fill(BindCeiling(same));
            return bound;
        }
        bool[] seen = new bool[TierCeilings.Count];
        bool isKnown = true;
        foreach (TierSyntax tier in ceilings.Tiers)
        {
            LawMoney? money = tier.Money is { } written ? BindCeiling(written) : null;
            if (BindNumber(RuleField.Tier, tier.Tier) is not { } number)
            {
                isKnown = false;
                continue;
            }
            if (seen[number])
                _faults.Error(FaultCode.CeilingsMalformed, tier.Tier.Place, $"tier {number} has two ceilings", "delete one of them");
            seen[number] = true;
            bound[number] = money;
        }
        if (isKnown && seen.Contains(false))
            _faults.Error(FaultCode.CeilingsMalformed, ceilings.Place,
                $"no ceiling is written for {(seen.Count(isSeen => !isSeen) == 1 ? "tier" : "the tiers")} {LawWords.AndOf(Enumerable.Range(0, seen.Length).Where(tier => !seen[tier]))}",
                "name all four tiers, 0 to 3; where there is no ceiling, write `at most none`");
        else if (isKnown && ceilings.Tiers.All(tier => tier.Money is null))
            _faults.Error(FaultCode.CeilingsMalformed, ceilings.Place, "a limit without any ceiling limits nothing",
                "write at least one ceiling, or leave the statement out");
        return bound;
    }

    private LawMoney? BindCeiling(MoneySyntax syntax)
    {
        LawMoney? money = BindMoney(syntax);
        if (money is not null)
            WarnOfEquivalent(money, syntax.Place);
        return money;
    }

    private List<Adaptation> BindAdaptations(List<AdaptationSyntax> written)
    {
        List<Adaptation> bound = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (AdaptationSyntax adaptation in written)
        {
            Token name = adaptation.Class;
            const string Range = "a limit adapts to 1 % to 1,000 %; where it does not apply, write `exempt`";
            int percent = adaptation.Percent is { } number ? (int)BindWhole(number, 1, LanguageBounds.AdaptationPercentMax, Range) : 0;
            if (!seen.Add(name.Text))
            {
                _faults.Error(FaultCode.NameTwice, name.Place, $"the limit adapts to {name.Shown} twice", "delete one of them");
                continue;
            }
            bool isDeclared = _listsByName.TryGetValue(name.Text, out BoundList? list);
            if (!isDeclared && name.Text.Length > 0 && !_faults.IsFull)
                _faults.Error(FaultCode.UnknownClass, name.Place, $"no class {name.Shown} is declared in this module",
                    Suggestion.Question("@" + name.Text,
                        _syntax.Lists.Take(LanguageBounds.ListsMax).Where(other => other.IsClass).Select(other => "@" + other.Name.Text))
                        ?? $"declare it: `class @{name.Text} = {{ … }} cite \"…\"`");
            if (!isDeclared)
                continue;
            list!.IsUsed = true;
            if (!list.Syntax.IsClass)
                _faults.Error(FaultCode.UnknownClass, name.Place, $"{name.Shown} is a list; a limit adapts to a class of countries",
                    $"declare it by `class @{name.Text} = …` instead of `list`");
            else if (list.List is { } countries)
                bound.Add(new Adaptation(name.Text, countries.Values, percent));
        }
        return bound;
    }
}
