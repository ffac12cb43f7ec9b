namespace Settlement.Replay.WhatIf;

/// <summary>The biggest few of many, for each currency: amounts of two currencies cannot be compared. Of equals, the first.</summary>
internal sealed class BiggestList<T>(int most, Func<T, ushort> currencyOf, Func<T, Int128> sizeOf)
{
    private readonly SortedDictionary<ushort, PriorityQueue<T, (Int128 Size, long Age)>> _kept = [];
    private long _age;

    public void Add(T item)
    {
        if (most == 0)
            return;
        if (!_kept.TryGetValue(currencyOf(item), out PriorityQueue<T, (Int128, long)>? kept))
            _kept[currencyOf(item)] = kept = new PriorityQueue<T, (Int128, long)>();
        (Int128, long) rank = (sizeOf(item), --_age);
        if (kept.Count < most)
            kept.Enqueue(item, rank);
        else
            kept.EnqueueDequeue(item, rank);
    }

    /// <summary>By currency, the biggest first.</summary>
    public IEnumerable<T> Items()
    {
        foreach (PriorityQueue<T, (Int128 Size, long Age)> kept in _kept.Values)
        {
            foreach ((T item, _) in kept.UnorderedItems.OrderByDescending(entry => entry.Priority))
                yield return item;
        }
    }
}
