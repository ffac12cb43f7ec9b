using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Settlement.Engine.Text;

namespace Settlement.Replay.Tail;

/// <summary>What a tail has done until it ended, and how far its projection is.</summary>
internal sealed record TailReport
{
    private static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public required TailOptions Options { get; init; }

    /// <summary>Of the journal's reader.</summary>
    public required string Name { get; init; }

    /// <summary>Where the projection is; null: the journal has no whole block yet.</summary>
    public required TailPosition? Position { get; init; }

    /// <summary>Taken in this run, refused ones among them.</summary>
    public required long Payments { get; init; }

    /// <summary>Transactions or files finished in this run.</summary>
    public required long Commits { get; init; }

    /// <summary>Spent on reading, applying and writing; waiting for the journal is not in it.</summary>
    public required TimeSpan Busy { get; init; }

    /// <summary>It ended because it was asked to, not because the journal did.</summary>
    public required bool Stopped { get; init; }

    private double Rate => Busy > TimeSpan.Zero ? Payments / Busy.TotalSeconds : 0;

    public void Print(bool json, TextWriter output)
    {
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(new
            {
                journal = Options.Journal,
                target = Options.Target,
                to = Options.Format.ToString().ToLowerInvariant(),
                name = Name,
                ledger = Position?.LedgerId.ToString("x32", CultureInfo.InvariantCulture),
                sequence = Number(Position?.Sequence),
                block = Number(Position?.Block),
                time = Position is { } at ? TimeText.Format(at.TimeNs) : null,
                payments = Payments,
                commits = Commits,
                seconds = Busy.TotalSeconds,
                payments_per_second = Rate,
                stopped = Stopped,
            }, s_json));
            return;
        }

        string place = Position is { } position
            ? FormattableString.Invariant($"sequence {position.Sequence:N0}, block {position.Block:N0} of {TimeText.Format(position.TimeNs)}")
            : "the journal's beginning";
        output.WriteLine($"{Options.Target}: up to date to {place}; {(Stopped ? "stopped as asked" : "the journal ends there")}");
        output.WriteLine(FormattableString.Invariant($"  payments    {Payments:N0} in {Commits:N0} {(Options.Format == TailFormat.Sqlite ? "transactions" : "files")}; {Busy.TotalSeconds:F2} s, {Rate:N0} payments/s"));
        output.WriteLine($"  reader      {Name}: the journal keeps what it needs until `replay tail {Options.Journal} --forget {Name}`");
    }

    private static string? Number(ulong? number) => number?.ToString(CultureInfo.InvariantCulture);
}
