using System.Text;
using Settlement.Engine.Text;

namespace Settlement.Gateway.Input;

/// <summary>
/// Which wallet stands for which bank account: CSV, header <c>account,wallet</c>. An account is an IBAN or any other number as
/// pain.001 has it, its spaces ignored. The file is the authority: an IBAN whose check digits are wrong is a warning, and still maps.
/// </summary>
internal sealed class AccountsFile
{
    private static readonly string[] s_columns = ["account", "wallet"];

    private readonly Dictionary<string, Row> _rows = new(StringComparer.Ordinal);

    private AccountsFile(string file) => File = file;

    private readonly record struct Row(ulong Wallet, long Line);

    /// <summary>How messages call it.</summary>
    public string File { get; }

    public int Count => _rows.Count;

    /// <exception cref="InputException">The file cannot be used.</exception>
    public static AccountsFile Load(string path, Action<InputWarning>? warned = null) => Load(InputStream.Open(path), warned);

    /// <inheritdoc cref="Load(string, Action{InputWarning})"/>
    public static AccountsFile Load(InputStream input, Action<InputWarning>? warned = null)
    {
        using var scanner = new CsvScanner(input);
        int[] places = CsvHeader.Read(scanner, s_columns, required: 2);
        int fieldCount = scanner.FieldCount;
        var accounts = new AccountsFile(scanner.File);
        while (scanner.Next(wait: true))
        {
            if (scanner.FieldCount != fieldCount)
                throw CsvHeader.WrongFieldCount(scanner, fieldCount);
            accounts.Add(scanner, scanner.Field(places[0]), scanner.Field(places[1]), warned);
        }
        return accounts;
    }

    public bool TryFind(string account, out ulong wallet)
    {
        bool found = _rows.TryGetValue(Iban.Normalise(account), out Row row);
        wallet = row.Wallet;
        return found;
    }

    private void Add(CsvScanner scanner, ReadOnlySpan<byte> text, ReadOnlySpan<byte> walletText, Action<InputWarning>? warned)
    {
        string account = Iban.Normalise(Encoding.UTF8.GetString(text));
        if (account.Length == 0)
            throw new InputException(File, scanner.Line, s_columns[0], InputException.Shown(text), "an IBAN or another account number");
        if (!FieldText.TryReadNumber(walletText, out ulong wallet) || wallet == 0)
            throw new InputException(File, scanner.Line, s_columns[1], InputException.Shown(walletText), "a wallet's number from 1");
        if (_rows.Count == InputLimits.AccountsMax)
            throw new InputException(File, scanner.Line, $"the file has more than {InputLimits.AccountsMax} accounts");
        if (!_rows.TryAdd(account, new Row(wallet, scanner.Line)))
            throw new InputException(File, scanner.Line, $"the account {InputException.Shown(account)} stands in line {_rows[account].Line} already");
        if (Iban.LooksLikeOne(account) && !Iban.CheckDigitsHold(account))
            warned?.Invoke(new InputWarning(File, scanner.Line, $"the check digits of the IBAN {account} are wrong; it is taken as written"));
    }
}

/// <summary>International bank account numbers, ISO 13616: country, two check digits, up to 30 letters and digits.</summary>
internal static class Iban
{
    private const int CharsMin = 15;
    private const int CharsMax = 34;

    /// <summary>Without spaces; letters of an IBAN in upper case, any other account number as it is.</summary>
    public static string Normalise(string account)
    {
        string text = account.Replace(" ", "", StringComparison.Ordinal);
        return LooksLikeOne(text) ? text.ToUpperInvariant() : text;
    }

    /// <summary>Whether the form is that of an IBAN, which other account numbers seldom have. No spaces; letters in either case.</summary>
    public static bool LooksLikeOne(ReadOnlySpan<char> account)
    {
        if (account.Length is < CharsMin or > CharsMax || !char.IsAsciiLetter(account[0]) || !char.IsAsciiLetter(account[1])
            || !char.IsAsciiDigit(account[2]) || !char.IsAsciiDigit(account[3]))
            return false;
        foreach (char c in account[4..])
        {
            if (!char.IsAsciiLetterOrDigit(c))
                return false;
        }
        return true;
    }

    /// <summary>
    /// ISO 7064 mod 97-10: the first four characters moved behind the rest, letters as 10 to 35, the number leaves 1 when
    /// divided by 97.
    /// </summary>
    /// <param name="iban">A text that looks like one.</param>
    public static bool CheckDigitsHold(ReadOnlySpan<char> iban) => Append(Append(0, iban[4..]), iban[..4]) == 1;

    private static int Append(int remainder, ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            remainder = char.IsAsciiDigit(c)
                ? (remainder * 10 + (c - '0')) % 97
                : (remainder * 100 + ((c | 0x20) - 'a' + 10)) % 97;
        }
        return remainder;
    }
}
