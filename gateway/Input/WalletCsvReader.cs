using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.Gateway.Input;

/// <summary>One line of a wallets file: a wallet and one of its accounts.</summary>
internal struct WalletRecord
{
    public ulong Wallet;

    /// <summary>In the smallest unit of the currency at the ledger's scale; 0: the account begins empty.</summary>
    public ulong Opening;

    /// <summary>Opaque id of the person or firm whose wallets share their sums; 0: the wallet alone.</summary>
    public ulong Holder;

    /// <summary>At most 32 bytes of UTF-8; one string object for each name of the file.</summary>
    public string Participant;

    public long Line;

    /// <summary>ISO 3166 number.</summary>
    public ushort Country;

    /// <summary>ISO 4217 number.</summary>
    public ushort Currency;
    public byte Tier;
    public PartyKind Kind;
    public byte Level;
    public WalletStatus Status;
}

/// <summary>
/// Wallets as CSV, header <c>wallet,country,participant,currency,opening[,tier,kind,level,status,holder]</c> in any order. A wallet with
/// accounts in several currencies stands on several lines, which must agree in all that is the wallet's.
/// </summary>
/// <remarks>Remembers every wallet of the file, to compare: about 100 bytes each, at most <see cref="InputLimits.WalletsMax"/>.</remarks>
internal sealed class WalletCsvReader : IDisposable
{
    private static readonly string[] s_columns =
        ["wallet", "country", "participant", "currency", "opening", "tier", "level", "status", "holder", "kind"];

    private const int Required = 5;

    private enum Column { Wallet, Country, Participant, Currency, Opening, Tier, Level, Status, Holder, Kind }

    private static readonly NameList<WalletStatus> s_statuses = new(Enum.GetNames<WalletStatus>());

    private static readonly NameList<PartyKind> s_kinds = new(Enum.GetNames<PartyKind>().Where(name => name != nameof(PartyKind.Last)));

    private readonly CsvScanner _scanner;
    private readonly CurrencyScales _scales;
    private readonly int[] _places;
    private readonly int _fieldCount;

    // written by: the reader's thread, all of them
    private readonly Dictionary<ulong, First> _wallets = [];
    private readonly Dictionary<(ulong Wallet, ushort Currency), long> _furtherAccounts = [];
    private readonly Dictionary<string, string> _participants = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> _participantsByChars;

    /// <summary>Takes over the input, and reads its header.</summary>
    /// <exception cref="InputException">The header is not one.</exception>
    public WalletCsvReader(InputStream input, CurrencyScales scales)
    {
        _scales = scales;
        _participantsByChars = _participants.GetAlternateLookup<ReadOnlySpan<char>>();
        _scanner = new CsvScanner(input);
        _places = CsvHeader.Read(_scanner, s_columns, Required);
        _fieldCount = _scanner.FieldCount;
    }

    /// <summary>A wallet as its first line states it.</summary>
    private readonly record struct First(
        string Participant, ulong Holder, long Line, ushort Country, ushort Currency, byte Tier, PartyKind Kind, byte Level, WalletStatus Status);

    public string File => _scanner.File;

    public void Dispose() => _scanner.Dispose();

    /// <summary>Reads as many lines as fit.</summary>
    /// <returns>How many; 0 only at the end of the file.</returns>
    /// <exception cref="InputException">The file cannot be used.</exception>
    public int Read(Span<WalletRecord> into)
    {
        int count = 0;
        while (count < into.Length && _scanner.Next(wait: count == 0))
        {
            ref WalletRecord record = ref into[count++];
            ReadRecord(ref record);
            CompareWithEarlier(record);
        }
        return count;
    }

