using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Settlement.Engine.Rules;

/// <summary>
/// Purpose: the bytes of a rule table, little-endian, in which it is journaled. Every value has one encoding: no padding, no
/// optional part, lists ascending; <see cref="RuleTable.TryDecode"/> compares with the re-encoding, so nothing else passes.
/// Failure assumed: any bytes. Recursion is bounded by <see cref="RuleBounds.DepthMax"/>, memory by the length of the
/// input: a count is believed only when the bytes behind it could hold that many.
/// </summary>
/// <remarks>
/// <code>
///  table      0        4      6       8
///             | "STRT" | ver  | rules | rules, ascending by id …
///  rule       | id u16 | kind u8 | name length u8 | name, UTF-8 | of its kind | condition
///               require: the needed condition
///               review and review limit: | ns held u64 |
///               limit and review limit:  | window u8 | month u8 | day u8 | currency u16 | ceilings 4 x u64 |
///  condition  1 always
///             2 field:  | field u8 | operator u8 | value u16 |
///             3 list:   | field u8 | count u16 | values u16 … |
///             4 amount: | operator u8 | currency u16 | amount u64 |
///             5 not:    | condition |
///             6 all, 7 any: | count u16 | conditions … |
/// </code>
/// </remarks>
internal static class RuleTableCode
{
    /// <summary>"STRT".</summary>
    private const uint Magic = 0x5452_5453;
    private const ushort Version = 1;

    private enum Tag : byte
    {
        Always = 1,
        Field = 2,
        List = 3,
        Amount = 4,
        Not = 5,
        All = 6,
        Any = 7,
    }

