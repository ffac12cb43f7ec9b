using System.Globalization;
using Settlement.Engine.Text;

namespace Settlement.Gateway.Input;

/// <summary>What one pass over a whole file found.</summary>
/// <param name="Records">Payments read; without those that a pain.001 reader refused.</param>
/// <param name="RecordsWithoutId">How many of them take the file's stream.</param>
/// <param name="Bytes">Length of the content, after decompression.</param>
/// <param name="ContentHash">SHA-256 of the content.</param>
/// <param name="ContentStream">The stream that the content names (<see cref="StreamName.OfContent"/>).</param>
internal sealed record InputSummary(long Records, long RecordsWithoutId, long Bytes, byte[] ContentHash, ulong ContentStream);

/// <summary>Reads a file to its end and keeps nothing: it is good to its last line, or the first bad line is said.</summary>
internal static class InputCheck
{
    private const int RecordsAtOnce = 512;

    /// <exception cref="InputException">The file's first fault.</exception>
    public static InputSummary Run(string path, PaymentReaderOptions options)
    {
        InputStream input = InputStream.Open(path, hashed: true);
        using IPaymentReader reader = PaymentInput.Open(input, options with { Refused = null, Warned = null });
        var records = new PaymentRecord[RecordsAtOnce];
        long count = 0, withoutId = 0;
        for (int read; (read = reader.Read(records)) > 0;)
        {
            count += read;
            foreach (ref readonly PaymentRecord record in records.AsSpan(0, read))
                withoutId += record.IdIsEmpty ? 1 : 0;
        }
        byte[] hash = input.ContentHash();
        return new InputSummary(count, withoutId, input.BytesRead, hash, StreamName.OfHash(hash));
    }
}

/// <summary>
/// Opens a file of payments: CSV or pain.001, told apart by the first character. Records without an id make it safe to correct a
/// bad line only if nothing was submitted before the line was found, so <see cref="OpenChecked"/> reads such a file twice.
/// </summary>
internal static class PaymentInput
{
    /// <summary>
    /// Opens a file for submission. A CSV file is checked to its end first; then its records without id get the stream that was
    /// named or, if none was, that of its content. Standard input, pipes and pain.001 (whose payments have ids of their own) are not
    /// checked ahead; from a pipe, a record without id needs a named stream.
    /// </summary>
    /// <param name="summary">What the check found; null where there was none.</param>
    /// <exception cref="InputException">The file cannot be used. While reading: the same, or it is no longer what was checked.</exception>
    public static IPaymentReader OpenChecked(string path, PaymentReaderOptions options, out InputSummary? summary)
    {
        summary = null;
        InputStream input = InputStream.Open(path);
        if (!input.CanReread || input.LooksLikeXml())
            return Open(input, options);
        input.Dispose();

        summary = InputCheck.Run(path, options);
        if (options.Stream != 0 || summary.RecordsWithoutId == 0)
            return Open(InputStream.Open(path), options);
        InputStream again = InputStream.Open(path, hashed: true);
        return new UnchangedReader(Open(again, options with { Stream = summary.ContentStream }), again, summary);
    }

    /// <summary>Opens a file as it is, in one pass. Takes over the input.</summary>
    /// <exception cref="InputException">The file cannot be used.</exception>
    public static IPaymentReader Open(InputStream input, PaymentReaderOptions options)
    {
        try
        {
            return input.LooksLikeXml() ? new PainReader(input, options) : new PaymentCsvReader(input, options);
        }
        catch
        {
            input.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The second pass over a file whose content names its stream. Were it edited in between, its ids would belong to a content that
    /// is not there any more, and a repeated run would pay again under new ones: that must be said.
    /// </summary>
    private sealed class UnchangedReader(IPaymentReader reader, InputStream input, InputSummary summary) : IPaymentReader
    {
        public string File => reader.File;

        public int Read(Span<PaymentRecord> into)
        {
            int count = reader.Read(into);
            if (count == 0 && into.Length > 0 && !input.ContentHash().AsSpan().SequenceEqual(summary.ContentHash))
                throw new InputException(File, 0, string.Create(CultureInfo.InvariantCulture,
                    $"the file was changed while it was read; its payments without id stand under the stream {summary.ContentStream:x16}, ")
                    + "which --stream must name when it is settled again");
            return count;
        }

        public void Dispose() => reader.Dispose();
    }
}
