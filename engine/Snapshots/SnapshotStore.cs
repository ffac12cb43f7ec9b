using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;

namespace Settlement.Engine.Snapshots;

/// <summary>
/// The snapshots beside a journal: <c>snapshots/snapshot-BLOCK.stls</c>, the newest <see cref="KeptMax"/> of them.
/// </summary>
/// <remarks>
/// Invariant: a file under its real name was whole and on disk when it got that name: it is written under a temporary one, flushed, read back,
/// renamed, and the directory is flushed. Failure assumed: any of them may be damaged later; then the older one is used, and said so.
/// </remarks>
public sealed class SnapshotStore(string journalDirectory)
{
    /// <summary>The last two: when one is damaged, the journal behind the other is still there.</summary>
    public const int KeptMax = 2;

    private const string Prefix = "snapshot-";
    private const string Extension = ".stls";
    private const string Unfinished = ".tmp";

    public string Folder { get; } = Path.Combine(journalDirectory, "snapshots");

    /// <summary>The files, newest first.</summary>
    public IReadOnlyList<string> Paths() => !Directory.Exists(Folder)
        ? []
        : [.. Directory.EnumerateFiles(Folder, Prefix + "*" + Extension).Where(path => BlockOf(path) is not null).OrderByDescending(BlockOf)];

    /// <summary>
    /// The state of the newest usable snapshot that is wanted; null: there is none.
    /// </summary>
    /// <param name="ledgerId">Of the journal.</param>
    /// <param name="newReplay">Makes an empty one for each snapshot tried.</param>
    /// <param name="wanted">By its head; null: any.</param>
    /// <param name="warn">Told of each that cannot be used, and why.</param>
    /// <param name="head">Of the one that was loaded.</param>
    public BlockReplay? LoadNewest(
        UInt128 ledgerId, Func<BlockReplay> newReplay, Func<SnapshotHead, bool>? wanted, Action<string> warn, out SnapshotHead head) =>
        LoadFirst(Paths(), ledgerId, newReplay, wanted, warn, out head);

    /// <summary>The state of the oldest usable snapshot; null: there is none.</summary>
    public BlockReplay? LoadOldest(UInt128 ledgerId, Func<BlockReplay> newReplay, out SnapshotHead head) =>
        LoadFirst(Paths().Reverse(), ledgerId, newReplay, null, _ => { }, out head);

    private static BlockReplay? LoadFirst(
        IEnumerable<string> paths, UInt128 ledgerId, Func<BlockReplay> newReplay, Func<SnapshotHead, bool>? wanted, Action<string> warn, out SnapshotHead head)
    {
        foreach (string path in paths)
        {
            BlockReplay? replay = null;
            try
            {
                using FileStream file = Open(path);
                var reader = new SnapshotReader(file, path);
                head = reader.Head;
                reader.Expect(head.LedgerId == ledgerId, $"it is of ledger {head.LedgerId:x32}, the journal is of {ledgerId:x32}");
                if (wanted is not null && !wanted(head))
                    continue;
                replay = newReplay();
                replay.Load(reader);
                return replay;
            }
            catch (Exception fault) when (fault is SnapshotException or LedgerBrokenException or IOException or UnauthorizedAccessException)
            {
                replay?.Dispose();
                warn(fault.Message);
            }
        }

        head = default;
        return null;
    }

    /// <summary>Writes a snapshot of the state behind a reader's last block, makes it durable, and lets go of the oldest.</summary>
    /// <returns>Its path.</returns>
    /// <exception cref="IOException">The disk failed or is full: the snapshots that there were are still there.</exception>
    /// <exception cref="SnapshotException">What was written does not read back.</exception>
    public string Write(BlockReplay replay, in SnapshotHead head, SnapshotOptions options)
    {
        SnapshotHead own = head;
        string path = Place(head.Block, options.WriteBytesPerSecondMax, file => replay.Save(file, in own));
        LetGo(path);
        return path;
    }

