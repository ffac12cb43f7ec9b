using System.Globalization;
using DuckDB.NET.Data;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Replay.Export;
using static Settlement.Replay.Export.TableSchema;

namespace Settlement.Tests.Replay;

/// <summary>Parquet files as written here and read by DuckDB: every type, null, extreme, and the minima and maxima by which readers skip.</summary>
public sealed class ExportParquetTests
{
    private static readonly TableSchema s_schema = new("odd", "rows of all types",
    [
        Needed("row", ColumnType.Count, "place"), Needed("number", ColumnType.UInt64, ""), Optional("maybe", ColumnType.UInt64, ""),
        Needed("small", ColumnType.UInt32, ""), Needed("amount", ColumnType.Amount, ""), Optional("sum", ColumnType.Amount, ""),
        Needed("units", ColumnType.Units, ""), Needed("time", ColumnType.Time, ""), Optional("until", ColumnType.Time, ""),
        Needed("text", ColumnType.Text, ""), Optional("note", ColumnType.Text, ""), Needed("kind", ColumnType.Symbol, ""),
        Optional("name", ColumnType.Symbol, ""), Needed("flag", ColumnType.Boolean, ""), Optional("none", ColumnType.Symbol, ""),
    ]);

    private static readonly string[] s_names = ["a", "", "bank, \"of\" x", "日本銀行", "ｅ", "😀 pay", "z\nz"];

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(7)]
    [TestCase(8)]
    [TestCase(9)]
    [TestCase(1000)]
    public void Every_value_is_read_back_by_other_software(int count)
    {
        Row[] rows = [.. Enumerable.Range(0, count).Select(Row.Make)];
        Write(rows, groupRows: 300);
        using DuckDBConnection duck = Open();
        List<string> read = Read(duck, $"select {string.Join(", ", s_schema.Columns.Select(TextOf))} from '{File}' order by row");
        Assert.That(read, Is.EqualTo(rows.Select(row => row.ToString())));
        Assert.That(Read(duck, $"select column_type from (describe select * from '{File}')"), Is.EqualTo(s_schema.Columns.Select(column =>
            column.SqlType == "TIMESTAMPTZ" ? "TIMESTAMP WITH TIME ZONE" : column.SqlType)));
        Assert.That(Read(duck, $"select num_row_groups from parquet_file_metadata('{File}')").Single(), Is.EqualTo(((count + 299) / 300).ToString(CultureInfo.InvariantCulture)));
    }

    [Test]
    public void Whatever_is_looked_for_is_found_in_whatever_row_group_it_is()
    {
        Row[] rows = [.. Enumerable.Range(0, 40).Select(Row.Make)];
        Write(rows, groupRows: 4);
        using DuckDBConnection duck = Open();
        foreach (Column column in s_schema.Columns.Where(column => column.Type != ColumnType.Boolean))
        {
            // A filter with a constant is what readers hold against minima and maxima.
            foreach (string value in Read(duck, $"select distinct {column.Name}::VARCHAR from '{File}' where {column.Name} is not null"))
            {
                string constant = $"'{value.Replace("'", "''", StringComparison.Ordinal)}'::{column.SqlType}";
                string found = Read(duck, $"select count(*) from '{File}' where {column.Name} = {constant}").Single();
                string held = Read(duck, $"select count(*) from (select {column.Name}::VARCHAR v from '{File}') where v || '' = {constant}::VARCHAR").Single();
                Assert.That(found, Is.EqualTo(held), $"{column.Name} = {constant}");
                string between = Read(duck, $"select count(*) from '{File}' where {column.Name} >= {constant} and {column.Name} <= {constant}").Single();
                Assert.That(between, Is.EqualTo(held), $"{column.Name} between {constant}");
            }
        }
    }

    [Test]
    public void The_file_says_what_it_was_told()
    {
        using (FileStream stream = System.IO.File.Create(File))
        using (var table = new ParquetTable(s_schema, stream) { Metadata = [KeyValuePair.Create("ledger", "7"), KeyValuePair.Create("über", "ok")] })
            table.Finish();
        using DuckDBConnection duck = Open();
        Assert.That(Read(duck, $"select decode(key) || '=' || decode(value) from parquet_kv_metadata('{File}')"), Is.EquivalentTo(new[] { "ledger=7", "über=ok" }));
        Assert.That(Read(duck, $"select count(*) from '{File}'"), Is.EqualTo(new[] { "0" }));
    }

    [Test]
    public void A_row_that_slips_by_a_column_is_refused()
    {
        using var table = new ParquetTable(s_schema, new MemoryStream());
        table.Count(1);
        Assert.That(() => table.Count(2), Throws.InvalidOperationException.With.Message.Contains("odd.number"));
        Assert.That(() => table.Null(), Throws.InvalidOperationException.With.Message.Contains("cannot be null"));
        Assert.That(table.EndRow, Throws.InvalidOperationException.With.Message.Contains("columns of 15"));
    }

    private string File => Path.Combine(_folder.Path, "odd.parquet");

    private static string TextOf(Column column) => column.SqlType == "TIMESTAMPTZ" ? $"epoch_us({column.Name})::VARCHAR" : $"{column.Name}::VARCHAR";

    private void Write(Row[] rows, int groupRows)
    {
        using FileStream stream = System.IO.File.Create(File);
        using var table = new ParquetTable(s_schema, stream, groupRows);
        foreach (Row row in rows)
            row.WriteTo(table);
        table.Finish();
    }

    private static DuckDBConnection Open()
    {
        var duck = new DuckDBConnection("DataSource=:memory:");
        duck.Open();
        Read(duck, "set TimeZone='UTC'");
        return duck;
    }

    private static List<string> Read(DuckDBConnection duck, string query)
    {
        using DuckDBCommand command = duck.CreateCommand();
        command.CommandText = query;
        using DuckDBDataReader reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
        {
            rows.Add(string.Join(" | ", Enumerable.Range(0, reader.FieldCount).Select(at =>
                reader.IsDBNull(at) ? "NULL" : Convert.ToString(reader.GetValue(at), CultureInfo.InvariantCulture))));
        }

        return rows;
    }

    private sealed record Row(int Place, ulong Number, bool Has, int Scale, Int128 Sum, string Name, bool Flag)
    {
        public static Row Make(int place)
        {
            ulong[] extremes = [0, 1, ulong.MaxValue, long.MaxValue, (ulong)long.MaxValue + 1, 10_000_000_000_000_000_000];
            ulong number = place < extremes.Length ? extremes[place] : (ulong)place * 0x9E37_79B9_7F4A_7C15;
            Int128 sum = (Int128)number * (place % 3 - 1);
            return new Row(place, number, place % 5 != 2, place % 19, sum, s_names[place % s_names.Length], place % 4 == 1);
        }

        public void WriteTo(TableWriter table)
        {
            table.Count((ulong)Place);
            table.UInt64(Number);
            table.UInt64OrNull(Has ? Number : null);
            table.UInt32((uint)Number);
            table.Amount(Number, Scale);
            table.AmountOfSum(Sum * 20, Scale);
            table.Units(Sum * 1_000_000_007);
            table.Time(Number);
            table.TimeOrNull(Has ? Number : null);
            table.Text(Name + Place.ToString(CultureInfo.InvariantCulture));
            table.TextOrNull(Has ? Name : null);
            table.Symbol(Name);
            table.SymbolOrNull(Has ? Name : null);
            table.Boolean(Flag);
            table.Null();
            table.EndRow();
        }

        public override string ToString() => string.Join(" | ",
            Place.ToString(CultureInfo.InvariantCulture), Text(Number), Has ? Text(Number) : "NULL", Text((uint)Number), Padded(Number, Scale),
            Int128.Abs(Sum * 20) < Int128.Parse("100000000000000000000", CultureInfo.InvariantCulture) * AmountText.UnitsPerWhole(Scale) ? Padded(Sum * 20, Scale) : "NULL",
            (Sum * 1_000_000_007).ToString(CultureInfo.InvariantCulture), Text(Number / 1000), Has ? Text(Number / 1000) : "NULL",
            Name + Place.ToString(CultureInfo.InvariantCulture), Has ? Name : "NULL", Name, Has ? Name : "NULL", Flag ? "true" : "false", "NULL");

        private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);

        private static string Padded(Int128 units, int scale)
        {
            string text = AmountText.ToText(units, scale);
            return (scale == 0 ? text + "." : text) + new string('0', 18 - scale);
        }
    }
}
