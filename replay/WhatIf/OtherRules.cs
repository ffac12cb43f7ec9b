using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.WhatIf;

/// <summary>The rules of a hypothesis: modules or a table file, read at the ledger's scales.</summary>
internal sealed class OtherRules
{
    public const string None = "none";

    private readonly CurrencyScales _scales;

    private OtherRules(RulePlan? plan, CurrencyScales scales) => (Plan, _scales) = (plan, scales);

    /// <summary>Null: every corridor is open.</summary>
    public RulePlan? Plan { get; }

    /// <summary>What the plan was made from; a table is made from none.</summary>
    public IReadOnlyList<LawModule> Modules { get; private init; } = [];

    /// <param name="paths">Modules and folders of them, one table, or <see cref="None"/>.</param>
    /// <param name="parameters">Rates and indexes that modules ask for.</param>
    /// <param name="directory">The journal's.</param>
    /// <param name="start">Where a walk of it begins; null: at its genesis block.</param>
    /// <param name="corrected">The scales that an earlier walk has found; null: there was none.</param>
    /// <exception cref="UsageException">The table cannot be used.</exception>
    public static OtherRules Read(IReadOnlyList<string> paths, Dictionary<ParameterName, ulong> parameters, string directory, LedgerState? start, CurrencyScales? corrected)
    {
        CurrencyScales declared = ScalesOf(directory, start, out ulong firstNs, out ulong lastNs);
        CurrencyScales scales = corrected ?? declared;
        if (paths is [None])
            return new OtherRules(null, scales);
        int day = Calendar.DayOf(start?.TimeNs ?? firstNs);
        var files = new RuleFiles(scales, parameters, day, isHypothesis: true);
        if (!files.TryRead(paths, out RuleTable? table, out string fault))
            throw new UsageException($"--rules {fault}.");
        if (files.NextChangeDay <= Calendar.DayOf(lastNs))
            throw new UsageException(
                $"--rules: the modules say something else from {RuleFiles.DateOf(files.NextChangeDay.Value)} on, which is within the journal. Leave the statements of other days out, or ask about files that state one day's law.");
        return RulePlan.TryBuild(table!, Iso4217.OwnerCountry, out RulePlan? plan, out string error)
            ? new OtherRules(plan, scales) { Modules = files.Modules }
            : throw new UsageException($"--rules {string.Join(", ", paths)}: {error}.");
    }

    /// <summary>
    /// Amounts were read at the scales that the journal declares first; which declarations the ledger refused, only a walk of it tells.
    /// </summary>
    /// <param name="walked">The ledger behind the walk.</param>
    /// <returns>The scales to read them at instead; null: they were read at the ledger's.</returns>
    public CurrencyScales? Corrected(LedgerState walked)
    {
        bool isCorrect = true;
        for (int index = 1; index <= walked.Currencies.Count; index++)
        {
            (ushort currency, byte scale) = (walked.Currencies[index].Number, walked.Currencies[index].Scale);
            if (_scales[currency] == scale)
                continue;
            _scales.Declare(currency, scale);
            isCorrect = false;
        }

        return isCorrect ? null : _scales;
    }

    /// <summary>From the journal's declarations: a ledger's scale never changes, and a table may name a currency that is declared later.</summary>
    /// <param name="directory">The journal's.</param>
    /// <param name="start">Where the walk begins; null: at its genesis block.</param>
    /// <param name="firstNs">Time of the first block of payments.</param>
    /// <param name="lastNs">Of the last.</param>
    private static CurrencyScales ScalesOf(string directory, LedgerState? start, out ulong firstNs, out ulong lastNs)
    {
        (firstNs, lastNs) = (0, 0);
        var scales = new CurrencyScales();
        var declared = new HashSet<ushort>();
        for (int index = 1; index <= (start?.Currencies.Count ?? 0); index++)
        {
            declared.Add(start!.Currencies[index].Number);
            scales.Declare(start.Currencies[index].Number, start.Currencies[index].Scale);
        }

        using JournalReader reader = Journals.Open(directory);
        while (reader.Next())
        {
            if (reader.Header.Kind == BlockKind.Payments)
            {
                firstNs = firstNs == 0 ? reader.Header.TimeNs : firstNs;
                lastNs = reader.Header.TimeNs;
            }

            if (reader.Header.Kind != BlockKind.Control)
                continue;
            ReadOnlySpan<ControlCommand> commands = MemoryMarshal.Cast<byte, ControlCommand>(reader.Body[..((int)reader.Header.Count * Payment.Size)]);
            for (int i = 0; i < commands.Length; i += 1 + commands[i].ContinuationSlots)
            {
                ref readonly ControlCommand command = ref commands[i];
                bool declares = command.Instruction == Instruction.DeclareCurrency && Iso4217.IsKnown(command.Currency)
                    && command.Scale >= Iso4217.ScaleOf(command.Currency) && command.Scale <= Limits.ScaleMax;
                if (declares && declared.Add(command.Currency))
                    scales.Declare(command.Currency, command.Scale);
            }
        }

        return scales;
    }
}
