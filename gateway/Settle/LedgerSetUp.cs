using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Gateway.Input;

namespace Settlement.Gateway.Settle;

/// <summary>
/// The control commands of a settle run: what the wallets file and the options need that the ledger does not have yet. Reads the
/// state once, before anything is submitted, and from then on keeps account of what it has sent itself.
/// </summary>
internal sealed class LedgerSetUp
{
    private readonly Submitter _submitter;
    private readonly CurrencyScales _scales;
    private readonly Dictionary<string, ushort> _participants = new(StringComparer.Ordinal);
    private readonly HashSet<ushort> _currencies = [];
    private readonly ulong _timeNs;
    private readonly bool _isNew;
    private readonly ulong _lastBatch;
    private readonly List<ulong> _unsettled = [];
    private readonly ushort _clearances;
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

        _timeNs = state.TimeNs;
        _isNew = state.Sequence == 0;
        _lastBatch = state.Batch.Number - 1;
        for (ulong batch = 1; batch <= _lastBatch; batch++)
        {
            if (state.Positions.IsUnsettled(batch))
                _unsettled.Add(batch);
        }

        _clearances = (ushort)state.Sessions.Next;
    }

    /// <summary>
    /// Gives a ledger without a command or payment its cut-offs, in one claim and so in its first block: a run that ended before left
    /// either both or none.
    /// </summary>
    public void BeginLedger(SettleOptions options)
    {
        if (!_isNew)
            return;
        _submitter.Commands(
        [
            Setting(SettingKey.BatchCount, options.BatchCount ?? SettleOptions.BatchCountDefault),
            Setting(SettingKey.BatchAgeNs, options.BatchAgeNs ?? SettleOptions.BatchAgeNsDefault),
        ], new SlotTag(SlotSource.Command, 0));
    }

    /// <summary>Starting the program is the operator's word that the time since the last run has really passed.</summary>
    public void AcceptTime(ulong nowNs)
    {
        if (_timeNs != 0 && nowNs > _timeNs && nowNs - _timeNs > Limits.TimeStepMaxNs / 2) // half: the first block is sealed later than this is looked at
            Send(new ControlCommand { Instruction = Instruction.AcceptTime });
    }

    /// <summary>Declares participants and currencies that are new, and opens wallets and accounts.</summary>
    public void OpenWallets(string path)
    {
        using var reader = new WalletCsvReader(InputStream.Open(path), _scales);
        CheckToEnd(path);
        var records = new WalletRecord[Submitter.ClaimSlots];
        for (int count; (count = reader.Read(records)) > 0;)
        {
            foreach (ref readonly WalletRecord record in records.AsSpan(0, count))
            {
                if (!_participants.TryGetValue(record.Participant, out ushort participant))
                    participant = Declare(record.Participant);
                if (_currencies.Add(record.Currency))
                    Declare(record.Currency);
                var open = new ControlCommand
                {
                    Instruction = Instruction.OpenWallet,
                    Subject = record.Wallet,
                    Holder = record.Holder,
                    Participant = participant,
                    Country = record.Country,
                    Currency = record.Currency,
                    Tier = record.Tier,
                    Level = record.Level,
                    Status = record.Status,
                    Session = Limits.OperatorSession,
                };
                _submitter.Command(in open, new SlotTag(SlotSource.Wallet, record.Line));
            }
        }
    }

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
        if (!_isNew)
        {
            Set(SettingKey.BatchCount, options.BatchCount);
            Set(SettingKey.BatchAgeNs, options.BatchAgeNs);
        }

        Set(SettingKey.IdWindowNs, options.IdWindowNs);
        Set(SettingKey.IdRetentionNs, options.IdRetentionNs);
        foreach (BatchValue value in options.BatchValues)
        {
            if (value.Currency != 0 && !_currencies.Contains(value.Currency))
                throw new UsageException($"--batch-value {Iso4217.LettersOf(value.Currency)}: the ledger has no such currency.");
            foreach (ushort currency in _currencies.Order().Where(currency => value.Currency == 0 || value.Currency == currency))
                Send(new ControlCommand { Instruction = Instruction.SetSetting, Subject = (ulong)SettingKey.BatchValue, Currency = currency, Value = Units(value, currency) });
        }
    }

    public void ActivateRules(byte[] encoded) =>
        _submitter.Command(new ControlCommand { Instruction = Instruction.ActivateRules, Session = Limits.OperatorSession }, new SlotTag(SlotSource.Command, 0), encoded);

    /// <summary>Reports every closed batch up to this one as settled outside.</summary>
    public void ReportSettled(ulong last)
    {
        if (last == 0 || last > _lastBatch)
            throw new UsageException($"--settled {last}: {(_lastBatch == 0 ? "no batch is closed" : $"batches 1 to {_lastBatch} are closed")}.");
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
            Subject = _clearances,
            Level = clearance,
            SessionFlags = SessionFlags.Operator,
        });
        return _clearances;
    }

    /// <summary>A bad line is found before the first wallet is opened.</summary>
    private void CheckToEnd(string path)
    {
        using var reader = new WalletCsvReader(InputStream.Open(path), _scales);
        var records = new WalletRecord[Submitter.ClaimSlots];
        while (reader.Read(records) > 0)
        {
        }
    }

    private ushort Declare(string name)
    {
        ushort participant = (ushort)_participants.Count;
        _participants.Add(name, participant);
        var declare = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = participant };
        declare.SetName(name);
        Send(declare);
        return participant;
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
            _submitter.Commands([Setting(key, given)], new SlotTag(SlotSource.Command, 0));
    }

    private static ControlCommand Setting(SettingKey key, ulong value) =>
        new() { Instruction = Instruction.SetSetting, Subject = (ulong)key, Value = value, Session = Limits.OperatorSession };

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
