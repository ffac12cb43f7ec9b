using System.Text;

namespace Settlement.Gateway.Input;

/// <summary>The first record of a CSV file: which of the known columns stands where. Names in either case, in any order.</summary>
internal static class CsvHeader
{
    /// <summary>Reads the header record.</summary>
    /// <param name="names">All known columns; a file has the first <paramref name="required"/> of them, and may have the others.</param>
    /// <returns>Place of each known column; <see cref="CsvScanner.NoField"/> for one that the file does not have.</returns>
    /// <exception cref="InputException">No header, or a column that is unknown, missing or there twice.</exception>
    public static int[] Read(CsvScanner scanner, ReadOnlySpan<string> names, int required)
    {
        string expected = $"the columns {string.Join(',', names[..required]!)}"
            + (required < names.Length ? $" and, if wanted, {string.Join(',', names[required..]!)}" : "");
        if (!scanner.Next(wait: true))
            throw new InputException(scanner.File, 1, $"the file is empty; expected a header with {expected}");

        int[] places = new int[names.Length];
        places.AsSpan().Fill(CsvScanner.NoField);
        for (int place = 0; place < scanner.FieldCount; place++)
        {
            ReadOnlySpan<byte> text = scanner.Field(place);
            int column = 0;
            while (column < names.Length && !Ascii.EqualsIgnoreCase(text, names[column]))
                column++;
            if (column == names.Length)
                throw new InputException(scanner.File, scanner.Line, $"{place + 1} of the header", InputException.Shown(text), expected);
            if (places[column] != CsvScanner.NoField)
                throw new InputException(scanner.File, scanner.Line, $"the column {names[column]} stands twice in the header");
            places[column] = place;
        }

        int missing = places.AsSpan(0, required).IndexOf(CsvScanner.NoField);
        if (missing >= 0)
            throw new InputException(scanner.File, scanner.Line, $"the column {names[missing]} is missing in the header; expected {expected}");
        return places;
    }

    /// <summary>Refuses a record that has not as many fields as the header.</summary>
    public static InputException WrongFieldCount(CsvScanner scanner, int expected) =>
        new(scanner.File, scanner.Line, $"expected {expected} fields as in the header, found {scanner.FieldCount}");
}
