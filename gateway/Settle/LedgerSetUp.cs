using System.Runtime.CompilerServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Gateway.Input;

namespace Settlement.Gateway.Settle;

/// <summary>
/// The control commands of a settle run: what the wallets file and the options need that the ledger does not have yet. Reads the
/// state once, before anything is submitted, and from then on keeps account of what it has sent itself.
/// </summary>
internal sealed class LedgerSetUp
{
    private const ulong FirstSettings = 2;

    private readonly Submitter _submitter;
    private readonly CurrencyScales _scales;
    private readonly Dictionary<string, ushort> _participants = new(StringComparer.Ordinal);
    private readonly HashSet<ushort> _currencies = [];
    private readonly ulong _sequence;
    private readonly ulong _timeNs;
    private readonly ulong _lastBatch;
    private readonly List<ulong> _unsettled = [];
    private readonly ushort _nextSession;
    private readonly Dictionary<byte, ushort> _sessions = [];

    public LedgerSetUp(LedgerState state, Submitter submitter, CurrencyScales scales)
    {
        _submitter = submitter;
        _scales = scales;
        for (ushort participant = 0; participant < state.Participants.Count; participant++)
            _participants.Add(state.Participants.NameOf(participant), participant);
        for (int index = 1; index <= state.Currencies.Count; index++)
            _currencies.Add(state.Currencies[index].Number);
        for (ushort session = 1; session < state.Sessions.Next; session++)
        {
            ref readonly SessionRecord record = ref state.Sessions.At(session);
            if (record.Participant == Limits.OperatorParticipant && record.Flags == SessionFlags.Operator)
                _sessions.TryAdd(record.Clearance, session);
        }

        _sequence = state.Sequence;
        _timeNs = state.TimeNs;
        _lastBatch = state.Batch.Number - 1;
        for (ulong batch = 1; batch <= _lastBatch; batch++)
        {
            if (state.Positions.IsUnsettled(batch))
                _unsettled.Add(batch);
        }

        _nextSession = (ushort)state.Sessions.Next;
    }

    /// <summary>Finds what is wrong with a wallets file before the first wallet is opened.</summary>
    /// <returns>The currencies that it names.</returns>
    /// <exception cref="InputException">Its first fault, or it cannot be read more than once.</exception>
    public static SortedSet<ushort> CheckWallets(string path, CurrencyScales scales)
    {
        InputStream input = InputStream.Open(path);
        if (!input.CanReread)
        {
            input.Dispose();
            throw new InputException(path, 0, "a wallets file is read more than once, so it cannot come from a pipe");
        }

        using var reader = new WalletCsvReader(input, scales);
        var records = new WalletRecord[Submitter.ClaimSlots];
        var currencies = new SortedSet<ushort>();
        for (int count; (count = reader.Read(records)) > 0;)
        {
            foreach (ref readonly WalletRecord record in records.AsSpan(0, count))
                currencies.Add(record.Currency);
        }

        return currencies;
    }

    /// <summary>Finds what is wrong with the options before anything is submitted.</summary>
    /// <param name="options">Of the run.</param>
    /// <param name="walletCurrencies">Those that the wallets file will declare, where the ledger does not have them yet.</param>
    /// <exception cref="UsageException">A batch that is not closed, a currency that there is not, or an amount that does not fit one.</exception>
    public void CheckOptions(SettleOptions options, IEnumerable<ushort> walletCurrencies)
    {
        if (options.Settled is { } last && (last == 0 || last > _lastBatch))
        {
            string closed = _lastBatch switch { 0 => "no batch is closed", 1 => "batch 1 is closed", _ => $"batches 1 to {_lastBatch} are closed" };
            throw new UsageException($"--settled {last}: {closed}.");
        }

        SortedSet<ushort> currencies = [.. _currencies, .. walletCurrencies];
        foreach (BatchValue value in options.BatchValues)
        {
            if (value.Currency != 0 && !currencies.Contains(value.Currency))
                throw new UsageException($"--batch-value {Iso4217.LettersOf(value.Currency)}: the ledger has no such currency.");
            foreach (ushort currency in currencies.Where(currency => value.Currency == 0 || value.Currency == currency))
                _ = Units(value, currency);
        }
    }

    /// <summary>
    /// Starting the program is the operator's word that the time since the last run has really passed. Half a step: the block that the
    /// word has to stand before is sealed later than this.
    /// </summary>
    public void AcceptTime(ulong nowNs)
    {
        if (_timeNs != 0 && nowNs > _timeNs && nowNs - _timeNs > Limits.TimeStepMaxNs / 2)
            Send(new ControlCommand { Instruction = Instruction.AcceptTime });
    }

    /// <summary>
    /// A new ledger's cut-offs: those that were given, else the defaults. They are its first <see cref="FirstSettings"/> commands, so a ledger
    /// that has no more than these has still to get them, however its first run ended.
    /// </summary>
    public void ApplyFirstSettings(SettleOptions options)
    {
        if (_sequence >= FirstSettings)
            return;
        Set(SettingKey.BatchCount, options.BatchCount ?? SettleOptions.BatchCountDefault);
        Set(SettingKey.BatchAgeNs, options.BatchAgeNs ?? SettleOptions.BatchAgeNsDefault);
    }

