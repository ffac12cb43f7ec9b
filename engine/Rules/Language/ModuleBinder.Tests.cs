using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <remarks>This file: embedded tests.</remarks>
internal sealed partial class ModuleBinder
{
    private List<LawTest> BindTests()
    {
        List<LawTest> tests = [];
        Dictionary<string, TextPlace> named = new(StringComparer.Ordinal); // asked, never walked
        for (int at = 0; at < _syntax.Tests.Count && !_faults.IsFull; at++)
        {
            TestSyntax syntax = _syntax.Tests[at];
            if (at == LanguageBounds.TestsMax)
                _faults.Error(FaultCode.TooMany, syntax.Place, $"a module has at most {LanguageBounds.TestsMax} tests");
            if (syntax.Name.Text.Length > 0 && !named.TryAdd(syntax.Name.Text, syntax.Place))
                _faults.Error(FaultCode.NameTwice, syntax.Place, $"two tests have this name, the first on line {named[syntax.Name.Text].Line}",
                    "say what this one shows");
            if (BindTest(syntax) is { } test)
                tests.Add(test);
        }
        return tests;
    }

    /// <summary>What a test says so far; each fact once.</summary>
    private sealed class Facts
    {
        public ushort? Source, Destination;
        public LawMoney? Amount;
        public byte Tier, Purpose, Level, Instruction = (byte)Domain.Instruction.Immediate, PayerKind, PayeeKind;
        public int? Day;
        public List<(LimitWindow Window, LawMoney Amount)> Spent { get; } = [];
        public List<(ParameterName Name, ulong Value)> Parameters { get; } = [];
    }

    private LawTest? BindTest(TestSyntax syntax)
    {
        var facts = new Facts();
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (TestItemSyntax item in syntax.Items)
        {
            // What may stand several times is told apart by what it is about.
            if (item.Word.Text is not ("spent" or "parameter") && !seen.Add(item.Word.Text))
                _faults.Error(FaultCode.TestItemTwice, item.Word.Place, $"the test says `{item.Word.Text}` twice", "delete one of them");
            BindItem(item, facts);
        }
        if (syntax.Answer is not null)
            TellMissingItems(syntax, seen);
        CheckSpent(syntax, facts);
        LawAnswer answer = syntax.Answer?.Text switch { "no" => LawAnswer.No, "review" => LawAnswer.Review, _ => LawAnswer.Yes };
        if (syntax.Statement is { } statement)
            CheckExpected(statement, answer);
        if (facts.Source is not { } source || facts.Destination is not { } destination || facts.Amount is not { } amount)
            return null;
        return new LawTest
        {
            Name = syntax.Name.Text,
            Facts = new RuleFacts(source, destination, amount.Currency, 0, facts.Tier, facts.Purpose, facts.Level, facts.Instruction,
                facts.PayerKind, facts.PayeeKind),
            Amount = amount,
            Spent = facts.Spent,
            Parameters = facts.Parameters,
            Day = facts.Day,
            Expected = answer,
            ExpectedStatement = syntax.Statement?.Text,
            Place = syntax.Place,
        };
    }

    private static readonly string[] s_testNeeds = ["src", "dst", "amount"];

    private void TellMissingItems(TestSyntax syntax, HashSet<string> seen)
    {
        string[] missing = [.. s_testNeeds.Where(item => !seen.Contains(item)).Select(item => $"`{item}`")];
        if (missing.Length > 0)
            _faults.Error(FaultCode.TestItemMissing, syntax.Place, $"the test's payment lacks {LawWords.AndOf(missing)}",
                "write `{ src US dst DE amount USD 3_000 }`, and what else matters");
    }

    private void BindItem(TestItemSyntax item, Facts facts)
    {
        RuleField field = LawWords.FieldOf(item.Word.Text);
        if (field != RuleField.None)
        {
            if (item.Value is { } token && BindValue(field, token) is { } value)
                Set(facts, field, value);
            return;
        }
        switch (item.Word.Text)
        {
            case "amount":
                facts.Amount = item.Money is { } money && BindPlain(money) is { } plain ? plain : facts.Amount;
                if (facts.Amount is { Mantissa: var mantissa } && mantissa == 0)
                    _faults.Error(FaultCode.NumberOutOfRange, item.Money!.Number.Place, "no payment is of nothing", "write an amount above 0");
                break;
            case "spent":
                if (item.Window is { } window && item.Money is { } spent && BindPlain(spent) is { } already)
                    AddSpent(item, facts, window, already);
                break;
            case "on":
                facts.Day = item.Value is { } date ? BindDate(date) : null;
                if (facts.Day < _effectiveDay || facts.Day >= _untilDay)
                    _faults.Warning(FaultCode.TestOutsideOfForce, item.Value!.Value.Place, "the module is not in force on this day, so it says nothing",
                        "write a day on which it is");
                break;
            default:
                BindTestParameter(item, facts);
                break;
        }
    }

