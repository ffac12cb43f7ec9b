using System.Runtime.InteropServices;
using System.Text;

namespace Settlement.Engine.Domain;

/// <summary>
/// One change of the ledger's settings or cast: 64 bytes in the place of a payment, and, where
/// <see cref="ContinuationBytes"/> is not zero, the slots behind it, which carry that many bytes of text or table.
/// </summary>
/// <remarks>
/// <code>
///  0               8               16              24              32
///  | subject       | value         | holder        | value 2       |
///  | or: name, 32 bytes of UTF-8, zero-padded                      |
///  32  34  36 37 38 39 40          48      52      56  58 59 60    62
///  |par|cou|ti|lv|st|sc| reserved  | bps   | cont  |ccy|in|fl|ki|r|ses|
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Payment.Size)]
public struct ControlCommand
{
    public const int NameBytesMax = 32;

    /// <summary>A wallet, a batch, a <see cref="SettingKey"/>, a session index.</summary>
    [FieldOffset(0)] public ulong Subject;
    [FieldOffset(8)] public ulong Value;

    /// <summary>Opaque id of the person or firm whose wallets share their sums; 0: the wallet alone.</summary>
    [FieldOffset(16)] public ulong Holder;
    [FieldOffset(24)] public ulong Value2;
    [FieldOffset(32)] public ushort Participant;

    /// <summary>ISO 3166 number.</summary>
    [FieldOffset(34)] public ushort Country;
    [FieldOffset(36)] public byte Tier;
    [FieldOffset(37)] public byte Level;
    [FieldOffset(38)] public WalletStatus Status;
    [FieldOffset(39)] public byte Scale;
    [FieldOffset(40)] public ulong Reserved;
    [FieldOffset(48)] public uint BasisPoints;

    /// <summary>How many bytes of the following slots belong to this command.</summary>
    [FieldOffset(52)] public uint ContinuationBytes;
    [FieldOffset(56)] public ushort Currency;
    [FieldOffset(58)] public Instruction Instruction;
    [FieldOffset(59)] public SessionFlags SessionFlags;

    /// <summary>What the wallet's owner is.</summary>
    [FieldOffset(60)] public PartyKind Kind;
    [FieldOffset(61)] public byte Reserved2;
    [FieldOffset(62)] public ushort Session;

    /// <summary>How many slots behind this one belong to it.</summary>
    public readonly int ContinuationSlots => (int)(((ulong)ContinuationBytes + Payment.Size - 1) / Payment.Size);

    /// <summary>Whether all that the command says stands in the slots behind it.</summary>
    public readonly bool IsPlain
    {
        get
        {
            ControlCommand rest = this;
            (rest.Instruction, rest.Session, rest.ContinuationBytes) = (default, 0, 0);
            return !MemoryMarshal.AsBytes(new ReadOnlySpan<ControlCommand>(in rest)).ContainsAnyExcept((byte)0);
        }
    }

    /// <summary>Writes a name into the first 32 bytes.</summary>
    /// <exception cref="ArgumentException">The name is empty or takes more than 32 bytes of UTF-8.</exception>
    public void SetName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (Encoding.UTF8.GetByteCount(name) > NameBytesMax)
            throw new ArgumentException($"the name '{name}' takes more than {NameBytesMax} bytes of UTF-8", nameof(name));
        Span<byte> text = MemoryMarshal.AsBytes(new Span<ControlCommand>(ref this))[..NameBytesMax];
        text.Clear();
        Encoding.UTF8.GetBytes(name, text);
    }

    public readonly string GetName()
    {
        ReadOnlySpan<byte> text = MemoryMarshal.AsBytes(new ReadOnlySpan<ControlCommand>(in this))[..NameBytesMax];
        int end = text.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? text : text[..end]);
    }
}

public enum WalletStatus : byte
{
    /// <summary>May pay and be paid.</summary>
    Active = 0,

    /// <summary>May neither pay nor be paid; its balance stays.</summary>
    Frozen = 1,

    /// <summary>Ended; cannot be opened again.</summary>
    Closed = 2,
}

[Flags]
public enum SessionFlags : byte
{
    None = 0,

    /// <summary>Acts for every participant and may send control commands.</summary>
    Operator = 1,

    /// <summary>May pay into a wallet of a lower level than the payment's data (an exit, counted).</summary>
    Declassify = 2,
}

/// <summary>Settings that can change a verdict or a batch; journaled, never taken from a local file.</summary>
public enum SettingKey : ushort
{
    None = 0,

    /// <summary>Accepted payments in a batch; 0: no cut-off by count.</summary>
    BatchCount = 1,

    /// <summary>Nanoseconds from a batch's first payment to its close; 0: no cut-off by age.</summary>
    BatchAgeNs = 2,

    /// <summary>How old a UUIDv7 may be, in nanoseconds.</summary>
    IdWindowNs = 3,

    /// <summary>How long other ids are kept, in nanoseconds; 0: for ever.</summary>
    IdRetentionNs = 4,

    /// <summary>How long a refundable payment can be refunded, in nanoseconds.</summary>
    RefundLifetimeNs = 5,

    /// <summary>The level of an instruction: <see cref="ControlCommand.Value2"/> names the instruction, the value is its level.</summary>
    InstructionLevel = 6,

    /// <summary>Gross value at which a batch closes, in one currency (the command's); 0: none.</summary>
    BatchValue = 7,
}
