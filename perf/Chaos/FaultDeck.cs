namespace Settlement.Perf.Chaos;

/// <summary>Which kind of fault comes next: a shuffled deck, so that a short run, too, meets every kind once before it meets any twice; later decks hold each as often as it weighs.</summary>
/// <remarks>What could not be done when it was drawn is put back, and comes again in the same deck.</remarks>
internal sealed class FaultDeck
{
    private readonly Random _random;
    private readonly (string Name, int Weight)[] _kinds;
    private readonly List<string> _cards = [];
    private bool _isFirstDealt;

    /// <param name="random">Shuffles; of nothing else, so that a seed gives one order.</param>
    /// <param name="kinds">One at least; a weight is 1 or more.</param>
    public FaultDeck(Random random, IEnumerable<(string Name, int Weight)> kinds)
    {
        (_random, _kinds) = (random, [.. kinds]);
        if (_kinds.Length == 0 || _kinds.Any(kind => kind.Weight < 1))
            throw new ArgumentException("a deck has kinds, and each a weight of 1 at least", nameof(kinds));
    }

    public string Draw()
    {
        if (_cards.Count == 0)
            Deal();
        string drawn = _cards[^1];
        _cards.RemoveAt(_cards.Count - 1);
        return drawn;
    }

    public void PutBack(string kind) => _cards.Insert(0, kind);

    private void Deal()
    {
        foreach ((string name, int weight) in _kinds)
            _cards.AddRange(Enumerable.Repeat(name, _isFirstDealt ? weight : 1));
        _isFirstDealt = true;
        _random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_cards));
    }
}
