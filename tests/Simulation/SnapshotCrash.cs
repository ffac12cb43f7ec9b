using Settlement.Engine.Snapshots;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Simulation;

/// <summary>
/// What a crash can leave of a snapshot that was being taken: nothing, a part or all of it under its temporary name, or the whole; and the older ones in any case, because they
/// are let go of last.
/// </summary>
internal static class SnapshotCrash
{
    /// <returns>Which of these; 0: nothing.</returns>
    public static int Leave(string folder, Func<SnapshotTaken?> take, SeededRandom random)
    {
        var before = new SnapshotStore(folder).Paths().ToDictionary(path => path, File.ReadAllBytes);
        SnapshotTaken? taken = take();
        foreach ((string path, byte[] bytes) in before)
        {
            if (!File.Exists(path))
                File.WriteAllBytes(path, bytes);
        }

        int left = random.Below(4);
        if (taken is null || left == 3)
            return left;
        byte[] whole = File.ReadAllBytes(taken.Path);
        File.Delete(taken.Path);
        if (left > 0)
            File.WriteAllBytes(taken.Path + ".tmp", left == 1 ? whole[..random.Below(whole.Length)] : whole);
        return left;
    }
}