    /// <summary>Declares participants and currencies that are new, and opens wallets and accounts.</summary>
    public void OpenWallets(string path)
    {
        using var reader = new WalletCsvReader(InputStream.Open(path), _scales);
        var records = new WalletRecord[Submitter.ClaimSlots];
        var opened = new PaymentRecord[Submitter.ClaimSlots];
        for (int count; (count = reader.Read(records)) > 0;)
        {
            DeclareFor(records.AsSpan(0, count));
            for (int i = 0; i < count; i++)
                opened[i] = new PaymentRecord { Line = records[i].Line, Payment = Unsafe.BitCast<ControlCommand, Payment>(OpenWallet(in records[i])) };
            _submitter.Payments(opened.AsSpan(0, count), SlotSource.Wallet, Limits.OperatorSession);
        }
    }

    private void DeclareFor(ReadOnlySpan<WalletRecord> records)
    {
        foreach (ref readonly WalletRecord record in records)
        {
            if (!_participants.ContainsKey(record.Participant))
                Declare(record.Participant);
            if (_currencies.Add(record.Currency))
                Declare(record.Currency);
        }
    }

    private ControlCommand OpenWallet(in WalletRecord record) => new()
    {
        Instruction = Instruction.OpenWallet,
        Subject = record.Wallet,
        Holder = record.Holder,
        Participant = _participants[record.Participant],
        Country = record.Country,
        Currency = record.Currency,
        Tier = record.Tier,
        Kind = record.Kind,
        Level = record.Level,
        Status = record.Status,
    };

    /// <summary>Issues the opening balances: once per wallet and currency, whatever the file is called.</summary>
    public void IssueOpenings(string path)
    {
        using var reader = new WalletCsvReader(InputStream.Open(path), _scales);
        var records = new WalletRecord[Submitter.ClaimSlots];
        var issues = new PaymentRecord[Submitter.ClaimSlots];
        for (int count; (count = reader.Read(records)) > 0;)
        {
            int issued = 0;
            foreach (ref readonly WalletRecord record in records.AsSpan(0, count))
            {
                if (record.Opening == 0)
                    continue;
                issues[issued++] = new PaymentRecord
                {
                    Line = record.Line,
                    Payment = new Payment
                    {
                        IdHigh = Limits.OpeningIdHigh | record.Currency,
                        IdLow = record.Wallet,
                        Payee = record.Wallet,
                        Amount = record.Opening,
                        Currency = record.Currency,
                        Instruction = Instruction.Issue,
                        Flags = PaymentFlags.Opening,
                    },
                };
            }

            _submitter.Payments(issues.AsSpan(0, issued), SlotSource.Opening, Limits.OperatorSession);
        }
    }

    /// <summary>Journals the cut-offs and id settings that were given.</summary>
    public void ApplySettings(SettleOptions options)
    {
        Set(SettingKey.BatchCount, options.BatchCount);
        Set(SettingKey.BatchAgeNs, options.BatchAgeNs);
        Set(SettingKey.IdWindowNs, options.IdWindowNs);
        Set(SettingKey.IdRetentionNs, options.IdRetentionNs);
        foreach (BatchValue value in options.BatchValues)
        {
            foreach (ushort currency in _currencies.Order().Where(currency => value.Currency == 0 || value.Currency == currency))
                Send(new ControlCommand { Instruction = Instruction.SetSetting, Subject = (ulong)SettingKey.BatchValue, Currency = currency, Value = Units(value, currency) });
        }
    }

    public void ActivateRules(byte[] encoded) =>
        _submitter.Command(new ControlCommand { Instruction = Instruction.ActivateRules, Session = Limits.OperatorSession }, new SlotTag(SlotSource.Command, 0), encoded);

    /// <summary>Reports every closed batch up to this one as settled outside.</summary>
    public void ReportSettled(ulong last)
    {
        foreach (ulong batch in _unsettled.Where(batch => batch <= last))
            Send(new ControlCommand { Instruction = Instruction.SettledBatch, Subject = batch });
    }

    /// <summary>The operator's session of this clearance, opened if there is none.</summary>
    public ushort SessionOf(byte clearance)
    {
        if (_sessions.TryGetValue(clearance, out ushort session))
            return session;
        Send(new ControlCommand
        {
            Instruction = Instruction.OpenSession,
            Subject = _nextSession,
            Level = clearance,
            SessionFlags = SessionFlags.Operator,
        });
        return _nextSession;
    }

    private void Declare(string name)
    {
        ushort participant = (ushort)_participants.Count;
        _participants.Add(name, participant);
        var declare = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = participant };
        declare.SetName(name);
        Send(declare);
    }

    private void Declare(ushort currency) => Send(new ControlCommand
    {
        Instruction = Instruction.DeclareCurrency,
        Currency = currency,
        Scale = (byte)_scales[currency],
        Participant = Limits.OperatorParticipant,
    });

    private void Set(SettingKey key, ulong? value)
    {
        if (value is { } given)
            Send(new ControlCommand { Instruction = Instruction.SetSetting, Subject = (ulong)key, Value = given });
    }

    private ulong Units(BatchValue value, ushort currency)
    {
        if (value.Amount is null)
            return 0;
        if (!AmountText.TryParse(value.Amount, _scales[currency], out ulong units, out AmountError error))
            throw new UsageException($"--batch-value '{value.Amount}': expected {AmountExpectation.Of(error, currency, _scales[currency])}.");
        return units;
    }

    private void Send(ControlCommand command)
    {
        command.Session = Limits.OperatorSession;
        _submitter.Command(in command, new SlotTag(SlotSource.Command, 0));
    }
}
