using System.Globalization;
using Microsoft.Data.Sqlite;
using Settlement.Engine.Domain;

namespace Settlement.History;

/// <summary>
/// Reads a history that <c>replay tail --to sqlite</c> keeps up to date, while it does: payments by id, statements of wallets in pages, batches.
/// </summary>
/// <remarks>
/// Each call sees the history as of one commit. Where several calls must agree, put them into one <see cref="Snapshot"/>. One thread at a time; more
/// readers are more instances. A page of a statement costs a few look-ups a line, however long the statement and wherever the page is.
/// <para>It withholds nothing: levels stand in the payments and wallets it returns, for the caller to compare with a clearance.</para>
/// </remarks>
public sealed class HistoryReader : IDisposable
{
    private const string PaymentColumns = """
        p.sequence, p.block, p.time_ns, p.id_high, p.id_low, p.payer, p.payee, p.currency, p.amount, p.reference, p.valid_until_ns,
        p.instruction, p.flags, p.level, p.purpose, p.session, p.verdict, p.first, p.rule, p.batch, p.available
        """;

    private const int PaymentColumnCount = 21;

    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteStatement> _statements = []; // looked up, never walked but to be disposed

    private HistoryReader(SqliteConnection connection) => _connection = connection;

    /// <param name="directory">The one that was given to `replay tail`.</param>
    /// <exception cref="HistoryException">There is no history that this program could read.</exception>
    public static HistoryReader Open(string directory)
    {
        string path = Path.Combine(directory, HistorySchema.FileName);
        if (!File.Exists(path))
            throw new HistoryException($"There is no history '{path}'. `replay tail JOURNAL --to sqlite {directory}` makes one.");
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        try
        {
            connection.Open();
            using var format = new SqliteStatement(connection, "select a.application_id, v.user_version from pragma_application_id a, pragma_user_version v");
            format.Read();
            if (format.Number(0) != HistorySchema.ApplicationId || format.Number(1) != HistorySchema.Version)
                throw new HistoryException($"'{path}' is no history of format {HistorySchema.Version}. Use the program version that wrote it, or have it made again from the journal.");
            return new HistoryReader(connection);
        }
        catch (SqliteException fault)
        {
            connection.Dispose();
            throw new HistoryException($"'{path}' cannot be read as a history: {fault.Message}", fault);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Until it is disposed, all calls see the history as of one commit. The tail goes on meanwhile.</summary>
    public IDisposable Snapshot() => _connection.BeginTransaction(deferred: true);

    /// <summary>How far the history is; null: nothing is in it yet.</summary>
    public HistoryPosition? Position()
    {
        SqliteStatement rows = Ready("select ledger, sequence, block, time_ns from position where chain is not null");
        if (!rows.Read())
            return null;
        var position = new HistoryPosition(
            UInt128.Parse(rows.Text(0), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture), rows.Bits(1), rows.Bits(2), rows.Bits(3));
        rows.Reset();
        return position;
    }

    /// <summary>Every payment of an id in the order of their sequences: the first, its repeats, and those of other participants, whose ids are their own.</summary>
    /// <param name="idHigh">High half: of a stream id, the stream.</param>
    /// <param name="idLow">Low half: of a stream id, the number.</param>
    /// <param name="limit">The most that are returned.</param>
    /// <param name="after">Only those behind this sequence.</param>
    public IReadOnlyList<HistoryPayment> PaymentsById(ulong idHigh, ulong idLow, int limit = 100, ulong after = 0)
    {
        SqliteStatement rows = Ready($"select {PaymentColumns} from payments p where id_high = ? and id_low = ? and sequence > ? order by sequence limit ?");
        rows.Bind(1, idHigh);
        rows.Bind(2, idLow);
        rows.Bind(3, after);
        rows.Bind(4, (long)limit);
        var payments = new List<HistoryPayment>();
        while (rows.Read())
            payments.Add(PaymentAt(rows, 0));
        return payments;
    }

    /// <summary>The payment of a sequence; null: it is a command's, or not in the history yet.</summary>
    public HistoryPayment? PaymentAt(ulong sequence)
    {
        SqliteStatement rows = Ready($"select {PaymentColumns} from payments p where sequence = ?");
        rows.Bind(1, sequence);
        if (!rows.Read())
            return null;
        HistoryPayment payment = PaymentAt(rows, 0);
        rows.Reset();
        return payment;
    }

    /// <summary>The currencies that the ledger declared.</summary>
    public IReadOnlyList<HistoryCurrency> Currencies()
    {
        SqliteStatement rows = Ready("select currency, letters, scale from currencies order by currency");
        var currencies = new List<HistoryCurrency>();
        while (rows.Read())
            currencies.Add(new HistoryCurrency((ushort)rows.Number(0), rows.Text(1), (int)rows.Number(2)));
        return currencies;
    }

    /// <summary>Names of the participants, by index.</summary>
    public IReadOnlyList<string> Participants()
    {
        SqliteStatement rows = Ready("select name from participants order by participant");
        var names = new List<string>();
        while (rows.Read())
            names.Add(rows.Text(0));
        return names;
    }

    /// <summary>A wallet with its accounts; null: the ledger does not know it.</summary>
    public HistoryWallet? Wallet(ulong wallet)
    {
        SqliteStatement rows = Ready("select participant, country, tier, kind, level, status, holder from wallets where wallet = ?");
        rows.Bind(1, wallet);
        if (!rows.Read())
            return null;
        var found = new HistoryWallet(
            wallet, (ushort)rows.Number(0), (ushort)rows.Number(1), (byte)rows.Number(2), (PartyKind)rows.Number(3), (byte)rows.Number(4), (WalletStatus)rows.Number(5),
            rows.Bits(6),
            Accounts(wallet));
        rows.Reset();
        return found;
    }

    /// <summary>The statement of a wallet in one currency, a page at a time, the newest lines first.</summary>
    /// <param name="wallet">The wallet.</param>
    /// <param name="currency">ISO 4217 number.</param>
    /// <param name="limit">Lines of a page.</param>
    /// <param name="from">0 for the newest page, then what the page before says comes next. Lines that came since are not in it.</param>
    /// <returns>No lines where the wallet has no account in the currency, or it was never moved.</returns>
    /// <exception cref="ArgumentException"><paramref name="from"/> is no movement of that account.</exception>
    public StatementPage Statement(ulong wallet, ushort currency, int limit = 100, long from = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        SqliteStatement rows = Ready("select account, last_movement from accounts where wallet = ? and currency = ?");
        rows.Bind(1, wallet);
        rows.Bind(2, (long)currency);
        if (!rows.Read())
            return new StatementPage([], 0);
        (long account, long last) = (rows.Number(0), rows.Number(1));
        rows.Reset();
        var lines = new List<StatementLine>();
        long next = from != 0 ? from : last;
        while (next != 0 && lines.Count < limit)
        {
            if (LineAt(next, account, out long previous) is not { } line)
                throw new ArgumentException($"{from} is no movement of wallet {wallet} in currency {currency}", nameof(from));
            lines.Add(line);
            next = previous;
        }

        return new StatementPage(lines, next);
    }

    /// <summary>A closed batch with its gross and positions; null: there is none of that number, or it is still open.</summary>
    public HistoryBatch? Batch(ulong number)
    {
        SqliteStatement rows = Ready("""
            select first_sequence, last_sequence, opened_ns, closed_ns, counted, accepted, rules, state_hash, root, settled_sequence from batches where batch = ?
            """);
        rows.Bind(1, number);
        if (!rows.Read())
            return null;
        var batch = new HistoryBatch(
            number, rows.Bits(0), rows.Bits(1), rows.Bits(2), rows.Bits(3), rows.Bits(4), rows.Bits(5),
            Digest.From(rows.Bytes(6)), Digest.From(rows.Bytes(7)), Digest.From(rows.Bytes(8)), rows.IsNull(9) ? null : rows.Bits(9),
            GrossOf(number), NetOf(number));
        rows.Reset();
        return batch;
    }

    /// <summary>Rows of a table, for tests.</summary>
    internal long Count(string table)
    {
        using var rows = new SqliteStatement(_connection, $"select count(*) from {table}");
        rows.Read();
        return rows.Number(0);
    }

    public void Dispose()
    {
        foreach (SqliteStatement statement in _statements.Values)
            statement.Dispose();
        _connection.Dispose();
    }

    private List<HistoryAccount> Accounts(ulong wallet)
    {
        // Low 32 bits of batches' numbers, as accounts and payments have them.
        SqliteStatement rows = Ready("""
            select currency, available, pending, held, batch = (select (coalesce(max(batch), 0) + 1) & 0xffffffff from batches)
            from accounts where wallet = ? order by currency
            """);
        rows.Bind(1, wallet);
        var accounts = new List<HistoryAccount>();
        while (rows.Read())
        {
            bool pends = rows.Number(4) != 0;
            accounts.Add(new HistoryAccount((ushort)rows.Number(0), rows.Bits(1) + (pends ? 0 : rows.Bits(2)), pends ? rows.Bits(2) : 0, rows.Bits(3)));
        }

        return accounts;
    }

    /// <summary>A movement; null: it is none, or another account's.</summary>
    private StatementLine? LineAt(long movement, long account, out long previous)
    {
        SqliteStatement rows = Ready($"""
            select {PaymentColumns}, m.sequence, m.time_ns, m.batch, m.available, m.pending, m.held, m.available_change, m.pending_change, m.held_change,
              m.previous, coalesce((select o.wallet from accounts o where o.account = m.other), 0)
            from movements m join payments p on p.sequence = m.payment where m.movement = ? and m.account = ?
            """);
        rows.Bind(1, movement);
        rows.Bind(2, account);
        previous = 0;
        if (!rows.Read())
            return null;
        const int M = PaymentColumnCount;
        ulong available = rows.Bits(M + 3), pending = rows.Bits(M + 4), held = rows.Bits(M + 5);
        var line = new StatementLine(
            movement, rows.Bits(M), rows.Bits(M + 1), rows.Bits(M + 2), PaymentAt(rows, 0), rows.Bits(M + 10),
            ChangeTo(available, rows.Bits(M + 6)), ChangeTo(pending, rows.Bits(M + 7)), ChangeTo(held, rows.Bits(M + 8)), available, pending, held);
        previous = rows.Number(M + 9);
        rows.Reset();
        return line;
    }

    /// <summary>Changes are kept modulo 2^64; the balance behind one tells which number it is.</summary>
    private static Int128 ChangeTo(ulong after, ulong change) => (Int128)after - unchecked(after - change);

    private List<HistoryGross> GrossOf(ulong batch)
    {
        SqliteStatement rows = Ready("select currency, gross from batch_gross where batch = ? order by currency");
        rows.Bind(1, batch);
        var gross = new List<HistoryGross>();
        while (rows.Read())
            gross.Add(new HistoryGross((ushort)rows.Number(0), (UInt128)rows.Sum(1)));
        return gross;
    }

    private List<HistoryNet> NetOf(ulong batch)
    {
        SqliteStatement rows = Ready("select participant, currency, net, fee from positions where batch = ? order by participant, currency");
        rows.Bind(1, batch);
        var net = new List<HistoryNet>();
        while (rows.Read())
            net.Add(new HistoryNet((ushort)rows.Number(0), (ushort)rows.Number(1), rows.Sum(2), rows.Sum(3)));
        return net;
    }

    private static HistoryPayment PaymentAt(SqliteStatement row, int column) => new(
        row.Bits(column), row.Bits(column + 1), row.Bits(column + 2),
        new Payment
        {
            IdHigh = row.Bits(column + 3), IdLow = row.Bits(column + 4), Payer = row.Bits(column + 5), Payee = row.Bits(column + 6),
            Currency = (ushort)row.Number(column + 7), Amount = row.Bits(column + 8), Reference = row.Bits(column + 9), ValidUntilNs = row.Bits(column + 10),
            Instruction = (Instruction)row.Number(column + 11), Flags = (PaymentFlags)row.Number(column + 12), Level = (byte)row.Number(column + 13),
            Purpose = (Purpose)row.Number(column + 14), Session = (ushort)row.Number(column + 15),
        },
        new Outcome
        {
            Verdict = (Verdict)row.Number(column + 16), First = (Verdict)row.Number(column + 17), Rule = (ushort)row.Number(column + 18),
            Batch = (uint)row.Number(column + 19), Available = row.Bits(column + 20),
        });

    private SqliteStatement Ready(string sql)
    {
        if (!_statements.TryGetValue(sql, out SqliteStatement? statement))
            _statements.Add(sql, statement = new SqliteStatement(_connection, sql));
        return statement;
    }
}

/// <summary>A history cannot be read. The message says what, where, and what to do.</summary>
public sealed class HistoryException : Exception
{
    public HistoryException(string message) : base(message) { }

    public HistoryException(string message, Exception inner) : base(message, inner) { }
}
