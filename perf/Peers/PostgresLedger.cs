using Npgsql;
using NpgsqlTypes;
using Settlement.Engine.Domain;
using Settlement.Perf.Common;

namespace Settlement.Perf.Peers;

/// <summary>
/// A ledger in PostgreSQL as one would write it for speed: accounts with a balance that never falls below zero, transfers whose id is their primary key, so that
/// each is done once; a payment is one insert and two updates in one transaction. No rules, levels, batches, trees or streams.
/// </summary>
internal sealed class PostgresLedger : IAsyncDisposable
{
    public const int SetPayments = 8_192;

    private const string Schema = """
        CREATE TABLE accounts (wallet bigint NOT NULL, currency smallint NOT NULL, balance bigint NOT NULL CHECK (balance >= 0), PRIMARY KEY (wallet, currency));
        CREATE TABLE transfers (
            id_high bigint NOT NULL, id_low bigint NOT NULL, payer bigint NOT NULL, payee bigint NOT NULL, amount bigint NOT NULL, currency smallint NOT NULL,
            at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (id_high, id_low));

        CREATE FUNCTION settle_set(highs bigint[], lows bigint[], payers bigint[], payees bigint[], amounts bigint[], currencies smallint[]) RETURNS bigint LANGUAGE sql AS $$
            WITH given AS (SELECT * FROM unnest(highs, lows, payers, payees, amounts, currencies) AS t (id_high, id_low, payer, payee, amount, currency)),
            fresh AS (
                INSERT INTO transfers (id_high, id_low, payer, payee, amount, currency) SELECT * FROM given
                ON CONFLICT DO NOTHING RETURNING payer, payee, amount, currency),
            moved AS (
                SELECT wallet, currency, sum(units)::bigint AS units FROM (
                    SELECT payer AS wallet, currency, -amount AS units FROM fresh UNION ALL SELECT payee, currency, amount FROM fresh) AS each
                GROUP BY wallet, currency),
            done AS (
                UPDATE accounts SET balance = balance + moved.units FROM moved
                WHERE accounts.wallet = moved.wallet AND accounts.currency = moved.currency RETURNING 1)
            SELECT count(*) FROM fresh
        $$;

        CREATE FUNCTION settle_one(high bigint, low bigint, payer_ bigint, payee_ bigint, amount_ bigint, currency_ smallint) RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO transfers (id_high, id_low, payer, payee, amount, currency) VALUES (high, low, payer_, payee_, amount_, currency_) ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN RETURN false; END IF;
            -- In the order of wallets, so that two payments never wait for each other.
            IF payer_ < payee_ THEN
                UPDATE accounts SET balance = balance - amount_ WHERE wallet = payer_ AND currency = currency_;
                UPDATE accounts SET balance = balance + amount_ WHERE wallet = payee_ AND currency = currency_;
            ELSE
                UPDATE accounts SET balance = balance + amount_ WHERE wallet = payee_ AND currency = currency_;
                UPDATE accounts SET balance = balance - amount_ WHERE wallet = payer_ AND currency = currency_;
            END IF;
            RETURN true;
        END $$;
        """;

    private readonly NpgsqlDataSource _source;
    private readonly long _unitsInAll;
    private long _settled;
    private long _number;

    private PostgresLedger(NpgsqlDataSource source, long unitsInAll)
    {
        _source = source;
        _unitsInAll = unitsInAll;
    }

    /// <summary>Makes the tables, and fills in the opening balances.</summary>
    public static async Task<PostgresLedger> CreateAsync(PostgresServer server, IEnumerable<Payment> openings)
    {
        NpgsqlDataSource source = NpgsqlDataSource.Create(server.ConnectionString);
        long units = 0;
        await using (NpgsqlConnection connection = await source.OpenConnectionAsync().ConfigureAwait(false))
        {
            await new NpgsqlCommand(Schema, connection).ExecuteNonQueryAsync().ConfigureAwait(false);
            await using (NpgsqlBinaryImporter copy = await connection.BeginBinaryImportAsync("COPY accounts FROM STDIN (FORMAT BINARY)").ConfigureAwait(false))
            {
                foreach (Payment opening in openings)
                {
                    await copy.StartRowAsync().ConfigureAwait(false);
                    await copy.WriteAsync((long)opening.Payee, NpgsqlDbType.Bigint).ConfigureAwait(false);
                    await copy.WriteAsync((short)opening.Currency, NpgsqlDbType.Smallint).ConfigureAwait(false);
                    await copy.WriteAsync((long)opening.Amount, NpgsqlDbType.Bigint).ConfigureAwait(false);
                    units += (long)opening.Amount;
                }

                await copy.CompleteAsync().ConfigureAwait(false);
            }

            await new NpgsqlCommand("VACUUM ANALYZE accounts", connection).ExecuteNonQueryAsync().ConfigureAwait(false);
        }

        return new PostgresLedger(source, units);
    }

