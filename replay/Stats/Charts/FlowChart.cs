using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Replay.Common;

namespace Settlement.Replay.Stats.Charts;

/// <summary>
/// Net flows of one currency as a matrix: a row's participant has paid a column's (blue) or was paid by it (orange), less what went the other way; at the right,
/// each row's net over all others. From <see cref="ParticipantsMax"/> on, the less busy share one row.
/// </summary>
internal sealed class FlowChart
{
    public const int ParticipantsMax = 60;

    private const string Pays = "#0b5fa5";
    private const string IsPaid = "#c4570e";
    private const string Nothing = "#f4f4f4";
    private const string Diagonal = "#cfcfcf";

    /// <summary>Up to so many participants, amounts stand in the cells.</summary>
    private const int LabelledMax = 12;
    private const int NameCharsMax = 18;
    private const double Left = 158;
    private const double NetRoom = 270;
    private const double TopRoom = 76;
    private const double BottomRoom = 74;

    private readonly string _currency;
    private readonly int _scale;
    private readonly List<string> _names = [];
    private readonly double[,] _net;
    private readonly int _count;

    /// <param name="report">Names.</param>
    /// <param name="currency">ISO 4217 number.</param>
    /// <param name="flows">Of that currency.</param>
    public FlowChart(StatsReport report, ushort currency, IReadOnlyList<Flow> flows)
    {
        _currency = LedgerText.CurrencyOf(currency);
        _scale = LedgerText.ScaleOf(report.State, currency);
        ushort[] busiest = [.. report.Sides().Where(side => side.Currency == currency && side.Sent + side.Received > 0).Select(side => side.Participant)];
        bool isCut = busiest.Length > ParticipantsMax;
        int named = isCut ? ParticipantsMax - 1 : busiest.Length;
        var places = new Dictionary<ushort, int>();
        foreach (ushort participant in busiest.Take(named).Order())
        {
            places.Add(participant, places.Count);
            _names.Add(LedgerText.ParticipantOf(report.State, participant));
        }

        if (isCut)
            _names.Add(string.Create(CultureInfo.InvariantCulture, $"{busiest.Length - named} others"));
        _count = _names.Count;
        _net = new double[_count, _count];
        foreach (Flow flow in flows.Where(flow => flow.From != flow.To))
        {
            int from = places.GetValueOrDefault(flow.From, _count - 1), to = places.GetValueOrDefault(flow.To, _count - 1);
            double amount = (double)flow.Amount / AmountText.UnitsPerWhole(_scale);
            _net[from, to] += amount;
            _net[to, from] -= amount;
        }
    }

    /// <summary>Whether anything moved between two participants.</summary>
    public bool HasFlows => _count > 1;

    public double Height => TopRoom + HeadRoom + (Cell * _count) + BottomRoom;

    private double Cell => Math.Clamp(620.0 / _count, 11, 52);

    /// <summary>Column names stand on their heads.</summary>
    private double HeadRoom => 14 + (6.2 * Math.Min(NameCharsMax, _names.Max(name => name.Length)) * (_count > LabelledMax ? 0.85 : 1));

    public void Draw(SvgWriter svg, double top, double pageWidth)
    {
        double gridTop = top + TopRoom + HeadRoom, size = _count > LabelledMax ? 9 : 11.5;
        svg.Text(28, top + 24, $"Net flows between participants, {_currency}", 16, bold: true);
        svg.Text(28, top + 44, "Each cell: what the row's participant paid to the column's, less what came back; accepted payments of all batches, before fees.", 12, fill: SvgWriter.PaleInk);
        double most = Math.Max(1e-12, _net.Cast<double>().Max());
        for (int row = 0; row < _count; row++)
        {
            double y = gridTop + (Cell * row);
            svg.Text(Left - 8, y + (Cell / 2) + (size / 3), SvgWriter.Cut(_names[row], NameCharsMax), size, Anchor.End);
            svg.Text(Left + (Cell * (row + 0.5)) + (size / 3), gridTop - 8, SvgWriter.Cut(_names[row], NameCharsMax), size, turn: -90);
            for (int column = 0; column < _count; column++)
                DrawCell(svg, row, column, Left + (Cell * column), y, most);
        }

        DrawNets(svg, gridTop, pageWidth, size);
        DrawLegend(svg, gridTop + (Cell * _count) + 26, most);
    }

