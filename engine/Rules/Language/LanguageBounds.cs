using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Every bound of the language. Reading takes time linear in the text (but for suggestions, which are bounded by the faults) and memory bounded by it: a token is
/// at least a character and takes about 100 bytes, so the largest text takes 26 MiB while it is read.
/// </summary>
public static class LanguageBounds
{
    /// <summary>UTF-8 bytes of a module's text; four times of it fit the continuation slots of one block (1 MiB).</summary>
    public const int TextBytesMax = 256 * 1024;

    public const int StatementsMax = 1_000;
    public const int TestsMax = 1_000;

    /// <summary>Lists and classes together.</summary>
    public const int ListsMax = 200;

    /// <summary>Values of one list, written out or declared: more than there are countries.</summary>
    public const int ListValuesMax = 300;

    /// <summary>
    /// Nesting of a condition: parentheses and <c>not</c> in the text, and levels of the tree that results (a comparison alone is 1). Recursion over conditions goes
    /// no deeper.
    /// </summary>
    public const int ConditionDepthMax = RuleBounds.DepthMax;

    /// <summary>Faults told of one text; the last says that there are more.</summary>
    public const int FaultsMax = 100;

    public const int LayerMax = 100;

    /// <summary>Modules that a treaty is between, and statements that one of its exceptions is to.</summary>
    public const int TreatyNamesMax = 250;

    /// <summary>A module's name, which begins the names of all of its statements.</summary>
    public const int ModuleNameCharsMax = 32;

    /// <summary>A statement's name is a rule's name in the table.</summary>
    public const int StatementNameCharsMax = RuleBounds.NameBytesMax;

    public const int ListNameCharsMax = 64;
    public const int ParameterNameCharsMax = 16;

    /// <summary>Characters between the quotes.</summary>
    public const int StringCharsMax = 1_000;

    /// <summary>Digits of an amount without leading zeros: its mantissa is below 10^28.</summary>
    public const int AmountDigitsMax = 28;

    public const int AmountDecimalsMax = Limits.ScaleMax;

    /// <summary>Digits behind the point of a parameter's value, which is counted in units of 10^-9.</summary>
    public const int ParameterDecimalsMax = 9;

    public const int AdaptationPercentMax = 1_000;

    /// <summary>A review ends within a year.</summary>
    public const int ReviewDaysMax = 366;

    /// <summary>If the text does not say how long a review may take.</summary>
    public const int ReviewDaysDefault = 3;

    /// <summary>64-bit nanoseconds since 1970 end in July 2554.</summary>
    public const int YearMin = 1970;
    public const int YearMax = 2553;
}
