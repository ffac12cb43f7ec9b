using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text;
using Settlement.Engine.Domain;

namespace Settlement.Perf.Generate;

/// <summary>What was written: lines without headers, and bytes of text before compression.</summary>
public readonly record struct Written(long WalletLines, long PaymentLines, long TextBytes);

/// <summary>The two files that `settle` reads, as `perf generate` writes them. Memory: two buffers, whatever the size.</summary>
public static class CsvFiles
{
    public const string WalletsName = "wallets.csv";
    public const string PaymentsName = "payments.csv";
    public const string WalletsHeader = "wallet,country,participant,currency,opening,tier,level,status";
    public const string PaymentsHeader = "id,payer,payee,amount,currency,instruction,reference,purpose,level,valid_until,refundable";

    private const int ChunkPayments = 1_024;

    /// <summary>Writes both files into a directory, which is made if it is not there. Existing files are replaced.</summary>
    /// <exception cref="ArgumentException">The options cannot be generated.</exception>
    /// <exception cref="IOException">The directory or a file cannot be written.</exception>
    public static Written Write(GenerateOptions options, string directory, bool gzip = false)
    {
        ArgumentNullException.ThrowIfNull(options);
        var generator = new PaymentGenerator(options);
        Directory.CreateDirectory(directory);
        using var wallets = new CsvText(Open(directory, WalletsName, gzip));
        long walletLines = WriteWallets(generator.Population, wallets);
        using var payments = new CsvText(Open(directory, PaymentsName, gzip));
        WritePayments(generator, options.Payments, options.Ids, payments);
        wallets.Flush();
        payments.Flush();
        return new Written(walletLines, options.Payments, wallets.BytesWritten + payments.BytesWritten);
    }

    /// <summary>A line a wallet and currency; the number of lines is returned.</summary>
    public static long WriteWallets(Population population, CsvText text)
    {
        ArgumentNullException.ThrowIfNull(population);
        ArgumentNullException.ThrowIfNull(text);
        Line(text, WalletsHeader);
        long lines = 0;
        for (ulong index = 0; index < population.Count; index++)
        {
            WriteAccount(population.AccountAt(index), text);
            lines++;
            if (population.HasSecondAccount(index))
            {
                WriteAccount(population.SecondAccountAt(index), text);
                lines++;
            }
        }

        return lines;
    }

    public static void WritePayments(PaymentGenerator generator, long count, IdKind ids, CsvText text)
    {
        ArgumentNullException.ThrowIfNull(generator);
        ArgumentNullException.ThrowIfNull(text);
        Line(text, PaymentsHeader);
        var chunk = new Payment[ChunkPayments];
        while (count > 0)
        {
            Span<Payment> payments = chunk.AsSpan(0, (int)Math.Min(count, ChunkPayments));
            generator.Fill(payments);
            foreach (ref readonly Payment payment in payments)
                WritePayment(payment, ids, text);
            count -= payments.Length;
        }
    }

    private static void WritePayment(in Payment payment, IdKind ids, CsvText text)
    {
        ref readonly CurrencyText currency = ref s_currencies[IndexOf(payment.Currency)];
        bool hasTarget = payment.Instruction is Instruction.Capture or Instruction.Void or Instruction.Refund;
        WriteId(payment.IdHigh, payment.IdLow, ids, text);
        text.Comma();
        if (!hasTarget)
            text.Number(payment.Payer);
        text.Comma();
        if (!hasTarget)
            text.Number(payment.Payee);
        text.Comma();
        if (payment.Instruction != Instruction.Void)
            text.Amount(payment.Amount, currency.Scale);
        text.Comma();
        text.Text(currency.Letters);
        text.Comma();
        text.Text(s_instructions[(int)payment.Instruction]);
        text.Comma();
        if (hasTarget)
            WriteId(payment.Payee, payment.Reference, ids, text);
        else if (payment.Reference != 0)
            text.Number(payment.Reference);
        text.Comma();
        text.Text(s_purposes[(int)payment.Purpose]);
        text.Comma();
        if (payment.Level != 0)
            text.Number(payment.Level);
        text.Comma();
        if (payment.ValidUntilNs != 0)
            text.Time(payment.ValidUntilNs / Limits.NsPerSecond);
        text.Comma();
        if ((payment.Flags & PaymentFlags.Refundable) != 0)
            text.Text("true"u8);
        text.EndLine();
    }

    private static void WriteId(ulong high, ulong low, IdKind ids, CsvText text)
    {
        if (ids == IdKind.None)
            return;
        if (ids != IdKind.Stream)
        {
            text.Uuid(high, low);
            return;
        }

        text.Number(high);
        text.Text(":"u8);
        text.Number(low);
    }

    private static void WriteAccount(in GeneratedAccount account, CsvText text)
    {
        text.Number(account.Wallet);
        text.Comma();
        Ascii(text, account.Country);
        text.Comma();
        text.Text("bank-"u8);
        text.Number((ulong)account.Participant);
        text.Comma();
        Ascii(text, account.Currency.Letters);
        text.Comma();
        text.Amount(account.Opening, account.Currency.Scale);
        text.Comma();
        text.Number(account.Tier);
        text.Comma();
        text.Number(account.Level);
        text.Comma();
        text.Text(account.Status == WalletStatus.Frozen ? "frozen"u8 : "active"u8);
        text.EndLine();
    }

    private static void Line(CsvText text, string line)
    {
        Ascii(text, line);
        text.EndLine();
    }

    private static void Ascii(CsvText text, string ascii)
    {
        Span<byte> bytes = stackalloc byte[128];
        text.Text(bytes[..Encoding.ASCII.GetBytes(ascii, bytes)]);
    }

    private static Stream Open(string directory, string name, bool gzip)
    {
        string path = Path.Combine(directory, gzip ? name + ".gz" : name);
        var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1); // CsvText buffers
        return gzip ? new GZipStream(file, CompressionLevel.Fastest) : file;
    }

    private readonly record struct CurrencyText(ushort Number, int Scale, byte[] Letters);

    private static readonly CurrencyText[] s_currencies =
    [
        .. Places.Currencies.Append(Places.Undeclared)
            .Select(one => new CurrencyText(one.Number, one.Scale, Encoding.ASCII.GetBytes(one.Letters))),
    ];

    private static readonly byte[][] s_instructions =
        [[], .. Enumerable.Range((int)Instruction.Micropayment, (int)Instruction.Refund).Select(one => Encoding.ASCII.GetBytes(Places.WordOf((Instruction)one)))];

    private static readonly byte[][] s_purposes =
        [.. Enumerable.Range(0, (int)Purpose.Last + 1).Select(one => Encoding.ASCII.GetBytes(Places.WordOf((Purpose)one)))];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int IndexOf(ushort number)
    {
        int index = 0;
        while (s_currencies[index].Number != number)
            index++;
        return index;
    }
}
