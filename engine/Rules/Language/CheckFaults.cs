namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Collects what a check finds, several things at one place if need be. Bounded: of more than <see cref="LanguageBounds.FaultsMax"/> the errors are told first.
/// </summary>
internal sealed class CheckFaults
{
    private readonly List<ModuleFault> _faults = [];
    private int _errors;

    public void Error(string code, TextPlace place, string message, string? hint = null)
    {
        if (_errors == LanguageBounds.FaultsMax)
            return;
        _errors++;
        _faults.Add(new ModuleFault(FaultKind.Error, code, place, message, hint));
    }

    public void Warning(string code, TextPlace place, string message, string? hint = null)
    {
        if (_faults.Count - _errors < LanguageBounds.FaultsMax)
            _faults.Add(new ModuleFault(FaultKind.Warning, code, place, message, hint));
    }

    /// <summary>In the order of the text.</summary>
    public IReadOnlyList<ModuleFault> InOrder() =>
        [.. _faults.OrderBy(static one => one.Kind).Take(LanguageBounds.FaultsMax).OrderBy(static one => one.Place.Line).ThenBy(static one => one.Place.Column)];
}
