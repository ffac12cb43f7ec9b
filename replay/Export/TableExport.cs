using System.Diagnostics;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Replay.Common;

namespace Settlement.Replay.Export;

/// <summary>One export of tables: a walk, whose blocks become rows as they are applied. Memory does not grow with the journal.</summary>
internal sealed class TableExport
{
    private readonly JournalWalk _walk;
    private readonly ExportStart _start;
    private readonly ExportTables _tables;
    private readonly PaymentRows _paymentRows;
    private readonly TableWriter? _payments;
    private readonly TableWriter? _commands;
    private readonly Queue<ClosedBatch> _unsealed = new(); // of the range, waiting for their seals
    private long _paymentCount;

    private TableExport(JournalWalk walk, ExportStart start, ExportTables tables)
    {
        (_walk, _start, _tables) = (walk, start, tables);
        _paymentRows = new PaymentRows(walk);
        _payments = tables.Find(PaymentRow.Schema);
        _commands = tables.Find(CommandRows.Schema);
    }

    /// <param name="request">What is wanted.</param>
    /// <param name="format">Its name, and the ending of the files' names.</param>
    /// <param name="open">Makes a table of the format over a stream.</param>
    /// <exception cref="UsageException">The request cannot be carried out; nothing was written.</exception>
    /// <exception cref="JournalException">The journal cannot be read, or is damaged; nothing was written.</exception>
    public static TableSummary Run(ExportRequest request, string format, Func<TableSchema, Stream, TableWriter> open)
    {
        var watch = Stopwatch.StartNew();
        var start = new ExportStart(request.From);
        CheckNotInJournal(request);
        using JournalWalk walk = JournalWalk.Open(request.Journal, new WalkOptions { From = FirstWanted(request), Until = request.To, Progress = request.Progress?.Invoke() });
        using var files = new ExportFiles(request.Directory, request.Force, request.CreateStream);
        using ExportTables tables = ExportTables.Open(request.Tables, schema => open(schema, files.Create($"{schema.Name}.{format}")));
        var export = new TableExport(walk, start, tables);
        export.Run();
        IReadOnlyList<TableWriter> written = tables.Finish();
        IReadOnlyList<(string Path, long Bytes)> committed = files.Commit();
        return new TableSummary
        {
            Request = request,
            Format = format,
            LedgerId = walk.LedgerId,
            Sequence = walk.State.Sequence,
            TimeNs = walk.State.TimeNs,
            Payments = export._paymentCount,
            Files = [.. written.Zip(committed, (table, file) => new TableFile(table.Schema.Name, file.Path, table.Rows, file.Bytes))],
            Elapsed = watch.Elapsed,
        };
    }

    /// <summary>
    /// What a snapshot may spare. Not in front of payments: how the id of an earlier hold is spelled, which a capture names, its payment alone says, and an
    /// export must not depend on what snapshots there are.
    /// </summary>
    private static ulong FirstWanted(ExportRequest request)
    {
        if (request.Tables.Count == 0 || request.Tables.Contains(PaymentRow.Schema.Name))
            return 0;
        bool isStateOnly = request.Tables.All(name => name == StateRows.Balances.Name || name == StateRows.Currencies.Name);
        return request.From is { Kind: PointKind.Sequence } from ? from.Value : request.From is null && isStateOnly ? WalkOptions.StateOnly : 0;
    }

    /// <summary>A journal is never written to, nor is anything laid beside its files.</summary>
    private static void CheckNotInJournal(ExportRequest request)
    {
        string journal = Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Journal)) + Path.DirectorySeparatorChar;
        string directory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Directory)) + Path.DirectorySeparatorChar;
        if (directory.StartsWith(journal, StringComparison.Ordinal))
            throw new UsageException($"--out {request.Directory} lies in the journal, which is never written to. Name another folder.");
    }

    private void Run()
    {
        while (_walk.Next())
        {
            _start.At(in _walk.Header, _walk.ClosedNow);
            if (_walk.Header.Kind == BlockKind.Payments)
                _paymentCount += _walk.Slots.Length;
            if (_payments is not null)
                WritePayments(_payments);
            if (_commands is not null)
                CommandRows.Write(_commands, _walk, _start.First);
            if (_walk.Header.Kind == BlockKind.Seal)
                NoteSeal();
            foreach (ClosedBatch batch in _walk.ClosedNow.Where(batch => _start.Includes(batch, _walk.Header.FirstSequence)))
                WriteClosed(batch);
        }

        if (!_walk.Replay.HasState && _walk.End is { Kind: not JournalEndKind.Damage })
            throw new JournalException("The journal holds no whole genesis block: its creation was cut short, and it never accepted anything.");
        _walk.ToPoint();
        _start.CheckReached(_walk.State.Sequence);
        while (_unsealed.TryDequeue(out ClosedBatch? batch))
            WriteBatch(batch, isSealed: false);
        if (_tables.Find(StateRows.Balances) is { } balances)
            StateRows.WriteBalances(balances, _walk.State);
        if (_tables.Find(StateRows.Currencies) is { } currencies)
            StateRows.WriteCurrencies(currencies, _walk.State);
    }

    private void WritePayments(TableWriter payments)
    {
        _paymentRows.BeginBlock();
        _paymentRows.SkipTo(_start.First);
        while (_paymentRows.Next(out PaymentRow row))
            row.WriteTo(payments);
    }

    private void WriteClosed(ClosedBatch batch)
    {
        _unsealed.Enqueue(batch);
        if (_tables.Find(BatchRows.Gross) is { } gross)
            BatchRows.WriteGross(gross, batch, _walk.State);
        if (_tables.Find(BatchRows.Positions) is { } positions)
            BatchRows.WritePositions(positions, batch, _walk.State);
    }

    /// <summary>Seals come in the order of their batches; those in front of the range are nobody's here.</summary>
    private void NoteSeal()
    {
        ulong number = ClosedBatch.Decode(_walk.Body[..^(int)_walk.Header.AttachmentBytes]).Number;
        if (_unsealed.TryPeek(out ClosedBatch? batch) && batch.Number == number)
            WriteBatch(_unsealed.Dequeue(), isSealed: true);
    }

    private void WriteBatch(ClosedBatch batch, bool isSealed)
    {
        if (_tables.Find(BatchRows.Batches) is { } batches)
            BatchRows.WriteBatch(batches, batch, isSealed);
    }
}
