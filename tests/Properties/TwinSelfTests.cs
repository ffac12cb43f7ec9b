using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Properties;

/// <summary>The small stories, told to the naive twin.</summary>
public sealed class NaiveEngineScenarios : LedgerScenarios
{
    protected override ILedgerUnderTest Open(Genesis genesis) => new NaiveEngine(genesis, new TableRules());

    protected override byte[] Encode(IReadOnlyList<TableRule> rules) => TableRules.Encode(rules);
}
