using System.Xml;

namespace Settlement.Gateway.Input;

/// <summary>
/// Makes an <see cref="XmlReader"/> for files of strangers: no document type, nothing fetched, and no way to make it hold much:
/// tags and attributes, nesting and the number of different names are bounded (<see cref="InputLimits"/>).
/// </summary>
internal static class BoundedXml
{
    /// <summary>Takes over the input.</summary>
    public static XmlReader Create(InputStream input) => XmlReader.Create(new MarkupBound(input), new XmlReaderSettings
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        NameTable = new BoundedNames(input.Name),
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
        IgnoreWhitespace = true,
        CloseInput = true,
    });

    /// <summary>
    /// The reader holds a tag with its attributes in memory until its end. So no more may stand between two `&lt;`, which neither a
    /// name nor an attribute can contain, than one CSV record may have.
    /// </summary>
    private sealed class MarkupBound(InputStream input) : ForwardStream
    {
        private int _sinceMarkup; // written by: the reader's thread

        public override int Read(Span<byte> buffer)
        {
            int count = input.Read(buffer);
            ReadOnlySpan<byte> rest = buffer[..count];
            for (int at; (at = rest.IndexOf((byte)'<')) >= 0; rest = rest[(at + 1)..])
            {
                Grow(at);
                _sinceMarkup = 0;
            }
            Grow(rest.Length);
            return count;
        }

        private void Grow(int bytes)
        {
            _sinceMarkup += bytes;
            if (_sinceMarkup > InputLimits.RecordBytesMax)
                throw new InputException(input.Name, 0, $"a tag or text in the XML is longer than {InputLimits.RecordBytesMax} bytes");
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                input.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>The reader keeps every name it has seen.</summary>
    private sealed class BoundedNames(string file) : NameTable
    {
        private int _count; // written by: the reader's thread

        public override string Add(string key) => Get(key) ?? base.Add(Counted(key));

        public override string Add(char[] key, int start, int len) => Get(key, start, len) ?? base.Add(Counted(new string(key, start, len)));

        private string Counted(string name) =>
            ++_count <= InputLimits.XmlNamesMax ? name
                : throw new InputException(file, 0, $"the XML has more than {InputLimits.XmlNamesMax} different names");
    }
}
