using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.Gateway.Input;

/// <summary>
/// Payments as CSV, header <c>id,payer,payee,amount,currency[,instruction,reference,purpose,level,valid_until,refundable]</c> in any
/// order. One record is one payment, or the file is unusable from that line on; nothing is guessed.
/// </summary>
/// <remarks>
/// Which parties a record names follows from its instruction; a party that it must not name is empty, `0` or, where money comes
/// from or goes to the currency's reserve, `reserve:EUR`:
/// <code>
///   micropayment, immediate, hold   payer, payee      reference: a number
///   issue                           payee             payer: the reserve
///   redeem                          payer             payee: the reserve
///   capture, void, refund           none              reference: id of the hold or payment that it is about
/// </code>
/// Empty fields of the optional columns mean: micropayment, reference 0, purpose unstated, level 0, no limit, not refundable.
/// </remarks>
internal sealed class PaymentCsvReader : PaymentReader
{
    private static readonly string[] s_columns =
        ["id", "payer", "payee", "amount", "currency", "instruction", "reference", "purpose", "level", "valid_until", "refundable"];

    private const int Required = 5;

    private enum Column { Id, Payer, Payee, Amount, Currency, Instruction, Reference, Purpose, Level, ValidUntil, Refundable }

    private static readonly NameList<Instruction> s_instructions = new(
        nameof(Instruction.Micropayment), nameof(Instruction.Immediate), nameof(Instruction.Hold), nameof(Instruction.Capture),
        nameof(Instruction.Void), nameof(Instruction.Refund), nameof(Instruction.Issue), nameof(Instruction.Redeem));

    private static readonly NameList<Purpose> s_purposes = new(Enum.GetNames<Purpose>().Where(name => name != nameof(Purpose.Last)));

    private readonly CsvScanner _scanner;
    private readonly PaymentReaderOptions _options;
    private readonly CurrencyScales _scales;
    private readonly PaymentIdText _ids = new();
    private readonly int[] _places;
    private readonly int _fieldCount;
    private ulong _recordsWithoutId; // written by: the reader's thread

    /// <summary>Takes over the input, and reads its header.</summary>
    /// <exception cref="InputException">The header is not one.</exception>
    public PaymentCsvReader(InputStream input, PaymentReaderOptions options)
    {
        _options = options;
        _scales = options.Scales;
        _scanner = new CsvScanner(input);
        _places = CsvHeader.Read(_scanner, s_columns, Required);
        _fieldCount = _scanner.FieldCount;
    }

    public override string File => _scanner.File;

    public override void Dispose() => _scanner.Dispose();

    protected override bool TryRead(ref PaymentRecord record, bool wait)
    {
        if (!_scanner.Next(wait))
            return false;
        if (_scanner.FieldCount != _fieldCount)
            throw CsvHeader.WrongFieldCount(_scanner, _fieldCount);
        record = default;
        record.Line = _scanner.Line;
        ref Payment payment = ref record.Payment;

        if (!CurrencyScales.TryFindCurrency(Field(Column.Currency), out payment.Currency))
            Refuse(Column.Currency, "an ISO 4217 currency that has a minor unit, as three letters or as its number");

        ReadOnlySpan<byte> instruction = Field(Column.Instruction);
        payment.Instruction = Instruction.Micropayment;
        if (!instruction.IsEmpty && !s_instructions.TryFind(instruction, out payment.Instruction))
            Refuse(Column.Instruction, "one of " + s_instructions.All);

        ReadId(ref record);
        ReadParties(ref payment);
        ReadAmount(ref payment);
        ReadPurpose(ref payment);

        if (!Field(Column.Level).IsEmpty)
            payment.Level = (byte)Number(Column.Level, byte.MaxValue, "a level from 0 to 255");
        if (!Field(Column.ValidUntil).IsEmpty && !TimeText.TryParse(Field(Column.ValidUntil), out payment.ValidUntilNs))
            Refuse(Column.ValidUntil, TimeText.Expected);
        if (!Field(Column.Refundable).IsEmpty)
            ReadRefundable(ref payment);
        return true;
    }

    private void ReadId(ref PaymentRecord record)
    {
        ref Payment payment = ref record.Payment;
        ReadOnlySpan<byte> text = Field(Column.Id);
        bool isStream;
        if (text.IsEmpty)
        {
            if (_options.Stream == 0 && !_scanner.Input.CanReread)
                RefuseIdWithoutStream();
            payment.IdHigh = _options.Stream;
            payment.IdLow = ++_recordsWithoutId;
            record.IdIsEmpty = true;
            isStream = true;
        }
        else if (!_ids.TryParse(text, out payment.IdHigh, out payment.IdLow, out isStream))
        {
            Refuse(Column.Id, PaymentIdText.Expected + ", or nothing");
        }
        if (isStream)
            payment.Flags |= PaymentFlags.StreamId;
    }

