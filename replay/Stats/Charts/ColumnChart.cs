namespace Settlement.Replay.Stats.Charts;

/// <summary>Columns side by side, one series on another: the frame that rate and batch charts share.</summary>
/// <param name="title">What it shows.</param>
/// <param name="valueTitle">Of the value axis, with its unit.</param>
/// <param name="placeTitle">Of the place axis.</param>
internal sealed class ColumnChart(string title, string valueTitle, string placeTitle)
{
    public const double Height = 340;

    /// <summary>Most columns that can still be told apart.</summary>
    public const int ColumnsMax = 240;

    private const double Left = 96;
    private const double TopRoom = 62;
    private const double BottomRoom = 58;
    private const double ColumnWidthMax = 36;
    private const double LegendWidth = 150;

    /// <summary>Names and colours, the lowest first.</summary>
    public IReadOnlyList<(string Name, string Colour)> Series { get; init; } = [];

    /// <summary>Height of each series in each column, and what the column is called when it is pointed at.</summary>
    public IReadOnlyList<(double[] Values, string Tip)> Columns { get; init; } = [];

    /// <summary>Places that the axis has room for, in columns; at least as many as there are.</summary>
    public int PlacesCount { get; init; }

    /// <summary>Marks along the axis, in columns from the left.</summary>
    public IReadOnlyList<(double Place, string Label)> Marks { get; init; } = [];

    public bool AreWhole { get; init; }

    public void Draw(SvgWriter svg, double top, double pageWidth)
    {
        double right = pageWidth - 28, bottom = top + Height - BottomRoom, plotTop = top + TopRoom;
        svg.Text(28, top + 24, title, 16, bold: true);
        DrawLegend(svg, top + 46, right);
        double max = Columns.Count == 0 ? 1 : Math.Max(1e-9, Columns.Max(column => column.Values.Sum()));
        double[] ticks = AreWhole ? Scale.WholeTicks(max) : Scale.Ticks(max);
        double heightOf(double value) => (bottom - plotTop) * value / ticks[^1];
        foreach (double tick in ticks)
        {
            svg.Line(Left, bottom - heightOf(tick), right, bottom - heightOf(tick), tick == 0 ? SvgWriter.PaleInk : SvgWriter.GridInk);
            svg.Text(Left - 8, bottom - heightOf(tick) + 4, QuantityText.Short(tick), 11, Anchor.End, SvgWriter.PaleInk);
        }

        svg.Text(30, (plotTop + bottom) / 2, valueTitle, 12, Anchor.Middle, SvgWriter.PaleInk, turn: -90);
        double step = (right - Left) / Math.Max(1, PlacesCount);
        double gap = step >= 4 ? 1 : 0, width = Math.Min(ColumnWidthMax, step - gap);
        for (int i = 0; i < Columns.Count; i++)
        {
            double foot = bottom;
            for (int series = 0; series < Series.Count; series++)
            {
                double height = heightOf(Columns[i].Values[series]);
                if (height <= 0)
                    continue;
                foot -= height;
                svg.Rectangle(Left + (step * i) + ((step - gap - width) / 2), foot, width, height, Series[series].Colour, Columns[i].Tip);
            }
        }

        foreach ((double place, string label) in Marks)
        {
            double x = Left + (step * place);
            svg.Line(x, bottom, x, bottom + 5, SvgWriter.PaleInk);
            svg.Text(x, bottom + 19, label, 11, Anchor.Middle, SvgWriter.PaleInk);
        }

        svg.Text((Left + right) / 2, bottom + 42, placeTitle, 12, Anchor.Middle, SvgWriter.PaleInk);
    }

    private void DrawLegend(SvgWriter svg, double y, double right)
    {
        for (int i = 0; i < Series.Count && Series.Count > 1; i++)
        {
            double x = right - (LegendWidth * (Series.Count - i));
            svg.Rectangle(x, y - 10, 12, 12, Series[i].Colour);
            svg.Text(x + 18, y, Series[i].Name, 12);
        }
    }
}
