using System.Diagnostics;
using Settlement.Engine.Text;
using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Ring;
using Settlement.Engine.Rules;
using Settlement.Engine.Snapshots;
using Settlement.Gateway.Init;
using Settlement.Gateway.Input;

namespace Settlement.Gateway.Settle;

/// <summary>
/// One run of `settle`: opens the ledger, declares what the wallets file needs, submits the files, waits until all is durable
/// and decided, and reports.
/// </summary>
/// <remarks>
/// What was decided before a fault stays decided; the same command again goes on from there. Exit codes are those of
/// <see cref="SettleCommand"/>.
/// </remarks>
internal sealed class SettleRun
{
    private readonly SettleOptions _options;
    private readonly TextWriter _output;
    private readonly TextWriter _error;
    private readonly SettleReport _report;
    private readonly ReplyCollector _replies;
    private readonly Stopwatch _watch = new();

    private SettleRun(SettleOptions options, TextWriter output, TextWriter error)
    {
        _options = options;
        _output = output;
        _error = error;
        _report = SettleReport.Open(options.Report);
        _replies = new ReplyCollector(options.Files, _report.Verdicts, options.AllVerdicts, options.Wallets, error.WriteLine);
    }

    /// <exception cref="InputException">A file cannot be used.</exception>
    /// <exception cref="UsageException">The options cannot be used.</exception>
    /// <exception cref="JournalException">The journal cannot be opened.</exception>
    public static int Run(SettleOptions options, TextWriter output, TextWriter error)
    {
        using TemporaryFolder? temporary = options.Files.Count == 0 && options.Wallets is null && options.Journal is null ? new TemporaryFolder() : null;
        if (temporary is not null)
            options = Sample(options, temporary.Path);
        if (options.Journal is null)
            throw new UsageException("--journal DIR is missing: say where the ledger's journal is, or is to be made.");
        foreach (string? file in (string?[])[.. options.Files, options.Wallets, options.Accounts, .. options.Rules.Where(path => !Directory.Exists(path))])
        {
            if (file is not null and not InputStream.StandardInputPath && !File.Exists(file))
                throw new UsageException(Directory.Exists(file) ? $"'{file}': a folder; a file is expected." : $"'{file}': no such file.");
        }

        if (options.Wallets == InputStream.StandardInputPath)
            throw new UsageException("--wallets -: a wallets file is read more than once, so it cannot be standard input.");
        if (options.Stream != 0 && options.Files.Count > 1)
            throw new UsageException($"--stream names the stream of one file, whose records it numbers from 1; {options.Files.Count} files were given.");
        var run = new SettleRun(options, output, error);
        try
        {
            return run.Run();
        }
        catch (EngineStoppedException stopped)
        {
            error.WriteLine($"{stopped.Message} What was acknowledged is durable; the same command goes on from there once the cause is mended.");
            return SettleCommand.ExitEngineStopped;
        }
        catch (JournalFailedException failed)
        {
            error.WriteLine(failed.Message);
            return SettleCommand.ExitEngineStopped;
        }
        catch (LedgerBrokenException broken)
        {
            error.WriteLine($"The journal cannot be applied: {broken.Message}. Nothing was changed.");
            return SettleCommand.ExitEngineStopped;
        }
        finally
        {
            run._report.Dispose();
        }
    }

    private static SettleOptions Sample(SettleOptions options, string folder)
    {
        string sample = Path.Combine(AppContext.BaseDirectory, "sample");
        return options with
        {
            Wallets = Path.Combine(sample, "wallets.csv"),
            Files = [Path.Combine(sample, "payments.csv")],
            Journal = Path.Combine(folder, "journal"),
            BatchCount = options.BatchCount ?? 500,
        };
    }

