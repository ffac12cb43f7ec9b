using Microsoft.Data.Sqlite;
using Settlement.Replay.Common;
using SQLitePCL;

namespace Settlement.Replay.Tail;

/// <summary>The projections by name, and what becomes of their faults.</summary>
internal static class Projections
{
    public static IProjection Open(TailOptions options, string directory, UInt128 ledgerId) => options.Format switch
    {
        TailFormat.Sqlite => new SqliteHistory(directory, ledgerId)
        {
            RowsMax = options.RowsMax ?? SqliteHistory.RowsMaxDefault, Period = options.Period ?? SqliteHistory.PeriodDefault,
        },
        _ => new ParquetHistory(directory, ledgerId)
        {
            RowsMax = options.RowsMax ?? ParquetHistory.RowsMaxDefault, Period = options.Period ?? ParquetHistory.PeriodDefault,
        },
    };

    /// <summary>Runs what touches a projection; a database's fault becomes one sentence.</summary>
    public static T Guard<T>(TailOptions options, Func<T> run)
    {
        try
        {
            return run();
        }
        catch (SqliteException fault)
        {
            throw new UsageException(SentenceOf(fault, Path.Combine(options.Target, HistorySchema.FileName)));
        }
    }

    private static string SentenceOf(SqliteException fault, string path) => fault.SqliteErrorCode switch
    {
        raw.SQLITE_FULL => $"The disk is full: '{path}' could not be written. It is whole up to its last transaction; make room, and run the same command again.",
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => $"'{path}' is locked by another program. End what holds it, and run the same command again.",
        raw.SQLITE_NOTADB or raw.SQLITE_CORRUPT => $"'{path}' is no database, or a damaged one ({fault.Message}). Delete it, and it is made again from the journal; or name another directory.",
        raw.SQLITE_CANTOPEN or raw.SQLITE_READONLY or raw.SQLITE_PERM => $"'{path}' cannot be opened for writing ({fault.Message}). Name a directory that this user may write.",
        _ => $"'{path}' could not be written: {fault.Message} It is whole up to its last transaction; run the same command again when the cause is gone.",
    };
}
