using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Rules;

internal enum RuleOp : byte
{
    /// <summary>target = Low &lt;= column &lt;= Low + Span.</summary>
    InRange,

    /// <summary>target = column in Sets[Set].</summary>
    InSet,

    /// <summary>target = amount >= Amount.</summary>
    AmountAtLeast,

    /// <summary>target = left and right.</summary>
    And,
    Or,

    /// <summary>target = not left.</summary>
    Not,

    /// <summary>target = all.</summary>
    Always,

    /// <summary>Where target is set, Rule refuses.</summary>
    Deny,

    /// <summary>Where target is set, Rule sends to review.</summary>
    Review,

    /// <summary>Where target is set, the masked limit of bit Rule applies.</summary>
    Limit,
}

/// <summary>What an instruction compares. The countries and the currency come as their classes, one byte each.</summary>
internal enum RuleColumn : byte
{
    SourceClass,
    DestinationClass,
    CurrencyClass,
    Tier,
    Purpose,
    Level,
    Instruction,
    PayerKind,
    PayeeKind,

    /// <summary>How many steps of its currency's ladder the amount is above.</summary>
    AmountRank,
}

/// <summary>One step of a residual program. Registers hold one bit a payment of the chunk.</summary>
internal readonly record struct RuleInstruction(
    RuleOp Op, RuleColumn Column, byte Low, byte Span, ushort Rule, int Target, int Left, int Right, int Set, ulong Amount);

/// <summary>
/// Purpose: the rules that no corridor row can hold, as a straight line of vector instructions; it is data, and
/// <see cref="RulePlan.Describe"/> prints it.
/// Invariant: a register is read only after the program wrote it in the same run.
/// </summary>
internal sealed class ResidualProgram(RuleInstruction[] instructions, NibbleSet[] sets, int registerCount, AmountLadder? ladder)
{
    internal const int RegisterWords = Limits.ChunkPayments / 64;

    // 1,024 bits a register; written by: the thread that judges
    private readonly ulong[] _registers = new ulong[registerCount * RegisterWords];

    public ReadOnlySpan<RuleInstruction> Instructions => instructions;

    public NibbleSet[] Sets => sets;

    public int RegisterCount => registerCount;

    /// <summary>By which amounts become ranks before the program runs; null: it asks for none.</summary>
    public AmountLadder? Ladder => ladder;

    /// <summary>The column of ranks. Written by: the thread that judges.</summary>
    public byte[] Ranks { get; } = ladder is null ? [] : new byte[Limits.ChunkPayments];

    public bool IsEmpty => instructions.Length == 0;

    public bool Reads(RuleColumn column)
    {
        foreach (ref readonly RuleInstruction step in Instructions)
            if (step.Op is RuleOp.InRange or RuleOp.InSet && step.Column == column)
                return true;
        return false;
    }

    public Span<ulong> Register(int index) => _registers.AsSpan(index * RegisterWords, RegisterWords);
}

/// <summary>256 bits: which bytes a condition on one column lets through.</summary>
internal readonly record struct ByteSet(ulong W0, ulong W1, ulong W2, ulong W3)
{
    public static ByteSet All => new(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue);

    public static ByteSet operator &(ByteSet left, ByteSet right) =>
        new(left.W0 & right.W0, left.W1 & right.W1, left.W2 & right.W2, left.W3 & right.W3);

    public static ByteSet operator |(ByteSet left, ByteSet right) =>
        new(left.W0 | right.W0, left.W1 | right.W1, left.W2 | right.W2, left.W3 | right.W3);

    public static ByteSet operator ~(ByteSet set) => new(~set.W0, ~set.W1, ~set.W2, ~set.W3);

    public bool Contains(int value) => (Word(value >> 6) >> (value & 63) & 1) != 0;

    public ByteSet With(int value)
    {
        ulong bit = 1UL << (value & 63);
        return (value >> 6) switch
        {
            0 => this with { W0 = W0 | bit },
            1 => this with { W1 = W1 | bit },
            2 => this with { W2 = W2 | bit },
            _ => this with { W3 = W3 | bit },
        };
    }

    /// <summary>Lowest and highest member, if all between are members too.</summary>
    public bool IsRange(out byte low, out byte high)
    {
        int first = 0, last = 255;
        while (first < 255 && !Contains(first))
            first++;
        while (last > first && !Contains(last))
            last--;
        (low, high) = ((byte)first, (byte)last);
        for (int i = first; i <= last; i++)
            if (!Contains(i))
                return false;
        return true;
    }

    public NibbleSet ToNibbles()
    {
        Span<byte> tables = stackalloc byte[32];
        for (int value = 0; value < 256; value++)
            if (Contains(value))
                tables[value >= 128 ? 16 + (value & 15) : value & 15] |= (byte)(1 << (value >> 4 & 7));
        return MemoryMarshal.Read<NibbleSet>(tables);
    }

    private ulong Word(int index) => index switch { 0 => W0, 1 => W1, 2 => W2, _ => W3 };
}
