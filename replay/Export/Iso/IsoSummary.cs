using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Settlement.Replay.Export.Iso;

/// <summary>What was written in one currency.</summary>
/// <param name="Currency">Three letters.</param>
/// <param name="Entries">Entries, or instructions.</param>
/// <param name="Credits">Their sum as decimal text: into accounts, or what participants are paid.</param>
/// <param name="Debits">Their sum: out of accounts, or what participants pay.</param>
internal sealed record IsoCurrencySum(string Currency, long Entries, string Credits, string Debits);

/// <summary>What an export wrote.</summary>
internal sealed record IsoSummary : IExportSummary
{
    private static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public required IsoFormat Format { get; init; }

    public required string Out { get; init; }

    public required UInt128 LedgerId { get; init; }

    public required RangePoint Start { get; init; }

    public required RangePoint End { get; init; }

    /// <summary>Messages, a file each.</summary>
    public required int Files { get; init; }

    /// <summary>Accounts stated or notified.</summary>
    public required long Accounts { get; init; }

    /// <summary>Batches whose positions were written.</summary>
    public required long Batches { get; init; }

    /// <summary>In order of letters.</summary>
    public required IReadOnlyList<IsoCurrencySum> Sums { get; init; }

    public void Print(bool json, TextWriter output)
    {
        if (json)
            output.WriteLine(Json());
        else
            PrintLines(output);
    }

    private string Json() => JsonSerializer.Serialize(new
    {
        format = IsoFormats.NameOf(Format),
        @out = Out,
        ledger = LedgerId.ToString("x32", CultureInfo.InvariantCulture),
        from_sequence = IsoText.Number(Start.Sequence + 1),
        to_sequence = IsoText.Number(End.Sequence),
        to_time_ns = IsoText.Number(End.TimeNs),
        files = Files,
        accounts = Accounts,
        batches = Batches,
        currencies = Sums.Select(sum => new { currency = sum.Currency, entries = sum.Entries, credits = sum.Credits, debits = sum.Debits }),
    }, s_json);

    private void PrintLines(TextWriter output)
    {
        string what = Format == IsoFormat.Pacs009 ? $"batches {Batches}" : $"accounts {Accounts}";
        string range = $"sequences {IsoText.Number(Start.Sequence + 1)} to {IsoText.Number(End.Sequence)}";
        output.WriteLine($"{IsoFormats.MessageOf(Format)} of {range}: files {Files}, {what}, in '{Out}'");
        foreach (IsoCurrencySum sum in Sums)
        {
            output.WriteLine(Format == IsoFormat.Pacs009
                ? $"  {sum.Currency}  instructions {sum.Entries}, paid in {sum.Debits}, paid out {sum.Credits}"
                : $"  {sum.Currency}  entries {sum.Entries}, credits {sum.Credits}, debits {sum.Debits}");
        }

        if (Files == 0)
        {
            output.WriteLine(Format switch
            {
                IsoFormat.Camt053 => "  No account moved.",
                IsoFormat.Camt054 => "  Nothing moved in a closed batch.",
                _ => "  No closed batch waits to be settled with a whole unit.",
            });
        }
    }
}

/// <summary>Adds up what is written.</summary>
internal sealed class IsoSummaryBuilder(IsoRequest request)
{
    private readonly record struct Sum(IsoCurrency Currency, long Entries, Int128 Credits, Int128 Debits);

    private readonly SortedDictionary<string, Sum> _sums = new(StringComparer.Ordinal);

    public long Accounts { get; set; }

    public long Batches { get; set; }

    public void Add(IsoCurrency currency, ReadOnlySpan<IsoEntry> entries)
    {
        (int credits, int debits, Int128 credited, Int128 debited) = EntryXml.Sum(entries);
        Add(currency, credits + debits, credited, debited);
    }

    public void Add(IsoCurrency currency, int entries, Int128 credits, Int128 debits)
    {
        if (entries == 0)
            return;
        Sum before = _sums.GetValueOrDefault(currency.Letters);
        _sums[currency.Letters] = new Sum(currency, before.Entries + entries, before.Credits + credits, before.Debits + debits);
    }

    public IsoSummary Build(UInt128 ledger, RangePoint start, RangePoint end, int files) => new()
    {
        Format = request.Format,
        Out = request.Out,
        LedgerId = ledger,
        Start = start,
        End = end,
        Files = files,
        Accounts = Accounts,
        Batches = Batches,
        Sums =
        [
            .. _sums.Select(sum => new IsoCurrencySum(
                sum.Key, sum.Value.Entries, sum.Value.Currency.Text(sum.Value.Credits), sum.Value.Currency.Text(sum.Value.Debits))),
        ],
    };
}
