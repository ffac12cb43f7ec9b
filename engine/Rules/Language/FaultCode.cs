namespace Settlement.Engine.Rules.Language;

/// <summary>
/// The codes of what can be wrong with a module's text alone. They are stable: a code is never used for something else. Codes of checks that need other modules,
/// a solver or a run begin with C.
/// </summary>
public static class FaultCode
{
    // The text itself.
    public const string TextTooLong = "E101";
    public const string NotUtf8 = "E102";

    /// <summary>A character that cannot be seen, or that makes text read otherwise than it is shown.</summary>
    public const string HiddenCharacter = "E103";

    /// <summary>A character or sign that the language does not have.</summary>
    public const string UnknownCharacter = "E104";
    public const string StringNotClosed = "E105";
    public const string UnknownEscape = "E106";

    /// <summary>A number, date or percentage that cannot be read as one.</summary>
    public const string NumberMalformed = "E107";

    /// <summary>A name with letters or signs that names do not have.</summary>
    public const string NameMalformed = "E108";
    public const string TooManyFaults = "E109";
    public const string StringEmpty = "E110";
    public const string StringTooLong = "E111";

    // How statements are put together.
    public const string StatementExpected = "E201";
    public const string HeaderMissing = "E202";
    public const string HeaderPartMissing = "E203";
    public const string NameExpected = "E204";
    public const string ConditionExpected = "E205";
    public const string ComparisonExpected = "E206";
    public const string ValueExpected = "E207";
    public const string ParenthesisNotClosed = "E208";
    public const string ListMalformed = "E209";
    public const string WordMisspelt = "E210";
    public const string ClauseTwice = "E211";
    public const string ClauseOutOfOrder = "E212";

    /// <summary>Something that belongs to nothing here.</summary>
    public const string Unexpected = "E213";
    public const string SourceMissing = "E214";
    public const string CeilingsMalformed = "E215";
    public const string WindowMalformed = "E216";
    public const string EffectExpected = "E217";
    public const string HeaderTwice = "E218";
    public const string AdaptationMalformed = "E219";
    public const string ConditionTooDeep = "E220";
    public const string TestMalformed = "E221";
    public const string SumMalformed = "E222";

    // Names that are not known, or known twice.
    public const string UnknownCountry = "E301";
    public const string UnknownCurrency = "E302";
    public const string UnknownPurpose = "E303";
    public const string UnknownInstruction = "E304";
    public const string UnknownKind = "E305";
    public const string UnknownList = "E306";
    public const string UnknownClass = "E307";
    public const string UnknownTarget = "E308";
    public const string UnknownStatement = "E309";
    public const string UnknownField = "E310";
    public const string NameTwice = "E311";

    /// <summary>A statement's name that does not begin with its module's.</summary>
    public const string NameForeign = "E312";
    public const string ExceptionToException = "E313";

    /// <summary>A module's exception to a statement of another module, or to several.</summary>
    public const string TargetForeign = "E314";

    /// <summary>A treaty's exception to a statement of a module that the treaty is not between.</summary>
    public const string TargetNotBound = "E315";

    /// <summary>A treaty's statement that is no exception.</summary>
    public const string TreatyStatement = "E316";
    public const string TreatyParties = "E317";

    // Types.
    public const string ValueOfOtherKind = "E401";
    public const string FieldWithoutOrder = "E402";
    public const string ListOfMixedKinds = "E403";
    public const string ListOfOtherKind = "E404";
    public const string NumberOutOfRange = "E405";
    public const string SumComparison = "E406";

    // Money.
    public const string CurrencyMissing = "E501";

    /// <summary><c>3000 USD</c> for <c>USD 3000</c>.</summary>
    public const string CurrencyBehind = "E502";
    public const string AmountTooFine = "E503";
    public const string AmountTooLarge = "E504";
    public const string IndexMalformed = "E505";

    /// <summary>An amount that must be plain, or of one currency.</summary>
    public const string AmountNotPlain = "E506";

    // Days.
    public const string DateMalformed = "E601";
    public const string NoSuchDay = "E602";
    public const string UntilNotLater = "E603";
    public const string FromTooEarly = "E604";

    /// <summary>From a day on which the module is not in force any more.</summary>
    public const string FromTooLate = "E605";

    // Bounds.
    public const string TooMany = "E701";
    public const string NameTooLong = "E702";

    // Tests.
    public const string TestItemMissing = "E801";
    public const string TestItemTwice = "E802";

    /// <summary>A statement that cannot give the answer that a test expects of it.</summary>
    public const string TestAnswerOfOtherKind = "E803";

    // Doubtful, but the module stands.
    public const string ListUnused = "W901";
    public const string ValueTwice = "W902";

    /// <summary>Sums are kept per currency, so a limit of equivalent amounts is one of its own in each.</summary>
    public const string EquivalentSum = "W903";
    public const string UntilWithoutEffect = "W904";
    public const string TestOutsideOfForce = "W905";
}