    /// <summary>Takes another node's snapshot under a head that says where this journal has its block; all others go: they are of a journal that is no more.</summary>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    /// <exception cref="SnapshotException">It is damaged.</exception>
    internal void TakeAlone(SnapshotReader from, in SnapshotHead head)
    {
        foreach (string old in Paths())
            File.Delete(old);
        SnapshotHead own = head;
        Place(head.Block, 0, file => from.CopyTo(new SnapshotWriter(file, own)));
    }

    /// <summary>Writes a file under a temporary name, reads it back, and gives it its own.</summary>
    private string Place(ulong block, long bytesPerSecondMax, Action<Stream> write)
    {
        Directory.CreateDirectory(Folder);
        foreach (string leftover in Directory.EnumerateFiles(Folder, "*" + Unfinished))
            File.Delete(leftover);
        string path = Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{block:d20}{Extension}"));
        string temporary = path + Unfinished;
        try
        {
            using (var file = new PacedFile(temporary, bytesPerSecondMax))
            {
                write(file);
                file.Flush();
            }

            using (FileStream written = Open(temporary))
                SnapshotReader.Check(written, temporary, out _);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        File.Move(temporary, path, overwrite: true);
        DirectoryFlush.Of(Folder);
        return path;
    }

    /// <summary>
    /// The snapshots that a node could start from, newest first: read through, of the journal's ledger, behind a block that the journal holds. Whoever lets go of
    /// anything counts these alone: a damaged file, or one of another ledger, stands for nothing.
    /// </summary>
    /// <param name="warn">Told of the others, and why.</param>
    public IReadOnlyList<(string Path, SnapshotHead Head)> Usable(Action<string> warn)
    {
        JournalFiles files = JournalFiles.ReadLayout(journalDirectory, null);
        var usable = new List<(string Path, SnapshotHead Head)>();
        foreach (string path in Paths())
        {
            try
            {
                SnapshotHead head = Check(path);
                if (head.LedgerId != files.LedgerId)
                    throw new SnapshotException($"The snapshot '{path}' is of ledger {head.LedgerId:x32}, the journal is of {files.LedgerId:x32}. Take the file away.");
                JournalReader.OpenBehind(files, in head).Dispose();
                usable.Add((path, head));
            }
            catch (Exception fault) when (fault is SnapshotException or JournalException or IOException or UnauthorizedAccessException)
            {
                warn(fault.Message);
            }
        }

        return usable;
    }

    /// <summary>
    /// Keeps the newest two that are usable, and the newest one from which each of the journal's readers can go on: where the journal was cut, it has no other
    /// beginning. What is not usable is left to the operator, who is warned of it at every start.
    /// </summary>
    private void LetGo(string written)
    {
        IReadOnlyList<(string Path, SnapshotHead Head)> usable = Usable(_ => { });
        IReadOnlyList<JournalReaderMark> readers = usable.Count > KeptMax ? JournalReaders.ReadAll(journalDirectory) : [];
        var needed = readers.Select(reader => usable.FirstOrDefault(snapshot => snapshot.Head.Block <= reader.Block).Path).ToHashSet();
        foreach ((string old, _) in usable.Skip(KeptMax).Where(snapshot => snapshot.Path != written && !needed.Contains(snapshot.Path)))
            File.Delete(old);
    }

    /// <summary>A snapshot's head, its checksums read through to its end.</summary>
    /// <exception cref="SnapshotException">It is damaged.</exception>
    public static SnapshotHead Check(string path) => Check(path, out _);

    /// <inheritdoc cref="Check(string)"/>
    /// <param name="path">The file.</param>
    /// <param name="stateHash">Of the state that it holds.</param>
    public static SnapshotHead Check(string path, out Digest stateHash)
    {
        using FileStream file = Open(path);
        return SnapshotReader.Check(file, path, out stateHash);
    }

    private static FileStream Open(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0, FileOptions.SequentialScan);

    private static ulong? BlockOf(string path)
    {
        ReadOnlySpan<char> name = Path.GetFileNameWithoutExtension(path.AsSpan());
        return name.StartsWith(Prefix) && ulong.TryParse(name[Prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out ulong block) ? block : null;
    }
}
