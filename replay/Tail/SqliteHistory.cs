using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Replay.Common;

namespace Settlement.Replay.Tail;

/// <summary>A history in SQLite that is kept up to date: one transaction over many blocks holds their rows and the position behind them.</summary>
/// <remarks>
/// WAL mode, so that readers go on while it writes; `synchronous=full`, so that a committed transaction survives the loss of power and the mark
/// in the journal's folder is never ahead of it. Memory: 8 bytes an account, SQLite's cache, and what a transaction touches.
/// </remarks>
internal sealed class SqliteHistory : IProjection
{
    /// <summary>A payment makes about three rows. A larger transaction writes each account's row less often and waits for the disk less often.</summary>
    public const long RowsMaxDefault = 600_000;
    public static readonly TimeSpan PeriodDefault = TimeSpan.FromSeconds(1);

    private const int BusyMsMax = 2_000;

    private const string Settings = """
        pragma page_size = 8192; pragma journal_mode = wal; pragma synchronous = full; pragma temp_store = memory;
        pragma cache_size = -131072; pragma wal_autocheckpoint = 8192;
        """;

    private readonly SqliteConnection _connection;
    private readonly SqliteStatement _payment;
    private readonly SqliteStatement _movement;
    private readonly SqliteStatement _advance;
    private readonly HistoryCast _cast;
    private readonly List<SqliteStatement> _others = [];
    private readonly SqliteStatement _batch;
    private readonly SqliteStatement _gross;
    private readonly SqliteStatement _position;
    private readonly SqliteStatement _settled;
    private long _lastMovement;
    private ulong _committedSequence;
    private ulong _committedBlock;
    private bool _inTransaction;

