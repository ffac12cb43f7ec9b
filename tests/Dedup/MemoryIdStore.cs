using Settlement.Engine.Dedup;

namespace Settlement.Tests.Dedup;

/// <summary>A store in dictionaries, that truly forgets what it is told to drop.</summary>
public sealed class MemoryIdStore : IIdStore
{
    private readonly Dictionary<IdKey, (Decision Decision, long Position)>[] _kept = [[], []];
    private readonly long[] _positions = [1, 1];

    public int Count(IdKind kind) => _kept[(int)kind].Count;

    /// <summary>Times that anything was dropped.</summary>
    public int Drops { get; private set; }

    public int Gets { get; private set; }

    public void Put(IdKind kind, in IdKey key, in Decision decision) =>
        _kept[(int)kind][key] = (decision, _positions[(int)kind]++);

    public bool TryGet(IdKind kind, in IdKey key, out Decision decision)
    {
        Gets++;
        bool found = _kept[(int)kind].TryGetValue(key, out (Decision Decision, long Position) kept);
        decision = kept.Decision;
        return found;
    }

    public long Position(IdKind kind) => _positions[(int)kind];

    public void DropBefore(IdKind kind, long position)
    {
        foreach ((IdKey key, (Decision Decision, long Position) kept) in _kept[(int)kind])
            if (kept.Position < position && _kept[(int)kind].Remove(key)) Drops++;
    }

    public IEnumerable<IdEntry> Kept(IdKind kind) =>
        from kept in _kept[(int)kind]
        orderby kept.Value.Position
        select new IdEntry { IdLow = kept.Key.IdLow, IdHigh = kept.Key.IdHigh, Decision = kept.Value.Decision };

    public void Dispose()
    {
        foreach (var kept in _kept) kept.Clear();
    }
}
