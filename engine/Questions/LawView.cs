using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;

namespace Settlement.Engine.Questions;

/// <summary>What is asked cannot be answered as it was asked. The message is one sentence for who asked: which word, and what is expected.</summary>
internal sealed class QuestionException(string sentence) : Exception(sentence);

/// <summary>
/// All that an answer about the law depends on, as of one sequence. Never changes, so that a question is thought about on its own thread, however long that
/// takes, while the ledger goes on: taking a view copies references and a few hundred bytes.
/// </summary>
internal sealed record LawView
{
    public required ulong Sequence { get; init; }

    public required ulong TimeNs { get; init; }

    /// <summary>The rules in force; null: every corridor is open.</summary>
    public required RulePlan? Rules { get; init; }

    /// <summary>The laws that the rules were made from; null: a table by hand, or nothing.</summary>
    public required LawsInForce? InForce { get; init; }

    /// <summary>Their texts, and the parameters.</summary>
    public required LawInputs Current { get; init; }

    /// <summary>By instruction number.</summary>
    public required byte[] InstructionLevels { get; init; }

    /// <summary>Number and scale of each currency of the ledger.</summary>
    public required IReadOnlyList<(ushort Number, byte Scale)> Currencies { get; init; }

    public bool KnowsCurrency(ushort currency) => FindScale(currency) is not null;

    /// <summary>The ledger's scale; ISO's for a currency that it has not declared; 0 where there is none.</summary>
    public int ScaleOf(ushort currency) => FindScale(currency) ?? Math.Max(0, Iso4217.ScaleOf(currency));

    /// <summary>The state must stand still: between two blocks, or in a replay.</summary>
    public static LawView Of(LedgerState state)
    {
        var currencies = new (ushort, byte)[state.Currencies.Count];
        for (int index = 1; index <= currencies.Length; index++)
            currencies[index - 1] = (state.Currencies[index].Number, state.Currencies[index].Scale);
        return new LawView
        {
            Sequence = state.Sequence,
            TimeNs = state.TimeNs,
            Rules = state.Rules,
            InForce = state.Laws.InForce,
            Current = state.LawBook.Current(),
            InstructionLevels = [.. state.Settings.InstructionLevels],
            Currencies = currencies,
        };
    }

    private byte? FindScale(ushort currency)
    {
        foreach ((ushort number, byte scale) in Currencies)
        {
            if (number == currency)
                return scale;
        }

        return null;
    }
}
