using System.CommandLine;
using Settlement.Replay.Common;

namespace Settlement.Replay.Export.Iso;

/// <summary>What is to be exported.</summary>
internal sealed record IsoRequest
{
    /// <summary>Entries or transactions in a message, unless asked otherwise: some 20 MB of XML.</summary>
    public const int EntriesMaxDefault = 10_000;

    public required string Journal { get; init; }

    public required IsoFormat Format { get; init; }

    /// <summary>The folder that the messages go to; made if it is not there.</summary>
    public required string Out { get; init; }

    /// <summary>Behind which the range begins; null: with the ledger.</summary>
    public JournalPoint? From { get; init; }

    /// <summary>Where it ends.</summary>
    public JournalPoint To { get; init; } = JournalPoint.End;

    /// <summary>This wallet's accounts only.</summary>
    public ulong? Wallet { get; init; }

    /// <summary>This participant's settlement account only; a name or an index.</summary>
    public string? Participant { get; init; }

    /// <summary>This batch only, in place of a range.</summary>
    public ulong? Batch { get; init; }

    /// <summary>Entries or transactions in a message; what has more is split into pages.</summary>
    public int EntriesMax { get; init; } = EntriesMaxDefault;

    /// <summary>Replace files that are there.</summary>
    public bool Force { get; init; }

    /// <summary>Makes a progress bar for each walk; null: none is wanted.</summary>
    public Func<WalkProgress?>? Progress { get; init; }

    /// <exception cref="UsageException">Parts of it exclude each other.</exception>
    public void Check()
    {
        string format = IsoFormats.NameOf(Format);
        if (Wallet is not null && Participant is not null)
            throw new UsageException("--wallet and --participant exclude each other: a message is about a wallet's account or about a participant's settlement account.");
        if (Wallet is not null && Format == IsoFormat.Pacs009)
            throw new UsageException("--wallet does not go with pacs.009: net positions are between participants. Give --participant, or neither.");
        if (Batch is not null && (From is not null || To != JournalPoint.End))
            throw new UsageException($"--batch is a range of its own for {format}: leave out --from and --to.");
        if (Batch == 0)
            throw new UsageException("--batch 0: batches count from 1.");
        if (EntriesMax < 1)
            throw new UsageException($"--page-entries {EntriesMax}: a number from 1 on is expected.");
    }
}

/// <summary>The options that only the ISO 20022 formats of `export` have.</summary>
internal sealed class IsoOptions
{
    private readonly Option<ulong?> _wallet = new("--wallet") { Description = "camt.053, camt.054: this wallet's accounts only." };

    private readonly Option<string?> _participant = new("--participant")
    {
        Description = "camt.053, camt.054: this participant's settlement account; pacs.009: its instructions only. A name or an index.",
    };

    private readonly Option<ulong?> _batch = new("--batch")
    {
        Description = "This batch only, in place of --from and --to; pacs.009: also if it is settled.",
    };

    private readonly Option<int> _entriesMax = new("--page-entries")
    {
        Description = "Entries or transactions in a message; what has more is split into pages.",
        DefaultValueFactory = _ => IsoRequest.EntriesMaxDefault,
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_wallet);
        command.Options.Add(_participant);
        command.Options.Add(_batch);
        command.Options.Add(_entriesMax);
    }

    /// <summary>The first of these options that was given, for formats that have none of them; null: none was.</summary>
    public string? FirstGiven(ParseResult parsed) =>
        ((ReadOnlySpan<Option>)[_wallet, _participant, _batch, _entriesMax]).ToArray()
            .FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false })?.Name;

    /// <summary>Adds what these options say to a request.</summary>
    public IsoRequest Read(ParseResult parsed, IsoRequest request) => request with
    {
        Wallet = parsed.GetValue(_wallet),
        Participant = parsed.GetValue(_participant),
        Batch = parsed.GetValue(_batch),
        EntriesMax = parsed.GetValue(_entriesMax),
    };
}
