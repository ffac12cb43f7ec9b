namespace Settlement.Engine.Rules.Language;

/// <remarks>This file: numbers, money, windows, dates, texts; and tests.</remarks>
internal sealed partial class ModuleParser
{
    private const string WindowForm = "write `day`, `month`, `30 days`, or `year from 04-01` (the first day of the year that counts)";

    private static readonly string[] s_indexed = ["indexed"];

    private Token? TakeNumber(string what, string hint)
    {
        if (Current.Kind == TokenKind.Number)
            return Take();
        _faults.Error(FaultCode.ValueExpected, Here, $"{what} is expected here, not {Current.Shown}", hint);
        return null;
    }

    private Token? TakeText(string what, string hint)
    {
        if (Current.Kind == TokenKind.Text)
            return Take();
        _faults.Error(FaultCode.ValueExpected, Here, $"it is not said {what}", hint);
        return null;
    }

    private Token? TakeDate()
    {
        if (Current.Kind == TokenKind.Number)
            return Take();
        _faults.Error(FaultCode.DateMalformed, Here, $"a day is expected behind {_tokens[_at - 1].Shown}, not {Current.Shown}", NumberText.DateForm);
        return null;
    }

    private LimitWindow? ReadWindow()
    {
        int start = _at;
        Token? count = Current.Kind == TokenKind.Number ? Take() : null;
        string? unit = Keyword(["day", "month", "year", "days"], LawWords.Clauses);
        if (unit is not null)
            _at++;
        switch (count?.Text, unit)
        {
            case (null or "1", "day"):
                return LimitWindow.Day;
            case (null or "1", "month"):
                return LimitWindow.Month;
            case ("30", "days"):
                return LimitWindow.Rolling30Days;
            case (null or "1", "year"):
                return ReadYear();
            case (_, null):
                _faults.Error(FaultCode.WindowMalformed, count is null ? Here : PlaceFrom(start),
                    "a time over which payments are summed up is expected here", WindowForm);
                return null;
            default:
                _faults.Error(FaultCode.WindowMalformed, PlaceFrom(start), "sums are not kept over this time", WindowForm);
                return null;
        }
    }

    private LimitWindow? ReadYear()
    {
        if (!Expect("from", FaultCode.WindowMalformed, "a year needs its first day",
            "write `year from 01-01` for the calendar year, `year from 04-01` for one from April"))
            return null;
        if (Current.Kind != TokenKind.Number)
        {
            _faults.Error(FaultCode.WindowMalformed, Here, "the first day of the year is expected here", WindowForm);
            return null;
        }
        Token day = Take();
        if (NumberText.TryMonthDay(day.Text, out byte month, out byte dayOfMonth))
            return LimitWindow.YearFrom(month, dayOfMonth);
        _faults.Error(FaultCode.WindowMalformed, day.Place, $"{day.Shown} is no day that every year has",
            "write month and day with two digits each: `year from 04-01`; 29 February cannot begin a year");
        return null;
    }

    /// <summary>An amount; null: none that can be read, which was told.</summary>
    private MoneySyntax? ReadMoney()
    {
        int start = _at;
        bool isEquivalent = Accept("equiv");
        if (Current.Kind == TokenKind.Number)
            return ReadMoneyFromNumber(isEquivalent, start);
        if (Current.Kind != TokenKind.Word || AtClause || Current.Text is "and" or "or")
        {
            _faults.Error(FaultCode.ValueExpected, Here, $"an amount is expected here, not {Current.Shown}", "write the currency and the number: `USD 3_000`");
            return null;
        }
        Token currency = Take();
        if (Current.Kind != TokenKind.Number)
        {
            bool isJoined = currency.Text.Length > 3 && char.IsAsciiDigit(currency.Text[3]) && LawWords.IsCurrency(currency.Text[..3]);
            _faults.Error(FaultCode.ValueExpected, isJoined ? currency.Place : Here, isJoined ? "a space is missing between currency and number"
                : $"a number is expected behind {currency.Shown}",
                isJoined ? $"write `{currency.Text[..3]} {currency.Text[3..]}`" : "write the currency and the number: `USD 3_000`");
            return null;
        }
        Token number = TakeAmount();
        return EndMoney(isEquivalent, currency, number, start);
    }

