using System.Buffers.Binary;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Engine.Batch;

/// <summary>Gross value of a batch in one currency.</summary>
public readonly record struct GrossValue(ushort Currency, UInt128 Amount);

/// <summary>
/// What a closed settlement window states. Everything but <see cref="Root"/> is known at the close; the root
/// follows from behind the settle thread, and then the batch is published and sealed.
/// </summary>
public sealed class ClosedBatch
{
    /// <summary>Where the state hash stands in <see cref="Encode"/>'s bytes, and where, behind the root, gross and net.</summary>
    internal const int StateHashOffset = (7 * 8) + 32;
    internal const int TotalsOffset = (7 * 8) + (3 * 32);

    /// <summary>From 1.</summary>
    public required ulong Number { get; init; }

    /// <summary>The sequences between the two cut-offs, refused ones among them.</summary>
    public required ulong FirstSequence { get; init; }

    public required ulong LastSequence { get; init; }

    /// <summary>Block time of the first counted payment; of the close, if there was none.</summary>
    public required ulong OpenedNs { get; init; }

    public required ulong ClosedNs { get; init; }

    /// <summary>Accepted payments that count towards cut-offs: all but issues and redemptions.</summary>
    public required ulong Count { get; init; }

    /// <summary>Accepted payments: the leaves of the tree.</summary>
    public required ulong Accepted { get; init; }

    public required IReadOnlyList<GrossValue> Gross { get; init; }

    /// <summary>After fees; they sum to zero in every currency.</summary>
    public required IReadOnlyList<NetPosition> Net { get; init; }

    /// <summary>SHA-256 of the active rule table; zero: none.</summary>
    public required Digest RulesHash { get; init; }

    /// <summary>Hash of the ledger's state at the close.</summary>
    public Digest StateHash { get; internal set; } // written by: settle thread, at the close

    /// <summary>Merkle root over the accepted payments' salted leaves.</summary>
    public Digest Root { get; internal set; } // written by: tree thread

    /// <summary>The statement's bytes as the seal block carries them: little-endian, fields in the order of this class.</summary>
    /// <remarks>
    /// <code>
    ///  number 8 | first 8 | last 8 | opened 8 | closed 8 | count 8 | accepted 8 | rules 32 | state 32 | root 32
    ///  | gross: count 4, then (currency 2, amount 16) each | net: count 4, then (participant 2, currency 2, net 16, fee 16) each
    /// </code>
    /// </remarks>
    public byte[] Encode()
    {
        byte[] bytes = new byte[TotalsOffset + 4 + (Gross.Count * 18) + 4 + (Net.Count * 36)];
        var writer = new SpanWriter(bytes);
        foreach (ulong field in (ReadOnlySpan<ulong>)[Number, FirstSequence, LastSequence, OpenedNs, ClosedNs, Count, Accepted])
            writer.Write(field);
        writer.Write(RulesHash);
        writer.Write(StateHash);
        writer.Write(Root);
        writer.Write((uint)Gross.Count);
        foreach (GrossValue gross in Gross)
        {
            writer.Write(gross.Currency);
            writer.Write(gross.Amount);
        }

        writer.Write((uint)Net.Count);
        foreach (NetPosition net in Net)
        {
            writer.Write(net.Participant);
            writer.Write(net.Currency);
            writer.Write((UInt128)net.Net);
            writer.Write((UInt128)net.Fee);
        }

        return bytes;
    }

    /// <summary>What another statement about the same payments states otherwise, as a sentence has it: "another state hash".</summary>
    internal string DifferenceFrom(ReadOnlySpan<byte> statement)
    {
        ReadOnlySpan<byte> own = Encode();
        if (statement.Length < TotalsOffset)
            return $"{statement.Length} bytes, and so other figures,";
        var parts = new List<string>(4);
        if (!statement[..(7 * 8)].SequenceEqual(own[..(7 * 8)]) || !statement[TotalsOffset..].SequenceEqual(own[TotalsOffset..]))
            parts.Add("other figures");
        foreach ((string what, int offset) in (ReadOnlySpan<(string, int)>)[("another rules hash", 7 * 8), ("another state hash", StateHashOffset), ("another root", StateHashOffset + 32)])
        {
            if (!statement.Slice(offset, 32).SequenceEqual(own.Slice(offset, 32)))
                parts.Add(what);
        }

        return string.Join(" and ", parts);
    }

    /// <summary>Reads what <see cref="Encode"/> wrote.</summary>
    /// <exception cref="LedgerBrokenException">It is no statement.</exception>
    public static ClosedBatch Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        ulong number = reader.UInt64(), first = reader.UInt64(), last = reader.UInt64(), opened = reader.UInt64(), closed = reader.UInt64();
        ulong count = reader.UInt64(), accepted = reader.UInt64();
        Digest rules = reader.Digest(), state = reader.Digest(), root = reader.Digest();
        var gross = new GrossValue[reader.Count(18)];
        for (int i = 0; i < gross.Length; i++)
            gross[i] = new GrossValue(reader.UInt16(), reader.UInt128());
        var net = new NetPosition[reader.Count(36)];
        for (int i = 0; i < net.Length; i++)
            net[i] = new NetPosition(reader.UInt16(), reader.UInt16(), (Int128)reader.UInt128(), (Int128)reader.UInt128());
        reader.End();
        return new ClosedBatch
        {
            Number = number, FirstSequence = first, LastSequence = last, OpenedNs = opened, ClosedNs = closed, Count = count, Accepted = accepted,
            Gross = gross, Net = net, RulesHash = rules, StateHash = state, Root = root,
        };
    }

    private ref struct SpanReader(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> _rest = rest;

        public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

        public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

        public UInt128 UInt128() => BinaryPrimitives.ReadUInt128LittleEndian(Take(16));

        public Digest Digest() => Domain.Digest.From(Take(32));

        public int Count(int itemBytes)
        {
            uint count = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
            return count <= (uint)(_rest.Length / itemBytes) ? (int)count : throw NoStatement();
        }

        public readonly void End()
        {
            if (!_rest.IsEmpty)
                throw NoStatement();
        }

        private ReadOnlySpan<byte> Take(int bytes)
        {
            if (_rest.Length < bytes)
                throw NoStatement();
            ReadOnlySpan<byte> taken = _rest[..bytes];
            _rest = _rest[bytes..];
            return taken;
        }

        private static LedgerBrokenException NoStatement() => new("a seal block's body is no batch's statement");
    }

    private ref struct SpanWriter(Span<byte> rest)
    {
        private Span<byte> _rest = rest;

        public void Write(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Take(2), value);

        public void Write(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(4), value);

        public void Write(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(8), value);

        public void Write(UInt128 value) => BinaryPrimitives.WriteUInt128LittleEndian(Take(16), value);

        public void Write(Digest value) => ((ReadOnlySpan<byte>)value).CopyTo(Take(32));

        private Span<byte> Take(int bytes)
        {
            Span<byte> taken = _rest[..bytes];
            _rest = _rest[bytes..];
            return taken;
        }
    }
}
