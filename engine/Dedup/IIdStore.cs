namespace Settlement.Engine.Dedup;

/// <summary>
/// Where kept ids go that exceed the memory set aside. Synchronous, used by the settle thread alone.
/// </summary>
/// <remarks>
/// What is put is found until it is dropped: a store that cannot keep this promise throws, which stops the engine.
/// Positions grow with every put of a kind; what was put before a position can be dropped whole.
/// </remarks>
public interface IIdStore : IDisposable
{
    /// <summary>Keeps a decision; a later one for the same key stands in its place, and at its own position.</summary>
    void Put(IdKind kind, in IdKey key, in Decision decision);

    /// <summary>The latest decision kept for the key, if it was not dropped; the caller judges whether it still counts.</summary>
    bool TryGet(IdKind kind, in IdKey key, out Decision decision);

    /// <summary>Where the next put of this kind will go.</summary>
    long Position(IdKind kind);

    /// <summary>Everything put before the position may be forgotten. Positions given never decrease.</summary>
    void DropBefore(IdKind kind, long position);

    /// <summary>
    /// Everything put and not dropped, in the order of putting, read as it is asked for. May also give what a later put for
    /// the same key replaced: a key is put again only when its former decision was forgotten, and the caller leaves out
    /// what is forgotten. Nothing is put or dropped meanwhile.
    /// </summary>
    IEnumerable<IdEntry> Kept(IdKind kind);
}
