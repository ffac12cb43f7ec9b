using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Journal;

// Purpose: who follows this journal and how far each one is, so that cutting it takes away nothing that is still needed.
// Invariant: a mark is never ahead of what its reader has made durable; behind it is safe, for then more is kept than is needed.
// Failure assumed: a process that ends at any moment leaves the old file or the new one; a file that is neither is named, and whoever cuts must stop.
//   readers/NAME.json: {"version":1,"name":…,"target":…,"ledger":32 hexadecimal digits,"sequence":"…","block":"…","address":"…","updated":RFC 3339 time}

/// <summary>How far a reader of the journal has come.</summary>
/// <param name="Name">Of the reader; the file's name before `.json`.</param>
/// <param name="Target">What it keeps up to date, in its own words, such as a path: two readers of one name would hide one another.</param>
/// <param name="LedgerId">The ledger whose journal it reads.</param>
/// <param name="Sequence">The last sequence it has taken; 0: none yet.</param>
/// <param name="Block">The last block it has taken: the one whose chain hash it compares when it goes on.</param>
/// <param name="Address">Log address of that block: nothing in front of it is read again but to make the state that is needed there.</param>
/// <param name="Updated">When it was written, RFC 3339.</param>
public sealed record JournalReaderMark(string Name, string Target, UInt128 LedgerId, ulong Sequence, ulong Block, long Address, string Updated);

/// <summary>The marks in a journal's `readers` folder.</summary>
/// <remarks>
/// Verdicts are not in the journal, so a reader that goes on must apply it again up to its mark. It can do so as long as there is a snapshot
/// behind its <see cref="JournalReaderMark.Block"/> or one before that (for a reader that has taken nothing: genesis), and every block from that
/// snapshot's own on. Whoever cuts keeps that for every mark. Blocks tell it and sequences do not: ticks and seals take none.
/// </remarks>
public static class JournalReaders
{
    public const string FolderName = "readers";
    public const int NameCharsMax = 100;

    private const int Version = 1;
    private const string Extension = ".json";
    private const string TemporaryExtension = ".new";

    /// <summary>Whether it can be a reader's name: letters, digits, dots, hyphens and underscores of ASCII, no dot in front.</summary>
    public static bool IsName(string name)
    {
        if (name.Length is 0 or > NameCharsMax || name[0] == '.')
            return false;
        foreach (char letter in name)
        {
            if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('.' or '-' or '_'))
                return false;
        }

        return true;
    }

    public static string PathOf(string journal, string name) => Path.Combine(journal, FolderName, name + Extension);

    /// <summary>Every mark, in order of their names.</summary>
    /// <exception cref="JournalException">One cannot be read: how much its reader needs is unknown.</exception>
    public static IReadOnlyList<JournalReaderMark> ReadAll(string journal)
    {
        string folder = Path.Combine(journal, FolderName);
        if (!Directory.Exists(folder))
            return [];
        var marks = new List<JournalReaderMark>();
        foreach (string path in Directory.EnumerateFiles(folder, "*" + Extension).Order(StringComparer.Ordinal))
            marks.Add(Read(path));
        return marks;
    }

    /// <summary>The mark of one reader; null: it has none.</summary>
    /// <exception cref="JournalException">It cannot be read.</exception>
    public static JournalReaderMark? Find(string journal, string name)
    {
        string path = PathOf(journal, name);
        return File.Exists(path) ? Read(path) : null;
    }

    /// <summary>Writes a reader's mark in the place of its last one, durable on return.</summary>
    public static void Write(string journal, JournalReaderMark mark)
    {
        if (!IsName(mark.Name))
            throw new ArgumentException($"'{mark.Name}' is no name of a reader", nameof(mark));
        string path = PathOf(journal, mark.Name);
        string folder = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(folder);
        string temporary = path + TemporaryExtension;
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            using (var writer = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true }))
            {
                writer.WriteStartObject();
                writer.WriteNumber("version", Version);
                writer.WriteString("name", mark.Name);
                writer.WriteString("target", mark.Target);
                writer.WriteString("ledger", mark.LedgerId.ToString("x32", CultureInfo.InvariantCulture));
                writer.WriteString("sequence", mark.Sequence.ToString(CultureInfo.InvariantCulture));
                writer.WriteString("block", mark.Block.ToString(CultureInfo.InvariantCulture));
                writer.WriteString("address", mark.Address.ToString(CultureInfo.InvariantCulture));
                writer.WriteString("updated", mark.Updated);
                writer.WriteEndObject();
            }

            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        SyncFolder(folder);
    }

    /// <summary>Takes a reader's mark away; false: there is none.</summary>
    public static bool Remove(string journal, string name)
    {
        string path = PathOf(journal, name);
        if (!IsName(name) || !File.Exists(path))
            return false;
        File.Delete(path);
        SyncFolder(Path.GetDirectoryName(path)!);
        return true;
    }

    private static JournalReaderMark Read(string path)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement mark = document.RootElement;
            if (mark.GetProperty("version").GetInt32() != Version)
                throw new FormatException($"it is of version {mark.GetProperty("version").GetInt32()}, this program knows {Version}");
            if (Text(mark, "name") != name)
                throw new FormatException($"it names the reader '{Text(mark, "name")}'");
            return new JournalReaderMark(
                name,
                Text(mark, "target"),
                UInt128.Parse(Text(mark, "ledger"), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                ulong.Parse(Text(mark, "sequence"), NumberStyles.None, CultureInfo.InvariantCulture),
                ulong.Parse(Text(mark, "block"), NumberStyles.None, CultureInfo.InvariantCulture),
                long.Parse(Text(mark, "address"), NumberStyles.None, CultureInfo.InvariantCulture),
                Text(mark, "updated"));
        }
        catch (Exception malformed) when (malformed is JsonException or FormatException or OverflowException or KeyNotFoundException or InvalidOperationException)
        {
            throw new JournalException(
                $"'{path}' does not say how far the journal's reader '{name}' is ({malformed.Message}), so nothing may be cut. If that reader runs, it will write the file anew; if it is gone, `replay tail JOURNAL --forget {name}` removes it.",
                malformed);
        }
    }

    private static string Text(JsonElement mark, string field) =>
        mark.GetProperty(field).GetString() ?? throw new FormatException($"its {field} is null");

    private static void SyncFolder(string folder)
    {
        if (OperatingSystem.IsLinux())
            _ = new LinuxFileCalls().SyncDirectory(folder);
    }
}
