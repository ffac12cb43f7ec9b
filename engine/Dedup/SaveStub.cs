using Settlement.Engine.Snapshots;
namespace Settlement.Engine.Dedup;
public static class SaveStub { public static void Save(this Deduplicator d, SnapshotWriter w) { _ = d; w.Write(1); } public static void Load(this Deduplicator d, SnapshotReader r) { _ = d; r.Read<int>(); } }
