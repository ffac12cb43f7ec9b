using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using Settlement.Replay.State;

namespace Settlement.Replay.Diff;

/// <summary>A named stretch of a structure's bytes.</summary>
/// <param name="Name">As reports print it.</param>
/// <param name="Offset">Bytes from the structure's beginning.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Text">What stands there, given the whole structure; null: the number.</param>
internal sealed record Field(string Name, int Offset, int Bytes, Func<byte[], string>? Text = null)
{
    public string TextOf(ReadOnlySpan<byte> whole) => Text is not null ? Text(whole.ToArray()) : NumberOf(whole.Slice(Offset, Bytes));

    public bool Differs(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b) => !a.Slice(Offset, Bytes).SequenceEqual(b.Slice(Offset, Bytes));

    private static string NumberOf(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        1 => bytes[0].ToString(CultureInfo.InvariantCulture),
        2 => BinaryPrimitives.ReadUInt16LittleEndian(bytes).ToString(CultureInfo.InvariantCulture),
        4 => BinaryPrimitives.ReadUInt32LittleEndian(bytes).ToString(CultureInfo.InvariantCulture),
        8 => BinaryPrimitives.ReadUInt64LittleEndian(bytes).ToString(CultureInfo.InvariantCulture),
        _ => Convert.ToHexStringLower(bytes),
    };
}

/// <summary>
/// The fields of what a journal is made of, so that a difference has a name. Every byte of a structure belongs to exactly one of its fields (a test adds them up).
/// </summary>
internal static class Fields
{
    /// <summary>What a block header says of its own accord; ledger, chain and CRC follow from the rest.</summary>
    public static IReadOnlyList<Field> Header { get; } =
    [
        new("magic", 0, 4), new("version", 4, 2),
        new("kind", 6, 2, bytes => KindOf((BlockKind)BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(6)))),
        new("ledger", 8, 16, bytes => Read<UInt128>(bytes, 8).ToString("x32", CultureInfo.InvariantCulture)),
        new("block", 24, 8), new("first_sequence", 32, 8), new("count", 40, 4), new("body_bytes", 44, 4), new("time", 48, 8, bytes => TimeOf(bytes, 48)),
        new("term", 56, 8), new("previous", 64, 32), new("crc", 96, 4), new("attachment_bytes", 100, 4), new("reserved", 104, 24),
    ];

    public static IReadOnlyList<Field> Payment { get; } =
    [
        new("id", 0, 16, bytes => PaymentIdText.Format(Read<Payment>(bytes, 0))), new("payer", 16, 8), new("payee", 24, 8), new("amount", 32, 8),
        new("reference", 40, 8), new("valid_until", 48, 8, bytes => TimeOf(bytes, 48)), new("currency", 56, 2, bytes => CurrencyOf(bytes, 56)),
        new("instruction", 58, 1, bytes => InstructionText.NameOf((Instruction)bytes[58])), new("flags", 59, 1), new("level", 60, 1), new("purpose", 61, 1),
        new("session", 62, 2),
    ];

    public static IReadOnlyList<Field> Command { get; } =
    [
        new("subject", 0, 8), new("value", 8, 8), new("holder", 16, 8), new("value_2", 24, 8), new("participant", 32, 2),
        new("country", 34, 2, bytes => LedgerText.CountryOf(BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(34)))), new("tier", 36, 1), new("level", 37, 1),
        new("status", 38, 1), new("scale", 39, 1), new("reserved", 40, 8), new("basis_points", 48, 4), new("continuation_bytes", 52, 4),
        new("currency", 56, 2, bytes => CurrencyOf(bytes, 56)), new("instruction", 58, 1, bytes => InstructionText.NameOf((Instruction)bytes[58])),
        new("session_flags", 59, 1), new("kind", 60, 1), new("reserved_2", 61, 1), new("session", 62, 2),
    ];

    /// <summary>A command whose first 32 bytes are a name.</summary>
    public static IReadOnlyList<Field> NamedCommand { get; } =
        [new("name", 0, ControlCommand.NameBytesMax, NameOf), .. Command.Where(field => field.Offset >= ControlCommand.NameBytesMax)];

    /// <summary>Bytes that belong to the command before them.</summary>
    public static IReadOnlyList<Field> Continuation { get; } = [new("continuation", 0, Engine.Domain.Payment.Size)];

    /// <summary>The salt key is never shown.</summary>
    public static IReadOnlyList<Field> Genesis { get; } =
    [
        new("salt_key", 0, 32, _ => "not shown"), new("accounts_max", 32, 4), new("participants_max", 36, 4), new("currencies_max", 40, 4), new("sessions_max", 44, 4),
        new("streams_max", 48, 4), new("targets_max", 52, 4), new("sums_max", 56, 4), new("reserved", 60, 68),
    ];

    public static string KindOf(BlockKind kind) =>
        Enum.IsDefined(kind) ? SnakeCase.Of(kind.ToString()) : ((ushort)kind).ToString(CultureInfo.InvariantCulture);

    /// <summary>The name; its bytes where they are none that a name is written with, so that two of them never look alike.</summary>
    private static string NameOf(byte[] bytes)
    {
        string name = Read<ControlCommand>(bytes, 0).GetName();
        var written = default(ControlCommand);
        if (name.Length > 0 && System.Text.Encoding.UTF8.GetByteCount(name) <= ControlCommand.NameBytesMax)
            written.SetName(name);
        bool isName = MemoryMarshal.AsBytes(new ReadOnlySpan<ControlCommand>(in written))[..ControlCommand.NameBytesMax].SequenceEqual(bytes.AsSpan(0, ControlCommand.NameBytesMax));
        return isName && name.Length > 0 ? name : Convert.ToHexStringLower(bytes.AsSpan(0, ControlCommand.NameBytesMax));
    }

    private static T Read<T>(byte[] bytes, int offset) where T : unmanaged => MemoryMarshal.Read<T>(bytes.AsSpan(offset));

    private static string TimeOf(byte[] bytes, int offset) =>
        BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(offset)) is > 0 and var ns ? TimeText.Format(ns) : "none";

    private static string CurrencyOf(byte[] bytes, int offset) => LedgerText.CurrencyOf(BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(offset)));
}
