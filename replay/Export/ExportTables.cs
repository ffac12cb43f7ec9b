using Settlement.Replay.Common;

namespace Settlement.Replay.Export;

/// <summary>The tables that an export writes, by name, each open over a file of its own.</summary>
internal sealed class ExportTables : IDisposable
{
    /// <summary>Every table there is.</summary>
    public static readonly IReadOnlyList<TableSchema> All =
    [
        PaymentRow.Schema, BatchRows.Batches, BatchRows.Gross, BatchRows.Positions, StateRows.Balances, StateRows.Currencies, CommandRows.Schema,
    ];

    private readonly List<TableWriter> _open = [];

    private ExportTables()
    {
    }

    public static string Names => string.Join(", ", All.Select(schema => schema.Name));

    /// <summary>Opens the tables of these names, or all.</summary>
    /// <exception cref="UsageException">There is no such table.</exception>
    public static ExportTables Open(IReadOnlyList<string> names, Func<TableSchema, TableWriter> open)
    {
        if (names.FirstOrDefault(name => All.All(schema => schema.Name != name)) is { } unknown)
            throw new UsageException($"--tables {unknown}: there is no such table; there are {Names}.");
        var tables = new ExportTables();
        try
        {
            foreach (TableSchema schema in All.Where(schema => names.Count == 0 || names.Contains(schema.Name)))
                tables._open.Add(open(schema));
        }
        catch
        {
            tables.Dispose();
            throw;
        }

        return tables;
    }

    /// <summary>Null: the table is not wanted.</summary>
    public TableWriter? Find(TableSchema schema) => _open.Find(table => table.Schema == schema);

    /// <summary>In the order in which they were opened.</summary>
    public IReadOnlyList<TableWriter> Finish()
    {
        foreach (TableWriter table in _open)
            table.Finish();
        return _open;
    }

    public void Dispose()
    {
        foreach (TableWriter table in _open)
            table.Dispose();
    }
}
