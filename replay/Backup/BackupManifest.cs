using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Snapshots;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Backup;

/// <summary>One file of a backup. It may be longer, where a later backup was interrupted: what is behind these bytes does not count.</summary>
/// <param name="Name">Relative to the backup's directory, with slashes.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Of those bytes, in hexadecimal digits.</param>
internal sealed record BackupFile(string Name, long Bytes, string Sha256);

/// <summary>
/// What a backup is: which journal, up to which block, in which files. It is written last and renamed into place, so a directory without one is no backup, and
/// an interrupted backup leaves the manifest of the one before, whose files nothing has changed.
/// </summary>
/// <remarks>The file is the one text that its content gives, and ends in the SHA-256 of itself: any other byte in it is found.</remarks>
internal sealed record BackupManifest
{
    public const string FileName = "manifest.json";

    private const int FormatVersion = 1;
    private const string SealName = "sha256";

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required int Format { get; init; }

    /// <summary>Hexadecimal digits.</summary>
    public required string Ledger { get; init; }

    /// <summary>From genesis to the last, both included.</summary>
    public required ulong Blocks { get; init; }

    public required ulong LastSequence { get; init; }

    /// <summary>Block time of the last block: a backup is of that time, whenever it was made.</summary>
    public required string Created { get; init; }

    /// <summary>SHA-256 of the last block, which the chain makes one of all blocks.</summary>
    public required string Chain { get; init; }

    public required long LastBlockAddress { get; init; }

    public required long EndAddress { get; init; }

    /// <summary>Of FASTER's last commit record before the end.</summary>
    public required long CommitNumber { get; init; }

    public required int PageBytes { get; init; }

    public required long SegmentBytes { get; init; }

    public required IReadOnlyList<BackupFile> Files { get; init; }

    [JsonIgnore]
    public UInt128 LedgerId => UInt128.Parse(Ledger, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    public static BackupManifest Of(JournalFiles journal, in SnapshotHead end, IReadOnlyList<BackupFile> files) => new()
    {
        Format = FormatVersion,
        Ledger = journal.LedgerId.ToString("x32", CultureInfo.InvariantCulture),
        Blocks = end.Block + 1,
        LastSequence = end.Sequence,
        Created = TimeText.Format(end.TimeNs),
        Chain = end.Previous.ToString(),
        LastBlockAddress = end.BlockAddress,
        EndAddress = end.EndAddress,
        CommitNumber = end.CommitNumber,
        PageBytes = journal.PageBytes,
        SegmentBytes = journal.SegmentBytes,
        Files = files,
    };

    /// <summary>Where the backup ends, as a reader goes on behind it.</summary>
    [JsonIgnore]
    public SnapshotHead End => new()
    {
        LedgerId = LedgerId,
        Block = Blocks - 1,
        Sequence = LastSequence,
        TimeNs = TimeText.TryParse(Created, out ulong timeNs) ? timeNs : 0,
        BlockAddress = LastBlockAddress,
        EndAddress = EndAddress,
        CommitNumber = CommitNumber,
        Previous = Digest.From(Convert.FromHexString(Chain)),
    };

    /// <summary>The journal's files as they lie in a directory.</summary>
    public JournalFiles FilesIn(string directory) => new(directory, LedgerId, PageBytes, SegmentBytes);

    public BackupFile? Find(string name) => Files.FirstOrDefault(file => file.Name == name);

    /// <summary>The manifest of a directory; null: it has none.</summary>
    /// <exception cref="BackupException">It is damaged.</exception>
    /// <exception cref="UsageException">It is of a newer format.</exception>
    public static BackupManifest? Read(string directory)
    {
        string path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
            return null;
        byte[] bytes = File.ReadAllBytes(path);
        BackupManifest? manifest = null;
        try
        {
            manifest = JsonSerializer.Deserialize<BackupManifest>(bytes, s_json);
        }
        catch (JsonException)
        {
            // Told below, as any other wrong byte.
        }

        if (manifest?.Format > FormatVersion)
            throw new UsageException($"The backup in '{directory}' is of format {manifest.Format}; this program reads formats up to {FormatVersion}. Use the program version that made it, or a later one.");
        if (manifest is null || !manifest.Encode().AsSpan().SequenceEqual(bytes) || !manifest.IsSane())
            throw BackupException.Damaged(path, "is not the text that was written");
        return manifest;
    }

    /// <summary>Whoever can write a manifest can write its hash: its names must not lead out of the directory, its numbers not into nowhere.</summary>
    private bool IsSane() =>
        PageBytes > 0 && SegmentBytes >= PageBytes && EndAddress > LastBlockAddress && LastBlockAddress > 0 && Blocks > 0
        && IsHex(Ledger, 32) && IsHex(Chain, 64) && TimeText.TryParse(Created, out _)
        && Files.All(file => file.Bytes >= 0 && IsHex(file.Sha256, 64) && IsName(file.Name));

    private static bool IsHex(string text, int digits) => text.Length == digits && text.All(char.IsAsciiHexDigitLower);

    private static bool IsName(string name) =>
        name == JournalCopy.PublicKeyName
        || (name.StartsWith(JournalCopy.SegmentPrefix, StringComparison.Ordinal) && name.Length > JournalCopy.SegmentPrefix.Length && name.Skip(JournalCopy.SegmentPrefix.Length).All(char.IsAsciiDigit))
        || (name.StartsWith(JournalCopy.SnapshotsFolder + "/", StringComparison.Ordinal) && name.IndexOfAny(['/', '\\'], JournalCopy.SnapshotsFolder.Length + 1) < 0 && name.EndsWith(".stls", StringComparison.Ordinal));

    public void Write(string directory)
    {
        byte[] bytes = Encode();
        WholeFile.Write(Path.Combine(directory, FileName), stream => stream.Write(bytes));
        DirectoryFlush.Of(directory);
    }

    /// <summary>The text with its own hash as a last field.</summary>
    private byte[] Encode()
    {
        string text = JsonSerializer.Serialize(this, s_json);
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        return Encoding.UTF8.GetBytes($"{text[..text.LastIndexOf('\n')]},\n  \"{SealName}\": \"{hash}\"\n}}\n");
    }
}