    /// <summary>A number stands where the currency belongs.</summary>
    private MoneySyntax? ReadMoneyFromNumber(bool isEquivalent, int start)
    {
        Token number = TakeAmount();
        if (Current.Kind == TokenKind.Word && !AtClause && (LawWords.IsCurrency(Current.Text) || LawWords.IsCurrency(Current.Text.ToUpperInvariant())))
        {
            Token currency = Take();
            _faults.Error(FaultCode.CurrencyBehind, number.Place, "the currency stands in front of the number",
                $"write `{currency.Text.ToUpperInvariant()} {number.Text}`");
            return EndMoney(isEquivalent, currency, number, start);
        }
        _faults.Error(FaultCode.CurrencyMissing, number.Place, $"the amount {number.Shown} has no currency", $"write it in front: `USD {number.Text}`");
        return null;
    }

    private MoneySyntax? EndMoney(bool isEquivalent, Token currency, Token number, int start)
    {
        bool isIndexed = Current.IsWord("indexed") || (Ahead.IsWord("by") && Keyword(s_indexed) is not null);
        if (!isIndexed)
            return new MoneySyntax(isEquivalent, currency, number, null, PlaceFrom(start));
        _at++;
        const string Hint = "write the currency whose authority publishes the index, and the index's name: `USD 3_000 indexed by USD.cpi`";
        if (!Expect("by", FaultCode.IndexMalformed, "`by` is missing behind `indexed`", Hint))
            return null;
        if (Current.Kind != TokenKind.Word || AtClause)
        {
            _faults.Error(FaultCode.IndexMalformed, Here, "the name of an index is expected here", Hint);
            return null;
        }
        Token index = Take();
        return new MoneySyntax(isEquivalent, currency, number, index, PlaceFrom(start));
    }

    /// <summary>A number; digits grouped by commas or spaces are told and taken with it.</summary>
    private Token TakeAmount()
    {
        Token first = Take(), last = first;
        while (Current.Kind == TokenKind.Number || (Current.IsSymbol(",") && Ahead.Kind == TokenKind.Number))
        {
            if (Current.Kind == TokenKind.Symbol)
                _at++;
            last = Take();
        }
        if (last != first)
            _faults.Error(FaultCode.NumberMalformed,
                first.Place with { Length = last.Place.Line == first.Place.Line ? last.End - first.Start : first.Place.Length },
                "the digits of a number are not grouped by commas or spaces", "write `10000` or `10_000`; the decimal point is `.`: `10_000.50`");
        return first;
    }

    private void ReadTest(ModuleSyntax module, Token keyword)
    {
        if (Current.Kind != TokenKind.Text)
        {
            _faults.Error(FaultCode.NameExpected, Here, "the test has no name",
                "say in quotes what it shows: `test \"one cent below\" { src US dst DE amount USD 2999.99 } => yes`");
            if (!Current.IsSymbol("{"))
            {
                _at += Current.Kind == TokenKind.Word && Ahead.IsSymbol("{") ? 1 : 0;
                SkipToTestStart();
            }
        }
        Token name = Current.Kind == TokenKind.Text ? Take() : Current with { Text = "" };
        var test = new TestSyntax(name, name.Text.Length > 0 ? name.Place : keyword.Place);
        module.Tests.Add(test);
        TextPlace open = Here;
        if (!AcceptSymbol("{"))
        {
            _faults.Error(FaultCode.TestMalformed, open, "`{` is missing in front of the payment",
                "write `test \"…\" { src US dst DE amount USD 3_000 } => yes`");
            if (!IsTestItem(Current))
                SkipToItem();
        }
        while (!AtItem && !Current.IsSymbol("}") && !Current.IsSymbol("=>") && !_faults.IsFull)
            ReadTestItem(test);
        if (!AtItem && !AcceptSymbol("}"))
            _faults.Error(FaultCode.TestMalformed, Here, "`}` is missing behind the payment", "write `test \"…\" { src US dst DE amount USD 3_000 } => yes`");
        ReadAnswer(test);
    }