    private void ReadRecord(ref WalletRecord record)
    {
        if (_scanner.FieldCount != _fieldCount)
            throw CsvHeader.WrongFieldCount(_scanner, _fieldCount);
        record = default;
        record.Line = _scanner.Line;
        record.Wallet = Number(Column.Wallet, 1, ulong.MaxValue, "a wallet's number from 1");
        record.Country = Country();
        record.Participant = Participant();
        if (!CurrencyScales.TryFindCurrency(Field(Column.Currency), out record.Currency))
            throw Refuse(Column.Currency, "an ISO 4217 currency that has a minor unit, as three letters or as its number");

        int scale = _scales[record.Currency];
        if (!Field(Column.Opening).IsEmpty && !AmountText.TryParse(Field(Column.Opening), scale, out record.Opening, out AmountError error))
            throw Refuse(Column.Opening, AmountExpectation.Of(error, record.Currency, scale));

        if (!Field(Column.Tier).IsEmpty)
            record.Tier = (byte)Number(Column.Tier, 0, Limits.TierMax, $"a tier from 0 to {Limits.TierMax}");
        if (!Field(Column.Level).IsEmpty)
            record.Level = (byte)Number(Column.Level, 0, byte.MaxValue, "a level from 0 to 255");
        if (!Field(Column.Status).IsEmpty && !s_statuses.TryFind(Field(Column.Status), out record.Status))
            throw Refuse(Column.Status, "one of " + s_statuses.All);
        if (!Field(Column.Kind).IsEmpty && !s_kinds.TryFind(Field(Column.Kind), out record.Kind))
            throw Refuse(Column.Kind, "one of " + s_kinds.All);
        if (!Field(Column.Holder).IsEmpty)
            record.Holder = Number(Column.Holder, 0, ulong.MaxValue, "a holder's number below 2^64, or nothing");
    }

    private ushort Country()
    {
        ReadOnlySpan<byte> text = Field(Column.Country);
        ushort country = Iso3166.NumberOf(text);
        if (country == 0 && FieldText.TryReadNumber(text, Iso3166.NumberMax, out ulong number) && Iso3166.IsKnown((ushort)number))
            country = (ushort)number;
        return country != 0 ? country : throw Refuse(Column.Country, "an ISO 3166 country, as two letters or as its number");
    }

    private string Participant()
    {
        ReadOnlySpan<byte> text = Field(Column.Participant);
        Span<char> chars = stackalloc char[ControlCommand.NameBytesMax];
        if (text.IsEmpty || text.Length > chars.Length || text.Contains((byte)0)
            || Utf8.ToUtf16(text, chars, out _, out int written, replaceInvalidSequences: false) != OperationStatus.Done)
            throw Refuse(Column.Participant, $"a participant's name of 1 to {ControlCommand.NameBytesMax} bytes of UTF-8");

        if (_participantsByChars.TryGetValue(chars[..written], out string? known))
            return known;
        if (_participants.Count == InputLimits.ParticipantsMax)
            throw new InputException(File, _scanner.Line, $"the file has more than {InputLimits.ParticipantsMax} participants");
        string name = chars[..written].ToString();
        _participants.Add(name, name);
        return name;
    }

    private void CompareWithEarlier(in WalletRecord record)
    {
        if (_wallets.Count == InputLimits.WalletsMax)
            throw new InputException(File, record.Line, $"the file has more than {InputLimits.WalletsMax} wallets");
        var here = new First(record.Participant, record.Holder, record.Line, record.Country, record.Currency, record.Tier, record.Kind, record.Level, record.Status);
        ref First first = ref CollectionsMarshal.GetValueRefOrAddDefault(_wallets, record.Wallet, out bool known);
        if (!known)
        {
            first = here;
            return;
        }

        Column? differs =
            first.Country != here.Country ? Column.Country :
            !ReferenceEquals(first.Participant, here.Participant) ? Column.Participant :
            first.Tier != here.Tier ? Column.Tier :
            first.Kind != here.Kind ? Column.Kind :
            first.Level != here.Level ? Column.Level :
            first.Status != here.Status ? Column.Status :
            first.Holder != here.Holder ? Column.Holder : null;
        if (differs is { } column)
            throw Refuse(column, $"the same as for wallet {record.Wallet} in line {first.Line}");

        // Most wallets have one account, so only further ones are kept apart.
        long earlier = first.Line;
        if (first.Currency == record.Currency || !_furtherAccounts.TryAdd((record.Wallet, record.Currency), record.Line))
        {
            if (first.Currency != record.Currency)
                earlier = _furtherAccounts[(record.Wallet, record.Currency)];
            throw Refuse(Column.Currency, $"another currency for wallet {record.Wallet} than in line {earlier}");
        }
    }

    private ulong Number(Column column, ulong min, ulong max, string expected) =>
        FieldText.TryReadNumber(Field(column), max, out ulong number) && number >= min ? number : throw Refuse(column, expected);

    private ReadOnlySpan<byte> Field(Column column) => _scanner.Field(_places[(int)column]);

    private InputException Refuse(Column column, string expected) =>
        new(File, _scanner.Line, s_columns[(int)column], InputException.Shown(Field(column)), expected);
}
