namespace Settlement.Replay.Export.Iso;

/// <summary>
/// Entries of one statement or notification, gathered until a page is full: at most so many, and no more than 18 digits hold the sum of. The last
/// page is the one that <see cref="End"/> writes.
/// </summary>
internal sealed class MessagePages(int entriesMax, Action<MessagePages.Page> write)
{
    /// <summary>ISO gives page numbers five digits.</summary>
    private const int PagesMax = 99_999;

    /// <param name="Number">From 1.</param>
    internal readonly ref struct Page(int number, bool isLast, Int128 openingUnits, Int128 closingUnits, ReadOnlySpan<IsoEntry> entries)
    {
        public int Number { get; } = number;

        public bool IsFirst => Number == 1;

        public bool IsLast { get; } = isLast;

        /// <summary>In front of its entries.</summary>
        public Int128 OpeningUnits { get; } = openingUnits;

        public Int128 ClosingUnits { get; } = closingUnits;

        public ReadOnlySpan<IsoEntry> Entries { get; } = entries;
    }

    private int _number;
    private Int128 _units;

    /// <summary>Where entries are gathered; <see cref="WriteFull"/> is to be called when some were added.</summary>
    public List<IsoEntry> Entries { get; } = [];

    /// <summary>Whole units behind the pages written.</summary>
    public Int128 Units => _units;

    public void Begin(Int128 openingUnits) => (_number, _units) = (0, openingUnits);

    /// <summary>Writes pages that are full, so long as another follows.</summary>
    public void WriteFull()
    {
        while (Entries.Count > entriesMax)
            Write(isLast: false);
    }

    public void End()
    {
        do
        {
            Write(isLast: Fitting() == Entries.Count);
        }
        while (Entries.Count > 0);
    }

    private int Fitting()
    {
        Int128 sum = 0;
        int count = 0;
        while (count < Math.Min(entriesMax, Entries.Count) && (count == 0 || IsoBound.Fits(sum + Entries[count].Units)))
            sum += Entries[count++].Units;
        return count;
    }

    private void Write(bool isLast)
    {
        int count = Fitting();
        if (++_number > PagesMax)
            throw new UsageException($"A message has more than {PagesMax} pages of {entriesMax} entries: give a larger --page-entries.");
        ReadOnlySpan<IsoEntry> entries = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(Entries)[..count];
        (_, _, Int128 credited, Int128 debited) = EntryXml.Sum(entries);
        Int128 opening = _units;
        _units += credited - debited;
        write(new Page(_number, isLast, opening, _units, entries));
        Entries.RemoveRange(0, count);
    }
}
