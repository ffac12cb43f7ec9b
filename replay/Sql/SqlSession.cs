using DuckDB.NET.Data;
using DuckDB.NET.Native;
using Settlement.Replay.Common;
using Settlement.Replay.Export;

namespace Settlement.Replay.Sql;

/// <summary>
/// DuckDB in memory with a view for each table of an export, and access to nothing else: no other file can be read, none written, no extension
/// loaded, no setting changed, and only a query is carried out.
/// </summary>
/// <remarks>
/// Two locks, because neither suffices: DuckDB may open the export's files alone, but would write over them as well, so a statement that is no query
/// is refused before it runs. What does not fit memory spills into the folder given.
/// </remarks>
internal sealed class SqlSession : IDisposable
{
    private readonly DuckDBConnection _duck = new("DataSource=:memory:");

    private SqlSession()
    {
    }

    /// <param name="directory">An export's folder.</param>
    /// <param name="spill">A folder for what does not fit memory.</param>
    /// <exception cref="UsageException">There is nothing to query.</exception>
    public static SqlSession Over(string directory, string spill)
    {
        IReadOnlyList<SqlSource> sources = SqlSource.In(directory);
        var session = new SqlSession();
        try
        {
            session._duck.Open();
            session.Set("TimeZone = 'UTC'");
            session.Set($"temp_directory = {Quoted(spill)}");
            session.Set("autoinstall_known_extensions = false");
            session.Set("autoload_known_extensions = false");
            foreach (SqlSource source in sources)
                session.Execute($"create view {source.Table.Name} as {source.Query}");
            session.Set($"allowed_paths = [{string.Join(", ", sources.SelectMany(source => source.Files).Select(Quoted))}]");
            session.Set("enable_external_access = false");
            session.Set("lock_configuration = true");
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Begins a query; its rows are fetched as they are read.</summary>
    /// <exception cref="UsageException">It is no query, or not one.</exception>
    /// <exception cref="DuckDBException">DuckDB does not understand it.</exception>
    public DuckDBDataReader Query(string text)
    {
        string query = text.TrimEnd().TrimEnd(';');
        CheckQuery(query);
        using DuckDBCommand command = _duck.CreateCommand();
        command.CommandText = query;
        command.UseStreamingMode = true;
        return command.ExecuteReader();
    }

    public void Dispose() => _duck.Dispose();

    /// <summary>A path as a text of SQL.</summary>
    public static string Quoted(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>
    /// What can stand in parentheses behind FROM is a query, and a statement that can writes nothing; the parser decides, nothing runs. The text must
    /// be a statement by itself, too, so that none can close the parenthesis.
    /// </summary>
    private void CheckQuery(string query)
    {
        int statements = CountStatements(query, out string? fault);
        if (statements == 0)
            throw new UsageException(fault is null ? "There is no query. Say what to select, in quotes." : SqlFault.Sentence(fault));
        if (CountStatements($"select * from (\n{query}\n)", out _) != statements)
            throw new UsageException("Only one query at a time is carried out, and nothing that writes: select, from, with, values, pivot, describe, show and summarize are understood.");
    }

    private int CountStatements(string text, out string? fault)
    {
        int count = NativeMethods.ExtractStatements.DuckDBExtractStatements(_duck.NativeConnection, text, out DuckDBExtractedStatements statements);
        using (statements)
        {
            fault = count == 0 ? NativeMethods.ExtractStatements.DuckDBExtractStatementsError(statements) : null;
            fault = string.IsNullOrEmpty(fault) ? null : fault;
            return count;
        }
    }

    private void Set(string setting) => Execute($"set {setting}");

    private void Execute(string statement)
    {
        using DuckDBCommand command = _duck.CreateCommand();
        command.CommandText = statement;
        command.ExecuteNonQuery();
    }
}