    private void DrawCell(SvgWriter svg, int row, int column, double x, double y, double most)
    {
        double net = _net[row, column], inner = Cell >= 8 ? Cell - 1 : Cell;
        if (row == column)
        {
            svg.Rectangle(x, y, inner, inner, Diagonal);
            return;
        }

        string says = net == 0 ? $"{_names[row]} and {_names[column]}: nothing, net"
            : net > 0 ? $"{_names[row]} paid {_names[column]} {Exact(net)} {_currency}, net" : $"{_names[row]} was paid {Exact(-net)} {_currency} by {_names[column]}, net";
        double depth = DepthOf(net, most);
        svg.Rectangle(x, y, inner, inner, net == 0 ? Nothing : Mixed(net > 0 ? Pays : IsPaid, depth), says);
        if (_count <= LabelledMax && net != 0)
            svg.Text(x + (inner / 2), y + (inner / 2) + 4, QuantityText.Short(Math.Abs(net)), Cell >= 48 ? 11 : 10, Anchor.Middle, depth > 0.55 ? "#ffffff" : SvgWriter.Ink);
    }

    /// <summary>Bars to both sides of a line: what each row's participant has paid or was paid over all.</summary>
    private void DrawNets(SvgWriter svg, double gridTop, double pageWidth, double size)
    {
        double left = Left + (Cell * _count) + 40, right = Math.Min(pageWidth - 90, left + NetRoom), middle = (left + right) / 2;
        double[] nets = [.. Enumerable.Range(0, _count).Select(row => Enumerable.Range(0, _count).Sum(column => _net[row, column]))];
        double most = Math.Max(1e-12, nets.Max(Math.Abs));
        svg.Text(middle, gridTop - 26, $"net over all, {_currency}", 12, Anchor.Middle, SvgWriter.PaleInk);
        svg.Text(middle - 6, gridTop - 8, "is paid", 11, Anchor.End, IsPaid);
        svg.Text(middle + 6, gridTop - 8, "pays", 11, Anchor.Start, Pays);
        svg.Line(middle, gridTop, middle, gridTop + (Cell * _count), SvgWriter.PaleInk);
        double room = (right - left) / 2;
        for (int row = 0; row < _count; row++)
        {
            double length = room * 0.72 * Math.Abs(nets[row]) / most, y = gridTop + (Cell * row);
            bool pays = nets[row] > 0;
            string says = $"{_names[row]} {(pays ? "paid" : "was paid")} {Exact(Math.Abs(nets[row]))} {_currency}, net over all";
            svg.Rectangle(pays ? middle : middle - length, y + (Cell * 0.15), length, Cell * 0.7, pays ? Pays : IsPaid, says);
            svg.Text(pays ? middle + length + 4 : middle - length - 4, y + (Cell / 2) + (size / 3), QuantityText.Short(Math.Abs(nets[row])), Math.Min(size, 11), pays ? Anchor.Start : Anchor.End, SvgWriter.PaleInk);
        }
    }

    private void DrawLegend(SvgWriter svg, double y, double most)
    {
        const int Steps = 5;
        const double StepWidth = 34;
        double x = Left;
        for (int step = -Steps; step <= Steps; step++)
        {
            double net = most * step * Math.Abs(step) / (Steps * Steps);
            svg.Rectangle(x, y, StepWidth, 12, step == 0 ? Nothing : Mixed(step > 0 ? Pays : IsPaid, DepthOf(net, most)));
            if (step % Steps == 0)
                svg.Text(x + (StepWidth / 2), y + 27, step == 0 ? "0" : QuantityText.Short(Math.Abs(net)), 11, Anchor.Middle, SvgWriter.PaleInk);
            x += StepWidth;
        }

        svg.Text(Left + (StepWidth * 2.5), y - 5, "row is paid", 11, Anchor.Middle, IsPaid);
        svg.Text(Left + (StepWidth * 8.5), y - 5, "row pays", 11, Anchor.Middle, Pays);
        svg.Text(x + 12, y + 10, _currency, 12, fill: SvgWriter.PaleInk);
    }

    /// <summary>By the root, so that small flows beside large ones can be seen.</summary>
    private static double DepthOf(double net, double most) => 0.1 + (0.9 * Math.Sqrt(Math.Min(1, Math.Abs(net) / most)));

    private static string Mixed(string colour, double depth)
    {
        int part(int at) => (int)Math.Round(255 + ((int.Parse(colour.AsSpan(at, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) - 255) * depth));
        return string.Create(CultureInfo.InvariantCulture, $"#{part(1):x2}{part(3):x2}{part(5):x2}");
    }

    private string Exact(double amount) => amount.ToString("N" + _scale, CultureInfo.InvariantCulture);
}
