namespace Settlement.Engine.Rules.Language;

/// <summary>Codes of what is wrong with a module beside others, as <see cref="ModuleCheck"/> finds it. Stable, as those of <see cref="FaultCode"/>.</summary>
public static class CheckCode
{
    // Errors: the module does not stand.

    /// <summary>Two exceptions of one layer that can apply at once.</summary>
    public const string ExceptionsOverlap = "C101";

    /// <summary>A test that the module answers otherwise.</summary>
    public const string TestFails = "C102";

    /// <summary>A test with an amount that is no whole number of the ledger's smallest units, or above all.</summary>
    public const string TestAmount = "C103";

    /// <summary>What no rule table can say, or not within its bounds.</summary>
    public const string NotLowerable = "C104";

    /// <summary>Sums of which more treats better, several that are needed at once, or one above which a statement behind is named.</summary>
    public const string SumsEntangled = "C105";

    /// <summary>A treaty with a module or statement that there is not.</summary>
    public const string TreatyWithout = "C106";

    /// <summary>Two versions of a module that would be in force on one day.</summary>
    public const string VersionsOverlap = "C107";

    // Warnings.

    /// <summary>A statement that no payment can ever meet.</summary>
    public const string Dead = "C201";

    /// <summary>A statement that no test meets, or that every test meets.</summary>
    public const string NotTested = "C202";

    /// <summary>A threshold without a test right below and right above it that tells them apart.</summary>
    public const string BoundaryNotTested = "C203";

    /// <summary>A rate or index without a value.</summary>
    public const string NumberMissing = "C204";

    /// <summary>A sum whose window began before the module can have counted.</summary>
    public const string WindowBegun = "C205";

    /// <summary>A statement that a treaty's exception is to, and that is no longer there.</summary>
    public const string TreatyTargetGone = "C206";

    /// <summary>Not all was checked: there is too much of it.</summary>
    public const string NotAllChecked = "C207";
}