    /// <summary>Sets of 8,192 in one prepared call and one transaction each, on one connection: two would wait for each other's accounts.</summary>
    public Run RunSets(Payment[] payments) => Common.Run.Time(payments.Length, () => SetsAsync(payments).GetAwaiter().GetResult());

    /// <summary>One payment a prepared call and a transaction, on several connections, whose commits the server joins.</summary>
    public Run RunSingles(Payment[] payments, int connections) => Common.Run.Time(payments.Length, () =>
        Task.WaitAll([.. Enumerable.Range(0, connections).Select(i => SinglesAsync(payments, i, connections))]));

    /// <exception cref="CheckFailedException">A transfer is missing, or units.</exception>
    public async Task VerifyAsync()
    {
        await using NpgsqlCommand count = _source.CreateCommand("SELECT count(*) FROM transfers");
        await using NpgsqlCommand sum = _source.CreateCommand("SELECT sum(balance)::bigint FROM accounts");
        long counted = (long)(await count.ExecuteScalarAsync().ConfigureAwait(false))!;
        long summed = (long)(await sum.ExecuteScalarAsync().ConfigureAwait(false))!;
        if (counted != _settled || summed != _unitsInAll)
            throw new CheckFailedException($"PostgreSQL has {counted} transfers of {_settled}, and {summed} units of {_unitsInAll}");
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async Task SetsAsync(Payment[] payments)
    {
        await using NpgsqlConnection connection = await _source.OpenConnectionAsync().ConfigureAwait(false);
        await using var command = new NpgsqlCommand("SELECT settle_set($1, $2, $3, $4, $5, $6)", connection);
        for (int i = 0; i < 5; i++)
            command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint });
        await command.PrepareAsync().ConfigureAwait(false);
        for (int start = 0; start < payments.Length; start += SetPayments)
        {
            int count = Math.Min(SetPayments, payments.Length - start);
            Fill(command, payments.AsSpan(start, count), Interlocked.Add(ref _number, count) - count + 1);
            long fresh = (long)(await command.ExecuteScalarAsync().ConfigureAwait(false))!;
            if (fresh != count)
                throw new CheckFailedException($"PostgreSQL settled {fresh} of {count} payments of a set");
            Interlocked.Add(ref _settled, fresh);
        }
    }

    private static void Fill(NpgsqlCommand command, ReadOnlySpan<Payment> payments, long numberFirst)
    {
        var columns = new long[5][];
        for (int i = 0; i < columns.Length; i++)
            command.Parameters[i].Value = columns[i] = new long[payments.Length];
        var currencies = new short[payments.Length];
        command.Parameters[5].Value = currencies;
        for (int i = 0; i < payments.Length; i++)
        {
            ref readonly Payment payment = ref payments[i];
            (columns[0][i], columns[1][i], columns[2][i], columns[3][i], columns[4][i]) =
                (1, numberFirst + i, (long)payment.Payer, (long)payment.Payee, (long)payment.Amount);
            currencies[i] = (short)payment.Currency;
        }
    }

    private async Task SinglesAsync(Payment[] payments, int first, int step)
    {
        await Task.Yield();
        await using NpgsqlConnection connection = await _source.OpenConnectionAsync().ConfigureAwait(false);
        await using var command = new NpgsqlCommand("SELECT settle_one($1, $2, $3, $4, $5, $6)", connection);
        for (int i = 0; i < 5; i++)
            command.Parameters.Add(new NpgsqlParameter<long>());
        command.Parameters.Add(new NpgsqlParameter<short>());
        await command.PrepareAsync().ConfigureAwait(false);
        for (int at = first; at < payments.Length; at += step)
        {
            long[] values = [2, Interlocked.Increment(ref _number), (long)payments[at].Payer, (long)payments[at].Payee, (long)payments[at].Amount];
            for (int i = 0; i < values.Length; i++)
                ((NpgsqlParameter<long>)command.Parameters[i]).TypedValue = values[i];
            ((NpgsqlParameter<short>)command.Parameters[5]).TypedValue = (short)payments[at].Currency;
            if (await command.ExecuteScalarAsync().ConfigureAwait(false) is not true)
                throw new CheckFailedException("PostgreSQL did not settle a payment");
            Interlocked.Increment(ref _settled);
        }
    }
}