    private void SkipToTestStart()
    {
        while (!AtItem && !Current.IsSymbol("{"))
            _at++;
    }

    private static bool IsTestItem(Token token) => token.Kind == TokenKind.Word && Array.IndexOf(LawWords.TestItems, token.Text) >= 0;

    private void ReadTestItem(TestSyntax test)
    {
        if (AcceptSymbol(","))
        {
            _faults.Error(FaultCode.TestMalformed, _tokens[_at - 1].Place, "no comma stands between the facts of a payment", "delete it");
            return;
        }
        if (Keyword(LawWords.TestItems) is not { } word)
        {
            _faults.Error(FaultCode.TestMalformed, Current.Place, $"{Current.Shown} is no fact of a payment",
                "a test can say: " + string.Join(", ", LawWords.TestItems));
            SkipTestItem();
            return;
        }
        Mark(LayoutMark.Fill);
        var item = new TestItemSyntax(Take() with { Text = word });
        if (Current.IsSymbol("=") || Current.IsWord("is"))
            _faults.Error(FaultCode.TestMalformed, Take().Place, $"nothing stands between `{word}` and its value",
                "write for example `tier 2` or `payer person`");
        bool isRead = true;
        switch (word)
        {
            case "amount":
                item.Money = ReadMoney();
                isRead = item.Money is not null;
                break;
            case "spent":
                item.Window = ReadWindow();
                item.Money = item.Window is null ? null : ReadMoney();
                isRead = item.Money is not null;
                break;
            case "on":
                item.Value = TakeDate();
                isRead = item.Value is not null;
                break;
            default:
                isRead = Current.Kind is TokenKind.Word or TokenKind.Number && !AtItem;
                if (isRead)
                    item.Value = Take();
                else
                    _faults.Error(FaultCode.ValueExpected, Here, $"a value is expected behind `{word}`, not {Current.Shown}",
                        "write for example `src US`, `tier 2`, `purpose family_support`, `payer person`");
                if (isRead && word == "parameter")
                    isRead = (item.Number = TakeNumber("the parameter's value", "write for example `parameter EUR.rate 1.08`")) is not null;
                break;
        }
        test.Items.Add(item);
        if (!isRead)
            SkipTestItem();
    }

    private void SkipTestItem()
    {
        while (!AtItem && !Current.IsSymbol("}") && !Current.IsSymbol("=>") && !IsTestItem(Current))
        {
            _hasSkipped = true;
            _at++;
        }
    }

    private void ReadAnswer(TestSyntax test)
    {
        const string Hint = "write what the module says to the payment: `=> yes`, `=> no us.travel` or `=> review us.large`";
        if (!AcceptSymbol("=>"))
        {
            if (!Current.IsSymbol("=") && !Current.IsSymbol(">=") || AtItem)
            {
                _faults.Error(FaultCode.TestMalformed, Here, "the test does not say what it expects", Hint);
                SkipToItem();
                return;
            }
            _faults.Error(FaultCode.TestMalformed, Current.Place, $"the answer stands behind `=>`, not behind {Current.Shown}", Hint);
            _at++;
        }
        if (Keyword(LawWords.Answers) is not { } answer)
        {
            _faults.Error(FaultCode.TestMalformed, Here, "`yes`, `no` or `review` is expected here", Hint);
            SkipToItem();
            return;
        }
        test.Answer = Take() with { Text = answer };
        if (answer != "yes" && Current.Kind == TokenKind.Word && !AtItem)
            test.Statement = Take();
        else if (answer != "yes")
            _faults.Error(FaultCode.NameExpected, Here, $"it is not said which statement {(answer == "no" ? "refuses" : "reviews")} the payment", Hint);
        if (AtItem || _faults.IsFull)
            return;
        _faults.Error(FaultCode.Unexpected, Current.Place, $"{Current.Shown} has no meaning behind a test", "delete it, or begin the next statement or test");
        SkipToItem();
    }
}