    private int Run()
    {
        BlockClock clock = _options.ClockNs is { } fixedNs ? BlockClock.Fixed(fixedNs) : BlockClock.System;
        AccountsFile? accounts = _options.Accounts is { } accountsPath ? AccountsFile.Load(accountsPath, Warn) : null;
        if (_options.Wallets is not null && !FasterJournal.Exists(_options.Journal!))
            LedgerSetUp.CheckWallets(_options.Wallets, new CurrencyScales()); // a file that cannot be used makes no ledger
        if (_options.Report is not null)
            SealedBatches.Tell(_options.Journal!, _report.OnClosed, warning => _error.WriteLine($"warning: {warning}"));
        using Node node = LedgerOpening.Open(_options.Journal!, OptionsOf(clock), _options.Key, NodeKeyFile.Option, _replies, _report, _error);
        CurrencyScales scales = LedgerOpening.ScalesOf(node.State);
        SortedSet<ushort> walletCurrencies = _options.Wallets is { } wallets ? LedgerSetUp.CheckWallets(wallets, scales) : [];
        if (_options.Rules.Count > 0 && node.State.LawBook.Laws.Count > 0)
            throw new UsageException("--rules: the law of this ledger is voted (`rules propose`), and one operator cannot put another in its place. `replay what-if --rules` says what it would do.");
        byte[]? rules = _options.Rules.Count > 0 ? ReadRules(scales, Calendar.DayOf(clock.NowNs)) : null;
        var submitter = new Submitter(node.Pipeline, _replies);
        var setUp = new LedgerSetUp(node.State, submitter, scales);
        setUp.CheckOptions(_options, walletCurrencies);
        setUp.AcceptTime(clock.NowNs);
        setUp.ApplyFirstSettings(_options);
        if (_options.Wallets is not null)
            setUp.OpenWallets(_options.Wallets);
        setUp.ApplySettings(_options);
        if (rules is not null)
            setUp.ActivateRules(rules);
        if (_options.Wallets is not null)
            setUp.IssueOpenings(_options.Wallets);
        if (_options.Settled is { } settled)
            setUp.ReportSettled(settled);
        ushort session = setUp.SessionOf(_options.Clearance);
        InputException? fault = Submit(submitter, session, scales, accounts, clock.NowNs);
        node.Pipeline.Drain();
        node.Pipeline.Dispose(); // else a tick may close a batch while state and batches are read
        _watch.Stop();

        _report.WriteBalances(node.State);
        SettleSummary.Print(_options, node.State, _replies, _report, _watch.Elapsed, _output);
        if (fault is null)
            return 0;
        _error.WriteLine(fault.Message);
        _error.WriteLine("What was decided before stays decided; correct the line and run the same command again.");
        return SettleCommand.ExitUnusable;
    }

    private byte[] ReadRules(CurrencyScales scales, int day)
    {
        var files = new RuleFiles(scales, _options.Parameters, day) { Checks = true };
        if (!files.TryRead(_options.Rules, out RuleTable? table, out string fault))
            throw new UsageException($"{fault}.");
        foreach (string warning in files.Warnings)
            _error.WriteLine($"warning: {warning}.");
        return RulePlan.TryBuild(table!, Iso4217.OwnerCountry, out _, out string error)
            ? table!.Encode().ToArray()
            : throw new UsageException($"{string.Join(", ", _options.Rules)}: {error}.");
    }

    private NodeOptions OptionsOf(BlockClock clock)
    {
        var options = new NodeOptions
        {
            Pipeline = new PipelineOptions { Clock = clock },
            IdMemoryBytes = _options.IdMemoryBytes,
            Recovered = _report.OnClosed,
            Snapshots = new SnapshotOptions { EveryJournalBytes = _options.SnapshotEveryBytes, IdMemoryBytes = _options.IdMemoryBytes },
            Warn = warning => _error.WriteLine($"warning: {warning}"),
        };
        return LedgerFounding.OpenOrFound(options, _options.Journal!, _options.Key, _options.AccountsMax);
    }

    /// <summary>Submits every file; stops at the first that cannot be read further.</summary>
    private InputException? Submit(Submitter submitter, ushort session, CurrencyScales scales, AccountsFile? accounts, ulong clockNs)
    {
        var readerOptions = new PaymentReaderOptions
        {
            Scales = scales,
            Stream = _options.Stream,
            Accounts = accounts,
            ClockNs = clockNs,
            Refused = _replies.Refused,
            Warned = Warn,
        };
        var records = new PaymentRecord[Submitter.ClaimSlots];
        _watch.Start();
        using SettleProgress? progress = _options.Json ? null : new SettleProgress(_replies, _error);
        try
        {
            for (int file = 0; file < _options.Files.Count; file++)
            {
                using IPaymentReader reader = PaymentInput.OpenChecked(_options.Files[file], readerOptions, out InputSummary? summary);
                progress?.Expect(summary?.Records ?? 0);
                for (int count; (count = reader.Read(records)) > 0;)
                    submitter.Payments(records.AsSpan(0, count), SlotSource.FirstFile + file, session);
            }

            return null;
        }
        catch (InputException fault)
        {
            return fault;
        }
    }

    private void Warn(InputWarning warning) => _error.WriteLine($"warning: {warning}");
}

/// <summary>A folder that is gone when it is disposed.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("settlement-settle-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
