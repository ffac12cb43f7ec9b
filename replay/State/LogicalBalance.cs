using Settlement.Engine.Ledger;

namespace Settlement.Replay.State;

/// <summary>What an account holds, as of an open batch: pending of a closed batch is available, whenever the row was written. In the smallest unit.</summary>
internal readonly record struct LogicalBalance(ulong Available, ulong Pending, ulong Held)
{
    /// <summary>Fits 64 bits: every credit is checked.</summary>
    public ulong Total => Available + Pending + Held;

    public static LogicalBalance Of(in AccountRow row, uint openMark) =>
        row.Batch == openMark ? new(row.Available, row.Pending, row.Held) : new(row.Available + row.Pending, 0, row.Held);
}
