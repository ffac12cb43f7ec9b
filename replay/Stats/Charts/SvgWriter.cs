using System.Globalization;
using System.Text;
using System.Xml;

namespace Settlement.Replay.Stats.Charts;

/// <summary>Which side of a text its place is.</summary>
internal enum Anchor
{
    Start = 0,
    Middle = 1,
    End = 2,
}

/// <summary>The few elements of SVG 1.1 that charts need. Coordinates are pixels, y downwards.</summary>
/// <remarks>Text may be anything: it is escaped, and characters that XML does not have become U+FFFD.</remarks>
internal sealed class SvgWriter : IDisposable
{
    public const string Ink = "#222222";
    public const string PaleInk = "#555555";
    public const string GridInk = "#dddddd";

    private const string Namespace = "http://www.w3.org/2000/svg";
    private const string Fonts = "'DejaVu Sans', 'Liberation Sans', Helvetica, Arial, sans-serif";

    private readonly XmlWriter _xml;

    /// <summary>Opens the picture, on white, with a title and a description for who does not see it.</summary>
    public SvgWriter(Stream stream, double width, double height, string title, string description)
    {
        _xml = XmlWriter.Create(stream, new XmlWriterSettings { Encoding = new UTF8Encoding(false), Indent = true });
        _xml.WriteStartElement("svg", Namespace);
        Attribute("width", Number(width));
        Attribute("height", Number(height));
        Attribute("viewBox", $"0 0 {Number(width)} {Number(height)}");
        Attribute("font-family", Fonts);
        Attribute("role", "img");
        Element("title", title);
        Element("desc", description);
        Rectangle(0, 0, width, height, "#ffffff");
    }

    public void Rectangle(double x, double y, double width, double height, string fill, string? tip = null)
    {
        _xml.WriteStartElement("rect", Namespace);
        Attribute("x", Number(x));
        Attribute("y", Number(y));
        Attribute("width", Number(width));
        Attribute("height", Number(height));
        Attribute("fill", fill);
        if (tip is not null)
            Element("title", tip);
        _xml.WriteEndElement();
    }

    public void Line(double x1, double y1, double x2, double y2, string stroke, double width = 1)
    {
        _xml.WriteStartElement("line", Namespace);
        Attribute("x1", Number(x1));
        Attribute("y1", Number(y1));
        Attribute("x2", Number(x2));
        Attribute("y2", Number(y2));
        Attribute("stroke", stroke);
        Attribute("stroke-width", Number(width));
        _xml.WriteEndElement();
    }

    /// <param name="x">Of the anchor.</param>
    /// <param name="y">Of the baseline.</param>
    /// <param name="text">Anything.</param>
    /// <param name="size">Pixels.</param>
    /// <param name="anchor">Which side the place is.</param>
    /// <param name="fill">Colour.</param>
    /// <param name="bold">Heavy letters.</param>
    /// <param name="turn">Degrees clockwise about the place.</param>
    public void Text(double x, double y, string text, double size, Anchor anchor = Anchor.Start, string fill = Ink, bool bold = false, double turn = 0)
    {
        _xml.WriteStartElement("text", Namespace);
        Attribute("x", Number(x));
        Attribute("y", Number(y));
        Attribute("font-size", Number(size));
        Attribute("fill", fill);
        if (anchor != Anchor.Start)
            Attribute("text-anchor", anchor == Anchor.Middle ? "middle" : "end");
        if (bold)
            Attribute("font-weight", "bold");
        if (turn != 0)
            Attribute("transform", $"rotate({Number(turn)} {Number(x)} {Number(y)})");
        _xml.WriteString(Printable(text));
        _xml.WriteEndElement();
    }

    /// <summary>Ends the picture.</summary>
    public void Dispose()
    {
        _xml.WriteEndElement();
        _xml.Dispose();
    }

    /// <summary>A text in little room: at most so many characters, the last then an ellipsis.</summary>
    public static string Cut(string text, int charsMax) => text.Length <= charsMax ? text : string.Concat(text.AsSpan(0, charsMax - 1), "…");

    private static string Printable(string text)
    {
        var printable = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes()) // half a character comes as U+FFFD
            printable.Append(Rune.IsControl(rune) || rune.Value is 0xFFFE or 0xFFFF ? Rune.ReplacementChar : rune);
        return printable.ToString();
    }

    private void Element(string name, string text) => _xml.WriteElementString(name, Namespace, Printable(text));

    private void Attribute(string name, string value) => _xml.WriteAttributeString(name, value);

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
