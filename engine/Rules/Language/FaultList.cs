namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Collects the faults of one text. At one place only the first error counts: what is said there later follows from it. Bounded: past
/// <see cref="LanguageBounds.FaultsMax"/> it takes no more and says so.
/// </summary>
internal sealed class FaultList
{
    private readonly List<ModuleFault> _errors = [];
    private readonly List<ModuleFault> _warnings = [];
    private readonly HashSet<(int Line, int Column)> _taken = []; // asked, never walked

    public bool HasErrors { get; private set; }

    /// <summary>No more errors are taken: reading may end, and need not look for suggestions.</summary>
    public bool IsFull { get; private set; }

    public void Error(string code, TextPlace place, string message, string? hint = null)
    {
        HasErrors = true;
        if (IsFull || !_taken.Add((place.Line, place.Column)))
            return;
        IsFull = _errors.Count == LanguageBounds.FaultsMax - 1;
        _errors.Add(IsFull
            ? new ModuleFault(FaultKind.Error, FaultCode.TooManyFaults, place, $"more than {LanguageBounds.FaultsMax - 1} faults; the others are not told",
                "correct those above first")
            : new ModuleFault(FaultKind.Error, code, place, message, hint));
    }

    public void Warning(string code, TextPlace place, string message, string? hint = null)
    {
        if (_warnings.Count < LanguageBounds.FaultsMax)
            _warnings.Add(new ModuleFault(FaultKind.Warning, code, place, message, hint));
    }

    /// <summary>From here on no error is taken at this place: it would follow from one that was told.</summary>
    public void Silence(TextPlace place) => _taken.Add((place.Line, place.Column));

    /// <summary>In the order of the text; warnings only as far as the errors leave room.</summary>
    public IReadOnlyList<ModuleFault> InOrder() =>
        [.. _errors.Concat(_warnings).Take(LanguageBounds.FaultsMax).OrderBy(fault => fault.Place.Line).ThenBy(fault => fault.Place.Column)];
}
