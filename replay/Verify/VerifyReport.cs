using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;

namespace Settlement.Replay.Verify;

/// <summary>How a journal was found to end.</summary>
internal enum JournalFinding
{
    Clean = 0,

    /// <summary>Behind the last block stands a write that was never acknowledged: a warning. Beside a running node it may be its next block.</summary>
    TornTail = 1,

    /// <summary>A block that was acknowledged is missing or wrong.</summary>
    Damage = 2,

    /// <summary>A block is whole, but is not what the rules would have written, or money does not add up behind it.</summary>
    Broken = 3,
}

/// <summary>What was found, and where.</summary>
/// <param name="File">Segment file of the journal.</param>
/// <param name="Offset">Bytes into that file.</param>
/// <param name="Block">The block that stands there, or is expected there.</param>
internal sealed record Finding(JournalFinding Kind, string File, long Offset, ulong Block, string What);

/// <summary>A snapshot beside the journal.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Block">Behind which it was taken; null: it cannot be read.</param>
/// <param name="StateHash">As it states.</param>
internal sealed record SnapshotCheck(string Path, ulong? Block, Digest StateHash)
{
    /// <summary>Whether the journal was applied up to its block.</summary>
    public bool IsCompared { get; init; }

    /// <summary>What is wrong with it; null: nothing that was seen.</summary>
    public string? Fault { get; init; }
}

/// <summary>A receipt that somebody holds, against the journal.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Batch">That it is of.</param>
internal sealed record ReceiptMatch(string Path, ulong Batch)
{
    /// <summary>Why the journal does not hold what the receipt proves; null: it does.</summary>
    public string? Fault { get; init; }
}

/// <summary>The result of a verification: all counts are of what stands before <see cref="End"/>.</summary>
internal sealed record VerifyReport
{
    private static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public required string Journal { get; init; }

    public required UInt128 LedgerId { get; init; }

    /// <summary>The block of the snapshot behind which the verification began; null: it began with genesis.</summary>
    public required ulong? BegunBehind { get; init; }

    /// <summary>Blocks verified, genesis included where it began there.</summary>
    public required ulong Blocks { get; init; }

    /// <summary>Slots of payment blocks, refused ones among them.</summary>
    public required long Payments { get; init; }

    /// <summary>Of the last slot, control slots counted.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>Time of the last block, ns since the Unix epoch.</summary>
    public required ulong TimeNs { get; init; }

    /// <summary>Batches whose seal was read, equals what was computed, and is signed where the ledger has a key.</summary>
    public required long Sealed { get; init; }

    /// <summary>Batches that are closed, with no seal yet.</summary>
    public required int Unsealed { get; init; }

    /// <summary>Of the node that signs the ledger's seals; none: they are not signed.</summary>
    public required NodeKey NodeKey { get; init; }

    /// <summary>Links of payers' chains that were checked, and are what payers committed to.</summary>
    public required long Links { get; init; }

    /// <summary>Payers' signatures that were checked, and are their keys'.</summary>
    public required long Signatures { get; init; }

    /// <summary>Payers' signatures were not to be checked.</summary>
    public required bool SignaturesLeftOut { get; init; }

    /// <summary>The last closed batch; null: none.</summary>
    public required ClosedBatch? LastBatch { get; init; }

    public required IReadOnlyList<SnapshotCheck> Snapshots { get; init; }

    public required IReadOnlyList<ReceiptMatch> Receipts { get; init; }

    public required TimeSpan Elapsed { get; init; }

    /// <summary>Of that, spent waiting for the files' bytes.</summary>
    public required TimeSpan FileTime { get; init; }

    public required Finding End { get; init; }

    public bool IsSound => End.Kind is JournalFinding.Clean or JournalFinding.TornTail && Snapshots.All(snapshot => snapshot.Fault is null)
        && Receipts.All(receipt => receipt.Fault is null);

    /// <summary>What the verification waited for most.</summary>
    private string LimitedBy => FileTime > Elapsed / 2 ? "disk" : "processor";

    private double Rate => Elapsed > TimeSpan.Zero ? Payments / Elapsed.TotalSeconds : 0;

    public void Print(bool json, TextWriter output)
    {
        if (json)
            output.WriteLine(Json());
        else
            PrintLines(output);
    }

