using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Ledger;

// Purpose: every account of the ledger, one cache line each, found by wallet.
// Invariant: a wallet's rows form a chain from the row that the index names; wallet attributes stand in every row of the
//   chain alike, so that judging a payment touches one line a party.
// Units: amounts in the smallest unit of the row's currency.

/// <summary>One currency compartment of a wallet, with the wallet's attributes: 64 bytes, one cache line.</summary>
/// <remarks>
/// <code>
///  0               8               16              24              32
///  | wallet        | available     | pending       | held          |
///  32      36      40      44      48  50  52 53 54 55 56          64
///  | batch | next  | sums  | opened|par|cou|cy|tk|lv|st| holder    |
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public struct AccountRow
{
    [FieldOffset(0)] public ulong Wallet;
    [FieldOffset(8)] public ulong Available;

    /// <summary>Credited by micropayments in <see cref="Batch"/>; available as soon as a later batch is open.</summary>
    [FieldOffset(16)] public ulong Pending;
    [FieldOffset(24)] public ulong Held;

    /// <summary>The batch that was open at the last write.</summary>
    [FieldOffset(32)] public uint Batch;

    /// <summary>The wallet's next account; 0: none.</summary>
    [FieldOffset(36)] public int Next;

    /// <summary>Row of the sum table; 0: none yet.</summary>
    [FieldOffset(40)] public int SumRow;

    /// <summary>Fingerprint of the accepted opening balance, with <see cref="OpenedMark"/> set; 0: none.</summary>
    [FieldOffset(44)] public uint Opening;
    [FieldOffset(48)] public ushort Participant;
    [FieldOffset(50)] public ushort Country;

    /// <summary>Order of declaration, from 1; 0: a wallet that has no account yet.</summary>
    [FieldOffset(52)] public byte CurrencyIndex;

    /// <summary>Tier in the low two bits, kind of the owner in the next three, policy of consent in the next two: they fit one byte, and one cache line has no other.</summary>
    [FieldOffset(53)] public byte TierAndKind;
    [FieldOffset(54)] public byte Level;
    [FieldOffset(55)] public WalletStatus Status;
    [FieldOffset(56)] public ulong Holder;

    public const uint OpenedMark = 1;
    private const int KindShift = 2;
    private const int KindMask = 7;
    private const int PolicyShift = 5;

    /// <summary>Those bits of <see cref="TierAndKind"/> that are zero for a custodial wallet.</summary>
    public const byte PolicyMask = 0b_11_000_00;

    public byte Tier
    {
        readonly get => (byte)(TierAndKind & Limits.TierMax);
        set => TierAndKind = (byte)((TierAndKind & ~Limits.TierMax) | (value & Limits.TierMax));
    }

    /// <summary>What the wallet's owner is.</summary>
    public PartyKind Kind
    {
        readonly get => (PartyKind)((TierAndKind >> KindShift) & KindMask);
        set => TierAndKind = (byte)((TierAndKind & ~(KindMask << KindShift)) | (((byte)value & KindMask) << KindShift));
    }

    /// <summary>How the wallet's owner consents; what belongs to it is in the book of consent.</summary>
    public ConsentPolicy Policy
    {
        readonly get => (ConsentPolicy)((TierAndKind & PolicyMask) >> PolicyShift);
        set => TierAndKind = (byte)((TierAndKind & ~PolicyMask) | (((byte)value << PolicyShift) & PolicyMask));
    }

    /// <summary>Whether payments from it need nothing but their participant's word.</summary>
    public readonly bool IsCustodial
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (TierAndKind & PolicyMask) == 0;
    }

    /// <summary>Fits 64 bits: every credit is checked.</summary>
    public readonly ulong Total => Available + Pending + Held;

    public readonly bool IsEmpty => (Available | Pending | Held) == 0;
}

/// <summary>Rows and their index: an open-addressed table of (32 bits of the wallet's hash, row number), at most half full.</summary>
public sealed class AccountTable : IDisposable
{
    private readonly NativeTable<AccountRow> _rows;
    private readonly NativeTable<ulong> _index;
    private readonly ulong _mask;

    public AccountTable(int accountsMax)
    {
        AccountsMax = accountsMax;
        _rows = new NativeTable<AccountRow>((long)accountsMax + 1, hugePages: true); // row 0 stands for "none"
        long slots = (long)BitOperations.RoundUpToPowerOf2((ulong)accountsMax * 2);
        _index = new NativeTable<ulong>(slots, hugePages: true);
        _mask = (ulong)slots - 1;
    }

    public int AccountsMax { get; }

    /// <summary>Rows in use; they are numbered from 1.</summary>
    public int Count { get; private set; } // written by: settle thread