    internal static byte[] Write(ReadOnlySpan<Rule> rules)
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        writer.Write(Magic);
        writer.Write(Version);
        writer.Write((ushort)rules.Length);
        foreach (Rule rule in rules)
            WriteRule(writer, rule);
        writer.Flush();
        return stream.ToArray();
    }

    private static void WriteRule(BinaryWriter writer, Rule rule)
    {
        writer.Write(rule.Id);
        writer.Write((byte)rule.Kind);
        byte[] name = Encoding.UTF8.GetBytes(rule.Name);
        writer.Write((byte)name.Length);
        writer.Write(name);
        if (rule.Kind == RuleKind.Require)
            WriteCondition(writer, rule.Needs!);
        if (rule.IsReview)
            writer.Write(rule.HoldNs);
        if (rule.IsLimit)
        {
            writer.Write((byte)rule.Window.Kind);
            writer.Write(rule.Window.StartMonth);
            writer.Write(rule.Window.StartDay);
            writer.Write(rule.Currency);
            foreach (ulong ceiling in rule.Ceilings)
                writer.Write(ceiling);
        }
        WriteCondition(writer, rule.Condition);
    }

    private static void WriteCondition(BinaryWriter writer, Condition condition)
    {
        switch (condition)
        {
            case AlwaysCondition:
                writer.Write((byte)Tag.Always);
                break;
            case FieldCondition field:
                writer.Write((byte)Tag.Field);
                writer.Write((byte)field.Field);
                writer.Write((byte)field.Operator);
                writer.Write(field.Value);
                break;
            case ListCondition list:
                writer.Write((byte)Tag.List);
                writer.Write((byte)list.Field);
                writer.Write((ushort)list.Values.Length);
                foreach (ushort value in list.Values)
                    writer.Write(value);
                break;
            case AmountCondition amount:
                writer.Write((byte)Tag.Amount);
                writer.Write((byte)amount.Operator);
                writer.Write(amount.Currency);
                writer.Write(amount.Amount);
                break;
            case NotCondition not:
                writer.Write((byte)Tag.Not);
                WriteCondition(writer, not.Inner);
                break;
            case AllCondition all:
                WriteChildren(writer, Tag.All, all.Children);
                break;
            case AnyCondition any:
                WriteChildren(writer, Tag.Any, any.Children);
                break;
            default:
                throw new InvalidOperationException($"{condition.GetType()} has no encoding");
        }
    }

    private static void WriteChildren(BinaryWriter writer, Tag tag, ReadOnlySpan<Condition> children)
    {
        writer.Write((byte)tag);
        writer.Write((ushort)children.Length);
        foreach (Condition child in children)
            WriteCondition(writer, child);
    }

    internal static bool TryRead(ReadOnlySpan<byte> bytes, out Rule[] rules, out string error)
    {
        rules = [];
        if (bytes.Length >= RuleBounds.TableBytesMax)
        {
            error = $"{bytes.Length} bytes of rules: fewer than {RuleBounds.TableBytesMax} expected";
            return false;
        }
        Reader reader = new(bytes);
        rules = reader.Table();
        error = reader.Error;
        return error.Length == 0;
    }

    /// <summary>Reads on after an error as if the rest were zeros; the first error is kept, and each caller looks before it
    /// builds.</summary>
    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;
        private int _at;

        public string Error { get; private set; } = "";

        private readonly bool Failed => Error.Length > 0;

        private readonly int Left => _bytes.Length - _at;

        public Rule[] Table()
        {
            uint magic = U32();
            ushort version = U16();
            if (!Failed && magic != Magic)
                Fail($"magic 0x{magic:X8}: 0x{Magic:X8} expected");
            if (!Failed && version != Version)
                Fail($"version {version}: {Version} expected");
            int count = Count(RuleBounds.RulesMax, "rules");
            Rule[] rules = new Rule[Failed ? 0 : count];
            for (int i = 0; i < rules.Length && !Failed; i++)
                rules[i] = Rule()!;
            if (!Failed && Left != 0)
                Fail($"{Left} bytes behind the last rule: none expected");
            return rules;
        }

        private Rule? Rule()
        {
            ushort id = U16();
            RuleKind kind = (RuleKind)U8();
            string name = Name();
            if (!Failed && kind is < RuleKind.Deny or > RuleKind.ReviewLimit)
                Fail($"kind {(byte)kind}: 1 to 5 expected");
            Condition? needs = kind == RuleKind.Require ? Condition(1) : null;
            ulong holdNs = kind is RuleKind.Review or RuleKind.ReviewLimit ? U64() : 0;
            LimitWindow window = default;
            ushort currency = 0;
            TierCeilings ceilings = default;
            if (kind is RuleKind.Limit or RuleKind.ReviewLimit)
            {
                window = new LimitWindow((WindowKind)U8(), U8(), U8());
                currency = U16();
                foreach (ref ulong ceiling in (Span<ulong>)ceilings)
                    ceiling = U64();
            }
            Condition? when = Condition(1);
            return Failed
                ? null
                : new Rule(id, name, kind, when!)
                {
                    Needs = needs,
                    HoldNs = holdNs,
                    Window = window,
                    Currency = currency,
                    Ceilings = ceilings,
                };
        }

        private string Name()
        {
            ReadOnlySpan<byte> name = Take(U8());
            if (!Utf8.IsValid(name))
                Fail("a name that is not UTF-8");
            return Failed ? "" : Encoding.UTF8.GetString(name);
        }

        private Condition? Condition(int depth)
        {
            if (!Failed && depth > RuleBounds.DepthMax)
                Fail($"a condition more than {RuleBounds.DepthMax} deep");
            if (Failed)
                return null;
            Tag tag = (Tag)U8();
            switch (tag)
            {
                case Tag.Always:
                    return When.Always;
                case Tag.Field:
                    return Field();
                case Tag.List:
                    return List();
                case Tag.Amount:
                    return Amount();
                case Tag.Not:
                    return Condition(depth + 1) is { } inner ? new NotCondition(inner) : null;
                case Tag.All:
                    return Children(depth) is { } all ? new AllCondition(all) : null;
                case Tag.Any:
                    return Children(depth) is { } any ? new AnyCondition(any) : null;
                default:
                    Fail($"condition {(byte)tag}: 1 to 7 expected");
                    return null;
            }
        }

        private FieldCondition? Field()
        {
            (RuleField field, RuleOperator op, ushort value) = ((RuleField)U8(), (RuleOperator)U8(), U16());
            Check(FieldCondition.Fault(field, op, value));
            return Failed ? null : new FieldCondition(field, op, value);
        }

        private ListCondition? List()
        {
            RuleField field = (RuleField)U8();
            int count = Count(Left / sizeof(ushort), "values");
            if (Failed)
                return null;
            Span<ushort> values = new ushort[count];
            foreach (ref ushort value in values)
                value = U16();
            Check(ListCondition.Fault(field, values));
            return Failed ? null : new ListCondition(field, values);
        }

        private AmountCondition? Amount()
        {
            (RuleOperator op, ushort currency, ulong amount) = ((RuleOperator)U8(), U16(), U64());
            Check(AmountCondition.Fault(op, currency));
            return Failed ? null : new AmountCondition(op, currency, amount);
        }

        private Condition[]? Children(int depth)
        {
            int count = Count(Left, "conditions");
            if (!Failed && count < 2)
                Fail($"{count} conditions to combine: 2 or more expected");
            if (Failed)
                return null;
            Condition[] children = new Condition[count];
            for (int i = 0; i < count && !Failed; i++)
                children[i] = Condition(depth + 1)!;
            return Failed ? null : children;
        }

        private int Count(int max, string what)
        {
            int count = U16();
            if (!Failed && count > max)
                Fail($"{count} {what}: at most {max} possible here");
            return count;
        }

        private void Check(string? fault)
        {
            if (fault is not null)
                Fail(fault);
        }

        private byte U8() => Take(1) is [byte value] ? value : (byte)0;

        private ushort U16() => Take(2) is { Length: 2 } value ? BinaryPrimitives.ReadUInt16LittleEndian(value) : (ushort)0;

        private uint U32() => Take(4) is { Length: 4 } value ? BinaryPrimitives.ReadUInt32LittleEndian(value) : 0;

        private ulong U64() => Take(8) is { Length: 8 } value ? BinaryPrimitives.ReadUInt64LittleEndian(value) : 0;

        private ReadOnlySpan<byte> Take(int count)
        {
            if (count > Left)
            {
                Fail($"the table ends inside a value of {count} bytes");
                return default;
            }
            _at += count;
            return _bytes.Slice(_at - count, count);
        }

        private void Fail(string reason)
        {
            if (!Failed)
                Error = $"byte {_at}: {reason}";
        }
    }
}
