using Settlement.Engine.Dedup;

namespace Settlement.Perf.Load;

/// <summary>Keeps nothing, and counts what it was given.</summary>
internal sealed class NoStore : IIdStore
{
    public long Puts { get; private set; }

    public void Put(IdKind kind, in IdKey key, in Decision decision) => Puts++;

    public bool TryGet(IdKind kind, in IdKey key, out Decision decision)
    {
        decision = default;
        return false;
    }

    public long Position(IdKind kind) => 0;

    public void DropBefore(IdKind kind, long position)
    {
    }

    public IEnumerable<IdEntry> Kept(IdKind kind) => [];

    public void Dispose()
    {
    }
}
