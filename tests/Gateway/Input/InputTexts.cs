using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Gateway.Input;

namespace Settlement.Tests.Gateway.Input;

/// <summary>Inputs from text, read whole.</summary>
internal static class InputTexts
{
    public const string PaymentHeader = "id,payer,payee,amount,currency\n";

    /// <summary>2026-11-22T00:00:00Z.</summary>
    public const ulong ClockNs = 1_795_305_600_000_000_000;

    public static PaymentReaderOptions Options { get; } = new() { ClockNs = ClockNs };

    public static InputStream Stream(string text, string name = "payments.csv", bool canReread = true) =>
        Stream(Encoding.UTF8.GetBytes(text), name, canReread);

    public static InputStream Stream(byte[] bytes, string name = "payments.csv", bool canReread = true) =>
        new(new MemoryStream(bytes), name, canReread, hashed: false);

    public static List<PaymentRecord> Payments(string text, PaymentReaderOptions? options = null) =>
        All(PaymentInput.Open(Stream(text), options ?? Options));

    public static PaymentRecord Payment(string text, PaymentReaderOptions? options = null) => Payments(text, options).Single();

    public static InputException Fault(string text, PaymentReaderOptions? options = null) =>
        Thrown(() => Payments(text, options));

    public static InputException Thrown(Action action) => Assert.Throws<InputException>(() => action())!;

    public static List<PaymentRecord> All(IPaymentReader reader)
    {
        using (reader)
        {
            List<PaymentRecord> all = [];
            var some = new PaymentRecord[7];
            for (int count; (count = reader.Read(some)) > 0;)
                all.AddRange(some.AsSpan(0, count));
            return all;
        }
    }

    public static List<WalletRecord> Wallets(string text, CurrencyScales? scales = null)
    {
        using var reader = new WalletCsvReader(Stream(text, "wallets.csv"), scales ?? new CurrencyScales());
        List<WalletRecord> all = [];
        var some = new WalletRecord[3];
        for (int count; (count = reader.Read(some)) > 0;)
            all.AddRange(some.AsSpan(0, count));
        return all;
    }

    public static AccountsFile Accounts(string rows, Action<InputWarning>? warned = null) =>
        AccountsFile.Load(Stream("account,wallet\n" + rows, "accounts.csv"), warned);

    /// <summary>A stream that gives out a few bytes at a time, as a pipe may.</summary>
    public sealed class Trickle(byte[] bytes, Func<int> next) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, next())]);
    }

    /// <summary>A folder of a test's own, gone with it.</summary>
    public sealed class Folder : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("settlement-input-");

        public string Write(string name, byte[] content)
        {
            string path = Path.Combine(_folder.FullName, name);
            File.WriteAllBytes(path, content);
            return path;
        }

        public string Write(string name, string content) => Write(name, Encoding.UTF8.GetBytes(content));

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