    /// <param name="directory">Where the database is, or shall be.</param>
    /// <param name="ledgerId">The journal's.</param>
    /// <exception cref="UsageException">What is there is no history, of another version or of another ledger.</exception>
    public SqliteHistory(string directory, UInt128 ledgerId)
    {
        string path = Path.Combine(directory, HistorySchema.FileName);
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = BusyMsMax / 1000 }.ToString());
        try
        {
            _connection.Open();
            Execute($"pragma busy_timeout = {BusyMsMax};");
            OpenOrCreate(path, ledgerId);
            _payment = Prepare("insert into payments values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
            _movement = Prepare("insert into movements values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
            _batch = Prepare("insert into batches values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null)");
            _gross = Prepare("insert into batch_gross values (?, ?, ?)");
            _position = Prepare("insert into positions values (?, ?, ?, ?, ?)");
            _settled = Prepare("update batches set settled_sequence = ? where batch = ?");
            _advance = Prepare("update position set sequence = ?, block = ?, address = ?, chain = ?, time_ns = ?, movement = ? where sequence = ? and block = ?");
            _cast = new HistoryCast(_connection);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public TailPosition? Position { get; private set; }

    public long RowsPending { get; private set; }

    public long RowsMax { get; init; } = RowsMaxDefault;

    public TimeSpan Period { get; init; } = PeriodDefault;

    /// <summary>Nothing is kept from block to block but what the tables say.</summary>
    public void Resume(JournalWalk walk)
    {
    }

    public void Take(JournalWalk walk)
    {
        if (!_inTransaction)
            Execute("begin immediate;");
        _inTransaction = true;
        ref readonly BlockHeader header = ref walk.Header;
        if (header.Kind == BlockKind.Payments)
            InsertPayments(in header, walk.Slots, walk.Outcomes);
        else if (header.Kind == BlockKind.Control)
            TakeCommands(walk);
        if (header.Kind != BlockKind.Genesis)
            InsertMovements(walk.State.Movements!.All);
        foreach (ClosedBatch closed in walk.ClosedNow)
            Insert(closed);
    }

    public void Commit(in TailPosition position, JournalWalk walk)
    {
        if (!_inTransaction)
            Execute("begin immediate;");
        _inTransaction = true;
        _cast.Write(walk.State);
        _advance.Bind(1, position.Sequence);
        _advance.Bind(2, position.Block);
        _advance.Bind(3, position.Address);
        Digest chain = position.Chain;
        _advance.Bind(4, (ReadOnlySpan<byte>)chain);
        _advance.Bind(5, position.TimeNs);
        _advance.Bind(6, _lastMovement);
        _advance.Bind(7, _committedSequence);
        _advance.Bind(8, _committedBlock);
        _advance.Execute();
        if (Scalar("select changes();") != 1)
            throw new UsageException($"The history '{_connection.DataSource}' was changed by another program while it was being kept up to date. Delete it, and it is made again from the journal.");
        Execute("commit;");
        _inTransaction = false;
        (_committedSequence, _committedBlock) = (position.Sequence, position.Block);
        Position = position;
        RowsPending = 0;
    }

    public void Dispose()
    {
        foreach (SqliteStatement statement in _others)
            statement.Dispose();
        _cast?.Dispose();
        _connection.Dispose(); // what was not committed is undone
    }

    private void InsertPayments(in BlockHeader header, ReadOnlySpan<Payment> payments, ReadOnlySpan<Outcome> outcomes)
    {
        _payment.Bind(2, header.Number);
        _payment.Bind(3, header.TimeNs);
        for (int i = 0; i < payments.Length; i++)
        {
            ref readonly Payment payment = ref payments[i];
            ref readonly Outcome outcome = ref outcomes[i];
            _payment.Bind(1, header.FirstSequence + (ulong)i);
            _payment.Bind(4, payment.IdHigh);
            _payment.Bind(5, payment.IdLow);
            _payment.Bind(6, payment.Payer);
            _payment.Bind(7, payment.Payee);
            _payment.Bind(8, (long)payment.Currency);
            _payment.Bind(9, payment.Amount);
            _payment.Bind(10, payment.Reference);
            _payment.Bind(11, payment.ValidUntilNs);
            _payment.Bind(12, (long)payment.Instruction);
            _payment.Bind(13, (long)payment.Flags);
            _payment.Bind(14, (long)payment.Level);
            _payment.Bind(15, (long)payment.Purpose);
            _payment.Bind(16, (long)payment.Session);
            _payment.Bind(17, (long)outcome.Verdict);
            _payment.Bind(18, (long)outcome.First);
            _payment.Bind(19, (long)outcome.Rule);
            _payment.Bind(20, (long)outcome.Batch);
            _payment.Bind(21, outcome.Available);
            _payment.Execute();
        }

        RowsPending += payments.Length;
    }

    private void InsertMovements(ReadOnlySpan<AccountMovement> movements)
    {
        foreach (ref readonly AccountMovement movement in movements)
        {
            _movement.Bind(1, ++_lastMovement);
            _movement.Bind(2, (long)movement.Account);
            _movement.Bind(3, (long)movement.Other);
            _movement.Bind(4, movement.Sequence);
            _movement.Bind(5, movement.Payment);
            _movement.Bind(6, movement.TimeNs);
            _movement.Bind(7, movement.Batch);
            _movement.Bind(8, movement.Available);
            _movement.Bind(9, movement.Pending);
            _movement.Bind(10, movement.Held);
            _movement.Bind(11, movement.AvailableChange);
            _movement.Bind(12, movement.PendingChange);
            _movement.Bind(13, movement.HeldChange);
            _movement.Bind(14, _cast.Moved(movement.Account, _lastMovement));
            _movement.Execute();
        }

        RowsPending += movements.Length;
    }

    private void TakeCommands(JournalWalk walk)
    {
        ReadOnlySpan<ControlCommand> commands = MemoryMarshal.Cast<Payment, ControlCommand>(walk.Slots);
        ReadOnlySpan<Outcome> outcomes = walk.Outcomes;
        for (int i = 0; i < commands.Length; i += 1 + commands[i].ContinuationSlots)
        {
            ref readonly ControlCommand command = ref commands[i];
            if (outcomes[i].Verdict != Verdict.Accepted)
                continue;
            if (command.Instruction.IsAboutWallet())
            {
                _cast.Changed(walk.State, command.Subject);
                RowsPending++;
            }
            else if (command.Instruction == Instruction.SettledBatch)
            {
                _settled.Bind(1, walk.Header.FirstSequence + (ulong)i);
                _settled.Bind(2, command.Subject);
                _settled.Execute();
            }
        }
    }

    private void Insert(ClosedBatch closed)
    {
        Digest rules = closed.RulesHash, state = closed.StateHash, root = closed.Root;
        _batch.Bind(1, closed.Number);
        _batch.Bind(2, closed.FirstSequence);
        _batch.Bind(3, closed.LastSequence);
        _batch.Bind(4, closed.OpenedNs);
        _batch.Bind(5, closed.ClosedNs);
        _batch.Bind(6, closed.Count);
        _batch.Bind(7, closed.Accepted);
        _batch.Bind(8, (ReadOnlySpan<byte>)rules);
        _batch.Bind(9, (ReadOnlySpan<byte>)state);
        _batch.Bind(10, (ReadOnlySpan<byte>)root);
        _batch.Execute();
        foreach (GrossValue gross in closed.Gross)
        {
            _gross.Bind(1, closed.Number);
            _gross.Bind(2, (long)gross.Currency);
            _gross.Bind(3, (Int128)gross.Amount);
            _gross.Execute();
        }

        foreach (NetPosition net in closed.Net)
        {
            _position.Bind(1, closed.Number);
            _position.Bind(2, (long)net.Participant);
            _position.Bind(3, (long)net.Currency);
            _position.Bind(4, net.Net);
            _position.Bind(5, net.Fee);
            _position.Execute();
        }

        RowsPending += 1 + closed.Gross.Count + closed.Net.Count;
    }

    private void OpenOrCreate(string path, UInt128 ledgerId)
    {
        long application = Scalar("pragma application_id;");
        if (application == 0 && Scalar("select count(*) from sqlite_schema;") == 0)
        {
            Execute(Settings);
            Execute("begin exclusive;" + HistorySchema.Create(ledgerId) + "commit;");
        }
        else if (application != HistorySchema.ApplicationId)
        {
            throw new UsageException($"'{path}' is a database of another program. Name another directory.");
        }

        long version = Scalar("pragma user_version;");
        if (version != HistorySchema.Version)
            throw new UsageException($"The history '{path}' is of format {version}, this program writes format {HistorySchema.Version}. Use the program that wrote it, or delete it: it is made again from the journal.");
        Execute(Settings);
        using SqliteStatement stored = new(_connection, "select ledger, sequence, block, address, chain, time_ns, movement from position");
        stored.Read();
        string ledger = stored.Text(0);
        if (ledger != ledgerId.ToString("x32", System.Globalization.CultureInfo.InvariantCulture))
            throw new UsageException($"The history '{path}' is of ledger {ledger}, the journal of ledger {ledgerId:x32}. Name the directory of that ledger, or a new one.");
        (_committedSequence, _committedBlock, _lastMovement) = (stored.Bits(1), stored.Bits(2), stored.Number(6));
        if (!stored.IsNull(4))
            Position = new TailPosition(ledgerId, _committedSequence, _committedBlock, stored.Number(3), Digest.From(stored.Bytes(4)), stored.Bits(5));
    }

    private SqliteStatement Prepare(string sql)
    {
        var statement = new SqliteStatement(_connection, sql);
        _others.Add(statement);
        return statement;
    }

    private void Execute(string sql)
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private long Scalar(string sql)
    {
        using var statement = new SqliteStatement(_connection, sql);
        return statement.Read() ? statement.Number(0) : 0;
    }
}