    private void ReadParties(ref Payment payment)
    {
        switch (payment.Instruction)
        {
            case Instruction.Micropayment or Instruction.Immediate or Instruction.Hold:
                payment.Payer = Wallet(Column.Payer);
                payment.Payee = Wallet(Column.Payee);
                ReadReference(ref payment);
                break;
            case Instruction.Issue:
                ExpectReserve(Column.Payer, payment.Currency);
                payment.Payee = Wallet(Column.Payee);
                ReadReference(ref payment);
                break;
            case Instruction.Redeem:
                payment.Payer = Wallet(Column.Payer);
                ExpectReserve(Column.Payee, payment.Currency);
                ReadReference(ref payment);
                break;
            default:
                ReadTarget(ref payment);
                break;
        }
    }

    private void ReadReference(ref Payment payment)
    {
        if (!Field(Column.Reference).IsEmpty)
            payment.Reference = Number(Column.Reference, ulong.MaxValue, "a number below 2^64, or nothing");
    }

    /// <summary>The target's id: its high half takes the payee's place, its low half the reference's.</summary>
    private void ReadTarget(ref Payment payment)
    {
        ExpectNoWallet(Column.Payer);
        ExpectNoWallet(Column.Payee);
        if (!_ids.TryParse(Field(Column.Reference), out payment.Payee, out payment.Reference, out _))
            Refuse(Column.Reference, "the id of the payment that this is about: " + PaymentIdText.Expected);
    }

    private void ReadAmount(ref Payment payment)
    {
        ReadOnlySpan<byte> text = Field(Column.Amount);
        if (payment.Instruction == Instruction.Void)
        {
            if (!text.IsEmpty && !(AmountText.TryParse(text, 0, out ulong none, out _) && none == 0))
                Refuse(Column.Amount, "nothing or 0, because a void releases the whole hold");
        }
        else if (!AmountText.TryParse(text, _scales[payment.Currency], out payment.Amount, out AmountError error))
        {
            RefuseAmount(error, payment.Currency);
        }
    }

    private void ReadPurpose(ref Payment payment)
    {
        ReadOnlySpan<byte> text = Field(Column.Purpose);
        if (text.IsEmpty || s_purposes.TryFind(text, out payment.Purpose))
            return;
        if (!FieldText.TryReadNumber(text, (ulong)Purpose.Last, out ulong number))
            Refuse(Column.Purpose, $"one of {s_purposes.All}, or its number from 0 to {(int)Purpose.Last}");
        payment.Purpose = (Purpose)number;
    }

    private void ReadRefundable(ref Payment payment)
    {
        if (!YesOrNo.TryFind(Field(Column.Refundable), out bool refundable))
            Refuse(Column.Refundable, "yes, no, true or false");
        if (!refundable)
            return;
        if (payment.Instruction is not (Instruction.Micropayment or Instruction.Immediate or Instruction.Capture))
            Refuse(Column.Refundable, "no, because only a micropayment, immediate or capture can be refunded");
        payment.Flags |= PaymentFlags.Refundable;
    }

    private ulong Wallet(Column column)
    {
        if (!FieldText.TryReadNumber(Field(column), out ulong wallet) || wallet == 0)
            Refuse(column, "a wallet's number from 1");
        return wallet;
    }

    private ulong Number(Column column, ulong max, string expected)
    {
        if (!FieldText.TryReadNumber(Field(column), max, out ulong number))
            Refuse(column, expected);
        return number;
    }

    private void ExpectNoWallet(Column column)
    {
        ReadOnlySpan<byte> text = Field(column);
        if (!text.IsEmpty && !text.SequenceEqual("0"u8))
            Refuse(column, "nothing or 0, because the parties are those of the payment that this is about");
    }

    private void ExpectReserve(Column column, ushort currency)
    {
        ReadOnlySpan<byte> text = Field(column);
        if (!text.IsEmpty && !text.SequenceEqual("0"u8) && !ReserveName.Is(text, currency))
            Refuse(column, $"nothing, 0 or {ReserveName.Of(currency)}");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ReadOnlySpan<byte> Field(Column column) => _scanner.Field(_places[(int)column]);

    [DoesNotReturn, MethodImpl(MethodImplOptions.NoInlining)]
    private void Refuse(Column column, string expected) =>
        throw new InputException(File, _scanner.Line, s_columns[(int)column], InputException.Shown(Field(column)), expected);

    [DoesNotReturn, MethodImpl(MethodImplOptions.NoInlining)]
    private void RefuseAmount(AmountError error, ushort currency) =>
        Refuse(Column.Amount, AmountExpectation.Of(error, currency, _scales[currency]));

    [DoesNotReturn, MethodImpl(MethodImplOptions.NoInlining)]
    private void RefuseIdWithoutStream() =>
        Refuse(Column.Id, PaymentIdText.Expected + " where input comes from a pipe and no --stream NAME is given for records without id");
}
