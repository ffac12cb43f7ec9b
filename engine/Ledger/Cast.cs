using System.Runtime.CompilerServices;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Ledger;

// Purpose: who and what the ledger knows besides wallets: participants, sessions, currencies, settings.
// Invariant: entries are only ever added, and numbered in the order of their declaration.
// All fields written by: settle thread.

/// <summary>Participants by index; the operator is 0.</summary>
public sealed class ParticipantList(int participantsMax)
{
    private readonly string[] _names = new string[participantsMax];
    private readonly Dictionary<string, ushort> _indexes = new(StringComparer.Ordinal); // looked up, never walked

    public int Count { get; private set; }

    public bool IsFull => Count == _names.Length;

    public bool Knows(ushort participant) => participant < Count;

    public string NameOf(ushort participant) =>
        participant < Count ? _names[participant] : throw new ArgumentOutOfRangeException(nameof(participant));

    public bool TryFind(string name, out ushort participant) => _indexes.TryGetValue(name, out participant);

    public void Add(string name)
    {
        _indexes.Add(name, (ushort)Count);
        _names[Count++] = name;
    }

    /// <summary>All but the operator, whom genesis makes.</summary>
    public void Save(SnapshotWriter writer)
    {
        Span<byte> name = stackalloc byte[ControlCommand.NameBytesMax];
        writer.Write((ulong)Count);
        for (int participant = 1; participant < Count; participant++)
        {
            name.Clear();
            Encoding.UTF8.GetBytes(_names[participant], name);
            writer.Write<byte>(name);
        }
    }

    public void Load(SnapshotReader reader)
    {
        Span<byte> name = stackalloc byte[ControlCommand.NameBytesMax];
        int count = reader.ReadCount(_names.Length, "participants");
        while (Count < count)
        {
            reader.Read(name);
            string text = Encoding.UTF8.GetString(name[..(name.IndexOf((byte)0) is var end and >= 0 ? end : name.Length)]);
            reader.Expect(text.Length > 0 && !_indexes.ContainsKey(text), $"participant {Count} has no name, or another's");
            Add(text);
        }
    }
}

/// <summary>Who sent a payment, and what they may see and do.</summary>
public struct SessionRecord
{
    public ushort Participant;
    public byte Clearance;
    public SessionFlags Flags;
    public bool IsOpen;

    public readonly bool IsOperator => (Flags & SessionFlags.Operator) != 0;

    public readonly bool MayDeclassify => (Flags & SessionFlags.Declassify) != 0;
}

/// <summary>Sessions by index; 0 is never open.</summary>
public sealed class SessionList(int sessionsMax)
{
    private readonly SessionRecord[] _records = new SessionRecord[sessionsMax];

    /// <summary>The index after the last one; 1 when there is none.</summary>
    public int Next { get; private set; } = 1;

    public bool IsFull => Next == _records.Length;

    /// <summary>The record, with <see cref="SessionRecord.IsOpen"/> false where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref readonly SessionRecord At(ushort session) => ref _records[session < (uint)_records.Length ? session : 0];

    public void Add(in SessionRecord record)
    {
        _records[Next] = record;
        _records[Next++].IsOpen = true;
    }

    /// <summary>Ends an open session; its record stays, so that what it did can be told.</summary>
    public void Close(ushort session) => _records[session].IsOpen = false;

    public void Save(SnapshotWriter writer)
    {
        writer.Write((ulong)Next);
        writer.Write<SessionRecord>(_records.AsSpan(0, Next));
    }

    public void Load(SnapshotReader reader)
    {
        Next = reader.ReadCount(_records.Length, "sessions");
        reader.Read(_records.AsSpan(0, Next));
        reader.Expect(!_records[0].IsOpen, "session 0 is open");
    }
}

public struct CurrencyRecord
{
    /// <summary>ISO 4217.</summary>
    public ushort Number;
    public byte Scale;

    /// <summary>The participant whose sessions issue and redeem.</summary>
    public ushort Authority;

    /// <summary>The reserve: what was issued and not redeemed; equals the sum over all accounts.</summary>
    public UInt128 Outstanding;

    /// <summary>Gross of the open batch.</summary>
    public UInt128 Gross;

    /// <summary>Gross at which a batch closes; 0: none.</summary>
    public ulong BatchValue;

    /// <summary>
    /// By how much the sum of the accounts' balances differs from what was issued and redeemed, modulo 2^64, taken from the
    /// rows themselves before and after every write: 0 after every block, or the engine stops.
    /// </summary>
    public ulong BlockDrift;
}

/// <summary>Currencies by order of declaration, from 1.</summary>
public sealed class CurrencyList(int currenciesMax)
{
    private readonly CurrencyRecord[] _records = new CurrencyRecord[currenciesMax + 1];
    private readonly byte[] _indexByNumber = new byte[ushort.MaxValue + 1];

    public int Count { get; private set; }

    public bool IsFull => Count == _records.Length - 1;

    /// <summary>The currency's index, or 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte IndexOf(ushort number) => _indexByNumber[number];

    public ref CurrencyRecord this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _records[index];
    }

    public void Add(ushort number, byte scale, ushort authority)
    {
        _records[++Count] = new CurrencyRecord { Number = number, Scale = scale, Authority = authority };
        _indexByNumber[number] = (byte)Count;
    }

    public void Save(SnapshotWriter writer)
    {
        writer.Write((ulong)Count);
        writer.Write<CurrencyRecord>(_records.AsSpan(1, Count));
    }

    public void Load(SnapshotReader reader)
    {
        Count = reader.ReadCount(_records.Length - 1, "currencies");
        reader.Read(_records.AsSpan(1, Count));
        for (int index = 1; index <= Count; index++)
        {
            reader.Expect(Iso4217.IsKnown(_records[index].Number) && _records[index].Scale <= Limits.ScaleMax, $"currency {index} cannot be");
            _indexByNumber[_records[index].Number] = (byte)index;
        }
    }
}

/// <summary>Journaled settings, at their defaults.</summary>
public sealed class SettingTable
{
    public ulong BatchCount { get; set; }

    public ulong BatchAgeNs { get; set; }

    public ulong IdWindowNs { get; set; } = Limits.NsPerDay;

    public ulong IdRetentionNs { get; set; } = 30 * Limits.NsPerDay;

    public ulong RefundLifetimeNs { get; set; } = 30 * Limits.NsPerDay;

    /// <summary>By instruction number.</summary>
    public byte[] InstructionLevels { get; } = [.. Enumerable.Repeat(byte.MaxValue, 256)];

    public void Save(SnapshotWriter writer)
    {
        writer.Write<ulong>([BatchCount, BatchAgeNs, IdWindowNs, IdRetentionNs, RefundLifetimeNs]);
        writer.Write<byte>(InstructionLevels);
    }

    public void Load(SnapshotReader reader)
    {
        BatchCount = reader.Read<ulong>();
        BatchAgeNs = reader.Read<ulong>();
        IdWindowNs = reader.Read<ulong>();
        IdRetentionNs = reader.Read<ulong>();
        RefundLifetimeNs = reader.Read<ulong>();
        reader.Read<byte>(InstructionLevels);
    }
}
