namespace Settlement.Gateway.Input;

/// <summary>
/// Every bound of the file readers, so that no file, however large or hostile, takes more memory than is named here. One
/// open CSV reader: 256 KiB + 64 KiB; one pain.001 reader: below 1 MiB, and 40 bytes a transaction of one payment information
/// block (<see cref="TransactionIdsMax"/>).
/// </summary>
internal static class InputLimits
{
    /// <summary>One CSV record with its line end, quotes included; in XML: from one `&lt;` to the next.</summary>
    public const int RecordBytesMax = 64 * 1024;

    /// <summary>What is read at once. Holds a whole record wherever it begins.</summary>
    public const int BufferBytes = 4 * RecordBytesMax;

    public const int ColumnsMax = 64;

    /// <summary>Of a value that is quoted in a message.</summary>
    public const int ValueCharsMax = 40;

    /// <summary>Of a whole message, with a long path and a list of columns in it.</summary>
    public const int MessageCharsMax = 1_000;

    public const int XmlDepthMax = 64;

    /// <summary>Different element, attribute and namespace names; pain.001 has about 500.</summary>
    public const int XmlNamesMax = 4_096;

    /// <summary>Of an element's text that is used: identifiers have 35, amounts 19, accounts 34.</summary>
    public const int XmlTextCharsMax = 256;

    /// <summary>Transactions of one payment information block that are watched for equal identification: 40 MiB.</summary>
    public const int TransactionIdsMax = 1 << 20;

    /// <summary>Rows of an accounts file: about 150 bytes each.</summary>
    public const int AccountsMax = 1 << 23;

    /// <summary>Wallets of a wallets file: about 100 bytes each.</summary>
    public const int WalletsMax = 1 << 26;

    /// <summary>Participants of a wallets file: as many as a ledger can have.</summary>
    public const int ParticipantsMax = 32_768;
}