    private string Json() => JsonSerializer.Serialize(new
    {
        journal = Journal,
        ledger = LedgerId.ToString("x32", CultureInfo.InvariantCulture),
        sound = IsSound,
        begun_behind_block = BegunBehind,
        blocks = Blocks,
        payments = Payments,
        sequence = Sequence,
        time_ns = TimeNs,
        batches_sealed = Sealed,
        batches_unsealed = Unsealed,
        key_id = NodeKey.IsNone ? null : NodeKey.Id.ToString(),
        links = Links,
        signatures = Signatures,
        signatures_left_out = SignaturesLeftOut,
        root = LastBatch?.Root.ToString(),
        state_hash = LastBatch?.StateHash.ToString(),
        seconds = Elapsed.TotalSeconds,
        payments_per_second = Rate,
        limited_by = LimitedBy,
        receipts = Receipts.Select(receipt => new { path = receipt.Path, batch = receipt.Batch, fault = receipt.Fault }),
        snapshots = Snapshots.Select(snapshot => new { path = snapshot.Path, block = snapshot.Block, compared = snapshot.IsCompared, fault = snapshot.Fault }),
        end = new { kind = NameOf(End.Kind), file = End.File, offset = End.Offset, block = End.Block, what = End.What },
    }, s_json);

    private void PrintLines(TextWriter output)
    {
        Line(output, $"{Journal}: ledger {LedgerId:x32}");
        if (BegunBehind is { } begun)
            Line(output, $"  begun       behind block {begun}, with the oldest snapshot: the journal was cut in front of it. --archive DIR verifies what was cut, too");
        Line(output, $"  blocks      {Blocks:N0}: CRC, chain, sequence and time of each are right");
        Line(output, $"  payments    {Payments:N0}; last sequence {Sequence:N0}");
        Line(output, $"  batches     {Sealed:N0} sealed, with the root and state hash that follow from the payments; {Unsealed:N0} closed and not yet sealed");
        Line(output, $"  signed by   {(NodeKey.IsNone ? "nobody: the ledger was created without a node key" : $"node key {NodeKey.Id}, every seal")}");
        if (Links > 0 || Signatures > 0 || SignaturesLeftOut)
            Line(output, $"  consent     {Links:N0} links are of the chains that payers committed to; {(SignaturesLeftOut ? "payers' signatures were left out" : $"{Signatures:N0} signatures are of payers' keys")}");
        Line(output, $"  state hash  {(LastBatch is { } last ? $"{last.StateHash}, batch {last.Number}" : "none: no batch is closed")}");
        foreach (SnapshotCheck snapshot in Snapshots)
        {
            Line(output, $"  snapshot    {(snapshot.Fault is { } fault ? $"BAD: {snapshot.Path}: {fault}"
                : snapshot.IsCompared ? $"block {snapshot.Block}: its state is the journal's"
                : $"block {snapshot.Block}: whole; the verification began behind it, or ended before it")}");
        }

        foreach (ReceiptMatch receipt in Receipts)
            Line(output, $"  receipt     {(receipt.Fault is { } fault ? $"MISSING: {receipt.Path}: {fault}" : $"{receipt.Path}: batch {receipt.Batch} is in the journal as it was signed")}");
        Line(output, $"  time        {Elapsed.TotalSeconds:F2} s, {Rate:N0} payments/s; limited by the {LimitedBy}");
        string where = string.Create(CultureInfo.InvariantCulture, $"block {End.Block} at {End.File}, offset {End.Offset}: {End.What}");
        Line(output, End.Kind switch
        {
            JournalFinding.Clean => $"  end         clean, behind block {End.Block - 1}; money is conserved in every currency",
            JournalFinding.TornTail => $"  warning     the last write is unfinished and was never acknowledged: {where}. Opening the journal cuts it away.",
            JournalFinding.Damage => $"  DAMAGE      {where}. Nothing behind it can be believed. If power failed: opening the journal mends a torn last sector from its copy; verify again after that.",
            _ => $"  BROKEN      {where}. It is whole, but these rules did not write it.",
        });
    }

    private static string NameOf(JournalFinding kind) => kind switch
    {
        JournalFinding.Clean => "clean",
        JournalFinding.TornTail => "torn_tail",
        JournalFinding.Damage => "damage",
        _ => "broken",
    };

    private static void Line(TextWriter output, FormattableString line) => output.WriteLine(FormattableString.Invariant(line));
}