    private static void Set(Facts facts, RuleField field, ushort value)
    {
        switch (field)
        {
            case RuleField.Source:
                facts.Source = value;
                break;
            case RuleField.Destination:
                facts.Destination = value;
                break;
            case RuleField.Tier:
                facts.Tier = (byte)value;
                break;
            case RuleField.Purpose:
                facts.Purpose = (byte)value;
                break;
            case RuleField.Level:
                facts.Level = (byte)value;
                break;
            case RuleField.Instruction:
                facts.Instruction = (byte)value;
                break;
            case RuleField.PayerKind:
                facts.PayerKind = (byte)value;
                break;
            default:
                facts.PayeeKind = (byte)value;
                break;
        }
    }

    /// <summary>An amount as it is paid: of one currency, without an index.</summary>
    private LawMoney? BindPlain(MoneySyntax syntax)
    {
        LawMoney? money = BindMoney(syntax);
        if (!syntax.IsEquivalent && syntax.Index is null)
            return money;
        _faults.Error(FaultCode.AmountNotPlain, syntax.Place, "what is paid is an amount of one currency", "write it without `equiv` and `indexed by`");
        return null;
    }

    private void AddSpent(TestItemSyntax item, Facts facts, LimitWindow window, LawMoney already)
    {
        if (facts.Spent.Exists(other => other.Window == window))
            _faults.Error(FaultCode.TestItemTwice, item.Word.Place, $"the test says twice what was spent in a {window}", "delete one of them");
        facts.Spent.Add((window, already));
    }

    private void CheckSpent(TestSyntax syntax, Facts facts)
    {
        if (facts.Amount is not { } amount)
            return;
        foreach (TestItemSyntax item in syntax.Items)
            if (item is { Word.Text: "spent", Money: { } money } && LawWords.IsCurrency(money.Currency.Text)
                && Iso4217.NumberOf(money.Currency.Text) != amount.Currency)
                _faults.Error(FaultCode.AmountNotPlain, money.Place, "what was spent is in another currency than the payment",
                    $"sums are kept per currency; write it in {Iso4217.LettersOf(amount.Currency)}");
    }

    private void BindTestParameter(TestItemSyntax item, Facts facts)
    {
        if (item.Value is not { } token || item.Number is not { } number || BindParameter(token, isIndex: false) is not { } name)
            return;
        if (facts.Parameters.Exists(other => other.Name == name))
            _faults.Error(FaultCode.TestItemTwice, token.Place, $"the test gives {token.Shown} twice", "delete one of them");
        if (!NumberText.TryDecimal(number.Text, out string digits, out int decimals))
        {
            _faults.Error(FaultCode.NumberMalformed, number.Place, $"{number.Shown} is no number", "write digits, and a point in front of decimals: `1.08`");
            return;
        }
        const string Range = "a parameter is above 0 and at most 18_446_744_073 with 9 digits behind the point";
        UInt128 value = digits.Length <= LanguageBounds.AmountDigitsMax ? MantissaOf(digits) : UInt128.MaxValue;
        for (int at = decimals; at < LanguageBounds.ParameterDecimalsMax && value <= ulong.MaxValue; at++)
            value *= 10;
        if (decimals > LanguageBounds.ParameterDecimalsMax || value == 0 || value > ulong.MaxValue)
            _faults.Error(FaultCode.NumberOutOfRange, number.Place, $"{number.Shown} is out of range", Range);
        else
            facts.Parameters.Add((name, (ulong)value));
    }

    /// <summary>A test of a module expects one of its own statements; of a treaty, one of its own or of the modules it is between.</summary>
    private void CheckExpected(Token statement, LawAnswer answer)
    {
        if (_statementsByName.TryGetValue(statement.Text, out StatementSyntax? found))
        {
            string? effect = found.Effect?.Text;
            bool isFitting = effect is null || (answer == LawAnswer.Review ? effect == "review" : effect is "deny" or "require" or "limit");
            if (!isFitting)
                _faults.Error(FaultCode.TestAnswerOfOtherKind, statement.Place,
                    $"{statement.Shown} cannot {(answer == LawAnswer.Review ? "review" : "refuse")} a payment; its effect is `{effect}`",
                    effect == "allow" ? "what it allows is expected as `=> yes`" : effect == "review" ? $"write `=> review {statement.Text}`"
                        : $"write `=> no {statement.Text}`");
            return;
        }
        int point = statement.Text.IndexOf('.');
        if (_faults.IsFull || (point > 0 && _between.Contains(statement.Text[..point])))
            return;
        _faults.Error(FaultCode.UnknownStatement, statement.Place, $"there is no statement {statement.Shown} in this module", SuggestStatement(statement.Text));
    }
}