    public bool IsFull => Count == AccountsMax;

    public ref AccountRow this[int row]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _rows[row];
    }

    /// <summary>Rows and index, in bytes an account at full capacity.</summary>
    public long BytesPerAccount => ((_rows.RowCount * 64) + (_index.RowCount * sizeof(ulong))) / AccountsMax;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong HashOf(ulong wallet)
    {
        ulong hash = wallet * 0x9E37_79B9_7F4A_7C15;
        return hash ^ (hash >> 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchIndex(ulong hash) => _index.Prefetch((long)(hash & _mask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchRow(int row) => _rows.Prefetch(row);

    /// <summary>
    /// The row whose hash tag is the wallet's, or 0. The row itself is not looked at, so that it can be prefetched first; the
    /// caller must compare the wallet, and call <see cref="Find"/> where one in four thousand million differs.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Guess(ulong hash)
    {
        uint tag = (uint)(hash >> 32);
        for (ulong slot = hash & _mask; ; slot = (slot + 1) & _mask)
        {
            ulong entry = _index[(long)slot];
            if (entry == 0)
                return 0;
            if ((uint)(entry >> 32) == tag)
                return (int)(uint)entry;
        }
    }

    /// <summary>The first row of a wallet, or 0.</summary>
    public int Find(ulong wallet)
    {
        ulong hash = HashOf(wallet);
        uint tag = (uint)(hash >> 32);
        for (ulong slot = hash & _mask; ; slot = (slot + 1) & _mask)
        {
            ulong entry = _index[(long)slot];
            if (entry == 0)
                return 0;
            if ((uint)(entry >> 32) == tag && _rows[(uint)entry].Wallet == wallet)
                return (int)(uint)entry;
        }
    }

    /// <summary>The account of a wallet in a currency, from the wallet's first row on, or 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int InCurrency(int firstRow, byte currencyIndex)
    {
        int row = firstRow;
        while (row != 0 && _rows[row].CurrencyIndex != currencyIndex)
            row = _rows[row].Next;
        return row;
    }

    /// <summary>Adds the first row of a wallet. The caller has checked that there is room and no such wallet.</summary>
    public void AddWallet(in AccountRow attributes)
    {
        int row = Append(in attributes);
        Index(attributes.Wallet, row);
    }

    /// <summary>Adds a further, empty account, with the wallet's attributes, at the end of the wallet's chain.</summary>
    public void AddAccount(int firstRow, byte currencyIndex)
    {
        AccountRow first = _rows[firstRow];
        int row = Append(new AccountRow
        {
            Wallet = first.Wallet,
            Participant = first.Participant,
            Country = first.Country,
            CurrencyIndex = currencyIndex,
            TierAndKind = first.TierAndKind,
            Level = first.Level,
            Status = first.Status,
            Holder = first.Holder,
        });
        int last = firstRow;
        while (_rows[last].Next != 0)
            last = _rows[last].Next;
        _rows[last].Next = row;
    }

    /// <summary>The rows alone: the index follows from them.</summary>
    public void Save(SnapshotWriter writer)
    {
        writer.Write((ulong)Count);
        writer.Write(_rows, 1, Count);
    }

    /// <summary>Into an empty table.</summary>
    /// <exception cref="SnapshotException">The rows cannot be those of one.</exception>
    public void Load(SnapshotReader reader)
    {
        const int Ahead = 16;
        Count = reader.ReadCount(AccountsMax, "accounts");
        reader.Read(_rows, 1, Count);
        for (int row = 1; row <= Count; row++)
        {
            if (row + Ahead <= Count)
                PrefetchIndex(HashOf(_rows[row + Ahead].Wallet));
            ref readonly AccountRow account = ref _rows[row];
            reader.Expect(account.Wallet != 0 && (uint)account.Next <= (uint)Count && account.Kind <= PartyKind.Last && account.TierAndKind < 0x80 && account.Policy <= ConsentPolicy.Last, $"account row {row} cannot be");
            // A wallet's first row is its lowest: the others were added behind it, and are found through it.
            if (Find(account.Wallet) == 0)
                Index(account.Wallet, row);
        }
    }

    public void Dispose()
    {
        _rows.Dispose();
        _index.Dispose();
    }

    private void Index(ulong wallet, int row)
    {
        ulong hash = HashOf(wallet);
        ulong slot = hash & _mask;
        while (_index[(long)slot] != 0)
            slot = (slot + 1) & _mask;
        _index[(long)slot] = (hash >> 32 << 32) | (uint)row;
    }

    private int Append(in AccountRow attributes)
    {
        int row = ++Count;
        _rows[row] = attributes;
        _rows[row].Next = 0;
        return row;
    }
}
