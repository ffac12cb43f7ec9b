namespace Settlement.Replay.Common;

/// <summary>Columns as wide as what stands in them, two spaces between. A head that begins with `&lt;` makes its column flush right.</summary>
internal sealed class TextTable(params string[] heads)
{
    private const char RightMark = '<';

    private readonly List<string[]> _rows = [];

    public bool IsEmpty => _rows.Count == 0;

    public void Add(params string[] cells)
    {
        if (cells.Length != heads.Length)
            throw new ArgumentException($"{cells.Length} cells in a table of {heads.Length} columns", nameof(cells));
        _rows.Add(cells);
    }

    public void Print(TextWriter output)
    {
        string[] names = [.. heads.Select(head => head.TrimStart(RightMark))];
        int[] widths = [.. names.Select((name, column) => Math.Max(name.Length, _rows.Count == 0 ? 0 : _rows.Max(row => row[column].Length)))];
        foreach (string[] row in _rows.Prepend(names))
        {
            string line = string.Join("  ", row.Select((cell, column) =>
                heads[column][0] == RightMark ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column])));
            output.WriteLine(line.TrimEnd());
        }
    }
}
